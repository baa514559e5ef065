"""Exceptions and stacks: what the standard library would say of the caller."""

from __future__ import annotations

import decimal
import gc
import json
import logging
import subprocess
import sys
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import undergird

if TYPE_CHECKING:
    from tests.log.conftest import Run


def failing() -> None:
    raise ValueError("wrong \N{SNOWMAN}")


def raised() -> ValueError:
    try:
        failing()
    except ValueError as error:
        return error
    raise AssertionError


def printed(error: BaseException) -> str:
    return logging.Formatter().formatException((type(error), error, error.__traceback__))


def test_exc_info_in_all_its_forms_is_the_text_of_the_standard_library(either: Run) -> None:
    log = either.start()
    error = raised()
    log.error("instance", exc_info=error)
    log.error("tuple", exc_info=(type(error), error, error.__traceback__))
    try:
        failing()
    except ValueError as caught:
        log.error("true", exc_info=True)
        log.error("one", exc_info=1)
        log.exception("exception", field=3)
        log.critical("off", exc_info=False)
        log.exception("exception off", exc_info=False)
        here = printed(caught)
    log.error("none there", exc_info=True)
    lines = {line["message"]: line for line in either.lines()}
    for name, text in [
        ("instance", printed(error)),
        ("tuple", printed(error)),
        ("true", here),
        ("one", here),
        ("exception", here),
    ]:
        line = lines[name]
        assert line["exception"] == text
        assert line["exception_type"] == "ValueError"
        assert line["exception_message"] == "wrong \N{SNOWMAN}"
    assert lines["exception"]["level"] == "ERROR"
    assert lines["exception"]["field"] == 3
    assert list(lines["exception"])[-3:] == ["exception", "exception_type", "exception_message"]
    for name in ("off", "exception off", "none there"):
        assert "exception_type" not in lines[name]


def test_causes_and_groups_are_in_the_text_of_an_exception(either: Run) -> None:
    log = either.start()
    try:
        try:
            failing()
        except ValueError as error:
            raise ExceptionGroup("both", [KeyError("k"), error]) from error
    except ExceptionGroup as group:
        log.exception("x")
        text = printed(group)
    line = either.last()
    assert line["exception"] == text
    assert "direct cause" in text
    assert line["exception_type"] == "ExceptionGroup"


def test_an_exception_of_a_module_is_named_in_full(either: Run) -> None:
    log = either.start()
    log.error("x", exc_info=decimal.DivisionByZero("zero"))
    assert either.last()["exception_type"] == "decimal.DivisionByZero"


def test_an_exception_without_text_is_still_logged(either: Run) -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no text")

    log = either.start()
    try:
        raise Mute
    except Mute:
        log.exception("x")
    line = either.last()
    assert line["message"] == "x"
    assert line["exception_type"].endswith("Mute")


def test_stack_info_is_the_stack_of_the_caller(either: Run) -> None:
    log = either.start()
    log.info("x", stack_info=True)
    stack = either.last()["stack_info"]
    assert stack.startswith("Stack (most recent call last):\n")
    assert stack.rstrip().endswith('log.info("x", stack_info=True)')


def test_the_stack_comes_with_an_exception_and_fields(either: Run) -> None:
    log = either.start()
    try:
        failing()
    except ValueError:
        log.bind(run=3).warning("x %d", 1, a=1, exc_info=True, b=2, stack_info=True)
    line = either.last()
    assert (line["message"], line["run"], line["a"], line["b"]) == ("x 1", 3, 1, 2)
    assert line["exception_type"] == "ValueError"
    assert line["stack_info"].rstrip().endswith("stack_info=True)")


def test_an_exception_that_is_false_is_one_nevertheless(either: Run) -> None:
    class Empty(Exception):
        def __bool__(self) -> bool:
            return False

    log = either.start()
    log.error("x", exc_info=Empty("text"))
    assert either.last()["exception_message"] == "text"


@pytest.mark.parametrize("none", [None, False, 0, (), (None, None, None), True])
def test_where_there_is_no_exception_there_is_no_text(none: Any, either: Run) -> None:
    log = either.start()
    log.error("x", exc_info=none)
    log.exception("y", exc_info=none, a=1)
    for line in either.lines():
        assert not {"exception", "exception_type", "exception_message"} & line.keys()
    assert either.last()["a"] == 1


def test_other_handlers_are_told_the_same_as_by_the_standard_library(run: Run) -> None:
    run.foreign = True
    log = run.start()
    error = raised()
    info = type(error), error, error.__traceback__
    for given in (error, info, (None, None, None), True, None):
        log.error("x", exc_info=given)
        logging.getLogger(log.name).error("x", exc_info=given)
    ours, theirs = run.records[::2], run.records[1::2]
    assert [record.exc_info for record in ours] == [record.exc_info for record in theirs]


def test_what_is_no_exception_costs_the_exception_only(either: Run) -> None:
    log = either.start()
    for wrong in ((1, 2), (ValueError, None, None), (ValueError, "text", None), (None, ValueError("x"), 3), object()):
        log.error("x", exc_info=wrong, a=1)
    assert [line["a"] for line in either.lines()] == [1] * 5


def test_a_record_that_went_through_a_queue_keeps_its_text(run: Run) -> None:
    log = run.start()
    record = logging.makeLogRecord({"name": log.name, "levelno": 40, "msg": "x", "exc_text": "Traceback of long ago"})
    logging.getLogger(log.name).handle(record)
    assert run.last()["exception"] == "Traceback of long ago"


def test_what_an_exception_logs_while_it_is_printed_comes_to_an_end(either: Run) -> None:
    log = either.start()

    class Talkative(Exception):
        def __str__(self) -> str:
            log.exception("asked", exc_info=self)
            log.exception("asked again", exc_info=self)
            return "text"

    log.error("x", exc_info=Talkative())
    assert either.last()["exception_message"] == "text"
    assert len(either.lines()) < 2_100


def test_a_call_without_stack_left_is_logged(either: Run) -> None:
    log = either.start()

    def down() -> None:
        try:
            down()
        except RecursionError:
            log.exception("out of stack", a=1)
            raise

    with pytest.raises(RecursionError):
        down()
    lines = either.lines()
    assert len(lines) > 100
    assert all(line.get("exception_type", "RecursionError") == "RecursionError" for line in lines)


def test_what_an_exception_held_is_freed_at_once_after_it_was_logged(run: Run) -> None:
    class Local:
        pass

    log = run.start()
    alive: list[weakref.ref[Local]] = []

    def fail() -> None:
        local = Local()
        alive.append(weakref.ref(local))
        raise ValueError

    def call() -> None:
        try:
            fail()
        except ValueError as error:
            log.exception("x", a=1)
            log.error("x", exc_info=error, stack_info=True)

    gc.disable()
    try:
        for _ in range(10):
            call()
            assert alive.pop()() is None
    finally:
        gc.enable()


def test_frames_are_left_out_by_module_and_by_path(either: Run) -> None:
    def text(*names: str) -> str:
        log = either.start(exception_suppress=names)
        try:
            json.loads("{")
        except ValueError:
            log.exception("x")
        found: str = either.last()["exception"]
        return found

    whole = text()
    assert whole.count("\n  File") == 4
    for name in ("json", "json.decoder", str(Path(json.__file__).parent), json.decoder.__file__):
        left = text(name)
        count = 2 if "decoder" in name else 3
        assert f"\n  [{count} frames left out]\n" in left
        assert left.count("\n  File") == 4 - count
        assert left.splitlines()[-1] == whole.splitlines()[-1]
    assert text("js", "son", "decoder") == whole
    assert text() == whole


@pytest.mark.parametrize("wrong", [3, [3], [""]])
def test_what_names_no_frames_is_refused(wrong: Any, run: Run) -> None:
    with pytest.raises(undergird.ConfigurationError, match="exception_suppress"):
        run.start(exception_suppress=wrong)


def test_a_finalizer_at_the_very_end_of_the_interpreter_logs(tmp_path: Path) -> None:
    script = """
import sys, undergird

class Late:
    log = undergird.get_logger("late")

    def __del__(self, sys=sys):
        self.log.info("late", values=[1])
        try:
            1 / 0
        except ZeroDivisionError:
            self.log.exception("failed late", ending=sys.is_finalizing())

undergird.configure("run.log")
late = Late()
late.itself = late
"""
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    lines = [json.loads(line) for line in (tmp_path / "run.log").read_text().splitlines()]
    assert [(line["message"], line.get("exception_type")) for line in lines] == [
        ("late", None),
        ("failed late", "ZeroDivisionError"),
    ]
    assert lines[1]["ending"] is True
