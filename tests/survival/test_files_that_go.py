"""Files and descriptors of ours that others take away while they are used: they are made again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
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
