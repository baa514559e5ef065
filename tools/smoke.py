"""The smoke test of an installed undergird: the front door works, and so does the command.

It runs in an environment that holds undergird and what it needs, and nothing else.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import undergird


def main() -> None:
    log_file = Path("smoke.log").resolve()
    undergird.configure(log_file)
    undergird.get_logger("smoke").info("agent %s moved", 7, position=[3, 4])
    assert undergird.flush(timeout=10.0)
    (line,) = log_file.read_text(encoding="utf-8").splitlines()
    record = json.loads(line)
    assert record["message"] == "agent 7 moved", record
    assert record["position"] == [3, 4], record
    undergird.shutdown()

    command = Path(sys.executable).with_name("undergird")
    for program in ([str(command)], [sys.executable, "-m", "undergird"]):
        subprocess.run([*program, "--help"], check=True, stdout=subprocess.DEVNULL)
    print(f"smoke test passed: undergird {undergird.__version__} from {undergird.__file__}")


if __name__ == "__main__":
    main()
