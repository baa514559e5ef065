"""The bars a result is held against: what was asked for, never adapted to what was reached."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from contenders.entries import CONTENDERS

Outcomes = Mapping[str, Mapping[str, Any]]
"""The outcome of each contender in one row."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One thing asked of a row.

    Args:
        row: The row.
        text: What is asked.
        value: Computes the number from the row's outcomes and the name of our contender; None where
            somebody needed for it is missing.
        limit: The number asked for.
        at_least: Whether more is better.
        unit: Written behind the number.
        over: Another row, of whose number of ours this one is a multiple.
    """

    row: str
    text: str
    value: Callable[[Outcomes, str], float | None]
    limit: float | Callable[[Outcomes], float | None]
    at_least: bool
    unit: str = ""
    over: str | None = None

    def verdict(self, rows: Mapping[str, Outcomes], ours: str) -> str:
        """Returns the number and whether it is enough, as a table's cell."""
        outcomes = rows.get(self.row, {})
        value = self.value(outcomes, ours)
        if self.over is not None:
            value = ratio(value, self.value(rows.get(self.over, {}), ours))
        limit = self.limit(outcomes) if callable(self.limit) else self.limit
        if value is None or limit is None:
            return "-"
        met = value >= limit if self.at_least else value <= limit
        return f"{value:.3g}{self.unit} {'met' if met else '**missed**'}"


def number(outcomes: Outcomes, name: str, metric: str, which: str = "median") -> float | None:
    """Returns a metric of a contender, or None if it has none.

    Args:
        outcomes: The row's outcomes.
        name: The contender.
        metric: The metric.
        which: "median", "min", "max" or "sum" over the rounds.
    """
    found = outcomes.get(name, {}).get("metrics", {}).get(metric)
    return None if found is None else float(found[which])


def ratio(over: float | None, under: float | None) -> float | None:
    """Returns the quotient, or None where one of both is missing or nothing."""
    return None if over is None or not under else over / under


def less_than(other: str, metric: str) -> Callable[[Outcomes, str], float | None]:
    """Returns how many times less ours is than another's."""
    return lambda outcomes, ours: ratio(number(outcomes, other, metric), number(outcomes, ours, metric))


def of(other: str, metric: str) -> Callable[[Outcomes, str], float | None]:
    """Returns ours as a multiple of another's."""
    return lambda outcomes, ours: ratio(number(outcomes, ours, metric), number(outcomes, other, metric))


def plain(metric: str, which: str = "median", scale: float = 1.0) -> Callable[[Outcomes, str], float | None]:
    """Returns our own number, divided by `scale`."""
    return lambda outcomes, ours: ratio(number(outcomes, ours, metric, which), scale)


def best_rival(outcomes: Outcomes, metric: str, *, most: bool = False) -> str | None:
    """Returns the rival with the least of a metric, or with the most; None where no rival has it."""
    rivals = [name for name, entry in CONTENDERS.items() if entry.role == "rival"]
    known = {name: value for name in rivals if (value := number(outcomes, name, metric)) is not None}
    return (max if most else min)(known, key=lambda name: known[name]) if known else None


def over_best_rival(metric: str) -> Callable[[Outcomes, str], float | None]:
    """Returns ours as a multiple of the largest among the rivals."""

    def value(outcomes: Outcomes, ours: str) -> float | None:
        rival = best_rival(outcomes, metric, most=True)
        return ratio(number(outcomes, ours, metric), number(outcomes, rival, metric)) if rival else None

    return value


def less_than_best_rival(metric: str) -> Callable[[Outcomes, str], float | None]:
    """Returns how many times less ours is than the smallest among the rivals."""

    def value(outcomes: Outcomes, ours: str) -> float | None:
        rival = best_rival(outcomes, metric)
        return ratio(number(outcomes, rival, metric), number(outcomes, ours, metric)) if rival else None

    return value


BARS = (
    Bar("W1", "times less than stdlib ≥ 6", less_than("stdlib", "call_ns"), 6, True, "x"),
    Bar("W1", "of the floor ≤ 1.2x", of("floor", "call_ns"), 1.2, False, "x"),
    Bar("W1d", "times less than stdlib ≥ 6", less_than("stdlib", "call_ns"), 6, True, "x"),
    Bar("W2", "times less than stdlib ≥ 100", less_than("stdlib", "call_ns"), 100, True, "x"),
    Bar("W2", "times less than the best rival ≥ 6", less_than_best_rival("call_ns"), 6, True, "x"),
    Bar("W3", "times less than stdlib ≥ 130", less_than("stdlib", "call_ns"), 130, True, "x"),
    Bar("W3", "times less than orjson + buffered write ≥ 6", less_than("orjson", "call_ns"), 6, True, "x"),
    Bar("W4", "times less than stdlib ≥ 130", less_than("stdlib", "call_ns"), 130, True, "x"),
    Bar("W4c", "of W3 ≤ 1.7x", plain("call_ns"), 1.7, False, "x", over="W3"),
    Bar("W5", "times stdlib's rate ≥ 60", of("stdlib", "records_per_s"), 60, True, "x"),
    Bar("W5", "times the best rival's rate ≥ 5", over_best_rival("records_per_s"), 5, True, "x"),
    Bar("W5", "CPU a record ≤ 300 ns", plain("cpu_ns"), 300, False, " ns"),
    Bar("W5", "memory growth ≤ 16 MiB", plain("peak_growth_mib"), 16, False, " MiB"),
    Bar("W6", "times stdlib's rate ≥ 60", of("stdlib", "records_per_s"), 60, True, "x"),
    Bar("W6", "times the best rival's rate ≥ 3.5", over_best_rival("records_per_s"), 3.5, True, "x"),
    Bar("W7", "p99 times less than stdlib ≥ 30", less_than("stdlib", "p99_ns"), 30, True, "x"),
    Bar("W7", "p99.9 times less than stdlib ≥ 8", less_than("stdlib", "p999_ns"), 8, True, "x"),
    Bar("W7p", "p99.9 ≤ 12 µs", plain("p999_ns", scale=1000.0), 12, False, " µs"),
    Bar(
        "W7p",
        "calls above 1 ms ≤ the control's",
        plain("slow", "sum"),
        lambda outcomes: number(outcomes, "heap", "slow", "sum"),
        False,
    ),
    Bar("W8", "times less than stdlib ≥ 10", less_than("stdlib", "call_ns"), 10, True, "x"),
    Bar("W9", "a row on the caller ≤ 150 ns", plain("call_ns"), 150, False, " ns"),
    Bar("W10", "of stdlib in the same set-up ≤ 1x", of("stdlib", "call_ns"), 1, False, "x"),
    Bar("W11", "times less than stdlib ≥ 2.5", less_than("stdlib", "call_ns"), 2.5, True, "x"),
    Bar("R0", "seen by a reader within 50 ms", plain("visible_max_ms", "max"), 50, False, " ms"),
)
