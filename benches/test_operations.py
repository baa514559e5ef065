"""One operation a row: what a call costs its caller, ours and the standard library's, by pytest-benchmark.

.venv-3.13/bin/python -P -m pytest benches/test_operations.py
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import undergird


@pytest.fixture
def ours(tmp_path: Path) -> Iterator[undergird.Logger]:
    undergird.configure(tmp_path / "run.log")
    yield undergird.get_logger("bench")
    undergird.shutdown()


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


@pytest.mark.benchmark(group="disabled call")
def test_undergird_disabled(benchmark: Any, ours: undergird.Logger) -> None:
    benchmark(lambda: ours.debug("x", a=1))


@pytest.mark.benchmark(group="disabled call")
def test_stdlib_disabled(benchmark: Any, theirs: logging.Logger) -> None:
    benchmark(lambda: theirs.debug("x %d", 1))


@pytest.mark.benchmark(group="one record")
def test_undergird_with_three_fields(benchmark: Any, ours: undergird.Logger) -> None:
    benchmark(lambda: ours.info("agent moved", agent_id=7, x=0.5, state="exploring"))


@pytest.mark.benchmark(group="one record")
def test_undergird_with_two_arguments(benchmark: Any, ours: undergird.Logger) -> None:
    benchmark(lambda: ours.info("%s moved %d times", "agent", 3))


@pytest.mark.benchmark(group="one record")
def test_undergird_bound(benchmark: Any, ours: undergird.Logger) -> None:
    bound = ours.bind(run=3, worker="a")
    benchmark(lambda: bound.info("agent moved", agent_id=7, x=0.5, state="exploring"))


@pytest.mark.benchmark(group="W4c: one record and where it was logged, by whom")
@pytest.mark.parametrize("settings", [{}, {"call_site": True}, {"names": ("process", "thread", "task")}], ids=str)
def test_undergird_with(benchmark: Any, ours: undergird.Logger, tmp_path: Path, settings: dict[str, Any]) -> None:
    undergird.configure(tmp_path / "run.log", **settings)
    benchmark(lambda: ours.info("agent moved", agent_id=7, x=0.5, state="exploring"))


@pytest.mark.benchmark(group="one record")
def test_undergird_metric(benchmark: Any, ours: undergird.Logger) -> None:
    benchmark(lambda: ours.metric("agent_count", 1000, state="exploring"))


@pytest.mark.benchmark(group="one record")
def test_stdlib_with_two_arguments(benchmark: Any, theirs: logging.Logger) -> None:
    benchmark(lambda: theirs.info("%s moved %d times", "agent", 3))


ROWS = 100_000
_RANDOM = np.random.default_rng(9)
NUMBERS: dict[str, Any] = {
    "agent_id": np.arange(ROWS),
    "x": _RANDOM.random(ROWS),
    "alive": _RANDOM.random(ROWS) < 0.5,
    "age": _RANDOM.integers(0, 100, ROWS),
}
TEXTS = {**NUMBERS, "age": np.array(["exploring", "resting", "dividing"])[NUMBERS["age"] % 3]}


@pytest.mark.benchmark(group="W9: 100,000 rows of 4 columns")
@pytest.mark.parametrize("columns", [NUMBERS, TEXTS], ids=["numbers", "a column of texts"])
def test_undergird_many(benchmark: Any, ours: undergird.Logger, columns: dict[str, Any]) -> None:
    # Each round finds an empty ring: what is measured is the caller, not the writer.
    benchmark.pedantic(lambda: ours.many("agent moved", **columns), setup=undergird.flush, rounds=20)


@pytest.mark.benchmark(group="W9: 100,000 rows of 4 columns")
def test_undergird_row_by_row(benchmark: Any, ours: undergird.Logger) -> None:
    rows = list(zip(*(column.tolist() for column in NUMBERS.values()), strict=True))

    def log() -> None:
        for agent_id, x, alive, age in rows:
            ours.info("agent moved", agent_id=agent_id, x=x, alive=alive, age=age)

    benchmark.pedantic(log, setup=undergird.flush, rounds=5)


@pytest.mark.benchmark(group="W9: 100,000 rows of 4 columns")
def test_stdlib_row_by_row(benchmark: Any, theirs: logging.Logger) -> None:
    rows = list(zip(*(column.tolist() for column in NUMBERS.values()), strict=True))

    def log() -> None:
        for row in rows:
            theirs.info("agent moved: agent_id %d, x %f, alive %s, age %d", *row)

    benchmark.pedantic(log, rounds=3)
