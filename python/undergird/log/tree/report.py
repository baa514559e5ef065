"""Telling the developer that a message and its arguments do not fit."""

from __future__ import annotations

import logging
import sys
import traceback
from pathlib import Path

_INSIDE = {str(Path(module).parent) for module in (__file__, logging.__file__)}


def report(template: str, arguments: str) -> None:
    """Says on stderr what went wrong and where the call stands.

    As `logging.Handler.handleError` does, under the same switch, while the exception is being handled.

    Args:
        template: The message of the call.
        arguments: What its arguments look like.
    """
    if not logging.raiseExceptions or sys.stderr is None:
        return
    frame = sys._getframe()
    while frame.f_back is not None and str(Path(frame.f_code.co_filename).parent) in _INSIDE:
        frame = frame.f_back
    try:
        sys.stderr.write("--- Logging error ---\n")
        traceback.print_exc(limit=1, file=sys.stderr)
        sys.stderr.write("Call stack:\n")
        traceback.print_stack(frame, file=sys.stderr)
        sys.stderr.write(f"Message: {template!r}\nArguments: {arguments}\n")
    except Exception:
        return  # As the standard library: a broken stderr is no reason to stop the program.
