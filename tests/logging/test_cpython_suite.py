"""CPython's own tests of logging, from the interpreter's files: what the standard library passes, ours passes."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.logging.exclusions import EXCLUDED

DRIVER = Path(__file__).with_name("cpython_suite.py")
UNITTESTS = "test.test_unittest.test_case" if sys.version_info >= (3, 12) else "unittest.test.test_case"
MODULES = ("test.test_logging", f"{UNITTESTS}:Logs")
PARTS = 4

# 236 on 3.11.7, 247 on 3.12.1, 278 on 3.13.0.
PASSED_AT_LEAST = 230

Outcomes = dict[str, str]


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


pytestmark = pytest.mark.skipif(_missing() is not None, reason=f"this Python comes without its own tests: {_missing()}")


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Outcomes]]:
    """What became of each test, by mode. All run at once: they sleep most of the time."""
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
            for mode in ("stdlib", "face")
            for part in range(PARTS)
        }
        found: dict[str, Outcomes] = {}
        for (mode, _), process in started.items():
            shown, errors = process.communicate(timeout=250)
            assert process.returncode == 0, errors
            found.setdefault(mode, {}).update(json.loads(shown.splitlines()[-1]))
        yield found


def test_the_standard_library_passes_its_own_tests_here(outcomes: dict[str, Outcomes]) -> None:
    assert list(outcomes["stdlib"].values()).count("passed") >= PASSED_AT_LEAST


def test_the_face_passes_what_the_standard_library_passes(outcomes: dict[str, Outcomes]) -> None:
    differences = {
        name: (outcome, ours)
        for name, outcome in outcomes["stdlib"].items()
        if (ours := outcomes["face"].get(name)) != outcome and name not in EXCLUDED
    }
    assert differences == {}
    assert outcomes["face"].keys() == outcomes["stdlib"].keys()


def test_what_is_excluded_is_a_test_that_fails(outcomes: dict[str, Outcomes]) -> None:
    assert {name: outcomes["face"].get(name) for name in EXCLUDED} == dict.fromkeys(EXCLUDED, "failed")
