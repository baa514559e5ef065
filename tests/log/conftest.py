"""A run in this process, undone when the test ends; and the two ways that a call can take."""

from __future__ import annotations

import gc
import itertools
import json
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import undergird
from undergird.log.console.handler import ConsoleHandler
from undergird.log.tree.handlers import FileHandler

_NUMBERS = itertools.count(1)


@dataclass
class Run:
    """A log of one test.

    `start` configures it and gives a logger of a name of its own.
    """

    path: Path
    foreign: bool = False
    records: list[logging.LogRecord] = field(default_factory=list)
    read: int = 0

    def start(self, **options: Any) -> undergird.Logger:
        be_alone()
        undergird.configure(self.path, **{"level": "DEBUG", **options})
        if self.foreign:
            logging.root.addHandler(Collector(self.records))
        return undergird.get_logger(f"run{next(_NUMBERS)}.cells")

    def lines(self, path: Path | None = None) -> list[dict[str, Any]]:
        """Every line of the log, flushed before."""
        assert undergird.flush(30.0)
        return read_lines(path or self.path)

    def new_text(self) -> bytes:
        """What was written since the last time, flushed before. A long log is emptied then: a hundred thousand cases write many."""
        assert undergird.flush(30.0)
        with self.path.open("rb") as file:
            file.seek(self.read)
            text = file.read()
        self.read += len(text)
        if self.read > 1 << 25:
            os.truncate(self.path, 0)
            self.read = 0
        return text

    def new_lines(self) -> list[dict[str, Any]]:
        """The lines since the last time, flushed before."""
        return parse_lines(self.new_text())

    def messages(self, path: Path | None = None) -> list[str]:
        return [line["message"] for line in self.lines(path)]

    def last(self) -> dict[str, Any]:
        return self.lines()[-1]


def be_alone() -> None:
    """Takes off the handlers that pytest has put on the root: with them, every call takes the standard library's way."""
    for handler in list(logging.root.handlers):
        if type(handler).__module__ == "_pytest.logging":
            logging.root.removeHandler(handler)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call() -> None:
    """Takes them off again, because pytest has put them on again after the fixtures were made."""
    be_alone()


class Collector(logging.Handler):
    """A handler that is not ours: keeps the records."""

    def __init__(self, records: list[logging.LogRecord] | None = None, level: int = 0) -> None:
        super().__init__(level)
        self.records: list[logging.LogRecord] = [] if records is None else records

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    @property
    def messages(self) -> list[str]:
        return [record.getMessage() for record in self.records]


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The lines of a log, each of which must be whole."""
    return parse_lines(path.read_bytes() if path.exists() else b"")


def parse_lines(text: bytes) -> list[dict[str, Any]]:
    assert text == b"" or text.endswith(b"\n"), "the last line is torn"
    # Not `splitlines`, which splits at characters that may stand in a line.
    return [json.loads(line) for line in text.split(b"\n")[:-1]]


@pytest.fixture(scope="session")
def ring_dir() -> Iterator[Path]:
    """A place for rings in shared memory that goes with the session."""
    shared = Path("/dev/shm")
    directory = Path(tempfile.mkdtemp(prefix="undergird-tests-", dir=shared if shared.is_dir() else None))
    yield directory
    shutil.rmtree(directory)


@pytest.fixture
def run(
    tmp_path: Path, ring_dir: Path, monkeypatch: pytest.MonkeyPatch, _no_settings_from_outside: None
) -> Iterator[Run]:
    """A run that is not set up yet."""
    monkeypatch.setenv("UNDERGIRD_RING_DIR", str(ring_dir))
    root = logging.root
    before = root.handlers[:], root.level, root.filters[:], root.disabled, root.manager.disable
    logger_class, raise_exceptions, names = logging.getLoggerClass(), logging.raiseExceptions, set(logging._levelToName)
    yield Run(tmp_path / "run.log")
    undergird.shutdown(30.0)
    for handler in [handler for handler in root.handlers if isinstance(handler, FileHandler | ConsoleHandler)]:
        root.removeHandler(handler)
    root.handlers[:], level, root.filters[:], root.disabled, disable = before
    root.setLevel(level)
    logging.disable(disable)
    logging.setLoggerClass(logger_class)
    logging.raiseExceptions = raise_exceptions
    for number in set(logging._levelToName) - names:
        logging._nameToLevel.pop(logging._levelToName[number], None)
        del logging._levelToName[number]


@pytest.fixture(params=["natively", "through the standard library"])
def either(request: pytest.FixtureRequest, run: Run) -> Run:
    """A run of each of the two ways: with our handler alone, or with one more that is not ours."""
    run.foreign = request.param != "natively"
    return run


@pytest.fixture
def no_collection() -> Iterator[None]:
    """Keeps the collector still: a Ctrl-C that comes while it calls a hook is raised there, and nobody sees it."""
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
def there(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, which is empty."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
