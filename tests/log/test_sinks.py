"""Several files of one run, each with its own level, loggers, format and rotation."""

from __future__ import annotations

import datetime
import json
import logging
import multiprocessing
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.log.logfmt import parse

import undergird
from undergird import FileSink, Rotation
from undergird.log.run import joining
from undergird.log.tree.branches import Branches
from undergird.log.tree.handlers import FileHandler

if TYPE_CHECKING:
    from tests.conftest import Script
    from tests.log.conftest import Run

LEVELS = ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]


def lines(path: Path) -> list[str]:
    assert undergird.flush(30.0)
    return path.read_text().splitlines()


def test_each_file_takes_records_from_its_own_level(either: Run, there: Path) -> None:
    log = either.start(sinks=[FileSink(f"{level}.log", level=level) for level in LEVELS])
    for level in LEVELS:
        log.log(getattr(logging, level), level)
        logging.getLogger("theirs").log(getattr(logging, level), level)
    for place, level in enumerate(LEVELS):
        found = [json.loads(line)["message"] for line in lines(there / f"{level}.log")]
        assert found == [name for name in LEVELS[place:] for _ in range(2)]


def test_each_file_takes_the_loggers_that_it_names_and_those_below(either: Run, there: Path) -> None:
    either.start(
        sinks=[
            FileSink("sim.log", loggers=["sim"]),
            FileSink("cells.log", loggers="sim.cells"),
            FileSink("rest.log", except_loggers=["sim"]),
            FileSink("walls.log", loggers=["sim", "sim.cells.walls"], except_loggers=["sim.cells"]),
        ]
    )
    names = ["sim", "sim.cells", "sim.cells.walls", "simple", "net"]
    for name in names:
        undergird.get_logger(name).info(name)
        logging.getLogger(name).info(name)
    logging.getLogger().info("root")
    expected = {
        "run": [*names, "root"],
        "sim": ["sim", "sim.cells", "sim.cells.walls"],
        "cells": ["sim.cells", "sim.cells.walls"],
        "rest": ["simple", "net", "root"],
        "walls": ["sim", "sim.cells.walls"],
    }
    for file, those in expected.items():
        found = [json.loads(line)["logger_name"] for line in lines(there / f"{file}.log")]
        assert found == [name for name in those for _ in range(2 if name != "root" else 1)], file


NAMES = st.lists(st.sampled_from("ab"), min_size=1, max_size=4).map(".".join)


@given(name=NAMES, included=st.frozensets(NAMES, max_size=4), excluded=st.frozensets(NAMES, max_size=4))
def test_of_two_names_on_the_way_to_a_logger_the_longer_one_decides(
    name: str, included: frozenset[str], excluded: frozenset[str]
) -> None:
    excluded -= included
    on_the_way = [one for one in included | excluded if f"{name}.".startswith(f"{one}.")]
    takes = max(on_the_way, key=len) in included if on_the_way else not included
    assert Branches(included, excluded).take(name) == takes


def test_each_file_has_its_own_format(either: Run, there: Path) -> None:
    log = either.start(sinks=[FileSink("run.logfmt", format="logfmt"), FileSink("run.txt", format="text")])
    log.info("agent moved", agent_id=7)
    assert either.last()["agent_id"] == 7
    assert parse(lines(there / "run.logfmt")[0])["agent_id"] == "7"
    assert lines(there / "run.txt")[0].endswith(f"{log.name}: agent moved agent_id=7")


def test_each_file_has_its_own_rotation(either: Run, there: Path) -> None:
    log = either.start(
        max_bytes=2000,
        sinks=[
            FileSink("small.log", rotation=Rotation(max_bytes=300)),
            FileSink("kept.log", rotation=Rotation(max_bytes=300, backup_count=2, backup_name="old-%Y-{name}")),
            FileSink("whole.log"),
        ],
    )
    for number in range(100):
        log.info("agent moved", number=number)
    undergird.flush()
    assert all(path.stat().st_size < 2000 for path in there.glob("run.log*"))
    assert all(path.stat().st_size < 300 for path in there.glob("small.log*"))
    assert len(list(there.glob("small.log*"))) > len(list(there.glob("run.log*"))) > 3
    assert len(list(there.glob("old-*-kept.log*"))) == 2
    assert len(list(there.glob("whole.log*"))) == 1
    for file in ("run", "small", "whole"):
        parts = [line for path in there.glob(f"{file}.log*") for line in path.read_text().splitlines()]
        assert sorted(json.loads(part)["number"] for part in parts) == list(range(100))


def test_levels_and_loggers_of_files_leave_calls_native(run: Run, there: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = run.start(
        sinks=[FileSink("errors.log", level="ERROR"), FileSink("cells.log", loggers=["sim.cells"], format="text")]
    )
    made: list[str] = []
    monkeypatch.setattr(logging, "_logRecordFactory", lambda *args: made.append(args[4]))
    for one in (log, undergird.get_logger("sim.cells.walls")):
        one.info("native")
        one.error("native")
        one.bind(x=1).exception("native")
    assert made == []
    assert len(run.lines()) == 6
    assert [len(lines(there / name)) for name in ("errors.log", "cells.log")] == [4, 3]


def test_a_call_that_no_file_takes_is_native_and_not_counted(
    run: Run, there: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run.start()
    undergird.configure(level="DEBUG", sinks=[FileSink("cells.log", loggers=["sim.cells"])])
    before = undergird.stats()["emitted"]
    monkeypatch.setattr(logging, "_logRecordFactory", lambda *args: pytest.fail(args[4]))
    undergird.get_logger("net").info("for nobody", value=undergird.lazy(lambda: pytest.fail("worked out")))
    undergird.get_logger("net").many("for nobody", number=range(3))
    assert undergird.stats()["emitted"] == before
    assert lines(there / "cells.log") == []


def test_without_a_first_file_the_others_are_the_run(
    either: Run, there: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    either.start()
    undergird.configure(sinks=[FileSink("errors.log", level="ERROR")])
    undergird.get_logger("net").error("broken")
    undergird.get_logger("net").info("fine")
    assert [json.loads(line)["message"] for line in lines(there / "errors.log")] == ["broken"]
    assert str(there / "errors.log") in os.environ[joining.VARIABLE]
    # No last resort of the standard library's: there is a handler, even if it does not take this one.
    assert capsys.readouterr().err == ""


def test_records_of_many_rows_go_to_the_files_that_take_them(either: Run, there: Path) -> None:
    either.start(sinks=[FileSink("cells.log", loggers=["sim.cells"]), FileSink("errors.log", level="ERROR")])
    undergird.get_logger("sim.cells").many("agent moved", agent_id=range(300))
    undergird.get_logger("net").many("packet sent", number=range(10))
    assert len(either.lines()) == 310
    assert [json.loads(line)["agent_id"] for line in lines(there / "cells.log")] == list(range(300))
    assert lines(there / "errors.log") == []


def test_a_handlers_level_and_loggers_act_at_the_next_call_when_they_change(run: Run, there: Path) -> None:
    log = run.start(sinks=[FileSink("other.log", level="ERROR")])
    (handler,) = [one for one in logging.root.handlers if getattr(one, "path", "") == str(there / "other.log")]
    assert isinstance(handler, FileHandler)
    log.info("one")
    handler.setLevel("INFO")
    log.info("two")
    handler.branches = Branches(frozenset({"elsewhere"}))
    log.info("three")
    undergird.get_logger("elsewhere").info("four")
    assert [json.loads(line)["message"] for line in lines(there / "other.log")] == ["two", "four"]
    assert run.messages() == ["one", "two", "three", "four"]


def test_files_may_change_when_the_run_is_configured_again(either: Run, there: Path) -> None:
    log = either.start(sinks=[FileSink("a.log"), FileSink("b.log", format="logfmt")])
    log.info("one")
    undergird.configure(either.path, sinks=[FileSink("b.log"), FileSink("c.log", level="ERROR"), FileSink("d.log")])
    log.info("two")
    log.error("three")
    undergird.configure(either.path)
    log.info("four")
    assert either.messages() == ["one", "two", "three", "four"]
    assert [json.loads(line)["message"] for line in lines(there / "a.log")] == ["one"]
    first, *rest = lines(there / "b.log")
    assert parse(first)["message"] == "one"
    assert [json.loads(line)["message"] for line in rest] == ["two", "three"]
    assert [json.loads(line)["message"] for line in lines(there / "c.log")] == ["three"]
    assert [json.loads(line)["message"] for line in lines(there / "d.log")] == ["two", "three"]


def test_stats_count_each_file_for_itself(either: Run, there: Path) -> None:
    log = either.start(sinks=[FileSink("errors.log", level="ERROR")])
    log.info("fine")
    log.error("broken")
    assert undergird.flush(30.0)
    sinks = undergird.stats()["sinks"]
    assert sinks[str(either.path)]["written"] == 2
    assert sinks[str(there / "errors.log")]["written"] == 1


def work() -> None:
    undergird.get_logger("sim.cells").error("from a child")
    assert undergird.flush(30.0)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_child_writes_to_the_same_files(run: Run, there: Path) -> None:
    log = run.start(
        sinks=[FileSink("errors.log", level="ERROR"), FileSink("cells.log", loggers=["sim.cells"], format="text")]
    )
    log.info("before")
    child = multiprocessing.get_context("fork").Process(target=work)
    child.start()
    child.join()
    assert child.exitcode == 0
    log.error("after")
    assert sorted(run.messages()) == ["after", "before", "from a child"]
    assert sorted(json.loads(line)["message"] for line in lines(there / "errors.log")) == ["after", "from a child"]
    assert [line.rpartition(": ")[2] for line in lines(there / "cells.log")] == ["from a child"]


def test_workers_are_told_of_every_file(run: Run, there: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rules = Rotation(when="midnight", at_time=datetime.time(3), backup_count=4, compress="gzip")
    run.start(
        sinks=[
            FileSink("a.log", level="ERROR", loggers=["sim"], except_loggers=["sim.io"], format="text", rotation=rules),
            FileSink("b.log"),
        ]
    )
    told: dict[str, Any] = {}
    monkeypatch.setattr(joining, "_may_join", True)
    joining.join(lambda **settings: told.update(settings))
    first, second = told["sinks"]
    assert first == FileSink(
        str(there / "a.log"),
        level=40,
        loggers=["sim"],
        except_loggers=["sim.io"],
        format="text",
        rotation=rules,
    )
    assert second == FileSink(str(there / "b.log"))


def test_a_log_in_another_directory_tells_where_its_ring_is(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Without a place that was asked for: where rings are follows from the directory of the first file.
    monkeypatch.delenv("UNDERGIRD_RING_DIR")
    (tmp_path / "elsewhere").mkdir()
    run.start(sinks=[FileSink(tmp_path / "elsewhere" / "errors.log", level="ERROR")])
    from undergird.log.run.rings import ring_directories

    ring = Path(undergird.stats()["ring"])
    assert ring_directories(tmp_path) == ring_directories(tmp_path / "elsewhere") == [ring.parent]


HANDLER_ALONE = """
import logging, os, sys
import undergird
from undergird import _core
from undergird.log import FileHandler

records, emit = [], _core.emit
_core.emit = lambda *parts: records.append(parts) or emit(*parts)
os.mkdir("elsewhere")
logging.getLogger("sim").addHandler(FileHandler("sim.log"))
logging.getLogger("other").addHandler(FileHandler("elsewhere/other.log", format="logfmt"))
log = {logger}
logging.getLogger("sim").setLevel("INFO")
for number in range(1000):
    log.info("record %d", number)
logging.getLogger("other").warning("once")
stats = undergird.stats()
assert stats["emitted"] == 1001, stats
assert type(log) is logging.Logger or len(records) < 5, len(records)
{end}
"""


@pytest.mark.parametrize("logger", ["undergird.get_logger('sim')", "logging.getLogger('sim')"])
@pytest.mark.parametrize("end", ["", "os._exit(not undergird.flush())"])
def test_a_handler_that_was_put_on_a_logger_by_hand_begins_a_run(
    logger: str, end: str, script: Script, tmp_path: Path, ring_dir: Path
) -> None:
    done = script(HANDLER_ALONE.format(logger=logger, end=end), UNDERGIRD_RING_DIR=str(ring_dir))
    assert done.stderr == ""
    found = [json.loads(line) for line in (tmp_path / "sim.log").read_text().splitlines()]
    assert [line["message"] for line in found] == [f"record {number}" for number in range(1000)]
    assert "message=once" in (tmp_path / "elsewhere" / "other.log").read_text()


def test_a_run_that_was_begun_by_a_handler_is_replaced_by_configure(
    script: Script, tmp_path: Path, ring_dir: Path
) -> None:
    script("""
import logging, undergird
from undergird.log import FileHandler
logging.root.addHandler(FileHandler("first.log"))
logging.warning("one")
undergird.configure("run.log")
logging.warning("two")
""")
    messages = [
        [json.loads(line)["message"] for line in (tmp_path / name).read_text().splitlines()]
        for name in ("first.log", "run.log")
    ]
    assert messages == [["one", "two"], ["two"]]
