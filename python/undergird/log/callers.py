"""Who called us: the frame of the call in the user's program."""

from __future__ import annotations

import os
import sys
from types import FrameType

from undergird import _context, _core

_skipped: tuple[str, ...] = ()


def skip_frames_of(file: str, *, alone: bool = False) -> None:
    """Says that code in the folder of a file is never the caller, here and natively.

    Args:
        file: As the names of files in code objects are.
        alone: Whether this holds for the file only.
    """
    global _skipped
    beginning = file if alone else os.path.dirname(file) + os.sep  # noqa: PTH120 -- as they begin
    if beginning not in _skipped:
        _skipped += (beginning,)
        _core.skip_frames_in(beginning)


def caller(stacklevel: float = 1) -> FrameType | None:
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
        if not name.startswith(_skipped) and (found is None or not ("importlib" in name and "_bootstrap" in name)):
            found = frame
            stacklevel -= 1
            if stacklevel <= 0:
                break
        frame = frame.f_back
    return found


skip_frames_of(__file__)
skip_frames_of(_context.__file__, alone=True)
