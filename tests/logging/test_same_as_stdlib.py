"""Whatever a program does with loggers, ours do with it what the standard library's do."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.logging import steps
from tests.logging.world import KINDS, run

import undergird
from undergird import _core

Steps = list[tuple[Callable[..., object], tuple[Any, ...]]]
DEEP = os.environ.get("UNDERGIRD_DEEP") == "1"
# Native calls of the two programs that are always among them: random ones may begin with a patch of everything.
OFF_AT_LEAST, NATIVE_AT_LEAST = 300, 800

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
LEVELS: Steps = [(steps.set_level, (0, level)) for level in (10, 20, 30) * 8]


def test_what_is_written_and_seen_is_the_same(tmp_path: Path) -> None:
    undergird.configure(tmp_path / "run.log")  # a process without a run has no ring for native calls yet
    before = _core.logging_calls()
    _every_kind_does_the_same()
    after = _core.logging_calls()
    # What was compared was native in part, or the comparison says nothing.
    assert after["off"] - before["off"] >= OFF_AT_LEAST, (before, after)
    if sys.version_info >= (3, 12):
        assert after["native"] - before["native"] >= NATIVE_AT_LEAST, (before, after)


@example(start=START, taken=LEVELS, clock=None)
@example(start=NATIVE, taken=LEVELS, clock=None)
@given(
    start=st.sampled_from([START, NATIVE]),
    taken=st.lists(steps.a_step(), min_size=1, max_size=25),
    clock=st.none() | st.just(1_700_000_000_123_456_789),
)
@settings(
    max_examples=5_000 if DEEP else 60,
    # The same in each run, but for those that look for more.
    derandomize=not DEEP,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
def _every_kind_does_the_same(start: Steps, taken: Steps, clock: int | None) -> None:
    with TemporaryDirectory() as place:
        theirs, *others = [run(kind, Path(place) / "files", [*start, *taken], clock) for kind in KINDS]
    for ours in others:
        for number, (mine, their) in enumerate(zip(ours[0], theirs[0], strict=False)):
            assert mine == their, number
        assert ours == theirs
