"""Short tracebacks: the frames of the user's own code, and what was raised."""

from __future__ import annotations

import linecache
import os
import sysconfig
import traceback
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

from undergird.log.exceptions.frames import is_suppressed
from undergird.log.values.texts import described, text

MOST_FRAMES = 4
"""Frames of the user's code that are shown, the innermost; that of the error itself comes besides."""
MOST_ERRORS = 5
"""Errors of a chain, or of a group, that are shown."""

_CAUSED, _MEANWHILE = "which caused", "while handling it"


class Line(NamedTuple):
    """A line of an excerpt: how deep it is indented, its text, and what it is.

    Attributes:
        depth: Steps of indentation.
        text: What it says; any characters.
        kind: `"place"`, `"code"`, `"error"` or `"note"`.
    """

    depth: int
    text: str
    kind: str


def excerpt(error: BaseException) -> Iterator[Line]:
    """The lines of a short traceback, in Python's order: the error that was raised first comes first.

    Args:
        error: What was raised. Its causes and what it was raised in the handling of are shown before it, the members of
            a group after it.

    Example:
        >>> try:
        ...     {}["position"]
        ... except KeyError as error:
        ...     [line.text for line in excerpt(error)][-1]
        "KeyError: 'position'"
    """
    return _excerpt(error, 0)


def _excerpt(error: BaseException, depth: int) -> Iterator[Line]:
    chain = _chain(error)
    for number, (link, one) in enumerate(chain):
        if number:
            yield Line(depth, link, "note")
        yield from _frames(one, depth)
        first, *more = described(one).split("\n")
        yield Line(depth, first, "error")
        yield from (Line(depth + 1, line, "error") for line in more)
        for note in _notes(one):
            yield from (Line(depth + 1, line, "note") for line in note.split("\n"))
        if isinstance(one, BaseExceptionGroup) and depth < MOST_ERRORS:
            for member in one.exceptions[:MOST_ERRORS]:
                yield from _excerpt(member, depth + 1)
            if len(one.exceptions) > MOST_ERRORS:
                yield Line(depth + 1, f"… and {len(one.exceptions) - MOST_ERRORS} more", "note")


def _chain(error: BaseException) -> list[tuple[str, BaseException]]:
    """The errors that led to one, the oldest first, each with what stands before it."""
    chain: list[tuple[str, BaseException]] = []
    at: BaseException | None = error
    known: set[int] = set()
    while at is not None and id(at) not in known and len(chain) < MOST_ERRORS:
        known.add(id(at))
        cause = at.__cause__
        chain.append((_CAUSED if cause is not None else _MEANWHILE, at))
        at = cause if cause is not None else None if at.__suppress_context__ else at.__context__
    return chain[::-1]


def _notes(error: BaseException) -> list[str]:
    notes: Any = getattr(error, "__notes__", ())
    return [text(note) for note in notes] if isinstance(notes, list | tuple) else []


def _frames(error: BaseException, depth: int) -> Iterator[Line]:
    frames = list(traceback.walk_tb(error.__traceback__))
    own = [place for place, (frame, _) in enumerate(frames) if not _is_left_out(frame)]
    shown = {*own[-MOST_FRAMES:], len(frames) - 1}
    hidden = 0
    for place, (frame, number) in enumerate(frames):
        if place not in shown:
            hidden += 1
            continue
        if hidden:
            yield Line(depth, f"… {hidden} frame{'s' * (hidden > 1)}", "note")
            hidden = 0
        yield Line(depth, f"{_short(frame.f_code.co_filename)}:{number} in {_function(frame)}", "place")
        if code := linecache.getline(frame.f_code.co_filename, number, frame.f_globals).strip():
            yield Line(depth + 1, code, "code")


def _function(frame: FrameType) -> str:
    return frame.f_code.co_qualname.replace("<locals>.", "")


def _is_left_out(frame: FrameType) -> bool:
    return is_suppressed(frame) or _is_library(frame.f_code.co_filename)


@cache
def _is_library(file: str) -> bool:
    if file.startswith("<frozen "):
        return True
    parents = Path(file).parents
    return any(folder in parents for folder in _library_folders())


@cache
def _library_folders() -> list[Path]:
    paths = sysconfig.get_paths()
    names = ("stdlib", "platstdlib", "purelib", "platlib")
    return [*(Path(paths[name]) for name in names if name in paths), Path(__file__).parent.parent]


def _short(file: str) -> str:
    """The path as the user would name it where the program runs."""
    try:
        here = os.path.join(Path.cwd(), "")  # noqa: PTH118 -- with a separator at the end
    except OSError:
        return file
    return file.removeprefix(here)
