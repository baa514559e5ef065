"""The rows of the table, each measured in a process of its own, for one contender."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import repeat
from pathlib import Path
from statistics import median
from typing import NamedTuple

import loops
import usage
from contenders import FRAMES, Contender
from readback import WrongOutputError, lines_in
from scale import Scale

Metrics = dict[str, float | None]
_SLOW = 1_000_000  # ns: the stall that row W7p counts


class Span(NamedTuple):
    """Time by the clock and by the processor, in nanoseconds."""

    wall: float
    cpu: float


class Bench:
    """One contender in one row.

    Args:
        contender: Set up and untouched.
        path: Its log file.
        scale: How much to do.
        resident: Memory (bytes) before the contender was set up.
    """

    def __init__(self, contender: Contender, path: Path, scale: Scale, resident: int) -> None:
        self.contender = contender
        self.path = path
        self.scale = scale
        self.resident = resident
        self.logged = 0
        self.cpu = 0
        self.peak = 0

    @contextmanager
    def measured(self) -> Iterator[None]:
        """Adds the CPU time (ns, all threads) of what is done inside, and notes the peak of memory."""
        begin = usage.cpu_ns()
        try:
            yield
        finally:
            self.cpu += usage.cpu_ns() - begin
            self.peak = usage.peak_resident()

    def next_rows(self, count: int) -> Iterator[tuple[int, float, str]]:
        """Returns the fields of the next `count` records, which the caller logs."""
        start = self.logged
        self.logged += count
        return loops.rows(start, count)

    def warm_up(self) -> None:
        """Logs until nothing is done for the first time any more."""
        loops.records(self.contender.enabled, self.contender.names)(self.next_rows(self.scale.warm_up))
        self.contender.flush()

    def expect_all(self) -> None:
        """Raises unless everything logged so far is in the file now.

        Raises:
            WrongOutputError: `flush` returned too early.
        """
        if self.contender.writes and lines_in(self.path) != self.logged:
            raise WrongOutputError(f"after flush {lines_in(self.path)} of {self.logged} lines are in the file")


def disabled(bench: Bench) -> Metrics:
    """W1: a call below the level."""
    statement = bench.contender.disabled
    assert statement is not None
    empty = loops.repeated("pass", {})
    loop = loops.repeated(statement, bench.contender.names)
    count = bench.scale.disabled_calls

    def sample(function: Callable[..., None]) -> float:
        begin = time.perf_counter_ns()
        function(repeat(None, count))
        return (time.perf_counter_ns() - begin) / count

    sample(empty)
    sample(loop)
    pairs = []
    for _ in range(bench.scale.samples):
        # In turns, so that a change of the machine's speed hits both.
        with bench.measured():
            call = sample(loop)
        pairs.append((call, sample(empty)))
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
        empties.append(_empty(bench.logged, size))
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
    lost = _median(empties)
    return {
        "call_ns": (median(calls) - lost.wall) / size,
        "complete_ns": (median(completes) - lost.wall) / size if contender.writes else None,
        "cpu_ns": (bench.cpu / len(calls) - lost.cpu) / size,
        "loop_ns": lost.wall / size,
        "records": len(calls) * size,
        "peak_growth_mib": (bench.peak - bench.resident) / usage.MIB,
    }


def bound(bench: Bench) -> Metrics:
    """W4: as W3, with two more fields that are bound to the logger."""
    assert bench.contender.bound is not None
    bench.contender = bench.contender.bound()
    return bursts(bench)


def surrounded(bench: Bench) -> Metrics:
    """W4x: as W3, within a context of two fields."""
    assert bench.contender.surrounded is not None
    bench.contender = bench.contender.surrounded()
    return bursts(bench)


def excepting(bench: Bench) -> Metrics:
    """W8: as W3, with the exception that is being handled."""
    assert bench.contender.excepting is not None
    bench.contender = bench.contender.excepting()
    try:
        loops.fail(FRAMES - 1)
    except ValueError:
        return bursts(bench)
    raise AssertionError


def sustained(bench: Bench) -> Metrics:
    """W5: many records without a pause, until the last byte is in the file."""
    contender, count = bench.contender, bench.scale.sustained
    loop = loops.records(contender.enabled, contender.names)
    clock = time.perf_counter_ns
    bench.warm_up()
    lost = _median([_empty(bench.logged, count) for _ in range(3)])
    rows = bench.next_rows(count)
    with bench.measured():
        begin = clock()
        loop(rows)
        called = clock()
        contender.flush()
        complete = clock()
    bench.expect_all()
    spent = complete - begin - lost.wall
    return {
        "records_per_s": count / (spent / 1e9),
        "call_ns": (called - begin - lost.wall) / count,
        "complete_ns": spent / count,
        "cpu_ns": (bench.cpu - lost.cpu) / count,
        "loop_ns": lost.wall / count,
        "peak_growth_mib": (bench.peak - bench.resident) / usage.MIB,
    }


def latency(bench: Bench) -> Metrics:
    """W7: single calls, back to back."""
    count = bench.scale.calls
    loop = loops.latencies(bench.contender.enabled, bench.contender.names)
    bench.warm_up()
    out = array("Q", bytes(8 * count))
    with bench.measured():
        loop(bench.next_rows(count), out, time.perf_counter_ns)
        bench.contender.flush()
    bench.expect_all()
    return {**_percentiles(out), **_clock_alone(count)}


def paced_latency(bench: Bench) -> Metrics:
    """W7p: single calls at a steady pace, while another process writes and syncs a large file."""
    count, period = bench.scale.paced_calls, bench.scale.period
    loop = loops.paced(bench.contender.enabled, bench.contender.names)
    bench.warm_up()
    out = array("Q", bytes(8 * count))
    with _noise(bench.path.with_name(bench.path.name + ".noise")), bench.measured():
        loop(bench.next_rows(count), out, time.perf_counter_ns, period)
        bench.contender.flush()
    bench.expect_all()
    return {**_percentiles(out), **_clock_alone(count)}


def visible(bench: Bench) -> Metrics:
    """R0: how soon a reader of the file sees ten lines that nobody flushed."""
    contender, scale = bench.contender, bench.scale
    loop = loops.records(contender.enabled, contender.names)
    bench.warm_up()
    bench.expect_all()
    times: list[float] = []
    never = 0
    script = Path(__file__).with_name("tail.py")
    command = [sys.executable, str(script), str(bench.path), str(scale.visible_limit)]
    phase = random.Random(bench.scale.trials)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdin is not None
        assert reader.stdout is not None
        for _ in range(scale.trials):
            # A writer that wakes up now and then must be met at any point of its sleep.
            time.sleep(phase.uniform(0.0, 0.03))
            rows = bench.next_rows(10)
            print(bench.logged, file=reader.stdin, flush=True)
            reader.stdout.readline()
            with bench.measured():
                loop(rows)
                returned = time.monotonic_ns()
                answer = reader.stdout.readline().strip()
            if answer == "never":
                never += 1
                contender.flush()
            else:
                times.append(max(0, int(answer) - returned) / 1e6)
            if never == 2:
                break
        reader.stdin.close()
    return {
        "visible_ms": median(times) if times else None,
        "visible_max_ms": max(times) if times else None,
        "never": never,
        "trials": never + len(times),
    }


def _empty(start: int, count: int) -> Span:
    """Runs the loop over records with nothing in it."""
    loop = loops.records("pass", {})
    rows = loops.rows(start, count)
    cpu = usage.cpu_ns()
    begin = time.perf_counter_ns()
    loop(rows)
    wall = time.perf_counter_ns() - begin
    return Span(wall, usage.cpu_ns() - cpu)


def _median(spans: list[Span]) -> Span:
    return Span(median(one.wall for one in spans), median(one.cpu for one in spans))


def _percentiles(out: array[int]) -> Metrics:
    ordered = sorted(out)
    last = len(ordered) - 1
    return {
        "p50_ns": ordered[round(last * 0.5)],
        "p99_ns": ordered[round(last * 0.99)],
        "p999_ns": ordered[round(last * 0.999)],
        "max_ns": ordered[-1],
        "slow": sum(1 for one in ordered if one > _SLOW),
        "calls": len(ordered),
    }


def _clock_alone(count: int) -> Metrics:
    """What the loop measures when it times nothing: it is contained in every latency."""
    out = array("Q", bytes(8 * count))
    loops.latencies("pass", {})(loops.rows(0, count), out, time.perf_counter_ns)
    alone = _percentiles(out)
    return {f"clock_{name}": alone[name] for name in ("p50_ns", "p99_ns", "p999_ns")}


@contextmanager
def _noise(path: Path) -> Iterator[None]:
    script = Path(__file__).with_name("noise.py")
    command = [sys.executable, str(script), str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield
        finally:
            process.stdin.close()


ROWS: dict[str, Callable[[Bench], Metrics]] = {
    "W1": disabled,
    "W3": bursts,
    "W4": bound,
    "W4x": surrounded,
    "W5": sustained,
    "W7": latency,
    "W7p": paced_latency,
    "W8": excepting,
    "R0": visible,
}
