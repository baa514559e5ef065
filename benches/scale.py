"""How much of everything one worker does."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scale:
    """Sizes of the rows; durations in seconds, periods in nanoseconds.

    Args:
        warm_up: Records logged before anything is timed.
        disabled_calls: W1, calls per sample.
        samples: W1, samples.
        burst: W3 and its like, records of a burst: small enough to fit into any buffer between caller and file.
        bursts: The same, at most this many.
        burst_time: The same, no new burst after this time.
        sustained: W5, W6, records, of all threads together.
        sustained_time: W5, W6, none after this time: the slow need not do all of them.
        chunk: W5, W6, records between looks at the clock.
        rows: W9, rows of a call.
        rows_apart: W9, records of those that have no such call.
        batches: W9, calls.
        calls: W7, calls.
        paced_calls: W7p, calls.
        period: W7p, from call to call.
        rotate_at: Bytes of a file, for those that rotate.
        trials: R0, at most this many.
        visible_limit: R0, how long the reader waits before it says "never".
    """

    warm_up: int = 1024
    disabled_calls: int = 200_000
    samples: int = 9
    burst: int = 1024
    bursts: int = 2_000
    burst_time: float = 0.4
    sustained: int = 1_000_000
    sustained_time: float = 1.5
    chunk: int = 2_000
    rows: int = 100_000
    rows_apart: int = 10_000
    batches: int = 3
    calls: int = 100_000
    paced_calls: int = 100_000
    period: int = 20_000
    rotate_at: int = 5_000_000
    trials: int = 10
    visible_limit: float = 1.0


FULL = Scale()
QUICK = Scale(
    warm_up=64,
    disabled_calls=5_000,
    samples=3,
    burst=256,
    bursts=10,
    burst_time=0.2,
    sustained=8_000,
    chunk=500,
    rows=1_000,
    rows_apart=500,
    batches=1,
    calls=2_000,
    paced_calls=2_000,
    rotate_at=100_000,
    trials=2,
)
