"""Eight workers into one log of a megabyte, for minutes: nothing grows.

`UNDERGIRD_SOAK_SECONDS` says for how long (300 by default).
"""

from __future__ import annotations

import json
import os
import statistics
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.conftest import Script

SECONDS = float(os.environ.get("UNDERGIRD_SOAK_SECONDS", "300"))

SOAK = """
import json, os, sys, time, warnings
import undergird
warnings.filterwarnings("ignore", category=DeprecationWarning, message=".*fork.*")
undergird.configure("run.log", max_bytes=1_000_000, backup_count=5, names=["process_id"])
log = undergird.get_logger("soak")
end = time.monotonic() + float(sys.argv[1])

def work(who):
    number = 0
    while time.monotonic() < end:
        for _ in range(100):
            log.info("record", who=who, number=number, text="x" * (number % 200))
            number += 1
        time.sleep(0.005)
    done = undergird.flush(60)
    stats = undergird.stats()
    os._exit(not (done and stats["written"] == stats["emitted"] == number))

children = []
for who in range(8):
    if (child := os.fork()) == 0:
        work(who)
    children.append(child)
samples = []
while time.monotonic() < end - 1:
    time.sleep(0.5)
    for child in children:
        with open(f"/proc/{child}/statm") as file:
            pages = int(file.read().split()[1])
        samples.append((child, pages * os.sysconf("SC_PAGE_SIZE"), len(os.listdir(f"/proc/{child}/fd")), len(os.listdir())))
for child in children:
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
print(json.dumps(samples))
"""


@pytest.mark.deep
@pytest.mark.timeout(600 + 2 * SECONDS)
def test_memory_descriptors_and_files_stay_as_they_are(script: Script, tmp_path: Path, ring_dir: Path) -> None:
    done = script(SOAK, str(SECONDS), timeout=300 + 2 * SECONDS)
    samples = json.loads(done.stdout)
    for child in {sample[0] for sample in samples}:
        memory, descriptors = zip(*[sample[1:3] for sample in samples if sample[0] == child], strict=True)
        quarter = max(len(memory) // 4, 1)
        grown = statistics.median(memory[-quarter:]) - statistics.median(memory[quarter : 2 * quarter])
        print(f"memory {memory[0]} to {memory[-1]} bytes, descriptors {min(descriptors)} to {max(descriptors)}")
        assert grown < 2 << 20
        # One more while a directory is read, a log put aside or a neighbour's ring looked at.
        assert max(descriptors) - min(descriptors) < 8
    # The log, five that were put aside, and the lock file.
    assert max(sample[3] for sample in samples) <= 7
    for path in tmp_path.glob("run.log*"):
        assert path.stat().st_size < 1_000_000
        assert all(json.loads(line)["text"].strip("x") == "" for line in path.read_text().splitlines())
    assert list(ring_dir.rglob("*.ring")) == []
