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
        burst: W3, records of a burst: small enough to fit into any buffer between caller and file.
        bursts: W3, at most this many.
        burst_time: W3, no new burst after this time.
        sustained: W5, records.
        calls: W7, calls.
        paced_calls: W7p, calls.
        period: W7p, from call to call.
        trials: R0, at most this many.
        visible_limit: R0, how long the reader waits before it says "never".
    """

    warm_up: int = 1024
    disabled_calls: int = 200_000
    samples: int = 9
    burst: int = 1024
    bursts: int = 200
    burst_time: float = 1.5
    sustained: int = 1_000_000
    calls: int = 200_000
    paced_calls: int = 250_000
    period: int = 20_000
    trials: int = 20
    visible_limit: float = 1.0


FULL = Scale()
QUICK = Scale(
    warm_up=64,
    disabled_calls=5_000,
    samples=3,
    burst=256,
    bursts=10,
    burst_time=0.2,
    sustained=10_000,
    calls=2_000,
    paced_calls=2_000,
    trials=2,
)
