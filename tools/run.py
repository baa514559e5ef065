"""What `make` calls: demo, test, check, lint, bench, deep and wheel.

It runs under any supported interpreter and needs nothing installed: environments, tools and
wheels are made on the way.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import lint
import mutants
import native
import pythons
import structlog_tests
import wheels
from parts import Run
from pythons import SUPPORTED, Python
from shell import ROOT, RunError, Shell

# Minutes on two cores from a clean clone, for good: later rooms have to fit in as well.
BUDGETS = {"builds": 6, "lint and types": 2, "rust": 3, "sanitizers, fuzzing": 3, "python": 8}

# What a file shares between its tests is made once.
# Tests wait now and then: three at a time keep two processors busy.
PARALLEL = ("--numprocesses=3", "--dist=loadfile", "--no-loadscope-reorder")

# What starts many processes or runs for long: the quick loop leaves it to `make test`.
LONG = (
    "log/test_leaks.py",
    "logging/test_ecosystem.py",
    "survival",
    "test_benches.py",
    "test_docs.py",
    "test_packaging.py",
    "cli/test_program.py",
    "testing",
)


def prepared(shell: Shell, profile: str, versions: list[Python]) -> Python:
    """Makes every given environment hold undergird; gives the newest, which holds the tools too."""
    newest = versions[-1]
    pythons.prepare(shell, newest, "dev")
    # What the tests need is fetched while wheels are built.
    with ThreadPoolExecutor(max_workers=1) as beside:
        others = {python: beside.submit(pythons.prepare, shell, python, "test") for python in versions[:-1]}
        wheels.install(shell, newest, newest, profile)
        for python, ready in others.items():
            ready.result()
            wheels.install(shell, python, newest, profile)
    return newest


def suites(shell: Shell, versions: list[Python], ran: list[str], *options: str, timeout: float = 1800.0) -> None:
    """Runs the Python suites on each version, also when they failed on another; notes it in `ran`."""
    failures = []
    for python in versions:
        print(f"--- Python {python.version} ---", flush=True)
        # Kills test the core, which is the same under every interpreter: each has a part of them.
        rounds = os.environ.get("UNDERGIRD_KILL_ROUNDS", str(-(-200 // len(versions))))
        try:
            structlog_tests.fetch(shell, python)
            shell.run(
                [python.executable, "-P", "-m", "pytest", *PARALLEL, *options],
                env={"PYTHONPATH": None, **undergird_variables(), "UNDERGIRD_KILL_ROUNDS": rounds},
                timeout=timeout,
            )
            ran.append(python.version)
        except RunError as failure:
            ran.append(f"{python.version} (failed)")
            failures.append(str(failure))
    if failures:
        raise RunError("; ".join(failures))


def undergird_variables() -> dict[str, str | None]:
    """Takes the caller's own undergird settings away, but not those that steer the tests."""
    steering = ("UNDERGIRD_DEEP", "UNDERGIRD_KILL_ROUNDS", "UNDERGIRD_SOAK_SECONDS")
    return {name: None for name in os.environ if name.startswith("UNDERGIRD_") and name not in steering}


def need_all(versions: list[Python]) -> None:
    """Under CI, a run without one of the supported versions is a failure."""
    missing = [version for version in SUPPORTED if version not in {p.version for p in versions}]
    if not missing:
        return
    message = f"not found on this machine: Python {', '.join(missing)}"
    if os.environ.get("CI") == "true":
        raise RunError(message)
    print(f"note: {message}; the suites run without", flush=True)


def test(shell: Shell, *, deep: bool) -> bool:
    """Everything CI runs, part by part."""
    if deep:
        os.environ["UNDERGIRD_DEEP"] = "1"
        os.environ.setdefault("UNDERGIRD_KILLS", "4000")
    versions = pythons.found()
    newest = versions[-1]
    ran: list[str] = []
    run = Run(shell)

    def builds() -> None:
        need_all(versions)
        # The linker of a release uses one processor.
        with ThreadPoolExecutor(max_workers=1) as beside:
            fuzzers = beside.submit(native.fuzzers, shell)
            prepared(shell, "release", versions)
            wheel = wheels.build(shell, newest, newest, "release", wheels.DIST)
            wheels.smoke(shell, newest, wheel)
            wheels.smoke(shell, newest, ROOT)
            fuzzers.result()

    def rust() -> None:
        def models() -> None:
            native.loom(shell)
            mutants.attempt(shell, newest, mutants.of_models())

        # Tests of processes run one after the other: there is a processor for the models and their mutants.
        with ThreadPoolExecutor(max_workers=1) as beside:
            proofs = beside.submit(models)
            native.unit_tests(shell, newest)
            proofs.result()
        if deep:
            mutants.attempt(shell, newest, mutants.planted())

    def sanitizers() -> None:
        native.address_sanitizer(shell, deep=deep)
        if deep:
            native.package_under_address_sanitizer(shell, newest, "tests/log")
        native.thread_sanitizer(shell)
        native.install_valgrind(shell)
        # Each of the two needs one processor.
        with ThreadPoolExecutor(max_workers=1) as beside:
            calls = beside.submit(native.package_under_valgrind, shell, newest)
            native.valgrind(shell, deep=deep)
            calls.result()
        native.fuzz(shell, seconds=int(os.environ.get("FUZZ_SECONDS", "3600" if deep else "7")))

    def python() -> None:
        options: tuple[str, ...] = ()
        if deep:
            os.environ.setdefault("UNDERGIRD_KILL_ROUNDS", "5000")
            options = ("--timeout=14400",)
        suites(shell, versions, ran, *options, timeout=12 * 3600.0 if deep else 1800.0)

    works: list[Callable[[], None]] = [
        builds,
        lambda: lint.everything(shell, newest),
        rust,
        sanitizers,
        python,
    ]
    for (name, budget), work in zip(BUDGETS.items(), works, strict=True):
        run.part(name, budget, work)

    print(f"\n{run.table()}\n")
    print(f"Python suites ran on: {', '.join(ran) or 'none'}")
    if os.environ.get("CI") == "true" and ran != list(SUPPORTED):
        print(f"*** under CI the suites have to pass on {', '.join(SUPPORTED)}")
    print(shell.counts)
    return run.passed


def check(shell: Shell) -> bool:
    """The quick loop: lint, Rust tests, and the Python suites on the newest version, both without what takes long.

    Its minutes are those of a second run; the first one compiles what the tests depend on.
    """
    newest = pythons.found()[-1]
    without = [f"--ignore=tests/{name}" for name in LONG]
    run = Run(shell)
    run.part("build", 0.5, lambda: void(prepared(shell, "quick", [newest])))
    run.part("lint and types", 0.5, lambda: lint.everything(shell, newest))
    run.part("rust", 1, lambda: native.unit_tests(shell, newest, quick=True))
    run.part("python", 1, lambda: suites(shell, [newest], [], "-x", *without))
    print(f"\n{run.table()}\n\n{shell.counts}")
    return run.passed


def void(_: object) -> None:
    """Drops a result."""


def lint_only(shell: Shell) -> bool:
    """Linters and type checkers."""
    newest = pythons.found()[-1]
    # stubtest compares with the built module, whichever profile it was built with.
    prepared(shell, "quick", [newest])
    lint.everything(shell, newest)
    return True


def demo(shell: Shell) -> bool:
    """Builds for the newest Python and runs `undergird demo`."""
    newest = prepared(shell, "release", pythons.found()[-1:])
    # Not through the shell, which would come between the demonstration and the terminal.
    return subprocess.run([newest.tool("undergird"), "demo"], check=False).returncode == 0


def bench(shell: Shell) -> bool:
    """Benchmarks of the core, and of the package beside its rivals on every Python found, as released."""
    wheel(shell)
    versions = pythons.found()
    newest = prepared(shell, "release", versions[-1:])
    pythons.prepare(shell, newest, "bench")
    shell.run([newest.executable, "-P", "-m", "pytest", "-p", "no:logging", "benches/test_operations.py"])
    shell.run(["cargo", "bench", "--package", "undergird-core", "--features", "bench"])
    driver: list[str | Path] = [newest.executable, "benches/run.py"]
    shell.run([*driver, "--setup", *(f"--python={python.executable}" for python in versions)])
    shell.run([*driver, "--write", "docs/benchmarks.md"])
    return True


def wheel(shell: Shell) -> bool:
    """One wheel per Python version in dist/, each tried in a fresh environment."""
    versions = pythons.found()
    pythons.prepare(shell, versions[-1], "dev")
    for python in versions:
        if python != versions[-1]:
            pythons.prepare(shell, python, "test")
        wheels.smoke(shell, python, wheels.build(shell, python, versions[-1], "release", wheels.DIST))
    return True


COMMANDS: dict[str, Callable[[Shell], bool]] = {
    "demo": demo,
    "test": lambda shell: test(shell, deep=False),
    "check": check,
    "lint": lint_only,
    "bench": bench,
    "deep": lambda shell: test(shell, deep=True),
    "wheel": wheel,
}


def main() -> int:
    shell = Shell()
    try:
        return 0 if COMMANDS[sys.argv[1]](shell) else 1
    except RunError as failure:
        print(f"*** {failure}")
        return 1


if __name__ == "__main__":
    sys.exit(main())
