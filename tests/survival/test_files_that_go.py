"""Files and descriptors of ours that others take away while they are used: they are made again."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.survival.beside import child, go_on
from tests.survival.conftest import until
from tests.survival.numbered import BEGIN, complete, read

if TYPE_CHECKING:
    from tests.conftest import Script


def test_a_log_that_is_deleted_is_made_again(script: Script, tmp_path: Path, ring_dir: Path) -> None:
    script(
        BEGIN
        + """
    work("before", 100)
    undergird.flush()
    os.unlink("run.log")
    work("after", 100)
    undergird.flush()
    os.rename("run.log", "moved.log")
    work("later", 100)
    """
    )
    complete(tmp_path / "moved.log", after=100)
    complete(tmp_path / "run.log", later=100)


# Two threads, until they are told to end; not as fast as they can, so that there is not much to read.
BUSY = """
    import json, sys, threading
    import undergird
    undergird.configure("run.log")
    log = undergird.get_logger("busy")
    stop = threading.Event()
    counts = {}

    def work(who):
        number = 0
        while not stop.wait(0.001):
            for _ in range(50):
                log.info("x", who=who, number=number)
                number += 1
        counts[who] = number

    threads = [threading.Thread(target=work, args=(f"{sys.argv[1]}-{thread}",)) for thread in range(2)]
    for thread in threads:
        thread.start()
    sys.stdin.readline()
    stop.set()
    for thread in threads:
        thread.join()
    print(json.dumps(counts), flush=True)
    sys.stdin.readline()
"""


def test_a_log_that_is_moved_again_and_again_while_processes_log_loses_and_doubles_nothing(
    tmp_path: Path, ring_dir: Path
) -> None:
    logged: dict[str, int] = {}
    parts = [tmp_path / f"run.log.{number}" for number in range(30)]
    with contextlib.ExitStack() as stack:
        children = [stack.enter_context(child(BUSY, name, cwd=tmp_path)) for name in "ab"]
        for part in parts:
            until((tmp_path / "run.log").exists, pause=0.001)
            (tmp_path / "run.log").rename(part)
        for stdin, stdout in children:
            go_on(stdin)
            logged.update(json.loads(stdout.readline()))
            go_on(stdin)
    found: dict[str, list[int]] = {who: [] for who in logged}
    for path in [*parts, tmp_path / "run.log"]:
        # A part may have been moved before its first line.
        for who, numbers in read(path).items() if path.exists() and path.stat().st_size else ():
            found[who] += numbers
    assert set(found) == {"a-0", "a-1", "b-0", "b-1"}
    assert found == {who: list(range(count)) for who, count in logged.items()}


def test_a_lock_file_that_is_deleted_is_made_again(script: Script, tmp_path: Path, ring_dir: Path) -> None:
    script(
        BEGIN
        + """
    work("before", 100)
    undergird.flush()
    os.unlink(".run.log.lock")
    work("after", 100)
    undergird.flush()
    assert os.path.exists(".run.log.lock")
    """
    )
    complete(tmp_path / "run.log", before=100, after=100)


@pytest.mark.parametrize("end", ["pass", "os.kill(os.getpid(), signal.SIGKILL)"])
def test_a_ring_that_is_deleted_is_made_again(end: str, script: Script, tmp_path: Path, ring_dir: Path) -> None:
    script(
        BEGIN
        + f"""
    import pathlib
    work("before", 100)
    old = undergird.stats()["ring"]
    os.unlink(old)
    deadline = time.monotonic() + 20
    while undergird.stats()["ring"] == old:
        assert time.monotonic() < deadline
        log.info("record", who="meanwhile", number=-1)
        time.sleep(0.01)
    work("after", 10_000)
    {end}
    """,
        check=False,
    )
    script("import undergird.cli; raise SystemExit(undergird.cli.main(['recover', '.']))")
    found = read(tmp_path / "run.log")
    assert found["before"] == list(range(100))
    assert found["after"] == list(range(10_000))


def test_descriptors_that_somebody_else_closes_are_opened_again(script: Script, tmp_path: Path, ring_dir: Path) -> None:
    script(
        BEGIN
        + """
    work("before", 100)
    undergird.flush()
    os.closerange(3, 100)
    theirs = [open(f"theirs{number}", "w") for number in range(20)]
    work("after", 100)
    undergird.flush()
    """
    )
    complete(tmp_path / "run.log", before=100, after=100)
    assert [path.read_text() for path in tmp_path.glob("theirs*")] == [""] * 20
