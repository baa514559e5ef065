"""What `undergird run` says when the program has ended."""

from __future__ import annotations

import atexit
import os
import sys
import time
from collections.abc import Mapping
from typing import Any

from undergird import _core


def begin() -> None:
    """Has the summary written to standard error when this process ends, after all that the program does then.

    That holds if it is called before anything else asks to be called at the end, `logging` included.
    """
    atexit.register(_end, os.getpid(), time.perf_counter())


def _end(pid: int, started: float) -> None:
    if os.getpid() != pid or sys.__stderr__ is None:
        return  # a forked child's end is not the program's
    seconds = time.perf_counter() - started
    try:
        sys.__stderr__.write("".join(f"undergird: {line}\n" for line in _lines(seconds, _calls(), _records())))
        sys.__stderr__.flush()
    except (OSError, ValueError):
        pass  # nobody reads, or the program has closed it


def _calls() -> dict[str, int]:
    """How many calls ended how: `native`, or why they went to the standard library."""
    return {"native": _core.native_calls(), **_core.logging_calls()["fallbacks"]}


def _records() -> dict[str, Any]:
    """What became of the records that went to files of ours, if the program has any."""
    if "undergird.log.run.setup" not in sys.modules:
        return {}
    import undergird

    return undergird.stats()


def _lines(seconds: float, calls: Mapping[str, int], records: Mapping[str, Any]) -> list[str]:
    native = calls["native"]
    others = {reason: count for reason, count in calls.items() if reason != "native" and count}
    lines = [f"{seconds:.3f} s, {native:,} calls ended natively ({native / seconds:,.0f} per second)"]
    if others:
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in sorted(others.items(), key=lambda one: -one[1]))
        lines.append(f"{sum(others.values()):,} calls went to the standard library: {reasons}")
    if records.get("emitted"):
        names = ("emitted", "written", "dropped", "failed")
        lines.append("records: " + ", ".join(f"{records[name]:,} {name}" for name in names))
    return lines
