"""`undergird run`: an unmodified program, run by the interpreter itself, with native loggers."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, NoReturn

# The interpreter imports the `sitecustomize` that it finds there before it runs the program.
STARTUP = Path(__file__).with_name("startup")


class Cost(NamedTuple):
    """What a run took, in seconds."""

    wall: float
    cpu: float


def can_run() -> bool:
    """Whether an interpreter with this one's options would load what makes loggers native."""
    return not (sys.flags.ignore_environment or sys.flags.no_site)


def run(program: Sequence[str]) -> NoReturn:
    """Becomes the interpreter that runs a program: what it does it does as under `python`, and with its exit status.

    Args:
        program: What would stand behind `python`: a script or `-m` and a module, and the program's arguments.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(sys.executable, _command(program), _environment())


def compare(program: Sequence[str]) -> int:
    """Runs a program with native loggers, then on the standard library alone, and says on standard error what it took.

    Args:
        program: As for `run`. It is run twice: what it writes, it writes twice. It finds its standard input empty.

    Returns:
        The exit status of the first run; of one that a signal has ended 128 and the signal's number.
    """
    status, ours = _measure(program, _environment())
    print("undergird: the same on the standard library alone", file=sys.stderr, flush=True)
    _, theirs = _measure(program, dict(os.environ))
    print(_difference(ours, theirs), file=sys.stderr, flush=True)
    return status


def _command(program: Sequence[str]) -> list[str]:
    options = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
    return [sys.executable, *options, *program]


def _environment() -> dict[str, str]:
    path = os.environ.get("PYTHONPATH")
    return {**os.environ, "PYTHONPATH": f"{STARTUP}{os.pathsep}{path}" if path else str(STARTUP)}


def _measure(program: Sequence[str], environment: dict[str, str]) -> tuple[int, Cost]:
    used, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(_command(program), env=environment, stdin=subprocess.DEVNULL, check=False)
    wall, now = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime
    return done.returncode if done.returncode >= 0 else 128 - done.returncode, Cost(wall, cpu)


def _difference(ours: Cost, theirs: Cost) -> str:
    less = theirs.wall - ours.wall
    return (
        f"undergird: {ours.wall:.3f} s ({ours.cpu:.3f} s of CPU) with native loggers, "
        f"{theirs.wall:.3f} s ({theirs.cpu:.3f} s) on the standard library alone: "
        f"{abs(less):.3f} s {'less' if less >= 0 else 'more'} ({abs(less) / theirs.wall:.0%})"
    )
