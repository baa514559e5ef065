"""CPython's own tests of logging, from the interpreter's files: what the standard library passes, ours passes."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.logging.exclusions import EXCLUDED

DRIVER = Path(__file__).with_name("cpython_suite.py")
UNITTESTS = "test.test_unittest.test_case" if sys.version_info >= (3, 12) else "unittest.test.test_case"
MODULES = ("test.test_logging", f"{UNITTESTS}:Logs")
PARTS = 4

# 236 on 3.11.7, 247 on 3.12.1, 278 on 3.13.0.
PASSED_AT_LEAST = 230

# Calls that were native, by test class: all that these tests make at levels that are switched off, with our loggers.
NATIVE_AT_LEAST = {
    "face": {
        "BuiltinLevelsTest": 12,
        "ConfigDictTest": 1,
        "ConfigFileTest": 1,
        "QueueHandlerTest": 2,
        "Test_TestCase": 3,
    },
    "installed": {
        "BasicConfigTest": 9,
        "BuiltinLevelsTest": 12,
        "ConfigDictTest": 3,
        "ConfigFileTest": 3,
        "ModuleLevelMiscTest": 1,
        "QueueHandlerTest": 2,
        "Test_TestCase": 3,
    },
}


class Run(NamedTuple):
    """What became of each test, and how many of its calls were native."""

    outcomes: dict[str, str]
    native: dict[str, int]


def _missing() -> str | None:
    for module in MODULES:
        name = module.partition(":")[0]
        try:
            found = importlib.util.find_spec(name)
        except ImportError:
            found = None
        if found is None:
            return name
    return None


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Run]]:
    """The runs by mode. All go at once: they sleep most of the time."""
    missing = _missing()
    # Debian, for one, has them in a package of their own (libpython3.11-testsuite).
    assert missing is None, f"this Python comes without its own tests: {missing}"
    with ExitStack() as stack:
        started = {
            (mode, part): stack.enter_context(
                subprocess.Popen(
                    [sys.executable, DRIVER, mode, str(part), str(PARTS), *MODULES],
                    cwd=tmp_path_factory.mktemp("cpython"),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                )
            )
            for mode in ("stdlib", "face", "installed")
            for part in range(PARTS)
        }
        found: dict[str, Run] = {}
        for (mode, _), process in started.items():
            shown, errors = process.communicate(timeout=250)
            assert process.returncode == 0, errors
            part = Run(**json.loads(shown.splitlines()[-1]))
            run = found.setdefault(mode, Run({}, {}))
            run.outcomes.update(part.outcomes)
            run.native.update(part.native)
        yield found


def test_the_standard_library_passes_its_own_tests_here(runs: dict[str, Run]) -> None:
    assert list(runs["stdlib"].outcomes.values()).count("passed") >= PASSED_AT_LEAST


@pytest.mark.parametrize(("mode", "excluded"), [("face", EXCLUDED), ("installed", {})])
def test_what_the_standard_library_passes_passes(mode: str, excluded: dict[str, str], runs: dict[str, Run]) -> None:
    ours, theirs = runs[mode].outcomes, runs["stdlib"].outcomes
    assert ours.keys() == theirs.keys()
    differences = {name: outcome for name, outcome in ours.items() if outcome != theirs[name] and name not in excluded}
    assert differences == {}


def test_what_is_excluded_is_a_test_that_fails(runs: dict[str, Run]) -> None:
    assert {name: runs["face"].outcomes.get(name) for name in EXCLUDED} == dict.fromkeys(EXCLUDED, "failed")


@pytest.mark.parametrize("mode", NATIVE_AT_LEAST)
def test_what_is_tested_is_native(mode: str, runs: dict[str, Run]) -> None:
    native: Counter[str] = Counter()
    for name, calls in runs[mode].native.items():
        native[name.split(".")[-2]] += calls
    short = {of: (native[of], least) for of, least in NATIVE_AT_LEAST[mode].items() if native[of] < least}
    assert short == {}
