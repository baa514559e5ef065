"""Building wheels and installing them, each only when a source changed."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

import pythons
from pythons import Python
from shell import ROOT, Shell

# What a wheel is made of. Tests, benches and fuzz targets of the core are not in it.
_FILES = ("Cargo.toml", "Cargo.lock", "pyproject.toml", "README.md", "LICENSE")
_FOLDERS = ("rust/core/src", "rust/py/src", "python")
_MANIFESTS = ("rust/core/Cargo.toml", "rust/py/Cargo.toml")

DIST = ROOT / "dist"


def digest(profile: str) -> str:
    """A digest of everything that a wheel of this profile is made of."""
    paths = [ROOT / name for name in (*_FILES, *_MANIFESTS)]
    for folder in _FOLDERS:
        paths += sorted(path for path in (ROOT / folder).rglob("*") if "__pycache__" not in path.parts)
    total = hashlib.sha256(profile.encode())
    for path in paths:
        if path.is_file():
            total.update(f"{path.relative_to(ROOT)}\0".encode())
            total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def build(shell: Shell, python: Python, builder: Python, profile: str, out: Path) -> Path:
    """Builds the wheel of one Python version.

    Args:
        shell: Runs the commands.
        python: The interpreter the wheel is for.
        builder: The environment that holds maturin.
        profile: The Cargo profile, "release" or "quick".
        out: The folder for the wheel; other wheels of this Python version are removed from it.
    """
    tag = f"cp{python.version.replace('.', '')}"
    for old in out.glob(f"undergird-*-{tag}-*.whl"):
        old.unlink()
    shell.run(
        [
            builder.tool("maturin"),
            "build",
            *("--profile", profile),
            *("--interpreter", python.executable),
            *("--out", out),
            *locked(),
        ]
    )
    (wheel,) = out.glob(f"undergird-*-{tag}-*.whl")
    return wheel


def install(shell: Shell, python: Python, builder: Python, profile: str) -> None:
    """Makes the environment of `python` hold undergird as the sources are now.

    The wheel is installed as a user would have it, never a link to the sources, so that what is
    tested is what is shipped.
    """
    stamp = python.venv / ".undergird"
    wanted = digest(profile)
    if stamp.exists() and stamp.read_text() == wanted:
        return
    stamp.unlink(missing_ok=True)
    wheel = build(shell, python, builder, profile, ROOT / "target" / "wheels" / profile)
    pythons.pip(shell, python.executable, "install", "--force-reinstall", "--no-deps", wheel)
    stamp.write_text(wanted)


def locked() -> list[str]:
    """Cargo's `--locked` where the lock file must not change: under CI."""
    return ["--locked"] if os.environ.get("CI") == "true" else []


def smoke(shell: Shell, python: Python, target: Path) -> None:
    """Installs a wheel, or the source tree, into a fresh environment and tries it there.

    Args:
        shell: Runs the commands.
        python: The interpreter of the fresh environment.
        target: A wheel, or the project's root for `pip install .`.
    """
    folder = ROOT / "target" / "smoke" / f"{python.version}-{target.suffix.lstrip('.') or 'tree'}"
    executable = pythons.create(shell, python, folder)
    pythons.pip(shell, executable, "install", target)
    # From a folder of its own: nothing of the source tree may be in reach.
    work = folder / "work"
    work.mkdir()
    shell.run([executable, "-W", "error", ROOT / "tools" / "smoke.py"], cwd=work)
    shutil.rmtree(folder)
