"""Runs the same simulation once for each contender, part by part in turn, and measures what logging adds."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from undergird.testing.demo.contenders import Contender
from undergird.testing.sorting import CellSorting


class Lane:
    """One contender with a simulation of its own, and what the two have taken so far.

    What logging takes is measured inside the lane, beside the simulation, and not as the difference between two lanes:
    on a busy machine the noise of the simulation is larger than the whole of what a fast library takes.

    Attributes:
        records: Records logged (for the silent contender: records it went through).
        run_time: Seconds in all, until everything was in the file.
        log_time: Seconds of that for going through the events and logging them, and for the flush that ends each part.
        call_time: As `log_time`, without the flushes.
        cpu_time: Processor seconds of the whole process, threads in the background included.
        log_cpu_time: As `cpu_time`, without what the simulation took.
        least_call: The smallest `call_time` of a record in any part, in seconds.
        swaps: Number of exchanges in each step.
        quality: Sorting quality at the start and after each step.
    """

    def __init__(self, contender: Contender, tissue: CellSorting) -> None:
        self.contender = contender
        self.tissue = tissue
        self.records = 0
        self.run_time = self.log_time = self.call_time = self.cpu_time = self.log_cpu_time = 0.0
        self.least_call = float("inf")
        self.swaps: list[int] = []
        self.quality: list[float] = [tissue.quality]

    @property
    def steps(self) -> int:
        """How many steps were run."""
        return len(self.swaps)

    def advance(self, records: int, tick: Callable[[Lane], None]) -> None:
        """Runs whole steps until at least `records` records in all have been logged, calling `tick` after each."""
        now, mine = time.perf_counter, time.thread_time
        tissue, log_step = self.tissue, self.contender.log_step
        logged, calling, ticking, simulating = self.records, 0.0, 0.0, 0.0
        start, cpu = now(), time.process_time()
        while self.records < records:
            before = mine()
            swaps = tissue.step()
            quality = tissue.quality
            simulating += mine() - before
            before = now()
            log_step(tissue.steps, swaps, quality)
            after = now()
            calling += after - before
            self.swaps.append(len(swaps))
            self.quality.append(quality)
            self.records += len(swaps) + 1
            tick(self)
            ticking += now() - after
        before = now()
        self.contender.flush()
        end = now()
        used = time.process_time() - cpu
        self.run_time += end - start - ticking
        self.log_time += calling + end - before
        self.call_time += calling
        self.cpu_time += used
        self.log_cpu_time += used - simulating
        if self.records > logged:
            self.least_call = min(self.least_call, calling / (self.records - logged))


def race(lanes: Sequence[Lane], records: int, parts: int, tick: Callable[[int, Lane], None]) -> None:
    """Runs all lanes to `records` records, a part of them at a time, each part in another order.

    Interleaving lets a slow spell of the machine fall on all lanes alike; a rotating order lets none always come first.

    Args:
        lanes: The contenders, each with an equal simulation.
        records: How many records each logs, at least.
        parts: Into how many parts the run is divided.
        tick: Called after each step with the number of the part, from 0, and the lane.
    """
    for part in range(parts):
        goal = records * (part + 1) // parts
        for turn in range(len(lanes)):
            lane = lanes[(part + turn) % len(lanes)]
            lane.advance(goal, lambda lane, part=part: tick(part, lane))  # type: ignore[misc]
