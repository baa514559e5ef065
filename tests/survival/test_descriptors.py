"""Descriptors that are not to be had, and descriptors that the program closes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.survival.faults import BEGIN, numbers

if TYPE_CHECKING:
    from tests.conftest import Script


def test_without_descriptors_configure_says_so(script: Script, tmp_path: Path, ring_dir: Path) -> None:
    script(
        f"""{BEGIN}
undergird.LogFileError  # Loaded while there are some.
undergird.shutdown()
with no_descriptors():
    try:
        undergird.configure("logs/other.log")
    except undergird.LogFileError as error:
        said = str(error)
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
with no_descriptors():
    work(10, 1000)
    undergird.flush(0.1)
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
    with no_descriptors():
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
from undergird import _core
work(0, 100)
assert undergird.flush(30)
lock = open("logs/.run.log.lock", "r+b")
fcntl.flock(lock, fcntl.LOCK_EX)
if (child := os.fork()) == 0:
    work(100, 1100)
    os.kill(os.getpid(), signal.SIGSTOP)
os.waitpid(child, os.WUNTRACED)
with no_descriptors():
    # Dead only now: nobody has begun to recover what it left.
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    fcntl.flock(lock, fcntl.LOCK_UN)
    try:
        _core.recover_rings(os.path.dirname(undergird.stats()["ring"]))
    except OSError as error:
        assert "Too many open files" in str(error)
    else:
        raise AssertionError("there are descriptors")
    assert undergird.stats()["recovered"] == 0
until(lambda: undergird.stats()["recovered"] == 1000)
"""
    )
    assert numbers(tmp_path / "logs" / "run.log") == list(range(1100))


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
