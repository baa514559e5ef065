"""Programs whose lines for files of the standard library's handlers go through the ring: how they end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from tests.conftest import Script
from tests.logging.conftest import TELLS, Program

LOGS = """
    import logging, os, sys
    from undergird.logging import install
    install()
    log = logging.getLogger("sim")
    log.addHandler(logging.FileHandler("app.log", sys.argv[1]))
    def begin():
        log.error("first")
        log.error("second")
"""


@pytest.mark.parametrize("end", ["pass", "logging.shutdown()", "log.handlers[0].close()"])
def test_a_program_leaves_the_same_file(program: Program, end: str) -> None:
    shown = program(f"""
        import atexit, sys
        from pathlib import Path

        def show():
            logging.shutdown()
            print(Path("app.log").read_text())
            Path("app.log").unlink()

        log = logging.getLogger("sim.cells")
        log.addHandler(logging.FileHandler("app.log"))
        log.handlers[0].setFormatter(logging.Formatter(logging.BASIC_FORMAT))
        atexit.register(show)
        atexit.register(lambda: log.warning("from atexit"))
        for number in range(1000):
            log.error("moved %d", number)
        {end}
    """)
    assert shown.count("moved") == 1000
    assert shown.endswith("from atexit\n\n")


def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def test_a_program_that_ends_has_written_everything(script: Script, tmp_path: Path) -> None:
    script(LOGS + "    begin()\n    for n in range(1000): log.error('%d', n)\n", "a", UNDERGIRD_RING_DIR=str(tmp_path))
    assert text(tmp_path / "app.log").splitlines() == ["first", "second", *map(str, range(1000))]
    assert not list(tmp_path.glob("**/*.ring*")), "neither ring nor lock file is left"


@pytest.mark.parametrize("mode", ["a", "w"])
@pytest.mark.parametrize("what", ["there", "moved", "deleted"])
def test_what_a_killed_program_has_logged_is_written_by_who_comes_after(
    tmp_path: Path, mode: str, what: str, script: Script
) -> None:
    source = textwrap.dedent(
        LOGS
        + """
    begin()
    log.handlers[0].flush()
    import fcntl, glob, signal
    # Nobody writes what is in the ring as long as this is held.
    held = [open(lock) for lock in glob.glob(os.environ["UNDERGIRD_RING_DIR"] + "/**/*.lock", recursive=True)]
    for lock in held:
        fcntl.flock(lock, fcntl.LOCK_EX)
    for n in range(2000):
        log.error("%d", n)
    os.kill(os.getpid(), signal.SIGKILL)
    """
    )
    everything = ["first", "second", *map(str, range(2000))]
    environment = {**os.environ, "UNDERGIRD_LOG": "", "UNDERGIRD_RING_DIR": str(tmp_path / "rings")}
    (tmp_path / "rings").mkdir()
    killed = subprocess.run([sys.executable, "-c", source, mode], cwd=tmp_path, env=environment, check=False)
    assert killed.returncode == -signal.SIGKILL
    path = tmp_path / "app.log"
    if what == "moved":
        path = path.rename(tmp_path / "app.log.1")
    assert text(path).splitlines() == (everything[:2] if TELLS else everything)
    # As long as it is open, no other file gets its number.
    with path.open():
        if what == "deleted":
            path.unlink()
            path.write_text("of somebody else\n")
        done = script(
            "import sys; from undergird.cli import main; sys.exit(main(['recover', '.']))",
            check=False,
            UNDERGIRD_RING_DIR=str(tmp_path / "rings"),
        )
    if what == "deleted":
        assert text(path) == "of somebody else\n"
        assert ("2000" in done.stdout) == TELLS
    else:
        assert text(path).splitlines() == everything
    assert not list((tmp_path / "rings").glob("**/*.ring*"))


def test_a_full_disk_is_told_of_as_the_standard_library_tells_of_it(script: Script) -> None:
    done = script(
        LOGS
        + """
    import resource, signal
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    begin()
    log.handlers[0].flush()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    # The lock file beside the ring has to have room.
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, hard))
    told = []
    log.handlers[0].handleError = lambda record: told.append(record.getMessage())
    number = 0
    while not told and number < 1_000_000:
        log.error("%d", number)
        number += 1
    accepted = number - 1
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    log.handlers[0].flush()
    log.error("last")
    log.handlers[0].flush()
    with open("app.log") as file:
        lines = file.read().splitlines()
    assert told == [str(accepted)], told
    assert lines[:2] == ["first", "second"]
    assert lines[2:accepted + 2] == [str(n) for n in range(accepted)], (lines[:20], lines[-5:], accepted)
    assert lines[-1] == "last"
    """,
        "a",
    )
    assert done.returncode == 0


def test_uninstall_leaves_nothing_behind(script: Script) -> None:
    script(
        LOGS
        + """
    from undergird.logging import uninstall
    before = dict(vars(logging.StreamHandler))
    begin()
    log.error("third")
    assert ("stream" in vars(logging.StreamHandler)) == (sys.version_info >= (3, 12))
    uninstall()
    with open("app.log") as file:
        assert file.read() == "first\\nsecond\\nthird\\n"
        assert dict(vars(logging.StreamHandler)) == before
        log.error("at once")
        assert file.read() == "at once\\n"
    """,
        "a",
    )


def test_nothing_waits_in_a_program_that_did_not_ask_for_it(script: Script) -> None:
    script("""
    import logging
    import undergird
    undergird.configure("run.log")
    log = logging.getLogger("sim")
    log.addHandler(logging.FileHandler("app.log"))
    for number in range(5):
        log.error("%d", number)
        with open("app.log") as file:
            assert file.read().endswith(f"{number}\\n")
    assert "stream" not in vars(logging.StreamHandler) and "stream" not in vars(logging.FileHandler)
    """)
