"""The thread that writes never waits for the GIL."""

from __future__ import annotations

import fcntl
import json
from pathlib import Path

from tests.survival.beside import child, go_on
from tests.survival.conftest import until

HOLDS = """
    import ctypes, sys, undergird
    undergird.configure("run.log")
    log = undergird.get_logger("holder")
    log.info("x", number=0)
    undergird.flush()
    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(1, 1000):
        log.info("x", number=number)
    # One call of a function that gives the GIL back when it returns: a shell that waits for a line.
    ctypes.PyDLL(None).system(b"echo holds; read -r line")
"""


def numbers(log: Path) -> list[int]:
    """What stands in a log, as far as its lines are whole."""
    return [json.loads(line)["number"] for line in log.read_bytes().splitlines(keepends=True) if line[-1:] == b"\n"]


def test_what_was_logged_is_written_while_another_call_keeps_the_gil(tmp_path: Path) -> None:
    with child(HOLDS, cwd=tmp_path) as (stdin, stdout):
        assert stdout.readline() == "ready\n"
        with (tmp_path / ".run.log.lock").open("r+b") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            go_on(stdin)
            assert stdout.readline() == "holds\n"
            assert numbers(tmp_path / "run.log") == [0]
        # From here on it may be written, and nobody has the GIL to give.
        until(lambda: numbers(tmp_path / "run.log") == list(range(1000)))
        go_on(stdin)
