"""Many records by one call: rows whose fields come as columns."""

from __future__ import annotations

import logging
import sys
import time
from array import array
from collections.abc import Iterator
from itertools import repeat
from typing import TYPE_CHECKING, Any, NamedTuple

from undergird import _core
from undergird.log.tree.indices import index
from undergird.log.tree.messages import message
from undergird.log.tree.report import report
from undergird.log.tree.slow import Place, slow
from undergird.log.values import redaction, registry

if TYPE_CHECKING:
    from undergird.log.logger import Logger

SPECIAL = frozenset(("exc_info", "stack_info", "stacklevel", "extra"))
"""Keywords that are the standard library's; no field can be called so."""

_SHORT = 256
_CODES = {"b1": "?"} | {code: code for code in ("i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8")}
_SIGNED, _UNSIGNED = "bhilq", "BHILQ"


class Column(NamedTuple):
    """A field of all rows.

    Attributes:
        code: How the core is to read `data`: `"="` for one value for all rows, `"["` for a tuple of values, else the
            type of a buffer's elements, as numpy spells it (`"?"`, `"i4"`, `"f8"`, `"U"`…).
        data: The values as the core takes them.
        values: The values as other handlers get them.
        rows: How many there are; `None` for one value for all rows.
    """

    code: str
    data: Any
    values: Any
    rows: int | None


def many(logger: Logger, event: object, level: int, columns: dict[str, Any]) -> None:
    """Logs a record for each row; see `Logger.many`."""
    if not SPECIAL.isdisjoint(columns):
        raise TypeError(f"many() takes columns, and no {min(SPECIAL & columns.keys())!r}")
    if not logger.isEnabledFor(level):
        return
    table = {name: _column(value) for name, value in columns.items()}
    counts = {name: column.rows for name, column in table.items() if column.rows is not None}
    rows = max(counts.values(), default=1)
    if len(set(counts.values())) > 1:
        _report(event, counts)
        table = {name: _filled(column, rows) for name, column in table.items()}
    rules = redaction.current
    if rules is not None:
        table |= {name: Column("=", rules.mask, rules.mask, None) for name in table if rules.hides(name)}
    _log(logger, level, event, table, rows, time.time_ns())


def one(logger: Logger, level: int, event: str, fields: dict[str, Any], stamp: int, place: Place) -> None:
    """Logs one record as of a time and a place.

    Args:
        logger: The logger.
        level: The level's number.
        event: The message.
        fields: Fields of the record, none of a name in `SPECIAL`.
        stamp: In nanoseconds since the epoch.
        place: Where it was logged.
    """
    if _says_places(logger):
        slow(logger, level, (event,), fields, 0, stamp=stamp, place=place)
        return
    table = {name: Column("=", value, value, None) for name, value in fields.items()}
    _log(logger, level, event, table, 1, stamp, place)


def _says_places(logger: Logger) -> bool:
    """Whether lines of a logger say where calls stand, which the native way takes from where it is called itself."""
    at: logging.Logger | None = logger._node
    while at is not None:
        if any(getattr(handler, "call_site", False) for handler in at.handlers):
            return True
        at = at.parent if at.propagate else None
    return False


def _log(
    logger: Logger,
    level: int,
    event: object,
    table: dict[str, Column],
    rows: int,
    stamp: int,
    place: Place | None = None,
) -> None:
    done = 0
    if (number := index(level)) is not None:
        names, data = list(table), [(column.code, column.data) for column in table.values()]
        done = _core.many(logger, number, message(event, ()), names, data, rows, stamp)
    for row in _rows(table, done, rows):
        slow(logger, level, (event,), row, 0, stamp=stamp, place=place)


def _column(value: Any) -> Column:
    try:
        found = _found(value)
    except Exception:
        # It only looked like a column.
        found = None
    return found or Column("=", value, value, None)


def _found(value: Any) -> Column | None:
    if isinstance(value, list | range) or (isinstance(value, tuple) and not hasattr(value, "_fields")):
        return _of_values(tuple(value))
    if isinstance(value, array):
        return _of_buffer(value, value.typecode)
    if isinstance(value, memoryview):
        return _of_buffer(value, value.format) if value.ndim == 1 else _of_values(tuple(value.tolist()))
    if hasattr(type(value), "__array__") and hasattr(type(value), "__len__"):
        return _of_array(value)
    return None


def _of_values(values: tuple[Any, ...]) -> Column:
    return Column("[", values, values, len(values))


def _of_buffer(value: array[Any] | memoryview, format: str) -> Column:
    kind = {"f": "f", "d": "f", "?": "?"}.get(format) or (
        "i" if format in _SIGNED else "u" if format in _UNSIGNED else ""
    )
    if not kind or sys.byteorder != "little":
        return _of_values(tuple(value.tolist()))
    return Column("?" if kind == "?" else f"{kind}{value.itemsize}", value, value, len(value))


def _of_array(value: Any) -> Column | None:
    import numpy as np

    if isinstance(value, np.generic):
        return None
    values = value if isinstance(value, np.ndarray) else np.asarray(value)
    if not values.ndim:
        return None
    # Other classes have a mind of their own: a masked array has values that are none.
    if values.ndim > 1 or type(values) not in (np.ndarray, np.memmap) or not registry.is_empty():
        return _of_values(tuple(values))
    data = values
    if data.dtype.kind in "iufUM":
        data = data.astype(data.dtype.newbyteorder("<"), copy=False)
    if data.dtype.kind == "M":
        data = np.datetime_as_string(data)
    code = "U" if data.dtype.kind == "U" else _CODES.get(data.dtype.str[1:])
    if data.dtype.kind == "S" and data.dtype.itemsize <= _SHORT and data.tobytes().isascii():
        code = "S"
    return Column(code, data, values, len(values)) if code else _of_values(tuple(values))


def _filled(column: Column, rows: int) -> Column:
    if column.rows is None or column.rows == rows:
        return column
    return _of_values((*column.values, *[None] * (rows - column.rows)))


def _report(event: object, counts: dict[str, int]) -> None:
    try:
        raise ValueError("the columns have different lengths; what is missing is logged as None")
    except ValueError:
        report(message(event, ()), repr(counts))


def _rows(table: dict[str, Column], done: int, rows: int) -> Iterator[dict[str, Any]]:
    """The rows that are left, each by its fields."""
    left = [
        repeat(column.values, rows - done) if column.rows is None else column.values[done:] for column in table.values()
    ]
    # Without a column there is a row too.
    for _, *row in zip(range(done, rows), *left, strict=True):
        yield dict(zip(table, row, strict=True))
