"""Lines of tracebacks: what is printed of a frame depends on its instruction only, so it is made once."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterable
from itertools import islice
from types import CodeType, FrameType, TracebackType

MOST_REMEMBERED = 4096
"""Instructions whose lines are remembered; a program of generated code can raise at any number of them."""
MOST_SHOWN = 2000
"""Lines of one traceback; of more, those in the middle are left out."""
_REPEATS = 3
"""After so many equal lines the interpreter counts the rest."""


class Line:
    """What a traceback says of one frame.

    Attributes:
        text: The lines as the interpreter prints them, with the source and the marks under it.
        where: File, line and function, by which the interpreter knows repetitions; `None` for what never repeats.
        code: The code; held, so that its address cannot come to mean another.
        suppressed: Whether it is left out.
    """

    __slots__ = ("code", "suppressed", "text", "where")

    def __init__(
        self, text: str, where: tuple[int, str, str] | None, code: CodeType | None = None, suppressed: bool = False
    ) -> None:
        self.text = text
        self.where = where
        self.code = code
        self.suppressed = suppressed


class Suppressed:
    """Frames that tracebacks leave out.

    Args:
        names: Names of modules, which stand for what is below them too; and absolute paths of files or folders.
    """

    __slots__ = ("_modules", "_paths")

    def __init__(self, names: Iterable[str]) -> None:
        listed = list(names)
        self._paths = tuple(name for name in listed if os.sep in name)
        self._modules = frozenset(name for name in listed if os.sep not in name)

    def __contains__(self, frame: FrameType) -> bool:
        path = frame.f_code.co_filename
        if any(path == one or path.startswith(one.rstrip(os.sep) + os.sep) for one in self._paths):
            return True
        module: object = frame.f_globals.get("__name__")
        while type(module) is str and module:
            if module in self._modules:
                return True
            module = module.rpartition(".")[0]
        return False


def suppress(frames: Suppressed | None) -> None:
    """Leaves frames out of the tracebacks of this run; `None` leaves out none."""
    global _suppressed
    _suppressed = frames
    _known.clear()


def is_suppressed(frame: FrameType) -> bool:
    """Whether tracebacks of this run leave a frame out."""
    return _suppressed is not None and frame in _suppressed


def lines_of(tb: TracebackType | None) -> list[Line]:
    """What is printed of a traceback's frames, the outermost first.

    Source lines are read when an instruction is first seen in a traceback; they stay as they were then.
    """
    known = _known
    lines = []
    while tb is not None:
        code = tb.tb_frame.f_code
        line = known.get((id(code), tb.tb_lasti))
        lines.append(_remembered(tb, code) if line is None else line)
        tb = tb.tb_next
    limit: object = getattr(sys, "tracebacklimit", None)
    if type(limit) is int:
        del lines[max(limit, 0) :]
    return lines if _suppressed is None else _marked(lines)


def printed(lines: Iterable[Line]) -> list[str]:
    """The texts of lines, with repetitions counted as the interpreter does."""
    texts = []
    last = None
    count = 0
    for line in lines:
        where = line.where
        if where is None or where != last:
            if count > _REPEATS:
                texts.append(_repeated(count - _REPEATS))
            last = where
            count = 0
        count += 1
        if count <= _REPEATS:
            texts.append(line.text)
    if count > _REPEATS:
        texts.append(_repeated(count - _REPEATS))
    excess = len(texts) - MOST_SHOWN
    if excess > 0:
        texts[MOST_SHOWN // 2 : MOST_SHOWN // 2 + excess] = [f"  [… {excess} more frames …]\n"]
    return texts


_known: dict[tuple[int, int], Line] = {}
_suppressed: Suppressed | None = None


def _remembered(tb: TracebackType, code: CodeType) -> Line:
    frame = tb.tb_frame
    suppressed = is_suppressed(frame)
    try:
        summary = traceback.extract_tb(tb, limit=1)
        (text,) = summary.format()
        number = summary[0].lineno
    except Exception:
        # Sources come from loaders, and those may be anybody's.
        number = tb.tb_lineno
        text = f'  File "{code.co_filename}", line {number}, in {code.co_name}\n'
    where = None if number is None else (number, code.co_filename, code.co_name)
    line = Line(text, where, code, suppressed)
    # Without a position in the code the line is the traceback's own: who makes tracebacks may name any.
    at = tb.tb_lasti // 2
    if at >= 0 and next(islice(code.co_positions(), at, None), (None,))[0] is not None:
        if len(_known) >= MOST_REMEMBERED:
            _known.clear()
        _known[id(code), tb.tb_lasti] = line
    return line


def _marked(lines: list[Line]) -> list[Line]:
    """The lines with a mark in the place of each run of those that are left out."""
    out: list[Line] = []
    run = 0
    for line in lines:
        if line.suppressed:
            run += 1
            continue
        if run:
            out.append(_mark(run))
            run = 0
        out.append(line)
    if run:
        out.append(_mark(run))
    return out


def _mark(count: int) -> Line:
    return Line(f"  [{count} frame{'s' if count > 1 else ''} left out]\n", None)


def _repeated(count: int) -> str:
    return f"  [Previous line repeated {count} more time{'s' if count > 1 else ''}]\n"
