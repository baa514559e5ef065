"""Values that are worked out only for a record that will be written."""

from __future__ import annotations

import datetime
import logging
from typing import TYPE_CHECKING, Any

import pytest
from tests.log.conftest import Collector

import undergird

if TYPE_CHECKING:
    from tests.log.conftest import Run


class Counting:
    """A function that counts its calls."""

    def __init__(self, value: object = 7) -> None:
        self.calls = 0
        self.value = value

    def __call__(self) -> object:
        self.calls += 1
        return self.value


def test_a_lazy_value_is_worked_out_at_the_call_and_once(either: Run) -> None:
    log = either.start()
    field, argument, message = Counting([1, {2}]), Counting(3), Counting("text")
    log.info("%s and %d", undergird.lazy(Counting("a")), undergird.lazy(argument), field=undergird.lazy(field))
    log.info(undergird.lazy(message))
    assert (field.calls, argument.calls, message.calls) == (1, 1, 1)
    first, second = either.lines()
    assert (first["message"], first["field"], second["message"]) == ("a and 3", [1, [2]], "text")


def test_a_lazy_value_is_not_worked_out_for_a_level_that_is_off(either: Run) -> None:
    log = either.start(level="INFO")
    counting = Counting()
    log.debug("%s", undergird.lazy(counting), field=undergird.lazy(counting))
    log.log(5, "%s", undergird.lazy(counting), field=undergird.lazy(counting))
    assert counting.calls == 0


def test_a_lazy_value_is_not_worked_out_if_no_handler_takes_the_record(run: Run) -> None:
    log = run.start()
    counting = Counting()
    for handler in logging.root.handlers:
        handler.setLevel("ERROR")
    log.info("%s", undergird.lazy(counting), field=undergird.lazy(counting))
    logging.root.addHandler(Collector(level=logging.ERROR))
    log.info("%s", undergird.lazy(counting), field=undergird.lazy(counting))
    assert counting.calls == 0
    log.error("%s", undergird.lazy(counting), field=undergird.lazy(counting))
    assert counting.calls == 2


def test_a_lazy_value_may_stand_anywhere(either: Run) -> None:
    log = either.start()
    inner = undergird.lazy(lambda: datetime.date(2026, 11, 21))
    log.info("x", listed=[inner], named={"k": inner}, lazily=undergird.lazy(lambda: inner), extra={"extra": inner})
    log.info("%(day)s", {"day": inner})
    log.bind(bound=inner).info("x")
    log.info("x", exc_info=None, extra={"extra": inner})
    first, second, third, fourth = either.lines()
    day = "2026-11-21"
    assert (first["listed"], first["named"], first["lazily"]) == ([day], {"k": day}, day)
    assert (second["message"], third["bound"], first["extra"], fourth["extra"]) == (day,) * 4


@pytest.mark.parametrize("way", ["field", "argument", "message", "element", "bound"])
def test_a_lazy_value_that_fails_is_a_text(either: Run, capsys: pytest.CaptureFixture[str], way: str) -> None:
    log = either.start()
    failing = undergird.lazy(lambda: 1 / 0)
    match way:
        case "field":
            log.info("x", field=failing)
        case "argument":
            log.info("%s", failing)
        case "message":
            log.info(failing)
        case "element":
            log.info("x", field=[failing])
        case "bound":
            log.bind(field=failing).info("x")
    assert "<lazy failed: ZeroDivisionError: division by zero>" in str(either.last())
    assert capsys.readouterr().err == ""


def test_a_lazy_value_of_what_cannot_be_called_is_a_text(either: Run) -> None:
    nothing: Any = 7
    either.start().info("x", field=undergird.lazy(nothing))
    assert either.last()["field"].startswith("<lazy failed: TypeError")


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_what_is_no_error_of_the_function_goes_through(either: Run, error: type[BaseException]) -> None:
    def stop() -> None:
        raise error

    log = either.start()
    with pytest.raises(error):
        log.info("x", field=undergird.lazy(stop))
    log.info("after")
    assert either.last()["message"] == "after"


def test_the_standard_librarys_loggers_take_lazy_values_as_arguments(run: Run) -> None:
    run.start()
    counting = Counting()
    logging.getLogger("plain").info("%s", undergird.lazy(counting))
    logging.getLogger("plain").log(5, "%s", undergird.lazy(counting))
    assert run.last()["message"] == "7"
    assert counting.calls == 1


def test_a_lazy_value_whose_function_logs_itself_comes_to_an_end(either: Run) -> None:
    log = either.start()

    def work() -> str:
        log.info("inner %s", lazily, field=lazily)
        return "done"

    lazily = undergird.lazy(work)
    log.info("outer", field=lazily)
    assert either.last()["message"] == "outer"
    assert len(either.lines()) < 1000
