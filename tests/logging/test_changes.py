"""Whatever changes what an enabled call has to do acts at the very next call."""

from __future__ import annotations

import gc
import json
import logging as standard
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.logging.conftest import (
    TELLS,
    Keeps,
    Log,
    counted,
    is_native,
    settled,
)

import undergird
from undergird import _core
from undergird.log import FileHandler

if TYPE_CHECKING:
    from tests.conftest import Script


def adds_a_handler(log: Log, seen: list[str]) -> None:
    handler = Keeps()
    handler.seen = seen
    log.logger.addHandler(handler)


def appends_a_handler(log: Log, seen: list[str]) -> None:
    handler = Keeps()
    handler.seen = seen
    log.logger.handlers.append(handler)


def rebinds_the_handlers(log: Log, seen: list[str]) -> None:
    handler = Keeps()
    handler.seen = seen
    vars(log.logger)["handlers"] = [handler]


def adds_one_to_the_parent(log: Log, seen: list[str]) -> None:
    handler = Keeps()
    handler.seen = seen
    log.parent.addHandler(handler)


def patches_handle_of_the_logger(log: Log, seen: list[str]) -> None:
    log.logger.handle = lambda record: seen.append(record.getMessage())  # type: ignore[method-assign]


def patches_log_of_the_logger(log: Log, seen: list[str]) -> None:
    log.logger._log = lambda level, msg, args, **options: seen.append(msg % args)  # type: ignore[method-assign]


def patches_handle_of_the_handler(log: Log, seen: list[str]) -> None:
    log.handler.handle = lambda record: bool(seen.append(record.getMessage()))  # type: ignore[method-assign, func-returns-value]


def writes_emit_of_the_handler(log: Log, seen: list[str]) -> None:
    vars(log.handler)["emit"] = lambda record: seen.append(record.getMessage())


def switches_propagation_on(log: Log, seen: list[str]) -> None:
    handler = Keeps()
    handler.seen = seen
    standard.root.addHandler(handler)
    log.parent.propagate = True


def adds_a_filter(log: Log, seen: list[str]) -> None:
    log.logger.addFilter(lambda record: bool(seen.append(record.getMessage())))  # type: ignore[func-returns-value]


def adds_a_filter_to_the_handler(log: Log, seen: list[str]) -> None:
    log.handler.addFilter(lambda record: bool(seen.append(record.getMessage())))  # type: ignore[func-returns-value]


def writes_the_filters(log: Log, seen: list[str]) -> None:
    vars(log.logger)["filters"] = [lambda record: seen.append(record.getMessage())]


def sets_the_record_factory(log: Log, seen: list[str]) -> None:
    def make(*args: Any, **options: Any) -> standard.LogRecord:
        record = standard.LogRecord(*args, **options)
        seen.append(record.getMessage())
        return record

    standard.setLogRecordFactory(make)


def changes_the_class(log: Log, seen: list[str]) -> None:
    class Own(type(log.logger)):  # type: ignore[misc]
        def makeRecord(self, *args: Any, **options: Any) -> standard.LogRecord:
            record: standard.LogRecord = super().makeRecord(*args, **options)
            seen.append(record.getMessage())
            return record

    log.logger.__class__ = Own


CHANGES = [
    adds_a_handler,
    appends_a_handler,
    rebinds_the_handlers,
    adds_one_to_the_parent,
    switches_propagation_on,
    patches_handle_of_the_logger,
    patches_log_of_the_logger,
    patches_handle_of_the_handler,
    writes_emit_of_the_handler,
    adds_a_filter,
    adds_a_filter_to_the_handler,
    writes_the_filters,
    sets_the_record_factory,
    changes_the_class,
]


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_acts_at_the_next_call(log: Log, change: Callable[[Log, list[str]], None]) -> None:
    settled(log)
    seen: list[str] = []
    try:
        change(log, seen)
        log.logger.info("after %d", 1)
        log.logger.info("after %d", 2)
    finally:
        standard.setLogRecordFactory(standard.LogRecord)
        vars(log.handler).pop("emit", None)
        standard.root.handlers[:] = [handler for handler in standard.root.handlers if type(handler) is not Keeps]
    assert seen == ["after 1", "after 2"]


PATCHED = [
    (standard.Logger, "_log"),
    (standard.Logger, "makeRecord"),
    (standard.Logger, "handle"),
    (standard.Logger, "callHandlers"),
    (standard.Logger, "findCaller"),
    (standard.Filterer, "filter"),
    (standard.Handler, "handle"),
    (standard.Handler, "filter"),
    (FileHandler, "emit"),
    (FileHandler, "handle"),
    (standard.LogRecord, "__init__"),
]


@pytest.mark.parametrize(("class_", "name"), PATCHED)
def test_a_patch_of_a_class_acts_at_the_next_call_and_ends_with_it(log: Log, class_: type, name: str) -> None:
    settled(log)
    with counted(class_, name) as calls:
        log.logger.info("during")
        once = len(calls)
        log.logger.info("during")
        assert once > 0
        assert len(calls) == 2 * once
    settled(log)
    assert len(calls) == 2 * once


def test_the_time_of_a_patched_clock_is_in_the_line(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    settled(log)
    monkeypatch.setattr(time, "time", lambda: 1e9)
    monkeypatch.setattr(time, "time_ns", lambda: 10**18)
    log.logger.info("x")
    undergird.flush()
    last = json.loads(Path(log.handler.path).read_text(encoding="utf-8").split("\n")[-2])
    assert last["timestamp"].startswith("2001-09-09T01:46:40")


def test_a_level_that_is_renamed_is_renamed_in_the_next_line(log: Log) -> None:
    settled(log)
    standard.addLevelName(standard.INFO, "NOTE")
    try:
        log.logger.info("x")
    finally:
        standard.addLevelName(standard.INFO, "INFO")
    log.logger.info("x")
    assert [line["level"] for line in log.lines()] == ["NOTE", "INFO"]


def test_levels_and_switches_act_at_the_next_call(log: Log) -> None:
    settled(log)
    log.logger.setLevel(standard.WARNING)
    log.logger.info("off")
    log.logger.setLevel(standard.INFO)
    log.logger.info("on 1")
    standard.disable(standard.INFO)
    log.logger.info("off")
    standard.disable(standard.NOTSET)
    log.logger.info("on 2")
    log.logger.disabled = True
    log.logger.info("off")
    vars(log.logger)["disabled"] = False
    log.logger.info("on 3")
    log.logger._cache[standard.INFO] = False  # type: ignore[attr-defined]
    log.logger.info("off")
    log.logger._cache.clear()  # type: ignore[attr-defined]
    log.handler.setLevel(standard.ERROR)
    log.logger.info("off")
    vars(log.handler)["level"] = standard.INFO
    log.logger.info("on 4")
    assert log.messages() == ["on 1", "on 2", "on 3", "on 4"]


@pytest.mark.parametrize("subclass", [False, True])
def test_a_level_that_is_off_is_native_whatever_was_decided_for_others(log: Log, subclass: bool) -> None:
    class Own(type(log.logger)):  # type: ignore[misc]
        pass

    if subclass:
        log.logger.__class__ = Own
    for _ in range(3):
        log.logger.info("on")
    given: tuple[dict[str, Any], ...] = ({"stacklevel": 2}, {})
    for options in given:
        log.logger.debug("off", **options)
        before = _core.logging_calls()["off"]
        log.logger.debug("off", **options)
        assert _core.logging_calls()["off"] == before + 1
        log.logger.setLevel(standard.INFO)
        log.logger.info("on")
        log.logger.info("on")


def test_an_argument_that_changes_the_handlers_is_noticed(log: Log) -> None:
    class Changes:
        def __str__(self) -> str:
            if foreign not in log.logger.handlers:
                log.logger.handlers.append(foreign)
            return "shown"

    settled(log)
    foreign = Keeps()
    log.logger.info("x %s %s", 1, Changes())
    assert log.messages() == ["x 1 shown"]
    assert foreign.seen == ["x 1 shown"]


def test_an_argument_that_logs_logs(log: Log) -> None:
    class Logs:
        def __str__(self) -> str:
            log.logger.info("inner")
            return "shown"

    settled(log)
    log.logger.info("outer %s %s", 1, Logs())
    assert log.messages() == ["inner", "outer 1 shown"]


def test_an_interrupt_from_an_argument_is_not_swallowed(log: Log) -> None:
    class Interrupts:
        def __str__(self) -> str:
            raise KeyboardInterrupt

    settled(log)
    with pytest.raises(KeyboardInterrupt):
        log.logger.info("x %s %s", 1, Interrupts())
    log.logger.info("after")
    assert log.messages() == ["after"]


def test_what_was_decided_goes_with_its_logger(log: Log) -> None:
    def made() -> list[weakref.ref[Any]]:
        logger = type(log.logger)("tests.enabled.unnamed", standard.INFO)
        handler = FileHandler(log.handler.path)
        logger.addHandler(handler)
        assert is_native(lambda: logger.info("x")) == TELLS
        return [weakref.ref(logger), weakref.ref(handler)]

    references = made()
    gc.collect()
    undergird.flush()
    assert [reference() for reference in references] == [None, None]


def test_a_forked_child_logs_natively_into_the_same_file(script: Script) -> None:
    script(
        """
        import os, sys
        import undergird
        from undergird import _core, logging

        undergird.configure("run.log")
        logger = logging.getLogger("forked")
        for _ in range(3):
            logger.warning("parent")
        if (child := os.fork()) == 0:
            for _ in range(3):
                logger.warning("child")
            undergird.flush()
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        undergird.flush()
        lines = open("run.log").read()
        assert lines.count("parent") == lines.count("child") == 3, lines
        native = _core.logging_calls()["native"]
        assert native == (3 if sys.version_info >= (3, 12) else 0), native
        """
    )


def test_without_a_run_it_is_known_why_calls_are_the_standard_librarys_until_there_is_one(script: Script) -> None:
    script(
        """
        import io, logging, sys
        import undergird
        undergird.logging.install()
        handler = undergird.log.FileHandler("run.log")
        class Foreign(logging.StreamHandler):
            pass
        logging.basicConfig(handlers=[Foreign(io.StringIO())], level="INFO")
        log = logging.getLogger("sim")
        def counts():
            return undergird.stats()["logging"]
        for number in range(100):
            log.info("number %d", number)
        why = "foreign handler" if sys.version_info >= (3, 12) else "unwatched"
        assert counts() == {"off": 0, "native": 0, "fallbacks": {why: 100}}, counts()
        # In place, of which nothing tells.
        logging.root.handlers[0] = handler
        for number in range(100):
            log.info("number %d", number)
        assert counts()["native"] >= (99 if why == "foreign handler" else 0), counts()
        assert undergird.stats()["emitted"] == 100
        """
    )
