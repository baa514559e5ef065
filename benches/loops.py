"""The timed loops, compiled from a contender's statement so that nothing but it is timed."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from itertools import cycle, islice
from textwrap import indent
from typing import Any

FLOATS = tuple(random.Random(20240229).uniform(0.0, 100.0) for _ in range(64))
STRINGS = ("stem", "muscle", "neuron", "epithelium", "glia", "fibroblast", "osteocyte", "T cell")

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


def rows(start: int, count: int) -> Iterator[tuple[int, float, str]]:
    """Returns the fields of the records `start` to `start + count`, in order.

    Args:
        start: Number of the first record; it is also the value of its int field.
        count: How many.
    """
    return zip(
        range(start, start + count),
        islice(cycle(FLOATS), start % len(FLOATS), None),
        islice(cycle(STRINGS), start % len(STRINGS), None),
        strict=False,
    )


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
