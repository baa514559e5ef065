"""Exceptions, stacks and call sites: what the standard library would say of the caller."""

from __future__ import annotations

import decimal
import inspect
import logging
from typing import TYPE_CHECKING

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


def line_number() -> int:
    frame = inspect.currentframe()
    assert frame is not None
    assert frame.f_back is not None
    return frame.f_back.f_lineno


def test_a_call_site_is_the_line_of_the_call(either: Run) -> None:
    log = either.start(call_site=True)

    def outer() -> int:
        log.info("direct")
        log.info("one up", stacklevel=2)
        log.exception("exception")
        log.log(20, "log")
        logging.getLogger(log.name).info("stdlib")
        return line_number()

    last, up = outer(), line_number()
    log.info("far", stacklevel=1000)
    lines = {line["message"]: (line["function_name"], line["line_number"]) for line in either.lines()}
    assert lines["direct"] == ("outer", last - 5)
    assert lines["one up"] == ("test_a_call_site_is_the_line_of_the_call", up)
    assert lines["exception"] == ("outer", last - 3)
    assert lines["log"] == ("outer", last - 2)
    assert lines["stdlib"] == ("outer", last - 1)


def test_no_call_site_is_named_unless_asked_for(either: Run) -> None:
    log = either.start()
    log.info("x", stacklevel=2)
    assert "line_number" not in either.last()


def test_other_handlers_get_the_call_site_of_the_call(run: Run) -> None:
    run.foreign = True
    log = run.start()
    log.info("x")
    log.log(20, "x")
    log.exception("x")
    number = line_number()
    assert [(record.funcName, record.lineno) for record in run.records] == [
        ("test_other_handlers_get_the_call_site_of_the_call", number - 3 + place) for place in range(3)
    ]
    assert {record.pathname for record in run.records} == {__file__}
