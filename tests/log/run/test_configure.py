"""Setting a run up: what cannot be is said at once, by name, with what would do."""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import undergird
from undergird import ConfigurationError, LogFileError, UndergirdError

if TYPE_CHECKING:
    from tests.conftest import Script
    from tests.log.conftest import Run


def complaint(path: Path | str, **options: Any) -> str:
    """What `configure` says; the run that was there goes on as if nothing had been tried."""
    handlers, level = logging.root.handlers[:], logging.root.level
    with pytest.raises(UndergirdError) as caught:
        undergird.configure(path, **options)
    assert logging.root.handlers == handlers
    assert logging.root.level == level
    assert isinstance(caught.value, ValueError if isinstance(caught.value, ConfigurationError) else OSError)
    return str(caught.value)


def test_a_missing_directory(run: Run, tmp_path: Path) -> None:
    said = complaint(tmp_path / "missing" / "run.log")
    assert str(tmp_path / "missing") in said
    assert "make it" in said
    assert not (tmp_path / "missing").exists()


def test_a_path_that_is_a_directory(run: Run, tmp_path: Path) -> None:
    said = complaint(tmp_path)
    assert "is a directory" in said
    assert str(tmp_path / "run.log") in said
    assert "it is empty" in complaint("")


def test_a_directory_that_is_a_file(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "is not a directory" in complaint(tmp_path / "file" / "run.log")


def test_a_lock_file_of_somebody_else_is_left_as_it_is(run: Run, tmp_path: Path) -> None:
    lock = tmp_path / ".run.log.lock"
    lock.write_text("theirs")
    said = complaint(tmp_path / "run.log")
    assert str(lock) in said
    assert "not a lock file of undergird" in said
    assert lock.read_text() == "theirs"


def test_a_lock_file_of_a_later_version_is_left_as_it_is(run: Run, tmp_path: Path) -> None:
    lock = tmp_path / ".run.log.lock"
    later = b"UGRDLOCK" + (99).to_bytes(4, "little") + bytes.fromhex("04030201") + bytes(8192)
    lock.write_bytes(later)
    assert "version 99" in complaint(tmp_path / "run.log")
    assert lock.read_bytes() == later


@pytest.mark.parametrize("what", ["directory", "file"])
def test_a_place_that_is_not_writable(what: str, script: Script, request: pytest.FixtureRequest) -> None:
    # Not below pytest's own directory, which is for this user alone.
    top = Path(tempfile.mkdtemp(prefix="undergird-tests-"))
    top.chmod(0o755)
    request.addfinalizer(lambda: shutil.rmtree(top))
    place = top / "place"
    place.mkdir()
    if what == "file":
        (place / "run.log").write_text("theirs\n")
        (place / "run.log").chmod(0o444)
        place.chmod(0o777)
    else:
        place.chmod(0o555)
    done = script(
        """
        import os, sys
        import undergird, undergird.log
        os.chdir(sys.argv[1])
        undergird.LogFileError  # Loaded while it can be read.
        if os.geteuid() == 0:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
        try:
            undergird.configure("place/run.log")
        except undergird.LogFileError as error:
            assert isinstance(error, OSError)
            print(error)
        """,
        str(top),
    )
    assert str(place / "run.log") in done.stdout
    assert "cannot be written" in done.stdout
    assert "choose another path" in done.stdout


@pytest.mark.parametrize("name", ["xml", "JSON", "", None, 7, ["json"]])
def test_an_unknown_format(run: Run, name: Any) -> None:
    said = complaint(run.path, format=name)
    assert repr(name) in said
    assert "'json'" in said


@pytest.mark.parametrize("level", ["LOUD", "info", "", 2.5, None, True, b"INFO", [10]])
def test_an_unknown_level(run: Run, level: Any) -> None:
    said = complaint(run.path, level=level)
    assert said.startswith(f"level {level!r} is not known; there is CRITICAL, ")
    assert said.endswith(", or a number from 0")
    assert complaint(run.path, console_level=level).startswith(f"console_level {level!r} is not known; ")
    assert not run.path.exists()


@pytest.mark.parametrize("level", [10**30, -(10**30), -1])
def test_a_level_out_of_bounds(run: Run, level: int) -> None:
    said = complaint(run.path, level=level)
    assert f"level {level} " in said
    assert f"between 0 and {2**63 - 1}" in said
    logging.addLevelName(level, "OUTSIDE")
    assert "level 'OUTSIDE' " in complaint(run.path, level="OUTSIDE")
    assert "overload: level 'OUTSIDE' " in complaint(run.path, overload="drop_below:OUTSIDE")


@pytest.mark.parametrize("word", ["drop", "drop_below", "drop_below:", "drop_below:LOUD", "block:INFO", "", None, 7])
def test_an_unknown_overload(run: Run, word: Any) -> None:
    said = complaint(run.path, overload=word)
    assert repr(word) in said or "'LOUD'" in said or "''" in said


@pytest.mark.parametrize("size", [0, -1, 1000, 1 << 40, "4MB", 2.5, True])
def test_a_ring_size_that_cannot_be(run: Run, size: Any) -> None:
    assert repr(size) in complaint(run.path, ring_size=size)


def test_a_ring_dir_that_is_not_there(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert f"ring_dir {str(tmp_path / 'none')!r}" in complaint(run.path, ring_dir=tmp_path / "none")
    monkeypatch.setenv("UNDERGIRD_RING_DIR", str(tmp_path / "none"))
    assert f"UNDERGIRD_RING_DIR {str(tmp_path / 'none')!r}" in complaint(run.path)


def test_a_bad_call_leaves_the_run_as_it_was(run: Run, tmp_path: Path) -> None:
    log = run.start()
    log.info("before")
    for options in ({"level": "LOUD"}, {"format": "xml"}, {"overload": "x"}, {"ring_size": 1}, {"ring_dir": "/none"}):
        complaint(run.path, **options)
    complaint(tmp_path)
    log.info("after")
    assert run.messages() == ["before", "after"]


def test_levels_by_number_and_name(run: Run) -> None:
    run.start(level=15)
    assert logging.root.level == 15
    logging.addLevelName(23, "CUSTOM")
    undergird.configure(run.path, level="CUSTOM")
    assert logging.root.level == 23
    undergird.configure(run.path, level="NOTSET")
    assert logging.root.level == 0


def test_the_highest_and_the_lowest_level(run: Run) -> None:
    log = run.start(level=2**63 - 1)
    log.critical("not written")
    undergird.configure(run.path, level=0)
    log.debug("written")
    assert run.messages() == ["written"]


# --- where things are ---------------------------------------------------------------------------------------------------


def test_the_ring_is_where_ring_dir_says_and_else_where_the_environment_says(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen, named = tmp_path / "chosen", tmp_path / "named"
    chosen.mkdir()
    named.mkdir()
    monkeypatch.setenv("UNDERGIRD_RING_DIR", str(named))
    run.start(ring_dir=chosen).info("x")
    assert Path(undergird.stats()["ring"]).is_relative_to(chosen)
    run.start().info("x")
    assert Path(undergird.stats()["ring"]).is_relative_to(named)
    assert list(chosen.rglob("*.ring")) == []
    assert len(run.lines()) == 2


def test_rings_are_for_their_user_alone(run: Run) -> None:
    run.start().info("x")
    ring = Path(undergird.stats()["ring"])
    assert stat.S_IMODE(ring.stat().st_mode) == 0o600
    for folder in (ring.parent, ring.parent.parent):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert folder.stat().st_uid == os.geteuid()


@pytest.mark.parametrize("bad", ["link", "open"])
def test_a_ring_folder_that_cannot_be_trusted_is_not_used(bad: str, run: Run, tmp_path: Path) -> None:
    rings, elsewhere = tmp_path / "rings", tmp_path / "elsewhere"
    rings.mkdir()
    elsewhere.mkdir()
    folder = rings / f"undergird-{os.geteuid()}"
    if bad == "link":
        folder.symlink_to(elsewhere)
    else:
        folder.mkdir()
        folder.chmod(0o777)
    with pytest.warns(RuntimeWarning, match=f"no ring in {rings}; it is in"):
        log = run.start(ring_dir=rings)
    log.info("x")
    assert undergird.stats()["placement"] == "beside the log"
    assert list(elsewhere.iterdir()) == []
    assert run.messages() == ["x"]


def test_without_room_for_the_ring_it_is_beside_the_log_or_in_the_heap(script: Script, tmp_path: Path) -> None:
    # A limit on the size of files stands for a full disk: a ring of 4 MiB cannot be made, a log can.
    done = script(
        """
        import resource, signal, warnings
        import undergird
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            undergird.configure("run.log", ring_size=4 << 20)
        log = undergird.get_logger("heap")
        for number in range(1000):
            log.info("x", number=number)
        assert undergird.flush()
        stats = undergird.stats()
        print(stats["placement"], len(told), told[0].category.__name__, told[0].filename)
        """
    )
    assert done.stdout.split() == ["heap", "1", "RuntimeWarning", "<string>"]
    lines = [json.loads(line) for line in (tmp_path / "run.log").read_text().splitlines()]
    assert [line["number"] for line in lines] == list(range(1000))


def test_the_log_stays_where_it_was_when_the_directory_changes(script: Script, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    script(
        """
        import os
        import undergird
        undergird.configure("run.log")
        log = undergird.get_logger("moves")
        os.chdir("other")
        log.info("x")
        undergird.flush()
        os.unlink("../run.log")
        log.info("y")
        """
    )
    assert json.loads((tmp_path / "run.log").read_text())["message"] == "y"
    assert list((tmp_path / "other").iterdir()) == []


def test_a_home_directory_in_a_path_is_found(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    run.start()
    undergird.configure("~/home.log")
    undergird.get_logger().error("x")
    assert run.messages(tmp_path / "home.log") == ["x"]


def test_a_log_is_appended_to_and_has_the_mode_of_the_umask(run: Run) -> None:
    run.path.write_text('{"message":"there before"}\n')
    run.start().info("x")
    assert run.messages() == ["there before", "x"]
    other = run.path.with_name("other.log")
    before = os.umask(0o027)
    try:
        undergird.configure(other)
    finally:
        os.umask(before)
    assert stat.S_IMODE(other.stat().st_mode) == 0o640


@pytest.mark.parametrize("name", ["a b.log", "\N{SNOWMAN}.log", os.fsdecode(b"\xff.log"), "x" * 200, "new\nline"])
def test_a_log_may_have_any_name(run: Run, name: str) -> None:
    run.path = run.path.with_name(name)
    log = run.start()
    log.info("natively")
    logging.getLogger(log.name).info("through the standard library")
    assert run.messages() == ["natively", "through the standard library"]
    assert undergird.stats()["sinks"][str(run.path)] == {
        "emitted": 2,
        "written": 2,
        "dropped": 0,
        "failed": 0,
        "in_flight": 0,
    }


def test_a_device_may_be_a_log(run: Run, script: Script) -> None:
    done = script(
        """
        import undergird
        undergird.configure("/dev/stdout")
        undergird.get_logger("x").info("to a pipe")
        """,
        check=False,
    )
    # Either it is written, or it is said that it cannot be.
    assert "to a pipe" in done.stdout or "/dev/stdout" in done.stderr


def test_fsync_changes_nothing_that_is_seen(run: Run) -> None:
    log = run.start(fsync=True)
    for _ in range(100):
        log.info("x")
    assert run.messages() == ["x"] * 100


def test_errors_are_caught_as_what_they_are() -> None:
    assert issubclass(ConfigurationError, ValueError)
    assert issubclass(LogFileError, OSError)
    assert issubclass(ConfigurationError, UndergirdError)
    assert issubclass(LogFileError, UndergirdError)


@pytest.mark.parametrize("path", [b"run.log", 42, True, "run\0.log"])
def test_a_path_that_is_none_is_named(path: Any) -> None:
    with pytest.raises(undergird.ConfigurationError, match=re.escape(f"path {path!r}")):
        undergird.configure(path)


@pytest.mark.parametrize("setting", ["call_site", "sync"])
def test_a_switch_that_is_neither_true_nor_false_is_named(setting: str, tmp_path: Path) -> None:
    with pytest.raises(undergird.ConfigurationError, match=f"{setting} 'no'"):
        undergird.configure(tmp_path / "run.log", **{setting: "no"})  # type: ignore[arg-type]
    assert not (tmp_path / "run.log").exists()


def test_a_directory_that_is_missing_altogether_is_to_be_made(tmp_path: Path) -> None:
    with pytest.raises(undergird.LogFileError, match="make it before logging"):
        undergird.configure(tmp_path / "no" / "such" / "run.log")


def test_a_timeout_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="nan"):
        undergird.flush(float("nan"))
