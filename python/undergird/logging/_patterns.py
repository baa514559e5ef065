"""What a formatter of the standard library makes of a record: what stands in every line, and what does not."""

from __future__ import annotations

import logging
import re
import time
from typing import Any

SECOND, MESSAGE, MILLISECONDS, PROCESS = range(4)
"""What differs from line to line: the date to the second, the message, three digits, the number of the process."""

Piece = str | int
"""Text, or one of those."""

Date = tuple[Any, Any, str]
"""What makes a time of seconds, what makes a text of that, and by which format."""

_CONVERTERS = (time.localtime, time.gmtime)
_STRFTIME = time.strftime

_CONVERSION = re.compile(r"%(?:%|\((\w+)\)([-#0+ ]*\d*(?:\.\d+)?[a-z]))")
# Dates of digits: names of months and days change with the locale.
_DIGITS = re.compile(r"(?:[^%]|%[YmdHMSjyz%])*")
_WITH_MILLISECONDS = re.compile(r"%s([^%]*)%03d([^%]*)")

_DIFFERING = {
    ("message", "s"): MESSAGE,
    ("msecs", "03d"): MILLISECONDS,
    ("process", "d"): PROCESS,
    ("process", "s"): PROCESS,
}


def pattern_of(formatter: logging.Formatter) -> tuple[str, Date | None, list[Piece]] | None:
    """A formatter's pattern, its date's making if it has one, and the date's parts; `None` if it is not for us."""
    style = formatter._style
    if type(formatter) is not logging.Formatter or type(style) is not logging.PercentStyle:
        return None
    pattern = style._fmt
    if type(pattern) is not str or style._defaults:  # type: ignore[attr-defined]
        return None
    if "%(asctime)" not in pattern:
        return pattern, None, []
    pieces: list[Piece] = [SECOND]
    of_second = formatter.datefmt
    if not of_second:
        of_second, behind = formatter.default_time_format, formatter.default_msec_format
        if behind:
            found = _WITH_MILLISECONDS.fullmatch(behind) if type(behind) is str else None
            if found is None:
                return None
            pieces += [found[1], MILLISECONDS, found[2]]
    known = formatter.converter in _CONVERTERS and time.strftime is _STRFTIME
    if not known or type(of_second) is not str or not of_second.isascii() or not _DIGITS.fullmatch(of_second):
        return None
    return pattern, (formatter.converter, time.strftime, of_second), pieces


def pieces_of(pattern: str, date: list[Piece], constants: dict[str, Any], end: str) -> list[Piece] | None:
    """The parts of a line; `None` if there is one that is not for us.

    Args:
        pattern: As a formatter has it.
        date: The parts of the date.
        constants: What stands in every line of a logger and level.
        end: What stands behind each line.
    """
    pieces: list[Piece] = []
    at = 0
    while (begin := pattern.find("%", at)) >= 0:
        found = _CONVERSION.match(pattern, begin)
        if found is None:
            return None
        pieces.append(pattern[at:begin])
        at = found.end()
        name, how = found[1], found[2]
        if name is None or name in constants:
            try:
                pieces.append(found[0] % constants)
            except (TypeError, ValueError, OverflowError):
                return None
        elif (name, how) == ("asctime", "s"):
            pieces += date
        elif (name, how) in _DIFFERING:
            pieces.append(_DIFFERING[name, how])
        else:
            return None
    pieces += [pattern[at:], end]
    return _joined(pieces)


def _joined(pieces: list[Piece]) -> list[Piece]:
    """The same with all text that stands together in one."""
    joined: list[Piece] = []
    for piece in pieces:
        last = joined[-1] if joined else None
        if isinstance(piece, str) and isinstance(last, str):
            joined[-1] = last + piece
        elif piece != "":
            joined.append(piece)
    return joined
