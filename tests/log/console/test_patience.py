"""A console that nobody reads: the program goes on, and what was not shown is counted and said."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import logging
import os
import select
import sys
import termios
import threading
import time
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING, Any

import pytest

import undergird
from undergird.log.console import patience
from undergird.log.console.handler import ConsoleHandler

if TYPE_CHECKING:
    from tests.log.conftest import Run


class Pipe:
    """A stderr that is a pipe of 16 KiB, and its other end."""

    def __init__(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        self.run, self.monkeypatch = run, monkeypatch
        self.end, descriptor = os.pipe()
        fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, 1 << 14)
        self.stderr: IO[str] = os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace")

    def start(self, **options: Any) -> undergird.Logger:
        # Not before the test itself runs: pytest sets its own for each part of a test.
        self.monkeypatch.setattr(sys, "stderr", self.stderr)
        return self.run.start(**options)

    def fill(self) -> None:
        os.set_blocking(self.stderr.fileno(), False)
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(self.stderr.fileno(), b"\n")
        os.set_blocking(self.stderr.fileno(), True)

    def read(self) -> str:
        """What is in it now."""
        os.set_blocking(self.end, False)
        read = b""
        while True:
            try:
                read += os.read(self.end, 1 << 16)
            except BlockingIOError:
                return read.decode()


@pytest.fixture
def pipe(run: Run, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pipe]:
    made = Pipe(run, monkeypatch)
    yield made
    made.read()
    for handler in logging.root.handlers:
        handler.flush()
    monkeypatch.undo()
    made.read()
    made.stderr.close()
    os.close(made.end)


def dropped() -> int:
    found: int = undergird.stats()["console_dropped"]
    return found


def test_what_nobody_reads_is_counted_and_said_before_the_next_line(run: Run, pipe: Pipe) -> None:
    log = pipe.start(console="text", overload="drop_newest")
    before = dropped()
    log.info("shown")
    pipe.fill()
    for number in range(100):
        log.info("not shown", number=number)
    assert dropped() == before + 100
    first = pipe.read()
    assert "shown" in first
    assert "not shown" not in first
    log.info("again")
    log.info("and on")
    told, again, on = pipe.read().splitlines()
    assert "WARNING" in told
    assert told.endswith("records not shown here, for nobody read the console: 100")
    assert again.endswith("again")
    assert on.endswith("and on")
    assert dropped() == before + 100
    # The file has them all.
    assert len(run.lines()) == 103


def test_a_call_waits_a_second_at_most_and_not_again_before_something_is_read(pipe: Pipe) -> None:
    log = pipe.start(console="text")
    before = dropped()
    pipe.fill()
    begin = time.monotonic()
    log.info("waits")
    assert time.monotonic() - begin > 0.5
    for _ in range(30):
        log.info("does not wait")
    # Thirty seconds, if each had waited.
    assert time.monotonic() - begin < 20
    assert dropped() == before + 31
    pipe.read()
    log.info("there is room")
    pipe.fill()
    begin = time.monotonic()
    log.info("waits again")
    assert time.monotonic() - begin > 0.5


def test_a_reader_that_is_slow_gets_every_line(pipe: Pipe) -> None:
    log = pipe.start(console="json")
    before = dropped()
    read: list[str] = []
    stop = threading.Event()

    def work() -> None:
        while not stop.wait(0.002):
            read.append(pipe.read())

    reader = threading.Thread(target=work)
    reader.start()
    for number in range(500):
        log.info("x", number=number, text="~" * (number * 37 % 3000))
    stop.set()
    reader.join()
    read.append(pipe.read())
    assert [json.loads(line)["number"] for line in "".join(read).splitlines()] == list(range(500))
    assert dropped() == before


@pytest.mark.parametrize(("level", "seconds"), [("INFO", 0), ("WARNING", 1), ("ERROR", 1)])
def test_drop_below_waits_from_its_level_on(
    level: str, seconds: int, pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []

    class Poll:
        """Says of what it is asked that there is no room, at once."""

        def register(self, descriptor: int, event: int) -> None:
            assert (descriptor, event) == (pipe.stderr.fileno(), select.POLLOUT)

        def poll(self, milliseconds: float) -> list[tuple[int, int]]:
            waited.append(milliseconds / 1000)
            return []

    log = pipe.start(console="text", overload="drop_below:WARNING")
    monkeypatch.setattr(select, "poll", Poll)
    log.log(logging.getLevelName(level), "x")
    log.log(logging.getLevelName(level), "x")
    monkeypatch.undo()
    # Each looks first whether there is room; after one wait in vain nobody waits.
    assert waited == ([0, seconds, 0] if seconds else [0, 0])


def test_a_thread_that_runs_an_event_loop_hardly_waits_for_the_console(pipe: Pipe) -> None:
    log = pipe.start(console="text")

    async def work() -> float:
        pipe.fill()
        begin = time.monotonic()
        log.info("x")
        return time.monotonic() - begin

    # A millisecond is what is promised; a thread that waits like any other takes a second.
    assert asyncio.run(work()) < 0.5


def console() -> ConsoleHandler:
    (handler,) = [handler for handler in logging.root.handlers if isinstance(handler, ConsoleHandler)]
    return handler


def test_an_event_loop_does_not_stand_still_while_another_thread_waits_for_room(
    pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    # So long that it has not ended when the loop's call has, be the machine ever so slow.
    monkeypatch.setattr(patience, "LONGEST", 60.0)
    # DEBUG would be asyncio's own too, before its loop runs.
    log = pipe.start(console="text", level="INFO")
    handler, before = console(), dropped()
    pipe.fill()
    other = threading.Thread(target=log.info, args=("of the other thread",))
    other.start()
    while not handler.patience.waits:
        time.sleep(0.001)

    async def work() -> bool:
        log.info("of the event loop")
        return handler.patience.waits

    assert asyncio.run(work())
    assert dropped() == before + 1
    shown = pipe.read()
    other.join()
    told, line = (shown + pipe.read()).strip().splitlines()
    assert told.endswith("nobody read the console: 1")
    assert line.endswith("of the other thread")


class Busy:
    """A lock that another thread has for some time, but not because it waits for room."""

    def __init__(self) -> None:
        self.tries = 0

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        self.tries += 1
        return self.tries == 5

    def release(self) -> None:
        assert self.tries == 5


def test_an_event_loop_waits_while_another_thread_writes(pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    log = pipe.start(console="text")
    before = dropped()

    async def work() -> None:
        with monkeypatch.context() as patched:
            patched.setattr(console(), "lock", Busy())
            log.info("shown")

    asyncio.run(work())
    assert pipe.read().endswith("shown\n")
    assert dropped() == before


@pytest.mark.parametrize("in_loop", [False, True])
def test_filters_of_the_console_are_those_of_the_standard_library(in_loop: bool, pipe: Pipe) -> None:
    pipe.start(console="text", level="INFO")
    mine, usual = console(), logging.Handler()

    def record_of(message: str) -> logging.LogRecord:
        return logging.LogRecord("sim", logging.INFO, "", 0, message, None, None)

    def other(record: logging.LogRecord) -> Any:
        return False if record.msg == "no" else record_of("another")

    mine.addFilter(other)
    usual.addFilter(other)
    usual.emit = lambda record: None  # type: ignore[method-assign]

    def work() -> list[Any]:
        return [
            handler.handle(logging.makeLogRecord({"msg": msg})) for handler in (mine, usual) for msg in ("no", "yes")
        ]

    async def within() -> list[Any]:
        return work()

    refused, passed, no, yes = asyncio.run(within()) if in_loop else work()
    assert (refused, type(passed)) == (no, type(yes))
    assert pipe.read().strip().endswith("another" if sys.version_info >= (3, 12) else "yes")


def test_a_line_too_long_for_what_has_room_is_closed_before_the_next(pipe: Pipe) -> None:
    log = pipe.start(console="text", overload="drop_newest")
    before = dropped()
    log.info("long " + "x" * 100_000)
    assert dropped() == before + 1
    torn = pipe.read()
    assert 0 < len(torn) < 100_000
    log.info("next")
    nothing, told, following = pipe.read().split("\n")[:3]
    assert nothing == ""
    assert "nobody read the console: 1" in told
    assert following.endswith("next")


def test_a_line_that_is_read_meanwhile_may_be_of_any_length(pipe: Pipe) -> None:
    log = pipe.start(console="text")
    read: list[str] = []
    stop = threading.Event()

    def work() -> None:
        while not stop.wait(0.001):
            read.append(pipe.read())

    reader = threading.Thread(target=work)
    reader.start()
    log.info("é" * 50_000)
    stop.set()
    reader.join()
    read.append(pipe.read())
    assert "".join(read).count("é") == 50_000


def test_lines_for_programs_say_it_in_their_own_format(pipe: Pipe) -> None:
    log = pipe.start(console="json", overload="drop_newest")
    pipe.fill()
    log.info("not shown")
    pipe.read()
    log.info("shown")
    told, shown = map(json.loads, pipe.read().splitlines())
    assert (told["logger_name"], told["level"]) == ("undergird", "WARNING")
    assert told["message"].endswith("nobody read the console: 1")
    assert shown["message"] == "shown"


def test_what_was_not_shown_is_said_at_the_end(pipe: Pipe) -> None:
    log = pipe.start(console="text", overload="drop_newest")
    pipe.fill()
    log.info("not shown")
    handler = console()
    handler.flush()
    assert "nobody read" not in pipe.read()
    handler.flush()
    handler.flush()
    assert pipe.read().count("nobody read the console: 1") == 1


def test_a_terminal_that_is_held_stops_nobody(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    master, slave = os.openpty()
    with os.fdopen(slave, "w", encoding="utf-8") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        log = run.start(console="text", overload="drop_newest")
        before = dropped()
        termios.tcflow(slave, termios.TCOOFF)
        log.info("while it is held")
        assert dropped() == before + 1
        termios.tcflow(slave, termios.TCOON)
        log.info("afterwards")
        shown = os.read(master, 1 << 16).decode()
        assert "nobody read the console: 1" in shown
        assert "afterwards" in shown
        monkeypatch.undo()
        undergird.shutdown(30.0)
    os.close(master)
