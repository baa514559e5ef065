"""The timed loops, compiled from a contender's statement so that nothing but it is timed."""

from __future__ import annotations

import importlib
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import cycle, islice
from textwrap import indent
from typing import Any

FLOATS = tuple(random.Random(20240229).uniform(0.0, 100.0) for _ in range(64))
STRINGS = ("stem", "muscle", "neuron", "epithelium", "glia", "fibroblast", "osteocyte", "T cell")
CODES = (3, 1, 4, 1, 5, 9, 2, 6)
FLAGS = (True, False, False)

_REPEATED = """
def loop(times, {names}):
    for _ in times:
{statement}
"""

_RECORDS = """
def loop(rows, {names}):
    for i, x, s in rows:
{statement}
"""

_LATENCY = """
def loop(rows, out, clock, {names}):
    k = 0
    for i, x, s in rows:
        begin = clock()
{statement}
        out[k] = clock() - begin
        k += 1
"""

_PACED = """
def loop(rows, out, clock, period, {names}):
    k = 0
    due = clock()
    for i, x, s in rows:
        while clock() < due:
            pass
        begin = clock()
{statement}
        out[k] = clock() - begin
        k += 1
        due = begin + period
"""


_ROW_BY_ROW = """
def loop(i, x, s, b, {names}):
    for i, x, s, b in zip(i.tolist(), x.tolist(), s.tolist(), b.tolist()):
{statement}
"""

_COLUMNS = """
def loop(i, x, s, b, {names}):
{statement}
"""

PLACE = {"function_name": "loop", "line_number": _RECORDS.splitlines().index("{statement}") + 1}
"""Where the statement of `records` stands."""


@dataclass(frozen=True, slots=True)
class Fields:
    """What the records of a row carry.

    Args:
        keys: The fields' names; the first counts up.
        values: The values of the others, over and over.
    """

    keys: tuple[str, ...] = ("agent_id", "energy", "kind")
    values: tuple[tuple[object, ...], ...] = (FLOATS, STRINGS)

    def rows(self, start: int, count: int) -> Iterator[tuple[Any, ...]]:
        """Returns the fields of the records `start` to `start + count`, in order.

        Args:
            start: Number of the first record; it is also the value of its int field.
            count: How many.
        """
        others = (islice(cycle(values), start % len(values), None) for values in self.values)
        return zip(range(start, start + count), *others, strict=False)

    def columns(self, start: int, count: int) -> tuple[Any, ...]:
        """Returns the same as numpy arrays."""
        array: Any = importlib.import_module("numpy").array
        return tuple(array(column) for column in zip(*self.rows(start, count), strict=True))


THREE = Fields()
NUMBERS = Fields(("agent_id", "energy", "kind", "alive"), (FLOATS, CODES, FLAGS))
TEXTS = Fields(("agent_id", "energy", "kind", "alive"), (FLOATS, STRINGS, FLAGS))


def fail(frames: int) -> None:
    """Raises a `ValueError` that many frames below the caller."""
    if frames > 1:
        _fail(frames - 1)
    raise ValueError("no such cell")


def _fail(frames: int) -> None:
    # By turns, since of equal lines a traceback shows three.
    if frames > 1:
        fail(frames - 1)
    raise ValueError("no such cell")


def repeated(statement: str, names: Mapping[str, object]) -> Callable[..., None]:
    """Returns `loop(times)`: the statement once per item of `times`."""
    return _compiled(_REPEATED, statement, names)


def records(statement: str, names: Mapping[str, object]) -> Callable[..., None]:
    """Returns `loop(rows)`: the statement with `i`, `x`, `s` of each row."""
    return _compiled(_RECORDS, statement, names)


def latencies(statement: str, names: Mapping[str, object]) -> Callable[..., None]:
    """Returns `loop(rows, out, clock)`: as `records`, each call's time stored in `out`."""
    return _compiled(_LATENCY, statement, names)


def paced(statement: str, names: Mapping[str, object]) -> Callable[..., None]:
    """Returns `loop(rows, out, clock, period)`: as `latencies`, calls `period` apart.

    The loop spins on the clock. A call later than that moves all that follow, so that one stall
    is one slow call, not a burst of calls catching up.
    """
    return _compiled(_PACED, statement, names)


def row_by_row(statement: str, names: Mapping[str, object]) -> Callable[..., None]:
    """Returns `loop(i, x, s, b)`: the statement with the values of each row of these columns."""
    return _compiled(_ROW_BY_ROW, statement, names)


def columns(statement: str, names: Mapping[str, object]) -> Callable[..., None]:
    """Returns `loop(i, x, s, b)`: the statement, once, with the columns."""
    return _compiled(_COLUMNS, statement, names)


def _compiled(template: str, statement: str, names: Mapping[str, object]) -> Callable[..., None]:
    # Keyword-only parameters: the names are locals of the loop, as in a function that keeps its
    # logger in a local variable, and no contender pays for a dictionary look-up.
    parameters = ", ".join(["*", *(f"{name}" for name in names)]) if names else "*_"
    body = indent(statement, "        ")
    source = template.format(names=parameters, statement=body)
    namespace: dict[str, Any] = {}
    exec(compile(source, "<bench loop>", "exec"), namespace)
    loop = namespace["loop"]
    loop.__kwdefaults__ = dict(names)
    assert callable(loop)
    return loop  # type: ignore[no-any-return]
