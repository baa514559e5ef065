"""`AsyncLogger`: calls that are awaited."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import logging
from typing import TYPE_CHECKING, Any

import pytest

import undergird
from undergird import _core
from undergird.errors import ConfigurationError
from undergird.log.asynchronous import AsyncLogger, AsyncLoggerStats

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.log.conftest import Run

RECORD = 400
"""More bytes than a record has."""


@pytest.fixture(autouse=True)
def _quiet_loop(run: Run) -> Iterator[None]:
    """Without what the event loop itself logs."""
    logger = logging.getLogger("asyncio")
    level = logger.level
    logger.setLevel(logging.WARNING)
    yield
    logger.setLevel(level)


@contextlib.contextmanager
def held(run: Run) -> Iterator[None]:
    """While it is open, nothing is written to the log."""
    with run.path.with_name(".run.log.lock").open("r+b") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


async def start(name: str = "async", **options: Any) -> AsyncLogger:
    log = AsyncLogger(name, **options)
    await log.start()
    return log


def test_every_level_has_a_method_and_fields_stand_on_the_line(run: Run) -> None:
    run.start()

    async def work() -> None:
        log = await start("levels")
        for method in (log.adebug, log.ainfo, log.awarning, log.aerror, log.acritical):
            await method("step %d", 3, agent_id=789)
        await log.stop()

    asyncio.run(work())
    lines = run.lines()
    assert [line["level"] for line in lines] == ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]
    assert {(line["message"], line["agent_id"], line["logger_name"]) for line in lines} == {("step 3", 789, "levels")}


def test_a_block_that_ensures_it_ends_with_every_line_in_the_file(run: Run) -> None:
    run.start()

    async def work() -> None:
        log = await start()
        for begin in range(0, 3000, 1000):
            async with log.ensure_flushed():
                for number in range(begin, begin + 1000):
                    await log.adebug("x", number=number)
            numbers = [json.loads(line)["number"] for line in run.path.read_bytes().splitlines()]
            assert numbers == list(range(begin + 1000))

    asyncio.run(work())


def test_no_more_wait_than_may_and_nothing_is_lost_while_nothing_moves(run: Run) -> None:
    run.start(ring_size=1 << 16)
    waiting = []

    async def work() -> None:
        log = await start(max_queue_size=100)
        await log.ainfo("x", number=-1)
        await log.flush()
        with held(run):
            task = asyncio.create_task(many(log, 2000))
            # The loop goes on although the log does not.
            for _ in range(20):
                await asyncio.sleep(0.005)
                waiting.append(undergird.stats()["sinks"][str(run.path)]["in_flight"])
                assert (await log.get_performance_stats()).queue_utilization <= 1.0
            assert not task.done()
        await task
        await log.stop()
        await log.stop()

    async def many(log: AsyncLogger, count: int) -> None:
        for number in range(count):
            await log.ainfo("x", number=number)

    asyncio.run(work())
    # The first record was written before.
    assert max(waiting) == 99
    assert [line["number"] for line in run.lines()] == list(range(-1, 2000))
    assert undergird.stats()["sinks"][str(run.path)]["dropped"] == 0


@pytest.mark.parametrize(("tasks", "each"), [(8, 500), (2000, 2)])
def test_a_ring_that_fills_up_is_waited_for_by_all_tasks(run: Run, tasks: int, each: int) -> None:
    run.start(ring_size=1 << 16)

    async def work() -> None:
        log = await start(max_queue_size=1_000_000)

        async def task(number: int) -> None:
            with undergird.context(task_number=number):
                for one in range(each):
                    await log.ainfo("x" * 200, one=one)

        async with log.ensure_flushed():
            await asyncio.gather(*map(task, range(tasks)))

    asyncio.run(work())
    lines = run.lines()
    found: dict[int, list[int]] = {}
    for line in lines:
        found.setdefault(line["task_number"], []).append(line["one"])
    assert found == {number: list(range(each)) for number in range(tasks)}
    assert undergird.stats()["sinks"][str(run.path)]["dropped"] == 0


def test_half_of_the_ring_is_left_to_calls_that_do_not_wait(run: Run) -> None:
    run.start(ring_size=1 << 16)

    async def work() -> None:
        log = await start(max_queue_size=1_000_000)
        await log.ainfo("x")
        await log.flush()
        with held(run):
            task = asyncio.create_task(many(log, 1000))
            while not task.done() and is_less_than_half_full():
                await asyncio.sleep(0)
            for _ in range(10):
                await asyncio.sleep(0.001)
            tail, head, capacity = _core.positions()
            assert head - tail <= capacity // 2 + RECORD
            undergird.get_logger("plain").info("y" * (capacity // 16))
            assert not task.done()
        await task

    async def many(log: AsyncLogger, count: int) -> None:
        for _ in range(count):
            await log.ainfo("x" * (RECORD // 2))

    def is_less_than_half_full() -> bool:
        tail, head, capacity = _core.positions()
        return head - tail <= capacity // 2

    asyncio.run(work())
    assert undergird.stats()["sinks"][str(run.path)]["dropped"] == 0
    assert len(run.lines()) == 1002


def test_another_task_runs_while_one_only_logs(run: Run) -> None:
    run.start()
    seen: list[str] = []

    async def work() -> None:
        log = await start()

        async def logs() -> None:
            for _ in range(1000):
                await log.ainfo("x")
            seen.append("logged")

        async def other() -> None:
            seen.append("ran")

        await asyncio.gather(logs(), other())

    asyncio.run(work())
    assert seen == ["ran", "logged"]


def test_a_run_that_is_set_up_anew_is_not_waited_for(run: Run, tmp_path: Path) -> None:
    run.start()

    async def work() -> None:
        log = await start(max_queue_size=1)
        for number in range(3):
            await log.ainfo("x", number=number)
        with held(run):
            await log.ainfo("x", number=3)
            flushed = asyncio.create_task(log.flush())
            await asyncio.sleep(0)
            assert not flushed.done()
        # Its positions in the ring before are behind all of the one that follows.
        undergird.configure(tmp_path / "next.log")
        await asyncio.wait_for(flushed, 30)
        await log.ainfo("x", number=4)
        await log.flush()

    asyncio.run(work())
    assert [line["number"] for line in run.lines() if "number" in line] == [0, 1, 2, 3]
    assert [line["number"] for line in run.lines(tmp_path / "next.log")] == [4]


def test_its_statistics_are_zeros_before_and_numbers_after(run: Run) -> None:
    run.start()

    async def work() -> None:
        log = AsyncLogger()
        assert await log.get_performance_stats() == AsyncLoggerStats(0.0, 0.0, 0.0)
        await log.start()
        await log.start()
        for _ in range(100):
            await log.ainfo("x")
        stats = await log.get_performance_stats()
        assert stats.messages_per_second > 0
        assert 0 <= stats.queue_utilization <= 1
        assert stats.avg_latency_ms > 0

    asyncio.run(work())


def test_where_no_run_is_set_up_it_sets_one_up(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(undergird.log.run.setup, "_ours", [])

    async def work() -> None:
        async with AsyncLogger("alone", path=run.path, batch_size=5000, flush_interval=0.1, async_write=False) as log:
            await log.adebug("x")
            assert run.path.read_bytes().count(b"\n") == 1

    asyncio.run(work())


def test_levels_of_the_program_and_exceptions_have_their_methods(run: Run) -> None:
    run.start()
    emergence = undergird.add_level("EMERGENCE", 25)

    async def work() -> None:
        log = await start()
        await log.aemergence("behaviour %d", 1, score=0.78)
        await log.alog(emergence, "by number", n=2)
        try:
            raise KeyError("k")
        except KeyError:
            await log.aexception("failed", n=3)
        for name in ("adance", "emergence", "xemergence"):
            with pytest.raises(AttributeError, match=name):
                getattr(log, name)

    asyncio.run(work())
    first, second, third = run.lines()
    assert (first["level"], first["message"], first["score"]) == ("EMERGENCE", "behaviour 1", 0.78)
    assert (second["level"], second["message"], second["n"]) == ("EMERGENCE", "by number", 2)
    assert (third["level"], third["n"], third["exception_type"]) == ("ERROR", 3, "KeyError")


@pytest.mark.parametrize("setting", ["batch_size", "flush_interval", "max_queue_size"])
def test_sizes_and_intervals_are_positive(setting: str) -> None:
    options: dict[str, Any] = {setting: 0}
    with pytest.raises(ConfigurationError, match=setting):
        AsyncLogger(**options)
