"""Compiles floor.c with the interpreter's own headers, once per interpreter."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import sysconfig
from pathlib import Path

_SOURCE = Path(__file__).with_name("floor.c")
_BUILD = Path(__file__).resolve().parents[2] / "build" / "bench-floor"


def directory_on_path() -> None:
    """Makes `import bench_floor` work, compiling it if it is missing or older than its source.

    Raises:
        ImportError: There is no C compiler, or it failed.
    """
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    # Builds of one version by different makers may share a suffix, but not their headers.
    directory = _BUILD / f"{sys.base_prefix.strip('/').replace('/', '-')}"
    target = directory / f"bench_floor{suffix}"
    if not target.exists() or target.stat().st_mtime < _SOURCE.stat().st_mtime:
        directory.mkdir(parents=True, exist_ok=True)
        _compile(target)
    if str(directory) not in sys.path:
        sys.path.insert(0, str(directory))


def _compile(target: Path) -> None:
    compiler = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")
    partial = target.with_suffix(f".{os.getpid()}")
    command = [
        *(compiler[:1]),
        *("-O2", "-Wall", "-Wextra", "-Wno-unused-parameter", "-Wno-missing-field-initializers"),
        *("-Wno-cast-function-type", "-shared", "-fPIC"),
        f"-I{sysconfig.get_path('include')}",
        str(_SOURCE),
        *("-o", str(partial)),
    ]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise ImportError(f"no C compiler for the floor: {error}") from error
    if done.returncode != 0:
        raise ImportError(f"the floor does not compile: {done.stderr.strip()}")
    # Two workers may build at once; a rename never shows half a library.
    partial.rename(target)
