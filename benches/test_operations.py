"""Operations that have no row in the driver: what a call costs its caller, by pytest-benchmark.

.venv-3.13/bin/python -P -m pytest benches/test_operations.py
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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


@pytest.mark.benchmark(group="one record")
def test_undergird_with_two_arguments(benchmark: Any, ours: undergird.Logger) -> None:
    benchmark(lambda: ours.info("%s moved %d times", "agent", 3))


@pytest.mark.benchmark(group="one record")
def test_undergird_with_names(benchmark: Any, ours: undergird.Logger, tmp_path: Path) -> None:
    undergird.configure(tmp_path / "run.log", names=("process", "thread", "task"))
    benchmark(lambda: ours.info("agent moved", agent_id=7, x=0.5, state="exploring"))


@pytest.mark.benchmark(group="one record")
def test_undergird_metric(benchmark: Any, ours: undergird.Logger) -> None:
    benchmark(lambda: ours.metric("agent_count", 1000, state="exploring"))


@pytest.mark.benchmark(group="one record")
def test_stdlib_with_two_arguments(benchmark: Any, theirs: logging.Logger) -> None:
    benchmark(lambda: theirs.info("%s moved %d times", "agent", 3))
