"""What was refused is said in the files that miss it, and in no others: by its process, or by who recovers its ring."""

from __future__ import annotations

import contextlib
import fcntl
import io
import json
import re
import signal
from collections import Counter
from pathlib import Path
from typing import IO, Any

import pytest
from tests.survival.beside import child, go_on
from tests.survival.conftest import Rounds, Scene, until
from tests.survival.test_kill import PATIENCE, ROUNDS, chance

from undergird.log.run import rings

# Loggers and levels lead to different files; of those some miss nothing.
LOGGERS = """
    import json, os, signal, sys
    import undergird
    undergird.configure(
        "run.log",
        level="DEBUG",
        sinks=[
            undergird.FileSink("errors.log", level="ERROR"),
            undergird.FileSink("cells.txt", loggers=["sim.cells"], format="logfmt"),
            undergird.FileSink("network.log", loggers=["net"], except_loggers=["net.ping"]),
            undergird.FileSink("quiet.log", loggers=["quiet"]),
        ],
        ring_size=1 << 16,
        overload="drop_newest",
        fields={"run_id": "a1"},
    )
    loggers = [undergird.get_logger(name) for name in ("sim.cells.walls", "net", "net.ping", "odd \\"one\\"")]

    def say():
        sinks = undergird.stats()["sinks"]
        print(json.dumps({path.rpartition("/")[2]: counts for path, counts in sinks.items()}), flush=True)
        return sys.stdin.readline()

    for log in (*loggers, undergird.get_logger("quiet")):
        log.error("first")
    undergird.flush()
    say()
    for number in range(3000):
        log = loggers[number % 4]
        (log.error if number % 5 == 0 else log.debug)("x", number=number)
    if say() == "die\\n":
        os.kill(os.getpid(), signal.SIGKILL)
    undergird.flush()
    if len(sys.argv) > 1:
        undergird.get_logger("net.ping").debug("after")
    undergird.shutdown()
    say()
"""
NAMES = ["sim.cells.walls", "net", "net.ping", 'odd "one"']
TAKES = {
    "run.log": NAMES,
    "errors.log": NAMES,
    "cells.txt": ["sim.cells.walls"],
    "network.log": ["net"],
    "quiet.log": [],
}


@contextlib.contextmanager
def held(directory: Path) -> Any:
    """Nothing can be written meanwhile."""
    with contextlib.ExitStack() as stack:
        for path in directory.glob(".*.lock"):
            lock = stack.enter_context(path.open("r+b"))
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def answer(stdout: IO[str]) -> dict[str, dict[str, int]]:
    said: dict[str, dict[str, int]] = json.loads(stdout.readline())
    return said


def told(log: Path) -> list[dict[str, Any]]:
    """The announcements in a log, as far as they are whole."""
    lines = [
        line for line in log.read_text().splitlines(keepends=True) if "records dropped" in line and line[-1] == "\n"
    ]
    if log.suffix != ".txt":
        return [json.loads(line) for line in lines]
    return [{key: int(count) for key, count in re.findall(r"(dropped\w*)=(\d+)", line)} for line in lines]


def check(directory: Path, dropped: dict[str, int]) -> None:
    """Each file says what it misses, by level and by logger."""
    assert set(dropped) == set(TAKES)
    assert dropped["run.log"] > 1000
    assert dropped["errors.log"] > 100
    assert dropped["cells.txt"] > 100
    assert dropped["network.log"] > 100
    assert dropped["quiet.log"] == 0
    for name, missing in dropped.items():
        announcements = told(directory / name)
        # Three kinds of routes lead to a file at most, and each is told of once, for nothing was refused afterwards.
        assert len(announcements) <= 6
        assert sum(line["dropped"] for line in announcements) == missing, name
        levels: Counter[str] = Counter()
        loggers: Counter[str] = Counter()
        for line in announcements:
            levels.update({key: count for key, count in line.items() if key.startswith("dropped_level_")})
            loggers.update(line.get("dropped_loggers", {}))
        assert levels.total() == missing
        assert set(levels) <= {"dropped_level_10", "dropped_level_40"}
        if name == "errors.log":
            assert set(levels) == {"dropped_level_40"}
        if name.endswith(".log"):
            # As every record of the run does.
            assert {line["run_id"] for line in announcements} <= {"a1"}
            assert loggers.total() == missing
            assert set(loggers) == set(TAKES[name])


@pytest.mark.parametrize("more", [["more"], []], ids=["with_the_next_call", "at_the_end"])
def test_each_file_is_told_of_the_records_that_it_misses(more: list[str], tmp_path: Path) -> None:
    with child(LOGGERS, *more, cwd=tmp_path) as (stdin, stdout):
        answer(stdout)
        with held(tmp_path):
            go_on(stdin)
            dropped = {name: counts["dropped"] for name, counts in answer(stdout).items()}
        go_on(stdin)
        end = answer(stdout)
        go_on(stdin)
    assert {name: counts["dropped"] for name, counts in end.items()} == dropped
    check(tmp_path, dropped)
    for name, counts in end.items():
        assert counts["in_flight"] == 0
        # Announcements are records like others.
        assert counts["written"] == len((tmp_path / name).read_text().splitlines())


def test_a_process_that_logs_nothing_more_tells_its_files_all_the_same(tmp_path: Path) -> None:
    with child(LOGGERS, cwd=tmp_path) as (stdin, stdout):
        answer(stdout)
        with held(tmp_path):
            go_on(stdin)
            dropped = {name: counts["dropped"] for name, counts in answer(stdout).items()}
        # Meanwhile it waits for us.
        until(lambda: all(sum(line["dropped"] for line in told(tmp_path / name)) == dropped[name] for name in dropped))
        go_on(stdin)
        answer(stdout)
        go_on(stdin)
    check(tmp_path, dropped)


def test_who_recovers_a_dead_process_tells_each_file_what_it_misses_once(tmp_path: Path, ring_dir: Path) -> None:
    with child(LOGGERS, cwd=tmp_path, code=-signal.SIGKILL) as (stdin, stdout):
        answer(stdout)
        with held(tmp_path):
            go_on(stdin)
            counts = answer(stdout)
            stdin.write("die\n")
            stdin.flush()
            assert stdout.read() == ""
    for _ in range(2):
        assert rings.recover(tmp_path, io.StringIO()) == 0
        check(tmp_path, {name: found["dropped"] for name, found in counts.items()})
        for name, found in counts.items():
            lines = (tmp_path / name).read_text().splitlines()
            assert len(lines) == found["emitted"] - found["dropped"] + len(told(tmp_path / name))
    assert list(ring_dir.rglob("*.ring")) == []


@PATIENCE
def test_a_process_killed_under_overload_has_each_call_in_its_files_or_told_of_there(scene: Scene) -> None:
    draw = chance()
    # Kills that leave something to be told of.
    rounds = Rounds(scene, max(ROUNDS // 20, 2), wanted=1)
    for each in rounds:
        errors = {"path": scene.directory / "errors.log", "level": "ERROR"}
        pid = scene.write(
            sinks=[errors],
            max_bytes=200_000,
            ring_size=1 << 16,
            overload="drop_newest",
            killed_after=draw.uniform(0.004, 0.04),
        )
        assert scene.nursery.wait(pid) == -signal.SIGKILL
        before = dropped(scene, "run.log")
        if each % 2:
            scene.kill_a_recovery(after=draw.uniform(0.0, 0.01))
        scene.recover()
        rounds.met += dropped(scene, "run.log") > before
        stored = scene.numbers[0]
        for name, step in (("run.log", 1), ("errors.log", 10)):
            found = scene.numbers_in(name)
            assert found == sorted(set(found)), f"{name}: doubled or out of order"
            assert all(number % step == 0 for number in found)
            assert stored // step <= len(found) + dropped(scene, name) <= (stored + 1) // step, name
        scene.nothing_is_left()


def dropped(scene: Scene, name: str) -> int:
    """How many records a log says that it misses, with what was put aside of it."""
    return sum(line["dropped"] for path in scene.directory.glob(f"{name}*") for line in told(path))
