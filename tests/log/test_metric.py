"""Numbers under a name, as records."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

if TYPE_CHECKING:
    from tests.conftest import Script
    from tests.log.conftest import Run


def test_a_metric_is_a_record_with_name_value_and_tags(either: Run) -> None:
    log = either.start()
    log.bind(run=3).metric("agent_count", 1000, phase="sorting", step=7)
    line = either.last()
    assert {key: value for key, value in line.items() if key not in ("timestamp", "logger_name")} == {
        "level": "INFO",
        "message": "metric",
        "run": 3,
        "metric": "agent_count",
        "value": 1000,
        "phase": "sorting",
        "step": 7,
    }


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.85, 0.85),
        (-(10**30), -(10**30)),
        (math.nan, "NaN"),
        (math.inf, "Infinity"),
        (np.float64(0.5), 0.5),
        (np.float32(0.1), 0.1),
        (np.array(np.float16(0.1)), 0.1),
        (np.longdouble(0.5), 0.5),
        (np.int64(7), 7),
        (np.uint8(7), 7),
        (np.array(7), 7),
        (np.array(0.5), 0.5),
        (np.float32("nan"), "NaN"),
        (Decimal("0.25"), 0.25),
        (Fraction(1, 4), 0.25),
    ],
)
def test_any_real_number_is_a_value(either: Run, value: Any, written: Any) -> None:
    log = either.start()
    log.metric("x", value)
    found = either.last()["value"]
    assert (found, type(found)) == (written, type(written))


@pytest.mark.parametrize("value", ["1", None, True, np.bool_(True), 1j, [1], np.arange(3), object(), Fraction(10**400)])
def test_what_is_no_number_is_an_error(either: Run, value: Any) -> None:
    log = either.start()
    with pytest.raises(TypeError, match="the value of a metric is a number"):
        log.metric("x", value)
    assert either.lines() == []


def test_a_call_that_does_not_fit_is_an_error(either: Run) -> None:
    log: Any = either.start()
    calls: list[Any] = [
        log.metric,
        lambda: log.metric("x"),
        lambda: log.metric("x", 1, 2),
        lambda: log.metric(5, 1),
        lambda: log.metric("x", 1, value=3),
        lambda: log.metric("x", 1, metric=3),
        lambda: log.metric(name="x", value=1),
    ]
    for call in calls:
        with pytest.raises(TypeError):
            call()
    assert either.lines() == []


def test_tags_may_be_any_and_as_many(either: Run) -> None:
    log = either.start()
    tags = {f"tag_{number}": number for number in range(40)}
    log.metric("x", 1, **tags)
    for _ in range(3):
        log.metric("x", 1, kind=["a", {"b": 1}], level=2)
    first, *others = either.lines()
    assert {key: first[key] for key in tags} == tags
    assert [(line["kind"], line["level_"]) for line in others] == [(["a", {"b": 1}], 2)] * 3


def test_the_tags_of_a_call_in_code_are_remembered_and_a_calls_own_make_room(script: Script) -> None:
    # In a process of its own: calls elsewhere have places too, which they keep.
    script(
        """
        import sys, undergird
        undergird.configure("run.log")
        log = undergird.get_logger("sim")
        for number in range(2000):
            log.metric("x", 1, **{f"own_{number}": number})

        for number in range(50):
            scope = {"log": log}
            exec(f"def call(): log.metric('x', 1, in_code_{number}=1)", scope)
            call = scope.pop("call")
            (tags,) = (constant for constant in call.__code__.co_consts if type(constant) is tuple)
            before = sys.getrefcount(tags)
            call()
            assert sys.getrefcount(tags) == before + 1, number
            call()
            assert sys.getrefcount(tags) == before + 1, number
        """
    )


def test_a_metric_below_the_level_is_not_logged(either: Run) -> None:
    log = either.start(level="WARNING")
    log.metric("x", 1)
    assert either.lines() == []


def test_tags_are_redacted_and_the_call_site_is_the_callers(either: Run) -> None:
    log = either.start(redact=["password"], call_site=True)
    log.metric("x", 1, password="secret")
    line = either.last()
    assert line["password"] != "secret"
    assert line["function_name"] == "test_tags_are_redacted_and_the_call_site_is_the_callers"
