"""How long single calls take: the rows of latencies."""

from __future__ import annotations

import subprocess
import sys
import time
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import loops
from bench import Bench, Metrics

_SLOW = 1_000_000  # ns: the stall that row W7p counts


def back_to_back(bench: Bench) -> Metrics:
    """W7: single calls, back to back."""
    count = bench.scale.calls
    loop = loops.latencies(bench.contender.enabled, bench.contender.names)
    bench.warm_up()
    out = array("Q", bytes(8 * count))
    with bench.measured():
        loop(bench.next_rows(count), out, time.perf_counter_ns)
        bench.contender.flush()
    bench.expect_all()
    return {**_percentiles(out), **_clock_alone(count)}


def paced(bench: Bench) -> Metrics:
    """W7p: single calls at a steady pace, while another process writes and syncs a large file."""
    count, period = bench.scale.paced_calls, bench.scale.period
    loop = loops.paced(bench.contender.enabled, bench.contender.names)
    bench.warm_up()
    out = array("Q", bytes(8 * count))
    with _noise(bench.path.with_name(bench.path.name + ".noise")), bench.measured():
        loop(bench.next_rows(count), out, time.perf_counter_ns, period)
        bench.contender.flush()
    bench.expect_all()
    return {**_percentiles(out), **_clock_alone(count)}


def _percentiles(out: array[int]) -> Metrics:
    ordered = sorted(out)
    last = len(ordered) - 1
    return {
        "p50_ns": ordered[round(last * 0.5)],
        "p99_ns": ordered[round(last * 0.99)],
        "p999_ns": ordered[round(last * 0.999)],
        "max_ns": ordered[-1],
        "slow": sum(1 for one in ordered if one > _SLOW),
        "calls": len(ordered),
    }


def _clock_alone(count: int) -> Metrics:
    """What the loop measures when it times nothing: it is contained in every latency."""
    out = array("Q", bytes(8 * count))
    loops.latencies("pass", {})(loops.THREE.rows(0, count), out, time.perf_counter_ns)
    alone = _percentiles(out)
    return {f"clock_{name}": alone[name] for name in ("p50_ns", "p99_ns", "p999_ns")}


@contextmanager
def _noise(path: Path) -> Iterator[None]:
    script = Path(__file__).with_name("noise.py")
    command = [sys.executable, str(script), str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield
        finally:
            process.stdin.close()
