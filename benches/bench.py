"""One contender in one row: what it has logged, and what that took."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import loops
import usage
from contenders import Contender
from loops import Fields
from readback import WrongOutputError, check, lines_in
from scale import Scale

Metrics = dict[str, float | None]


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
        self.fields = loops.THREE
        # The records of each thread, whose order in the file is theirs. The first has the warm-up.
        self.lanes = [range(0)]
        self.cpu = 0
        self.peak = 0

    @property
    def logged(self) -> int:
        """How many records there were."""
        return sum(len(lane) for lane in self.lanes)

    @property
    def growth_mib(self) -> float:
        """The peak of memory above what there was before the contender was set up."""
        return (self.peak - self.resident) / usage.MIB

    @contextmanager
    def measured(self) -> Iterator[None]:
        """Adds the CPU time (ns, all threads) of what is done inside, and notes the peak of memory."""
        begin = usage.cpu_ns()
        try:
            yield
        finally:
            self.cpu += usage.cpu_ns() - begin
            self.peak = usage.peak_resident()

    def next_numbers(self, count: int) -> range:
        """Returns the numbers of the next `count` records, which the caller logs."""
        start = self.lanes[-1].stop
        self.lanes[-1] = range(self.lanes[-1].start, start + count)
        return range(start, start + count)

    def next_rows(self, count: int) -> Iterator[tuple[Any, ...]]:
        """Returns the fields of the next `count` records, which the caller logs."""
        return self.fields.rows(self.next_numbers(count).start, count)

    def warm_up(self) -> None:
        """Logs until nothing is done for the first time any more."""
        loops.records(self.contender.enabled, self.contender.names)(self.next_rows(self.scale.warm_up))
        self.contender.flush()

    def expect_all(self) -> None:
        """Raises unless everything logged so far is in the file now.

        Raises:
            WrongOutputError: `flush`, or a synchronous call, returned too early.
        """
        if self.contender.writes and (found := lines_in(self.path)) != self.logged:
            raise WrongOutputError(f"{found} of {self.logged} lines are in the file yet{self.contender.account()}")

    def check(self) -> None:
        """Raises unless every record is in the file once, with every value.

        Raises:
            WrongOutputError: It is not so.
        """
        if self.contender.writes:
            check(self.path, self.contender.layout, self.fields, self.lanes)


def empty(fields: Fields, numbers: range) -> Span:
    """Returns what the loop over records takes with nothing in it."""
    loop = loops.records("pass", {})
    return spent(lambda: loop(fields.rows(numbers.start, len(numbers))))


def spent(function: Callable[[], None]) -> Span:
    """Returns what a call takes."""
    cpu = usage.cpu_ns()
    begin = time.perf_counter_ns()
    function()
    wall = time.perf_counter_ns() - begin
    return Span(wall, usage.cpu_ns() - cpu)


def middle(spans: list[Span]) -> Span:
    """Returns the medians."""
    return Span(median(one.wall for one in spans), median(one.cpu for one in spans))
