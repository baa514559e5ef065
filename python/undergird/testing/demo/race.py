"""Runs the same simulation once for each contender, part by part in turn, and measures what logging adds."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from undergird.testing.demo.contenders import Contender
from undergird.testing.sorting import CellSorting


class Lane:
    """One contender with a simulation of its own, and what the two have taken so far.

    Attributes:
        records: Records logged (for the silent contender: records it went through).
        steps: Steps of the simulation.
        run_time: Seconds in all, until everything was in the file.
        log_time: Seconds of that in loops over events and in their calls, the final flush of each part not counted.
        flush_time: Seconds of that waiting until the file had everything, at the end of each part.
        cpu_time: Processor seconds of the whole process, background threads included.
        swaps: Number of exchanges in each step.
        quality: Sorting quality at the start and after each step.
    """

    def __init__(self, contender: Contender, tissue: CellSorting) -> None:
        self.contender = contender
        self.tissue = tissue
        self.records = 0
        self.run_time = self.log_time = self.flush_time = self.cpu_time = 0.0
        self.swaps: list[int] = []
        self.quality: list[float] = [tissue.quality]

    @property
    def steps(self) -> int:
        """How many steps were run."""
        return len(self.swaps)

    def advance(self, records: int, tick: Callable[[Lane], None]) -> None:
        """Runs whole steps until at least `records` records in all have been logged, calling `tick` after each."""
        now = time.perf_counter
        tissue, log_step = self.tissue, self.contender.log_step
        ticking = 0.0
        cpu, start = time.process_time(), now()
        while self.records < records:
            swaps = tissue.step()
            quality = tissue.quality
            before = now()
            log_step(tissue.steps, swaps, quality)
            after = now()
            self.log_time += after - before
            self.swaps.append(len(swaps))
            self.quality.append(quality)
            self.records += len(swaps) + 1
            tick(self)
            ticking += now() - after
        before = now()
        self.contender.flush()
        end = now()
        self.flush_time += end - before
        self.run_time += end - start - ticking
        self.cpu_time += time.process_time() - cpu

    @property
    def qualities(self) -> NDArray[np.float64]:
        """The quality over time, as an array of shape ``(steps + 1,)``."""
        return np.array(self.quality)


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
