"""Before `configure`, again, and after `shutdown`: nothing is lost or doubled in between."""

from __future__ import annotations

import fcntl
import itertools
import json
import logging
import os
import signal
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import undergird

if TYPE_CHECKING:
    from tests.conftest import Script
    from tests.log.conftest import Run


def test_before_configure_warnings_go_to_stderr_as_from_the_standard_library(script: Script) -> None:
    done = script(
        """
        import undergird
        log = undergird.get_logger("early")
        log.info("quiet")
        log.warning("loud %d", 7, field=1)
        undergird.flush(); undergird.shutdown()
        assert undergird.stats()["emitted"] == 0
        """
    )
    assert done.stderr == "loud 7\n"


def test_loggers_made_before_configure_write_after_it(script: Script, tmp_path: Path) -> None:
    script(
        """
        import undergird
        log = undergird.get_logger("early")
        bound = log.bind(a=1)
        log.info("lost")
        undergird.configure("run.log")
        log.info("one")
        bound.info("two")
        """
    )
    lines = [json.loads(line) for line in (tmp_path / "run.log").read_text().splitlines()]
    assert [line["message"] for line in lines] == ["one", "two"]


def test_after_shutdown_a_call_writes_by_itself(either: Run) -> None:
    log = either.start()
    log.info("before")
    assert undergird.shutdown(60.0)
    for number in range(100):
        log.info("after", number=number)
        # No flush: the line is there when the call returns.
        assert json.loads(either.path.read_bytes().splitlines()[-1])["number"] == number
    assert undergird.shutdown(60.0)
    assert undergird.flush()
    assert len(either.lines()) == 101


def test_configure_after_shutdown_begins_again(either: Run, tmp_path: Path) -> None:
    log = either.start()
    log.info("one")
    undergird.shutdown()
    log.info("two")
    undergird.configure(tmp_path / "second.log")
    log.info("three")
    assert either.messages(tmp_path / "second.log") == ["three"]
    assert either.messages() == ["one", "two"]


@pytest.mark.parametrize(
    "way", ["the same file", "another file", "another directory", "with a console", "another ring"]
)
def test_configure_again_while_threads_log_loses_and_doubles_nothing(
    either: Run, way: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = either.start()
    plain = logging.getLogger(f"{log.name}.plain")
    (tmp_path / "elsewhere").mkdir()
    stop = threading.Event()
    done = [0, 0, 0]

    def work(thread: int) -> None:
        number = 0
        while not stop.is_set():
            if thread == 2:
                plain.info("x", extra={"worker": thread, "number": number})
            else:
                log.info("x", worker=thread, number=number)
            number += 1
            done[thread] = number
            if number % 100 == 0:
                # Or else most of the time is spent on reading the file back.
                stop.wait(0.002)

    threads = [threading.Thread(target=work, args=(thread,)) for thread in range(3)]
    for one in threads:
        one.start()
    paths = {either.path}
    for turn in range(6):
        goal = done[0] + 50
        while done[0] < goal:
            stop.wait(0.0005)
        path, options = either.path, dict[str, Any]()
        match way:
            case "another file":
                path = tmp_path / f"run{turn % 2}.log"
            case "another directory":
                path = tmp_path / ("elsewhere/run.log" if turn % 2 else "run.log")
            case "with a console":
                options = {"console": bool(turn % 2)}
            case "another ring":
                options = {"ring_size": 1 << (16 + turn % 3)}
        undergird.configure(path, level="DEBUG", **options)
        paths.add(path)
    stop.set()
    for one in threads:
        one.join()
    lines = [line for path in sorted(paths) for line in either.lines(path)]
    for thread in range(3):
        numbers = sorted(line["number"] for line in lines if line["worker"] == thread)
        assert numbers == list(range(done[thread])), f"thread {thread}"
    sinks = [undergird.stats()["sinks"][str(path)] for path in paths]
    assert not any(sink["in_flight"] or sink["dropped"] or sink["failed"] for sink in sinks), sinks
    assert sum(sink["written"] for sink in sinks) == sum(sink["emitted"] for sink in sinks) == sum(done)


def test_configure_leaves_other_handlers_in_their_places(run: Run) -> None:
    run.start()
    first, last = logging.NullHandler(), logging.NullHandler()
    logging.root.handlers[:] = [first, *logging.root.handlers, last]
    undergird.configure(run.path)
    assert logging.root.handlers[0] is first
    assert logging.root.handlers[2:] == [last]
    undergird.configure(run.path, console=True)
    assert len(logging.root.handlers) == 4
    undergird.configure(None)
    assert logging.root.handlers == [first, last]


def test_what_waits_in_a_replaced_ring_is_written_before_what_goes_to_its_successor(run: Run) -> None:
    log = run.start()
    log.info("x", number=0)
    numbers = itertools.count(1)
    lock = run.path.with_name(f".{run.path.name}.lock").open("r+b")

    def ring() -> str | None:
        found: str | None = undergird.stats()["ring"]
        return found

    def work(old: str | None) -> None:
        while ring() == old:
            time.sleep(0.001)
        for _ in range(10):
            log.info("x", number=next(numbers))
        fcntl.flock(lock, fcntl.LOCK_UN)

    for _ in range(8):
        assert undergird.flush()
        fcntl.flock(lock, fcntl.LOCK_EX)  # Nobody can write now.
        for _ in range(10):
            log.info("x", number=next(numbers))
        old = ring()
        assert old is not None
        Path(old).unlink()
        thread = threading.Thread(target=work, args=(old,))
        thread.start()
        while ring() == old:
            # The call that finds its ring gone replaces it, and waits a second for what is in it.
            log.debug("looks")
        thread.join()
    lock.close()
    assert [line["number"] for line in run.lines() if line["message"] == "x"] == list(range(next(numbers)))


@pytest.mark.usefixtures("no_collection")
@pytest.mark.parametrize("action", ["flush", "shutdown", "configure"])
def test_ctrl_c_ends_the_wait_for_the_file(run: Run, action: str) -> None:
    log = run.start()
    log.info("first")
    assert undergird.flush()
    with run.path.with_name(f".{run.path.name}.lock").open("r+b") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        log.info("waits")
        threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
        with pytest.raises(KeyboardInterrupt):
            match action:
                case "flush":
                    undergird.flush()
                case "shutdown":
                    undergird.shutdown(None)
                case "configure":
                    undergird.configure(run.path)
    log.info("after")
    assert run.messages() == ["first", "waits", "after"]
