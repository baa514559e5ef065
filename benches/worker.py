"""Measures one contender in one row and leaves the result in a file.

A process of its own for each: loggers keep global state, and what one leaves behind (threads,
warm caches, grown heaps) must not be measured with the next.
"""

from __future__ import annotations

import gc
import importlib
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import usage
from bench import Bench, Metrics
from contenders import make
from contenders.entries import CONTENDERS
from readback import WrongOutputError, parts
from rows import ROWS
from scale import FULL, QUICK, Scale


@dataclass(frozen=True, slots=True)
class Job:
    """What to measure.

    Args:
        row: A key of `ROWS`.
        contender: A key of `CONTENDERS`.
        path: The log file; must not exist.
        result: Where the result goes.
        quick: Whether to do just enough to see that everything works.
    """

    row: str
    contender: str
    path: str
    result: str
    quick: bool = False

    def arguments(self) -> list[str]:
        """Returns the command line that `main` understands."""
        return [str(Path(__file__)), json.dumps(asdict(self))]


def main(job: Job) -> None:
    """Measures, reads the output back, and writes ``{"metrics": …}`` or ``{"error": …}``."""
    path = Path(job.path)
    scale = QUICK if job.quick else FULL
    outcome: dict[str, object]
    try:
        outcome = {"metrics": measure(job.row, job.contender, path, scale)}
    except (WrongOutputError, TimeoutError) as error:
        outcome = {"error": str(error)}
    Path(job.result).write_text(json.dumps(outcome))


def measure(row: str, name: str, path: Path, scale: Scale) -> Metrics:
    """Returns the metrics of one contender in one row, its output checked."""
    baseline = _imported(name)
    contender = make(name, path, scale.rotate_at)
    bench = Bench(contender, path, scale, baseline)
    gc.collect()
    metrics = ROWS[row](bench)
    metrics["process_cpu_s"] = bench.cpu / 1e9
    metrics["peak_mib"] = bench.peak / usage.MIB
    bench.contender.finish()
    bench.check()
    if CONTENDERS[name].rotates and len(parts(path)) < 2:
        raise WrongOutputError("no file was rotated")
    return metrics


def _imported(name: str) -> int:
    """Imports what the contender needs, so that its code does not count as its memory."""
    for distribution in CONTENDERS[name].requires:
        importlib.import_module(distribution)
    return usage.resident()


if __name__ == "__main__":
    main(Job(**json.loads(sys.argv[1])))
