"""More is logged than can be written: counted at every moment, by the process and by who looks at it from outside."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import DEEP
from tests.survival.beside import child, go_on
from tests.survival.conftest import until

from undergird.log.run.doctor import examine

LOOKS = 20_000 if DEEP else 1000
SECONDS = 60.0 if DEEP else 3.0

BEGIN = """
    import json, sys, threading
    import undergird
    stop = threading.Event()

    def until_told_to_stop(threads):
        for thread in threads:
            thread.start()
        print("busy", flush=True)
        sys.stdin.readline()
        stop.set()
        for thread in threads:
            thread.join()
        assert undergird.flush(60)

    def say(what):
        print(json.dumps(what()), flush=True)
        sys.stdin.readline()
        assert undergird.flush(60)
"""

# Three threads, records and rows, into two files, of which the second gets the warnings only.
BUSY = (
    BEGIN
    + """
    ring_size, overload = int(sys.argv[1]), sys.argv[2]
    sinks = [undergird.FileSink("warnings.log", level="WARNING")]
    undergird.configure("run.log", sinks=sinks, ring_size=ring_size, overload=overload)
    log = undergird.get_logger("busy")
    log.warning("begun")

    def work(thread):
        number = 0
        while not stop.is_set():
            number += 1
            if number % 50 == 0:
                log.many("rows", number=list(range(20)))
            elif number % 7 == 0:
                log.warning("x", thread=thread, number=number)
            else:
                log.info("x", thread=thread, number=number)

    threads = [threading.Thread(target=work, args=(thread,)) for thread in range(3)]
    until_told_to_stop(threads)
    for _ in range(2):
        say(lambda: undergird.stats()["sinks"])
"""
)


def seen(rings: Path) -> dict[str, Any]:
    """What `undergird doctor --json` says of each file of the only ring, as it says it."""
    (ring,) = json.loads(json.dumps(examine(rings)))["rings"]
    assert ring["alive"]
    sinks: dict[str, Any] = ring["sinks"]
    return sinks


def balances(counts: dict[str, Any]) -> bool:
    return bool(counts["emitted"] == sum(counts[key] for key in ("written", "dropped", "failed", "in_flight")))


class Missed:
    """How many records a log says that it misses, read on from where the last look ended."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._read = self._count = 0

    def count(self) -> int:
        with self._log.open("rb") as lines:
            lines.seek(self._read)
            for line in lines:
                if not line.endswith(b"\n"):
                    break
                self._read += len(line)
                if b'"logger_name":"undergird"' in line:
                    self._count += json.loads(line)["dropped"]
        return self._count


def looks(ring_size: int, overload: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, int]]:
    """Looks very often at a process that logs at full speed; its counts in the end."""
    rings = tmp_path / "rings"
    rings.mkdir()
    monkeypatch.setenv("UNDERGIRD_RING_DIR", str(rings))
    with child(BUSY, str(ring_size), overload, cwd=tmp_path) as (stdin, stdout):
        assert stdout.readline() == "busy\n"
        last: dict[str, int] = {}
        with (tmp_path / ".run.log.lock").open("r+b") as lock:
            for number in range(LOOKS):
                # For a third of the time nothing can be written.
                if number % 30 in (20, 0):
                    fcntl.flock(lock, fcntl.LOCK_EX if number % 30 else fcntl.LOCK_UN)
                found = seen(rings)
                for path, counts in found.items():
                    assert balances(counts), (path, counts)
                    assert counts["emitted"] >= last.get(path, 0)
                    last[path] = counts["emitted"]
            fcntl.flock(lock, fcntl.LOCK_UN)
        go_on(stdin)
        stdout.readline()
        missed = {path: Missed(Path(path)) for path in last}
        until(lambda: all(missed[path].count() == counts["dropped"] for path, counts in seen(rings).items()))
        # What was refused has been told of: from here on nothing happens any more.
        go_on(stdin)
        own: dict[str, dict[str, int]] = json.loads(stdout.readline())
        assert seen(rings) == own
        for path, counts in own.items():
            assert counts["in_flight"] == 0
            with Path(path).open("rb") as log:
                assert sum(1 for _ in log) == counts["written"]
        go_on(stdin)
    assert set(own) == {str(tmp_path / "run.log"), str(tmp_path / "warnings.log")}
    return own


def test_every_look_from_outside_balances_while_records_are_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = looks(1 << 16, "drop_newest", tmp_path, monkeypatch)
    assert own[str(tmp_path / "run.log")]["dropped"] > 1000
    assert own[str(tmp_path / "warnings.log")]["dropped"] > 100


def test_every_look_from_outside_balances_while_calls_wait_for_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks(1 << 18, "block", tmp_path, monkeypatch)


# Four threads, into a pipe; each moment is counted by the process itself too.
PIPED = (
    BEGIN
    + """
    undergird.configure("pipe", ring_size=1 << 20, overload=sys.argv[1])
    log = undergird.get_logger("faster")
    done = [0] * 4

    def work(thread):
        while not stop.is_set():
            log.info("x", thread=thread, number=done[thread], text="~" * 50)
            done[thread] += 1

    def check():
        while not stop.wait(0.001):
            found = undergird.stats()
            assert found["emitted"] == sum(found[key] for key in ("written", "dropped", "failed", "in_flight")), found
            checked.append(found["in_flight"])

    checked = []
    threads = [threading.Thread(target=work, args=(thread,)) for thread in range(4)]
    threads.append(threading.Thread(target=check))
    until_told_to_stop(threads)
    for _ in range(2):
        say(lambda: {"called": sum(done), "counts": list(undergird.stats()["sinks"].values()), "checked": len(checked)})
"""
)


class SlowReader(threading.Thread):
    """Reads a pipe, at first far too slowly; keeps how many lines there were, and those of ours."""

    def __init__(self, pipe: Path) -> None:
        super().__init__()
        # For writing too, so that it does not end when nobody else has it open.
        self.pipe = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)
        self.hurry, self.end = threading.Event(), threading.Event()
        self.lines = 0
        self.told: list[dict[str, Any]] = []

    def run(self) -> None:
        rest = b""
        while True:
            ended = self.end.is_set()
            with contextlib.suppress(BlockingIOError):
                *lines, rest = (rest + os.read(self.pipe, 1 << 15)).split(b"\n")
                self.lines += len(lines)
                self.told += [json.loads(line) for line in lines if b'"undergird"' in line]
                ended = False
            if ended:
                break
            # At most 3 MB a second.
            self.hurry.wait(0.01)
        assert rest == b""
        os.close(self.pipe)


def resident(pid: int) -> int:
    """Bytes of a process in memory."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE")


@pytest.mark.parametrize("overload", ["block", "drop_newest"])
def test_a_reader_slower_than_the_program_costs_no_memory_and_everything_is_counted(
    overload: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rings = tmp_path / "rings"
    rings.mkdir()
    monkeypatch.setenv("UNDERGIRD_RING_DIR", str(rings))
    os.mkfifo(tmp_path / "pipe")
    reader = SlowReader(tmp_path / "pipe")
    reader.start()
    memory = []
    with child(PIPED, overload, cwd=tmp_path) as (stdin, stdout):
        assert stdout.readline() == "busy\n"
        pid = json.loads(json.dumps(examine(rings)))["rings"][0]["pid"]
        begun = time.monotonic()
        while time.monotonic() - begun < SECONDS:
            (counts,) = seen(rings).values()
            assert balances(counts), counts
            memory.append(resident(pid))
            time.sleep(0.01)
        # It was slower: the ring is full.
        assert counts["in_flight"] > 1000
        reader.hurry.set()
        go_on(stdin)
        stdout.readline()
        # What was told last was told when nothing was logged any more.
        until(
            lambda: [sum(line["dropped"] for line in reader.told)] == [one["dropped"] for one in seen(rings).values()]
        )
        go_on(stdin)
        end = json.loads(stdout.readline())
        (counts,) = seen(rings).values()
        assert [counts] == end["counts"]
        go_on(stdin)
    reader.end.set()
    reader.join(60)
    assert not reader.is_alive()
    assert counts["in_flight"] == counts["failed"] == 0
    dropped = sum(line["dropped"] for line in reader.told)
    assert dropped == counts["dropped"]
    assert (dropped > 0) == (overload == "drop_newest")
    assert reader.lines == end["called"] - counts["dropped"] + len(reader.told)
    warm = memory[len(memory) // 3]
    assert max(memory) - warm < 2 << 20, memory
    print(
        f"{overload}: {end['called']:,} calls, {dropped:,} dropped, told in {len(reader.told)} lines; balanced in "
        f"{end['checked']:,} looks from inside and {len(memory):,} from outside; "
        f"{warm / 2**20:.1f} MiB, in the end {memory[-1] / 2**20:.1f} MiB"
    )
