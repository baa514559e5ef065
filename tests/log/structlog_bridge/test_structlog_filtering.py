"""The filtering bound logger: structlog's, natively where nobody could tell."""

from __future__ import annotations

import asyncio
import copy
import datetime
import gc
import logging
import pickle
import threading
import weakref
from collections import OrderedDict
from typing import Any

import pytest
import structlog
from structlog._base import BoundLoggerBase
from tests.log.conftest import Run

from undergird.log.structlog_bridge import LoggerFactory, make_filtering_bound_logger, render_to_undergird


def logger(level: int | str = "info", **others: Any) -> Any:
    structlog.configure(
        processors=[render_to_undergird],
        wrapper_class=make_filtering_bound_logger(level),
        logger_factory=LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    return structlog.get_logger("sim.cells", **others).bind()


@pytest.fixture
def chain_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call that structlog's own code would process fails."""

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a call went through the chain of processors")

    monkeypatch.setattr(BoundLoggerBase, "_proxy_to_logger", refuse)


@pytest.mark.usefixtures("chain_is_refused")
@pytest.mark.parametrize(
    ("method", "level"),
    [
        ("debug", "DEBUG"),
        ("info", "INFO"),
        ("msg", "INFO"),
        ("warn", "WARNING"),
        ("warning", "WARNING"),
        ("error", "ERROR"),
        ("exception", "ERROR"),
        ("critical", "CRITICAL"),
        ("fatal", "CRITICAL"),
    ],
)
def test_calls_are_native_where_the_chain_is_only_ours(run: Run, method: str, level: str) -> None:
    run.start()
    log = logger("debug", run=3)
    for number in range(3):
        getattr(log, method)("step %d", number, agent_id=7)
    assert [(line["level"], line["message"], line["run"], line["agent_id"]) for line in run.lines()] == [
        (level, f"step {number}", 3, 7) for number in range(3)
    ]


@pytest.mark.parametrize("level", ["notset", "debug", "info", "warning", "error", "critical"])
def test_levels_below_the_least_do_nothing(run: Run, level: str) -> None:
    run.start()
    log = logger(level)
    names = ["debug", "info", "warning", "error", "critical"]
    for name in names:
        getattr(log, name)(name)
        log.log(getattr(logging, name.upper()), f"log {name}")
    least = logging.NOTSET if level == "notset" else getattr(logging, level.upper())
    expected = [name for name in names if getattr(logging, name.upper()) >= least]
    assert run.messages() == [text for name in expected for text in (name, f"log {name}")]
    assert log.get_effective_level() == least
    assert log.is_enabled_for(least)


@pytest.mark.parametrize("level", ["info", "error"])
def test_a_call_without_an_event_is_refused(run: Run, level: str) -> None:
    run.start()
    with pytest.raises(TypeError, match="event"):
        logger(level).info(missing="event")


def test_the_event_may_be_a_keyword(run: Run) -> None:
    run.start()
    logger().info(event="told", n=1)
    assert (run.last()["message"], run.last()["n"]) == ("told", 1)


def test_the_event_of_a_call_that_is_off_may_be_a_keyword(run: Run) -> None:
    run.start()
    log = logger("wArNiNg")
    log.info(event="off", n=1)
    log.info("off %d", 1, event_id=2)
    assert run.messages() == []


def test_an_unknown_level_is_refused_as_by_structlog() -> None:
    with pytest.raises(KeyError):
        make_filtering_bound_logger("chatty")


def test_bind_and_its_kin_make_loggers_of_their_own(run: Run) -> None:
    run.start()
    log = logger(a=1)
    for each in (
        log.bind(b=2),
        log.bind(b=2).unbind("a"),
        log.bind(b=2).try_unbind("a", "z"),
        log.bind(b=2).bind(b=3),
        log,
    ):
        each.info("told")
    log.new(c=4).info("told")
    assert [{key: line[key] for key in "abc" if key in line} for line in run.lines()] == [
        {"a": 1, "b": 2},
        {"b": 2},
        {"b": 2},
        {"a": 1, "b": 3},
        {"a": 1},
        {"c": 4},
    ]
    with pytest.raises(KeyError):
        log.unbind("z")


def test_a_context_that_changes_is_seen_at_the_next_call(run: Run) -> None:
    run.start()
    log = logger(a=1)
    log.info("before")
    structlog.get_context(log)["a"] = 2
    log.info("changed")
    structlog.get_context(log)["b"] = 3
    log.info("added")
    del structlog.get_context(log)["a"]
    log.info("removed")
    structlog.get_context(log).clear()
    log.info("cleared")
    assert [{key: line[key] for key in "ab" if key in line} for line in run.lines()] == [
        {"a": 1},
        {"a": 2},
        {"a": 2, "b": 3},
        {"b": 3},
        {},
    ]


@pytest.mark.parametrize(
    "bound", [{"level": "info"}, {"logger": "sim.cells"}, {"event": "another"}, {"exc_info": True}]
)
def test_bound_names_that_mean_something_mean_it_without_a_chain_too(run: Run, bound: dict[str, Any]) -> None:
    run.start()
    log = logger()
    for _ in range(2):
        try:
            raise ValueError("odd")
        except ValueError:
            log.bind(**bound).info("x")
        # A processor that does nothing: now structlog's own code runs.
        structlog.get_config()["processors"].insert(0, lambda _, __, event_dict: event_dict)
    at_once, chained = run.lines()
    assert at_once | {"timestamp": ""} == chained | {"timestamp": ""}


def test_a_bound_value_that_changes_is_seen_at_the_call(run: Run) -> None:
    run.start()
    trail: list[int] = []
    log = logger().bind(trail=trail)
    log.info("before")
    trail.append(1)
    log.info("after")
    assert [line["trail"] for line in run.lines()] == [[], [1]]


@pytest.mark.parametrize("context_class", [dict, OrderedDict])
def test_any_class_of_contexts_works(run: Run, context_class: Any) -> None:
    run.start()
    structlog.configure(context_class=context_class)
    logger().bind(when=datetime.date(2026, 1, 2), n=1).info("told")
    assert (run.last()["when"], run.last()["n"]) == ("2026-01-02", 1)


def test_a_chain_that_changes_in_place_is_seen_at_the_next_call(run: Run) -> None:
    run.start()
    log = logger(a=1)
    log.info("before")
    processors = structlog.get_config()["processors"]
    processors.insert(0, lambda _, __, event_dict: {**event_dict, "added": True})
    log.info("with more")
    del processors[0]
    log.info("as before")
    assert [line.get("added") for line in run.lines()] == [None, True, None]


def test_cached_loggers_are_captured_and_let_go(run: Run) -> None:
    run.start()
    log = logger(a=1)
    log.info("before")
    with structlog.testing.capture_logs() as captured:
        log.warning("captured", n=2)
    log.info("after")
    assert captured == [{"a": 1, "n": 2, "event": "captured", "log_level": "warning"}]
    assert run.messages() == ["before", "after"]


def test_a_log_capture_in_the_chain_sees_everything(run: Run) -> None:
    run.start()
    capture = structlog.testing.LogCapture()
    log = logger()
    structlog.configure(processors=[capture])
    structlog.get_logger().bind(a=1).error("captured")
    assert capture.entries == [{"a": 1, "event": "captured", "log_level": "error"}]
    log.info("of the chain before")
    assert run.messages() == ["of the chain before"]


def test_a_processor_may_drop_an_event(run: Run) -> None:
    run.start()
    log = logger()

    def drop(*_: Any) -> Any:
        raise structlog.DropEvent

    structlog.get_config()["processors"].insert(0, drop)
    log.info("dropped")
    assert run.messages() == []


def test_another_wrapped_logger_is_structlogs_business(run: Run) -> None:
    run.start()
    output = structlog.testing.CapturingLogger()
    log = structlog.wrap_logger(
        output,
        processors=[structlog.processors.KeyValueRenderer(key_order=["event"])],
        wrapper_class=make_filtering_bound_logger("info"),
    )
    log.info("told %d", 3, n=1)
    assert [call.args for call in output.calls] == [("event='told 3' n=1",)]
    assert run.messages() == []


@pytest.mark.parametrize("chain", ["ours", "longer"])
def test_awaited_methods_log_with_context_and_exception(run: Run, chain: str) -> None:
    run.start()
    log = logger("debug", a=1)
    if chain == "longer":
        structlog.get_config()["processors"].insert(0, structlog.contextvars.merge_contextvars)

    async def work() -> None:
        await log.adebug("debug")
        await log.ainfo("info %d", 3, n=2)
        await log.awarning(event="warning")
        await log.alog(logging.ERROR, "log")
        try:
            raise ValueError("odd")
        except ValueError:
            await log.aexception("exception")
        await log.afatal("fatal")

    asyncio.run(work())
    lines = [line for line in run.lines() if line["logger_name"] == "sim.cells"]
    assert [line["message"] for line in lines] == ["debug", "info 3", "warning", "log", "exception", "fatal"]
    assert all(line["a"] == 1 for line in lines)
    assert (lines[1]["n"], lines[4]["exception_type"], lines[5]["level"]) == (2, "ValueError", "CRITICAL")


def test_processors_that_look_for_the_caller_find_the_program(run: Run) -> None:
    run.start()
    log = logger("debug")
    parameters = structlog.processors.CallsiteParameter
    structlog.get_config()["processors"][:0] = [
        structlog.processors.CallsiteParameterAdder({parameters.FUNC_NAME}),
        structlog.processors.StackInfoRenderer(),
    ]

    async def work() -> None:
        await log.ainfo("awaited")
        await log.awarn("awaited")
        log.warning("called", stack_info=True)
        log.info(event="by name")
        log.exception("handled")

    asyncio.run(work())
    lines = [line for line in run.lines() if line["logger_name"] == "sim.cells"]
    assert [line["func_name"] for line in lines] == ["work"] * 5
    assert lines[2]["stack"].endswith('log.warning("called", stack_info=True)')


def test_awaited_calls_below_the_least_level_do_nothing(run: Run) -> None:
    run.start(level="INFO")
    log = logger("error")
    asyncio.run(log.ainfo("off"))
    assert run.messages() == []


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_loggers_may_be_pickled(run: Run, protocol: int) -> None:
    run.start()
    log = logger("warning", a=1)
    log.info("off")
    other = pickle.loads(pickle.dumps(log, protocol))
    assert (type(other), other) == (type(log), log)
    other.info("off")
    other.warning("told")
    assert (run.last()["a"], run.last()["logger_name"]) == (1, "sim.cells")


def test_proxies_and_copies_log_too(run: Run) -> None:
    run.start()
    logger()
    proxy = pickle.loads(pickle.dumps(structlog.get_logger("sim.other", a=1)))
    proxy.info("proxy")
    copy.deepcopy(logger(a=2)).info("copy")
    assert [(line["message"], line["a"]) for line in run.lines()] == [("proxy", 1), ("copy", 2)]


def test_a_subclass_may_add_methods_and_override(run: Run) -> None:
    run.start()

    class Louder(make_filtering_bound_logger("info")):  # type: ignore[misc]
        def info(self, event: str, *args: Any, **fields: Any) -> Any:
            return super().info(event.upper(), *args, **fields)

        def moved(self, agent_id: int) -> None:
            self.info("moved", agent_id=agent_id)

    logger()
    log = structlog.wrap_logger(None, wrapper_class=Louder)
    log.bind(a=1).moved(7)
    assert (run.last()["message"], run.last()["agent_id"], run.last()["a"]) == ("MOVED", 7, 1)


@pytest.mark.parametrize("overridden", ["_proxy_to_logger", "_process_event"])
def test_a_subclass_that_processes_events_itself_is_asked(run: Run, overridden: str) -> None:
    run.start()

    def process(self: Any, method: str, event: str, *args: Any, **fields: Any) -> Any:
        return getattr(super(own, self), overridden)(method, f"own {event}", *args, **fields)

    own = type("Own", (make_filtering_bound_logger("info"),), {overridden: process})
    logger()
    structlog.wrap_logger(None, wrapper_class=own).info("told")
    assert run.last()["message"] == "own told"


def test_levels_of_the_tree_hold_natively(run: Run) -> None:
    run.start()
    log = logger(a=1)
    log.info("on")
    logging.getLogger("sim").setLevel(logging.WARNING)
    try:
        log.info("off")
    finally:
        logging.getLogger("sim").setLevel(logging.NOTSET)
    assert run.messages() == ["on"]


def test_threads_share_a_logger_whose_context_changes(run: Run) -> None:
    run.start()
    log = logger(a=0)

    def work() -> None:
        for number in range(300):
            structlog.get_context(log)["a"] = number
            log.info("told")

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = run.lines()
    assert len(lines) == 1200
    assert all(0 <= line["a"] < 300 for line in lines)


def test_a_value_whose_rendering_changes_the_context_does_no_harm(run: Run) -> None:
    run.start()
    log = logger(a=1)

    class Nasty:
        def __str__(self) -> str:
            structlog.get_context(log)["a"] = 2
            log.info("inner")
            return "nasty"

    log.info("outer", value=Nasty())
    assert sorted((line["message"], line["a"]) for line in run.lines()) == [("inner", 2), ("outer", 1)]


def test_a_logger_in_a_cycle_is_collected(run: Run) -> None:
    run.start()
    structlog.configure(cache_logger_on_first_use=False)
    log = structlog.wrap_logger(
        LoggerFactory()("sim.cells"),
        processors=[render_to_undergird],
        wrapper_class=make_filtering_bound_logger("info"),
    ).bind(a=1)
    log.info("told")
    log.itself = log
    alive = weakref.ref(log)
    del log
    gc.collect()
    assert alive() is None


def test_signatures_are_told() -> None:
    import inspect

    assert list(inspect.signature(make_filtering_bound_logger("info").info).parameters)[-3:] == [
        "event",
        "args",
        "fields",
    ]
