"""Every way a program can end leaves everything written: at once, or by `undergird recover` where nothing could run."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.conftest import Script
    from tests.survival.conftest import Scene

COUNT = 20_000
BEGIN = f"""
    import atexit, ctypes, os, signal, sys, threading, time
    import undergird
    undergird.configure("run.log", ring_size=16 << 20)
    log = undergird.get_logger("exits")
    def work(thread=0, count={COUNT}):
        for number in range(count):
            log.info("record %d", number, thread=thread, number=number)
"""

CLEAN = {
    "the end of the script": "work()",
    "sys.exit": "work(); sys.exit(3)",
    "an exception": "work(); raise RuntimeError('uncaught')",
    "an exit out of a thread's work": "thread = threading.Thread(target=work); thread.start(); sys.exit()",
    "ctrl-c": "work(); signal.raise_signal(signal.SIGINT)",
    "a signal that is turned into an exit": """
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        work()
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(10)
    """,
    "an exception in a thread": """
        def fail():
            work()
            raise RuntimeError("uncaught")
        thread = threading.Thread(target=fail); thread.start(); thread.join()
    """,
    "undergird.shutdown before it": "work(); undergird.shutdown()",
    "logging.shutdown before it": "import logging; work(); logging.shutdown()",
    "an atexit function that was there first": """
        def last():
            log.info("last", thread=1, number=0)
        atexit.unregister(undergird.shutdown)
        atexit.register(last)
        atexit.register(undergird.shutdown)
        work()
    """,
    "an atexit function that came later": "atexit.register(log.info, 'last', thread=1, number=0); work()",
}
ABRUPT = {
    "os._exit": ("work(); os._exit(0)", 0),
    "SIGKILL": ("work(); os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL),
    "SIGTERM": ("work(); os.kill(os.getpid(), signal.SIGTERM); time.sleep(10)", -signal.SIGTERM),
    "SIGHUP": ("work(); os.kill(os.getpid(), signal.SIGHUP); time.sleep(10)", -signal.SIGHUP),
    "a segmentation fault": ("work(); ctypes.string_at(0)", -signal.SIGSEGV),
    "abort": ("work(); os.abort()", -signal.SIGABRT),
    "exec of another program": ("work(); os.execv('/bin/true', ['true'])", 0),
    "exit from C": ("work(); ctypes.PyDLL(None)._exit(5)", 5),
}


def read(path: Path) -> list[tuple[int, int]]:
    """Thread and number of each line, all of which must be whole."""
    lines = [json.loads(line) for line in path.read_bytes().split(b"\n")[:-1]]
    return [(line["thread"], line["number"]) for line in lines]


def numbers(path: Path, thread: int = 0) -> list[int]:
    return [number for of, number in read(path) if of == thread]


@pytest.mark.parametrize("way", CLEAN)
def test_everything_is_written_when_the_program_ends_by(
    way: str, script: Script, tmp_path: Path, ring_dir: Path
) -> None:
    done = script(BEGIN + indented(CLEAN[way]), check=False)
    assert numbers(tmp_path / "run.log") == list(range(COUNT)), done.stderr
    assert numbers(tmp_path / "run.log", 1) == [0] * ("atexit" in way), done.stderr
    assert list(ring_dir.rglob("*.ring")) == []
    assert "undergird" not in done.stderr.replace("import undergird", "")


@pytest.mark.parametrize("way", ABRUPT)
@pytest.mark.parametrize("after", ["recover", "the next start"])
def test_everything_is_there_after(way: str, after: str, script: Script, tmp_path: Path, ring_dir: Path) -> None:
    source, expected = ABRUPT[way]
    done = script(BEGIN + indented(source), check=False)
    assert done.returncode == expected, done.stderr
    if after == "recover":
        assert script("import undergird.cli; raise SystemExit(undergird.cli.main(['recover', '.']))").returncode == 0
    else:
        script("import undergird; undergird.configure('run.log')")
    assert numbers(tmp_path / "run.log") == list(range(COUNT))
    assert list(ring_dir.rglob("*.ring")) == []


def indented(source: str) -> str:
    lines = source.strip("\n").splitlines()
    margin = len(lines[0]) - len(lines[0].lstrip())
    return "".join(f"    {line[margin:] if line[:margin].isspace() else line}\n" for line in lines)


def test_daemon_threads_that_log_while_the_program_ends_lose_nothing_that_returned(
    script: Script, tmp_path: Path, ring_dir: Path
) -> None:
    script(
        BEGIN
        + """
    import itertools, mmap
    with open("numbers", "wb") as file:
        file.write(bytes(4096))
    with open("numbers", "r+b") as file:
        shared = memoryview(mmap.mmap(file.fileno(), 0)).cast("Q")
    def forever(thread):
        for number in itertools.count(1):
            log.info("record", thread=thread, number=number)
            shared[thread] = number
    for thread in range(3):
        threading.Thread(target=forever, args=(thread,), daemon=True).start()
    while min(shared[:3]) < 100:
        time.sleep(0.001)
    """
    )
    stored = memoryview((tmp_path / "numbers").read_bytes()).cast("Q")
    script("import undergird; undergird.configure('run.log')")
    lines = read(tmp_path / "run.log")
    for thread in range(3):
        found = [number for of, number in lines if of == thread]
        assert found == list(range(1, len(found) + 1))
        assert stored[thread] <= len(found) <= stored[thread] + 1


def test_a_log_that_cannot_be_written_at_the_end_is_kept_for_recovery(
    script: Script, tmp_path: Path, ring_dir: Path
) -> None:
    script(
        BEGIN
        + """
    import fcntl, subprocess
    log.info("first", thread=0, number=-1)
    undergird.flush()
    lock = open(".run.log.lock", "r+b")
    fcntl.flock(lock, fcntl.LOCK_EX)
    work(count=1000)
    assert undergird.shutdown(timeout=0.3) is False
    os._exit(0)
    """
    )
    assert len(list(ring_dir.rglob("*.ring"))) == 1
    script("import undergird.cli; raise SystemExit(undergird.cli.main(['recover', '.']))")
    assert numbers(tmp_path / "run.log") == [-1, *range(1000)]


def test_a_script_in_a_place_of_its_own_finds_what_it_left_there(scene: Scene, script: Script) -> None:
    # The same directory by another way to write it.
    pid = scene.write()
    scene.numbers.wait_for(0, 1000)
    with scene.held_log():
        assert scene.nursery.kill(pid)
    way = scene.directory / ".." / scene.directory.name
    script(f"import undergird.cli; raise SystemExit(undergird.cli.main(['recover', {str(way)!r}]))")
    scene.check()


def test_a_log_directory_behind_a_symbolic_link_is_recovered_by_either_name(scene: Scene, script: Script) -> None:
    link = scene.directory.with_name("link")
    link.symlink_to(scene.directory)
    pid = scene.nursery.do("write", path=link / "run.log", shared=scene.numbers.path)
    scene.numbers.wait_for(0, 1000)
    with scene.held_log():
        assert scene.nursery.kill(pid)
    script(f"import undergird.cli; raise SystemExit(undergird.cli.main(['recover', {str(scene.directory)!r}]))")
    scene.check()
