"""The driver of the benches: sets up environments, runs every contender, prints the tables.

    python benches/run.py --setup --python python3.12      an environment in build/ for each interpreter
    python benches/run.py --write docs/benchmarks.md       every row, under every environment
    python benches/run.py --rows W3,W5 --json FILE         some rows; FILE keeps what it has of the others

One process per contender and row; contenders take turns within a round, so that what disturbs the
machine disturbs all of them; every file is read back before its numbers count.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import environments
import machine
import report
from contenders.entries import CONTENDERS
from environments import Environment
from rows import ROWS
from worker import Job

_LIMIT = 120.0  # seconds for one contender in one row, in one round


def main(arguments: list[str]) -> int:
    """Returns 0, or 1 if undergird did not install or a result of its own was wrong."""
    options = _options(arguments)
    if options.setup:
        made = [environments.set_up(python) for python in options.python or [Path(sys.executable)]]
        return 0 if all(made) else 1
    if options.python:
        pythons = [environments.describe(python) for python in options.python]
    else:
        pythons = environments.existing() or [environments.current()]
    results = run(pythons, options)
    everything = results
    if options.json:
        if options.json.exists():
            everything = merged(json.loads(options.json.read_text()), results)
        options.json.write_text(json.dumps(everything, indent=2))
    text = report.markdown(everything)
    print(text)
    if options.write:
        options.write.write_text(report.inserted(options.write.read_text(), text))
    ours = [name for name, entry in CONTENDERS.items() if entry.role in ("ours", "bridge")]
    failed = [
        f"{python['label']} {row} {name}: {outcomes[name]['error']}"
        for python in results["pythons"]
        for row, outcomes in python["rows"].items()
        for name in ours
        if "error" in outcomes.get(name, {})
    ]
    for line in failed:
        print(f"*** {line}", file=sys.stderr)
    return 1 if failed else 0


def run(pythons: list[Environment], options: argparse.Namespace) -> dict[str, Any]:
    """Returns everything measured: see report.py for how it is read.

    Args:
        pythons: The interpreters to measure under.
        options: The command line.
    """
    runs = environments.BUILD / "bench-runs"
    runs.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=runs))
    try:
        return {
            "pythons": [_python(python, folder, options) for python in pythons],
            "machine": machine.describe(folder),
        }
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def merged(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Returns old results with the rows and interpreters of new ones in their place.

    A row is replaced as a whole, and so its ratios are always those of one run.
    """
    pythons = {python["label"]: python for python in old["pythons"]}
    for python in new["pythons"]:
        before = pythons.get(python["label"], {"rows": {}, "runs": {}})
        pythons[python["label"]] = {
            **python,
            "rows": {**before["rows"], **python["rows"]},
            "runs": {**before["runs"], **python["runs"]},
        }
    return {**new, "pythons": [pythons[label] for label in sorted(pythons)]}


def _python(python: Environment, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    missing = {name: reason for name in options.contenders if (reason := python.missing(name))}
    rows: dict[str, dict[str, Any]] = {}
    runs: dict[str, dict[str, Any]] = {}
    for row in options.rows:
        present = [name for name in options.contenders if row in CONTENDERS[name].rows and name not in missing]
        names = [name for name in present if CONTENDERS[name].takes_part(row)]
        collected: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
        errors = {name: CONTENDERS[name].cannot[row] for name in present if name not in names}
        begin = time.monotonic()
        for turn in range(options.rounds):
            # Nobody is always first, or always after the same neighbour's leftovers.
            for name in random.Random(turn).sample(names, len(names)):
                if name in errors:
                    continue
                outcome = _one(python, row, name, folder, options.quick)
                if "error" in outcome:
                    errors[name] = outcome["error"]
                else:
                    collected[name].append(outcome["metrics"])
        seconds = time.monotonic() - begin
        print(f"{python.label} {row}: {options.rounds} rounds in {seconds:.0f} s", file=sys.stderr, flush=True)
        rows[row] = {
            name: {"error": errors[name]} if name in errors else _combined(collected[name]) for name in present
        }
        runs[row] = {
            "date": time.strftime("%Y-%m-%d", time.gmtime()),
            "rounds": options.rounds,
            "quick": options.quick,
            "seconds": round(seconds, 1),
        }
    total = sum(run["seconds"] for run in runs.values())
    print(f"{python.label}: {len(runs)} rows in {total / 60:.1f} minutes", file=sys.stderr, flush=True)
    return {
        "label": python.label,
        "version": python.version,
        "compiler": python.compiler,
        "versions": python.versions,
        "missing": missing,
        "rows": rows,
        "runs": runs,
    }


def _one(python: Environment, row: str, name: str, folder: Path, quick: bool) -> dict[str, Any]:
    """Returns what one worker measured, or why it did not."""
    own = Path(tempfile.mkdtemp(prefix=f"{row}-{name}-", dir=folder))
    result = own / "result.json"
    job = Job(row, name, str(own / "run.log"), str(result), quick)
    # Settings of the shell must not change what is measured.
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("UNDERGIRD_", "PYTHON"))}
    command = [str(python.python), *job.arguments()]
    if not quick:
        # What others have written goes to the disk at their cost.
        os.sync()
    try:
        done = subprocess.run(
            command, cwd=own, env=environment, capture_output=True, text=True, check=False, timeout=_LIMIT
        )
        if not result.exists():
            last = done.stderr.strip().splitlines()[-1:] or [f"exit status {done.returncode}"]
            return {"error": f"ended without a result: {last[0]}"}
        outcome: dict[str, Any] = json.loads(result.read_text())
        return outcome
    except subprocess.TimeoutExpired:
        return {"error": f"not finished after {_LIMIT:.0f} s"}
    finally:
        shutil.rmtree(own, ignore_errors=True)


def _combined(rounds: list[dict[str, Any]]) -> dict[str, Any]:
    """Returns median, extremes and sum of each metric over the rounds."""
    metrics: dict[str, dict[str, float] | None] = {}
    for name in rounds[0]:
        values = [one[name] for one in rounds if one[name] is not None]
        metrics[name] = (
            {"median": median(values), "min": min(values), "max": max(values), "sum": sum(values)} if values else None
        )
    return {"metrics": metrics}


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--setup", action="store_true", help="make the environment of each --python, and stop")
    parser.add_argument("--python", type=_executable, action="append", help="an interpreter (repeatable)")
    parser.add_argument("--rows", type=_choice(tuple(ROWS)), default=list(ROWS), help=",".join(ROWS))
    parser.add_argument("--contenders", type=_choice(tuple(CONTENDERS)), default=list(CONTENDERS))
    parser.add_argument("--rounds", type=int, help="default 5; with --quick 1")
    parser.add_argument("--quick", action="store_true", help="just enough to see that everything works")
    parser.add_argument("--json", type=Path, help="put everything measured into this file, beside what it has")
    parser.add_argument("--write", type=Path, help="put the tables between the markers of this page")
    options = parser.parse_args(arguments)
    options.rounds = options.rounds or (1 if options.quick else 5)
    return options


def _choice(allowed: tuple[str, ...]) -> Any:
    def parse(text: str) -> list[str]:
        names = text.split(",")
        for name in names:
            if name not in allowed:
                raise argparse.ArgumentTypeError(f"{name} is none of {', '.join(allowed)}")
        return names

    return parse


def _executable(text: str) -> Path:
    found = shutil.which(text)
    if found is None:
        raise argparse.ArgumentTypeError(f"no such interpreter: {text}")
    # Not resolved: a virtual environment's python is a link, and what it is depends on its place.
    return Path(found).absolute()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
