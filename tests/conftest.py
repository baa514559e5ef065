"""What every suite shares: hypothesis settings, a clean environment, fresh interpreters."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from tests.memory import set_aside

DEEP = os.environ.get("UNDERGIRD_DEEP") == "1"
# What steers the tests; everything else of ours in the environment is taken away from them.
STEERING = ("UNDERGIRD_DEEP", "UNDERGIRD_KILL_ROUNDS", "UNDERGIRD_SOAK_SECONDS")

# Deadlines measure the machine. A failing example is printed so that it can be pasted. Under CI the
# same sources get the same verdict; everywhere else the examples are new ones each time.
settings.register_profile("quick", deadline=None, print_blob=True, derandomize=os.environ.get("CI") == "true")
settings.register_profile("deep", deadline=None, print_blob=True, max_examples=2000)
settings.load_profile("deep" if DEEP else "quick")

# A shell starts what runs in its background with Ctrl-C ignored, nohup with SIGHUP, and that is inherited.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

Script = Callable[..., subprocess.CompletedProcess[str]]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Has the longest files first, so that none of them is left over at the end; leaves the tests marked `deep` to `make deep`."""
    items.sort(key=lambda item: "survival" not in item.path.parts)
    if DEEP:
        return
    deep = [item for item in items if item.get_closest_marker("deep")]
    if deep:
        items[:] = [item for item in items if not item.get_closest_marker("deep")]
        config.hook.pytest_deselected(items=deep)


def pytest_collection_finish() -> None:
    """Takes what was collected, which stays to the end, out of the garbage collector's sight: it looks at less."""
    set_aside()


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that the caller's shell has joined, or a test before, is not this test's run."""
    for name in list(os.environ):
        if name.startswith("UNDERGIRD_") and name not in STEERING:
            monkeypatch.delenv(name)


@pytest.fixture(scope="module", autouse=True)
def _no_run_left() -> Iterator[None]:
    """A run that a file of tests has set up ends with it, or it would make a ring in another test's directory."""
    level, methods = logging.root.level, dict(vars(logging.Logger))
    yield
    import undergird
    from undergird.log import ConsoleHandler, FileHandler

    undergird.shutdown(30.0)
    for handler in logging.root.handlers[:]:
        if isinstance(handler, FileHandler | ConsoleHandler):
            logging.root.removeHandler(handler)
    logging.root.setLevel(level)
    assert dict(vars(logging.Logger)) == methods, "a patch of the standard library's loggers was left"


@pytest.fixture
def script(tmp_path: Path) -> Script:
    """Runs a Python script in a fresh interpreter whose warnings are errors.

    `script(source, *arguments, check=True, timeout=60.0, **environment)` gives the completed
    process with its output as text. The working directory is the test's `tmp_path`.
    """

    def run(
        source: str, *arguments: str, check: bool = True, timeout: float = 60.0, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-W", "error", "-X", "faulthandler", "-c", textwrap.dedent(source), *arguments],
            cwd=tmp_path,
            # The run of this very process is not the script's.
            env={**os.environ, "UNDERGIRD_LOG": "", **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        if check and done.returncode != 0:
            pytest.fail(f"the script ended with status {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    return run
