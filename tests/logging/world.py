"""Loggers, handlers and what they wrote and saw: the same steps are taken in several worlds, and leave the same behind."""

from __future__ import annotations

import io
import logging
import re
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

from undergird import logging as ours
from undergird.log import FileHandler
from undergird.logging import install, uninstall

# Whose loggers they are: the standard library's, those of `undergird.logging`, and the standard library's after `install`.
KINDS = ("standard", "face", "installed")
NAMES = ("model", "model.a", "model.a.b", "model.a.b.c", "model.d")

_STAMP = re.compile(rb'"timestamp":"[^"]*",')
_TIMES = ("created", "msecs", "relativeCreated", "_undergird_times")


class Seeing(logging.Handler):
    """A foreign handler: it keeps all of each record that it is given."""

    def __init__(self, world: World, number: int) -> None:
        super().__init__()
        self.world, self.number = world, number

    def emit(self, record: logging.LogRecord) -> None:
        shown = {name: value for name, value in vars(record).items() if self.world.clock or name not in _TIMES}
        if record.exc_info:
            shown["exc_info"] = [*traceback.format_exception_only(record.exc_info[1]), record.exc_info[2] is not None]
        self.world.note("emit", self.number, type(record).__name__, repr(sorted(shown.items())), record.getMessage())


class Formatting(logging.Handler):
    """A foreign handler that formats, as most do."""

    def __init__(self, world: World, number: int) -> None:
        super().__init__()
        self.world, self.number = world, number

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self.world.note("formatted", self.number, self.format(record))
        except Exception:
            self.handleError(record)


class OwnStream(logging.StreamHandler[Any]):
    """A handler that derives from one that may be native, and overrides."""

    def __init__(self, world: World, number: int, stream: Any) -> None:
        super().__init__(stream)
        self.world, self.number = world, number

    def emit(self, record: logging.LogRecord) -> None:
        self.world.note("own", self.number, record.levelname)
        super().emit(record)


class Stream(io.StringIO):
    """A stream whose calls are seen."""

    def __init__(self, world: World, number: int) -> None:
        super().__init__()
        self.world, self.number = world, number

    def write(self, text: str) -> int:
        self.world.note("write", self.number, text)
        return super().write(text)

    def flush(self) -> None:
        self.world.note("flush", self.number)
        super().flush()


class Clock:
    """Stands for `time.time` and `time.time_ns`."""

    def __init__(self, now: int) -> None:
        self.now = now

    def time(self) -> float:
        return self.now / 1e9

    def time_ns(self) -> int:
        return self.now


class World:
    """One kind of loggers, and what has been seen of them.

    Args:
        kind: One of `KINDS`.
        directory: Where its files are.
        clock: Nanoseconds at the start; `None` for the real time, which is not compared.
    """

    def __init__(self, kind: str, directory: Path, clock: int | None) -> None:
        self.events: list[tuple[Any, ...]] = []
        self.clock = None if clock is None else Clock(clock)
        self.patches: list[Any] = []
        get = ours.getLogger if kind == "face" else logging.getLogger
        self.loggers = [*map(get, NAMES), logging.root]
        self.directory = directory
        self.files = [
            logging.FileHandler(directory / "plain.log", encoding="utf-8"),
            logging.FileHandler(directory / "late.log", encoding="utf-8", delay=True, errors="backslashreplace"),
        ]
        self.streams = [Stream(self, number) for number in range(3)]
        self.handlers: list[logging.Handler] = [
            *self.files,
            logging.StreamHandler(self.streams[0]),
            Seeing(self, 3),
            Formatting(self, 4),
            OwnStream(self, 5, self.streams[1]),
            logging.NullHandler(),
            FileHandler(directory / "ours.log"),
        ]
        self.formatters: list[logging.Formatter] = [logging.Formatter()]
        self.kept: list[Callable[..., object]] = [self.loggers[0].info]

    def note(self, *event: object) -> None:
        """Keeps what has happened."""
        self.events.append(event)

    def take(self, step: Callable[..., object], *arguments: Any) -> None:
        """Takes one step; that it raises is something that happens."""
        try:
            answer = step(self, *arguments)
        except Exception as error:
            self.note("raised", type(error).__name__, str(error))
        else:
            self.note("answered", answer)

    def probe(self) -> None:
        """Logs what should be native where it may: what has changed acts now, and what has not is known the second time."""
        for logger in self.loggers:
            for method, message in ("info", "probe"), ("info", "again"), ("warning", "probe"), ("warning", "again"):
                try:
                    getattr(logger, method)("%s %d", message, 3)
                except Exception as error:
                    self.note("raised", type(error).__name__, str(error))

    def written(self) -> dict[str, bytes]:
        """What is in the files, once they have been flushed."""
        for handler in (*self.files, self.handlers[-1]):
            handler.flush()
        found = {path.name: path.read_bytes() for path in sorted(self.directory.iterdir()) if path.name[0] != "."}
        if self.clock is None and "ours.log" in found:
            found["ours.log"] = _STAMP.sub(b"", found["ours.log"])
        return found


def run(
    kind: str, directory: Path, steps: list[tuple[Callable[..., object], tuple[Any, ...]]], clock: int | None
) -> tuple[list[tuple[Any, ...]], dict[str, bytes], str]:
    """Takes the steps in a new world: what happened, what was written to files, and to standard error."""
    directory.mkdir()
    with _alone(kind) as errors:
        world = World(kind, directory, clock)
        if world.clock is not None:
            world.patches += [mock.patch.object(time, name, getattr(world.clock, name)) for name in ("time", "time_ns")]
        for patch in world.patches:
            patch.start()
        try:
            for step, arguments in steps:
                world.take(step, *arguments)
                world.probe()
                world.note("files", world.written())
        finally:
            for patch in reversed(world.patches):
                patch.stop()
            for handler in world.handlers:
                handler.close()
        files = world.written()
    for path in directory.iterdir():
        path.unlink()
    directory.rmdir()
    return world.events, files, errors.getvalue()


@contextmanager
def _alone(kind: str) -> Iterator[io.StringIO]:
    """The logging of the process as if just imported, and as it was afterwards."""
    root, manager = logging.root, logging.Logger.manager
    before, names = dict(vars(root)), dict(manager.loggerDict)
    handlers, filters, module = root.handlers[:], root.filters[:], dict(vars(logging))
    tables: list[dict[Any, Any]] = [logging._levelToName, logging._nameToLevel]
    levels = [dict(table) for table in tables]
    root.handlers[:] = []
    warned, manager.emittedNoHandlerWarning = manager.emittedNoHandlerWarning, False
    errors = io.StringIO()
    if kind == "installed":
        install()
    try:
        with mock.patch.object(sys, "stderr", errors):
            yield errors
    finally:
        uninstall()
        root.__dict__.update(before)
        root.handlers[:], root.filters[:] = handlers, filters
        root.setLevel(before["level"])
        for name in set(vars(logging)) - set(module):
            delattr(logging, name)
        for name, value in module.items():
            if vars(logging)[name] is not value:
                setattr(logging, name, value)
        for there, then in zip(tables, levels, strict=True):
            there.clear()
            there.update(then)
        manager.emittedNoHandlerWarning = warned
        logging.disable(logging.NOTSET)
        for name in set(manager.loggerDict) - set(names):
            del manager.loggerDict[name]
