"""`AsyncLogger`: calls that are awaited."""

from __future__ import annotations

import asyncio
import fcntl
import json
import logging
from typing import TYPE_CHECKING, Any

import pytest

import undergird
from undergird.errors import ConfigurationError
from undergird.log.asynchronous import AsyncLogger, AsyncLoggerStats

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.log.conftest import Run


@pytest.fixture(autouse=True)
def _quiet_loop(run: Run) -> Iterator[None]:
    """Without what the event loop itself logs."""
    logger = logging.getLogger("asyncio")
    level = logger.level
    logger.setLevel(logging.WARNING)
    yield
    logger.setLevel(level)


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
        lock = run.path.with_name(".run.log.lock").open("r+b")
        fcntl.flock(lock, fcntl.LOCK_EX)
        task = asyncio.create_task(many(log, 2000))
        # The loop goes on although the log does not.
        for _ in range(20):
            await asyncio.sleep(0.005)
            waiting.append(undergird.stats()["sinks"][str(run.path)]["in_flight"])
            assert (await log.get_performance_stats()).queue_utilization <= 1.0
        assert not task.done()
        lock.close()
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
