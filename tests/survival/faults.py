"""Scripts under which something fails, and what must be in the file."""

from __future__ import annotations

import json
from pathlib import Path

BEGIN = """
import contextlib, os, resource, shutil, signal, sys, time
import undergird

def limit(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

@contextlib.contextmanager
def no_descriptors():
    held = []
    with contextlib.suppress(OSError):
        while True:
            held.append(os.open("/dev/null", os.O_RDONLY))
    yield
    while held:
        os.close(held.pop())

def put_away():
    os.rename("logs/run.log", "kept.log")

def balanced():
    stats = undergird.stats()
    for one in (stats, *stats["sinks"].values()):
        assert one["emitted"] == one["written"] + one["dropped"] + one["failed"] + one["in_flight"], stats
    return stats

def until(condition):
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, undergird.stats()
        time.sleep(0.002)

def work(begin, end):
    for number in range(begin, end):
        log.info("record", number=number)

resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))
os.mkdir("logs")
undergird.configure("logs/run.log")
log = undergird.get_logger("faults")
"""


def numbers(path: Path) -> list[int]:
    text = path.read_bytes()
    assert text.endswith(b"\n")
    return [json.loads(line)["number"] for line in text.split(b"\n")[:-1]]
