"""A reader that follows a log file and says when it saw a line.

Run as a script with the file's path and a limit in seconds. Each line on standard input is a
number of lines; the answer is the monotonic clock (ns) when the file had that many, or `never`.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

# Short against the 50 ms that are measured, long enough to leave the logger a core.
_POLL = 0.0002


def main(path: Path, limit: float) -> None:
    """Answers until standard input is closed."""
    with path.open("rb") as file:
        seen = 0
        for question in sys.stdin:
            wanted = int(question)
            print("ready", flush=True)
            deadline = time.monotonic() + limit
            while True:
                seen += file.read().count(b"\n")
                if seen >= wanted:
                    print(time.monotonic_ns(), flush=True)
                    break
                if time.monotonic() > deadline:
                    print("never", flush=True)
                    break
                time.sleep(_POLL)


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]))
