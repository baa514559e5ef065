"""Everybody who takes part in the benches, behind one interface.

A contender is set up by a module of this package with a function ``make(path)`` that opens a file
sink at level INFO and says, as source text, how its users write a disabled and an enabled call.
Source text, because a wrapper function around the call would cost more than some of the calls.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from contenders.entries import CONTENDERS

LOGGER_NAME = "sim.cells"
MESSAGE = "agent moved"
CARRIED: Mapping[str, object] = {"run": 3, "worker": "a"}
"""The fields that rows W4 and W4x bind to the logger, or put around the call."""
FRAMES = 10
"""The frames of the traceback in row W8."""
TEXT = re.compile(
    r"(?P<timestamp>\S+ \S+) (?P<level>\S+) (?P<logger_name>\S+) (?P<message>[^:]+): (?P<kind>.+) (?P<agent_id>\d+)\n"
)
"""A line of row W2."""
FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"
"""The same, for those who format as the standard library does."""
BACKUPS = 99
"""More files than are rotated: all that was logged is read back."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a contender's lines deviate from the common JSON keys.

    Args:
        message: Key of the message.
        carried: What each line has besides the record's own fields.
        level: The level of each line.
        frames: Frames of the traceback under `exception`; 0 for no such key.
        text: What each line matches that is no JSON, with the keys as its groups; those of the fields that it lacks are
            not shown.
    """

    message: str = "message"
    carried: Mapping[str, object] = field(default_factory=dict)
    level: str = "INFO"
    frames: int = 0
    text: re.Pattern[str] | None = None


def _nothing() -> None:
    pass


def unchanged(plain: Contender) -> Contender:
    """Returns what already is as it should be."""
    return plain


@dataclass(frozen=True, slots=True)
class Contender:
    """One logger, set up and ready to be called.

    The functions that set it up for another row are given itself, so that loggers of a kind share them.

    Args:
        names: What the statements may refer to; bound to local variables of the timed loop.
        enabled: Statement that logs one record with the loop's ``i`` (int), ``x`` (float) and
            ``s`` (str).
        disabled: Statement below the level; None where there is no such thing.
        disabled_text: The same with a message and an argument; None where there is no such thing.
        many: Statement that logs a record for each row of the columns ``i``, ``x``, ``s`` and ``b``; None
            where there is no such thing.
        flush: Returns when everything logged is in the file.
        finish: Flushes and closes.
        account: Says what it counted, where lines are missing; empty if it counts nothing.
        writes: Whether calls end in lines of the file (the floor's do not).
        layout: How to read the lines back.
        bound: Gives it with a logger that has `CARRIED` bound; None where it cannot bind.
        surrounded: Gives it within a context of `CARRIED`; None where it knows of none.
        placed: Gives it with lines that say where the call is; None where they cannot.
        excepting: Gives it with calls that log the exception being handled; None where it has no such call.
        textual: Gives it with lines of `TEXT`, by a message with two arguments; None where it has no such call.
        accompanied: Gives it with a handler of somebody else's on the root; None where there is no such thing.
        threaded: Gives it ready for calls from several threads.
        synchronous: Gives it with every line in the file when the call returns; None where that is not to be had.
    """

    names: Mapping[str, object]
    enabled: str
    disabled: str | None = 'log.debug("x", a=1)'
    disabled_text: str | None = 'log.debug("x %d", 3)'
    many: str | None = None
    flush: Callable[[], None] = _nothing
    finish: Callable[[], None] = _nothing
    account: Callable[[], str] = str
    writes: bool = True
    layout: Layout = field(default_factory=Layout)
    bound: Callable[[Contender], Contender] | None = None
    surrounded: Callable[[Contender], Contender] | None = None
    placed: Callable[[Contender], Contender] | None = None
    excepting: Callable[[Contender], Contender] | None = None
    textual: Callable[[Contender], Contender] | None = None
    accompanied: Callable[[Contender], Contender] | None = None
    threaded: Callable[[Contender], Contender] = unchanged
    synchronous: Callable[[Contender], Contender] | None = None

    def with_names(self, **names: object) -> Contender:
        """Returns itself with more that its statements may refer to."""
        return replace(self, names={**self.names, **names})

    def carrying(self, fields: Mapping[str, object] = CARRIED, **changes: Any) -> Contender:
        """Returns itself with some things changed, and with `fields` in its lines."""
        return replace(self, **changes, layout=replace(self.layout, carried=fields))

    def with_traceback(self, enabled: str | None = None) -> Contender:
        """Returns itself with another statement (`exception` for `info` by default), and a traceback in its lines."""
        layout = replace(self.layout, level="ERROR", frames=FRAMES)
        return replace(self, enabled=enabled or self.enabled.replace("log.info", "log.exception"), layout=layout)

    def with_text(self, enabled: str = f'log.info("{MESSAGE}: %s %d", s, i)') -> Contender:
        """Returns itself with another statement, and lines of `TEXT`."""
        return replace(self, enabled=enabled, layout=replace(self.layout, text=TEXT))

    def with_fourth_field(self) -> str:
        """Returns the statement that logs one record with the loop's ``b`` (bool) besides."""
        return self.enabled.replace("kind=s", "kind=s, alive=b").replace('"kind": s', '"kind": s, "alive": b')


def make(name: str, path: Path, rotate_at: int) -> Contender:
    """Returns the contender `name`, logging into `path`.

    Args:
        name: A key of `CONTENDERS`.
        path: The log file; must not exist. Files beside it may be used.
        rotate_at: The size of a file (bytes) at which those that rotate do.

    Raises:
        ImportError: What it needs is not installed.
    """
    entry = CONTENDERS[name]
    function = getattr(importlib.import_module(f"contenders.{entry.module}"), entry.function)
    made = function(path, rotate_at) if entry.rotates else function(path)
    assert isinstance(made, Contender)
    return made
