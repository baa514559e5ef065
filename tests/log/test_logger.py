"""The logger itself: one for each name, a view of its node, native for primitives."""

from __future__ import annotations

import copy
import inspect
import logging
import pickle
import threading
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest

import undergird

if TYPE_CHECKING:
    from tests.log.conftest import Run


LEVELS = ("debug", "info", "warning", "error", "critical")


class Mine(undergird.Logger):
    __slots__ = ()


def test_a_name_has_one_logger() -> None:
    assert undergird.get_logger("one.name") is undergird.get_logger("one.name")
    assert undergird.get_logger("one.name") is not undergird.get_logger("another.name")


def test_the_root_has_one_logger_by_all_its_names() -> None:
    assert undergird.get_logger() is undergird.get_logger(None)
    assert undergird.get_logger("") is undergird.get_logger()
    assert undergird.get_logger("root") is undergird.get_logger()
    assert undergird.get_logger().name == "root"


def test_threads_that_ask_at_the_same_time_get_the_same_logger() -> None:
    found: list[undergird.Logger] = []
    for number in range(200):
        name = f"asked.at.once.{number}"
        gate = threading.Barrier(3)

        def ask(gate: threading.Barrier = gate, name: str = name) -> None:
            gate.wait()
            found.append(undergird.get_logger(name))

        threads = [threading.Thread(target=ask) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len({id(logger) for logger in found}) == 1, name
        found.clear()


@pytest.mark.parametrize("name", ["\ud800", "\N{SNOWMAN}", "a b", "..", "x" * 5000, '"'])
def test_any_text_is_a_name(either: Run, name: str) -> None:
    either.start()
    undergird.get_logger(name).info("x")
    undergird.get_logger(name).log(25, "x")
    assert [line["logger_name"] for line in either.lines()] == [name, name]


@pytest.mark.parametrize("name", [7, b"x", object()])
def test_a_name_that_is_no_text_is_a_type_error(name: Any) -> None:
    with pytest.raises(TypeError):
        undergird.get_logger(name)


def test_a_logger_is_the_same_node_as_the_standard_librarys() -> None:
    log, node = undergird.get_logger("a.node"), logging.getLogger("a.node")
    log.setLevel("ERROR")
    assert node.level == logging.ERROR
    node.setLevel(10)
    assert log.level == 10
    assert log.getEffectiveLevel() == 10
    assert log.isEnabledFor(10)
    assert not log.isEnabledFor(9)
    assert log.handlers is node.handlers
    assert log.filters is node.filters
    assert log.parent is node.parent
    handler = logging.NullHandler()
    log.addHandler(handler)
    assert node.handlers == [handler]
    assert log.hasHandlers()
    log.removeHandler(handler)
    assert node.handlers == []
    log.propagate, log.disabled = False, True
    assert (node.propagate, node.disabled) == (False, True)


def test_get_child_names_the_logger_below() -> None:
    log = undergird.get_logger("parent").bind(a=1)
    assert log.getChild("child.x").name == "parent.child.x"
    assert log.getChild("child")._fields == {"a": 1}
    assert undergird.get_logger().getChild("top").name == "top"


def test_bind_leaves_the_logger_as_it_was(either: Run) -> None:
    log = either.start()
    fields = {"a": [1]}
    bound = log.bind(**fields)
    fields["a"].append(2)
    bound._fields["b"] = 3
    log.info("x")
    bound.info("x")
    first, second = either.lines()
    assert "a" not in first
    assert "b" not in second
    assert bound.name == log.name
    assert log.bind().name == log.name


def test_what_was_bound_is_rendered_once_and_at_once(either: Run) -> None:
    log = either.start()
    position = [1, 2]
    bound = log.bind(position=position)
    position.append(3)
    bound.info("x")
    # Those that are made from it know nothing later either.
    bound.bind(agent=7).info("x")
    bound.getChild("below").info("x")
    pickle.loads(pickle.dumps(bound)).info("x")
    assert [line["position"] for line in either.lines()] == [[1, 2]] * 4


def test_a_loggers_repr_says_name_level_and_fields() -> None:
    log = undergird.get_logger("shown")
    log.setLevel("WARNING")
    assert repr(log) == "<Logger shown (WARNING)>"
    assert repr(log.bind(agent=7)) == "<Logger shown (WARNING) agent=7>"


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_loggers_are_pickled_by_name_and_fields(protocol: int) -> None:
    log = undergird.get_logger("pickled")
    assert pickle.loads(pickle.dumps(log, protocol)) is log
    bound = pickle.loads(pickle.dumps(log.bind(a=1, b="x"), protocol))
    assert (bound.name, bound._fields) == ("pickled", {"a": 1, "b": "x"})
    root = undergird.get_logger()
    assert pickle.loads(pickle.dumps(root, protocol)) is root
    assert copy.deepcopy(log) is log
    assert copy.copy(log) is log


@pytest.mark.parametrize("way", [copy.copy, copy.deepcopy, lambda log: pickle.loads(pickle.dumps(log))])
def test_copies_of_a_logger_log_as_it_does(run: Run, way: Callable[[undergird.Logger], undergird.Logger]) -> None:
    log = run.start()
    for one in (log, log.bind(a=[1]), Mine(log._node), Mine(log._node).bind(a=1)):
        other = way(one)
        assert (type(other), other.name, other._fields) == (type(one), one.name, one._fields)
        assert other._node is one._node
        other.info("x")
    assert len(run.lines()) == 4


def test_loggers_can_be_referred_to_weakly_and_are_keys() -> None:
    log = undergird.get_logger("weak")
    bound = log.bind(a=1)
    there = weakref.WeakKeyDictionary({log: "log", bound: "bound"})
    assert (there[log], there[bound]) == ("log", "bound")
    reference = weakref.ref(bound)
    del bound
    assert reference() is None
    assert list(there.values()) == ["log"]
    assert len({log, undergird.get_logger("weak"), log.bind()}) == 2


def test_any_name_is_one_for_a_field_that_is_bound(either: Run) -> None:
    log = either.start()
    log.bind(self=1, name=2, fields=3).info("x")
    line = either.last()
    assert (line["self"], line["name"], line["fields"]) == (1, 2, 3)


def test_level_methods_have_signatures_and_documentation() -> None:
    for level in LEVELS:
        method: Callable[..., None] = getattr(undergird.Logger, level)
        assert list(inspect.signature(method).parameters) == ["self", "msg", "args", "fields"]
        assert (method.__doc__ or "").startswith("Logs at")


def test_loggers_can_be_mocked_with_their_methods() -> None:
    fake = mock.create_autospec(undergird.get_logger("mocked"), instance=True)
    fake.info("x %d", 1, field=2)
    fake.info.assert_called_once_with("x %d", 1, field=2)
    with pytest.raises(AttributeError):
        fake.inform("x")


def test_a_subclass_keeps_its_class_when_it_binds(either: Run) -> None:
    log = Mine(either.start()._node)
    assert type(log.bind(a=1)) is Mine
    log.bind(a=1).info("x")
    assert either.last()["a"] == 1


def test_a_primitive_call_makes_no_record_of_the_standard_library(run: Run) -> None:
    log = run.start()
    made: list[str] = []
    before = logging.getLogRecordFactory()

    def factory(*args: Any, **options: Any) -> logging.LogRecord:
        made.append(str(args[4]))
        return before(*args, **options)

    logging.setLogRecordFactory(factory)
    try:
        log.info("native %d", 1, a=1, b="x", c=[1])
        log.bind(x=1).error("native too")
        log.error("native as well", exc_info=True, a=1)
        log.exception("native as well")
        log.error("slow", extra={"a": 1})
    finally:
        logging.setLogRecordFactory(before)
    assert made == ["slow"]
    assert len(run.lines()) == 5
