"""The rows of the table, each measured in a process of its own, for one contender."""

from __future__ import annotations

from collections.abc import Callable

import calls
import latency
import throughput
import visible
from bench import Bench, Metrics

ROWS: dict[str, Callable[[Bench], Metrics]] = {
    "W1": calls.disabled,
    "W1d": calls.disabled_text,
    "W2": calls.textual,
    "W3": calls.bursts,
    "W4": calls.bound,
    "W4x": calls.surrounded,
    "W4c": calls.placed,
    "W5": throughput.sustained,
    "W6": throughput.threaded,
    "W7": latency.back_to_back,
    "W7p": latency.paced,
    "W8": calls.excepting,
    "W9": throughput.numbers,
    "W9s": throughput.texts,
    "W10": calls.accompanied,
    "W11": calls.synchronous,
    "R0": visible.visible,
}
