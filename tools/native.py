"""The Rust side of a run: unit tests, models, mutants, sanitizers, fuzzing.

Every way of compiling has a target folder of its own, so that none throws away another's work.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

from pythons import Python
from shell import ROOT, RunError, Shell

_CORE = ("--package", "undergird-core")
_HOST = "x86_64-unknown-linux-gnu"
_FUZZ = ROOT / "rust" / "core" / "fuzz"

TSAN_OPTIONS = f"suppressions={ROOT / 'tools' / 'tsan.supp'}"

# What cargo-fuzz would compile with, so that a stable toolchain and cargo are enough.
_COVERAGE = (
    "--cfg fuzzing -Zsanitizer=address -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4"
    " -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table"
    " -Cllvm-args=-sanitizer-coverage-trace-compares"
)


# Tests that do the same again and again, broken off at each system call.
_EXHAUSTIVE = ("--skip=at_any_system_call", "--skip=whichever_call")
# Others that take long.
_LONG = ("--skip=at_any_moment", "--skip=at_any_step")

# Fails with the first error.
_VALGRIND = (
    "valgrind",
    "--quiet",
    "--error-exitcode=9",
    "--show-leak-kinds=definite",
    f"--suppressions={ROOT / 'tools' / 'valgrind.supp'}",
)

# Tests that take minutes where each access is checked: long loops, and comparisons with Python's own answers.
_SLOW_UNDER_VALGRIND = (
    *_EXHAUSTIVE,
    *_LONG,
    *(
        f"--skip={name}"
        for name in (
            *("census::", "rotation::", "sampling::", "percent::"),
            *("torn_at_any_byte", "more_rings_than", "again_and_again", "stop_and_go_on_behind_every_row"),
            *("odd_records_and_dictionaries", "parses_back_to_the_same", "sixty_thousand_keys", "however_much_room"),
        )
    ),
)


def compiled_with(flags: str, folder: str) -> dict[str, str | None]:
    """The environment for cargo to compile with these RUSTFLAGS, into a folder under target/."""
    # The sanitizers' runtimes ship with the stable toolchain; only their flag is gated.
    gate = {"RUSTC_BOOTSTRAP": "1"} if "-Z" in flags else {}
    # Nobody edits between two builds of this kind.
    return {"RUSTFLAGS": flags, "CARGO_TARGET_DIR": str(ROOT / "target" / folder), "CARGO_INCREMENTAL": "0", **gate}


def unit_tests(shell: Shell, python: Python, *, quick: bool = False) -> None:
    """Unit, property and documentation tests of the core."""
    skipped = ("--", *_EXHAUSTIVE, *_LONG) if quick else ()
    shell.run(["cargo", "test", *_CORE, *skipped], env={"PYO3_PYTHON": str(python.executable)})


def loom(shell: Shell) -> None:
    """The ring's models: every interleaving that loom can tell apart."""
    output = shell.run(
        ["cargo", "test", *_CORE, "--profile", "quick", "--test", "loom_ring"],
        env=compiled_with("--cfg loom", "loom"),
        # Beside other commands: not line by line among theirs.
        show=False,
    )
    print(output, flush=True)


def address_sanitizer(shell: Shell, *, deep: bool) -> None:
    """The core's tests with every access checked, as a build with Zstandard has them."""
    skipped = () if deep else ("--", *_EXHAUSTIVE)
    shell.run(
        ["cargo", "test", *_CORE, "--features", "zstd", "--target", _HOST, "--lib", "--tests", *skipped],
        env={**compiled_with("-Zsanitizer=address", "asan"), "PROPTEST_CASES": "32" if deep else "8"},
    )


def package_under_address_sanitizer(shell: Shell, python: Python, *tests: str) -> None:
    """Python tests with every access of the extension checked, and every object of Python's an allocation of its own.

    Args:
        shell: Runs the commands.
        python: The interpreter of the tests, whose environment holds what they need.
        tests: What pytest is to run.
    """
    changes = compiled_with("-Zsanitizer=address", "asan")
    shell.run(
        ["cargo", "build", "--package", "undergird-py", "--target", _HOST],
        env={**changes, "PYO3_PYTHON": str(python.executable), "PYO3_BUILD_EXTENSION_MODULE": "1"},
    )
    folder = ROOT / "target" / "asan"
    package = folder / "package" / "undergird"
    shutil.rmtree(package, ignore_errors=True)
    shutil.copytree(ROOT / "python" / "undergird", package, ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    shutil.copyfile(folder / _HOST / "debug" / "lib_core.so", package / "_core.so")
    shell.run(
        # Frames are larger than those for which Python's limit of recursion was made.
        ["prlimit", f"--stack={64 << 20}", python.executable, "-m", "pytest", "--timeout=1800", *tests],
        env={
            "LD_PRELOAD": str(_address_sanitizer_runtime(shell, folder)),
            # An interpreter keeps much to its end; who looks for leaks is tests/log/test_leaks.py.
            "ASAN_OPTIONS": "detect_leaks=0",
            "PYTHONMALLOC": "malloc",
            "PYTHONPATH": str(package.parent),
            # Millions of calls show no more here.
            "UNDERGIRD_DEEP": None,
        },
        timeout=3600.0,
    )


def _address_sanitizer_runtime(shell: Shell, folder: Path) -> Path:
    """The runtime as a library, for a program that was not compiled for it: the toolchain has it as an archive."""
    sysroot = Path(shell.run(["rustc", "--print", "sysroot"], show=False).strip())
    (archive,) = (sysroot / "lib" / "rustlib" / _HOST / "lib").glob("librustc-*_rt.asan.a")
    copy, library = folder / "runtime.a", folder / "libruntime.so"
    shutil.copyfile(archive, copy)
    # What only a program can have: it starts the runtime, which a library does when it is loaded.
    shell.run(["ar", "d", copy, "asan_preinit.cpp.o"])
    whole: list[str | Path] = ["-Wl,--whole-archive", copy, "-Wl,--no-whole-archive"]
    shell.run(["cc", "-shared", "-o", library, *whole, *("-lpthread", "-ldl", "-lm", "-lrt", "-lgcc_s")])
    return library


def thread_sanitizer(shell: Shell) -> None:
    """The ring between real threads, with every race reported.

    The standard library is not instrumented, for building it needs its sources, which a stable
    toolchain does not have. So these tests use threads and atomics only: the sanitizer would take
    what a Mutex or a channel orders for a race.
    """
    flags = "-Zsanitizer=thread -Cunsafe-allow-abi-mismatch=sanitizer"
    shell.run(
        ["cargo", "test", *_CORE, "--target", _HOST, "--test", "ring_threads"],
        env={**compiled_with(flags, "tsan"), "TSAN_OPTIONS": TSAN_OPTIONS},
    )


def valgrind(shell: Shell, *, deep: bool) -> None:
    """The core's tests on the built machine code, memory checked access by access."""
    tests = ("--lib", *(f"--test={name}" for name in ("ring_threads", "modules", "format")))
    skipped = () if deep else _SLOW_UNDER_VALGRIND
    for binary in _test_binaries(shell, *tests):
        shell.run(
            [*_VALGRIND, "--leak-check=full", "--errors-for-leak-kinds=definite", binary, *skipped],
            env={"PROPTEST_CASES": "4" if deep else "2"},
            timeout=4 * 3600.0 if deep else 600.0,
        )


def package_under_valgrind(shell: Shell, python: Python) -> None:
    """A few calls of every kind, the extension as released; every object of Python's is an allocation of its own."""
    shell.run(
        [*_VALGRIND, python.executable, "-P", "-m", "tests.every_kind"],
        env={"PYTHONMALLOC": "malloc", "PYTHONPATH": str(ROOT)},
        timeout=600.0,
        show=False,
    )


def install_valgrind(shell: Shell) -> None:
    """Has valgrind on this machine, or says how it gets there.

    Raises:
        RunError: If it is not there and cannot be installed.
    """
    if shutil.which("valgrind") is None and shutil.which("apt-get") is not None:
        sudo = [] if os.geteuid() == 0 else ["sudo", "--non-interactive"]
        try:
            shell.run([*sudo, "apt-get", "update", "--quiet"])
            shell.run([*sudo, "apt-get", "install", "--yes", "--quiet", "--no-install-recommends", "valgrind"])
        except (RunError, FileNotFoundError) as error:
            print(error, flush=True)
    if shutil.which("valgrind") is None:
        raise RunError("valgrind is not installed and cannot be installed without root: apt-get install valgrind")


def _test_binaries(shell: Shell, *tests: str) -> list[Path]:
    """The executables of test targets, built like the unit tests."""
    listing = shell.run(["cargo", "test", *_CORE, *tests, "--no-run", "--message-format=json"], show=False)
    messages = (json.loads(line) for line in listing.splitlines() if line.startswith("{"))
    return [Path(message["executable"]) for message in messages if message.get("executable")]


def fuzzers(shell: Shell) -> None:
    """Compiles what `fuzz` runs."""
    shell.run(
        ["cargo", "build", "--release", "--target", _HOST, "--manifest-path", _FUZZ / "Cargo.toml"],
        env=compiled_with(_COVERAGE, "fuzz"),
        # Beside other commands: not line by line among theirs.
        show=False,
    )


def fuzz(shell: Shell, seconds: int) -> None:
    """Attacks every reader of untrusted bytes for some seconds each.

    Inputs that reached new code are kept in target/fuzz/corpus and tried again by the next run; an
    input that crashed a target is kept in target/fuzz/artifacts.
    """
    folder = ROOT / "target" / "fuzz"
    targets = sorted(source.stem for source in (_FUZZ / "fuzz_targets").glob("*.rs"))

    def attack(target: str) -> str:
        corpus = folder / "corpus" / target
        artifacts = folder / "artifacts" / target
        seeds = _FUZZ / "seeds" / target
        for path in (corpus, artifacts):
            path.mkdir(parents=True, exist_ok=True)
        return shell.run(
            [
                folder / _HOST / "release" / target,
                f"-max_total_time={seconds}",
                f"-artifact_prefix={artifacts}/",
                # Seconds for one input, MiB for the process: a hang or a huge allocation is a finding.
                *("-timeout=10", "-rss_limit_mb=2048", "-malloc_limit_mb=64"),
                *("-verbosity=0", "-print_final_stats=1"),
                corpus,
                *([seeds] if seeds.exists() else []),
            ],
            env={"TMPDIR": logs},
            timeout=seconds + 300.0,
            show=False,
        )

    # In memory: for a target that writes files, a disk would take most of the time.
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with TemporaryDirectory(dir=memory) as logs, ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        for target, output in zip(targets, pool.map(attack, targets), strict=True):
            numbers = dict(re.findall(r"^stat::(\w+): +(\d+)$", output, re.MULTILINE))
            print(f"fuzz {target}: {int(numbers['number_of_executed_units']):,} inputs, none found fault", flush=True)
