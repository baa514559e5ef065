"""Who called us: the frame of the call in the user's program."""

from __future__ import annotations

import os
import sys
from types import FrameType

OURS = os.path.dirname(__file__) + os.sep  # noqa: PTH120 -- as the names of files in code objects begin
"""How the file names of our own code begin; its frames are never the caller's."""


def caller(stacklevel: int = 1) -> FrameType | None:
    """The frame of the program that called us, however deep in our own code this is asked.

    Args:
        stacklevel: As in the standard library: 2 means the caller of that, and so on; the outermost frame is the last.

    Returns:
        `None` where no Python code called, as in a thread that was started in C.

    Example:
        >>> frame = caller()
        >>> frame.f_code.co_name
        '<module>'
    """
    found = None
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        name = frame.f_code.co_filename
        # The import system's frames count as little as our own, as in the standard library.
        if not name.startswith(OURS) and (found is None or not ("importlib" in name and "_bootstrap" in name)):
            found = frame
            stacklevel -= 1
            if stacklevel <= 0:
                break
        frame = frame.f_back
    return found
