"""The standard library's tree decides, and every change to it acts at the very next call."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

import undergird
from undergird.log.tree.handlers import FileHandler

if TYPE_CHECKING:
    from tests.log.conftest import Run


class Collector(logging.Handler):
    def __init__(self, level: int = 0) -> None:
        super().__init__(level)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    @property
    def messages(self) -> list[str]:
        return [record.getMessage() for record in self.records]


class Plain(logging.Logger):
    """A class of the user's."""


class Choosy(logging.Logger):
    def isEnabledFor(self, level: int) -> bool:
        return level == logging.INFO


NODES = ["ours", "the standard library's", "the user's", "below a new one", "below a plain one"]
COUNT = iter(range(1, 1_000_000))


@pytest.fixture(params=NODES)
def node(request: pytest.FixtureRequest, run: Run) -> tuple[undergird.Logger, logging.Logger]:
    """A logger and its node, whichever way that was made."""
    run.start()
    name = f"tree{next(COUNT)}.leaf"
    match request.param:
        case "the standard library's":
            logging.getLogger(name)
        case "the user's":
            logging.setLoggerClass(Plain)
            logging.getLogger(name)
            logging.setLoggerClass(logging.Logger)
        case "below a new one":
            name += ".below"
            undergird.get_logger(name)
            undergird.get_logger(name.rsplit(".", 1)[0])
        case "below a plain one":
            logging.getLogger(name)
            name += ".below"
    log = undergird.get_logger(name)
    log.info("warm")  # So that there is a plan that has to be noticed to be old.
    return log, logging.getLogger(name)


Node = tuple[undergird.Logger, logging.Logger]


def said(run: Run, log: undergird.Logger, level: str = "info") -> bool:
    """Whether one call reaches the file, in exactly one line."""
    run.new_lines()
    getattr(log, level)("probe")
    lines = run.new_lines()
    assert len(lines) <= 1
    return bool(lines)


def toggles(
    run: Run, log: undergird.Logger, off: Callable[[], Any], on: Callable[[], Any], level: str = "info"
) -> None:
    """One thing switches a logger off and another on, each at the next call, and again."""
    assert said(run, log, level)
    for _ in range(2):
        off()
        assert not said(run, log, level)
        on()
        assert said(run, log, level)


def test_the_level_of_the_logger(run: Run, node: Node) -> None:
    log, plain = node
    toggles(run, log, lambda: log.setLevel("WARNING"), lambda: log.setLevel("INFO"))
    toggles(run, log, lambda: plain.setLevel(logging.ERROR), lambda: plain.setLevel(logging.NOTSET))
    toggles(run, log.bind(a=1), lambda: log.setLevel("WARNING"), lambda: log.setLevel("INFO"))


def test_the_level_of_a_parent(run: Run, node: Node) -> None:
    log, plain = node
    parent = plain.parent
    assert parent is not None
    toggles(run, log, lambda: parent.setLevel("WARNING"), lambda: parent.setLevel("DEBUG"))
    root = logging.root
    parent.setLevel(logging.NOTSET)
    toggles(run, log, lambda: root.setLevel("WARNING"), lambda: root.setLevel("DEBUG"))


def test_logging_disable(run: Run, node: Node) -> None:
    toggles(run, node[0], lambda: logging.disable(logging.INFO), lambda: logging.disable(logging.NOTSET))
    toggles(run, node[0], logging.disable, lambda: logging.disable(logging.NOTSET), "critical")


def test_disable_of_the_manager_set_directly(run: Run, node: Node) -> None:
    manager = logging.root.manager
    toggles(run, node[0], lambda: setattr(manager, "disable", "INFO"), lambda: setattr(manager, "disable", 0))
    toggles(run, node[0], lambda: logging.disable(logging.INFO), lambda: setattr(manager, "disable", 0))


def test_the_loggers_disabled(run: Run, node: Node) -> None:
    log, plain = node
    toggles(run, log, lambda: setattr(plain, "disabled", True), lambda: setattr(plain, "disabled", False))
    toggles(run, log, lambda: setattr(log, "disabled", True), lambda: setattr(log, "disabled", False))
    toggles(run, log, lambda: setattr(plain, "disabled", 1), lambda: setattr(plain, "disabled", 0))


def test_a_parents_disabled_means_nothing_for_those_below(run: Run, node: Node) -> None:
    log, plain = node
    assert plain.parent is not None
    plain.parent.disabled = True
    assert said(run, log)


def test_propagate(run: Run, node: Node) -> None:
    log, plain = node
    logging.lastResort, before = None, logging.lastResort
    logging.raiseExceptions = False
    try:
        toggles(run, log, lambda: setattr(plain, "propagate", False), lambda: setattr(plain, "propagate", True))
        parent = plain.parent
        assert parent is not None
        if parent is not logging.root:
            toggles(run, log, lambda: setattr(parent, "propagate", False), lambda: setattr(parent, "propagate", True))
    finally:
        logging.lastResort = before


@pytest.mark.parametrize("where", ["leaf", "parent", "root"])
def test_handlers_that_are_added_and_removed(run: Run, node: Node, where: str) -> None:
    log, plain = node
    at: logging.Logger = plain
    if where == "parent":
        assert plain.parent is not None
        at = plain.parent
    if where == "root":
        at = logging.root
    foreign = Collector()
    at.addHandler(foreign)
    log.info("one", field=1)
    at.removeHandler(foreign)
    log.info("not seen")
    at.handlers.append(foreign)
    log.info("two")
    at.handlers.remove(foreign)
    log.info("not seen")
    at.handlers.insert(0, foreign)
    log.info("three")
    at.handlers[0] = other = Collector()
    log.info("not seen")
    assert other.messages == ["not seen"]
    del at.handlers[0]
    at.handlers = [*at.handlers, foreign]
    log.info("four")
    at.handlers = at.handlers[:-1]
    log.info("not seen")
    assert foreign.messages == ["one", "two", "three", "four"]
    assert foreign.records[0].field == 1  # type: ignore[attr-defined]
    assert run.messages()[-8:] == ["one", "not seen", "two", "not seen", "three", "not seen", "four", "not seen"]


def test_a_handler_that_is_added_sees_levels_that_our_file_does_not_take(run: Run, node: Node) -> None:
    log, _ = node
    ours = next(handler for handler in logging.root.handlers if isinstance(handler, FileHandler))
    ours.setLevel("ERROR")
    log.info("for nobody")
    foreign = Collector()
    logging.root.handlers.append(foreign)
    log.info("for the other")
    logging.root.handlers.remove(foreign)
    log.info("for nobody")
    log.error("for ours")
    assert foreign.messages == ["for the other"]
    assert run.messages()[1:] == ["for ours"]


def test_the_level_of_our_handler(run: Run, node: Node) -> None:
    ours = next(handler for handler in logging.root.handlers if isinstance(handler, FileHandler))
    toggles(run, node[0], lambda: ours.setLevel("WARNING"), lambda: ours.setLevel(0))
    toggles(run, node[0], lambda: setattr(ours, "level", 30), lambda: setattr(ours, "level", 20))


def test_the_level_of_another_handler(run: Run, node: Node) -> None:
    log, plain = node
    foreign = Collector()
    plain.addHandler(foreign)
    log.info("one")
    foreign.setLevel("WARNING")
    log.info("two")
    foreign.level = 0
    log.info("three")
    assert foreign.messages == ["one", "three"]


def records_made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The messages of records that are really made from now on: their calls are not native."""
    made: list[str] = []

    def make(*args: Any) -> logging.LogRecord:
        made.append(args[4])
        return logging.LogRecord(*args)

    monkeypatch.setattr(logging, "_logRecordFactory", make)
    return made


def test_a_call_below_the_level_of_every_other_handler_is_native(
    run: Run, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, plain = node
    foreign = Collector(level=logging.WARNING)
    plain.addHandler(foreign)
    made = records_made(monkeypatch)
    before = len(run.lines())
    log.info("native")
    log.warning("seen by both")
    foreign.setLevel("INFO")
    log.info("seen by both, too")
    foreign.level = 40
    log.warning("native again")
    log.error("seen by both again")
    assert foreign.messages == ["seen by both", "seen by both, too", "seen by both again"]
    # A class of the user's may do anything with any record.
    assert made == (run.messages()[before:] if type(plain) is Plain else foreign.messages)
    assert run.messages()[before:] == [
        "native",
        "seen by both",
        "seen by both, too",
        "native again",
        "seen by both again",
    ]


def test_a_console_for_warnings_leaves_other_calls_native(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    log = run.start(console="text", console_level="WARNING")
    made = records_made(monkeypatch)
    log.info("for the file")
    log.warning("for both")
    assert made == ["for both"]
    assert "for both" in capsys.readouterr().err
    assert run.messages() == ["for the file", "for both"]


class Moody(Collector):
    """Its level is not where others have theirs."""

    mood = 0

    @property
    def level(self) -> int:
        return self.mood

    @level.setter
    def level(self, value: int) -> None: ...


def test_a_handler_whose_level_is_its_own_affair_is_asked_each_time(run: Run, node: Node) -> None:
    log, plain = node
    moody = Moody()
    vars(moody)["level"] = 100
    plain.addHandler(moody)
    log.info("one")
    moody.mood = 100
    log.info("two")
    moody.mood = 0
    log.info("three")
    assert moody.messages == ["one", "three"]


def test_filters_of_the_logger(run: Run, node: Node) -> None:
    log, plain = node

    def none(record: logging.LogRecord) -> bool:
        return False

    toggles(run, log, lambda: log.addFilter(none), lambda: log.removeFilter(none))
    toggles(run, log, lambda: plain.filters.append(none), plain.filters.clear)


def test_filters_that_are_put_in_the_place_of_others(run: Run, node: Node) -> None:
    log, plain = node

    def none(record: logging.LogRecord) -> bool:
        return False

    toggles(run, log, lambda: setattr(plain, "filters", [none]), lambda: setattr(plain, "filters", []))


def test_handlers_and_filters_in_anything_but_a_list(run: Run, node: Node) -> None:
    log, plain = node
    foreign = Collector()
    plain.handlers = (foreign,)  # type: ignore[assignment]
    log.info("one")
    plain.handlers = []
    plain.filters = ()  # type: ignore[assignment]
    log.info("two")
    plain.filters = (lambda record: False,)  # type: ignore[assignment]
    log.info("not seen")
    plain.filters = []
    log.info("three")
    assert foreign.messages == ["one"]
    assert run.messages()[1:] == ["one", "two", "three"]


@pytest.mark.parametrize("method", ["isEnabledFor", "makeRecord", "handle", "filter", "callHandlers"])
def test_a_node_with_a_method_of_its_own_uses_it(run: Run, method: str) -> None:
    log = run.start()
    log.info("before")
    plain, calls = logging.getLogger(log.name), 0
    inherited = getattr(plain, method)

    def counting(*args: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        return inherited(*args, **options)

    setattr(plain, method, counting)
    log.info("mine")
    assert calls == 1
    delattr(plain, method)
    log.info("the class's")
    assert calls == 1
    assert run.messages() == ["before", "mine", "the class's"]


def test_filters_of_our_handler(run: Run, node: Node) -> None:
    ours = next(handler for handler in logging.root.handlers if isinstance(handler, FileHandler))

    def none(record: logging.LogRecord) -> bool:
        return False

    toggles(run, node[0], lambda: ours.addFilter(none), lambda: ours.removeFilter(none))
    toggles(run, node[0], lambda: ours.filters.append(none), ours.filters.clear)


def test_a_filter_may_change_the_record(run: Run, node: Node) -> None:
    log, _ = node

    def change(record: logging.LogRecord) -> bool:
        record.msg, record.args = "changed", ()
        return True

    log.addFilter(change)
    log.info("%d", 1, field=2)
    line = run.last()
    assert (line["message"], line["field"]) == ("changed", 2)
    log.removeFilter(change)
    log.info("as it was")
    assert run.last()["message"] == "as it was"


def test_our_handler_with_a_method_of_its_own_uses_it(run: Run, node: Node) -> None:
    ours = next(handler for handler in logging.root.handlers if isinstance(handler, FileHandler))
    seen: list[str] = []
    ours.emit = lambda record: seen.append(record.getMessage())  # type: ignore[method-assign]
    node[0].info("mine")
    del ours.emit
    node[0].info("the class's")
    assert seen == ["mine"]
    assert run.messages()[1:] == ["the class's"]


@pytest.mark.parametrize("made", ["by us", "by the standard library"])
def test_a_logger_in_between_that_appears_later_counts(made: str, run: Run) -> None:
    run.start()
    name = f"tree{next(COUNT)}.leaf"
    if made == "by the standard library":
        logging.getLogger(name)
    log = undergird.get_logger(name)
    log.info("before")
    between = logging.getLogger(log.name.rsplit(".", 1)[0])
    # First, because a level that is set makes everybody look anew.
    foreign = Collector()
    between.addHandler(foreign)
    log.info("after")
    assert foreign.messages == ["after"]
    between.removeHandler(foreign)
    toggles(run, log, lambda: between.setLevel("ERROR"), lambda: between.setLevel("DEBUG"))


def test_a_class_that_was_given_to_the_manager_is_the_nodes(run: Run) -> None:
    run.start()
    logging.root.manager.setLoggerClass(Plain)
    try:
        log = undergird.get_logger(f"tree{next(COUNT)}.plain")
        assert logging.root.manager.loggerClass is Plain
    finally:
        logging.root.manager.loggerClass = None
    assert type(logging.getLogger(log.name)) is Plain


def test_a_class_of_the_users_is_asked_each_time(run: Run) -> None:
    run.start()
    logging.setLoggerClass(Choosy)
    log = undergird.get_logger(f"tree{next(COUNT)}.choosy")
    assert type(log._node) is Choosy
    for level in ("debug", "info", "error"):
        getattr(log, level)(level)
    assert run.messages() == ["info"]


def test_nodes_are_loggers_of_the_standard_library_for_everybody_else(run: Run) -> None:
    log = run.start()
    node = logging.getLogger(log.name)
    assert isinstance(node, logging.Logger)
    assert logging.getLoggerClass() is logging.Logger
    assert type(logging.getLogger(f"tree{next(COUNT)}")) is logging.Logger
    node.info("by the node %d", 1)
    logging.LoggerAdapter(node, {"a": 1}).info("by an adapter")
    assert run.messages() == ["by the node 1", "by an adapter"]
