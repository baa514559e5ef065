"""Planted mistakes: each has to be found by the test that it names.

A mutant is a patch in rust/core/tests/mutants/, or in tests/mutants/ if a Python test has to find
it. Its first line says which command must fail once the patch is applied; the lines up to the diff
may say why:

    # test: cargo test --package undergird-core --test loom_ring a_record_is_seen_whole
    # The head is stored before the bytes it announces.
    --- a/rust/core/src/ring.rs
    +++ b/rust/core/src/ring.rs

Assignments may stand before the command (`RUSTFLAGS="--cfg loom" cargo test …`). It is `cargo test`
or `python -m pytest` and runs in a copy of the sources. It has to run tests and pass there without
the patch, compile with it, and then fail: so a mutant that does not compile, a test that never passes,
or a command whose test is called otherwise by now, is not taken for a catch. Neither is a test that
hangs: it says nothing of what is wrong, and would hang for other reasons too. Only what was changed is
compiled again for each mutant, which makes one a matter of seconds.
"""

from __future__ import annotations

import shlex
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import native
from pythons import Python
from shell import ROOT, Counts, OutOfTimeError, RunError, Shell

CORE = ROOT / "rust" / "core" / "tests" / "mutants"
PACKAGE = ROOT / "tests" / "mutants"
_COPY = ROOT / "target" / "mutants" / "tree"
# Its own: cargo takes the same crate in two places for one and would mix up what it built.
_BUILD = ROOT / "target" / "mutants" / "build"
# Seconds for a command, once compiled: more than any test waits for a condition before it fails.
_TIMEOUT = 240.0
_NOTICED = "noticed"
# What pytest says when a test's own time is up.
_PYTEST_TIMEOUT = "++ Timeout ++"


@dataclass(frozen=True)
class Mutant:
    """One patch and the command that has to fail with it."""

    patch: Path
    command: tuple[str, ...]
    environment: tuple[tuple[str, str | None], ...]

    @classmethod
    def read(cls, patch: Path) -> Mutant:
        first = patch.read_text().partition("\n")[0]
        if not first.startswith("# test: "):
            raise RunError(f"{patch.name}: the first line is not `# test: COMMAND`")
        # A model has to run fast, but a release's link of the whole program would be slow.
        words = shlex.split(first.removeprefix("# test: ").replace(" --release", " --profile quick"))
        environment: list[tuple[str, str | None]] = []
        while "=" in words[0]:
            name, _, value = words.pop(0).partition("=")
            environment.append((name, value))
        return cls(patch, tuple(words), tuple(environment))


def check(shell: Shell) -> None:
    """Fails for a mutant that the sources have left behind."""
    for folder in (CORE, PACKAGE):
        for patch in sorted(folder.glob("*.patch")):
            # One by one: several may change the same line.
            shell.run(["git", "apply", "--check", patch], show=False)


def planted() -> list[Mutant]:
    """All mutants there are."""
    return [Mutant.read(patch) for folder in (CORE, PACKAGE) for patch in sorted(folder.glob("*.patch"))]


def of_models() -> list[Mutant]:
    """Those that loom's models have to find: without these a model might prove nothing."""
    return [mutant for mutant in planted() if any("loom" in word for word in mutant.command)]


def attempt(shell: Shell, python: Python, mutants: list[Mutant]) -> None:
    """Tries mutants; those that no test noticed are named in the failure."""
    copy()
    for mutant in {(mutant.command, mutant.environment): mutant for mutant in mutants}.values():
        build(shell, python, mutant)
        counts = Counts()
        counts.read(run(shell, python, mutant.command, mutant).encode())
        if not counts.passed:
            raise RunError(f"{mutant.patch.name}: its command runs no test")
    survivors = []
    for mutant in mutants:
        start = time.monotonic()
        verdict = outcome(shell, python, mutant)
        print(f"mutant {mutant.patch.stem}: {verdict} ({time.monotonic() - start:.0f} s)", flush=True)
        if verdict != _NOTICED:
            survivors.append(f"{mutant.patch.stem} ({verdict})")
    if survivors:
        raise RunError(f"not noticed: {', '.join(survivors)}")


def outcome(shell: Shell, python: Python, mutant: Mutant) -> str:
    """What the mutant's command does with its patch applied."""
    try:
        shell.run(["git", "apply", f"--directory={_COPY.relative_to(ROOT)}", mutant.patch], show=False)
        build(shell, python, mutant)
        try:
            run(shell, python, mutant.command, mutant)
        except RunError as failure:
            hangs = isinstance(failure, OutOfTimeError) or _PYTEST_TIMEOUT in str(failure)
            return "HANGS" if hangs else _NOTICED
        return "NOT NOTICED"
    finally:
        copy()


def build(shell: Shell, python: Python, mutant: Mutant) -> None:
    """Compiles what the mutant's command runs."""
    if mutant.command[0] == "cargo":
        end = mutant.command.index("--") if "--" in mutant.command else len(mutant.command)
        run(shell, python, (*mutant.command[:end], "--no-run"), mutant, timeout=900.0)
    else:
        run(shell, python, ("cargo", "build", "--package", "undergird-py"), mutant, timeout=900.0)
        shutil.copyfile(_BUILD / "debug" / "lib_core.so", _COPY / "python" / "undergird" / "_core.so")


def run(shell: Shell, python: Python, command: tuple[str, ...], mutant: Mutant, *, timeout: float = _TIMEOUT) -> str:
    """Runs a command in the copy, and gives its output; its tests are not counted, for they are meant to fail."""
    settings: dict[str, str | None] = {
        "CARGO_TARGET_DIR": str(_BUILD),
        "PYO3_PYTHON": str(python.executable),
        # Before what is installed.
        "PYTHONPATH": str(_COPY / "python"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "TSAN_OPTIONS": native.TSAN_OPTIONS,
        **dict(mutant.environment),
    }
    program: str | Path = python.executable if command[0] == "python" else command[0]
    return shell.run([program, *command[1:]], env=settings, cwd=_COPY, timeout=timeout, count=False, show=False)


def copy() -> None:
    """Makes the copy equal to the sources, leaving the times of equal files alone.

    Cargo goes by times: what a patch changed is compiled again, everything else is not.
    """
    _COPY.mkdir(parents=True, exist_ok=True)
    wanted = set()
    for source in sources():
        path = _COPY / source.relative_to(ROOT)
        wanted.add(path)
        if not path.exists() or path.read_bytes() != source.read_bytes():
            path.parent.mkdir(parents=True, exist_ok=True)
            # Not copy2: the old time would hide the change from cargo.
            shutil.copyfile(source, path)
    for path in _COPY.rglob("*"):
        if path.is_file() and path not in wanted:
            path.unlink()


def sources() -> list[Path]:
    """The files of the Rust workspace, of the package and of its tests."""
    files = [ROOT / name for name in ("Cargo.toml", "Cargo.lock", "pyproject.toml") if (ROOT / name).exists()]
    for folder in ("rust", "python", "tests"):
        for path in (ROOT / folder).rglob("*"):
            inside = path.relative_to(ROOT).parts
            built = path.suffix == ".so" or "target" in inside or "__pycache__" in inside
            if path.is_file() and not built and inside[:3] != ("rust", "core", "fuzz"):
                files.append(path)
    return files
