"""Our handlers on the tree: what reaches them, what they write, what others see beside them."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import undergird
from undergird import Rotation, _core
from undergird.log.tree.handlers import FileHandler

if TYPE_CHECKING:
    from tests.log.conftest import Run


def test_records_of_the_standard_librarys_loggers_reach_the_same_file(either: Run) -> None:
    log = either.start()
    plain = logging.getLogger("a.library")
    plain.warning("by %s", "name", extra={"code": 7})
    plain.info("by %(key)s", {"key": "mapping"})
    try:
        raise ValueError("wrong")
    except ValueError:
        plain.exception("failed")
    logging.info("root")
    log.info("ours")
    lines = either.lines()
    assert [line["message"] for line in lines] == ["by name", "by mapping", "failed", "root", "ours"]
    assert lines[0]["code"] == 7
    assert set(lines[0]) == {"timestamp", "level", "logger_name", "message", "code"}
    assert lines[2]["exception_type"] == "ValueError"
    assert [line["logger_name"] for line in lines] == ["a.library"] * 3 + ["root", log.name]


def test_other_handlers_find_fields_as_attributes(run: Run) -> None:
    run.foreign = True
    log = run.start().bind(run_id=3)
    log.info("x %d", 7, agent_id=8, extra={"user": "me"}, name="not the logger's")
    record = run.records[0]
    assert (record.run_id, record.agent_id, record.user) == (3, 8, "me")  # type: ignore[attr-defined]
    assert (record.name, record.getMessage(), record.args) == (log.name, "x 7", (7,))


def test_pytests_caplog_sees_records_with_their_fields(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    log = run.start()
    logging.root.addHandler(caplog.handler)
    log.warning("seen %d", 1, agent_id=7)
    assert caplog.messages == ["seen 1"]
    assert vars(caplog.records[0])["agent_id"] == 7
    assert caplog.record_tuples == [(log.name, logging.WARNING, "seen 1")]
    assert run.messages() == ["seen 1"]


def test_a_record_that_cannot_be_written_is_reported_and_not_raised(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    run.start()
    logging.root.handle(logging.makeLogRecord({"msg": "made by hand", "levelno": 20, "created": "never"}))
    assert "--- Logging error ---" in capsys.readouterr().err
    logging.root.handle(logging.makeLogRecord({"msg": "whole", "levelno": 20, "levelname": "INFO"}))
    assert run.messages() == ["whole"]


@pytest.mark.parametrize(
    ("given", "level", "name"),
    [
        ({}, "Level None", "None"),
        ({"name": "x", "levelname": "INFO"}, "INFO", "x"),
        ({"name": 7, "levelno": "20", "levelname": None}, "None", "7"),
    ],
)
def test_a_record_made_of_a_mapping_that_lacks_something_is_written_as_it_is(
    given: dict[str, Any], level: str, name: str, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    run.start(console="pretty")
    # Loggers compare levels; handlers are given records by others, too.
    for handler in logging.root.handlers:
        handler.handle(logging.makeLogRecord({"msg": "whole", **given}))
    line = run.last()
    assert (line["level"], line["logger_name"], line["message"]) == (level, name, "whole")
    shown = capsys.readouterr().err
    assert shown.split()[1:] == [*level.split(), name, "whole"]


def test_our_handler_takes_no_formatter(run: Run) -> None:
    handler = FileHandler(run.path)
    with pytest.raises(TypeError, match="takes no formatter"):
        handler.setFormatter(logging.Formatter())
    handler.setFormatter(None)


def test_two_handlers_of_one_file_write_two_lines_as_the_standard_librarys_do(either: Run) -> None:
    log = either.start()
    second = FileHandler(either.path)
    logging.getLogger(log.name).addHandler(second)
    log.info("twice")
    logging.getLogger(log.name).info("twice, too")
    logging.getLogger(log.name).removeHandler(second)
    log.info("once")
    assert either.messages() == ["twice", "twice", "twice, too", "twice, too", "once"]


def test_a_file_that_is_written_in_several_ways_is_counted_in_all_of_them(either: Run, tmp_path: Path) -> None:
    log = either.start()
    log.info("one line")
    link = tmp_path / "link.log"
    link.symlink_to(either.path)
    relative = os.path.relpath(either.path)
    ways = [
        FileHandler(relative, format="text"),
        FileHandler(link),
        FileHandler(relative, rotation=Rotation(max_bytes=1 << 30)),
    ]
    for number, second in enumerate(ways, start=1):
        logging.root.addHandler(second)
        log.info("two lines")
        logging.root.removeHandler(second)
        assert undergird.flush()
        assert len(either.path.read_text().splitlines()) == 1 + 2 * number
        found = undergird.stats()
        # Under the names by which it was given: a link is another.
        counts = {str(path): found["sinks"].get(str(path)) for path in (either.path, link)}
        written = {path: one["written"] for path, one in counts.items() if one}
        assert written == {str(either.path): 2 * number + (number == 1), **({str(link): 1} if number > 1 else {})}
        assert found["in_flight"] == 0
        # What is seen from outside is the same.
        (ring,) = _core.inspect_rings(str(Path(found["ring"]).parent))
        assert {str(path): ring["sinks"].get(str(path)) for path in (either.path, link)} == counts


def test_two_handlers_of_ours_write_two_files(run: Run, tmp_path: Path) -> None:
    log = run.start()
    second = FileHandler(tmp_path / "second.log", level="ERROR")
    logging.getLogger(log.name).addHandler(second)
    log.info("one")
    log.error("both")
    assert run.messages() == ["one", "both"]
    assert run.messages(tmp_path / "second.log") == ["both"]
    counts = undergird.stats()["sinks"]
    assert counts[str(run.path)]["written"] == 2
    assert counts[str(tmp_path / "second.log")]["written"] == 1
    logging.getLogger(log.name).removeHandler(second)
