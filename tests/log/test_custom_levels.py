"""Levels of the program's own: their methods, and what cannot be one."""

from __future__ import annotations

import itertools
import logging
import pydoc
import unittest.mock
from typing import TYPE_CHECKING, Any

import pytest
from tests.log.conftest import Collector

import undergird
from undergird.log.levels import METHODS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Script
    from tests.log.conftest import Run

NUMBERS = itertools.count(2001)


@pytest.fixture
def emergence(run: Run) -> Iterator[int]:
    """The level that the tests share, as there is room for few; its name is forgotten with each test."""
    yield undergird.add_level("EMERGENCE", 25)
    logging._levelToName.pop(25, None)
    logging._nameToLevel.pop("EMERGENCE", None)


def test_a_new_level_has_a_method_on_every_logger(either: Run, emergence: int) -> None:
    log: Any = either.start(level="EMERGENCE")
    log.info("below")
    log.emergence("collective behavior of %d", 3, score=0.78)
    log.bind(run=1).emergence("bound")
    log.warning("above")
    lines = either.lines()
    assert [(line["level"], line["message"]) for line in lines] == [
        ("EMERGENCE", "collective behavior of 3"),
        ("EMERGENCE", "bound"),
        ("WARNING", "above"),
    ]
    assert (lines[0]["score"], lines[1]["run"]) == (0.78, 1)
    assert emergence == 25


def test_calls_of_named_levels_are_native(run: Run, emergence: int, monkeypatch: pytest.MonkeyPatch) -> None:
    log: Any = run.start(level=1)
    logging.addLevelName(1234, "NOTED")
    log.log(1234, "learnt from this")

    def forbidden(*_: Any, **__: Any) -> None:
        raise AssertionError("a record of the standard library was made")

    monkeypatch.setattr(logging.Logger, "makeRecord", forbidden)
    log.emergence("x", a=1)
    log.log(25, "x", a=1)
    log.log(1234, "x")
    for level in (10, 20, 30, 40, 50):
        log.log(level, "%s", level)
    levels = [line["level"] for line in run.lines()]
    assert levels == ["NOTED", "EMERGENCE", "EMERGENCE", "NOTED", "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]


def test_changes_of_levels_act_at_the_next_call(either: Run, emergence: int) -> None:
    log: Any = either.start(level="INFO")
    log.emergence("1")
    log.setLevel("WARNING")
    log.emergence("2")
    log.setLevel("EMERGENCE")
    log.emergence("3")
    logging.disable(25)
    log.emergence("4")
    logging.disable(24)
    log.emergence("5")
    log.disabled = True
    log.emergence("6")
    log.disabled = False
    for handler in logging.root.handlers:
        handler.setLevel(26)
    log.emergence("7")
    log.log(25, "8")
    assert either.messages() == ["1", "3", "5"]


def test_a_call_without_a_message_is_an_error(either: Run, emergence: int) -> None:
    log: Any = either.start()
    for call in (log.emergence, lambda: log.log(25), lambda: log.log(3), log.log, lambda: log.log(level=25, msg="x")):
        with pytest.raises(TypeError):
            call()


def test_keywords_of_the_standard_library_work(either: Run, emergence: int) -> None:
    log: Any = either.start(call_site=True)

    def helper() -> None:
        log.emergence("x", stacklevel=2, extra={"user": "me"})

    try:
        _ = 1 / 0
    except ZeroDivisionError:
        log.emergence("x", exc_info=True)
    helper()
    first, second = either.lines()
    assert first["exception_type"] == "ZeroDivisionError"
    assert (second["user"], second["function_name"]) == ("me", "test_keywords_of_the_standard_library_work")


def test_the_same_level_may_be_added_again(run: Run, emergence: int) -> None:
    before = undergird.Logger.emergence  # type: ignore[attr-defined]
    assert undergird.add_level("EMERGENCE", 25) == 25
    assert run.start().log_level("EMERGENCE", level=25) == 25
    assert undergird.Logger.emergence is before  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("name", "level", "message"),
    [
        ("", 26, "cannot be the name of a method"),
        ("two words", 26, "cannot be the name of a method"),
        ("1st", 26, "cannot be the name of a method"),
        ("CLASS", 26, "cannot be the name of a method"),
        ("_node", 26, "cannot be the name of a method"),
        ("ÉMERGENCE", 26, "cannot be the name of a method"),
        (None, 26, "cannot be the name of a method"),
        (26, "NOTICE", "cannot be the name of a method"),
        ("NOTICE", 0, "is no integer from 1"),
        ("NOTICE", -5, "is no integer from 1"),
        ("NOTICE", 1 << 31, "is no integer from 1"),
        ("NOTICE", True, "is no integer from 1"),
        ("NOTICE", 26.0, "is no integer from 1"),
        ("NOTICE", "26", "is no integer from 1"),
        ("NOTICE", 20, "20 is INFO already"),
        ("NOTICE", 25, "25 is EMERGENCE already"),
        ("EMERGENCE", 26, "EMERGENCE is 25 already"),
        ("INFO", 26, "INFO is 20 already"),
        ("BIND", 26, "a logger has an attribute 'bind' already"),
        ("Exception", 26, "a logger has an attribute 'exception' already"),
        ("name", 26, "a logger has an attribute 'name' already"),
        ("emergence", 26, "a logger has an attribute 'emergence' already"),
    ],
)
def test_what_cannot_be_a_level_is_refused(emergence: int, name: Any, level: Any, message: str) -> None:
    names = dict(logging._levelToName)
    with pytest.raises(undergird.ConfigurationError, match=message):
        undergird.add_level(name, level)
    assert names == logging._levelToName


def test_the_methods_say_what_they_are(emergence: int) -> None:
    method: Any = undergird.Logger.emergence  # type: ignore[attr-defined]
    assert method.__name__ == "emergence"
    assert method.__doc__ == "Logs at EMERGENCE (25); see `info`."
    assert "emergence(self, msg, /, *args, **fields)" in pydoc.render_doc(method, renderer=pydoc.plaintext)  # type: ignore[attr-defined]
    mock = unittest.mock.create_autospec(undergird.Logger, instance=True)
    mock.emergence("x", a=1)
    assert METHODS["emergence"] == 25


def test_the_standard_librarys_loggers_get_the_method_if_asked(script: Script) -> None:
    done = script(
        """
        import logging, undergird
        undergird.configure("run.log", level="INFO", call_site=True)
        plain = logging.getLogger("plain")
        undergird.add_level("EMERGENCE", 25)
        assert not hasattr(plain, "emergence")
        for _ in range(2):
            undergird.add_level("EMERGENCE", 25, stdlib=True)
        def function():
            plain.emergence("of %s", "cells", extra={"a": 1})
        function()
        def helper():
            plain.emergence("x", stacklevel=2)
        def caller():
            helper()
        caller()
        plain.setLevel("WARNING")
        plain.emergence("off")
        try:
            undergird.add_level("HANDLE", 26, stdlib=True)
        except undergird.ConfigurationError as error:
            print(error)
        undergird.flush()
        import json
        for line in map(json.loads, open("run.log")):
            print(line["level"], line["message"], line["function_name"], line.get("a"))
        """
    )
    assert done.stdout.splitlines() == [
        "level HANDLE: the standard library's loggers have an attribute 'handle' already",
        "EMERGENCE of cells function 1",
        "EMERGENCE x caller None",
    ]


def test_there_is_room_for_any_number_of_levels(script: Script) -> None:
    done = script(
        """
        import undergird
        undergird.configure("run.log", level=1, call_site=True)
        log = undergird.get_logger("x")
        for number in range(40):
            assert undergird.add_level(f"LEVEL_{number}", 1000 + number) == 1000 + number
            getattr(log, f"level_{number}")("x", number=number)
        for number in range(40):
            log.log(1000 + number, "again", number=number)
        assert log.level_39.__doc__ == "Logs at LEVEL_39 (1039); see `info`."
        undergird.flush()
        import json
        lines = [json.loads(line) for line in open("run.log")]
        assert [line["level"] for line in lines] == [f"LEVEL_{number}" for number in range(40)] * 2
        assert {line["function_name"] for line in lines} == {"<module>"}
        print(len(lines))
        """
    )
    assert done.stdout == "80\n"


def test_a_level_added_while_a_call_renders_its_values_does_not_lose_the_call(run: Run) -> None:
    log = run.start(level="INFO")
    number = next(NUMBERS)

    class Adds:
        def __str__(self) -> str:
            undergird.add_level(f"WITHIN_{number}", number)
            return "added"

    log.info(Adds(), a=1)
    log.log(number, "at it")
    assert [(line["message"], line["level"]) for line in run.lines()] == [
        ("added", "INFO"),
        ("at it", f"WITHIN_{number}"),
    ]


def test_other_handlers_see_the_level(run: Run, emergence: int) -> None:
    log: Any = run.start()
    collector = Collector()
    logging.root.addHandler(collector)
    log.emergence("x")
    logging.root.removeHandler(collector)
    assert [(record.levelno, record.levelname) for record in collector.records] == [(25, "EMERGENCE")]
