"""Checks the demo's files by reading them back: nothing missing, nothing twice, nothing out of order."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from undergird.testing.demo.results import Check

SAMPLE = 1000
"""Every so many lines, the files of the contenders are compared field by field."""


def json_reader() -> Callable[[bytes], Any]:
    """The fastest JSON parser that is installed: orjson's, else the standard library's."""
    if find_spec("orjson") is not None:
        import orjson

        read: Callable[[bytes], Any] = orjson.loads
        return read
    return json.loads


class ReplayError(ValueError):
    """A log does not tell the run that it should; carries the number of the line, from 1."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line}: {reason}")
        self.line = line


def replay(lines: Iterator[bytes], agents: NDArray[np.int64], swaps: Sequence[int]) -> NDArray[np.int64]:
    """Builds the final tissue from the first one and the log alone.

    Every line is parsed, and an exchange is carried out only if the cells are neighbours who are where the log says.

    Args:
        lines: The lines of the log.
        agents: The cells before the first step (int64, shape ``(height, width)``).
        swaps: The number of exchanges in each step.

    Returns:
        The cells after the last step, in the shape of `agents`.

    Raises:
        ReplayError: A line is missing, torn, repeated, out of order, or not what the simulation did.
    """
    read = json_reader()
    width = agents.shape[1]
    cells = agents.ravel().tolist()
    place = np.argsort(agents, axis=None).tolist()
    number = 0
    for step, expected in enumerate(swaps, start=1):
        for _ in range(expected):
            number += 1
            event = _event(read, lines, number, step)
            try:
                agent, partner = event["agent"], event["partner"]
                source, target = place[agent], place[partner]
                if target != event["y"] * width + event["x"]:
                    raise ReplayError(number, f"cell {partner} is not at the place that cell {agent} moved to")
            except (KeyError, IndexError, TypeError) as error:
                raise ReplayError(number, f"not an exchange: {event}") from error
            cells[source], cells[target] = partner, agent
            place[agent], place[partner] = target, source
        number += 1
        event = _event(read, lines, number, step)
        if event.get("swaps") != expected:
            raise ReplayError(number, f"not the end of step {step}: {event}")
    if next(lines, None) is not None:
        raise ReplayError(number + 1, "one line too many")
    return np.array(cells, dtype=np.int64).reshape(agents.shape)


def _event(read: Callable[[bytes], Any], lines: Iterator[bytes], number: int, step: int) -> dict[str, Any]:
    line = next(lines, None)
    if line is None:
        raise ReplayError(number, "missing")
    try:
        event = read(line)
    except ValueError as error:
        raise ReplayError(number, f"not JSON: {line[:80]!r}") from error
    if not isinstance(event, dict) or event.get("step") != step:
        raise ReplayError(number, f"not of step {step}: {line[:80]!r}")
    return event


def replay_check(path: Path, before: NDArray[np.int64], after: NDArray[np.int64], swaps: Sequence[int]) -> Check:
    """Whether the log at `path` leads from the tissue `before` to the one `after`."""
    what = "the log replayed, line by line, gives the final tissue cell for cell"
    try:
        with path.open("rb") as lines:
            built = replay(iter(lines), before, swaps)
    except ReplayError as error:
        return Check(what, passed=False, detail=str(error))
    return Check(what, passed=np.array_equal(built, after))


def line_check(name: str, path: Path, records: int) -> tuple[Check, list[dict[str, Any]]]:
    """Whether a file holds one whole line for each record, and every thousandth of them, without what may differ.

    The time may differ, and how the level and the message are named.
    """
    read = json_reader()
    lines, sample, whole = 0, [], True
    with path.open("rb") as file:
        for lines, line in enumerate(file, start=1):
            whole = line.endswith(b"\n")
            if lines % SAMPLE == 1:
                sample.append(_same(read(line)))
    found = lines if whole else lines - 1
    return Check(f"{name} has one line for each record", found == records, f"{found:,} of {records:,}"), sample


def _same(event: dict[str, Any]) -> dict[str, Any]:
    event = dict(event)
    event["message"] = event.pop("event", None) or event.get("message")
    event["level"] = str(event.get("level")).upper()
    event["timestamp"] = len(event.get("timestamp", "")) > 0
    return event
