"""Another process on the same disk: writes a large file and syncs it, over and over.

Run as a script with the file's path; ends when its standard input is closed.
"""

from __future__ import annotations

import os
import select
import sys
from pathlib import Path

CHUNK = 4 << 20
CHUNKS = 64


def main(path: Path) -> None:
    """Writes and syncs 256 MiB after 256 MiB into `path` until nobody holds the other end."""
    data = os.urandom(CHUNK)
    try:
        with path.open("wb", buffering=0) as file:
            print("writing", flush=True)
            while True:
                file.seek(0)
                for _ in range(CHUNKS):
                    file.write(data)
                    if select.select([sys.stdin], [], [], 0)[0]:
                        return
                os.fsync(file.fileno())
    finally:
        path.unlink(missing_ok=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
