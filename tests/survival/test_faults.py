"""What fails under a running program and comes right again: nothing is raised, everything is counted, and writing goes
on by itself."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.conftest import Script

BEGIN = """
import contextlib, os, resource, shutil, signal, sys, time
import undergird

def limit(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

def exhaust():
    held = []
    with contextlib.suppress(OSError):
        while True:
            held.append(os.open("/dev/null", os.O_RDONLY))
    return held

def release(held):
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

# What happens, what ends it, and whether it takes what was written before along.
FAULTS = {
    "a disk that is full in the middle of a line": (
        "limit(os.path.getsize('logs/run.log') + 1000)",
        "limit(resource.RLIM_INFINITY)",
        False,
    ),
    "a device that is full": (
        "put_away(); os.symlink('/dev/full', 'logs/run.log')",
        "os.unlink('logs/run.log'); os.rename('kept.log', 'logs/run.log')",
        False,
    ),
    "a directory that may not be written": (
        """
        put_away()
        os.chmod("logs", 0o555)
        if os.geteuid() == 0:
            os.seteuid(65534)
        """,
        "os.seteuid(os.getuid()); os.chmod('logs', 0o755); os.rename('kept.log', 'logs/run.log')",
        False,
    ),
    "a directory that is deleted": ("shutil.rmtree('logs')", "os.mkdir('logs')", True),
    "a directory that is moved away": ("os.rename('logs', 'moved')", "os.rename('moved', 'logs')", False),
    "a directory in its place": (
        "put_away(); os.mkdir('logs/run.log')",
        "os.rmdir('logs/run.log'); os.rename('kept.log', 'logs/run.log')",
        False,
    ),
    "descriptors of the log that are closed and none to be had": (
        """
        for number in os.listdir("/proc/self/fd"):
            with contextlib.suppress(OSError):
                if "/logs/" in os.readlink(f"/proc/self/fd/{number}"):
                    os.close(int(number))
        held = exhaust()
        """,
        "release(held)",
        False,
    ),
}


def numbers(path: Path) -> list[int]:
    text = path.read_bytes()
    assert text.endswith(b"\n")
    return [json.loads(line)["number"] for line in text.split(b"\n")[:-1]]


@pytest.fixture
def public() -> Iterator[Path]:
    """A directory in which another user finds the way, as not in pytest's own."""
    with tempfile.TemporaryDirectory(prefix="undergird-tests-") as directory:
        Path(directory).chmod(0o755)
        yield Path(directory)


def indented(source: str) -> str:
    lines = source.strip("\n").splitlines()
    margin = len(lines[0]) - len(lines[0].lstrip())
    return "\n".join(line[margin:] for line in lines)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_program_does_not_notice_and_loses_nothing_by(
    fault: str, script: Script, public: Path, ring_dir: Path
) -> None:
    happens, ends, takes = FAULTS[fault]
    done = script(
        f"""
import os
os.chdir({str(public)!r})
{BEGIN}
work(0, 100)
assert undergird.flush(30)
{indented(happens)}
work(100, 2000)
assert undergird.flush(0.1) is False
stats = balanced()
assert stats["in_flight"] == 1900, stats
assert all(sink["error"] for sink in stats["sinks"].values()), stats
{indented(ends)}
# By itself, without being asked to.
until(lambda: undergird.stats()["in_flight"] == 0)
work(2000, 2100)
assert undergird.flush(30)
stats = balanced()
assert stats["written"] == 2100, stats
assert not any(sink.get("error") for sink in stats["sinks"].values()), stats
"""
    )
    assert done.stderr == ""
    assert numbers(public / "logs" / "run.log") == list(range(100 if takes else 0, 2100))


def test_a_full_disk_costs_what_does_not_fit_into_the_ring_and_that_is_counted(
    script: Script, tmp_path: Path, ring_dir: Path
) -> None:
    done = script(
        f"""{BEGIN}
undergird.configure("logs/run.log", ring_size=1 << 16, overload="drop_newest")
work(0, 100)
assert undergird.flush(30)
limit(os.path.getsize("logs/run.log") + 1000)
work(100, 20_000)
stats = balanced()
assert stats["dropped"] > 10_000, stats
limit(resource.RLIM_INFINITY)
until(lambda: undergird.stats()["in_flight"] == 0)
log.info("record", number=20_000)
assert undergird.flush(30)
stats = balanced()
assert stats["written"] + stats["dropped"] == stats["emitted"], stats
print(stats["dropped"])
"""
    )
    assert done.stderr == ""
    lines = [json.loads(line) for line in (tmp_path / "logs" / "run.log").read_text().splitlines()]
    kept = [line["number"] for line in lines if "number" in line]
    assert kept == [*range(len(kept) - 1), 20_000], "what was logged first is kept"
    said = sum(line["dropped"] for line in lines if "dropped" in line)
    assert 20_001 - len(kept) == int(done.stdout) == said


def test_a_log_that_is_always_full_keeps_a_program_from_nothing(script: Script, ring_dir: Path) -> None:
    done = script(
        f"""{BEGIN}
undergird.configure("/dev/full")
work(0, 1000)
assert undergird.flush(0.1) is False
stats = balanced()
assert (stats["in_flight"], stats["written"]) == (1000, 0), stats
assert undergird.shutdown(0.1) is False
# Nobody will ever read them.
os.unlink(stats["ring"])
os._exit(0)
"""
    )
    assert done.stderr == ""


def test_a_file_as_large_as_the_process_may_make_it_raises_nothing_with_sync(script: Script, tmp_path: Path) -> None:
    done = script(
        f"""{BEGIN}
undergird.configure("logs/run.log", sync=True)
work(0, 10)
limit(os.path.getsize("logs/run.log"))
work(10, 20)
assert balanced()["in_flight"] == 10
limit(resource.RLIM_INFINITY)
work(20, 30)
assert undergird.flush(30)
"""
    )
    assert done.stderr == ""
    assert numbers(tmp_path / "logs" / "run.log") == list(range(30))


BROKEN = {
    "closed": "os.close(2)",
    "none": "sys.stderr = None",
    "a pipe without a reader": "r, w = os.pipe(); os.dup2(w, 2); os.close(r); os.close(w)",
    "full": "full = os.open('/dev/full', os.O_WRONLY); os.dup2(full, 2)",
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_console_that_is(what: str, script: Script, tmp_path: Path, ring_dir: Path) -> None:
    done = script(
        f"""{BEGIN}
undergird.configure("logs/run.log", console=True)
{BROKEN[what]}
work(0, 1000)
assert undergird.flush(30)
stats = balanced()
assert stats["written"] == 1000, stats
assert stats["console_failed"] == 1000, stats
os._exit(0)
"""
    )
    assert done.stderr == ""
    assert numbers(tmp_path / "logs" / "run.log") == list(range(1000))


@pytest.mark.parametrize("number", [0, 1, 2])
def test_what_is_printed_to_a_closed_stream_lands_in_no_file_of_ours(
    number: int, script: Script, tmp_path: Path, ring_dir: Path
) -> None:
    done = script(
        f"""{BEGIN}
import threading
went_through, done = 0, False
def print_on():
    global went_through
    while not done:
        with contextlib.suppress(OSError):
            went_through += os.write({number}, b"printed\\n")
printing = threading.Thread(target=print_on, daemon=True)
os.close({number})
undergird.configure("logs/run.log", max_bytes=500, ring_size=1 << 20)
printing.start()
work(0, 1000)
log.info("large", number=1000, text="x" * (2 << 20))
assert undergird.flush(30)
done = True
printing.join()
assert went_through == 0
"""
    )
    assert done.stderr == ""
    files = sorted((tmp_path / "logs").iterdir())
    assert sum(len(numbers(file)) for file in files if "run.log" in file.name and ".lock" not in file.name) == 1001


def test_a_pipe_whose_reader_is_slow_gets_every_line_whole(script: Script, tmp_path: Path, ring_dir: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    done = script(
        f"""{BEGIN}
import threading
undergird.configure("pipe", ring_size=1 << 20)
read = []
def slowly():
    with open("pipe", "rb", buffering=0) as pipe:
        while b"last" not in b"".join(read[-2:]):
            read.append(pipe.read(3000))
            time.sleep(0.001)
reader = threading.Thread(target=slowly)
reader.start()
work(0, 3000)
log.info("last", number=3000)
reader.join()
balanced()
with open("read.log", "wb") as file:
    file.write(b"".join(read))
"""
    )
    assert done.stderr == ""
    assert numbers(tmp_path / "read.log") == list(range(3001))


# --- too many open files ------------------------------------------------------------------------------------------------


def test_without_descriptors_configure_says_so(script: Script, tmp_path: Path, ring_dir: Path) -> None:
    script(
        f"""{BEGIN}
undergird.LogFileError  # Loaded while there are some.
undergird.shutdown()
held = exhaust()
try:
    undergird.configure("logs/other.log")
except undergird.LogFileError as error:
    said = str(error)
release(held)
assert "logs/other.log" in said and "Too many open files" in said, said
undergird.configure("logs/other.log")
work(0, 10)
"""
    )
    assert numbers(tmp_path / "logs" / "other.log") == list(range(10))


def test_without_descriptors_a_log_is_not_put_aside_until_there_are_some(
    script: Script, tmp_path: Path, ring_dir: Path
) -> None:
    script(
        f"""{BEGIN}
undergird.configure("logs/run.log", max_bytes=20_000)
work(0, 10)
assert undergird.flush(30)
held = exhaust()
work(10, 1000)
undergird.flush(0.1)
release(held)
until(lambda: undergird.stats()["in_flight"] == 0)
work(1000, 2000)
"""
    )
    order = sorted(tmp_path.glob("logs/run.log*"), key=lambda path: -int(path.suffix[1:].replace("log", "0")))
    assert [number for path in order for number in numbers(path)] == list(range(2000))
    assert len(order) > 5


def test_without_descriptors_a_child_writes_all_the_same(script: Script, tmp_path: Path, ring_dir: Path) -> None:
    script(
        f"""{BEGIN}
work(0, 100)
assert undergird.flush(30)
if (child := os.fork()) == 0:
    held = exhaust()
    work(100, 1100)
    os._exit(not undergird.flush(30))
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""
    )
    assert numbers(tmp_path / "logs" / "run.log") == list(range(1100))


def test_what_a_dead_process_left_is_recovered_when_there_are_descriptors_again(
    script: Script, tmp_path: Path, ring_dir: Path
) -> None:
    script(
        f"""{BEGIN}
import fcntl
work(0, 100)
assert undergird.flush(30)
lock = open("logs/.run.log.lock", "r+b")
fcntl.flock(lock, fcntl.LOCK_EX)
if (child := os.fork()) == 0:
    work(100, 1100)
    os.kill(os.getpid(), signal.SIGKILL)
os.waitpid(child, 0)
held = exhaust()
fcntl.flock(lock, fcntl.LOCK_UN)
time.sleep(0.6)  # Long enough for the look around, which finds nothing.
release(held)
until(lambda: undergird.stats()["recovered"] == 1000)
"""
    )
    assert numbers(tmp_path / "logs" / "run.log") == list(range(1100))


# --- descriptors that somebody closes ---------------------------------------------------------------------------------


def test_descriptors_that_are_closed_again_and_again_cost_nothing(
    script: Script, tmp_path: Path, ring_dir: Path
) -> None:
    script(
        f"""{BEGIN}
number = 0
for _ in range(60):
    begin, number = number, number + 200
    work(begin, number)
    os.closerange(3, 100)
    work(number, number + 50)
    number += 50
assert undergird.flush(30)
balanced()
print(number)
"""
    )
    assert numbers(tmp_path / "logs" / "run.log") == list(range(15_000))


def test_what_a_signals_handler_raises_is_not_lost_where_the_ring_is_full(script: Script, ring_dir: Path) -> None:
    script(
        f"""{BEGIN}
class Done(Exception):
    pass
def handler(*_):
    raise Done
undergird.configure("/dev/full", ring_size=1 << 16)
signal.signal(signal.SIGALRM, handler)
work(0, 2000)
for _ in range(30):
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    try:
        # Long after the signal.
        work(0, 1_000_000)
        raise AssertionError("lost")
    except Done:
        pass
os.unlink(undergird.stats()["ring"])
os._exit(0)
"""
    )
