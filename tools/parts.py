"""The parts of a run: each timed, the first failure ends it, a table closes it."""

from __future__ import annotations

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
        start = time.monotonic()
        try:
            work()
        except RunError as error:
            print(f"*** {name}: {error}", flush=True)
            passed = False
        else:
            passed = True
        self.rows.append(Row(name, budget, time.monotonic() - start, passed))
        return passed

    @property
    def passed(self) -> bool:
        """Whether no part has failed so far."""
        return all(row.passed for row in self.rows)

    def table(self) -> str:
        """Minutes part by part, beside what they may take."""
        width = max(len(row.name) for row in self.rows)
        lines = [f"{'part':{width}}  minutes  budget"]
        for row in self.rows:
            minutes = row.seconds / 60
            note = "" if row.passed else "  FAILED"
            if minutes > row.budget:
                note += "  over budget"
            lines.append(f"{row.name:{width}}  {minutes:7.1f}  {row.budget:6.0f}{note}")
        total = sum(row.seconds for row in self.rows) / 60
        lines.append(f"{'in all':{width}}  {total:7.1f}  {sum(row.budget for row in self.rows):6.0f}")
        return "\n".join(lines)
