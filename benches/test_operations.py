"""Operations that have no row in the driver: what a call costs its caller, by pytest-benchmark.

.venv-3.13/bin/python -P -m pytest -p no:logging benches/test_operations.py
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import undergird
from undergird.clock import SimulationClock


@pytest.fixture
def ours(tmp_path: Path) -> Iterator[undergird.Logger]:
    assert not logging.root.handlers, "with pytest's own handlers calls take the standard library's way: -p no:logging"
    undergird.configure(tmp_path / "run.log")
    yield undergird.get_logger("bench")
    undergird.shutdown()
    logging.root.handlers.clear()


@pytest.fixture
def theirs(tmp_path: Path) -> Iterator[logging.Logger]:
    handler = logging.FileHandler(tmp_path / "stdlib.log")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logger = logging.getLogger("bench.stdlib")
    logger.propagate = False
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    yield logger
    logger.removeHandler(handler)
    handler.close()


def cost(benchmark: Any, call: Callable[[], object]) -> None:
    """Measures a call, not so often that the ring would be full."""
    benchmark.pedantic(call, rounds=50, iterations=500, warmup_rounds=2)


@pytest.mark.benchmark(group="one record")
def test_undergird_with_two_arguments(benchmark: Any, ours: undergird.Logger) -> None:
    cost(benchmark, lambda: ours.info("%s moved %d times", "agent", 3))


@pytest.mark.benchmark(group="one record")
def test_undergird_with_names(benchmark: Any, ours: undergird.Logger, tmp_path: Path) -> None:
    undergird.configure(tmp_path / "run.log", names=("process", "thread", "task"))
    cost(benchmark, lambda: ours.info("agent moved", agent_id=7, x=0.5, state="exploring"))


@pytest.mark.benchmark(group="one record")
def test_undergird_metric(benchmark: Any, ours: undergird.Logger) -> None:
    cost(benchmark, lambda: ours.metric("agent_count", 1000, state="exploring"))


@pytest.mark.benchmark(group="one record")
def test_stdlib_with_two_arguments(benchmark: Any, theirs: logging.Logger) -> None:
    cost(benchmark, lambda: theirs.info("%s moved %d times", "agent", 3))


@pytest.mark.benchmark(group="context")
def test_bind(benchmark: Any, ours: undergird.Logger) -> None:
    cost(benchmark, lambda: ours.bind(run=3, state="exploring"))


@pytest.mark.benchmark(group="context")
def test_without_bound_fields(benchmark: Any, ours: undergird.Logger) -> None:
    cost(benchmark, lambda: ours.info("agent moved", agent_id=7, x=0.5))


@pytest.mark.benchmark(group="context")
def test_with_two_bound_fields(benchmark: Any, ours: undergird.Logger) -> None:
    bound = ours.bind(run=3, state="exploring")
    cost(benchmark, lambda: bound.info("agent moved", agent_id=7, x=0.5))


@pytest.mark.benchmark(group="held back")
def test_disabled(benchmark: Any, ours: undergird.Logger) -> None:
    cost(benchmark, lambda: ours.debug("agent moved", agent_id=7))


@pytest.mark.benchmark(group="held back")
def test_held_back_by_a_sample(benchmark: Any, ours: undergird.Logger) -> None:
    sampled = ours.sample(first=1, then=0, per=None)
    cost(benchmark, lambda: sampled.info("agent moved", agent_id=7))


@pytest.mark.benchmark(group="held back")
def test_making_a_sample(benchmark: Any, ours: undergird.Logger) -> None:
    cost(benchmark, lambda: ours.sample(first=1, then=0))


@pytest.mark.benchmark(group="held back")
def test_held_back_by_a_limit(benchmark: Any, ours: undergird.Logger) -> None:
    limited = ours.limit(per_second=0.001, burst=1)
    cost(benchmark, lambda: limited.info("agent moved", agent_id=7))


@pytest.mark.benchmark(group="clock")
def test_with_the_wall_clock(benchmark: Any, ours: undergird.Logger) -> None:
    cost(benchmark, lambda: ours.info("agent moved", agent_id=7))


@pytest.mark.benchmark(group="clock")
def test_with_a_simulation_clock(benchmark: Any, ours: undergird.Logger, tmp_path: Path) -> None:
    undergird.configure(tmp_path / "run.log", clock=SimulationClock())
    cost(benchmark, lambda: ours.info("agent moved", agent_id=7))


@pytest.mark.benchmark(group="clock")
def test_with_a_clock_of_ones_own(benchmark: Any, ours: undergird.Logger, tmp_path: Path) -> None:
    undergird.configure(tmp_path / "run.log", clock=lambda: 0.5)
    cost(benchmark, lambda: ours.info("agent moved", agent_id=7))


@pytest.mark.benchmark(group="clock")
def test_advancing_a_simulation_clock(benchmark: Any) -> None:
    sim = SimulationClock()
    cost(benchmark, lambda: sim.advance(0.5))
