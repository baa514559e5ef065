"""Scripts whose writers number what they log, and what must be in the file."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

BEGIN = """
    import ctypes, itertools, os, platform, signal, sys, threading, time, warnings
    import undergird
    warnings.filterwarnings("ignore", category=DeprecationWarning, message=".*fork.*")
    undergird.configure("run.log")
    log = undergird.get_logger("forks")
    def work(who, count):
        for number in range(count):
            log.info("record %d", number, who=who, number=number)
"""


def read(path: Path) -> dict[str, list[int]]:
    """The numbers of each writer in the order of the file; all lines must be whole."""
    data = path.read_bytes()
    assert data.endswith(b"\n")
    found: dict[str, list[int]] = defaultdict(list)
    for line in data.split(b"\n")[:-1]:
        record = json.loads(line)
        found[record["who"]].append(record["number"])
    return dict(found)


def complete(path: Path, **counts: int) -> None:
    found = read(path)
    assert {who: len(those) for who, those in found.items()} == counts
    for who, those in found.items():
        assert those == list(range(counts[who])), f"{who}: lost, doubled or out of order"
