"""SIGKILL at random instants under full load: what was accepted is in the file, once.

`UNDERGIRD_KILL_ROUNDS` says how often (200 by default).
"""

from __future__ import annotations

import json
import os
import random
import signal
import tempfile
import time
from collections import Counter
from pathlib import Path

import pytest
from tests.survival.conftest import Numbers, Rounds, Scene, until

DEEP = os.environ.get("UNDERGIRD_DEEP") == "1"
ROUNDS = int(os.environ.get("UNDERGIRD_KILL_ROUNDS", "200"))
PATIENCE = pytest.mark.timeout(120 + 2 * ROUNDS)


def chance() -> random.Random:
    seed = random.SystemRandom().getrandbits(32)
    print(f"seed {seed}")
    return random.Random(seed)


@PATIENCE
def test_every_call_that_returned_before_a_kill_is_in_the_file_once(scene: Scene) -> None:
    draw = chance()
    # Kills that leave unwritten records.
    rounds = Rounds(scene, ROUNDS, share=0.9)
    for each in rounds:
        threads = draw.choice((1, 1, 1, 3))
        # Calls that wait for room in a small ring sleep for a while when it is empty already: few of those.
        size = draw.choice((1 << 16, 1 << 20, *[4 << 20] * 18))
        # Where the machine has other things to do at the kill, a writer that need not wait for the disk has caught up.
        fsync = draw.choice((True, True, False))
        pid = scene.write(threads=threads, ring_size=size, fsync=fsync, killed_after=draw.uniform(0.002, 0.04))
        assert scene.nursery.wait(pid) == -signal.SIGKILL
        rounds.met += scene.stored(threads) > scene.lines()
        scene.recover_or_start_again(each)
        scene.check(threads)
        scene.nothing_is_left()


# With the exit codes that the nursery's children have then.
WAYS = {
    "SIGKILL": -signal.SIGKILL,
    "SIGTERM": -signal.SIGTERM,
    "SIGSEGV": -signal.SIGSEGV,
    "os._exit": 5,
    "sys.exit": 70,
    "an exception": 70,
}
# Those that leave no time for writing.
HURRIED = ("SIGKILL", "SIGTERM", "SIGSEGV", "os._exit")


@PATIENCE
def test_whichever_way_a_process_ends_while_its_log_rotates_every_call_that_returned_is_there_once(
    scene: Scene,
) -> None:
    draw = chance()
    ended, waiting = Counter[str](), Counter[str]()
    least = ROUNDS if DEEP else max(ROUNDS // 8, len(WAYS))
    # Rotations.
    rounds = Rounds(scene, least, wanted=least + 1)
    for each in rounds:
        way = list(WAYS)[each % len(WAYS)]
        # Threads that log on while the program ends may be refused something.
        threads = draw.choice((1, 1, 3)) if WAYS[way] < 0 else 1
        pid = scene.write(
            threads=threads, way=way, killed_after=draw.uniform(0.005, 0.04), ring_size=4 << 20, max_bytes=300_000
        )
        assert scene.nursery.wait(pid) == WAYS[way], way
        ended[way] += 1
        waiting[way] += scene.stored(threads) > scene.lines()
        scene.recover_or_start_again(each)
        scene.check(threads)
        rounds.met += len(list(scene.directory.glob("run.log.*")))
    hurried, unwritten = sum(ended[way] for way in HURRIED), sum(waiting[way] for way in HURRIED)
    print(f"unwritten records at the end of {unwritten} of the {hurried} rounds that left no time: {dict(waiting)}")
    # Of few rounds a single one is more than a tenth.
    assert hurried - unwritten <= 1 + hurried // 10


@PATIENCE
def test_every_row_of_a_call_that_returned_before_a_kill_is_in_the_file_once(scene: Scene) -> None:
    draw = chance()
    # Kills that leave unwritten rows.
    rounds = Rounds(scene, max(ROUNDS // 10, 2), wanted=1)
    for each in rounds:
        rows = draw.choice((2, 100, 256, 1000))
        pid = scene.write(rows=rows, ring_size=draw.choice((1 << 16, 4 << 20)), killed_after=draw.uniform(0.002, 0.02))
        assert scene.nursery.wait(pid) == -signal.SIGKILL
        rounds.met += scene.numbers[0] > scene.lines()
        if each % 2:
            scene.kill_a_recovery(after=draw.uniform(0.0, 0.01))
        scene.recover()
        scene.check(rows=rows)
        scene.nothing_is_left()


@PATIENCE
def test_every_file_of_a_killed_process_has_its_records_once_in_its_format_and_rotation(scene: Scene) -> None:
    draw = chance()
    # Kills that come between two files.
    rounds = Rounds(scene, max(ROUNDS // 20, 2), wanted=1)
    for each in rounds:
        errors = {"path": scene.directory / "errors.log", "level": "ERROR", "format": "logfmt"}
        text = {"path": scene.directory / "run.txt", "format": "text", "rotation": {"max_bytes": 50_000}}
        nobody = {"path": scene.directory / "nobody.log", "loggers": ["elsewhere"]}
        pid = scene.write(
            sinks=[errors, text, nobody],
            max_bytes=200_000,
            ring_size=draw.choice((1 << 20, 4 << 20)),
            killed_after=draw.uniform(0.004, 0.04),
        )
        assert scene.nursery.wait(pid) == -signal.SIGKILL
        rounds.met += len(scene.numbers_in("run.log")) != len(scene.numbers_in("run.txt"))
        if each % 2:
            scene.kill_a_recovery(after=draw.uniform(0.0, 0.01))
        scene.recover()
        stored = scene.numbers[0]
        for name, step, begin in (("run.log", 1, '{"'), ("run.txt", 1, "20"), ("errors.log", 10, "timestamp=20")):
            found = scene.numbers_in(name, begin=begin)
            assert found == list(range(step, step * len(found) + 1, step)), f"{name}: lost, doubled or out of order"
            assert stored // step <= len(found) <= (stored + 1) // step, name
        assert all(path.stat().st_size < 50_000 for path in scene.directory.glob("run.txt*"))
        assert all(path.stat().st_size < 200_000 for path in scene.directory.glob("run.log*"))
        assert scene.numbers_in("nobody.log") == []
        scene.nothing_is_left()


@PATIENCE
def test_a_kill_while_a_run_begins_leaves_nothing_broken(scene: Scene) -> None:
    draw = chance()
    before_the_first = 0
    for each in Rounds(scene, max(ROUNDS // 5, 1)):
        pid = scene.write(ring_size=4 << 20)
        time.sleep(draw.uniform(0.0, 0.012))
        assert scene.nursery.kill(pid)
        before_the_first += scene.numbers[0] == 0
        scene.recover_or_start_again(each)
        if scene.path.exists():
            scene.check()
        else:
            assert scene.numbers[0] == 0
    print(f"{before_the_first} kills before the first call returned")


@PATIENCE
def test_a_recovery_that_is_killed_twice_is_finished_by_the_third(scene: Scene) -> None:
    draw = chance()
    outcomes = Counter[str]()
    # Recoveries that are killed before they are done.
    rounds = Rounds(scene, max(ROUNDS // 4, 2), wanted=ROUNDS // 16)
    for _ in rounds:
        pid = scene.write(ring_size=4 << 20)
        scene.numbers.wait_for(0, 1)
        with scene.held_log():
            # The ring fills up while the log is held, but has room for so many: nothing is refused.
            scene.numbers.wait_for(0, scene.lines() + draw.randrange(10_000, 30_000))
            assert scene.nursery.kill(pid)
        assert scene.numbers[0] > scene.lines()
        for _ in range(2):
            before = scene.lines()
            action = draw.choice(("recover", "start"))
            where = {"directory": scene.directory} if action == "recover" else {"path": scene.path}
            pid = scene.nursery.do(action, **where)
            # Some at any instant, some when lines have begun to come.
            if draw.random() < 0.5:
                time.sleep(draw.uniform(0.0, 0.02))
            else:
                deadline = time.monotonic() + 10
                size = scene.path.stat().st_size
                while scene.path.stat().st_size == size and time.monotonic() < deadline:
                    if scene.numbers[0] <= scene.lines():
                        break
            killed = scene.nursery.kill(pid)
            after = scene.lines()
            done = after >= scene.numbers[0]
            rounds.met += killed and not done
            outcomes["too late" if not killed or done else "before a line" if after == before else "between lines"] += 1
        scene.recover()
        scene.check()
        scene.nothing_is_left()
    print(outcomes)


def test_many_processes_killed_at_once_share_one_file(scene: Scene) -> None:
    stored = [Numbers(Path(tempfile.mkdtemp(dir=scene.directory.parent))) for _ in range(4)]
    pids = [
        scene.nursery.do("write", path=scene.path, shared=each.path, ring_size=1 << 20, names=["process_id"])
        for each in stored
    ]
    for each in stored:
        each.wait_for(0, 500)
    # At once, or those that live on would write what the first of them left.
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    for pid in pids:
        assert scene.nursery.kill(pid)
    assert scene.recover().count("recovered") == 4
    data = scene.path.read_bytes()
    assert data.endswith(b"\n")
    lines = [json.loads(line) for line in data.split(b"\n")[:-1]]
    for pid, each in zip(pids, stored, strict=True):
        numbers = [line["number"] for line in lines if line["process_id"] == pid]
        assert numbers == list(range(1, len(numbers) + 1))
        assert each[0] <= len(numbers) <= each[0] + 1
    assert {line["process_id"] for line in lines} == set(pids)


def test_a_live_process_writes_what_a_dead_one_left(scene: Scene) -> None:
    sibling = scene.nursery.do("start", path=scene.path, idle=60.0)
    try:
        pid = scene.write(ring_size=1 << 20)
        scene.numbers.wait_for(0, 100)
        with scene.held_log():
            scene.numbers.wait_for(0, scene.lines() + 2_000)
            assert scene.nursery.kill(pid)
        assert scene.lines() < scene.numbers[0]
        until(lambda: scene.lines() >= scene.numbers[0])
        scene.check()
    finally:
        assert scene.nursery.kill(sibling)


def test_a_process_that_never_comes_to_rest_writes_what_a_dead_one_left(scene: Scene, ring_dir: Path) -> None:
    kept = {"max_bytes": 1_000_000, "backup_count": 1, "ring_size": 4 << 20}
    # Rows of many records cost a call less than they cost the writer: its ring is always full.
    busy = scene.write(rows=1000, **kept)
    try:
        scene.numbers.wait_for(0, 1_000_000)
        numbers = Numbers(Path(tempfile.mkdtemp(dir=scene.directory.parent)))
        pid = scene.nursery.do("write", path=scene.path, shared=numbers.path, **kept)
        numbers.wait_for(0, 1000)
        assert scene.nursery.kill(pid)
        assert len(list(ring_dir.rglob(f"{pid}-*.ring"))) == 1
        until(lambda: not list(ring_dir.rglob(f"{pid}-*.ring")))
    finally:
        assert scene.nursery.kill(busy)
    scene.recover()
