"""What the demo finds out, as plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

WITHOUT_ORJSON = "structlog, json"
"""What structlog is called where orjson is not installed."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that has to be true of a run, and whether it was."""

    what: str
    passed: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Measurement:
    """What one way to log took for the whole run.

    Attributes:
        name: Which way.
        path: The file it wrote; None without logging.
        run_seconds: Seconds for simulation and logging, until all lines were in the file.
        log_seconds: How much of that went into logging: the calls, and waiting for the file at the end of each part.
        call_ns: The caller's time in one log call, in nanoseconds, the loop over the events not counted.
        cpu_ns: Processor time that logging added per record, in nanoseconds, all threads of the process counted.
        processor: Processor time of the run divided by its duration; below 1 if others kept the processors busy.
        file_bytes: Size of the file.
    """

    name: str
    path: Path | None
    run_seconds: float
    log_seconds: float
    call_ns: float
    cpu_ns: float
    processor: float
    file_bytes: int

    @property
    def share(self) -> float:
        """The share of the run that logging took, 0 to 1."""
        return self.log_seconds / self.run_seconds


@dataclass(frozen=True, slots=True)
class Control:
    """Sorting quality of a run in which sorting must not happen.

    Attributes:
        start: Before the first step.
        end: After the last step.
        most: Its largest distance from 0.5 in between.
        steps: How many steps were run.
    """

    start: float
    end: float
    most: float
    steps: int


@dataclass(frozen=True, slots=True)
class DemoReport:
    """What the demo found.

    Attributes:
        directory: Where the files are.
        log: The log of undergird.
        records: Records logged by each way.
        steps: Steps of the simulation.
        quality: Sorting quality at the start and at the end.
        late_rise: Share of that rise that fell into the second half of the run; NaN without a rise, or under 20 steps.
        sorted_enough: Whether the run was long enough to be asked whether the cells sort.
        controls: By name, the runs without adhesion and with shuffled labels.
        measurements: One for each way to log, the run without logging first, undergird second.
        stats: what `undergird.stats` counted for this run.
        checks: Everything that was checked.
        seconds: Duration of the whole demo, in seconds.
    """

    directory: Path
    log: Path
    records: int
    steps: int
    quality: tuple[float, float]
    late_rise: float
    sorted_enough: bool
    controls: Mapping[str, Control]
    measurements: Sequence[Measurement]
    stats: Mapping[str, int]
    checks: Sequence[Check]
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether every check passed."""
        return all(check.passed for check in self.checks)

    def measurement(self, name: str) -> Measurement:
        """The measurement of the way to log whose name starts with `name`.

        Raises:
            KeyError: there is none.
        """
        for one in self.measurements:
            if one.name.startswith(name):
                return one
        raise KeyError(name)
