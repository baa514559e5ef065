"""The core's tests belong to programs that Cargo.toml declares; a file that none of them reads would never run.

`autotests = false` there keeps them few, since linking takes most of their time. So cargo says nothing of a new file
that nobody has declared, neither as a program nor as a module of one.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from shell import ROOT, RunError

CORE = ROOT / "rust" / "core"
_MODULE = re.compile(r'^(?:#\[path = "(?P<path>[^"]+)"\]\s*)?(?:pub(?:\([^)]*\))? )?mod (?P<name>\w+);', re.MULTILINE)


def check(crate: Path = CORE) -> None:
    """Sees to it that every source below a crate's `tests` is part of one of its test programs.

    Args:
        crate: The folder of its Cargo.toml.

    Raises:
        RunError: If one is not.
    """
    declared = tomllib.loads((crate / "Cargo.toml").read_text())["test"]
    used: set[Path] = set()
    for test in declared:
        _follow(crate / test.get("path", f"tests/{test['name']}.rs"), used, is_root=True)
    forgotten = sorted(set((crate / "tests").rglob("*.rs")) - used)
    if forgotten:
        names = ", ".join(str(path.relative_to(crate)) for path in forgotten)
        raise RunError(f"{names}: part of no test program that {crate / 'Cargo.toml'} declares, so it never runs")


def _follow(source: Path, used: set[Path], *, is_root: bool = False) -> None:
    """Adds a source and the modules that it declares."""
    used.add(source)
    inside = source.parent if is_root or source.name == "mod.rs" else source.with_suffix("")
    for module in _MODULE.finditer(source.read_text()):
        if module["path"]:
            candidates = [source.parent / module["path"]]
        else:
            candidates = [inside / f"{module['name']}.rs", inside / module["name"] / "mod.rs"]
        for candidate in candidates:
            if candidate.is_file():
                _follow(candidate, used)
