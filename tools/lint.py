"""Linters and type checkers: all of them run, then any failure fails the part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import mutants
import programs
from pythons import Python
from shell import ROOT, RunError, Shell


def everything(shell: Shell, python: Python) -> None:
    """Runs every linter; `python` has undergird and the tools installed."""
    cargo = {"PYO3_PYTHON": str(python.executable)}
    commands: list[tuple[Sequence[str | Path], Mapping[str, str | None]]] = [
        ([python.tool("ruff"), "check"], {}),
        ([python.tool("ruff"), "format", "--check"], {}),
        ([python.tool("mypy")], {}),
        # By itself: like the tools, its files are scripts, and some have the names of those.
        ([python.tool("mypy"), "benches"], {}),
        # The stubs are compared with the module as built: complete, and nothing invented.
        (
            [
                python.executable,
                "-P",
                *("-m", "mypy.stubtest", "undergird._core"),
                *("--mypy-config-file", "pyproject.toml"),
            ],
            {"MYPYPATH": None},
        ),
        ([python.tool("lint-imports")], {"PYTHONPATH": str(ROOT / "python")}),
        (["cargo", "fmt", "--all", "--check"], {}),
        (["cargo", "fmt", "--manifest-path", "rust/core/fuzz/Cargo.toml", "--check"], {}),
        (
            [
                *("cargo", "clippy", "--workspace", "--all-targets", "--all-features"),
                *("--", "--deny", "warnings"),
            ],
            cargo,
        ),
        (
            [
                *("cargo", "clippy", "--manifest-path", "rust/core/fuzz/Cargo.toml", "--all-targets"),
                *("--", "--deny", "warnings"),
            ],
            {"CARGO_TARGET_DIR": str(ROOT / "target" / "fuzz")},
        ),
    ]
    failures = []
    for command, env in commands:
        try:
            shell.run(command, env=env)
        except RunError as failure:
            failures.append(str(failure))
    for check in (partial(mutants.check, shell), programs.check):
        try:
            check()
        except RunError as failure:
            failures.append(str(failure))
    if failures:
        raise RunError("; ".join(failures))
