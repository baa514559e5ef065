"""Runs the demo from beginning to end."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

import undergird
from undergird.testing.demo.checks import counting, files, physics, records_to_sort
from undergird.testing.demo.contenders import contenders
from undergird.testing.demo.race import Lane, race
from undergird.testing.demo.report import Progress, opening, render
from undergird.testing.demo.results import Control, DemoReport, Measurement
from undergird.testing.sorting import CellSorting, late_rise

_COUNTS = ("emitted", "written", "dropped", "failed", "in_flight")


def run_demo(
    directory: str | Path,
    *,
    records: int = 2_000_000,
    seed: int = 1,
    width: int = 96,
    height: int = 96,
    parts: int = 10,
    stream: TextIO | None = None,
    keep: bool = False,
) -> DemoReport:
    """Runs the simulation with each way to log, checks the files, prints a report and returns it.

    It configures undergird for its own file and shuts it down at the end.

    Args:
        directory: Where the files go; made if need be. It must not hold a log of an earlier demo.
        records: How many records each way logs, at least; the run ends with the step that reaches it. Sorting needs
            events: 40 for each cell. Of a run with fewer it is not checked whether the cells sort, which is said.
        seed: Seed of the simulation.
        width: Columns of the tissue, a multiple of 4.
        height: Rows of the tissue, a multiple of 4.
        parts: Into how many parts the run is divided, to interleave the ways to log.
        stream: Where progress and report are printed; None is standard output.
        keep: Whether to keep the files of the standard library and of structlog; by default they go once checked.

    Raises:
        ValueError: `records` or `parts` is not positive, or a side is not a multiple of 4.
        FileExistsError: The directory holds an earlier demo's log.
    """
    if records < 1 or parts < 1:
        raise ValueError(f"records and parts must be positive, got {records} and {parts}")
    began = time.perf_counter()
    needed = records_to_sort(width, height)
    before = CellSorting(width, height, seed=seed).agents
    stream = sys.stdout if stream is None else stream
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    log = directory / "undergird.log"
    if log.exists():
        raise FileExistsError(f"{log} is there already: give the demo a directory of its own")

    print(opening(width, height, records, seed, needed), file=stream, flush=True)
    counted = _counts()
    with contenders(directory) as ready:
        lanes = [Lane(contender, CellSorting(width, height, seed=seed)) for contender in ready]
        _race(lanes, records, parts, stream)
        stats = {name: count - counted[name] for name, count in _counts().items()}

    ours = lanes[1]
    controls = {
        # Without adhesion a cell moves twenty times as often: fewer steps are more than enough to mix.
        "adhesion off": _control(width, height, seed, ours.steps // 4, strength=0.0),
        "labels shuffled": _control(width, height, seed, ours.steps, shuffled=True),
    }
    measurements = [_measurement(lane, lanes[0]) for lane in lanes]
    checks = [*counting(ours, stats), *files(lanes, before)]
    if records >= needed:
        checks[:0] = physics(ours.quality, controls)
    if not keep:
        for lane in lanes[2:]:
            if lane.contender.path is not None:
                lane.contender.path.unlink()
    result = DemoReport(
        directory=directory,
        log=log,
        records=ours.records,
        steps=ours.steps,
        quality=(ours.quality[0], ours.quality[-1]),
        late_rise=late_rise(ours.quality),
        sorted_enough=records >= needed,
        controls=controls,
        measurements=measurements,
        stats=stats,
        checks=checks,
        seconds=time.perf_counter() - began,
    )
    print(render(result), file=stream, flush=True)
    return result


def _race(lanes: Sequence[Lane], records: int, parts: int, stream: TextIO) -> None:
    progress = Progress(stream)
    total = records * len(lanes)

    def tick(part: int, lane: Lane) -> None:
        done = sum(each.records for each in lanes)
        progress.show(
            min(done / total, 1.0),
            lambda: (
                f"part {part + 1} of {parts}, {lane.contender.name}: step {lane.steps:,}, {lane.records:,} records,"
                f" quality {lane.quality[-1]:.3f}"
            ),
        )

    try:
        race(lanes, records, parts, tick)
    finally:
        progress.close()


def _control(width: int, height: int, seed: int, steps: int, **options: Any) -> Control:
    history = CellSorting(width, height, seed=seed, **options).run(steps).quality_history
    return Control(float(history[0]), float(history[-1]), float(abs(history - 0.5).max()), steps)


def _measurement(lane: Lane, silent: Lane) -> Measurement:
    path = lane.contender.path
    # What the loop over the events takes when nothing disturbs it; it is not logging's.
    loop = silent.least_call
    return Measurement(
        name=lane.contender.name,
        path=path,
        run_seconds=lane.run_time,
        log_seconds=lane.log_time - loop * lane.records if path else 0.0,
        call_ns=(lane.call_time / lane.records - loop) * 1e9 if path else 0.0,
        cpu_ns=(lane.log_cpu_time / lane.records - loop) * 1e9 if path else 0.0,
        processor=lane.cpu_time / lane.run_time,
        file_bytes=path.stat().st_size if path else 0,
    )


def _counts() -> dict[str, int]:
    stats = undergird.stats()
    return {name: int(stats[name]) for name in _COUNTS}
