"""A place for each test of the command, and a program that leaves something behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from undergird.cli import main

# Leaves 500 records in its ring: the log is held while it logs, and then it is killed.
KILLED = """
    import fcntl, os, signal
    import undergird
    undergird.configure("run.log", ring_size=1 << 20)
    log = undergird.get_logger("killed")
    log.info("first")
    undergird.flush()
    lock = open(".run.log.lock", "r+b")
    fcntl.flock(lock, fcntl.LOCK_EX)
    for number in range(500):
        log.info("x", number=number)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(autouse=True)
def rings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, _no_settings_from_outside: None) -> Path:
    """A place for rings that is this test's own, and the directory that the commands run in."""
    directory = tmp_path / "rings"
    directory.mkdir()
    monkeypatch.setenv("UNDERGIRD_RING_DIR", str(directory))
    monkeypatch.chdir(tmp_path)
    return directory


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    code = main(arguments)
    out, err = capsys.readouterr()
    assert err == ""
    return code, out
