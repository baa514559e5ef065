"""What the numbers were measured on."""

from __future__ import annotations

import os
import platform
from pathlib import Path


def describe(logs: Path) -> dict[str, str]:
    """Returns processor, kernel and file systems, as the head of a report.

    Args:
        logs: Where the log files of the run are.
    """
    return {
        "processor": f"{_processor()}, {os.cpu_count()} CPUs",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.release().split('-')[0]}, {platform.machine()}, {_c_library()}",
        "logs and disk rings on": _file_system(logs),
        "shared memory on": _file_system(Path("/dev/shm")),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown processor"
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def _c_library() -> str:
    return " ".join(platform.libc_ver()) or "unknown C library"


def _file_system(path: Path) -> str:
    """Returns the type of the file system that holds `path`."""
    try:
        mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    except OSError:
        return "unknown"
    resolved = path.resolve()
    holding = [(len(point), kind) for _, point, kind, *_ in mounts if resolved.is_relative_to(point)]
    # Of two mounts on one point the later hides the earlier.
    return max(reversed(holding), key=lambda one: one[0])[1] if holding else "unknown"
