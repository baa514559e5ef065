"""Loggers may be called from wherever Python code runs: nothing hangs, nothing is lost."""

from __future__ import annotations

import gc
import logging as standard
import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from undergird import logging
from undergird.logging import install, uninstall

if TYPE_CHECKING:
    from tests.conftest import Script

COUNT = 2_000
SIGNALS = 200


class Written:
    """A logger of some kind, whose records go to a file by a handler that may be native, and to one that is foreign."""

    def __init__(self, logger: standard.Logger, path: Path) -> None:
        self.made, self.path = logger, path
        self.handler = standard.FileHandler(path)
        self.handler.setFormatter(standard.Formatter("%(name)s %(levelname)s %(message)s"))
        logger.addHandler(self.handler)
        logger.setLevel(standard.INFO)

    @cached_property
    def logger(self) -> standard.Logger:
        """The logger, with no handlers but that one. When a test begins pytest adds its own where nothing propagates."""
        self.made.propagate = False
        return self.made

    def lines(self) -> list[str]:
        """What was logged, without the name and the level."""
        self.handler.flush()
        return [line.split(" ", 2)[2] for line in self.path.read_text().splitlines()]


@pytest.fixture(params=["face", "installed"])
def written(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Written]:
    """A logger with a file of its own."""
    if request.param == "installed":
        install()
    name = f"tests.reentrance.{request.node.name}"
    made = Written((logging if request.param == "face" else standard).getLogger(name), tmp_path / "run.log")
    yield made
    made.made.handlers.clear()
    made.handler.close()
    uninstall()
    del standard.root.manager.loggerDict[name]


class Seeing(standard.Handler):
    """A foreign handler that keeps the messages."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def emit(self, record: standard.LogRecord) -> None:
        self.seen.append(record.getMessage())


def test_a_signal_handler_may_log(written: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    handled = 0
    failed: list[str] = []
    read, write = os.pipe()
    written.logger.addHandler(foreign := Seeing())
    # A file of the standard library's refuses to be written while it is being written, and that is said.
    monkeypatch.setattr(written.handler, "handleError", lambda record: failed.append(record.getMessage()))

    def handle(*_: object) -> None:
        nonlocal handled
        handled += 1
        written.logger.info("signal %d", handled)
        written.logger.debug("off")
        os.write(write, b".")

    def disturb() -> None:
        for _ in range(SIGNALS):
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)
            os.read(read, 1)

    before = signal.signal(signal.SIGUSR1, handle)
    thread = threading.Thread(target=disturb)
    thread.start()
    calls = 0
    try:
        while handled < SIGNALS:
            written.logger.info("call %d", calls)
            written.logger.debug("off")
            calls += 1
    finally:
        thread.join()
        signal.signal(signal.SIGUSR1, before)
        os.close(read)
        os.close(write)
    everything = [f"call {number}" for number in range(calls)]
    assert [line for line in foreign.seen if line.startswith("call")] == everything
    everything += [f"signal {number}" for number in range(1, SIGNALS + 1)]
    assert Counter(foreign.seen) == Counter(everything)
    assert set(written.lines()) | set(failed) == set(everything)
    assert Counter(written.lines()).total() == len(set(written.lines()))


def test_a_finalizer_may_log_during_a_collection(written: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = 0
    refused: list[str] = []
    # As above: before 3.12 a collection may begin while the file is being written.
    monkeypatch.setattr(written.handler, "handleError", lambda record: refused.append(record.getMessage()))

    class Cycle:
        def __init__(self, number: int) -> None:
            self.number, self.itself = number, self

        def __del__(self) -> None:
            nonlocal ended
            ended += 1
            written.logger.info("end %d", self.number)
            written.logger.debug("off")

    thresholds = gc.get_threshold()
    gc.set_threshold(7, 2, 2)
    try:
        for number in range(COUNT):
            Cycle(number)
            written.logger.info("call %d %s", number, [{}])
            written.logger.debug("off")
        assert ended > 0, "not all at the end"
    finally:
        gc.set_threshold(*thresholds)
        gc.collect()
    assert Counter(written.lines() + refused) == Counter(
        [f"end {number}" for number in range(COUNT)] + [f"call {number} [{{}}]" for number in range(COUNT)]
    )


def test_a_value_may_log_while_its_text_is_made(written: Written) -> None:
    class Value:
        def __str__(self) -> str:
            written.logger.info("within")
            written.logger.debug("off")
            written.logger.setLevel(standard.INFO)
            return "value"

    for number in range(100):
        written.logger.info("%d %s", number, Value())
    assert written.lines() == [line for number in range(100) for line in ("within", f"{number} value")]


def test_a_handler_may_log_and_change_handlers_while_it_emits(written: Written) -> None:
    class Foreign(standard.Handler):
        def emit(self, record: standard.LogRecord) -> None:
            if record.getMessage() == "outer":
                written.logger.info("inner")
                written.logger.removeHandler(self)
                written.logger.addHandler(self)

    foreign = Foreign()
    written.logger.addHandler(foreign)
    for _ in range(100):
        written.logger.info("outer")
    written.logger.removeHandler(foreign)
    assert Counter(written.lines()) == {"outer": 100, "inner": 100}
    assert written.lines()[:4] == ["outer", "inner"] * 2


def test_a_filter_may_log(written: Written) -> None:
    def filter_(record: standard.LogRecord) -> bool:
        if record.getMessage() == "outer":
            written.logger.info("inner")
        return True

    written.handler.addFilter(filter_)
    for _ in range(100):
        written.logger.info("outer")
    assert written.lines() == ["inner", "outer"] * 100


def test_threads_that_log_from_everywhere_lose_nothing(written: Written) -> None:
    class Value:
        def __init__(self, number: int) -> None:
            self.number = number

        def __str__(self) -> str:
            written.logger.info("within %d", self.number)
            return str(self.number)

    def log(first: int) -> None:
        for number in range(first, first + 200):
            written.logger.info("call %s", Value(number))
            written.logger.debug("off")

    threads = [threading.Thread(target=log, args=(1000 * number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    numbers = [1000 * thread + number for thread in range(4) for number in range(200)]
    assert Counter(written.lines()) == Counter(f"{what} {number}" for what in ("call", "within") for number in numbers)


@pytest.mark.parametrize("start", ["from undergird import logging", "from undergird.logging import install; install()"])
def test_what_is_logged_while_the_interpreter_ends_is_what_the_standard_library_writes(
    start: str, script: Script, tmp_path: Path
) -> None:
    program = """
        import logging{0}
        {1}
        import atexit, sys, threading

        handler = logging.FileHandler("run.log")
        handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
        log = logging.getLogger("sim")
        log.addHandler(handler)
        log.setLevel("INFO")

        class Late:
            def __init__(self, name):
                self.name = name
            def __del__(self, log=log):
                log.info("end of %s", self.name), log.debug("off")

        atexit.register(lambda: (log.info("at the end %d", 1), log.debug("off")))
        late, cycle = Late("a name of the module"), Late("a cycle")
        cycle.itself = cycle
        sys.late = Late("an attribute of sys")
        # A thread that is no daemon ends before functions are called at the end.
        threading.Thread(target=lambda: (threading.main_thread().join(), log.info("of a thread"))).start()
        log.info("last line")
    """
    files = []
    for import_ in ("pass", start):
        script(program.format("", import_))
        files.append((tmp_path / "run.log").read_text())
        (tmp_path / "run.log").unlink()
    assert files[0] == files[1]
    assert files[0].startswith("INFO last line\nINFO of a thread\nINFO at the end 1\n")
