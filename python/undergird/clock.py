"""Clocks: where whatever is timed takes its time from.

The default is the machine's: wall time for stamps, monotonic time for durations. A simulation has a time of its own,
a test one that it sets by hand. Both can be given to `undergird.configure(clock=...)` for a whole run, or surround a
part of the program with `use`.

Example:
    >>> from undergird import clock
    >>> sim = clock.SimulationClock()
    >>> with clock.use(sim):
    ...     sim.time = 12.5  # records that are logged here say "sim_time": 12.5
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import ClassVar, Protocol, TypeVar, runtime_checkable

from undergird import _core
from undergird._core import SimulationClock
from undergird.errors import ConfigurationError, shown

__all__ = ["Clock", "ManualClock", "MonotonicClock", "SimulationClock", "WallClock", "as_clock", "use"]


@runtime_checkable
class Clock(Protocol):
    """Anything that tells a time by `now()`, in seconds or, for a simulation, in its own unit.

    An attribute `stamps` that is true says that the time is in seconds since 1970, UTC, and takes the wall clock's
    place in `timestamp`; such a clock may have a method `now_ns()` too, which tells the same in nanoseconds.
    """

    def now(self) -> float:
        """The time now."""


class WallClock:
    """The machine's time, in seconds since 1970: what stamps are made by if nothing else is said.

    Example:
        >>> WallClock().now() > 1_700_000_000
        True
    """

    stamps: ClassVar[bool] = True

    def now(self) -> float:
        """Seconds since 1970, UTC."""
        return time.time()

    def now_ns(self) -> int:
        """Nanoseconds since 1970, UTC."""
        return time.time_ns()


class MonotonicClock:
    """The machine's time since some moment, which never goes back: what durations are measured by.

    Example:
        >>> clock = MonotonicClock()
        >>> before = clock.now()
        >>> clock.now() >= before
        True
    """

    stamps: ClassVar[bool] = False

    def now(self) -> float:
        """Seconds since some moment."""
        return time.monotonic()


class ManualClock:
    """A clock that stands still until it is set: for tests. Given to a run, it makes the stamps.

    It counts whole nanoseconds, so that ten steps of 0.1 are 1.0.

    Args:
        time: The first time, in seconds since 1970.
        stamps: Whether it takes the wall clock's place; otherwise it stands beside it, as `sim_time`.

    Raises:
        ValueError: If a time is not finite, or if it is to be a stamp and out of the range of stamps (0 to 18446744073,
            in the year 2554).

    Example:
        >>> clock = ManualClock(100.0)
        >>> clock.advance(0.5)
        >>> clock.now()
        100.5
    """

    def __init__(self, time: float = 0.0, *, stamps: bool = True) -> None:
        self.stamps = stamps
        self.set(time)

    def now(self) -> float:
        """The time now, in seconds."""
        return self._ns / 10**9

    def now_ns(self) -> int:
        """The time now, in nanoseconds."""
        return self._ns

    def set(self, time: float) -> None:
        """Sets the time, in seconds; it may be an earlier one.

        Raises:
            ValueError: As when the clock was made; then it has not changed.
        """
        self._ns = self._possible(_nanoseconds(time))

    def advance(self, by: float) -> None:
        """Moves the time on by so many seconds.

        Raises:
            ValueError: As when the clock was made; then it has not changed.
        """
        self._ns = self._possible(self._ns + _nanoseconds(by))

    def _possible(self, ns: int) -> int:
        try:
            time = ns / 10**9
        except OverflowError:
            raise ValueError(f"time {'inf' if ns > 0 else '-inf'} is not finite") from None
        if self.stamps and not 0 <= time <= _LATEST:
            raise ValueError(
                f"time {time!r} is no stamp: these are seconds since 1970, from 0 to {_LATEST} (in the year 2554)"
            )
        return ns

    def __repr__(self) -> str:
        return f"ManualClock({self.now()!r}, stamps={self.stamps})"


_LATEST = 18_446_744_073
"""The last whole second of a stamp: it is 64 bits of nanoseconds since the epoch."""


def _nanoseconds(seconds: float) -> int:
    try:
        finite = math.isfinite(seconds)
    except OverflowError:
        # Without its digits, of which there may be more than can be shown.
        raise ValueError("time is an integer that no float can hold") from None
    if not finite:
        raise ValueError(f"time {seconds!r} is not finite")
    # In two parts: as one float, nanoseconds since 1970 would be rounded to 256.
    whole, part = divmod(seconds, 1)
    return int(whole) * 10**9 + round(part * 1e9)


class _Called:
    """A function as a clock."""

    # Said, because looking for what is not there takes longer than the call (before CPython 3.13).
    stamps: ClassVar[bool] = False

    def __init__(self, now: Callable[[], float]) -> None:
        self.now = now


def as_clock(given: Clock | Callable[[], float]) -> Clock:
    """A clock, or a function that tells the time, as a clock.

    Args:
        given: An object with a method `now()`, or a function without arguments; either returns a float.

    Raises:
        ConfigurationError: If it is neither.

    Example:
        >>> as_clock(lambda: 3.0).now()
        3.0
    """
    if callable(getattr(given, "now", None)):
        return given  # type: ignore[return-value]
    if callable(given):
        return _Called(given)
    raise ConfigurationError(f"clock {shown(given)} is neither a function nor an object with a method now()")


_Given = TypeVar("_Given", bound=Clock | Callable[[], float])

_surrounding: ContextVar[Clock] = ContextVar("undergird.clock")


@contextmanager
def use(clock: _Given) -> Iterator[_Given]:
    """Surrounds a part of the program with a clock, in place of the run's: records that are logged there bear its time.

    Holds for this thread's or task's context, and for tasks that are made in it; a plain thread starts without.

    Args:
        clock: The clock, or a function that tells the time.

    Yields:
        What was given.

    Raises:
        ConfigurationError: If it is no clock.

    Example:
        >>> import undergird
        >>> with use(SimulationClock(3.0)) as clock:
        ...     undergird.get_logger("docs").info("stepped")
        ...     clock.advance(0.5)
    """
    its_clock = as_clock(clock)
    _core.watch_clock(_surrounding)
    token = _surrounding.set(its_clock)
    try:
        yield clock
    finally:
        _surrounding.reset(token)
