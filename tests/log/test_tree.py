"""The standard library's tree decides, and every change to it acts at the very next call."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import undergird
from undergird.log.handlers import FileHandler

if TYPE_CHECKING:
    from tests.conftest import Script
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


def test_filters_of_the_logger(run: Run, node: Node) -> None:
    log, plain = node

    def none(record: logging.LogRecord) -> bool:
        return False

    toggles(run, log, lambda: log.addFilter(none), lambda: log.removeFilter(none))
    toggles(run, log, lambda: plain.filters.append(none), plain.filters.clear)


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


def test_a_logger_in_between_that_appears_later_counts(run: Run) -> None:
    log = run.start()
    log.info("before")
    between = logging.getLogger(log.name.rsplit(".", 1)[0])
    toggles(run, log, lambda: between.setLevel("ERROR"), lambda: between.setLevel("DEBUG"))
    foreign = Collector()
    between.addHandler(foreign)
    log.info("after")
    assert foreign.messages == ["after"]


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


def test_pytests_caplog_sees_records_with_their_fields(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    log = run.start()
    logging.root.addHandler(caplog.handler)
    log.warning("seen %d", 1, agent_id=7)
    assert caplog.messages == ["seen 1"]
    assert vars(caplog.records[0])["agent_id"] == 7
    assert caplog.record_tuples == [(log.name, logging.WARNING, "seen 1")]
    assert run.messages() == ["seen 1"]


def test_two_handlers_of_ours_write_two_files(run: Run, tmp_path: Path) -> None:
    log = run.start()
    second = FileHandler(tmp_path / "second.log", level="ERROR")
    logging.getLogger(log.name).addHandler(second)
    log.info("one")
    log.error("both")
    assert run.messages() == ["one", "both"]
    assert run.messages(tmp_path / "second.log") == ["both"]
    counts = undergird.stats()["sinks"]
    assert counts[str(run.path)]["written"] == 2
    assert counts[str(tmp_path / "second.log")]["written"] == 1
    logging.getLogger(log.name).removeHandler(second)


# --- before, after and again ------------------------------------------------------------------------------------------


def test_before_configure_warnings_go_to_stderr_as_from_the_standard_library(script: Script) -> None:
    done = script(
        """
        import undergird
        log = undergird.get_logger("early")
        log.info("quiet")
        log.warning("loud %d", 7, field=1)
        undergird.flush(); undergird.shutdown()
        assert undergird.stats()["emitted"] == 0
        """
    )
    assert done.stderr == "loud 7\n"


def test_loggers_made_before_configure_write_after_it(script: Script, tmp_path: Path) -> None:
    script(
        """
        import undergird
        log = undergird.get_logger("early")
        bound = log.bind(a=1)
        log.info("lost")
        undergird.configure("run.log")
        log.info("one")
        bound.info("two")
        """
    )
    lines = [json.loads(line) for line in (tmp_path / "run.log").read_text().splitlines()]
    assert [line["message"] for line in lines] == ["one", "two"]


def test_after_shutdown_a_call_writes_by_itself(either: Run) -> None:
    log = either.start()
    log.info("before")
    assert undergird.shutdown()
    for number in range(100):
        log.info("after", number=number)
        # No flush: the line is there when the call returns.
        assert json.loads(either.path.read_bytes().splitlines()[-1])["number"] == number
    assert undergird.shutdown()
    assert undergird.flush()
    assert len(either.lines()) == 101


def test_configure_after_shutdown_begins_again(either: Run, tmp_path: Path) -> None:
    log = either.start()
    log.info("one")
    undergird.shutdown()
    log.info("two")
    undergird.configure(tmp_path / "second.log")
    log.info("three")
    assert either.messages(tmp_path / "second.log") == ["three"]
    assert either.messages() == ["one", "two"]


@pytest.mark.parametrize(
    "way", ["the same file", "another file", "another directory", "with a console", "another ring"]
)
def test_configure_again_while_threads_log_loses_and_doubles_nothing(
    either: Run, way: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = either.start()
    plain = logging.getLogger(f"{log.name}.plain")
    (tmp_path / "elsewhere").mkdir()
    stop = threading.Event()
    done = [0, 0, 0]

    def work(thread: int) -> None:
        number = 0
        while not stop.is_set():
            if thread == 2:
                plain.info("x", extra={"worker": thread, "number": number})
            else:
                log.info("x", worker=thread, number=number)
            number += 1
            done[thread] = number
            if number % 100 == 0:
                # Or else most of the time is spent on reading the file back.
                stop.wait(0.002)

    threads = [threading.Thread(target=work, args=(thread,)) for thread in range(3)]
    for one in threads:
        one.start()
    paths = {either.path}
    for turn in range(6):
        goal = done[0] + 50
        while done[0] < goal:
            stop.wait(0.0005)
        path, options = either.path, dict[str, Any]()
        match way:
            case "another file":
                path = tmp_path / f"run{turn % 2}.log"
            case "another directory":
                path = tmp_path / ("elsewhere/run.log" if turn % 2 else "run.log")
            case "with a console":
                options = {"console": bool(turn % 2)}
            case "another ring":
                options = {"ring_size": 1 << (16 + turn % 3)}
        undergird.configure(path, level="DEBUG", **options)
        paths.add(path)
    stop.set()
    for one in threads:
        one.join()
    lines = [line for path in sorted(paths) for line in either.lines(path)]
    for thread in range(3):
        numbers = sorted(line["number"] for line in lines if line["worker"] == thread)
        assert numbers == list(range(done[thread])), f"thread {thread}"
    sinks = [undergird.stats()["sinks"][str(path)] for path in paths]
    assert not any(sink["in_flight"] or sink["dropped"] or sink["failed"] for sink in sinks), sinks
    assert sum(sink["written"] for sink in sinks) == sum(sink["emitted"] for sink in sinks) == sum(done)


def test_configure_leaves_other_handlers_in_their_places(run: Run) -> None:
    run.start()
    first, last = logging.NullHandler(), logging.NullHandler()
    logging.root.handlers[:] = [first, *logging.root.handlers, last]
    undergird.configure(run.path)
    assert logging.root.handlers[0] is first
    assert logging.root.handlers[2:] == [last]
    undergird.configure(run.path, console=True)
    assert len(logging.root.handlers) == 4
    undergird.configure(None)
    assert logging.root.handlers == [first, last]


def test_the_console_is_a_line_for_people(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    log = run.start(console=True)
    log.info("moved %d", 7, agent_id=3)
    try:
        raise ValueError("bad")
    except ValueError:
        log.exception("failed")
    told = capsys.readouterr().err
    first, second, *_ = told.splitlines()
    assert first.endswith(f"INFO     {log.name}: moved 7 agent_id=3")
    assert second.endswith(f"ERROR    {log.name}: failed")
    assert told.rstrip().endswith("ValueError: bad")
    assert run.messages() == ["moved 7", "failed"]
