"""Calls that are switched off are native, and whatever changes acts at the very next call."""

from __future__ import annotations

import gc
import inspect
import itertools
import logging as standard
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

import pytest
from tests.logging.conftest import Keeps

from undergird import _core, logging
from undergird.logging import install, uninstall

LEVELS = ("debug", "info", "warning", "error", "critical")


@pytest.fixture(params=["ours", "installed", "installed over ours"])
def logger(request: pytest.FixtureRequest) -> Iterator[standard.Logger]:
    """A logger whose calls are native: of our class, of the standard library's after `install`, of ours after it."""
    if request.param != "ours":
        install()
    name = f"tests.native.{request.node.name}"
    make = standard.getLogger if request.param == "installed" else logging.getLogger
    made = make(name)
    assert (type(made) is standard.Logger) == (request.param == "installed")
    made.propagate = False
    made.setLevel(standard.WARNING)
    made.addHandler(Keeps())
    yield made
    uninstall()
    standard.disable(standard.NOTSET)
    del standard.root.manager.loggerDict[name]


def seen(logger: standard.Logger) -> list[str]:
    handler = logger.handlers[0]
    assert isinstance(handler, Keeps)
    return handler.seen


def is_native(call: Callable[[], object]) -> bool:
    """Whether a call ends natively, once it has been learned that it may."""
    call()
    before = _core.native_calls()
    call()
    return _core.native_calls() == before + 1


def native_off(logger: standard.Logger) -> None:
    """Has it known that INFO is switched off."""
    assert is_native(lambda: logger.info("off"))
    assert "off" not in seen(logger)


@pytest.mark.parametrize("method", LEVELS)
def test_a_call_that_is_switched_off_is_native(logger: standard.Logger, method: str) -> None:
    logger.setLevel(standard.CRITICAL + 1)
    assert is_native(lambda: getattr(logger, method)("x %d", 3))
    assert is_native(lambda: getattr(logger, method)("x", exc_info=True, stack_info=False))
    assert is_native(lambda: logger.log(getattr(standard, method.upper()), "x"))
    assert seen(logger) == []


def test_a_call_that_is_enabled_is_the_standard_librarys(logger: standard.Logger) -> None:
    assert not is_native(lambda: logger.warning("seen %d", 3))
    assert seen(logger) == ["seen 3", "seen 3"]


def set_level(logger: standard.Logger) -> None:
    logger.setLevel(standard.DEBUG)


def set_level_of_all(logger: standard.Logger) -> None:
    logger.setLevel(standard.NOTSET)
    standard.root.setLevel(standard.DEBUG)


def replace_the_cache(logger: standard.Logger) -> None:
    logger._cache = {standard.INFO: True}  # type: ignore[attr-defined]


def change_the_cache(logger: standard.Logger) -> None:
    logger._cache[standard.INFO] = True  # type: ignore[attr-defined]


def write_the_dictionary(logger: standard.Logger) -> None:
    # The cache that was there lives on: its end would be a change that is told of.
    vars(logger)["_cache"] = HeldCache(vars(logger)["_cache"])


class HeldCache(dict[int, bool]):
    """A cache that says yes."""

    def __init__(self, before: dict[int, bool]) -> None:
        super().__init__({standard.INFO: True})
        self.before = before


def replace_the_dictionary(logger: standard.Logger) -> None:
    logger.__dict__ = {**vars(logger), "_cache": {}, "level": standard.DEBUG}


def override_on_the_instance(logger: standard.Logger) -> None:
    logger.isEnabledFor = lambda level: True  # type: ignore[method-assign]


def change_the_class(logger: standard.Logger) -> None:
    class Own(type(logger)):  # type: ignore[misc]
        def isEnabledFor(self, level: int) -> bool:
            return True

    logger.__class__ = Own


@pytest.mark.parametrize(
    "change",
    [
        set_level,
        set_level_of_all,
        replace_the_cache,
        change_the_cache,
        write_the_dictionary,
        replace_the_dictionary,
        override_on_the_instance,
        change_the_class,
    ],
)
def test_what_switches_a_level_on_acts_at_the_next_call(
    logger: standard.Logger, change: Callable[[standard.Logger], None]
) -> None:
    native_off(logger)
    level = standard.root.level
    try:
        change(logger)
        logger.info("on")
    finally:
        standard.root.setLevel(level)
    assert seen(logger) == ["on"]


def test_a_manager_that_disables_less_acts_at_the_next_call(logger: standard.Logger) -> None:
    logger.setLevel(standard.DEBUG)
    standard.disable(standard.INFO)
    native_off(logger)
    standard.disable(standard.NOTSET)
    logger.info("on")
    assert seen(logger) == ["on"]


def test_a_logger_that_is_disabled_is_enabled_again(logger: standard.Logger) -> None:
    logger.disabled = True
    assert is_native(lambda: logger.error("off"))
    logger.disabled = False
    logger.error("on")
    logger.disabled = True
    logger.error("off")
    vars(logger)["disabled"] = False
    logger.error("on again")
    assert seen(logger) == ["on", "on again"]


def test_a_module_whose_levels_change_acts_at_the_next_call(
    logger: standard.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    native_off(logger)
    monkeypatch.setattr(standard, "INFO", standard.ERROR)
    logger.info("on")
    assert seen(logger) == ["on"]


def test_a_patch_of_the_class_acts_at_the_next_call(logger: standard.Logger) -> None:
    native_off(logger)
    with mock.patch.object(standard.Logger, "isEnabledFor", return_value=True):
        logger.info("on")
    logger.info("off")
    with mock.patch.object(standard.Logger, "info") as patch:
        logger.info("patched %d", 1)
        logger.info("patched %d", 2)
    assert [call.args for call in patch.call_args_list] == [("patched %d", 1), ("patched %d", 2)]
    native_off(logger)
    assert seen(logger) == ["on"]


def test_a_wrapper_around_a_method_of_the_class_sees_each_call(logger: standard.Logger) -> None:
    native_off(logger)
    wrapped: Any = standard.Logger.info
    calls: list[object] = []

    def info(self: standard.Logger, msg: object, *args: object, **options: Any) -> None:
        calls.append(msg)
        wrapped(self, msg, *args, **options)

    with mock.patch.object(standard.Logger, "info", info):
        for _ in range(4):
            logger.info("off")
            logger.log(standard.INFO, "off")
        assert calls == ["off"] * 4
    native_off(logger)


def test_a_subclass_that_overrides_is_asked(logger: standard.Logger) -> None:
    class Own(type(logger)):  # type: ignore[misc]
        def info(self, msg: object, *args: object, **options: Any) -> None:
            calls.append(msg)
            super().info(msg, *args, **options)

    calls: list[object] = []
    logger.__class__ = Own
    assert is_native(lambda: logger.info("off"))
    assert calls == ["off", "off"]


def test_a_disabled_attribute_that_answers_by_itself_is_asked(logger: standard.Logger) -> None:
    class Own(type(logger)):  # type: ignore[misc]
        disabled = property(lambda self: next(answers), lambda self, value: None)

    answers = itertools.chain([True, True], itertools.repeat(False))
    logger.__class__ = Own
    for _ in range(3):
        logger.warning("asked")
    assert seen(logger) == ["asked"]


def test_wrong_calls_are_the_standard_librarys_errors(logger: standard.Logger) -> None:
    native_off(logger)
    itself: dict[str, Any] = {"self": 3}
    nothing: list[Any] = []
    calls: list[Callable[[], object]] = [
        lambda: logger.info(*nothing),
        lambda: logger.info("x", msg="y"),  # type: ignore[misc]
        lambda: logger.info("x", **itself),
        lambda: logger.log(standard.INFO, "x", level=3),  # type: ignore[misc]
        lambda: logger.log(standard.INFO),  # type: ignore[call-arg]
        lambda: logger.log("INFO", "x"),  # type: ignore[arg-type]
        lambda: logger.warning("x", unknown=3),  # type: ignore[call-arg]
    ]
    for call in calls:
        with pytest.raises(TypeError):
            call()
    logger.info(msg="off")
    logger.warning(msg="on")
    assert seen(logger) == ["on"]


def test_methods_look_as_they_did(logger: standard.Logger) -> None:
    for name in (*LEVELS, "log"):
        method = getattr(type(logger), name)
        parameters = ["self", "level", "msg", "args", "kwargs"] if name == "log" else ["self", "msg", "args", "kwargs"]
        assert list(inspect.signature(method).parameters) == parameters
        assert method.__name__ == name
        assert method.__doc__
        assert mock.create_autospec(logger).info("x") is not None


def test_the_place_of_a_call_is_the_callers(logger: standard.Logger, monkeypatch: pytest.MonkeyPatch) -> None:
    records: list[standard.LogRecord] = []
    monkeypatch.setattr(logger.handlers[0], "emit", records.append)
    line = sys._getframe().f_lineno
    logger.warning("here")
    logger.log(standard.WARNING, "here")
    assert [(record.funcName, record.lineno - line) for record in records] == [
        ("test_the_place_of_a_call_is_the_callers", 1),
        ("test_the_place_of_a_call_is_the_callers", 2),
    ]


def test_a_logger_at_the_address_of_another_is_not_taken_for_it() -> None:
    logging.getLogger("tests.native")  # our class has its methods
    install()
    try:
        for level in (standard.CRITICAL, standard.DEBUG) * 200:
            logger = standard.Logger("tests.native.unnamed", level)
            handler = Keeps()
            logger.addHandler(handler)
            logger.info("x")
            logger.info("x")
            assert len(handler.seen) == (2 if level == standard.DEBUG else 0)
    finally:
        uninstall()


def test_loggers_are_let_go(logger: standard.Logger) -> None:
    other = [type(logger)("tests.native.unnamed", standard.CRITICAL)]
    assert is_native(lambda: other[0].info("x"))
    reference = weakref.ref(other.pop())
    gc.collect()
    assert reference() is None


def test_more_loggers_than_there_is_room_for_are_right(logger: standard.Logger) -> None:
    others = [type(logger)(f"tests.native.{number}", standard.CRITICAL) for number in range(10_000)]
    for _ in range(2):
        for other in others:
            other.info("x")
    native_off(logger)
    logger.setLevel(standard.INFO)
    logger.info("on")
    assert seen(logger) == ["on"]
    del others, other
    gc.collect()  # They keep others out of the table as long as they are there.


def test_a_method_that_was_kept_goes_on_after_uninstalling(logger: standard.Logger) -> None:
    kept = logger.info
    native_off(logger)
    uninstall()
    kept("off")
    logger.setLevel(standard.INFO)
    kept("on")
    assert seen(logger) == ["on"]


def test_threads_that_change_levels_are_seen_by_threads_that_log(logger: standard.Logger) -> None:
    done = threading.Event()

    def log() -> None:
        while not done.is_set():
            logger.debug("noise")

    threads = [threading.Thread(target=log) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for number in range(300):
            logger.setLevel(standard.WARNING)
            logger.info("off %d", number)
            logger.setLevel(standard.INFO)
            logger.info("on %d", number)
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert seen(logger) == [f"on {number}" for number in range(300)]
