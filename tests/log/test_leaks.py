"""Calls without end leave nothing behind: no references, no objects, no memory, Python's or ours."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import structlog
from tests.log import kinds_of_calls, kinds_of_values  # noqa: F401
from tests.log.kind import KINDS, SHARED
from tests.memory import held, set_aside

import undergird

if TYPE_CHECKING:
    from tests.log.conftest import Run

DEEP = os.environ.get("UNDERGIRD_DEEP") == "1"

# Caches may grow now and then, what leaks does so in each round.
ROUNDS = 4
TURNS = 250
# In all rounds, of each kind; a turn makes one or more.
CALLS = 1_000_000

# What may be left of one round, whatever its number of calls.
ALLOWED = {"blocks": 100, "objects": 100, "references": 10, "bytes": 16 << 10}
if DEEP:
    # What a short run takes for the first time stays with the allocator.
    ALLOWED["resident"] = 1 << 20


def measure() -> dict[str, int]:
    """What is held now; of shared objects, how often."""
    assert undergird.flush(60.0)
    now = held()
    return {**now, "references": sum(sys.getrefcount(thing) for thing in SHARED)}


@pytest.fixture(scope="module", autouse=True)
def _quick_to_measure() -> None:
    set_aside()


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    yield
    structlog.reset_defaults()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.timeout(3600 if DEEP else 300)
def test_calls_without_end_leave_nothing_behind(kind: str, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with Path(os.devnull).open("w") as nowhere:
        monkeypatch.setattr(sys, "stderr", nowhere)
        make, settings, dear = KINDS[kind]
        call = make(
            run.start(**{"level": 1, "ring_size": 1 << 18, "max_bytes": 1 << 24, "backup_count": 1, **settings})
        )
        before, turns = undergird.stats()["emitted"], TURNS // 2 if dear else TURNS
        for number in range(turns):
            call(number)
        first = measure()
        if DEEP:
            calls = CALLS // 10 if dear else CALLS
            turns = calls // ROUNDS * turns // max(turns, undergird.stats()["emitted"] - before)
        left: list[dict[str, int]] = []
        for turn in range(ROUNDS):
            for number in range(turn * turns, (turn + 1) * turns):
                call(number)
            now = measure()
            left.append({what: now[what] - first[what] for what in now})
            first = now
        undergird.shutdown()
    print(f"{ROUNDS} rounds of {turns:,} turns: {left}")
    for what, allowed in ALLOWED.items():
        assert min(round_[what] for round_ in left) < allowed, what
