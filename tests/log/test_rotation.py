"""Logs that are put aside: as the standard library's rotating handlers do it, and by many processes."""

from __future__ import annotations

import datetime
import gzip
import json
import logging
import logging.handlers
import os
import textwrap
from typing import TYPE_CHECKING, Any

import pytest

import undergird
from undergird import _core
from undergird.log.tree.handlers import FileHandler

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Script
    from tests.log.conftest import Run


def files(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir() if path.name.startswith("run.log")}


@pytest.mark.parametrize("max_bytes", [1, 300, 2000, 10_000])
@pytest.mark.parametrize("backup_count", [1, 3, 50])
def test_by_size_the_files_are_those_of_the_standard_library(
    max_bytes: int, backup_count: int, run: Run, tmp_path: Path
) -> None:
    log = run.start()
    for number in range(100):
        log.info("agent moved", number=number, padding="~" * (number * 37 % 90))
    undergird.flush()
    lines = run.path.read_text().splitlines()
    run.path.unlink()

    theirs = tmp_path / "theirs"
    theirs.mkdir()
    handler = logging.handlers.RotatingFileHandler(theirs / "run.log", maxBytes=max_bytes, backupCount=backup_count)
    for line in lines:
        handler.emit(logging.makeLogRecord({"msg": line}))
    handler.close()

    log = run.start(max_bytes=max_bytes, backup_count=backup_count)
    for number in range(100):
        log.info("agent moved", number=number, padding="~" * (number * 37 % 90))
    undergird.flush()
    ours = {name: cut(text) for name, text in files(tmp_path).items()}
    assert ours == {name: cut(text) for name, text in files(theirs).items()}


def cut(text: bytes) -> list[Any]:
    """The lines without what differs from run to run."""
    return [{**json.loads(line), "timestamp": 0, "logger_name": ""} for line in text.splitlines()]


def test_both_ways_of_a_record_lead_to_the_same_rotated_file(either: Run, tmp_path: Path) -> None:
    log = either.start(max_bytes=1000, backup_count=100)
    for number in range(50):
        log.info("one of ours", number=number)
        logging.getLogger("theirs").info("one of the standard library's")
    undergird.flush()
    there = files(tmp_path)
    assert all(len(text) < 1000 for text in there.values())
    assert sum(text.count(b"\n") for text in there.values()) == 100


def test_compressed_logs_can_be_read_by_everybody(run: Run, tmp_path: Path) -> None:
    log = run.start(max_bytes=5000, backup_count=100, compress="gzip")
    for number in range(500):
        log.info("agent moved", number=number)
    assert undergird.shutdown(30.0)
    there = files(tmp_path)
    compressed = sorted((name for name in there if name.endswith(".gz")), key=lambda name: -int(name.split(".")[2]))
    assert len(compressed) == len(there) - 1 > 10
    text = b"".join([*(gzip.decompress(there[name]) for name in compressed), there["run.log"]])
    assert [json.loads(line)["number"] for line in text.splitlines()] == list(range(500))
    assert not list(tmp_path.glob(".*part"))


def test_a_handler_of_its_own_has_its_own_rules(run: Run, tmp_path: Path) -> None:
    run.start()
    errors = FileHandler(tmp_path / "errors.log", level="ERROR", rotation=undergird.Rotation(max_bytes=200))
    logging.root.addHandler(errors)
    log = undergird.get_logger("two")
    for number in range(10):
        log.info("fine", number=number)
        log.error("broken", number=number)
    undergird.flush()
    logging.root.removeHandler(errors)
    assert len(run.lines()) == 20
    assert len(list(tmp_path.glob("errors.log*"))) == 10
    assert len(list(tmp_path.glob("run.log*"))) == 1


def test_a_log_of_yesterday_is_put_aside_under_its_day(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    run.path.write_text("from yesterday\n")
    yesterday = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
    stamp = yesterday.timestamp()
    os.utime(run.path, (stamp, stamp))
    run.start(when="midnight", backup_name="{stem}-%Y%m%d{suffix}").info("today")
    assert run.messages() == ["today"]
    tokyo = datetime.timezone(datetime.timedelta(hours=9))
    (old,) = tmp_path.glob("run-*.log")
    assert old.read_text() == "from yesterday\n"
    assert old.name == f"run-{yesterday.astimezone(tokyo):%Y%m%d}.log"


WORKERS = """
    import multiprocessing, sys
    import undergird

    def work(who):
        log = undergird.get_logger("workers")
        for number in range(2000):
            log.info("record", who=who, number=number)

    if __name__ == "__main__":
        undergird.configure("run.log", max_bytes=50_000)
        context = multiprocessing.get_context("fork")
        workers = [context.Process(target=work, args=(who,)) for who in range(8)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert undergird.flush(30)
"""


def test_eight_workers_into_one_rotated_log_lose_tear_and_double_nothing(script: Script, tmp_path: Path) -> None:
    (tmp_path / "workers.py").write_text(textwrap.dedent(WORKERS))
    script("import runpy, warnings; warnings.simplefilter('ignore'); runpy.run_path('workers.py', run_name='__main__')")
    there = files(tmp_path)
    assert len(there) > 10
    assert all(len(text) < 50_000 for text in there.values())
    order = sorted(there, key=lambda name: -int(name.split(".")[2] if name.count(".") > 1 else 0))
    lines = [json.loads(line) for name in order for line in there[name].splitlines()]
    for who in range(8):
        assert [line["number"] for line in lines if line["who"] == who] == list(range(2000))


OTHERS = """
    import multiprocessing, os, undergird

    def work(who):
        log = undergird.get_logger("out")
        for number in range(100):
            log.info("m", who=who, number=number)
            assert number % 10 or undergird.flush()
        assert undergird.flush()

    if __name__ == "__main__":
        os.dup2(os.open("run.log", os.O_WRONLY | os.O_CREAT), 1)
        os.symlink("/dev/stdout", "link.log")
        undergird.configure({path!r}, max_bytes=3000, backup_count=3)
        work(0)
        for method in ("fork", "spawn"):
            context = multiprocessing.get_context(method)
            # Those that come later, too, have the lock of the others.
            for wave in range(2):
                workers = [context.Process(target=work, args=(f"{{method}}{{wave}}{{each}}",)) for each in range(2)]
                [worker.start() for worker in workers]
                assert [worker.join() or worker.exitcode for worker in workers] == [0, 0]
        work(1)
        [sink] = undergird.stats()["sinks"].values()
        assert "could not be put aside" in sink["error"] and "name it itself" in sink["error"], sink
"""


@pytest.mark.parametrize("path", ["/dev/stdout", "/proc/self/fd/1", "link.log"])
def test_a_file_that_was_opened_by_others_is_not_put_aside(path: str, script: Script, tmp_path: Path) -> None:
    (tmp_path / "others.py").write_text(textwrap.dedent(OTHERS.format(path=path)))
    script("import runpy, warnings; warnings.simplefilter('ignore'); runpy.run_path('others.py', run_name='__main__')")
    assert list(files(tmp_path)) == ["run.log"]
    found: dict[Any, list[int]] = {}
    for line in (tmp_path / "run.log").read_text().splitlines():
        fields = json.loads(line)
        found.setdefault(fields["who"], []).append(fields["number"])
    assert found.keys() == {0, 1, *(f"{method}{number:02b}" for method in ("fork", "spawn") for number in range(4))}
    assert all(numbers == list(range(100)) for numbers in found.values())


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"max_bytes": -1}, "max_bytes -1"),
        ({"max_bytes": 1.5}, "max_bytes 1.5"),
        ({"max_bytes": True}, "max_bytes True"),
        ({"when": "noon"}, "when 'noon'"),
        ({"when": "W7"}, "when 'W7'"),
        ({"when": "H", "interval": 0}, "interval 0"),
        ({"when": "H", "interval": 2**40}, "interval 1099511627776"),
        ({"when": "W0", "interval": 2}, "interval 2"),
        ({"when": "H", "at_time": datetime.time(3)}, "at_time"),
        ({"when": "midnight", "at_time": 3}, "at_time 3"),
        ({"when": "midnight", "utc": 1}, "utc 1"),
        ({"max_bytes": 1, "backup_count": 0}, "backup_count 0"),
        ({"max_bytes": 1, "backup_days": "7"}, "backup_days '7'"),
        ({"max_bytes": 1, "backup_bytes": -7}, "backup_bytes -7"),
        ({"max_bytes": 1, "backup_name": "old/%Y"}, "backup_name 'old/%Y' cannot be: a name has no slash"),
        ({"max_bytes": 1, "backup_name": "old"}, "backup_name 'old' cannot be: it has no time"),
        ({"max_bytes": 1, "backup_name": "%Q"}, "backup_name '%Q' cannot be: %Q is not known"),
        ({"max_bytes": 1, "backup_name": ""}, "backup_name ''"),
        ({"max_bytes": 1, "compress": "lzma"}, "compress 'lzma'"),
        ({"backup_count": 3}, "nothing says when"),
    ],
)
def test_rules_that_cannot_be_are_named(settings: dict[str, Any], named: str, tmp_path: Path) -> None:
    with pytest.raises(undergird.ConfigurationError) as caught:
        undergird.configure(tmp_path / "run.log", **settings)
    assert named in str(caught.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("way", ["moved", "deleted", "emptied", "replaced", "moved with its directory"])
def test_a_log_that_others_touch_goes_on_at_its_path(way: str, either: Run, tmp_path: Path) -> None:
    directory = tmp_path / "logs"
    directory.mkdir()
    either.path, sink = directory / "run.log", directory / "other.log"
    log = either.start(sinks=[undergird.FileSink(sink)])
    log.info("before")
    assert either.messages() == either.messages(sink) == ["before"]
    for path in (either.path, sink):
        match way:
            case "moved":
                path.rename(path.with_suffix(".old"))
            case "deleted":
                path.unlink()
            case "emptied":
                os.truncate(path, 0)
            case "replaced":
                path.rename(path.with_suffix(".old"))
                path.write_text('{"message": "theirs"}\n')
    if way == "moved with its directory":
        directory.rename(tmp_path / "old")
        log.info("without a place")
        directory.mkdir()
    log.info("after")
    expected = {"replaced": ["theirs", "after"], "moved with its directory": ["without a place", "after"]}
    assert either.messages() == either.messages(sink) == expected.get(way, ["after"])
    old = {"moved with its directory": tmp_path / "old" / "run.log"}.get(way, directory / "run.old")
    assert old.exists() == (way not in ("deleted", "emptied"))
    assert not old.exists() or either.messages(old) == ["before"]


def test_a_compression_that_has_not_been_built_in_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(_core, "compressions", lambda: ["gzip"])
    for settings in ({"compress": "zstd", "max_bytes": 1000}, {"compress": "zstd", "when": "midnight"}):
        with pytest.raises(
            undergird.ConfigurationError, match="'zstd' is not in this build of undergird: build it with"
        ):
            undergird.configure(tmp_path / "run.log", **settings)
    assert not list(tmp_path.iterdir())


def test_what_can_be_compressed_with_was_built_in() -> None:
    for word in ("gzip", "zstd"):
        if word in _core.compressions():
            assert undergird.Rotation(max_bytes=1000, compress=word)
    assert "gzip" in _core.compressions()


def test_rules_without_a_file_are_refused() -> None:
    with pytest.raises(undergird.ConfigurationError, match="path None"):
        undergird.configure(max_bytes=1000)
