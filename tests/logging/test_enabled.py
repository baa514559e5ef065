"""Enabled calls are native where all that would see their records is ours: the same lines, and changes act at once."""

from __future__ import annotations

import logging as standard
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.conftest import DEEP
from tests.logging.conftest import (
    ALWAYS_KNOWN,
    LEVELS,
    TELLS,
    Keeps,
    Log,
    is_native,
    native,
    reason,
    settled,
    theirs,
)

import undergird


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


def test_fields_of_the_run_are_in_the_line_as_in_the_standard_librarys(log: Log, tmp_path: Path) -> None:
    log.handler.names = ("process_id",)
    settled(log)
    undergird.configure(tmp_path / "root.log", fields={"run_id": "a1", "grid": (3, 4)})
    try:
        assert is_native(lambda: log.logger.info("x %d", 1)) == TELLS
        theirs(log.logger, "info", "x %d", 1)
        first, second, third = log.lines()
    finally:
        undergird.configure(tmp_path / "root.log")
    assert list(first.items()) == list(second.items()) == list(third.items())
    assert (first["run_id"], first["grid"]) == ("a1", [3, 4])
    log.logger.info("x")
    [fourth] = log.lines()
    assert "run_id" not in fourth


def test_the_place_of_the_call_is_the_callers(log: Log) -> None:
    log.handler.call_site = True
    log.logger.info("here")
    line = sys._getframe().f_lineno - 1
    log.logger.info("here")
    first, second = log.lines()
    assert (first["line_number"], second["line_number"]) == (line, line + 2)
    assert first["function_name"] == "test_the_place_of_the_call_is_the_callers"


# What is not native, and says why.


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


def with_a_rule_of_the_run(log: Log) -> Callable[[], object]:
    undergird.configure(Path(log.handler.path).with_name("root.log"), sample={"INFO": undergird.Sample(first=1)})
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
        (with_a_rule_of_the_run, "sampling"),
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


def test_rules_of_other_loggers_and_levels_leave_calls_native(log: Log) -> None:
    undergird.get_logger("tests.sampled").sample(first=1).info("x")
    settled(log)
    with_a_rule_of_the_run(log)
    assert is_native(lambda: log.logger.warning("x")) == TELLS
