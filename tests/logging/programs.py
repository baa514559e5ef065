"""Random programs that log, each run with every kind of loggers and compared."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import HealthCheck, example, given, seed, settings
from hypothesis import strategies as st
from tests.logging import steps
from tests.logging.world import KINDS, run

import undergird
from undergird import _core

Steps = list[tuple[Callable[..., object], tuple[Any, ...]]]

# Handlers that may be native and some that may not are there from the start, so that most of what follows is seen.
START: Steps = [
    (steps.add_handler, (0, 0)),
    (steps.add_handler, (1, 3)),
    (steps.add_handler, (2, 1)),
    (steps.add_handler, (5, 2)),
    (steps.set_level, (0, 10)),
]
# Only a file of ours, which is what makes calls that are enabled native.
NATIVE: Steps = [(steps.add_handler, (0, 7)), (steps.set_level, (0, 10))]
# Only files of the standard library's own handlers.
STREAMS: Steps = [(steps.add_handler, (0, 0)), (steps.add_handler, (1, 1)), (steps.set_level, (0, 10))]
# What the standard library remembers of a level stands past one that is written to the attribute.
WRITTEN: Steps = [(steps.write_level, (0, 0, False)), (steps.log_in_other_ways, (0, "debug"))]
LEVELS: Steps = [(steps.set_level, (0, level)) for level in (10, 20, 30) * 8]
# Each change to a file of a handler.
FILES: Steps = [(steps.change_a_file, (0, h, what)) for h in (0, 1) for what in sorted(steps.FILE_CHANGES)]


def compare(examples: int, draw: int | None) -> None:
    """Compares so many programs, and prints what became of the calls as JSON.

    Args:
        examples: How many are drawn, beside six that are always among them.
        draw: Which; `None` for the same in each run.
    """

    @example(start=START, taken=LEVELS, clock=None)
    @example(start=NATIVE, taken=LEVELS, clock=None)
    @example(start=STREAMS, taken=LEVELS, clock=None)
    @example(start=NATIVE, taken=WRITTEN, clock=None)
    @example(start=STREAMS, taken=WRITTEN, clock=None)
    @example(start=STREAMS, taken=FILES, clock=None)
    @given(
        start=st.sampled_from([START, NATIVE, STREAMS]),
        taken=st.lists(steps.a_step(), min_size=1, max_size=25),
        clock=st.none() | st.just(1_700_000_000_123_456_789),
    )
    @settings(
        max_examples=examples,
        derandomize=draw is None,
        database=None,
        deadline=None,
        print_blob=True,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    def every_kind_does_the_same(start: Steps, taken: Steps, clock: int | None) -> None:
        with TemporaryDirectory() as place:
            theirs, *others = [run(kind, Path(place) / "files", [*start, *taken], clock) for kind in KINDS]
        for kind, ours in zip(KINDS[1:], others, strict=True):
            for number, (mine, their) in enumerate(zip(ours[0], theirs[0], strict=False)):
                assert mine == their, f"{kind}, event {number}: {mine} is not {their}"
            assert ours == theirs, f"{kind}: {ours} is not {theirs}"

    undergird.configure("run.log")  # a process without a run has no ring for native calls yet
    if draw is None:
        every_kind_does_the_same()
    else:
        seed(draw)(every_kind_does_the_same)()
    json.dump(_core.logging_calls(), sys.stdout)
