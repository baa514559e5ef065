"""The rings of this user: where they are, and `undergird recover`, which writes what dead processes left in them."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from undergird import _core

_SHARED = Path("/dev/shm")
_RINGS = ".ring"


def ring_directories(directory: Path | None = None) -> list[Path]:
    """The folders of rings that are there.

    Args:
        directory: The directory of the logs, a `ring_dir`, or a folder of rings; `None` means all of this user's in
            shared memory and below `UNDERGIRD_RING_DIR`, and those beside logs in the current directory.
    """
    bases = [Path(base).absolute() for base in (os.environ.get("UNDERGIRD_RING_DIR"), _SHARED) if base]
    if directory is None:
        return _below([*bases, Path(".undergird")])
    directory = Path(os.path.realpath(directory.expanduser()))
    if own := _below([directory]):
        return own
    if any(path.name.endswith(_RINGS) for path in directory.iterdir()):
        return [directory]
    found = [Path(folder) for base in bases for folder in _core.ring_directories(str(directory), str(base))]
    return [folder for folder in dict.fromkeys(found) if folder.is_dir()]


def _below(bases: list[Path]) -> list[Path]:
    """The folders of rings of this user below what was, or could have been, a `ring_dir`."""
    parents = [base / f"undergird-{os.geteuid()}" for base in bases]
    return sorted(folder for parent in parents if parent.is_dir() for folder in parent.iterdir() if folder.is_dir())


def recover(directory: Path | None, out: TextIO, *, discard: bool = False) -> int:
    """Writes what dead processes left in their rings, and says what it found.

    Args:
        directory: As for `ring_directories`.
        out: Where to say it.
        discard: Whether to throw away what cannot be written, such as the records of a log whose directory is gone.

    Returns:
        0 if nothing is left; 1 if something could not be written, or was left alone because it cannot be read here (a
            later version's ring), or the directory is not there.
    """
    if directory is not None and not directory.is_dir():
        out.write(f"{directory} is not a directory\n")
        return 1
    left = alone = 0
    rings = []
    for folder in ring_directories(directory):
        with suppress(FileNotFoundError):  # It went with its last ring.
            rings += _core.recover_rings(str(folder))
    for ring in rings:
        name = f"{ring['path']} (process {ring['pid']})" if ring["pid"] else str(ring["path"])
        match ring["outcome"]:
            case "recovered":
                unreadable = f", {ring['failed']} unreadable" if ring["failed"] else ""
                out.write(f"{name}: recovered {ring['written']} records{unreadable}\n")
            case "alive":
                out.write(f"{name}: in use, its process lives\n")
            case "unfinished":
                out.write(f"{name}: wrote {ring['written']} records, more are left: {ring['error']}\n")
                thrown = _core.discard_ring(ring["path"]) if discard else None
                if thrown is None:
                    left += 1
                else:
                    out.write(f"{name}: discarded {thrown} records\n")
            case _:
                out.write(f"{name}: left alone: {ring['error']}\n")
                alone += 1
    if not rings:
        out.write("nothing to recover\n")
    if left:
        out.write("what is left stays where it is; `undergird recover --discard` throws it away\n")
    return 1 if left or alone else 0


def placement(ring: Path) -> str:
    """How a ring came to be where it is, in words."""
    if _SHARED in ring.parents:
        return "shared memory"
    if ring.parent.parent.parent.name == ".undergird":
        return "beside the log, because shared memory had no room"
    return "the directory that was asked for"
