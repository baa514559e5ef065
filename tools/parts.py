"""The parts of a run: each timed, the first failure ends it, a table closes it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from shell import RunError, Shell


@dataclass
class Row:
    """How one part went."""

    name: str
    budget: float
    seconds: float
    processor: float
    passed: bool


@dataclass
class Run:
    """A sequence of parts and what became of them."""

    shell: Shell
    rows: list[Row] = field(default_factory=list)

    def part(self, name: str, budget: float, work: Callable[[], None]) -> bool:
        """Runs one part unless an earlier one failed.

        Args:
            name: What the table calls it.
            budget: Minutes it should take at most, on two cores, from a clean clone.
            work: Does it; a `RunError` ends it and the run.

        Returns:
            Whether it passed.
        """
        if not self.passed:
            return False
        print(f"\n=== {name} ===", flush=True)
        start, used = time.monotonic(), processor_time()
        try:
            work()
        except RunError as error:
            print(f"*** {name}: {error}", flush=True)
            passed = False
        else:
            passed = True
        self.rows.append(Row(name, budget, time.monotonic() - start, processor_time() - used, passed))
        return passed

    @property
    def passed(self) -> bool:
        """Whether no part has failed so far."""
        return all(row.passed for row in self.rows)

    def table(self) -> str:
        """Minutes part by part, of the clock and of the processors, beside what the clock's may be."""
        width = max(len(row.name) for row in self.rows)
        lines = [f"{'part':{width}}  minutes  processor  budget"]
        for row in self.rows:
            note = "" if row.passed else "  FAILED"
            if row.seconds > row.budget * 60:
                note += "  over budget"
            lines.append(_line(width, row.name, row.seconds, row.processor, row.budget) + note)
        seconds = sum(row.seconds for row in self.rows)
        processor = sum(row.processor for row in self.rows)
        lines.append(_line(width, "in all", seconds, processor, sum(row.budget for row in self.rows)))
        return "\n".join(lines)


def _line(width: int, name: str, seconds: float, processor: float, budget: float) -> str:
    return f"{name:{width}}  {seconds / 60:7.1f}  {processor / 60:9.1f}  {budget:6g}"


def processor_time() -> float:
    """Seconds of processor time of every command so far."""
    times = os.times()
    return times.children_user + times.children_system
