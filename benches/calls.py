"""What a call costs its caller: the rows of disabled calls and of bursts."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import repeat
from statistics import median

import loops
from bench import Bench, Metrics, Span, empty, middle
from contenders import FRAMES, Contender


def disabled(bench: Bench) -> Metrics:
    """W1: a call below the level."""
    return _disabled(bench, bench.contender.disabled)


def disabled_text(bench: Bench) -> Metrics:
    """W1d: a call below the level, with an argument to its message."""
    return _disabled(bench, bench.contender.disabled_text)


def _disabled(bench: Bench, statement: str | None) -> Metrics:
    assert statement is not None
    nothing = loops.repeated("pass", {})
    loop = loops.repeated(statement, bench.contender.names)
    count = bench.scale.disabled_calls

    def sample(function: Callable[..., None]) -> float:
        begin = time.perf_counter_ns()
        function(repeat(None, count))
        return (time.perf_counter_ns() - begin) / count

    sample(nothing)
    sample(loop)
    pairs = []
    for _ in range(bench.scale.samples):
        # In turns, so that a change of the machine's speed hits both.
        with bench.measured():
            call = sample(loop)
        pairs.append((call, sample(nothing)))
    return {"call_ns": median(one - other for one, other in pairs), "loop_ns": median(other for _, other in pairs)}


def bursts(bench: Bench) -> Metrics:
    """W3: what the caller pays for a record, and what it costs until it is in the file."""
    contender, size = bench.contender, bench.scale.burst
    loop = loops.records(contender.enabled, contender.names)
    clock = time.perf_counter_ns
    bench.warm_up()
    calls: list[int] = []
    completes: list[int] = []
    empties: list[Span] = []
    give_up = time.monotonic() + bench.scale.burst_time
    while len(calls) < bench.scale.bursts and time.monotonic() < give_up:
        empties.append(empty(bench.fields, range(bench.logged, bench.logged + size)))
        rows = bench.next_rows(size)
        with bench.measured():
            begin = clock()
            loop(rows)
            called = clock()
            contender.flush()
            complete = clock()
        calls.append(called - begin)
        completes.append(complete - begin)
    bench.expect_all()
    lost = middle(empties)
    return {
        "call_ns": (median(calls) - lost.wall) / size,
        "complete_ns": (median(completes) - lost.wall) / size if contender.writes else None,
        "cpu_ns": (bench.cpu / len(calls) - lost.cpu) / size,
        "loop_ns": lost.wall / size,
        "records": len(calls) * size,
        "peak_growth_mib": bench.growth_mib,
    }


def textual(bench: Bench) -> Metrics:
    """W2: as W3, with a line of text, and a message with two arguments."""
    return bursts(_changed(bench, bench.contender.textual))


def accompanied(bench: Bench) -> Metrics:
    """W10: as W3, with a handler of somebody else's on the root."""
    return bursts(_changed(bench, bench.contender.accompanied))


def bound(bench: Bench) -> Metrics:
    """W4: as W3, with two more fields that are bound to the logger."""
    return bursts(_changed(bench, bench.contender.bound))


def surrounded(bench: Bench) -> Metrics:
    """W4x: as W3, within a context of two fields."""
    return bursts(_changed(bench, bench.contender.surrounded))


def placed(bench: Bench) -> Metrics:
    """W4c: as W3, with function and line of the call."""
    return bursts(_changed(bench, bench.contender.placed))


def synchronous(bench: Bench) -> Metrics:
    """W11: as W3, with every line in the file when the call returns."""
    _changed(bench, bench.contender.synchronous)
    loops.records(bench.contender.enabled, bench.contender.names)(bench.next_rows(bench.scale.burst))
    bench.expect_all()
    return bursts(bench)


def excepting(bench: Bench) -> Metrics:
    """W8: as W3, with the exception that is being handled."""
    _changed(bench, bench.contender.excepting)
    try:
        loops.fail(FRAMES - 1)
    except ValueError:
        return bursts(bench)
    raise AssertionError


def _changed(bench: Bench, change: Callable[[Contender], Contender] | None) -> Bench:
    assert change is not None
    bench.contender = change(bench.contender)
    return bench
