"""The clocks by themselves."""

from __future__ import annotations

import gc
import math
import sys
import time
import weakref
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import undergird
from undergird.clock import Clock, ManualClock, MonotonicClock, SimulationClock, WallClock, as_clock

FINITE = st.floats(allow_nan=False, allow_infinity=False)


@given(FINITE, FINITE)
def test_a_simulation_clock_says_what_it_was_set_to(first: float, then: float) -> None:
    clock = SimulationClock(first)
    assert (clock.time, clock.now()) == (first, first)
    clock.time = then
    assert (clock.time, clock.now()) == (then, then)


@given(FINITE, FINITE)
def test_a_simulation_clock_moves_on_as_floats_add_up(first: float, by: float) -> None:
    clock = SimulationClock(first)
    if math.isfinite(first + by):
        clock.advance(by)
        assert clock.now() == first + by
    else:
        with pytest.raises(ValueError, match="not finite"):
            clock.advance(by)
        assert clock.now() == first


@pytest.mark.parametrize("time", [math.nan, math.inf, -math.inf])
def test_a_time_that_is_not_finite_is_refused(time: float) -> None:
    clock = SimulationClock(1.0)
    with pytest.raises(ValueError, match="not finite"):
        clock.time = time
    with pytest.raises(ValueError, match="not finite"):
        SimulationClock(time)
    with pytest.raises(TypeError):
        clock.time = "noon"  # type: ignore[assignment]
    assert clock.time == 1.0


def test_a_manual_clock_counts_whole_nanoseconds() -> None:
    clock = ManualClock()
    for _ in range(10):
        clock.advance(0.1)
    assert (clock.now(), clock.now_ns()) == (1.0, 1_000_000_000)
    clock.set(2.5)
    assert clock.now() == 2.5


@pytest.mark.parametrize("kind", [ManualClock, SimulationClock])
@pytest.mark.parametrize("time", [-0.001, -1e300, 18_446_744_074, 1e12, 1e300])
def test_a_time_that_can_be_no_stamp_is_refused_by_name(kind: type[ManualClock | SimulationClock], time: float) -> None:
    said = r"^time \S+ is no stamp.* from 0 to 18446744073 "
    with pytest.raises(ValueError, match=said) as error:
        kind(time, stamps=True)
    assert float(str(error.value).split()[1]) == time
    clock = kind(0.0, stamps=True)
    with pytest.raises(ValueError, match=said):
        clock.advance(time)
    with pytest.raises(ValueError, match=said):
        set_to(clock, time)
    assert clock.now() == 0.0
    # Beside the stamp, anything finite may stand.
    assert kind(time, stamps=False).now() == pytest.approx(time)


@pytest.mark.parametrize("time", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("stamps", [False, True])
def test_a_manual_clock_refuses_what_is_not_finite(time: float, stamps: bool) -> None:
    clock = ManualClock(stamps=stamps)
    with pytest.raises(ValueError, match=f"^time {time!r} is not finite"):
        clock.set(time)
    with pytest.raises(ValueError, match="is not finite"):
        clock.advance(time)
    assert clock.now() == 0.0


@pytest.mark.parametrize("kind", [ManualClock, SimulationClock])
@pytest.mark.parametrize("time", [10**400, -(10**400), 1 << 20_000], ids=["large", "small", "huge"])
def test_an_integer_that_no_float_can_hold_is_refused_at_the_call(
    kind: type[ManualClock | SimulationClock], time: int
) -> None:
    said = "^time is an integer that no float can hold"
    clock = kind(1.0)
    with pytest.raises(ValueError, match=said):
        kind(time)
    with pytest.raises(ValueError, match=said):
        clock.advance(time)
    with pytest.raises(ValueError, match=said):
        set_to(clock, time)
    assert clock.now() == 1.0


def test_a_manual_clock_does_not_move_beyond_what_a_float_holds() -> None:
    clock = ManualClock(-1e308, stamps=False)
    with pytest.raises(ValueError, match=r"^time -inf is not finite"):
        clock.advance(-1e308)
    assert clock.now() == -1e308


def set_to(clock: ManualClock | SimulationClock, time: float) -> None:
    if isinstance(clock, ManualClock):
        clock.set(time)
    else:
        clock.time = time


def test_the_machines_clocks_are_the_machines() -> None:
    for clock, reference in ((WallClock(), time.time), (MonotonicClock(), time.monotonic)):
        before = reference()
        assert before <= clock.now() <= reference()
    before_ns = time.time_ns()
    assert before_ns <= WallClock().now_ns() <= time.time_ns()


@pytest.mark.parametrize("clock", [WallClock(), MonotonicClock(), ManualClock(), SimulationClock()])
def test_every_clock_is_a_clock(clock: Clock) -> None:
    assert isinstance(clock, Clock)
    assert as_clock(clock) is clock


def test_a_function_is_a_clock_too() -> None:
    assert as_clock(lambda: 2.5).now() == 2.5


@pytest.mark.parametrize("given", [None, 3.0, "12:00"])
def test_what_tells_no_time_is_refused_by_name(given: Any) -> None:
    with pytest.raises(undergird.ConfigurationError, match=repr(given)):
        as_clock(given)


def test_clocks_are_shown_as_they_are_made() -> None:
    assert repr(SimulationClock(0.5)) == "SimulationClock(0.5)"
    assert repr(SimulationClock(stamps=True)) == "SimulationClock(0.0, stamps=True)"
    assert repr(ManualClock(2)) == "ManualClock(2.0, stamps=True)"


def test_a_clock_goes_when_nobody_has_it() -> None:
    clock = SimulationClock()
    gone = weakref.ref(clock)
    before = sys.getrefcount(clock)
    for step in range(1000):
        clock.time = step
        clock.advance(0.5)
    assert sys.getrefcount(clock) == before
    del clock
    gc.collect()
    assert gone() is None
