"""`sync=True`: the line is in the file when the call returns."""

from __future__ import annotations

import errno
import json
import logging
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import undergird
from undergird.log.run import rings
from undergird.log.tree.handlers import FileHandler

if TYPE_CHECKING:
    from tests.log.conftest import Run


def numbers(path: Path) -> list[int]:
    return [json.loads(line)["number"] for line in path.read_bytes().splitlines()]


def test_a_handler_of_its_own_is_synchronous_where_the_run_is_not(run: Run, tmp_path: Path) -> None:
    log = run.start()
    handler = FileHandler(tmp_path / "sync.log", sync=True)
    logging.getLogger(log.name).addHandler(handler)
    try:
        for number in range(50):
            log.info("x", number=number)
            assert numbers(tmp_path / "sync.log") == list(range(number + 1))
    finally:
        logging.getLogger(log.name).removeHandler(handler)
    assert [line["number"] for line in run.lines()] == list(range(50))


def test_records_of_the_standard_library_are_synchronous_too(run: Run) -> None:
    run.start(sync=True)
    for count in range(1, 20):
        logging.getLogger("plain").warning("x")
        assert run.path.read_bytes().count(b"\n") == count


def test_a_file_that_cannot_be_written_holds_no_call_up_and_raises_nothing(run: Run, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with os.fdopen(os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK), "rb", buffering=0) as pipe:
        run.path = tmp_path / "pipe"
        log = run.start(sync=True)
        # Nobody reads: at some point the pipe is full.
        for number in range(2_000):
            log.info("x" * 100, number=number)
        counts = undergird.stats()["sinks"][str(run.path)]
        assert os.strerror(errno.EAGAIN) in counts["error"]
        assert counts["emitted"] == 2_000 == counts["written"] + counts["in_flight"]
        assert counts["in_flight"] > 0
        while not undergird.flush(0.05):
            pipe.read(1 << 20)
        assert undergird.stats()["sinks"][str(run.path)]["written"] == 2_000


CHILD = """
import os, signal, sys
import undergird
undergird.configure(sys.argv[1], sync=True, **eval(sys.argv[4]))
log = undergird.get_logger("child")
for number in range(int(sys.argv[2])):
    log.info("x", child=int(sys.argv[3]), number=number)
os.kill(os.getpid(), signal.SIGKILL)
"""


def start_child(path: Path, ring_dir: Path, count: int, child: int = 0, **options: object) -> subprocess.Popen[bytes]:
    arguments = [sys.executable, "-c", CHILD, str(path), str(count), str(child), repr(options)]
    return subprocess.Popen(arguments, env={**os.environ, "UNDERGIRD_RING_DIR": str(ring_dir)})


@pytest.mark.parametrize("options", [{}, {"max_bytes": 2_000}, {"fsync": True}], ids=["plain", "rotating", "fsync"])
def test_a_kill_right_after_a_call_leaves_its_line_in_the_file(
    tmp_path: Path, ring_dir: Path, options: dict[str, Any]
) -> None:
    path = tmp_path / "run.log"
    child = start_child(path, ring_dir, 100, **options)
    assert child.wait(30) == -signal.SIGKILL
    # Nobody has recovered anything.
    files = sorted(tmp_path.glob("run.log*"), key=lambda file: len(numbers(file)) and -numbers(file)[0])
    assert [number for file in reversed(files) for number in numbers(file)] == list(range(100))
    assert (len(files) > 1) == ("max_bytes" in options)
    # And recovery finds nothing that was not there.
    rings.recover(tmp_path, sys.stderr)
    assert [number for file in reversed(files) for number in numbers(file)] == list(range(100))


def test_processes_and_threads_on_one_rotating_file_lose_and_double_nothing(tmp_path: Path, ring_dir: Path) -> None:
    path = tmp_path / "run.log"
    children = [start_child(path, ring_dir, 300, child, max_bytes=20_000) for child in range(3)]
    assert [child.wait(60) for child in children] == [-signal.SIGKILL] * 3
    lines = [json.loads(line) for file in tmp_path.glob("run.log*") for line in file.read_bytes().splitlines()]
    assert len(list(tmp_path.glob("run.log.*"))) > 3
    for child in range(3):
        assert sorted(line["number"] for line in lines if line["child"] == child) == list(range(300))


def test_a_forked_child_is_synchronous_as_well(run: Run) -> None:
    log = run.start(sync=True)
    log.info("x", number=0)
    pid = os.fork()
    if pid == 0:
        log.info("x", number=1)
        os._exit(0)
    os.waitpid(pid, 0)
    assert numbers(run.path) == [0, 1]
    log.info("x", number=2)
    assert numbers(run.path) == [0, 1, 2]


def test_the_lines_of_a_thread_keep_their_order(run: Run) -> None:
    log = run.start(sync=True)

    def work(thread: int) -> None:
        for number in range(100):
            log.info("x", thread=thread, number=number)

    threads = [threading.Thread(target=work, args=(thread,)) for thread in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    lines = [json.loads(line) for line in run.path.read_bytes().splitlines()]
    for thread in range(4):
        assert [line["number"] for line in lines if line["thread"] == thread] == list(range(100))
