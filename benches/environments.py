"""One virtual environment per interpreter, with undergird and every rival that installs there."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from contenders.entries import CONTENDERS

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "build"
REQUIREMENTS = Path(__file__).with_name("requirements.txt")
_INVENTORY = "inventory.json"


@dataclass(frozen=True, slots=True)
class Environment:
    """An interpreter to measure under.

    Args:
        python: Its executable.
        version: Its full version.
        build: "PGO" or "no PGO".
        compiler: What it was compiled with.
        versions: Installed distributions that matter here.
        failures: Distributions that did not install, and why.
    """

    python: Path
    version: str
    build: str
    compiler: str
    versions: dict[str, str]
    failures: dict[str, str] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """How tables call it."""
        return f"{self.version} ({self.build})"

    def missing(self, contender: str) -> str | None:
        """Returns why a contender cannot take part, or None if it can."""
        for name in CONTENDERS[contender].requires:
            if name not in self.versions:
                minor = ".".join(self.version.split(".")[:2])
                if name in self.failures:
                    return f"not installable on {minor}: {self.failures[name]}"
                return f"not installed: {name}"
        return None


def existing() -> list[Environment]:
    """Returns the environments that `set_up` made, oldest Python first."""
    found = [describe(folder / "bin" / "python") for folder in BUILD.glob("bench-venv-*")]
    return sorted(found, key=lambda one: ([int(part) for part in one.version.split(".")], one.build))


def describe(python: Path) -> Environment:
    """Returns what an interpreter is and has.

    Args:
        python: Executable of the interpreter or of a virtual environment.
    """
    names = sorted({name for entry in CONTENDERS.values() for name in entry.requires})
    told = _told(python, names)
    inventory = python.parent.parent / _INVENTORY
    failures = json.loads(inventory.read_text())["failures"] if inventory.exists() else {}
    return Environment(python, **told, failures=failures)


def set_up(python: Path) -> bool:
    """Makes or renews the environment for an interpreter; returns whether undergird is in it.

    A rival that does not install is written down with the reason. Rivals are installed again only
    when requirements.txt has changed, undergird always: from a wheel in dist/ if there is one for
    this interpreter, else from source.

    Args:
        python: Executable of the interpreter.
    """
    told = _told(python, [])
    minor = ".".join(told["version"].split(".")[:2])
    folder = BUILD / f"bench-venv-{minor}{'-pgo' if told['build'] == 'PGO' else ''}"
    own = folder / "bin" / "python"
    inventory = folder / _INVENTORY
    wanted = _requirements()
    known = json.loads(inventory.read_text()) if inventory.exists() else {}
    if known.get("requirements") != wanted:
        subprocess.run([str(python), "-m", "venv", "--clear", str(folder)], check=True)
        known = {"requirements": wanted, "failures": {}}
        for requirement in wanted:
            reason = _install(own, requirement)
            if reason:
                known["failures"][_name(requirement)] = reason
            print(f"{minor} {requirement}: {reason or 'installed'}", flush=True)
    tag = minor.replace(".", "")
    wheels = sorted((ROOT / "dist").glob(f"undergird-*-cp{tag}-cp{tag}-*.whl"), key=lambda one: one.stat().st_mtime)
    source = str(wheels[-1] if wheels else ROOT)
    # First what it needs, then itself by force: its version does not change from build to build.
    reason = _install(own, source) or _install(own, "--force-reinstall", "--no-deps", source)
    known["failures"].pop("undergird", None)
    if reason:
        known["failures"]["undergird"] = reason
    print(f"{minor} undergird: {reason or 'installed'} (from {source})", flush=True)
    inventory.write_text(json.dumps(known, indent=2))
    return not reason


def _requirements() -> list[str]:
    lines = (line.split("#")[0].strip() for line in REQUIREMENTS.read_text().splitlines())
    return [line for line in lines if line]


def _name(requirement: str) -> str:
    return requirement.split(">")[0].split("=")[0].strip()


def _install(python: Path, *arguments: str) -> str | None:
    """Returns None, or the gist of why pip failed."""
    command = [str(python), "-m", "pip", "install", "--quiet", "--prefer-binary", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return None
    if "No matching distribution" in done.stderr:
        return "no release for it"
    if "Failed to build" in done.stderr or "Failed building" in done.stderr:
        return "no wheel, and its source does not build"
    # Whatever else: a broken connection or a full disk is not the rival's doing, so it is shown.
    return (done.stderr.strip().splitlines() or ["pip failed"])[-1][:160]


def _told(python: Path, names: list[str]) -> dict[str, Any]:
    script = Path(__file__).with_name("describe.py")
    command = [str(python), str(script), *names]
    told: dict[str, Any] = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    return told


def current() -> Environment:
    """Returns the interpreter that runs this."""
    return describe(Path(sys.executable))
