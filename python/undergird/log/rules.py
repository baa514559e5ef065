"""Rules by which records are held back now and then. Who needs none does not load them."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from undergird import _core
from undergird.clock import as_clock
from undergird.errors import ConfigurationError, shown

if TYPE_CHECKING:
    from undergird.clock import Clock

LEVELS = 6
"""How many rules a run has: one for each level by a tenth of its number."""

_MOST = 1 << 53
_LEAST, _LONGEST = 1e-300, 1e300  # Whose inverses are floats too.
_RANGE = f"above 0, from {_LEAST} to {_LONGEST}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The first few records of each period and a few of the rest; see `Logger.sample`, and `configure(sample=...)`.

    Attributes:
        first: How many of a period are let through at first.
        then: Of those that follow, every so many-th is; none if it is 0.
        per: How long a period is, in seconds or the clock's unit; `None`: it has no end.
        key: What to count by instead of the place of the call.
        clock: The clock; by default that of the run or the context, else monotonic time.

    Raises:
        ConfigurationError: A value that cannot be.

    Example:
        >>> Sample(first=1, then=0, per=60).first
        1
    """

    first: int = 10
    then: int = 100
    per: float | None = 1.0
    key: str | int | None = None
    clock: Clock | Callable[[], float] | None = None

    def __post_init__(self) -> None:
        for name, value in (("first", self.first), ("then", self.then)):
            if not _is_count(value) or value < 0:
                raise ConfigurationError(f"{name} {shown(value)} is no number of records")
        if self.per is not None and not _is_positive(self.per):
            raise ConfigurationError(f"per {shown(self.per)} is no length of time; it is {_RANGE}, or None")
        _check(self.key, self.clock)

    def gate(self) -> _core.Gate:
        """The rule as the core has it."""
        per = math.inf if self.per is None else self.per
        return _gate(self, [float(self.first), float(self.then), float(per)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """So many records in a time, with a burst; see `Logger.limit`, and `configure(sample=...)`.

    Attributes:
        per_second: How many, on average; for a simulation's clock, by its unit.
        burst: How many may come at once; by default a second's.
        key: What to count by instead of the place of the call.
        clock: The clock; by default that of the run or the context, else monotonic time.

    Raises:
        ConfigurationError: A value that cannot be.

    Example:
        >>> Limit(per_second=0.5).burst is None
        True
    """

    per_second: float
    burst: int | None = None
    key: str | int | None = None
    clock: Clock | Callable[[], float] | None = None

    def __post_init__(self) -> None:
        if not _is_positive(self.per_second):
            raise ConfigurationError(f"per_second {shown(self.per_second)} is no rate; it is {_RANGE}")
        if self.burst is not None and not (_is_count(self.burst) and self.burst >= 1):
            raise ConfigurationError(f"burst {shown(self.burst)} is no number of records from 1")
        _check(self.key, self.clock)

    def gate(self) -> _core.Gate:
        """The rule as the core has it."""
        burst = max(1, math.ceil(self.per_second)) if self.burst is None else self.burst
        return _gate(self, [1 / self.per_second, float(burst)])


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value <= _MOST


def _is_positive(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and _LEAST <= value <= _LONGEST


def _check(key: object, clock: Clock | Callable[[], float] | None) -> None:
    if key is not None and not isinstance(key, str | int):
        raise ConfigurationError(f"key {shown(key)} is neither a string nor a number")
    if isinstance(key, int) and key.bit_length() > 64:
        raise ConfigurationError(f"key {shown(key)} is a number of more than 64 bits; take a string")
    if clock is not None:
        as_clock(clock)


def _gate(rule: Sample | Limit, numbers: list[float]) -> _core.Gate:
    key = None if rule.key is None else repr(rule.key)
    return _core.Gate(rule, numbers, key, None if rule.clock is None else as_clock(rule.clock))


def rules_of_run(
    given: Sample | Limit | Mapping[int | str, Sample | Limit], number_of: Callable[[int | str], int]
) -> list[_core.Gate | None]:
    """The rules of a run by level, as the core has them.

    Args:
        given: One rule for everything below WARNING, or one for each of some levels below it.
        number_of: The number of a level, by number or name.

    Raises:
        ConfigurationError: If it is neither, or a level is WARNING or above.
    """
    gates: list[_core.Gate | None] = [None] * LEVELS
    if isinstance(given, Sample | Limit):
        below = logging.WARNING // 10
        return [given.gate()] * below + gates[below:]
    if not isinstance(given, Mapping):
        raise ConfigurationError(f"sample {shown(given)} is no Sample, no Limit, and no mapping of levels to these")
    for level, rule in given.items():
        number = number_of(level)
        if number >= logging.WARNING:
            raise ConfigurationError(
                f"sample: level {shown(level)} is not below WARNING; a logger's own rule may hold those back"
            )
        if not isinstance(rule, Sample | Limit):
            raise ConfigurationError(f"sample: {shown(rule)} for level {shown(level)} is no Sample and no Limit")
        gates[number // 10] = rule.gate()
    return gates
