"""Calls from many threads, and from places where code is not expected to run."""

from __future__ import annotations

import gc
import json
import logging
import re
import shutil
import signal
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
from tests.memory import set_aside

import undergird

if TYPE_CHECKING:
    from tests.conftest import Script
    from tests.log.conftest import Run


def test_eight_threads_keep_their_own_order_and_lose_nothing(either: Run) -> None:
    log = either.start()
    count = 10_000 if not either.foreign else 2_000
    gate = threading.Barrier(8)

    def work(thread: int) -> None:
        gate.wait()
        mine = log.bind(worker=thread) if thread % 2 else log
        for number in range(count):
            if thread % 2:
                mine.info("x %d", number, number=number)
            else:
                mine.info("x %d", number, number=number, worker=thread)

    threads = [threading.Thread(target=work, args=(thread,)) for thread in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    lines = either.lines()
    assert len(lines) == 8 * count
    for thread in range(8):
        mine = [line for line in lines if line["worker"] == thread]
        assert [line["number"] for line in mine] == list(range(count))
        assert [line["timestamp"] for line in mine] == sorted(line["timestamp"] for line in mine)


def test_a_signal_handler_may_log(either: Run) -> None:
    log = either.start(ring_size=1 << 16)
    seen = 0

    def handle(number: int, frame: object) -> None:
        nonlocal seen
        seen += 1
        log.info("signal", seen=seen)

    before = signal.signal(signal.SIGALRM, handle)
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
    calls = 0
    try:
        while seen < 100:
            log.info("x", number=calls, text=["rendered"])
            calls += 1
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    lines = either.lines()
    # A handler may be interrupted by the next signal before it has logged.
    assert sorted(line["seen"] for line in lines if line["message"] == "signal") == list(range(1, seen + 1))
    assert [line["number"] for line in lines if line["message"] == "x"] == list(range(calls))


def test_a_finalizer_may_log_wherever_the_collector_runs(either: Run) -> None:
    log = either.start()
    dead = within = 0

    class Mortal:
        def __init__(self) -> None:
            self.me = self  # Only the collector can free it.

        def __del__(self) -> None:
            nonlocal dead
            dead += 1
            log.info("dead", number=dead)

    class Rendered:
        def __str__(self) -> str:
            nonlocal within
            before = dead
            Mortal()
            gc.collect()  # Here it runs for certain, and anywhere else as it likes.
            within += dead > before
            return "rendered"

    threshold = gc.get_threshold()
    # All else that there is would be looked at each time.
    set_aside()
    gc.set_threshold(1, 1, 1)
    try:
        for number in range(300):
            Mortal()
            log.info("x", number=number, text=[number], odd=Rendered(), **{f"key{number}": (number, {"a": 1})})
    finally:
        gc.set_threshold(*threshold)
        gc.unfreeze()
    gc.collect()
    assert dead >= 600
    # While a call was put together: in each of them.
    assert within >= 300
    lines = either.lines()
    assert [line["number"] for line in lines if line["message"] == "x"] == list(range(300))
    assert sorted(line["number"] for line in lines if line["message"] == "dead") == list(range(1, dead + 1))


def test_another_handler_may_log_while_it_emits(run: Run) -> None:
    log = run.start()
    inner = undergird.get_logger(f"{log.name}.inner")

    class Chatty(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.name != inner.name:
                inner.info("about %s", record.getMessage(), depth=1)

    logging.root.addHandler(Chatty())
    for number in range(100):
        log.info("%d", number)
    messages = run.messages()
    assert sorted(messages) == sorted(
        [f"{number}" for number in range(100)] + [f"about {number}" for number in range(100)]
    )


def test_atexit_functions_may_log(script: Script, tmp_path: Path) -> None:
    script(
        """
        import atexit
        import undergird
        log = undergird.get_logger("exit")
        atexit.register(log.info, "registered before")
        undergird.configure("run.log")
        atexit.register(log.info, "registered after")
        class Late:
            def __del__(self):
                log.info("module teardown")
        late = Late()
        log.info("run")
        """
    )
    lines = [json.loads(line) for line in (tmp_path / "run.log").read_text().splitlines()]
    assert [line["message"] for line in lines][:3] == ["run", "registered after", "registered before"]


def test_a_thread_that_ends_while_it_logs_leaves_its_records(either: Run) -> None:
    log = either.start()
    for number in range(200):
        thread = threading.Thread(target=log.info, args=("x",), kwargs={"number": number})
        thread.start()
        thread.join()
    assert [line["number"] for line in either.lines()] == list(range(200))


def test_reconfiguring_many_times_leaks_no_descriptors_and_threads(run: Run) -> None:
    log = run.start()

    def turn(count: int) -> None:
        for number in range(count):
            undergird.configure(run.path.with_name(f"run{number % 3}.log"))
            log.info("x")
        assert undergird.flush()

    turn(5)
    process = psutil.Process()
    before = process.num_fds(), process.num_threads(), len(process.memory_maps(grouped=False))
    turn(40)
    after = process.num_fds(), process.num_threads(), len(process.memory_maps(grouped=False))
    assert after[0] <= before[0] + 2
    assert after[1] <= before[1] + 1
    assert after[2] <= before[2] + 8


def test_the_drainer_is_one_thread_of_the_process(run: Run) -> None:
    def threads() -> set[int]:
        return {thread.id for thread in psutil.Process().threads()}

    # Those of other tests may be ending still.
    before = threads()
    run.start().info("x")
    assert len(threads() - before) == 1
    undergird.shutdown()
    assert threads() <= before


def test_the_drainer_leaves_every_signal_to_the_threads_of_python(run: Run) -> None:
    run.start().info("x")
    tasks: list[Path] = []
    while not tasks:  # It gives itself its name when it begins.
        tasks = [task for task in Path("/proc/self/task").iterdir() if (task / "comm").read_text() == "undergird\n"]
    (drainer,) = tasks
    blocked = int(re.findall(r"^SigBlk:\t(\w+)$", (drainer / "status").read_text(), re.MULTILINE)[0], 16)
    # The kernel lets nobody block two, and the C library keeps two for itself.
    kept = {signal.SIGKILL, signal.SIGSTOP, 32, 33}
    assert {number for number in range(1, 65) if not blocked >> (number - 1) & 1} == kept


@pytest.mark.parametrize("where", ["message", "argument", "field", "handler", "level"])
def test_a_daemon_thread_that_logs_when_the_interpreter_ends_does_not_abort_it(
    where: str, script: Script, tmp_path: Path
) -> None:
    script(
        f"""
        import logging, threading, time
        import undergird
        undergird.configure("run.log", overload="drop_newest")
        log = undergird.get_logger("daemon")
        def spin():
            for _ in range(10_000):
                pass
        class Slow(logging.Handler):
            def __str__(self):
                spin()
                return "slow"
            def emit(self, record):
                spin()
        class Level(logging.Logger):
            def isEnabledFor(self, level):
                spin()
                return False
        calls = dict(
            message=lambda: log.info(Slow()),
            argument=lambda: log.info("%s", Slow()),
            field=lambda: log.info("x", field=Slow()),
            handler=lambda: log.info("x"),
            level=lambda: log.info("x"),
        )
        if {where!r} == "handler":
            log.addHandler(Slow())
        if {where!r} == "level":
            logging.setLoggerClass(Level)
            log = undergird.get_logger("daemon.level")
        def work():
            while True:
                calls[{where!r}]()
        for _ in range(4):
            threading.Thread(target=work, daemon=True).start()
        class Late:
            def __del__(self, sleep=time.sleep):
                # The interpreter is ending, and whoever wants to run Python code now is thrown out.
                for _ in range(20):
                    sleep(0.01)
        late = Late()
        """
    )


def test_without_a_thread_for_the_drainer_calls_write_their_lines_themselves(
    script: Script, request: pytest.FixtureRequest
) -> None:
    # Not below pytest's own directory, which is for this user alone.
    top = Path(tempfile.mkdtemp(prefix="undergird-tests-"))
    top.chmod(0o777)
    request.addfinalizer(lambda: shutil.rmtree(top))
    script(
        """
        import os, resource, sys, threading
        from undergird import configure, get_logger  # While they can be read.
        os.chdir(sys.argv[1])
        if os.getuid() == 0:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
        resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
        try:
            threading.Thread(target=print).start()
        except RuntimeError:
            pass
        else:
            raise AssertionError("the limit does not hold")
        configure("run.log")
        log = get_logger("alone")
        for number in range(100):
            log.info("x", number=number)
            assert open("run.log").read().count("\\n") == number + 1
        """,
        str(top),
        UNDERGIRD_RING_DIR=str(top),
    )
