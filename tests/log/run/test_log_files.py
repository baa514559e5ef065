"""What can be a log, and that a set-up which fails has left nothing behind."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import undergird
from undergird import ConfigurationError, FileSink, LogFileError, Rotation, UndergirdError

if TYPE_CHECKING:
    from tests.conftest import Script
    from tests.log.conftest import Run


def names(directory: Path) -> list[str]:
    return sorted(str(entry.relative_to(directory)) for entry in directory.rglob("*"))


def test_a_set_up_that_fails_at_a_later_sink_has_made_no_file(run: Run, tmp_path: Path) -> None:
    (tmp_path / "directory").mkdir()
    (tmp_path / "empty.log").touch()
    (tmp_path / "link.log").symlink_to("linked.log")
    before = names(tmp_path)
    good: list[Any] = [tmp_path / "base.1", tmp_path / "link.log", tmp_path / "empty.log"]
    last: list[tuple[type[UndergirdError], FileSink]] = [
        (LogFileError, FileSink(tmp_path / "directory")),
        (LogFileError, FileSink(tmp_path / "missing" / "x.log")),
        (ConfigurationError, FileSink(tmp_path / "linked.log")),
        (ConfigurationError, FileSink(tmp_path / "base", rotation=Rotation(max_bytes=99))),
    ]
    for error, bad in last:
        with pytest.raises(error):
            undergird.configure(run.path, sinks=[*map(FileSink, good), bad])
        assert names(tmp_path) == before
    log = run.start(sinks=[FileSink(path) for path in good])
    log.info("x")
    assert run.messages() == ["x"]
    for path in good:
        assert run.messages(path) == ["x"]


def test_a_set_up_that_fails_leaves_the_files_of_the_run_that_goes_on(run: Run, tmp_path: Path) -> None:
    log = run.start()
    before = names(tmp_path)
    assert run.path.stat().st_size == 0
    for path in (run.path, tmp_path / "new.log"):
        with pytest.raises(LogFileError):
            undergird.configure(path, sinks=[FileSink(tmp_path)])
        assert names(tmp_path) == before
        log.info("x")
    assert run.messages() == ["x", "x"]


def test_a_log_that_cannot_be_opened_leaves_no_lock_file(run: Run, tmp_path: Path) -> None:
    (tmp_path / "loop.log").symlink_to("loop.log")
    with pytest.raises(LogFileError, match="cannot be written"):
        undergird.configure(tmp_path / "loop.log")
    assert names(tmp_path) == ["loop.log"]


# --- pipes and devices --------------------------------------------------------------------------------------------------


def test_a_pipe_that_nobody_reads_is_no_log_yet(run: Run, tmp_path: Path) -> None:
    run.path = tmp_path / "pipe"
    os.mkfifo(run.path)
    with pytest.raises(LogFileError, match=r"/pipe cannot be written: .*; a pipe needs a reader first"):
        undergird.configure(run.path)
    reader = os.open(run.path, os.O_RDONLY | os.O_NONBLOCK)
    run.start().info("x")
    assert undergird.flush()
    assert json.loads(os.read(reader, 1 << 16))["message"] == "x"
    assert names(tmp_path) == ["pipe"]
    undergird.configure()
    os.close(reader)


def test_what_a_pipe_without_a_reader_does_not_get_waits_for_the_next_one(run: Run, tmp_path: Path) -> None:
    run.path = tmp_path / "pipe"
    os.mkfifo(run.path)
    reader = os.open(run.path, os.O_RDONLY | os.O_NONBLOCK)
    log = run.start()
    log.info("first")
    assert undergird.flush()
    os.close(reader)
    for number in range(3):
        log.info("x", number=number)
    assert not undergird.flush(0.1)
    counts = undergird.stats()["sinks"][str(run.path)]
    assert (counts["written"], counts["in_flight"]) == (1, 3)
    assert os.strerror(32) in counts["error"]
    reader = os.open(run.path, os.O_RDONLY | os.O_NONBLOCK)
    assert undergird.flush()
    lines = os.read(reader, 1 << 16).splitlines()
    assert [json.loads(line).get("number") for line in lines] == [None, 0, 1, 2]
    assert undergird.stats()["sinks"][str(run.path)]["written"] == 4
    undergird.configure()
    os.close(reader)


def test_a_handler_whose_pipe_nobody_reads_counts_nothing_as_written(
    script: Script, tmp_path: Path, ring_dir: Path
) -> None:
    os.mkfifo(tmp_path / "pipe")
    done = script(
        """
        import json, logging, os
        import undergird, undergird.log
        handler = undergird.log.FileHandler("pipe")
        logging.getLogger("by hand").addHandler(handler)
        logging.getLogger("by hand").error("x")
        undergird.flush(0.1)
        print(json.dumps(undergird.stats()["sinks"][handler.path]), flush=True)
        os._exit(0)  # Nothing to wait for.
        """,
        UNDERGIRD_RING_DIR=str(ring_dir),
    )
    counts = json.loads(done.stdout)
    assert (counts["emitted"], counts["written"], counts["in_flight"]) == (1, 0, 1)
    assert os.strerror(6) in counts["error"]


def test_a_socket_is_no_log(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        with pytest.raises(LogFileError, match="/socket is a socket, which cannot be a log"):
            undergird.configure("socket")
    assert names(tmp_path) == ["socket"]


def test_devices_are_logs_as_far_as_they_take_anything(script: Script, ring_dir: Path) -> None:
    done = script(
        """
        import json, os
        import undergird
        undergird.configure("/dev/null", sinks=[undergird.FileSink("/dev/full")])
        undergird.get_logger().error("x")
        undergird.flush(0.1)
        print(json.dumps(undergird.stats()["sinks"]), flush=True)
        os._exit(0)  # Nothing to wait for.
        """,
        UNDERGIRD_RING_DIR=str(ring_dir),
    )
    counts = json.loads(done.stdout)
    assert (counts["/dev/null"]["written"], counts["/dev/null"]["in_flight"]) == (1, 0)
    assert (counts["/dev/full"]["written"], counts["/dev/full"]["in_flight"]) == (0, 1)
    assert os.strerror(28) in counts["/dev/full"]["error"]


@pytest.mark.parametrize("what", ["pipe", "file"])
def test_standard_output_is_a_log_whatever_it_is(what: str, script: Script, tmp_path: Path) -> None:
    redirected = "" if what == "pipe" else 'os.dup2(os.open("out", os.O_WRONLY | os.O_CREAT | os.O_APPEND), 1)'
    done = script(
        f"""
        import os
        import undergird
        {redirected}
        undergird.configure("/dev/stdout")
        undergird.get_logger("out").info("x")
        assert undergird.flush()
        assert undergird.stats()["written"] == 1
        """
    )
    text = done.stdout if what == "pipe" else (tmp_path / "out").read_text()
    assert json.loads(text)["message"] == "x"
