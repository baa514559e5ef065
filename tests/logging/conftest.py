"""Loggers over files of ours, and programs that are run with loggers of every kind."""

from __future__ import annotations

import json
import logging as standard
import re
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest

import undergird
from undergird import _core, logging
from undergird.log import FileHandler
from undergird.log.run.setup import begin
from undergird.logging import _native, install, uninstall

if TYPE_CHECKING:
    from tests.conftest import Script

TELLS = sys.version_info >= (3, 12)
"""Whether this Python tells of changes; where it does not, enabled calls are the standard library's."""

ALWAYS_KNOWN = ("level",)
"""What is told of a call by itself, also where this Python does not tell of changes."""

LEVELS = ("debug", "info", "warning", "error", "critical")


class Log:
    """A logger over a file of ours, and what is in the file."""

    def __init__(self, logger: standard.Logger, handler: FileHandler) -> None:
        self._logger = logger
        self.handler = handler
        self.read = 0
        self.begun = False

    @property
    def logger(self) -> standard.Logger:
        """The logger. pytest has handlers on the root, and on loggers that do not propagate when the test begins."""
        if not self.begun:
            self.begun = True
            self.parent.propagate = False
        return self._logger

    @property
    def parent(self) -> standard.Logger:
        """The logger above it, which does not propagate."""
        parent = self._logger.parent
        assert parent is not None
        return parent

    def lines(self) -> list[dict[str, Any]]:
        """What has been written since the last time, but for the time."""
        undergird.flush()
        path = Path(self.handler.path)
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        new, self.read = text[self.read :], len(text)
        lines = [json.loads(line) for line in new.split("\n")[:-1]]
        for line in lines:
            del line["timestamp"]
        return lines

    def messages(self) -> list[str]:
        return [line["message"] for line in self.lines()]


@pytest.fixture(params=["ours", "installed", "installed over ours"])
def log(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Log]:
    """A logger whose calls are native: of our class, of the standard library's after `install`, of ours after it."""
    if request.param != "ours":
        install()
    name = f"tests.enabled.{request.node.name}"
    make = standard.getLogger if request.param == "installed" else logging.getLogger
    parent, logger = make("tests.enabled"), make(name)
    logger.setLevel(standard.INFO)
    level = standard.root.level
    undergird.configure(tmp_path / "root.log")
    handler = FileHandler(tmp_path / "run.log")
    logger.addHandler(handler)
    yield Log(logger, handler)
    uninstall()
    undergird.shutdown()
    parent.propagate = True
    standard.root.setLevel(level)
    for held in (*logger.handlers, *standard.root.handlers):
        if isinstance(held, FileHandler):
            standard.root.removeHandler(held)
            logger.removeHandler(held)
    for made in (name, parent.name):
        del standard.root.manager.loggerDict[made]


def native() -> int:
    counted: int = _core.logging_calls()["native"]
    return counted


def fallbacks() -> dict[str, int]:
    counted: dict[str, int] = _core.logging_calls()["fallbacks"]
    return counted


def is_native(call: Callable[[], object]) -> bool:
    """Whether a call is native, once it has been learned that it may."""
    call()
    before = native()
    call()
    return native() == before + 1


def reason(call: Callable[[], object]) -> str:
    """Why a call is not native."""
    call()
    before, calls = fallbacks(), native()
    call()
    assert native() == calls
    [changed] = [name for name, count in fallbacks().items() if count != before.get(name, 0)]
    return changed


def settled(log: Log) -> None:
    """Has it known that calls are native, where they can be."""
    assert is_native(lambda: log.logger.info("before")) == TELLS
    log.lines()


def theirs(logger: standard.Logger, method: str, *args: Any, **options: Any) -> None:
    """The call as the standard library makes it."""
    _native._originals[method](logger, *args, **options)


@contextmanager
def counted(class_: type, name: str) -> Iterator[list[str]]:
    """Patches a method so that its calls are counted, for as long as the block is running."""
    original = getattr(class_, name)
    calls: list[str] = []

    def patch(self: Any, *args: Any, **options: Any) -> Any:
        calls.append(name)
        return original(self, *args, **options)

    with mock.patch.object(class_, name, patch):
        yield calls


class Keeps(standard.Handler):
    """Keeps the messages that it sees."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def emit(self, record: standard.LogRecord) -> None:
        self.seen.append(record.getMessage())


FORMAT = "%(asctime)s %(levelname)-8s %(name)s: %(message)s"


class Lines:
    """A logger over a file of the standard library's handler, and what is in the file."""

    def __init__(self, logger: standard.Logger, path: Path) -> None:
        self._logger, self.path = logger, path
        self.begun = False
        self.handler = standard.FileHandler(path, encoding="utf-8")
        self.handler.setFormatter(standard.Formatter(FORMAT))
        self.formatter = self.handler.formatter
        self.read = 0

    @property
    def logger(self) -> standard.Logger:
        """The logger. pytest has handlers on the root, and on loggers that do not propagate when the test begins."""
        if not self.begun:
            self.begun, self._logger.propagate = True, False
        return self._logger

    @property
    def stream(self) -> Any:
        """What the handler writes to now."""
        return self.handler.stream

    def new(self) -> list[str]:
        """What has been written since the last time."""
        self.handler.flush()
        text = self.path.read_text(encoding="utf-8")
        new, self.read = text[self.read :], len(text)
        return new.split("\n")[:-1]

    def compare(self, *call: Any, method: str = "info") -> str:
        """A call as ours makes it and as the standard library does: the same line, but for the time."""
        getattr(self.logger, method)(*call)
        ours = "\n".join(self.new())
        theirs(self.logger, method, *call)
        same = "\n".join(self.new())
        assert re.sub(r"\d+", "0", ours) == re.sub(r"\d+", "0", same)
        return ours

    def settle(self) -> None:
        """Has it known that calls are native, where they can be."""
        assert is_native(lambda: self.logger.info("before")) == TELLS
        self.new()


@pytest.fixture(params=["ours", "installed"])
def lines(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Lines]:
    if request.param == "installed":
        install()
    name = f"tests.streams.{request.node.name}"
    logger = (standard if request.param == "installed" else logging).getLogger(name)
    logger.setLevel(standard.INFO)
    made = Lines(logger, tmp_path / "app.log")
    logger.addHandler(made.handler)
    yield made
    uninstall()
    made.handler.close()
    del standard.root.manager.loggerDict[name]


def passed(path: Path) -> int:
    """How many lines for a file went through the ring."""
    counts = _core.stats()["sinks"].get(str(path))
    return counts["emitted"] if counts else 0


THROUGH_RING = int(TELLS)
"""How many lines go through the ring of one that may."""


@pytest.fixture
def plain(lines: Lines, tmp_path_factory: pytest.TempPathFactory) -> Lines:
    """A logger over a file whose lines are messages, and go through the ring."""
    # A ring of the test's own: that of another test may have been shut down.
    begin(str(tmp_path_factory.mktemp("rings")))
    lines.handler.setFormatter(standard.Formatter("%(message)s"))
    for _ in range(3):
        lines.logger.info("before")
    assert (passed(lines.path) > 0) == TELLS
    lines.new()
    # pytest puts handlers on loggers that do not propagate when the test begins.
    lines.logger.propagate = True
    lines.begun = False
    return lines


KINDS = {
    "standard": "import logging, logging.config, logging.handlers\n",
    "face": "from undergird import logging\n",
    "installed": "from undergird.logging import install; install(); import logging, logging.config, logging.handlers\n",
}
# A logger that was made before the program did anything is native still at its end.
START = """
off = logging.getLogger("switched.off")
off.setLevel(logging.ERROR)

def log_an_exception(log):
    try:
        1 / 0
    except ZeroDivisionError:
        log.exception("division")
"""
END = """
from undergird import _core
off.disabled, before = False, _core.native_calls()
off.debug("off"), off.debug("off")
assert _core.native_calls() > before
"""

Program = Callable[[str], str]


@pytest.fixture
def program(script: Script) -> Program:
    """Runs a program in every way: what it printed, to both streams, and the same each time."""

    def run(source: str) -> str:
        printed = {}
        for kind, start in KINDS.items():
            end = "" if kind == "standard" else END
            done = script(f"{start}{START}{textwrap.dedent(source)}\n{end}")
            printed[kind] = done.stdout + done.stderr
        assert printed["face"] == printed["standard"]
        assert printed["installed"] == printed["standard"]
        return printed["standard"]

    return run
