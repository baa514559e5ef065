"""Reads a contender's file back: every record once, in order, with every value right."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from contenders import LOGGER_NAME, MESSAGE, Layout
from loops import rows

_STAMP = len("2026-11-21T07:26:00.123456Z")
# Python's and orjson's datetimes print no fraction where it happens to be zero.
_WHOLE_SECOND = len("2026-11-21T07:26:00Z")


class WrongOutputError(Exception):
    """The file is not what was logged: its numbers do not count."""


def lines_in(path: Path) -> int:
    """Returns the number of complete lines of `path`."""
    with path.open("rb") as file:
        return sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1 << 20), b""))


def check(path: Path, layout: Layout, count: int) -> None:
    """Raises unless `path` holds exactly the records 0 to `count`, one line each, in order.

    Args:
        path: The log file, closed by its writer.
        layout: The contender's deviations.
        count: How many calls were made.

    Raises:
        WrongOutputError: A line is missing, double, torn, does not parse or carries a wrong value.
    """
    parse = _parser()
    expected = rows(0, count)
    number = whole_seconds = 0
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                fields = next(expected)
            except StopIteration:
                raise WrongOutputError(f"more than the {count} lines logged") from None
            whole_seconds += _check_line(line, parse, layout, fields, number)
    if whole_seconds > 1 + count // 1000:
        raise WrongOutputError(f"{whole_seconds} of {count} stamps have no microseconds")
    if number != count:
        raise WrongOutputError(f"{count - number} of {count} records are not in the file")


def _check_line(
    line: bytes,
    parse: Callable[[bytes], Any],
    layout: Layout,
    fields: tuple[int, float, str],
    number: int,
) -> bool:
    """Returns whether the stamp has no fraction of a second."""
    try:
        if not line.endswith(b"\n"):
            raise ValueError("no end of line")
        record = parse(line)
        stamp = record["timestamp"]
        datetime.fromisoformat(stamp)
        right = (
            (record["agent_id"], record["energy"], record["kind"]) == fields
            and record[layout.message] == MESSAGE
            and all(record[key] == value for key, value in layout.carried.items())
            and record["level"].upper() == layout.level
            and record.get("exception", "").count('  File "') == layout.frames
            and record["logger_name"] == LOGGER_NAME
            and len(stamp) in (_STAMP, _WHOLE_SECOND)
            and stamp[-1] == "Z"
        )
    except (ValueError, TypeError, KeyError) as error:
        raise WrongOutputError(f"line {number} is broken ({error!r}): {line[:200]!r}") from error
    if not right:
        raise WrongOutputError(f"line {number} should carry {fields}: {line[:200]!r}")
    return len(stamp) == _WHOLE_SECOND


def _parser() -> Callable[[bytes], Any]:
    try:
        parser: Callable[[bytes], Any] = importlib.import_module("orjson").loads
    except ImportError:
        return json.loads
    return parser
