"""What the package promises before anything is logged: what is in it, and what an import costs."""

from __future__ import annotations

import importlib.metadata
import importlib.resources
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import undergird

if TYPE_CHECKING:
    from tests.conftest import Script

ROOT = Path(__file__).resolve().parent.parent


def test_the_installed_package_is_what_is_tested() -> None:
    assert undergird.__file__ is not None
    assert not Path(undergird.__file__).resolve().is_relative_to(ROOT / "python")


def test_the_package_is_typed() -> None:
    files = importlib.resources.files("undergird")
    assert files.joinpath("py.typed").is_file()
    assert files.joinpath("_core.pyi").is_file()


def test_one_version_is_named_everywhere() -> None:
    cargo = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]["version"]
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == cargo
    assert importlib.metadata.version("undergird") == cargo
    assert undergird.__version__ == cargo


def test_the_changelog_knows_the_version() -> None:
    headings = re.findall(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings
    assert headings[0] in ("Unreleased", undergird.__version__)


def test_every_public_name_is_in_all_and_every_name_in_all_exists() -> None:
    for name in undergird.__all__:
        assert getattr(undergird, name) is not None
    assert sorted(set(undergird.__all__)) == sorted(undergird.__all__)
    for name in ("configure", "get_logger", "flush", "stats", "shutdown"):
        assert name in undergird.__all__


def test_dir_shows_the_names_that_are_loaded_on_use(script: Script) -> None:
    shown = script("import undergird; print(*dir(undergird), sep='\\n')").stdout.split()
    assert set(undergird.__all__) <= set(shown)


@pytest.mark.parametrize("room", ["clock", "log", "logging"])
def test_a_room_is_there_when_it_is_named(room: str, script: Script) -> None:
    script(f"import undergird; assert undergird.{room}.__name__ == 'undergird.{room}'")


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = undergird.no_such_name


@pytest.mark.parametrize("heavy", ["numpy", "asyncio", "structlog", "psutil", "yaml", "prometheus_client"])
def test_an_import_does_not_load(heavy: str, script: Script) -> None:
    script(f"import sys, undergird; assert {heavy!r} not in sys.modules, 'loaded'")


def test_an_import_starts_no_thread(script: Script) -> None:
    script(
        """
        import os
        import undergird
        assert len(os.listdir("/proc/self/task")) == 1
        """
    )


def test_an_import_leaves_the_process_as_it_was(script: Script) -> None:
    script(
        """
        import logging, os, signal, sys, threading
        import atexit, warnings, weakref  # what the standard library may load on the way

        def state():
            return {
                "root handlers": list(logging.root.handlers),
                "loggers": dict(logging.root.manager.loggerDict),
                "logger class": logging.getLoggerClass(),
                "record factory": logging.getLogRecordFactory(),
                "methods": dict(vars(logging.Logger)),
                "signals": [signal.getsignal(number) for number in signal.valid_signals()],
                "exception hook": sys.excepthook,
                "thread hook": threading.excepthook,
                "finders": list(sys.meta_path),
                "environment": dict(os.environ),
                "directory": os.getcwd(),
                "descriptors": os.listdir("/proc/self/fd"),
            }

        before = state()
        import undergird
        after = state()
        changed = [key for key in before if before[key] != after[key]]
        assert not changed, changed
        """
    )


def test_an_import_makes_no_file(tmp_path: Path, script: Script) -> None:
    shared = Path("/dev/shm")
    before = set(shared.iterdir())
    script("import undergird", HOME=str(tmp_path), TMPDIR=str(tmp_path))
    assert list(tmp_path.iterdir()) == []
    made = [path for path in set(shared.iterdir()) - before if "undergird" in path.name]
    assert made == []


def test_the_command_explains_itself(tmp_path: Path) -> None:
    command = Path(sys.executable).with_name("undergird")
    for program in ([str(command)], [sys.executable, "-m", "undergird"]):
        done = subprocess.run(
            [*program, "--help"], cwd=tmp_path, env=os.environ, capture_output=True, text=True, timeout=60, check=True
        )
        for word in ("demo", "recover", "doctor"):
            assert word in done.stdout
        assert done.stderr == ""


def test_an_unknown_command_is_refused(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "undergird", "no-such-command"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "no-such-command" in done.stderr


def test_the_core_knows_nothing_of_python() -> None:
    core = tomllib.loads((ROOT / "rust" / "core" / "Cargo.toml").read_text())
    tables = [core.get("dependencies", {}), core.get("dev-dependencies", {})]
    tables += [target.get("dependencies", {}) for target in core.get("target", {}).values()]
    named = {name for table in tables for name in table}
    assert not {name for name in named if name.startswith(("pyo3", "python", "numpy"))}
