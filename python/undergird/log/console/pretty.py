"""A record as a person reads it in a terminal: aligned, coloured, wrapped."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from undergird.log.console.excerpt import Line
from undergird.log.console.terminal import cells, harmless
from undergird.log.values.fields import render
from undergird.log.values.jsontext import digits_as_text
from undergird.log.values.texts import text

WIDEST_NAME = 24
"""Columns for the names of loggers; longer names lose their beginning."""
WIDEST_MESSAGE = 32
"""Columns after which fields begin, where there is room; messages may be longer."""
NARROW = 64
"""In fewer columns nothing is aligned: a line has the time without fractions and what fits."""
LONGEST_VALUE = 1000
"""Characters of a field that are shown."""

_COLOURS = {
    "time": "2",
    "name": "34",
    "key": "36",
    "note": "2",
    "place": "36",
    "error": "1;31",
    "loud": "1",
    "critical": "1;97;41",
    "bad": "31",
    "warning": "33",
    "good": "32",
    "quiet": "2",
}

Piece = tuple[str, str]
"""A harmless text and the name of its colour, or nothing."""


class Page(NamedTuple):
    """What a line is written for.

    Attributes:
        columns: The width of the terminal; `None` for lines of any length.
        coloured: Whether it takes colours.
        names: Columns for the names of loggers.
        levels: Columns for the names of levels.
    """

    columns: int | None
    coloured: bool
    names: int
    levels: int = 8


class Entry(NamedTuple):
    """What a record says, redacted, but with any characters.

    Attributes:
        created: When, in seconds since the epoch.
        level: The level's number.
        level_name: Its name.
        name: The logger's name.
        message: The message.
        fields: The fields.
        place: File and line of the call, if they were asked for.
        below: Lines that follow, such as a traceback's.
    """

    created: float
    level: int
    level_name: str
    name: str
    message: str
    fields: Mapping[str, object]
    place: str = ""
    below: Iterable[Line] = ()


def spelled(entry: Entry, page: Page) -> str:
    """The lines of a record, without the last line's end.

    Example:
        >>> entry = Entry(0.0, 20, "INFO", "sim", "agent moved", {"agent_id": 7})
        >>> spelled(entry, Page(None, False, 3))[13:]
        'INFO     sim  agent moved                       agent_id=7'
    """
    narrow = page.columns is not None and page.columns < NARROW
    line = _Lines(page)
    line.add(_time(entry.created, narrow), "time")
    level = harmless(entry.level_name)
    widest = WIDEST_NAME if page.columns is None else min(WIDEST_NAME, max(page.columns // 5, 12))
    name = _shortened(harmless(entry.name), widest)
    line.add(level, _colour(entry.level))
    if narrow:
        line.add(f"{name}:", "name")
        line.indent = 2
    else:
        line.pad(page.levels - cells(level))
        line.add(name, "name")
        line.pad(min(page.names, widest) - cells(name) + 1)
        line.indent = line.next_column
    start = line.next_column
    for number, part in enumerate(harmless(entry.message, lines=True).split("\n")):
        if number:
            line.end()
        line.words(part, "loud" if entry.level >= logging.ERROR else "")
    if entry.fields or entry.place:
        if not narrow and line.wrapped:
            line.end()
        elif not narrow:
            # The same column for all, unless the message is longer.
            room = WIDEST_MESSAGE if page.columns is None else min(WIDEST_MESSAGE, (page.columns - start) * 2 // 5)
            line.pad(max(start + room - line.width + 1, 1))
        for key, value in entry.fields.items():
            line.add_pieces([(harmless(text(key)), "key"), ("=", "quiet"), (shown(value, text(key)), "")])
        if entry.place:
            line.add(f"({harmless(entry.place)})", "quiet")
    for below in entry.below:
        line.indent = (2 if narrow else 4) + 2 * below.depth
        line.end()
        line.add(harmless(below.text), "" if below.kind == "code" else below.kind)
    return line.finished()


def shown(value: object, name: str = "") -> str:
    """A field's value: a word as Python has it, in quotes if it is not one word; containers as JSON.

    Example:
        >>> shown(0.5), shown("two words"), shown([3, None]), shown(None)
        ('0.5', '"two words"', '[3,null]', 'None')
    """
    kind = type(value)
    if value is None or kind is bool or kind is float:
        return repr(value)
    if kind is int:
        return _integer(value)  # type: ignore[arg-type]
    is_json, spelling = (False, value) if kind is str else render(value, name)
    whole = str(spelling)
    plain = whole[:LONGEST_VALUE]
    if not is_json and (not plain or any(c.isspace() or c in '"=\\' for c in plain) or not plain.isprintable()):
        plain = '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'
    more = f"… ({len(whole):,} characters)" if len(whole) > LONGEST_VALUE else ""
    return harmless(plain) + more


def _integer(value: int) -> str:
    try:
        digits = repr(value)
    except ValueError:
        digits = digits_as_text(value)
    return digits if len(digits) <= LONGEST_VALUE else f"{digits[:LONGEST_VALUE]}… ({len(digits):,} digits)"


def _shortened(name: str, widest: int) -> str:
    if cells(name) <= widest:
        return name
    end = name[-widest:]
    while cells(end) >= widest:
        end = end[1:]
    return "…" + end


def _time(created: float, narrow: bool) -> str:
    clock = time.strftime("%H:%M:%S", time.localtime(created))
    return clock if narrow else f"{clock}.{int(created * 1000) % 1000:03d}"


def _colour(level: int) -> str:
    # By number: a level of the user's has the colour of the next one below it.
    limits = ((logging.CRITICAL, "critical"), (logging.ERROR, "bad"), (logging.WARNING, "warning"))
    for limit, colour in (*limits, (logging.INFO, "good")):
        if level >= limit:
            return colour
    return "quiet"


class _Lines:
    """Lines in the making."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.indent = 0
        self.width = 0
        self.parts: list[str] = []
        self.blanks = 0
        """Before the next piece."""
        self.wrapped = False
        """Whether there is more than one line."""

    @property
    def next_column(self) -> int:
        """Where the next piece begins, if it fits."""
        return self.width + self.blanks

    def add(self, text: str, colour: str = "") -> None:
        """Appends a piece, on a new line if it does not fit."""
        self.add_pieces([(text, colour)])

    def add_pieces(self, pieces: list[Piece]) -> None:
        """Appends pieces that stand together."""
        width = sum(cells(text) for text, _ in pieces)
        if self.blanks and self.page.columns is not None and self.next_column + width > self.page.columns:
            self.end()
        self.parts.append(" " * self.blanks)
        self.parts += (self._coloured(text, colour) for text, colour in pieces)
        self.width = self.next_column + width
        self.blanks = 1

    def words(self, text: str, colour: str) -> None:
        """Appends a text, on several lines if it does not fit."""
        if self.page.columns is None or self.next_column + cells(text) <= self.page.columns:
            self.add(text, colour)
            return
        for word in text.split(" "):
            self.add(word, colour)

    def pad(self, count: int) -> None:
        """Leaves room before what comes next on this line."""
        self.blanks = max(count, 0) + 1

    def end(self) -> None:
        """Begins a new line."""
        self.parts.append("\n" + " " * self.indent)
        self.width = self.indent
        self.blanks = 0
        self.wrapped = True

    def finished(self) -> str:
        return "".join(self.parts)

    def _coloured(self, text: str, colour: str) -> str:
        return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m" if colour and text and self.page.coloured else text
