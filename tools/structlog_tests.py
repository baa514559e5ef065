"""structlog's own tests, which its source distribution holds: fetched once, for test_structlog_suite.py."""

from __future__ import annotations

import shutil
import tarfile

import pythons
from pythons import Python
from shell import ROOT, Shell

FOLDER = ROOT / "target" / "structlog"


def fetch(shell: Shell, python: Python) -> None:
    """Unpacks the source distribution of the structlog that an environment holds into target/structlog."""
    asked = "import importlib.metadata as m; print(m.version('structlog'))"
    version = shell.run([python.executable, "-P", "-c", asked], show=False).strip()
    there = FOLDER / f"structlog-{version}"
    if there.exists():
        return
    fresh = FOLDER / "fresh"
    shutil.rmtree(fresh, ignore_errors=True)
    requirement = f"structlog=={version}"
    pythons.pip(
        shell, python.executable, "download", "--no-deps", "--no-binary", "structlog", "--dest", fresh, requirement
    )
    (archive,) = fresh.glob("*.tar.gz")
    with tarfile.open(archive) as packed:
        packed.extractall(fresh, filter="data")
    # In one step, so that what is there is whole.
    (fresh / there.name).rename(there)
    shutil.rmtree(fresh)
