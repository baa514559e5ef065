"""What fails under a running program and comes right again: nothing is raised, everything is counted, and writing goes
on by itself."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.survival.faults import BEGIN, numbers

if TYPE_CHECKING:
    from tests.conftest import Script

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
        held = contextlib.ExitStack()
        held.enter_context(no_descriptors())
        """,
        "held.close()",
        False,
    ),
}


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
