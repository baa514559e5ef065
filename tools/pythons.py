"""The interpreters of this machine and a virtual environment for each."""

from __future__ import annotations

import shutil
import subprocess
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shell import ROOT, Shell

SUPPORTED = ("3.11", "3.12", "3.13")


@dataclass(frozen=True)
class Python:
    """One interpreter and the environment that tests run in with it."""

    version: str
    interpreter: Path

    @property
    def venv(self) -> Path:
        return ROOT / f".venv-{self.version}"

    @property
    def executable(self) -> Path:
        return self.venv / "bin" / "python"

    def tool(self, name: str) -> Path:
        """The path of a command installed in the environment."""
        return self.venv / "bin" / name


def found() -> list[Python]:
    """Every supported interpreter of this machine, oldest first."""
    listing = subprocess.run([ROOT / "tools" / "pythons.sh"], check=True, capture_output=True, text=True).stdout
    pairs = (line.split(" ", 1) for line in listing.splitlines())
    return [Python(version, Path(path)) for version, path in pairs]


def project() -> dict[str, Any]:
    """The contents of pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def requirements(name: str) -> list[str]:
    """What undergird itself needs, and a dependency group with the groups it includes."""
    tables = project()

    def group(name: str) -> list[str]:
        names: list[str] = []
        for entry in tables["dependency-groups"][name]:
            names += [entry] if isinstance(entry, str) else group(entry["include-group"])
        return names

    return sorted({*tables["project"]["dependencies"], *group(name)})


def prepare(shell: Shell, python: Python, *groups: str) -> None:
    """Makes the environment of `python` hold what undergird and the dependency groups need.

    A stamp file for each group remembers what was installed, so a second call costs nothing.
    """
    if not python.executable.exists():
        create(shell, python, python.venv)
    for group in groups:
        wanted = requirements(group)
        stamp = python.venv / f".group-{group}"
        if not (stamp.exists() and stamp.read_text().splitlines() == wanted):
            pip(shell, python.executable, "install", *wanted)
            stamp.write_text("\n".join(wanted))


def create(shell: Shell, python: Python, folder: Path) -> Path:
    """Makes a fresh virtual environment in `folder` and gives the path of its interpreter."""
    shutil.rmtree(folder, ignore_errors=True)
    shell.run([python.interpreter, "-m", "venv", folder])
    return folder / "bin" / "python"


def pip(shell: Shell, executable: Path, *arguments: str | Path) -> None:
    """Runs an environment's pip quietly."""
    shell.run(
        [executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input", *arguments],
        # Notes about running as root or about the pip version are no news here.
        env={"PIP_ROOT_USER_ACTION": "ignore"},
    )
