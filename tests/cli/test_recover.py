"""`undergird recover`: what dead processes left is written, once."""

from __future__ import annotations

import io
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.cli.conftest import KILLED, run

import undergird
from undergird.log.run import rings as rings_module

if TYPE_CHECKING:
    from tests.conftest import Script


def test_recover_writes_what_a_killed_process_left_and_says_how_much(
    script: Script, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert script(KILLED, check=False).returncode == -signal.SIGKILL
    assert (tmp_path / "run.log").read_bytes().count(b"\n") == 1
    code, said = run(capsys, "recover", ".")
    assert code == 0
    assert "recovered 500 records" in said
    assert (tmp_path / "run.log").read_bytes().count(b"\n") == 501
    assert run(capsys, "recover", ".") == (0, "nothing to recover\n")


@pytest.mark.parametrize("how", ["no directory", "the folder of rings", "an absolute path", "a crooked path"])
def test_recover_finds_the_rings_by(
    how: str, script: Script, rings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script(KILLED, check=False)
    (folder,) = {ring.parent for ring in rings.rglob("*.ring")}
    ways = {
        "no directory": [],
        "the folder of rings": [str(folder)],
        "an absolute path": [str(tmp_path)],
        "a crooked path": [str(tmp_path / "rings" / ".." / "." / "..") + f"/{tmp_path.name}/"],
    }
    code, said = run(capsys, "recover", *ways[how])
    # Without a directory it finds the rings of this user's other programs too, whatever state they are in.
    assert code == 0 or how == "no directory"
    assert f"{folder}/" in said
    assert "recovered 500 records" in said


def test_a_ring_of_another_version_is_reported_and_kept_for_that_version(
    script: Script, rings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script(KILLED, check=False)
    (ring,) = rings.rglob("*.ring")
    own = ring.read_bytes()
    later = own[:8] + (2).to_bytes(4, "little") + own[12:]
    ring.write_bytes(later)
    for discard in ([], ["--discard"]):
        code, said = run(capsys, "recover", *discard, ".")
        assert (code, said.count("left alone: a ring of format version 2")) == (1, 1)
    code, said = run(capsys, "doctor", ".")
    assert (code, "a ring of format version 2" in said) == (1, True)
    # The next start leaves it alone, too, and is not kept from anything.
    done = script("import undergird; undergird.configure('run.log'); undergird.get_logger('next').info('x')")
    assert done.stderr == ""
    assert (tmp_path / "run.log").read_bytes().count(b"\n") == 2
    assert ring.read_bytes() == later
    ring.write_bytes(own)
    code, said = run(capsys, "recover", ".")
    assert (code, "recovered 500 records" in said) == (0, True)
    assert (tmp_path / "run.log").read_bytes().count(b"\n") == 502


def test_recover_says_what_it_could_not_write(
    script: Script, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script(KILLED, check=False)
    (tmp_path / "run.log").unlink()
    (tmp_path / "run.log").mkdir()
    code, said = run(capsys, "recover", ".")
    assert code == 1
    assert "more are left" in said
    (tmp_path / "run.log").rmdir()
    code, said = run(capsys, "recover", ".")
    assert (code, "recovered 500 records" in said) == (0, True)


def test_recover_discards_on_request_what_it_cannot_write(
    script: Script, rings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script(KILLED, check=False)
    (tmp_path / "run.log").unlink()
    (tmp_path / "run.log").mkdir()
    code, said = run(capsys, "recover", ".")
    assert (code, "undergird recover --discard" in said) == (1, True)
    code, said = run(capsys, "recover", ".", "--discard")
    assert (code, "discarded 500 records" in said) == (0, True)
    assert not list(rings.rglob("*.ring"))


def test_recover_finds_a_place_for_rings_that_only_the_program_knew(
    script: Script, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("UNDERGIRD_RING_DIR")
    (tmp_path / "elsewhere").mkdir()
    # Killed before the first batch has been written.
    script(
        """
        import os, signal, undergird
        undergird.configure("run.log", ring_dir="elsewhere")
        with open(".run.log.lock", "r+b") as lock:
            import fcntl
            fcntl.flock(lock, fcntl.LOCK_EX)
            log = undergird.get_logger("killed")
            for number in range(500):
                log.info("left behind", number=number)
            os.kill(os.getpid(), signal.SIGKILL)
        """,
        check=False,
    )
    assert (tmp_path / "run.log").read_bytes() == b""
    code, said = run(capsys, "recover", ".")
    assert code == 0
    assert f"{tmp_path}/elsewhere/" in said
    assert "recovered 500 records" in said


def test_recover_says_what_could_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ring = {"path": tmp_path / "1-2.ring", "pid": 1, "outcome": "recovered", "written": 5, "failed": 2}
    monkeypatch.setattr(rings_module, "ring_directories", lambda _: [tmp_path])
    monkeypatch.setattr(undergird._core, "recover_rings", lambda _: [ring])
    out = io.StringIO()
    assert rings_module.recover(tmp_path, out) == 0
    assert "recovered 5 records, 2 unreadable" in out.getvalue()


def test_recover_finds_rings_by_their_ring_dir(
    script: Script, rings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script(KILLED, check=False)
    code, said = run(capsys, "recover", str(rings))
    assert code == 0
    assert "recovered 500 records" in said
