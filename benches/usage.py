"""What this process has used: CPU time and memory."""

from __future__ import annotations

import os
import resource
from pathlib import Path

MIB = 1 << 20


def cpu_ns() -> int:
    """Returns user and system time of all threads of this process so far, in nanoseconds."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return round((used.ru_utime + used.ru_stime) * 1e9)


def resident() -> int:
    """Returns the resident memory now, shared mappings included, in bytes; 0 where unknown."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def peak_resident() -> int:
    """Returns the most resident memory this program has had, in bytes.

    `ru_maxrss` would do, but on Linux it starts with the parent's at the time of the fork.
    """
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    for line in status.splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0
