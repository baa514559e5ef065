"""When the disk is asked to have what was written: a pipe cannot be asked, so each try is seen as an error."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.log.conftest import Run

import undergird


@contextmanager
def pipe(path: Path, **settings: Any) -> Iterator[int]:
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        undergird.configure(path, **settings)
        yield reader
    finally:
        undergird.shutdown()
        os.close(reader)


def was_asked(path: Path) -> bool:
    undergird.flush()
    return "has not confirmed" in undergird.stats()["sinks"][str(path)].get("error", "")


@pytest.fixture
def log(run: Run) -> undergird.Logger:
    return undergird.get_logger("fsync")


def test_the_disk_is_not_asked_by_default(log: undergird.Logger, tmp_path: Path) -> None:
    with pipe(tmp_path / "pipe"):
        log.error("x")
        assert not was_asked(tmp_path / "pipe")


def test_the_disk_is_asked_after_each_batch(log: undergird.Logger, tmp_path: Path) -> None:
    with pipe(tmp_path / "pipe", fsync=True):
        log.info("x")
        assert was_asked(tmp_path / "pipe")


def test_the_disk_is_asked_after_an_error(log: undergird.Logger, tmp_path: Path) -> None:
    with pipe(tmp_path / "pipe", fsync="error"):
        log.warning("x")
        assert not was_asked(tmp_path / "pipe")
        log.error("y")
        assert was_asked(tmp_path / "pipe")


def test_the_disk_is_asked_after_an_error_of_the_users_own_level(log: undergird.Logger, tmp_path: Path) -> None:
    with pipe(tmp_path / "pipe", fsync="error"):
        log.log(4_000_000, "x")
        assert was_asked(tmp_path / "pipe")


def test_the_disk_is_asked_some_seconds_after_a_line(log: undergird.Logger, tmp_path: Path) -> None:
    with pipe(tmp_path / "pipe", fsync=0.01):
        log.info("x")
        while not was_asked(tmp_path / "pipe"):
            pass


def test_the_disk_is_asked_at_the_end_if_it_was_not_before(log: undergird.Logger, tmp_path: Path) -> None:
    with pipe(tmp_path / "pipe", fsync=3600):
        log.info("x")
        assert not was_asked(tmp_path / "pipe")
        undergird.shutdown()
        assert was_asked(tmp_path / "pipe")


def test_a_file_that_is_put_aside_is_on_the_disk(run: Run) -> None:
    log = run.start(fsync=True, max_bytes=1000)
    for number in range(100):
        log.info("x", number=number)
    undergird.flush()
    assert "error" not in undergird.stats()["sinks"][str(run.path)]
    assert len(list(run.path.parent.glob("*.log*"))) > 5


@pytest.mark.parametrize("given", ["always", 0, -1, float("nan"), 1e9, None])
def test_what_is_no_time_to_ask_the_disk_is_named(given: Any, tmp_path: Path) -> None:
    with pytest.raises(undergird.ConfigurationError, match="fsync"):
        undergird.configure(tmp_path / "run.log", fsync=given)
