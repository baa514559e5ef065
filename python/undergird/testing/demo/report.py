"""What the demo prints: its progress while it runs, and its report at the end."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from undergird.testing.demo.results import WITHOUT_ORJSON

if TYPE_CHECKING:
    from undergird.testing.demo.results import DemoReport, Measurement


class Progress:
    """One line that is rewritten in place on a terminal, and one line for each tenth of the way anywhere else.

    Args:
        stream: Where to print.
        clock: Seconds; a terminal's line is rewritten at most ten times a second.
    """

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._live = stream.isatty()
        self._due = 0.0
        self._tenth = 0
        self._width = 0

    def show(self, done: float, text: Callable[[], str]) -> None:
        """Shows how far the work is, if it is time to.

        Args:
            done: Share of the work that is done, 0 to 1.
            text: Makes the rest of the line; called only when the line is shown.
        """
        if self._live:
            now = self._clock()
            if now < self._due:
                return
            self._due = now + 0.1
            line = f"  [{'#' * int(done * 20):20}] {done:4.0%}  {text()}"
            self._stream.write(f"\r{line:{self._width}}")
            self._width = len(line)
        else:
            tenth = int(done * 10 + 1e-9)
            if tenth <= self._tenth:
                return
            self._tenth = tenth
            self._stream.write(f"  {tenth * 10:3d} %  {text()}\n")
        self._stream.flush()

    def close(self) -> None:
        """Leaves the line as if it had never been there."""
        if self._live and self._width:
            self._stream.write(f"\r{'':{self._width}}\r")
            self._stream.flush()


def opening(width: int, height: int, records: int, seed: int, needed: int) -> str:
    """What is about to happen; where records are fewer than `needed`, what is not checked."""
    short = f"This run is too short to sort, which takes {needed:,} records: whether it does is not checked.\n"
    return (
        f"undergird demo: {width * height:,} cells of two types sort by differential adhesion (seed {seed})\n"
        f"The same run, at least {records:,} log records of it, goes through four ways to log, part by part in turn.\n"
        f"{short if records < needed else ''}"
    )


def render(report: DemoReport) -> str:
    """The report as text."""
    return "\n".join([*_sorting(report), "", *_logging(report), "", *_checks(report), "", *_where(report)])


def _sorting(report: DemoReport) -> list[str]:
    start, end = report.quality
    late = "" if math.isnan(report.late_rise) else f", {report.late_rise:.0%} of its rise in the last half"
    return [
        "Sorting quality (share of contacts between cells of one type; 0.5 is a random mixture)",
        f"  adhesion on       {start:.3f} -> {end:.3f} after {report.steps:,} steps{late}",
        *(
            f"  {name:16}  {control.start:.3f} -> {control.end:.3f} after {control.steps:,} steps,"
            f" always within {control.most:.3f} of 0.5"
            for name, control in report.controls.items()
        ),
    ]


def _logging(report: DemoReport) -> list[str]:
    ours = report.measurement("undergird")
    slower = [
        f"{one.name} {one.log_seconds / ours.log_seconds:.1f} times that ({one.cpu_ns / ours.cpu_ns:.1f} times the CPU)"
        for one in report.measurements[2:]
    ]
    return [
        f"Logging {report.records:,} records ({report.steps:,} steps, every exchange of cells) as JSON lines",
        f"  {'':18} {'run':>8} {'logging':>9} {'share':>6} {'a call':>9} {'CPU':>9} {'records/s':>11} {'file':>8}",
        *(_row(one, report) for one in report.measurements),
        f"  undergird took {ours.share:.0%} of its run for logging, {ours.log_seconds:.2f} s;",
        f"  {'; '.join(slower)}.",
        "  run: simulation and logging, until every line was in the file; logging: calls, and waiting for the file.",
        "  a call: the caller's time in one log call; CPU: processor time a record, background threads included.",
        *_encoder(report),
        *_noise(report),
    ]


def _encoder(report: DemoReport) -> list[str]:
    if all(one.name != WITHOUT_ORJSON for one in report.measurements):
        return []
    return ["  structlog has the standard library's JSON encoder here; it is faster with orjson: pip install orjson"]


def _noise(report: DemoReport) -> list[str]:
    # Without logging the run is one thread that only computes: it can fill a processor if it gets one.
    got = report.measurements[0].processor
    if got > 0.85:
        return []
    return [
        f"  The machine was busy: the run got {got:.0%} of a processor. Seconds are too long; trust the CPU column."
    ]


def _row(one: Measurement, report: DemoReport) -> str:
    run = f"  {one.name:18} {one.run_seconds:6.1f} s"
    if one.path is None:
        return run
    return (
        f"{run} {one.log_seconds:7.2f} s {one.share:6.0%} {one.call_ns:6,.0f} ns {one.cpu_ns:6,.0f} ns"
        f" {report.records / one.log_seconds:11,.0f} {one.file_bytes / 1e6:5.0f} MB"
    )


def _checks(report: DemoReport) -> list[str]:
    counts = (
        "emitted {emitted:,} = written {written:,} + dropped {dropped:,} + failed {failed:,} + in flight {in_flight:,}"
    )
    return [
        "Checks",
        f"          {counts.format_map(report.stats)}",
        *(
            f"  {'ok    ' if check.passed else 'FAILED'}  {check.what}{f' ({check.detail})' if check.detail else ''}"
            for check in report.checks
        ),
        *([] if report.sorted_enough else ["  not checked: whether the cells sort; the run is too short"]),
    ]


def _where(report: DemoReport) -> list[str]:
    return [
        "Where to look",
        f"  the log        {report.log}",
        f"  it begins      {_first_line(report.log)}",
        "  how to use it  python -m pydoc undergird.configure undergird.get_logger",
        f"  {_verdict(report)}; {report.seconds:.0f} s in all.",
    ]


def _verdict(report: DemoReport) -> str:
    if not report.passed:
        return "A CHECK FAILED"
    return "All checks passed" if report.sorted_enough else "All checks that were made passed"


def _first_line(path: Path) -> str:
    with path.open(encoding="utf-8", errors="replace") as lines:
        return lines.readline().rstrip("\n")
