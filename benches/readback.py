"""Reads a contender's files back: every record once, in order, with every value right."""

from __future__ import annotations

import importlib
import json
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from operator import itemgetter
from pathlib import Path
from typing import Any

from contenders import LOGGER_NAME, MESSAGE, Layout
from loops import Fields

_STAMP = len("2026-11-21T07:26:00.123456Z")
# Python's and orjson's datetimes print no fraction where it happens to be zero.
_WHOLE_SECOND = len("2026-11-21T07:26:00Z")
_TEXT_STAMP = len("2026-11-21 07:26:00,123")


class WrongOutputError(Exception):
    """The file is not what was logged: its numbers do not count."""


def parts(path: Path) -> list[Path]:
    """Returns the log file and those that it was rotated into, the oldest first."""
    number = re.compile(re.escape(path.name) + r"\.(\d+)")
    rotated = [(int(found[1]), one) for one in path.parent.iterdir() if (found := number.fullmatch(one.name))]
    return [*(one for _, one in sorted(rotated, reverse=True)), path]


def lines_in(path: Path) -> int:
    """Returns the number of complete lines of a log."""

    def chunks() -> Iterator[bytes]:
        for part in parts(path):
            with part.open("rb") as file:
                yield from iter(lambda: file.read(1 << 20), b"")

    return sum(chunk.count(b"\n") for chunk in chunks())


def check(path: Path, layout: Layout, fields: Fields, lanes: Sequence[range]) -> None:
    """Raises unless a log holds exactly the records of all lanes, one line each, those of a lane in order.

    Args:
        path: The log file, closed by its writer.
        layout: The contender's deviations.
        fields: What the records carry.
        lanes: The numbers of the records of each thread, ascending.

    Raises:
        WrongOutputError: A line is missing, double, torn, does not parse or carries a wrong value.
    """
    count = sum(len(lane) for lane in lanes)
    starts = [lane.start for lane in lanes]
    keys = fields.keys if layout.text is None else [key for key in fields.keys if key in layout.text.groupindex]
    shown = itemgetter(*map(fields.keys.index, keys))
    expected = [map(shown, fields.rows(lane.start, len(lane))) for lane in lanes]
    values_of = itemgetter(*keys)
    fixed_of = itemgetter(layout.message, "logger_name", *layout.carried)
    fixed = (MESSAGE, LOGGER_NAME, *layout.carried.values())
    levels = (layout.level, layout.level.lower())
    parse = _parser(layout.text)
    stamps = (_STAMP, _WHOLE_SECOND) if layout.text is None else (_TEXT_STAMP,)
    number = whole_seconds = 0
    for number, line in enumerate(_lines(path), start=1):
        wanted: object = None
        try:
            if not line.endswith(b"\n"):
                raise ValueError("no end of line")
            record = parse(line)
            values = values_of(record)
            wanted = next(expected[bisect_right(starts, values[0]) - 1], None)
            if wanted is None:
                raise WrongOutputError(f"more than the {count} lines logged")
            stamp = record["timestamp"]
            datetime.fromisoformat(stamp)
            right = (
                values == wanted
                and fixed_of(record) == fixed
                and record["level"] in levels
                and len(stamp) in stamps
                and (stamp[-1] == "Z" or layout.text is not None)
                and record.get("exception", "").count('  File "') == layout.frames
            )
            whole_seconds += len(stamp) == _WHOLE_SECOND
        except (ValueError, TypeError, KeyError) as error:
            raise WrongOutputError(f"line {number} is broken ({error!r}): {line[:200]!r}") from error
        if not right:
            raise WrongOutputError(f"line {number} should carry {wanted}: {line[:200]!r}")
    if whole_seconds > 1 + count // 1000:
        raise WrongOutputError(f"{whole_seconds} of {count} stamps have no microseconds")
    if number != count:
        raise WrongOutputError(f"{count - number} of {count} records are not in the file")


def _lines(path: Path) -> Iterator[bytes]:
    for part in parts(path):
        with part.open("rb") as file:
            yield from file


def _parser(text: re.Pattern[str] | None) -> Callable[[bytes], Any]:
    if text is not None:
        return lambda line: _matched(text, line.decode())
    try:
        parser: Callable[[bytes], Any] = importlib.import_module("orjson").loads
    except ImportError:
        return json.loads
    return parser


def _matched(text: re.Pattern[str], line: str) -> dict[str, Any]:
    found = text.fullmatch(line)
    if found is None:
        raise ValueError("another text")
    return {**found.groupdict(), "agent_id": int(found["agent_id"])}
