"""A log that is a pipe."""

from __future__ import annotations

import json
import os
import signal
from typing import TYPE_CHECKING

from tests.survival.faults import BEGIN, numbers

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Script

STUCK = """
import os, signal, undergird
undergird.configure("pipe")
log = undergird.get_logger("stuck")
for number in range(4000):
    log.info("into the pipe", number=number)
undergird.flush(0.3)
os.kill(os.getpid(), signal.SIGKILL)
"""

NEIGHBOUR = """
import contextlib, pathlib, undergird
undergird.configure("run.log", ring_size=65536)
log = undergird.get_logger("neighbour")
def threads():
    for name in pathlib.Path("/proc/self/task").glob("*/comm"):
        with contextlib.suppress(OSError):  # It has ended.
            yield name.read_text()
# The one that tries to recover what the dead one left, for as long as it is patient.
while "undergird-orpha\\n" not in threads():
    pass
for number in range(20_000):
    log.info("beside it", number=number)
assert undergird.flush(10)
"""


def test_a_dead_process_whose_log_is_a_full_pipe_stops_no_neighbour(script: Script, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    # A place of its own, for nobody will ever read what it leaves there.
    (tmp_path / "rings").mkdir()
    place = {"UNDERGIRD_RING_DIR": str(tmp_path / "rings")}
    assert script(STUCK, check=False, **place).returncode == -signal.SIGKILL
    script(NEIGHBOUR, **place)
    os.close(reader)
    lines = [json.loads(line) for line in (tmp_path / "run.log").read_text().splitlines()]
    assert [line["number"] for line in lines] == list(range(20_000))


def test_standard_output_is_a_log_like_any_other(script: Script) -> None:
    before = os.path.lexists("/dev/.stdout.lock")
    done = script(
        """
        import undergird
        undergird.configure("/dev/stdout")
        undergird.get_logger("out").info("to whoever reads", long="x" * 10_000)
        """
    )
    (line,) = done.stdout.splitlines()
    assert json.loads(line)["long"] == "x" * 10_000
    assert os.path.lexists("/dev/.stdout.lock") == before


def test_a_pipe_whose_reader_is_slow_gets_every_line_whole(script: Script, tmp_path: Path, ring_dir: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    done = script(
        f"""{BEGIN}
import threading
end = os.open("pipe", os.O_RDONLY | os.O_NONBLOCK)
undergird.configure("pipe", ring_size=1 << 20)
os.set_blocking(end, True)
read = []
def slowly():
    with open(end, "rb", buffering=0) as pipe:
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
