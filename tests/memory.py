"""What this process holds."""

from __future__ import annotations

import ctypes
import gc
import sys

import psutil


class _Mallinfo(ctypes.Structure):
    """`struct mallinfo2` of the C library."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost".split()  # noqa: SIM905
    ]


def set_aside() -> None:
    """Has the collector look no more at what is there now: counting what comes is quick then."""
    gc.collect()
    gc.freeze()


def held() -> dict[str, int]:
    """Blocks of Python's allocator, objects that the collector sees, bytes from the C library, and all in memory."""
    gc.collect()
    gc.collect()
    mallinfo = ctypes.CDLL(None).mallinfo2
    mallinfo.restype = _Mallinfo
    return {
        "blocks": sys.getallocatedblocks(),
        "objects": len(gc.get_objects()),
        "bytes": mallinfo().uordblks,
        "resident": psutil.Process().memory_info().rss,
    }
