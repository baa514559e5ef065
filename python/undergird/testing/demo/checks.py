"""What has to be true of a run of the demo."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from undergird.testing.demo.race import Lane
from undergird.testing.demo.readback import SAMPLE, line_check, replay_check
from undergird.testing.demo.results import Check, Control
from undergird.testing.sorting import has_converged, late_rise

RECORDS_PER_CELL = 40
"""What sorting takes, with room: by then the quality has levelled off whatever the seed."""


def records_to_sort(width: int, height: int) -> int:
    """How many records a run of a tissue has to have for `physics` to be asked of it."""
    return RECORDS_PER_CELL * width * height


def physics(quality: Sequence[float], controls: Mapping[str, Control]) -> Iterator[Check]:
    """Sorting happens where it should, by the dynamics, and only there."""
    start, end = quality[0], quality[-1]
    risen = abs(start - 0.5) <= 0.05 and end > 0.8
    yield Check("quality rises from about 0.5 to above 0.8", risen, f"{start:.3f} to {end:.3f}")
    late = late_rise(quality)
    told = "it has not risen" if math.isnan(late) else f"{late:.1%} of its rise in the last half"
    yield Check("quality has converged", has_converged(quality), told)
    for name, control in controls.items():
        yield Check(f"{name}: quality stays between 0.45 and 0.55", control.most <= 0.05)


def counting(lane: Lane, stats: Mapping[str, int]) -> Iterator[Check]:
    """The counters of undergird are those of the caller, and nothing was lost."""
    accounted = stats["written"] + stats["dropped"] + stats["failed"] + stats["in_flight"]
    yield Check("emitted = written + dropped + failed + in flight", stats["emitted"] == accounted)
    complete = stats["written"] == stats["emitted"] == lane.records
    yield Check("every record was emitted and written", complete, f"{lane.records:,} calls")


def files(lanes: Sequence[Lane], before: NDArray[np.int64]) -> Iterator[Check]:
    """Every file is complete, all tell the same, and undergird's tells the whole run."""
    samples = []
    for lane in lanes:
        if lane.contender.path is not None:
            check, sample = line_check(lane.contender.name, lane.contender.path, lane.records)
            samples.append(sample)
            yield check
    equal = all(sample == samples[0] for sample in samples)
    yield Check(f"all files hold the same fields (each {SAMPLE}th line compared)", equal)
    ours = lanes[1]
    assert ours.contender.path is not None
    yield replay_check(ours.contender.path, before, ours.tissue.agents, ours.swaps)
