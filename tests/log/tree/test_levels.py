"""The levels of a call: what they let through, and what lines call them."""

from __future__ import annotations

import datetime
import logging
import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.log.conftest import Run


LEVELS = ("debug", "info", "warning", "error", "critical")


@pytest.mark.parametrize("threshold", [*LEVELS])
def test_a_level_lets_itself_and_those_above_through(either: Run, threshold: str) -> None:
    log = either.start(level=threshold.upper())
    for level in LEVELS:
        getattr(log, level)(level)
    log.fatal("fatal")
    expected = [*LEVELS[LEVELS.index(threshold) :], "fatal"]
    lines = either.lines()
    assert [line["message"] for line in lines] == expected
    assert [line["level"] for line in lines] == [*(name.upper() for name in expected[:-1]), "CRITICAL"]


def test_a_line_says_when_who_and_what(either: Run) -> None:
    log = either.start()
    before = datetime.datetime.now(datetime.UTC)
    log.info("agent moved", agent_id=7)
    after = datetime.datetime.now(datetime.UTC)
    line = either.last()
    assert list(line) == ["timestamp", "level", "logger_name", "message", "agent_id"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", line["timestamp"])
    moment = datetime.datetime.fromisoformat(line["timestamp"])
    slack = datetime.timedelta(microseconds=2)
    assert before - slack <= moment <= after + slack
    assert (line["level"], line["logger_name"], line["message"], line["agent_id"]) == (
        "INFO",
        log.name,
        "agent moved",
        7,
    )


def test_log_takes_any_level_and_names_it_as_the_standard_library_does(either: Run) -> None:
    log = either.start(level=1)
    logging.addLevelName(25, "NOTICE")
    logging.addLevelName(1000, "ALARM")
    levels = [1, 10, 20, 25, 30, 33, 255, 256, 1000, 2**31]
    for level in levels:
        log.log(level, "x")
    log.log(True, "a bool is an integer")
    assert [line["level"] for line in either.lines()] == [logging.getLevelName(level) for level in [*levels, True]]


def test_a_level_that_is_no_integer_is_an_error_as_in_the_standard_library(either: Run) -> None:
    log = either.start()
    with pytest.raises(TypeError, match="INFO"):
        log.log("INFO", "x")  # type: ignore[arg-type]
    logging.raiseExceptions = False
    log.log("INFO", "x")  # type: ignore[arg-type]
    assert either.lines() == []


def test_a_level_that_is_renamed_keeps_the_old_name_in_earlier_lines(either: Run) -> None:
    log = either.start()
    logging.addLevelName(25, "BEFORE")
    log.log(25, "x")
    logging.addLevelName(25, "AFTER")
    log.log(25, "x")
    logging.addLevelName(25, "BEFORE")
    log.log(25, "x")
    assert [line["level"] for line in either.lines()] == ["BEFORE", "AFTER", "BEFORE"]


def test_a_standard_level_that_is_renamed_has_its_new_name_at_the_next_call(either: Run) -> None:
    log = either.start()
    log.warning("x")
    logging.addLevelName(logging.WARNING, "WARN")
    try:
        log.warning("x")
        log.log(logging.WARNING, "x")
    finally:
        logging.addLevelName(logging.WARNING, "WARNING")
    log.warning("x")
    assert [line["level"] for line in either.lines()] == ["WARNING", "WARN", "WARN", "WARNING"]


def test_a_standard_level_that_loses_its_name_is_a_number_at_the_next_call(either: Run) -> None:
    log = either.start()
    log.info("x")
    name = logging._levelToName[logging.INFO]
    del logging._levelToName[logging.INFO]
    try:
        log.info("x")
    finally:
        logging._levelToName[logging.INFO] = name
    log.info("x")
    assert [line["level"] for line in either.lines()] == ["INFO", "Level 20", "INFO"]


def test_levels_that_found_no_room_are_not_called_by_the_name_of_the_last_number(either: Run) -> None:
    log = either.start(level=1)
    for level in [*range(1000, 1300), 255]:
        log.log(level, "x", number=level)
    without_room = [line for line in either.lines() if line["level"] not in (f"Level {line['number']}", "OTHER")]
    assert without_room == []


def test_more_levels_than_a_byte_can_number_do_not_cost_a_record(either: Run) -> None:
    log = either.start(level=1)
    for level in range(1, 600):
        log.log(level, "x", number=level)
    lines = either.lines()
    assert [line["number"] for line in lines] == list(range(1, 600))
    for line in lines:
        # A record has one byte for its level; what does not fit into it says so.
        assert line["level"] == logging.getLevelName(line["number"]) or (
            line["number"] > 200 and line["level"] == "OTHER"
        )
