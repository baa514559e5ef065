"""Texts of values that are no primitives. Nothing here raises because of a value."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from collections.abc import Mapping
from typing import Any


def text(value: object) -> str:
    """`str(value)`, or a note if that fails.

    Example:
        >>> text(7)
        '7'
    """
    try:
        return str(value)
    except Exception:
        return f"<unprintable {type(value).__name__} object>"


def render(value: object) -> tuple[bool, str]:
    """The text of a value as it is now, and whether it is a finished piece of JSON.

    Plain lists, tuples and dicts become JSON, everything else text.

    Example:
        >>> render([3, 4])
        (True, '[3,4]')
        >>> render(1 + 2j)
        (False, '(1+2j)')
    """
    if type(value) in (list, tuple, dict):
        try:
            return True, json.dumps(value, default=text, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        except Exception:
            return False, text(value)
    return False, text(value)


def message(template: object, args: tuple[Any, ...]) -> str:
    """`template % args` as the standard library does it, reported as it does where they do not fit.

    Example:
        >>> message("%(a)s and %(a)s", ({"a": 1},))
        '1 and 1'
    """
    whole = template if isinstance(template, str) else text(template)
    if not args:
        return str(whole)
    values: Any = args[0] if len(args) == 1 and isinstance(args[0], Mapping) and args[0] else args
    try:
        return str(whole % values)
    except Exception:
        _report(whole, args)
        return f"{whole} {text(args)}"


def _report(template: str, args: tuple[Any, ...]) -> None:
    """Tells the developer on stderr, as `logging.Handler.handleError` does and under the same switch."""
    if not logging.raiseExceptions or sys.stderr is None:
        return
    try:
        sys.stderr.write("--- Logging error ---\n")
        traceback.print_exc(limit=1, file=sys.stderr)
        sys.stderr.write(f"Message: {template!r}\nArguments: {text(args)}\n")
    except Exception:
        return  # As the standard library: a broken stderr is no reason to stop the program.


def in_event_loop() -> bool:
    """Whether this thread runs an asyncio event loop now; does not load asyncio to find out.

    Example:
        >>> in_event_loop()
        False
    """
    asyncio = sys.modules.get("asyncio")
    return asyncio is not None and asyncio._get_running_loop() is not None
