"""What becomes of every record: counted, and the counts add up at every moment."""

from __future__ import annotations

import asyncio
import fcntl
import json
import logging
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.log.conftest import read_lines

import undergird
import undergird.log

if TYPE_CHECKING:
    from tests.log.conftest import Run


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Keeps everybody from writing a log."""
    with path.with_name(f".{path.name}.lock").open("r+b") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def counts(run: Run) -> dict[str, Any]:
    found: dict[str, Any] = undergird.stats()["sinks"][str(run.path)]
    return found


def balanced(found: dict[str, Any]) -> bool:
    return bool(found["emitted"] == sum(found[key] for key in ("written", "dropped", "failed", "in_flight")))


def test_at_rest_everything_that_was_called_is_written(either: Run) -> None:
    log = either.start()
    for number in range(1000):
        log.info("x", number=number)
        log.debug("x") if number % 2 else logging.getLogger(log.name).info("x")
    assert undergird.flush()
    assert counts(either) == {"emitted": 2000, "written": 2000, "dropped": 0, "failed": 0, "in_flight": 0}


def test_a_record_that_waits_is_in_flight(either: Run) -> None:
    log = either.start()
    log.info("first")
    assert undergird.flush()
    with held(either.path):
        for _ in range(9):
            log.info("waits")
        assert counts(either) == {"emitted": 10, "written": 1, "dropped": 0, "failed": 0, "in_flight": 9}
        assert undergird.flush(timeout=0.05) is False
        assert counts(either)["in_flight"] == 9
    assert undergird.flush()
    assert counts(either)["written"] == 10


def test_what_goes_to_a_file_that_the_writer_has_not_met_yet_is_in_flight(run: Run) -> None:
    log = run.start()
    log.info("first")
    assert undergird.flush()
    with held(run.path):
        # For the first it waits now, and looks at nothing new.
        log.info("waits")
        second = run.path.with_name("second.log")
        logging.root.addHandler(undergird.log.FileHandler(second))
        log.info("for both")
        found = undergird.stats()["sinks"]
        assert balanced(found[str(second)]), found
        assert found[str(second)]["in_flight"] == 1
        assert found[str(run.path)]["in_flight"] == 2
    assert undergird.flush()
    assert len(read_lines(second)) == 1


def test_what_no_level_lets_through_is_not_counted(either: Run) -> None:
    log = either.start(level="ERROR")
    log.info("x")
    log.error("x")
    assert undergird.flush()
    assert counts(either)["emitted"] == 1


def test_the_counts_add_up_at_every_moment_while_threads_log(run: Run) -> None:
    log = run.start(ring_size=1 << 16, overload="drop_newest")
    stop = threading.Event()
    done = [0] * 3

    def work(thread: int) -> None:
        while not stop.is_set():
            log.info("x", thread=thread)
            done[thread] += 1

    threads = [threading.Thread(target=work, args=(thread,)) for thread in range(3)]
    for one in threads:
        one.start()
    last = 0
    for _ in range(100):
        found = undergird.stats()
        assert balanced(found), found
        assert balanced(found["sinks"][str(run.path)]), found
        assert found["emitted"] >= last
        last = found["emitted"]
    stop.set()
    for one in threads:
        one.join()
    # By then everything that was refused has been told of.
    assert undergird.shutdown(60.0)
    lines = run.lines()
    found = counts(run)
    announced = sum(line["logger_name"] == "undergird" for line in lines)
    assert found["in_flight"] == 0
    assert found["emitted"] == sum(done) + announced
    assert found["written"] == len(lines)


def test_stats_say_where_the_ring_is(run: Run, ring_dir: Path) -> None:
    run.start().info("x")
    found = undergird.stats()
    assert Path(found["ring"]).is_relative_to(ring_dir)
    assert found["placement"] == "wanted"


def test_stats_can_be_sent_on_as_json(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    beside = run.path.parent
    for options in ({}, {"console": True, "names": ["process", "thread"], "call_site": True, "fields": {"seed": 7}}):
        sinks = [
            undergird.FileSink(beside / "text.log", format="text", rotation=undergird.Rotation(max_bytes=1 << 20)),
            undergird.FileSink(beside / os.fsdecode(b"\xff.log"), format="logfmt", loggers=["sim"]),
        ]
        log = run.start(sinks=sinks, sample=undergird.Sample(first=1, then=0), **options)
        logging.root.addHandler(undergird.log.FileHandler(beside / "by-hand.log"))
        logging.getLogger("sim").warning("x")
        for _ in range(3):
            log.info("x")
        log.bind(a=1).error("x", value=object())
    found = undergird.stats()
    files = (run.path, beside / "text.log", beside / os.fsdecode(b"\xff.log"), beside / "by-hand.log")
    assert {str(file) for file in files} <= set(found["sinks"])
    assert json.loads(json.dumps(found)) == found
    capsys.readouterr()


# --- overload -----------------------------------------------------------------------------------------------------------


def test_drop_newest_refuses_what_does_not_fit_and_says_how_many(either: Run) -> None:
    log = either.start(ring_size=1 << 16, overload="drop_newest")
    log.info("first")
    assert undergird.flush()
    with held(either.path):
        begin = time.monotonic()
        for number in range(5000):
            (log.info if number % 2 else log.error)("x", number=number)
        assert time.monotonic() - begin < 30  # Nobody waited a second for each.
        found = counts(either)
        assert found["dropped"] > 1000
        assert found["emitted"] == 5001
        assert balanced(found)
        dropped = found["dropped"]
    assert undergird.flush()
    log.info("after")
    lines = either.lines()
    kept = [line["number"] for line in lines if line["message"] == "x"]
    assert kept == list(range(5000 - dropped))  # The newest were refused.
    announcement = lines[-2]
    assert (announcement["logger_name"], announcement["level"]) == ("undergird", "WARNING")
    assert "dropped" in announcement["message"]
    assert announcement["dropped"] == dropped
    assert announcement["dropped_level_20"] + announcement["dropped_level_40"] == dropped
    assert announcement["dropped_loggers"] == {log.name: dropped}
    assert lines[-1]["message"] == "after"
    found = counts(either)
    assert found["dropped"] == dropped
    assert found["written"] == len(lines)


def test_drops_are_announced_by_logger_and_once_a_second_at_most(run: Run) -> None:
    run.start(ring_size=1 << 16, overload="drop_newest")
    names = [f'odd "{number}" \\ \n' for number in range(40)]
    loggers = [undergird.get_logger(name) for name in names]
    loggers[0].info("first")
    assert undergird.flush()
    for _ in range(20):
        with held(run.path):
            for _ in range(50):
                for log in loggers:
                    log.info("x" * 100)
        assert undergird.flush()
    dropped = counts(run)["dropped"]
    assert undergird.shutdown(60.0)
    told = [line for line in read_lines(run.path) if line["logger_name"] == "undergird"]
    # Twenty times there was something to be said. The last is said at the end, whenever that is.
    times = [datetime.fromisoformat(line["timestamp"]) for line in told[:-1]]
    assert all(later - earlier >= timedelta(seconds=1) for earlier, later in pairwise(times)), times
    assert sum(line["dropped"] for line in told) == dropped
    for line in told:
        assert sum(line["dropped_loggers"].values()) == line["dropped"]
        assert len(line["dropped_loggers"]) <= 33
        assert set(line["dropped_loggers"]) <= {*names, "(others)"}


def test_a_drop_is_announced_at_the_end_even_if_nothing_more_is_logged(run: Run) -> None:
    log = run.start(ring_size=1 << 16, overload="drop_newest")
    log.info("first")
    assert undergird.flush()

    def overload() -> int:
        before = counts(run)["dropped"]
        with held(run.path):
            for _ in range(5000):
                log.info("x")
            return int(counts(run)["dropped"] - before)

    first = overload()
    assert undergird.flush()
    log.info("the next call tells")
    # It is told once a second at most: so for a second from here on the end alone will tell.
    last = overload()
    assert undergird.shutdown(60.0)
    told = [line["dropped"] for line in read_lines(run.path) if line["logger_name"] == "undergird"]
    assert told == [first, last]


def test_drop_below_refuses_only_below_its_level(either: Run) -> None:
    log = either.start(ring_size=1 << 16, overload="drop_below:WARNING")
    log.info("first")
    assert undergird.flush()
    released = threading.Event()

    def release_later() -> None:
        with held(either.path):
            locked.set()
            released.wait(30)

    locked = threading.Event()
    holder = threading.Thread(target=release_later)
    holder.start()
    locked.wait()
    for number in range(3000):
        log.info("low", number=number)
    dropped = counts(either)["dropped"]
    assert dropped > 100
    threading.Timer(0.1, released.set).start()
    # Longer than those that found no room: it has to wait for its own.
    log.warning("high", text="x" * 100)
    assert released.is_set()
    holder.join()
    assert undergird.flush()
    lines = either.lines()
    assert [line["message"] for line in lines].count("high") == 1
    assert counts(either)["dropped"] == dropped


def test_block_waits_for_room_and_loses_nothing(either: Run) -> None:
    log = either.start(ring_size=1 << 16)
    log.info("first")
    assert undergird.flush()
    released, locked = threading.Event(), threading.Event()

    def hold() -> None:
        with held(either.path):
            locked.set()
            released.wait(30)

    holder = threading.Thread(target=hold)
    holder.start()
    locked.wait()
    threading.Timer(0.15, released.set).start()
    for number in range(5000):
        log.info("x", number=number)
    holder.join()
    assert [line["number"] for line in either.lines()[1:]] == list(range(5000))
    assert counts(either)["dropped"] == 0


def test_block_waits_a_second_at_most_and_not_again_while_nothing_moves(run: Run) -> None:
    log = run.start(ring_size=1 << 16)
    log.info("first")
    assert undergird.flush()
    with held(run.path):
        begin = time.monotonic()
        while counts(run)["dropped"] == 0:
            log.info("x")
        waited = time.monotonic() - begin
        assert waited > 0.5
        begin = time.monotonic()
        for _ in range(2000):
            log.info("x")
        # Two thousand seconds, if each had waited again.
        assert time.monotonic() - begin < 20
        assert counts(run)["dropped"] == 2001


@pytest.mark.usefixtures("no_collection")
def test_ctrl_c_ends_the_wait_for_room(run: Run) -> None:
    log = run.start(ring_size=1 << 16)
    log.info("first")
    assert undergird.flush()
    with held(run.path):
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
        with pytest.raises(KeyboardInterrupt):
            for _ in range(5000):
                log.info("x")
                if counts(run)["dropped"]:
                    time.sleep(0.001)


def test_a_signals_handler_runs_while_a_call_waits_for_room(run: Run) -> None:
    log = run.start(ring_size=1 << 16)
    log.info("first")
    assert undergird.flush()
    waiting = [0]

    def handle(number: int, frame: object) -> None:
        waiting.append(counts(run)["in_flight"])
        if waiting[-1] == waiting[-2] > 0:
            fcntl.flock(lock, fcntl.LOCK_UN)  # Nothing moves any more: the call waits, and now there will be room.

    before = signal.signal(signal.SIGALRM, handle)
    with run.path.with_name(f".{run.path.name}.lock").open("r+b") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
        try:
            for number in range(5000):
                log.info("x", number=number)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
    assert [line["number"] for line in run.lines()[1:]] == list(range(5000))


def test_a_thread_that_runs_an_event_loop_hardly_waits(run: Run) -> None:
    log = run.start(ring_size=1 << 16)
    log.info("first")
    assert undergird.flush()

    async def work() -> float:
        longest = 0.0
        while counts(run)["dropped"] < 100:
            begin = time.monotonic()
            log.info("x")
            longest = max(longest, time.monotonic() - begin)
        return longest

    with held(run.path):
        # A millisecond is what is promised; a thread that waits like any other takes a second.
        assert asyncio.run(work()) < 0.5


# --- when a line can be read --------------------------------------------------------------------------------------------


def test_with_sync_a_line_is_there_when_its_call_returns(either: Run) -> None:
    log = either.start(sync=True)
    for number in range(300):
        log.info("x", number=number)
        data = either.path.read_bytes()
        assert data.endswith(b"}\n")
        assert json.loads(data.splitlines()[-1])["number"] == number


def test_with_sync_threads_find_their_own_lines(run: Run) -> None:
    log = run.start(sync=True)
    missing: list[str] = []

    def work(thread: int) -> None:
        for number in range(200):
            log.info("x", mark=f"<{thread}-{number}>")
            if f'"<{thread}-{number}>"'.encode() not in run.path.read_bytes():
                missing.append(f"{thread}-{number}")

    threads = [threading.Thread(target=work, args=(thread,)) for thread in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert missing == []


def test_lines_come_by_themselves(either: Run) -> None:
    log = either.start()
    for _ in range(5):
        size = either.path.stat().st_size if either.path.exists() else 0
        for number in range(10):
            log.info("x", number=number)
        begin = time.monotonic()
        while not either.path.exists() or either.path.read_bytes()[size:].count(b"\n") < 10:
            # 50 ms are what is promised; a busy machine gets two seconds.
            assert time.monotonic() < begin + 2.0
            time.sleep(0.001)


def test_flush_gives_what_was_asked_of_it(either: Run) -> None:
    log = either.start()
    log.info("x")
    assert undergird.flush(0) in (True, False)
    assert undergird.flush(10.0) is True
    assert undergird.flush(None) is True
    assert undergird.flush(-1.0) is True
    assert undergird.flush(float("inf")) is True
