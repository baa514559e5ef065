"""When lines can be read that nobody flushed."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

import loops
from bench import Bench, Metrics


def visible(bench: Bench) -> Metrics:
    """R0: how soon a reader of the file sees ten lines that nobody flushed."""
    contender, scale = bench.contender, bench.scale
    loop = loops.records(contender.enabled, contender.names)
    bench.warm_up()
    bench.expect_all()
    times: list[float] = []
    never = 0
    script = Path(__file__).with_name("tail.py")
    command = [sys.executable, str(script), str(bench.path), str(scale.visible_limit)]
    phase = random.Random(bench.scale.trials)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdin is not None
        assert reader.stdout is not None
        for _ in range(scale.trials):
            # A writer that wakes up now and then must be met at any point of its sleep.
            time.sleep(phase.uniform(0.0, 0.03))
            rows = bench.next_rows(10)
            print(bench.logged, file=reader.stdin, flush=True)
            reader.stdout.readline()
            with bench.measured():
                loop(rows)
                returned = time.monotonic_ns()
                answer = reader.stdout.readline().strip()
            if answer == "never":
                never += 1
                contender.flush()
            else:
                times.append(max(0, int(answer) - returned) / 1e6)
            if never == 2:
                break
        reader.stdin.close()
    return {
        "visible_ms": median(times) if times else None,
        "visible_max_ms": max(times) if times else None,
        "never": never,
        "trials": never + len(times),
    }
