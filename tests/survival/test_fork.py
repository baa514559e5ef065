"""Forks of every kind: each child has a ring of its own, nothing is written twice, nobody hangs."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.log.conftest import read_lines
from tests.survival.numbered import BEGIN, complete, read

if TYPE_CHECKING:
    from tests.conftest import Script


@pytest.mark.parametrize("flushed", [True, False])
@pytest.mark.parametrize("ending", ["os._exit(0)", "sys.exit(0)", "undergird.shutdown(); os._exit(0)"])
def test_four_children_and_their_parent_with_threads_lose_and_double_nothing(
    flushed: bool, ending: str, script: Script, tmp_path: Path, ring_dir: Path
) -> None:
    script(
        BEGIN
        + f"""
    before = threading.Thread(target=work, args=("thread", 10_000))
    before.start()
    work("parent", 5_000)
    if {flushed}:
        undergird.flush()
    children = []
    for child in range(4):
        pid = os.fork()
        if pid == 0:
            work(f"child{{child}}", 10_000)
            {ending}
        children.append(pid)
    for number in range(5_000, 10_000):
        log.info("record %d", number, who="parent", number=number)
    before.join()
    for pid in children:
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    """
    )
    complete(tmp_path / "run.log", parent=10_000, thread=10_000, **{f"child{child}": 10_000 for child in range(4)})
    assert list(ring_dir.rglob("*.ring")) == []


KINDS = {
    "os.fork": "os.fork()",
    "fork of the C library": "ctypes.PyDLL(None).fork()",
    "a raw clone": "ctypes.PyDLL(None).syscall({'x86_64': 56, 'aarch64': 220}[platform.machine()], 17, 0, 0, 0, 0)",
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "first", ["work('child', 1)", "undergird.flush()", "undergird.stats()", "undergird.shutdown()", "log.setLevel(20)"]
)
def test_a_child_has_a_ring_of_its_own_after(
    kind: str, first: str, script: Script, tmp_path: Path, ring_dir: Path
) -> None:
    done = script(
        BEGIN
        + f"""
    import fcntl
    log.info("first", who="parent", number=0)
    undergird.flush()
    lock = open(".run.log.lock", "r+b")
    fcntl.flock(lock, fcntl.LOCK_EX)
    # These wait in the parent's ring, which the child must not touch.
    for number in range(1, 500):
        log.info("record", who="parent", number=number)
    mine = undergird.stats()["ring"]
    pid = {KINDS[kind]}
    if pid == 0:
        signal.alarm(20)
        lock.close()
        {first}
        for number in range(1 if "work" in {first!r} else 0, 500):
            log.info("record", who="child", number=number)
        assert undergird.stats()["ring"] != mine
        assert undergird.stats()["emitted"] == 500, undergird.stats()
        os._exit(0)
    fcntl.flock(lock, fcntl.LOCK_UN)
    lock.close()
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert status == 0, status
    work_on = [log.info("record", who="parent", number=number) for number in range(500, 1000)]
    """,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    complete(tmp_path / "run.log", parent=1000, child=500)


def test_a_grandchild_has_a_ring_of_its_own(script: Script, tmp_path: Path, ring_dir: Path) -> None:
    script(
        BEGIN
        + """
    work("parent", 1000)
    if (child := os.fork()) == 0:
        work("child", 1000)
        if (grandchild := os.fork()) == 0:
            work("grandchild", 1000)
            os._exit(0)
        os.waitpid(grandchild, 0)
        os._exit(0)
    os.waitpid(child, 0)
    """
    )
    complete(tmp_path / "run.log", parent=1000, child=1000, grandchild=1000)


def test_a_child_that_sets_itself_up_has_the_ring_that_it_asked_for(
    script: Script, tmp_path: Path, ring_dir: Path
) -> None:
    script(
        BEGIN
        + """
    from undergird import _core
    def capacity():
        ring = str(undergird.stats()["ring"])
        return next(one["capacity"] for one in _core.inspect_rings(os.path.dirname(ring)) if str(one["path"]) == ring)
    work("parent", 1)
    assert capacity() == 4 << 20
    if (child := os.fork()) == 0:
        work("child", 1)
        assert capacity() == 1 << 20, capacity()
        undergird.configure("run.log", ring_size=8 << 20)
        log.info("again", who="again", number=0)
        assert capacity() == 8 << 20, capacity()
        undergird.shutdown()
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    """
    )
    complete(tmp_path / "run.log", parent=1, child=1, again=1)


def test_a_fork_while_a_call_waits_for_room_does_not_hang(script: Script, tmp_path: Path, ring_dir: Path) -> None:
    script(
        """
    import fcntl, os, threading, time
    import undergird
    import warnings
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    undergird.configure("run.log", ring_size=1 << 16)
    log = undergird.get_logger("forks")
    log.info("first", who="first", number=0)
    undergird.flush()
    lock = open(".run.log.lock", "r+b")
    fcntl.flock(lock, fcntl.LOCK_EX)
    def work(who, count):
        for number in range(count):
            log.info("record", who=who, number=number)
    thread = threading.Thread(target=work, args=("thread", 3_000))
    thread.start()
    while undergird.stats()["in_flight"] < 400:
        time.sleep(0.001)
    pid = os.fork()
    if pid == 0:
        lock.close()
        work("child", 100)
        undergird.shutdown(30)
        os._exit(0)
    fcntl.flock(lock, fcntl.LOCK_UN)
    lock.close()
    thread.join()
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    """
    )
    assert read(tmp_path / "run.log")["child"] == list(range(100))


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_workers_of_multiprocessing_log_into_the_same_file(
    method: str, script: Script, tmp_path: Path, ring_dir: Path
) -> None:
    (tmp_path / "sim.py").write_text(
        f"""
import multiprocessing
import os
import warnings
warnings.filterwarnings("ignore", category=DeprecationWarning)
import undergird

log = undergird.get_logger("forks")

def begin():
    if {method!r} != "fork":
        undergird.configure("run.log")

def work(who):
    for number in range(2_000):
        log.info("record %d", number, who=who, number=number)
    return os.getpid()

if __name__ == "__main__":
    undergird.configure("run.log")
    context = multiprocessing.get_context({method!r})
    with context.Pool(3, initializer=begin) as pool:
        pool.map(work, [f"task{{task}}" for task in range(6)], chunksize=1)
        work("parent")
        pool.close()
        pool.join()
    process = context.Process(target=work, args=("process",)) if {method!r} == "fork" else None
    if process:
        process.start()
        process.join()
        assert process.exitcode == 0
"""
    )
    script(
        "import runpy, sys; sys.path.insert(0, ''); runpy.run_path('sim.py', run_name='__main__')"
    ) if method == "fork" else script(
        f"import subprocess, sys; subprocess.run([{sys.executable!r}, 'sim.py'], check=True, timeout=100)"
    )
    script("import undergird.cli; undergird.cli.main(['recover', '.'])")
    expected = {f"task{task}": 2_000 for task in range(6)} | {"parent": 2_000}
    if method == "fork":
        expected["process"] = 2_000
    complete(tmp_path / "run.log", **expected)


GIVES_UP_ITS_RIGHTS = (
    BEGIN
    + """
    work("parent", 100)
    assert undergird.flush(10)
    if (child := os.fork()) == 0:
        for name in ("run.log", ".run.log.lock"):
            os.chmod(name, 0)
        if os.getuid() == 0:
            os.setuid(65534)
        try:
            open("run.log", "a")
        except PermissionError:
            work("child", 100)
            os._exit(not undergird.flush(10))
        os._exit(2)
    status = os.waitpid(child, 0)[1]
    work("later", 100)
    assert undergird.flush(10)
    os.chmod("run.log", 0o600)
    sys.exit(os.waitstatus_to_exitcode(status))
    """
)


def test_a_child_that_has_given_up_its_rights_goes_on_in_the_same_log(script: Script, tmp_path: Path) -> None:
    # Where everybody may make a ring, as in shared memory.
    with tempfile.TemporaryDirectory(prefix="undergird-tests-", dir="/dev/shm") as everybodys:
        Path(everybodys).chmod(0o1777)
        done = script(GIVES_UP_ITS_RIGHTS, UNDERGIRD_RING_DIR=everybodys)
    assert done.stderr == ""
    complete(tmp_path / "run.log", parent=100, child=100, later=100)


def test_a_child_keeps_none_of_its_parents_many_locks(script: Script, ring_dir: Path) -> None:
    script(
        """
        import fcntl, logging, os, undergird
        from undergird.log.tree.handlers import FileHandler
        undergird.configure("run.log")
        for number in range(100):
            logging.root.addHandler(FileHandler(f"{number}.log"))
        undergird.get_logger("forks").info("everywhere")
        assert undergird.flush(10)
        def links():
            for number in os.listdir("/proc/self/fd"):
                try:
                    yield int(number), os.readlink(f"/proc/self/fd/{number}")
                except OSError:
                    pass
        locks = [number for number, link in links() if link.endswith(".log.lock")]
        assert len(locks) == 101
        (ring,) = (number for number, link in links() if link.endswith(".ring"))
        locked, over = os.pipe(), os.pipe()
        if os.fork() == 0:
            # If it were the parent's descriptor, the parent would hold this lock as well.
            for number in locks:
                fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.write(locked[1], b"yes" if ring not in dict(links()) else b"the parent's ring is open")
            os.close(over[1])
            os.read(over[0], 1)
            os._exit(0)
        assert os.read(locked[0], 100) == b"yes"
        for number in locks:
            try:
                fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            raise AssertionError("a lock is shared with the child")
        os.close(over[1])
        os.wait()
        """
    )


def test_a_parents_ring_is_recovered_while_a_child_that_never_logged_lives(
    script: Script, tmp_path: Path, ring_dir: Path
) -> None:
    done = script(
        BEGIN
        + """
    import fcntl
    work("parent", 10)
    undergird.flush()
    with open(".run.log.lock", "r+b") as lock:
        pid = os.fork()
        if pid == 0:
            lock.close()
            os.close(1)
            os.close(2)
            time.sleep(60)
            os._exit(0)
        print(pid, flush=True)
        fcntl.flock(lock, fcntl.LOCK_EX)
        for number in range(10, 2_000):
            log.info("record %d", number, who="parent", number=number)
        os.kill(os.getpid(), signal.SIGKILL)
    """,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    child = int(done.stdout)
    try:
        os.kill(child, 0)
        said = script("import undergird.cli; raise SystemExit(undergird.cli.main(['recover', '.']))").stdout
        assert "recovered" in said
        complete(tmp_path / "run.log", parent=2_000)
    finally:
        os.kill(child, signal.SIGKILL)


def test_a_parent_writes_what_its_killed_children_left(script: Script, tmp_path: Path, ring_dir: Path) -> None:
    script(
        BEGIN
        + """
    import fcntl
    log.info("first", who="parent", number=0)
    undergird.flush()
    lock = open(".run.log.lock", "r+b")
    fcntl.flock(lock, fcntl.LOCK_EX)
    children = []
    for child in range(3):
        pid = os.fork()
        if pid == 0:
            work(f"child{child}", 1_000)
            os.kill(os.getpid(), signal.SIGKILL)
        children.append(pid)
    for pid in children:
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL
    fcntl.flock(lock, fcntl.LOCK_UN)
    deadline = time.monotonic() + 30
    while undergird.stats()["recovered"] < 3_000:
        assert time.monotonic() < deadline, undergird.stats()
        time.sleep(0.01)
    """
    )
    complete(tmp_path / "run.log", parent=1, child0=1_000, child1=1_000, child2=1_000)


@pytest.mark.parametrize("ending", ["os._exit(0)", "sys.exit(0)"])
def test_a_child_goes_on_in_its_parents_blocks_and_leaves_what_a_buffer_holds_to_it(
    ending: str, script: Script, tmp_path: Path
) -> None:
    script(
        f"""
    import os, sys, undergird

    undergird.configure("run.log", level="DEBUG")
    log = undergird.get_logger("sim")
    buffer = log.bind(agent=7).create_buffer()
    with undergird.context(request="a1"), log.timer("timed") as timer:
        buffer.info("held", by="parent")
        with undergird.context(step=1), log.catch(message="caught"):
            undergird.context.bind(late=True)
            who = "parent" if (pid := os.fork()) else "child"
            timer.fields["who"] = who
            undergird.context.bind(who=who)
            log.info("inside")
            assert len(buffer) == (1 if pid else 0)
            buffer.info("held more", by=who)
            raise ValueError(who)
        log.info("outside", who=who)
    assert undergird.context.get() == {{}}
    assert timer.fields == {{"who": who}}
    if not pid:
        buffer.flush()
        undergird.flush()
        {ending}
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    buffer.flush()
    log.info("at the end", who="parent")
    """
    )
    lines = read_lines(tmp_path / "run.log")
    for line in lines:
        for key in ("timestamp", "level", "logger_name", "exception", "exception_type", "duration_ms"):
            line.pop(key, None)
    inner = {"request": "a1", "step": 1, "late": True}
    for who in ("parent", "child"):
        held = [] if who == "child" else [{"message": "held", "request": "a1", "agent": 7, "by": who}]
        assert [line for line in lines if who in line.values()] == [
            {"message": "inside", **inner, "who": who},
            {"message": "caught", **inner, "who": who, "exception_message": who},
            {"message": "outside", "request": "a1", "who": who},
            {"message": "timed", "request": "a1", "who": who},
            *held,
            {"message": "held more", **inner, "who": who, "agent": 7, "by": who},
            *([] if who == "child" else [{"message": "at the end", "who": who}]),
        ]
    assert len(lines) == 12
