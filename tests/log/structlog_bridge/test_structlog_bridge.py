"""structlog over undergird: event dictionaries become records."""

from __future__ import annotations

import asyncio
import copy
import io
import logging
import pickle
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog
from tests.log.conftest import Collector, Run

import undergird
from undergird import get_logger
from undergird.log.structlog_bridge import (
    EventLogger,
    LoggerFactory,
    make_filtering_bound_logger,
    render_to_undergird,
)

KEPT = ("timestamp", "logger_name")


def said(line: dict[str, Any]) -> dict[str, Any]:
    """What a line says, but for when and by whom."""
    return {key: value for key, value in line.items() if key not in KEPT}


class Incomparable:
    """As an array of several numbers, it says no to whoever asks whether it is true or equal."""

    __hash__ = None  # type: ignore[assignment]

    def __bool__(self) -> bool:
        raise ValueError("ambiguous")

    def __eq__(self, other: object) -> bool:
        raise ValueError("ambiguous")

    def __str__(self) -> str:
        return "?"


def configure(*processors: Any, **others: Any) -> Any:
    structlog.configure(processors=[*processors, render_to_undergird], logger_factory=LoggerFactory(), **others)
    return structlog.get_logger("sim.cells")


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
    import undergird

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


def wrapped_for_formatter(*processors: Any) -> Any:
    structlog.configure(
        processors=[*processors, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    return structlog.get_logger("sim.wrapped")


@pytest.fixture
def emergence() -> Iterator[None]:
    """A level of the program's own, added when the loggers' classes are there already."""
    undergird.add_level("EMERGENCE", 25)
    yield
    logging._levelToName.pop(25, None)
    logging._nameToLevel.pop("EMERGENCE", None)


@pytest.mark.usefixtures("emergence")
@pytest.mark.parametrize(
    "processors",
    [
        [render_to_undergird],
        [structlog.processors.add_log_level, render_to_undergird],
        [structlog.stdlib.render_to_log_kwargs],
        [],
    ],
)
@pytest.mark.parametrize("wrapper", [structlog.BoundLogger, make_filtering_bound_logger(20)])
def test_a_level_of_the_programs_own_has_its_method(run: Run, processors: list[Any], wrapper: Any) -> None:
    run.start()
    structlog.configure(processors=processors, wrapper_class=wrapper, logger_factory=LoggerFactory())
    structlog.get_logger("sim.cells").bind(run=3).emergence("noted", score=0.5)
    assert said(run.last()) == {"level": "EMERGENCE", "message": "noted", "run": 3, "score": 0.5}


@pytest.mark.usefixtures("emergence")
def test_a_level_of_the_programs_own_is_kept_where_another_logger_is_wrapped(run: Run) -> None:
    class Other(logging.Logger):
        def emergence(self, event: str) -> None:
            raise AssertionError("the wrapped logger was called")

    run.start()
    structlog.configure(
        processors=[structlog.processors.add_log_level, render_to_undergird],
        wrapper_class=structlog.BoundLogger,
        logger_factory=Other,
    )
    structlog.get_logger("sim.cells").emergence("noted", score=0.5)
    assert said(run.last()) == {"level": "EMERGENCE", "message": "noted", "score": 0.5}


@pytest.mark.usefixtures("emergence")
def test_a_filtering_logger_filters_a_level_of_the_programs_own(run: Run) -> None:
    run.start()
    structlog.configure(processors=[render_to_undergird], logger_factory=LoggerFactory())
    for level in (20, 30):
        log = structlog.wrap_logger(
            EventLogger(get_logger("sim.cells")), wrapper_class=make_filtering_bound_logger(level)
        )
        log.emergence("%d above %d", 25, level)
        log.emergence("%(added)d above %(level)d, as a mapping", {"added": 25, "level": level})
    assert run.messages() == ["25 above 20", "25 above 20, as a mapping"]
    with pytest.raises(AttributeError, match="no attribute 'urgent'"):
        log.urgent("never added")


@pytest.mark.parametrize("factory", [LoggerFactory, logging.Logger])
def test_a_level_may_be_named_in_any_case(run: Run, factory: Callable[..., Any]) -> None:
    undergird.add_level("Emergent", 26)
    run.start()
    structlog.configure(
        processors=[structlog.processors.add_log_level, render_to_undergird],
        wrapper_class=make_filtering_bound_logger(20),
        logger_factory=factory if factory is logging.Logger else LoggerFactory(),
    )
    try:
        structlog.get_logger("sim.cells").emergent("noted", score=0.5)
        assert said(run.last()) == {"level": "Emergent", "message": "noted", "score": 0.5}
    finally:
        logging._levelToName.pop(26, None)
        logging._nameToLevel.pop("Emergent", None)


@pytest.mark.usefixtures("emergence")
@pytest.mark.parametrize("chain", ["ours", "longer"])
def test_a_level_of_the_programs_own_is_awaited_too(run: Run, chain: str) -> None:
    run.start()
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars] * (chain == "longer") + [render_to_undergird],
        wrapper_class=make_filtering_bound_logger(20),
        logger_factory=LoggerFactory(),
    )
    log = structlog.get_logger("sim.cells").bind(run=3)

    async def work() -> None:
        await log.aemergence("noted %d", 1, score=0.5)
        await log.aemergence(event="by name")
        await log.alog(25, "by number")
        try:
            raise ValueError("odd")
        except ValueError as error:
            await log.aemergence("failed", exc_info=error)
        off = structlog.wrap_logger(
            EventLogger(get_logger("sim.cells")), wrapper_class=make_filtering_bound_logger(30)
        ).bind()
        await off.aemergence("off")

    asyncio.run(work())
    lines = [line for line in run.lines() if line["logger_name"] == "sim.cells"]
    assert [(line["level"], line["message"]) for line in lines] == [
        ("EMERGENCE", "noted 1"),
        ("EMERGENCE", "by name"),
        ("EMERGENCE", "by number"),
        ("EMERGENCE", "failed"),
    ]
    assert all(line["run"] == 3 for line in lines)
    assert lines[3]["exception_type"] == "ValueError"
    with pytest.raises(AttributeError, match="no attribute 'aurgent'"):
        log.aurgent("never added")


def test_a_level_that_is_added_later_is_known_to_loggers_and_processors(run: Run) -> None:
    run.start()
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_log_level_number,
            structlog.processors.CallsiteParameterAdder({structlog.processors.CallsiteParameter.FUNC_NAME}),
            render_to_undergird,
        ],
        wrapper_class=make_filtering_bound_logger(20),
        logger_factory=LoggerFactory(),
    )
    log = structlog.get_logger("sim.cells").bind()
    undergird.add_level("SURFACED", 27)
    try:

        async def work() -> None:
            await log.asurfaced("awaited")

        def call() -> None:
            log.surfaced("called")

        call()
        asyncio.run(work())
        log.log(27, "by number")
        assert log.is_enabled_for(27)
        lines = [line for line in run.lines() if line["logger_name"] == "sim.cells"]
        assert [(line["message"], line["func_name"]) for line in lines] == [
            ("called", "call"),
            ("awaited", "work"),
            ("by number", "test_a_level_that_is_added_later_is_known_to_loggers_and_processors"),
        ]
        assert {(line["level"], line["level_number"]) for line in lines} == {("SURFACED", 27)}
    finally:
        logging._levelToName.pop(27, None)
        logging._nameToLevel.pop("SURFACED", None)


def test_records_wrapped_for_a_formatter_have_their_fields_in_our_file(run: Run) -> None:
    run.start()
    log = wrapped_for_formatter(structlog.stdlib.add_log_level, structlog.stdlib.add_logger_name)
    log.warning("step %d", 3, name="a field", args=[1])
    line = run.last()
    assert said(line) == {"level": "WARNING", "message": "step 3", "name": "a field", "args": [1]}
    assert line["logger_name"] == "sim.wrapped"


def test_a_formatter_of_structlogs_on_another_handler_sees_its_record_unchanged(run: Run) -> None:
    run.start()
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    renderer = structlog.processors.KeyValueRenderer(key_order=["event"])
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processor=renderer))
    logging.root.addHandler(handler)
    log = wrapped_for_formatter()
    log.info("told", n=1)
    get_logger("sim.ours").info("ours", n=2)
    assert out.getvalue() == "event='told' n=1\nevent='ours'\n"
    assert [(line["message"], line["n"]) for line in run.lines()] == [("told", 1), ("ours", 2)]


def test_a_wrapped_record_tells_its_exception(run: Run) -> None:
    run.start()
    log = wrapped_for_formatter()
    try:
        raise ValueError("odd")
    except ValueError:
        log.exception("failed", n=1)
    line = run.last()
    assert (line["message"], line["exception_type"], line["n"]) == ("failed", "ValueError", 1)
    assert "exc_info" not in line


def test_a_wrapped_records_fields_are_redacted(run: Run) -> None:
    run.start(redact=["password"])
    wrapped_for_formatter().info("told", password="secret")
    assert run.last()["password"] == "<redacted>"


def test_wrapped_records_are_readable_on_the_console(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    run.start(console=True)
    wrapped_for_formatter().info("told", n=1)
    assert capsys.readouterr().err.split()[3:] == ["told", "n=1"]
