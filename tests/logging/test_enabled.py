"""Enabled calls are native where all that would see their records is ours: the same lines, and changes act at once."""

from __future__ import annotations

import gc
import json
import logging as standard
import sys
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.conftest import DEEP

import undergird
from undergird import _core, logging
from undergird.log import FileHandler
from undergird.logging import _native, install, uninstall

if TYPE_CHECKING:
    from tests.conftest import Script

TELLS = sys.version_info >= (3, 12)
"""Whether this Python tells of changes; where it does not, enabled calls are the standard library's."""

ALWAYS_KNOWN = ("level",)
"""What is told of a call by itself, also where this Python does not tell of changes."""

LEVELS = ("debug", "info", "warning", "error", "critical")


class Log:
    """A logger over a file of ours, and what is in the file."""

    def __init__(self, logger: standard.Logger, handler: FileHandler) -> None:
        self._logger = logger
        self.handler = handler
        self.read = 0
        self.begun = False

    @property
    def logger(self) -> standard.Logger:
        """The logger. pytest has handlers on the root, and on loggers that do not propagate when the test begins."""
        if not self.begun:
            self.begun = True
            self.parent.propagate = False
        return self._logger

    @property
    def parent(self) -> standard.Logger:
        """The logger above it, which does not propagate."""
        parent = self._logger.parent
        assert parent is not None
        return parent

    def lines(self) -> list[dict[str, Any]]:
        """What has been written since the last time, but for the time."""
        undergird.flush()
        path = Path(self.handler.path)
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        new, self.read = text[self.read :], len(text)
        lines = [json.loads(line) for line in new.split("\n")[:-1]]
        for line in lines:
            del line["timestamp"]
        return lines

    def messages(self) -> list[str]:
        return [line["message"] for line in self.lines()]


@pytest.fixture(params=["ours", "installed", "installed over ours"])
def log(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Log]:
    """A logger whose calls are native: of our class, of the standard library's after `install`, of ours after it."""
    if request.param != "ours":
        install()
    name = f"tests.enabled.{request.node.name}"
    make = standard.getLogger if request.param == "installed" else logging.getLogger
    parent, logger = make("tests.enabled"), make(name)
    logger.setLevel(standard.INFO)
    level = standard.root.level
    undergird.configure(tmp_path / "root.log")
    handler = FileHandler(tmp_path / "run.log")
    logger.addHandler(handler)
    yield Log(logger, handler)
    uninstall()
    undergird.shutdown()
    parent.propagate = True
    standard.root.setLevel(level)
    for held in (*logger.handlers, *standard.root.handlers):
        if isinstance(held, FileHandler):
            standard.root.removeHandler(held)
            logger.removeHandler(held)
    for made in (name, parent.name):
        del standard.root.manager.loggerDict[made]


def native() -> int:
    counted: int = _core.logging_calls()["native"]
    return counted


def fallbacks() -> dict[str, int]:
    counted: dict[str, int] = _core.logging_calls()["fallbacks"]
    return counted


def is_native(call: Callable[[], object]) -> bool:
    """Whether a call is native, once it has been learned that it may."""
    call()
    before = native()
    call()
    return native() == before + 1


def reason(call: Callable[[], object]) -> str:
    """Why a call is not native."""
    call()
    before, calls = fallbacks(), native()
    call()
    assert native() == calls
    [changed] = [name for name, count in fallbacks().items() if count != before.get(name, 0)]
    return changed


def settled(log: Log) -> None:
    """Has it known that calls are native, where they can be."""
    assert is_native(lambda: log.logger.info("before")) == TELLS
    log.lines()


def theirs(logger: standard.Logger, method: str, *args: Any, **options: Any) -> None:
    """The call as the standard library makes it."""
    _native._originals[method](logger, *args, **options)


@pytest.mark.parametrize("method", LEVELS)
def test_an_enabled_call_is_native_and_its_line_is_the_standard_librarys(log: Log, method: str) -> None:
    log.logger.setLevel(standard.DEBUG)
    settled(log)
    assert is_native(lambda: getattr(log.logger, method)("moved %d of %s", 3, "x")) == TELLS
    assert is_native(lambda: log.logger.log(getattr(standard, method.upper()), "moved")) == TELLS
    theirs(log.logger, method, "moved %d of %s", 3, "x")
    theirs(log.logger, method, "moved")
    first, second, third, fourth, fifth, sixth = log.lines()
    assert first == second == fifth
    assert third == fourth == sixth
    assert (first["level"], first["message"]) == (method.upper(), "moved 3 of x")


class Odd:
    """Prints itself in its own way."""

    def __init__(self, shown: str) -> None:
        self.shown = shown

    def __str__(self) -> str:
        if self.shown == "raise":
            raise ValueError(self.shown)
        return self.shown

    __repr__ = __str__


class OddMapping(Mapping[str, int]):
    """A mapping that does not say whether it is empty."""

    def __getitem__(self, key: str) -> int:
        return 1

    def __iter__(self) -> Iterator[str]:
        return iter("a")

    def __len__(self) -> int:
        raise ValueError("not told")


SCALARS = st.one_of(
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.booleans(),
    st.none(),
    st.binary(max_size=4),
    st.builds(Odd, st.sampled_from(["shown", "%d", "raise"])),
)
ARGUMENTS = st.one_of(SCALARS, st.lists(SCALARS, max_size=2), st.dictionaries(st.sampled_from("ab"), SCALARS))
DIRECTIVES = st.sampled_from(["%s", "%d", "%r", "%5.2f", "%x", "%%", "%(a)s", "%", "%-4s|", "%c", "x", "é\ud800", "\n"])
TEMPLATES = st.lists(DIRECTIVES, max_size=4).map(" ".join)


@given(template=st.one_of(TEMPLATES, ARGUMENTS), args=st.lists(ARGUMENTS, max_size=3))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=2000 if DEEP else 40)
def test_any_message_is_the_standard_librarys(log: Log, template: object, args: list[object]) -> None:
    with mock.patch.object(standard, "raiseExceptions", False):
        log.logger.info(template, *args)
        log.logger.info(template, *args)
        before = native()
        log.logger.info(template, *args)
        odd = len(args) == 1 and isinstance(args[0], Mapping) and type(args[0]) is not dict
        assert native() - before == (TELLS and not odd)
        theirs(log.logger, "info", template, *args)
    first, *others = log.lines()
    assert others == [first] * 3


def test_what_does_not_fit_is_reported_as_the_standard_librarys_way_reports_it(
    log: Log, capsys: pytest.CaptureFixture[str]
) -> None:
    settled(log)
    for method in (log.logger.info, lambda *args: theirs(log.logger, "info", *args)):
        method("%d", "x")
    shown = capsys.readouterr().err
    assert shown.count("--- Logging error ---") == 2
    assert shown.count("Message: '%d'\nArguments: ('x',)") == 2
    assert log.messages() == ["%d ('x',)"] * 2


def test_context_is_in_the_line_as_in_the_standard_librarys(log: Log) -> None:
    settled(log)
    with undergird.context(request="r1", steps=[1, 2]):
        assert is_native(lambda: log.logger.info("x %d", 1)) == TELLS
        theirs(log.logger, "info", "x %d", 1)
    first, second, third = log.lines()
    assert first == second == third
    assert (first["request"], first["steps"]) == ("r1", [1, 2])


def test_an_argument_that_sets_the_run_up_anew_within_a_context_is_in_one_line(log: Log, tmp_path: Path) -> None:
    class Anew:
        def __str__(self) -> str:
            undergird.configure(tmp_path / "other.log")
            return "anew"

    settled(log)
    with undergird.context(request="r1"):
        for number in range(10):
            log.logger.info("%d %s", number, Anew())
            undergird.shutdown()
    assert [(line["message"], line["request"]) for line in log.lines()] == [(f"{n} anew", "r1") for n in range(10)]


def test_names_are_in_the_line_as_in_the_standard_librarys(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    log.handler.names = ("process", "process_id", "thread", "thread_id")
    settled(log)
    log.logger.info("x")
    theirs(log.logger, "info", "x")
    first, second = log.lines()
    assert first == second
    assert first["thread_name"] == "MainThread"
    monkeypatch.setattr(standard, "logThreads", False)
    log.logger.info("x")
    [third] = log.lines()
    assert "thread_name" not in third


def test_the_place_of_the_call_is_the_callers(log: Log) -> None:
    log.handler.call_site = True
    log.logger.info("here")
    line = sys._getframe().f_lineno - 1
    log.logger.info("here")
    first, second = log.lines()
    assert (first["line_number"], second["line_number"]) == (line, line + 2)
    assert first["function_name"] == "test_the_place_of_the_call_is_the_callers"


# What is not native, and says why.


class Keeps(standard.Handler):
    """Keeps the messages that it sees."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def emit(self, record: standard.LogRecord) -> None:
        self.seen.append(record.getMessage())


def with_a_foreign_handler(log: Log) -> Callable[[], object]:
    log.logger.addHandler(Keeps())
    return lambda: log.logger.info("x")


def with_a_filter(log: Log) -> Callable[[], object]:
    log.logger.addFilter(lambda record: True)
    return lambda: log.logger.info("x")


def with_a_filter_of_the_handler(log: Log) -> Callable[[], object]:
    log.handler.addFilter(lambda record: True)
    return lambda: log.logger.info("x")


def with_keywords(log: Log) -> Callable[[], object]:
    return lambda: log.logger.info("x", stacklevel=2)


def with_a_level_of_its_own(log: Log) -> Callable[[], object]:
    return lambda: log.logger.log(25, "x")


def with_an_odd_mapping(log: Log) -> Callable[[], object]:
    class Own(dict[str, int]):
        pass

    return lambda: log.logger.info("%(a)d", Own(a=1))


def with_a_subclass(log: Log) -> Callable[[], object]:
    class Own(type(log.logger)):  # type: ignore[misc]
        pass

    log.logger.__class__ = Own
    return lambda: log.logger.info("x")


def with_a_method_of_its_own(log: Log) -> Callable[[], object]:
    log.logger.makeRecord = log.logger.makeRecord  # type: ignore[method-assign]
    return lambda: log.logger.info("x")


def without_a_handler(log: Log) -> Callable[[], object]:
    log.logger.removeHandler(log.handler)
    return lambda: log.logger.info("x")


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (with_a_foreign_handler, "foreign handler"),
        (with_a_filter, "filter"),
        (with_a_filter_of_the_handler, "filter"),
        (with_keywords, "keyword"),
        (with_a_level_of_its_own, "level"),
        (with_an_odd_mapping, "argument"),
        (with_a_subclass, "subclass"),
        (with_a_method_of_its_own, "patched"),
        (without_a_handler, "no handler"),
    ],
)
def test_what_is_not_native_says_why(log: Log, make: Callable[[Log], Callable[[], object]], expected: str) -> None:
    call = make(log)
    assert reason(call) == (expected if TELLS or expected in ALWAYS_KNOWN else "unwatched")


def test_a_mapping_that_fails_fails_as_in_the_standard_library(log: Log) -> None:
    settled(log)
    for call in (log.logger.info, lambda *args: theirs(log.logger, "info", *args)):
        with pytest.raises(ValueError, match="not told"):
            call("%(a)d", OddMapping())


def test_a_foreign_handler_of_a_higher_level_leaves_lower_ones_native(log: Log) -> None:
    foreign = Keeps()
    foreign.setLevel(standard.ERROR)
    log.logger.addHandler(foreign)
    settled(log)
    log.logger.error("both")
    foreign.setLevel(standard.INFO)
    log.logger.info("both too")
    assert foreign.seen == ["both", "both too"]
    assert log.messages() == ["both", "both too"]


# Whatever changes acts at the very next call.


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
    original = getattr(class_, name)
    calls: list[str] = []

    def patch(self: Any, *args: Any, **options: Any) -> Any:
        calls.append(name)
        return original(self, *args, **options)

    with mock.patch.object(class_, name, patch):
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
        logging.basicConfig(stream=io.StringIO(), level="INFO")
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
