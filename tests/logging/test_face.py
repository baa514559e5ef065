"""`undergird.logging` stands for `logging`."""

from __future__ import annotations

import importlib
import inspect
import logging as theirs
import pickle
from collections.abc import Iterator
from types import ModuleType
from typing import TYPE_CHECKING
from unittest import mock

import pytest

from undergird import logging

if TYPE_CHECKING:
    from tests.conftest import Script

FACES = ["logging", "logging.handlers", "logging.config"]


@pytest.fixture
def name(request: pytest.FixtureRequest) -> Iterator[str]:
    """A logger's name that no other test uses."""
    yield request.node.name
    for made in [one for one in theirs.root.manager.loggerDict if one.startswith(request.node.name)]:
        del theirs.root.manager.loggerDict[made]


def pair(name: str) -> tuple[ModuleType, ModuleType]:
    return importlib.import_module(f"undergird.{name}"), importlib.import_module(name)


@pytest.mark.parametrize("module", FACES)
def test_every_name_is_the_standard_librarys_own(module: str) -> None:
    ours, original = pair(module)
    different = {
        name
        for name, value in vars(original).items()
        if getattr(ours, name) is not value and not (name.startswith("__") and name.endswith("__"))
    }
    assert different <= {"getLogger", "handlers", "config", "logging"}
    assert set(dir(original)) <= set(dir(ours))
    assert vars(ours) is vars(original)


@pytest.mark.parametrize("module", FACES)
def test_star_imports_give_the_same_names(module: str) -> None:
    ours: dict[str, object] = {}
    original: dict[str, object] = {}
    exec(f"from undergird.{module} import *", ours)
    exec(f"from {module} import *", original)
    assert ours.keys() == original.keys()


@pytest.mark.parametrize("module", FACES)
def test_what_is_written_is_written_there(module: str) -> None:
    ours, original = pair(module)
    ours.a_name_of_the_tests = 3  # type: ignore[attr-defined]
    assert original.a_name_of_the_tests == 3
    original.a_name_of_the_tests = 4  # type: ignore[attr-defined]
    assert ours.a_name_of_the_tests == 4
    del ours.a_name_of_the_tests
    assert not hasattr(original, "a_name_of_the_tests")
    assert not hasattr(ours, "a_name_of_the_tests")


def test_a_switch_of_the_module_acts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", False)
    assert theirs.raiseExceptions is False


def test_a_patch_is_taken_back() -> None:
    original = theirs.getLogger
    with mock.patch("undergird.logging.getLogger") as patch:
        assert logging.getLogger is theirs.getLogger is patch
    assert theirs.getLogger is original
    assert logging.getLogger is not original


def test_submodules_are_ours_and_the_standard_librarys_are_left_alone() -> None:
    for face in FACES:
        pair(face)
    assert logging.handlers.logging is logging  # type: ignore[attr-defined]
    assert logging.handlers.__name__ == "undergird.logging.handlers"
    assert theirs.handlers.__name__ == "logging.handlers"
    assert theirs.config.__name__ == "logging.config"


def test_an_unknown_name_is_the_standard_librarys_error() -> None:
    with pytest.raises(AttributeError, match="module 'logging' has no attribute 'no_such_name'"):
        _ = logging.no_such_name  # type: ignore[attr-defined]


def test_loggers_are_of_a_subclass_that_looks_like_its_base(name: str) -> None:
    logger = logging.getLogger(name)
    assert type(logger) is not theirs.Logger
    assert isinstance(logger, theirs.Logger)
    assert repr(logger) == f"<Logger {name} (WARNING)>"
    assert theirs.getLogger(name) is logger is logging.getLogger(name)
    assert type(logger.getChild("child")) is type(logger)
    assert logger.getChild("child").name == f"{name}.child"


def test_the_root_and_loggers_that_exist_stay_what_they_are(name: str) -> None:
    logger = theirs.getLogger(name)
    assert logging.getLogger(name) is logger
    assert type(logger) is theirs.Logger
    assert logging.getLogger() is logging.getLogger("") is logging.getLogger("root") is theirs.root
    assert type(theirs.root) is theirs.RootLogger


def test_the_programs_own_logger_class_counts(name: str) -> None:
    class Own(theirs.Logger):
        pass

    logging.setLoggerClass(Own)
    try:
        assert type(logging.getLogger(name)) is Own
    finally:
        logging.setLoggerClass(theirs.Logger)


def test_the_standard_librarys_get_logger_makes_its_own(name: str) -> None:
    assert type(theirs.getLogger(name)) is theirs.Logger


def test_a_name_must_be_a_str() -> None:
    with pytest.raises(TypeError, match="A logger name must be a string"):
        logging.getLogger(3)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        logging.getLogger(b"bytes")  # type: ignore[arg-type]


def test_loggers_are_pickled_by_name(name: str) -> None:
    logger = logging.getLogger(name)
    assert pickle.loads(pickle.dumps(logger)) is logger


def test_functions_have_the_signatures_of_the_standard_library() -> None:
    assert list(inspect.signature(logging.getLogger).parameters) == list(inspect.signature(theirs.getLogger).parameters)


def test_an_import_does_nothing(script: Script) -> None:
    script(
        """
        import logging, threading, os

        def state():
            return (dict(vars(logging.Logger)), vars(logging).copy(), dict(logging.root.manager.loggerDict),
                    type(logging.root.manager), type(logging._levelToName), threading.active_count(),
                    len(os.listdir("/proc/self/task")))

        import logging.handlers, logging.config
        before = state()
        import undergird.logging.handlers, undergird.logging.config
        assert state() == before
        """
    )


def test_a_configuration_goes_through_the_face(name: str) -> None:
    logging.config.dictConfig({"version": 1, "incremental": True, "loggers": {name: {"level": "ERROR"}}})
    assert logging.getLogger(name).level == logging.ERROR
