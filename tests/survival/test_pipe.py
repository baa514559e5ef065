"""A log that is a pipe."""

from __future__ import annotations

import json
import os
import signal
from typing import TYPE_CHECKING

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
import pathlib, time, undergird
undergird.configure("run.log", ring_size=65536)
log = undergird.get_logger("neighbour")
# The thread that recovers what the dead one left, and that hangs at the pipe.
while "undergird-orpha\\n" not in [name.read_text() for name in pathlib.Path("/proc/self/task").glob("*/comm")]:
    time.sleep(0.01)
for number in range(20_000):
    log.info("beside it", number=number)
assert undergird.flush(10)
"""


def test_a_dead_process_whose_log_is_a_full_pipe_stops_no_neighbour(script: Script, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    # A place of its own, for nobody will ever read what it leaves there.
    (tmp_path / "rings").mkdir()
    place = {"UNDERGIRD_RING_DIR": str(tmp_path / "rings")}
    assert script(STUCK, check=False, **place).returncode == -signal.SIGKILL
    script(NEIGHBOUR, **place)
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
