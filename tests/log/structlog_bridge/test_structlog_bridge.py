"""structlog over undergird: event dictionaries become records."""

from __future__ import annotations

import copy
import logging
import pickle
import threading
from collections.abc import Callable
from typing import Any

import pytest
import structlog
from tests.log.conftest import Collector, Run
from tests.log.structlog_bridge.conftest import configure, said

import undergird
from undergird.log.structlog_bridge import (
    EventLogger,
    LoggerFactory,
    render_to_undergird,
)


class Incomparable:
    """As an array of several numbers, it says no to whoever asks whether it is true or equal."""

    __hash__ = None  # type: ignore[assignment]

    def __bool__(self) -> bool:
        raise ValueError("ambiguous")

    def __eq__(self, other: object) -> bool:
        raise ValueError("ambiguous")

    def __str__(self) -> str:
        return "?"


def test_an_event_and_its_fields_reach_the_file(run: Run) -> None:
    run.start()
    configure().bind(run=3).info("agent moved", agent_id=7)
    line = run.last()
    assert said(line) == {"level": "INFO", "message": "agent moved", "run": 3, "agent_id": 7}
    assert line["logger_name"] == "sim.cells"


@pytest.mark.parametrize("name", ["message", "msg"])
def test_a_renamed_event_is_the_message_all_the_same(run: Run, name: str) -> None:
    run.start()
    configure(structlog.processors.EventRenamer(name)).info("agent moved", agent_id=7)
    assert said(run.last()) == {"level": "INFO", "message": "agent moved", "agent_id": 7}


@pytest.mark.parametrize(
    ("method", "level"),
    [
        ("debug", "DEBUG"),
        ("info", "INFO"),
        ("msg", "INFO"),
        ("warn", "WARNING"),
        ("warning", "WARNING"),
        ("error", "ERROR"),
        ("err", "ERROR"),
        ("failure", "ERROR"),
        ("exception", "ERROR"),
        ("critical", "CRITICAL"),
        ("fatal", "CRITICAL"),
    ],
)
@pytest.mark.parametrize("factory", [LoggerFactory, structlog.PrintLoggerFactory])
def test_the_methods_name_is_the_level(run: Run, method: str, level: str, factory: Callable[..., Any]) -> None:
    run.start()
    structlog.configure(processors=[render_to_undergird], logger_factory=factory(), wrapper_class=structlog.BoundLogger)
    getattr(structlog.get_logger(), method)("told")
    assert (run.last()["level"], run.last()["message"]) == (level, "told")


def test_the_level_and_name_that_structlog_adds_are_not_said_twice(run: Run) -> None:
    run.start()
    log = configure(structlog.stdlib.add_log_level, structlog.stdlib.add_logger_name)
    log.warn("told")
    assert said(run.last()) == {"level": "WARNING", "message": "told"}


def test_a_level_that_says_something_else_is_kept(run: Run) -> None:
    run.start()
    configure().bind(level="ground floor", logger="someone").info("told")
    assert said(run.last()) == {"level": "INFO", "message": "told", "level_": "ground floor", "logger": "someone"}


@pytest.mark.parametrize("level", ["INFO", "Info", "notset", 20, True, ["info"], Incomparable()])
def test_a_level_that_structlog_has_not_put_there_is_kept(run: Run, level: object) -> None:
    run.start()
    configure().info("told", level=level, logger="sim.Cells")
    line = run.last()
    assert (line["level"], line["logger"]) == ("INFO", "sim.Cells")
    assert line["level_"] == ("?" if isinstance(level, Incomparable) else level)


@pytest.mark.parametrize("value", [3, "3", None, [3], Incomparable()])
def test_fields_with_names_that_mean_something_to_structlog_are_fields(run: Run, value: object) -> None:
    run.start()
    configure().info("50%", positional_args=value, logger=value)
    line = run.last()
    shown = "?" if isinstance(value, Incomparable) else value
    assert said(line) == {"level": "INFO", "message": "50%", "positional_args": shown, "logger": shown}


def test_positional_arguments_are_put_into_the_message(run: Run) -> None:
    run.start()
    log = configure(wrapper_class=structlog.stdlib.BoundLogger)
    log.info("step %d of %s", 3, "many", energy=0.5)
    assert said(run.last()) == {"level": "INFO", "message": "step 3 of many", "energy": 0.5}


def test_positional_arguments_that_structlog_keeps_are_a_field(run: Run) -> None:
    run.start()
    keeping = structlog.stdlib.PositionalArgumentsFormatter(remove_positional_args=False)
    configure(keeping, wrapper_class=structlog.stdlib.BoundLogger).info("step %d of %s", 3, "many")
    assert said(run.last()) == {"level": "INFO", "message": "step 3 of many", "positional_args": [3, "many"]}


def test_a_percent_sign_without_arguments_stays(run: Run) -> None:
    run.start()
    configure().info("100% of %s")
    assert run.last()["message"] == "100% of %s"


@pytest.mark.parametrize("how", ["true", "exception", "tuple", "method"])
def test_an_exception_is_told_in_all_forms(run: Run, how: str) -> None:
    run.start()
    log = configure()
    try:
        raise ValueError("odd")
    except ValueError as error:
        forms: dict[str, Any] = {
            "true": True,
            "exception": error,
            "tuple": (type(error), error, error.__traceback__),
        }
        if how == "method":
            log.exception("failed", n=1)
        else:
            log.error("failed", n=1, exc_info=forms[how])
    line = run.last()
    assert (line["exception_type"], line["exception_message"], line["n"]) == ("ValueError", "odd", 1)
    assert line["exception"].startswith("Traceback")
    assert "exc_info" not in line


def test_a_stack_is_told_on_request(run: Run) -> None:
    run.start()
    configure().info("here", stack_info=True)
    assert "test_a_stack_is_told_on_request" in run.last()["stack_info"]
    configure(structlog.processors.StackInfoRenderer()).info("here", stack_info=True)
    assert "test_a_stack_is_told_on_request" in run.last()["stack"]


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        (structlog.processors.KeyValueRenderer(key_order=["event"]), {"message": "event='told' n=1"}),
        (structlog.processors.JSONRenderer(), {"message": '{"n": 1, "event": "told"}'}),
        (lambda *_: "ütf".encode() + b"\xff", {"message": "ütf\\xff"}),
        (lambda *_: bytearray(b"told"), {"message": "told"}),
        (lambda *_: (("told %d", 5), {"n": 1}), {"message": "told 5", "n": 1}),
        (lambda _, __, event_dict: event_dict, {"message": "told", "n": 1}),
        (structlog.stdlib.render_to_log_kwargs, {"message": "told", "n": 1}),
        (structlog.stdlib.render_to_log_args_and_kwargs, {"message": "told", "n": 1}),
    ],
    ids=["text", "json", "bytes", "bytearray", "pair", "dictionary", "log_kwargs", "log_args_and_kwargs"],
)
def test_the_factorys_loggers_take_what_a_last_processor_returns(run: Run, last: Any, expected: dict[str, Any]) -> None:
    run.start()
    structlog.configure(processors=[last], logger_factory=LoggerFactory())
    structlog.get_logger().info("told", n=1)
    assert said(run.last()) == {"level": "INFO", **expected}


def test_a_key_that_is_no_text_is_spelled(run: Run) -> None:
    run.start()
    configure(lambda _, __, event_dict: {**event_dict, 7: "seven"}).info("told")
    assert run.last()["7"] == "seven"


def test_the_processor_alone_logs_under_the_name_of_the_wrapped_logger(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    run.start()
    structlog.configure(processors=[render_to_undergird], logger_factory=structlog.stdlib.LoggerFactory())
    structlog.get_logger("sim.plain").info("told", n=1)
    assert (run.last()["logger_name"], run.last()["n"]) == ("sim.plain", 1)
    structlog.configure(logger_factory=structlog.PrintLoggerFactory())
    structlog.get_logger().info("told again", n=2)
    assert (run.last()["logger_name"], run.last()["n"]) == ("root", 2)
    assert capsys.readouterr().out == ""


def test_a_logger_without_a_name_is_named_after_its_module(run: Run) -> None:
    run.start()
    structlog.configure(processors=[render_to_undergird], logger_factory=LoggerFactory())
    structlog.get_logger().info("told")
    assert run.last()["logger_name"] == __name__


def test_names_of_frames_may_be_ignored() -> None:
    assert LoggerFactory(ignore_frame_names=[__name__])().name != __name__


def test_levels_of_the_tree_hold(run: Run) -> None:
    run.start()
    log = configure()
    logging.getLogger("sim").setLevel(logging.WARNING)
    try:
        log.info("off")
        log.error("on")
    finally:
        logging.getLogger("sim").setLevel(logging.NOTSET)
    assert run.messages() == ["on"]
    log.info("on again")
    assert run.messages() == ["on", "on again"]


def test_filter_by_level_asks_the_tree(run: Run) -> None:
    run.start(level="WARNING")
    log = configure(structlog.stdlib.filter_by_level, wrapper_class=structlog.stdlib.BoundLogger)
    log.info("off")
    log.warning("on")
    assert run.messages() == ["on"]


def test_handlers_of_others_see_the_fields(run: Run) -> None:
    run.start()
    seen = Collector()
    logging.root.addHandler(seen)
    configure().info("told", n=1)
    (record,) = seen.records
    assert (record.getMessage(), record.__dict__["n"]) == ("told", 1)
    assert run.last()["n"] == 1


def test_context_of_structlog_is_merged_and_ours_too(run: Run) -> None:

    run.start()
    log = configure(structlog.contextvars.merge_contextvars)
    with structlog.contextvars.bound_contextvars(request="r1"), undergird.context(trial=4):
        log.info("inside")
    log.info("outside")
    inside, outside = run.lines()
    assert (inside["request"], inside["trial"]) == ("r1", 4)
    assert not {"request", "trial"} & outside.keys()


@pytest.mark.parametrize("foreign", [False, True])
def test_the_place_of_a_call_is_the_users(run: Run, foreign: bool) -> None:
    run.foreign = foreign
    run.start(call_site=True)
    configure().info("told")
    assert run.last()["function_name"] == "test_the_place_of_a_call_is_the_users"
    configure(wrapper_class=structlog.stdlib.BoundLogger).bind(a=1).exception("told")
    assert run.last()["function_name"] == "test_the_place_of_a_call_is_the_users"


def test_what_is_redacted_stays_unseen(run: Run) -> None:
    run.start(redact=["password"])
    configure().bind(password="secret").info("told", user={"password": "secret"})
    assert b"secret" not in run.path.read_bytes()
    assert run.last()["user"]["password"] == run.last()["password"] == "<redacted>"


def test_the_factorys_loggers_may_be_pickled_and_copied(run: Run) -> None:
    run.start()
    log = LoggerFactory()("sim.cells")
    for other in (pickle.loads(pickle.dumps(log)), copy.deepcopy(log)):
        assert type(other) is EventLogger
        other.info(event="told", n=1)
        assert (run.last()["logger_name"], run.last()["n"]) == ("sim.cells", 1)


def test_each_thread_logs_all_its_events(run: Run) -> None:
    run.start()
    log = configure(structlog.contextvars.merge_contextvars, cache_logger_on_first_use=True)

    def work(thread: int) -> None:
        bound = log.bind(thread=thread)
        for number in range(500):
            bound.info("told", number=number)

    threads = [threading.Thread(target=work, args=(thread,)) for thread in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    told = [(line["thread"], line["number"]) for line in run.lines()]
    for thread_number in range(4):
        assert [number for thread, number in told if thread == thread_number] == list(range(500))


def test_captured_logs_do_not_reach_the_file(run: Run) -> None:
    run.start()
    log = configure()
    with structlog.testing.capture_logs() as captured:
        log.info("captured", n=1)
    log.info("told")
    assert captured == [{"event": "captured", "n": 1, "log_level": "info"}]
    assert run.messages() == ["told"]
