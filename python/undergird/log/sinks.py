"""The files of a run, each with its own level, loggers, format and rotation."""

from __future__ import annotations

import dataclasses
import itertools
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from undergird import _core
from undergird.errors import ConfigurationError, shown
from undergird.log.checks import known_format, level_number, rules
from undergird.log.paths import spelled
from undergird.log.run.settings import log_file
from undergird.log.tree.branches import branches

if TYPE_CHECKING:
    from contextlib import ExitStack

    from undergird.log.rotation import Rotation


@dataclasses.dataclass(frozen=True, slots=True)
class FileSink:
    """One more file of a run, for `configure(sinks=[...])`.

    Whatever reaches several files is copied into the ring once; each file gets it exactly once, also where a process is
    killed between two of them. Levels and loggers of a file are part of what a call has decided beforehand: they cost
    nothing.

    Args:
        path: The file. It is appended to.
        level: The lowest level that it takes, by number or name, of what the levels of the loggers let through.
        loggers: The loggers whose records it takes, each with those below it: `"sim"` stands for `sim.cells` too.
            Without any, it takes all.
        except_loggers: Those whose records it does not take, with those below them. Where both name a part of a
            logger's name, the longer one decides.
        format: `"json"`, `"logfmt"` or `"text"`.
        rotation: When it is put aside, and what becomes of it then; `None` lets it grow.

    Raises:
        ConfigurationError: A value that cannot be; the message names it.

    Example:
        >>> import undergird
        >>> errors = undergird.FileSink("errors.log", level="ERROR", loggers=["sim"], format="logfmt")
        >>> undergird.configure("run.log", sinks=[errors])
    """

    path: str | os.PathLike[str]
    _: dataclasses.KW_ONLY
    level: int | str = 0
    loggers: Iterable[str] | str = ()
    except_loggers: Iterable[str] | str = ()
    format: str = "json"
    rotation: Rotation | None = None

    def __post_init__(self) -> None:
        spelled(self.path, "path")
        known_format(self.format)
        taken = branches(self.loggers, self.except_loggers)
        # As what they mean, so that another process can be told.
        object.__setattr__(self, "level", level_number(self.level, "level"))
        object.__setattr__(self, "loggers", tuple(sorted(taken.included)))
        object.__setattr__(self, "except_loggers", tuple(sorted(taken.excluded)))
        rules(self.rotation)


def listed(given: object) -> list[FileSink]:
    """The sinks that `configure` was given.

    Raises:
        ConfigurationError: If something else is among them.
    """
    if not isinstance(given, Iterable) or isinstance(given, str):
        raise ConfigurationError(f"sinks {shown(given)} is not a list of undergird.FileSink")
    sinks = list(given)
    for sink in sinks:
        if not isinstance(sink, FileSink):
            raise ConfigurationError(f"sinks: {shown(sink)} is not an undergird.FileSink")
    return sinks


def opened(sinks: list[FileSink], *, beside: FileSink | None, made: ExitStack) -> list[FileSink]:
    """The sinks with the absolute paths of their files, each of which has been opened once.

    Args:
        sinks: The sinks.
        beside: The run's first file, which has been opened already.
        made: As for `log_file`.

    Raises:
        ConfigurationError: If two have one file, or the rotation of one would touch the file of another.
        LogFileError: If a file cannot be opened.
    """
    result = [dataclasses.replace(sink, path=str(log_file(sink.path, made))) for sink in sinks]
    every = result if beside is None else [beside, *result]
    for first, second in itertools.combinations(every, 2):
        if _are_one(first.path, second.path):
            raise ConfigurationError(f"sinks: {second.path} is the file of another sink, {first.path}; give it to one")
    for sink in every:
        rules = sink.rotation.encode() if sink.rotation else b""
        for other in every if rules else ():
            if other is not sink and _core.puts_aside_as(str(sink.path), rules, str(other.path)):
                raise ConfigurationError(
                    f"sinks: {other.path} is what {sink.path} is called when it is put aside; choose another name"
                )
    return result


def _are_one(first: str | os.PathLike[str], second: str | os.PathLike[str]) -> bool:
    """Whether two names lead to one file. It takes one descriptor, which opening a log has taken before."""
    try:
        # Held: the number of a log that another process has put aside and compressed is free for the next file.
        held = os.open(first, os.O_PATH | os.O_CLOEXEC)
        try:
            return os.path.samestat(os.fstat(held), os.stat(second))  # noqa: PTH116 -- nothing else is asked of the path
        finally:
            os.close(held)
    except OSError:
        # Another process of the run is putting one aside at this moment.
        return os.path.realpath(first) == os.path.realpath(second)
