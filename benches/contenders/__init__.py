"""Everybody who takes part in the benches, behind one interface.

A contender is set up by a module of this package with a function ``make(path)`` that opens a file
sink at level INFO and says, as source text, how its users write a disabled and an enabled call.
Source text, because a wrapper function around the call would cost more than some of the calls.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

LOGGER_NAME = "sim.cells"
MESSAGE = "agent moved"
CARRIED: Mapping[str, object] = {"run": 3, "worker": "a"}
"""The fields that rows W4 and W4x bind to the logger, or put around the call."""
FRAMES = 10
"""The frames of the traceback in row W8."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a contender's lines deviate from the common JSON keys.

    Args:
        message: Key of the message.
        carried: What each line has besides the record's own fields.
        level: The level of each line.
        frames: Frames of the traceback under `exception`; 0 for no such key.
    """

    message: str = "message"
    carried: Mapping[str, object] = field(default_factory=dict)
    level: str = "INFO"
    frames: int = 0


ROWS = ("W1", "W3", "W4", "W5", "W7", "W7p", "R0")
"""The rows of most loggers; those with a context take part in W4x too, those that log tracebacks in W8."""


def _nothing() -> None:
    pass


@dataclass(frozen=True, slots=True)
class Contender:
    """One logger, set up and ready to be called.

    Args:
        names: What the statements may refer to; bound to local variables of the timed loop.
        enabled: Statement that logs one record with the loop's ``i`` (int), ``x`` (float) and
            ``s`` (str).
        disabled: Statement below the level; None where there is no such thing.
        flush: Returns when everything logged is in the file.
        finish: Flushes and closes.
        writes: Whether calls end in lines of the file (the floor's do not).
        layout: How to read the lines back.
        bound: Gives itself with a logger that has `CARRIED` bound; None where it cannot bind.
        surrounded: Gives itself within a context of `CARRIED`; None where it knows of none.
        excepting: Gives itself with calls that log the exception being handled; None where it has no such call.
    """

    names: Mapping[str, object]
    enabled: str
    disabled: str | None = 'log.debug("x", a=1)'
    flush: Callable[[], None] = _nothing
    finish: Callable[[], None] = _nothing
    writes: bool = True
    layout: Layout = field(default_factory=Layout)
    bound: Callable[[], Contender] | None = None
    surrounded: Callable[[], Contender] | None = None
    excepting: Callable[[], Contender] | None = None

    def carrying(self, **changes: Any) -> Contender:
        """Returns itself with some things changed, and `CARRIED` in its lines."""
        return replace(self, **changes, layout=replace(self.layout, carried=CARRIED))

    def with_traceback(self) -> Contender:
        """Returns itself with `exception` for `info`, and a traceback in its lines."""
        layout = replace(self.layout, level="ERROR", frames=FRAMES)
        return replace(self, enabled=self.enabled.replace("log.info", "log.exception"), layout=layout)


@dataclass(frozen=True, slots=True)
class Entry:
    """What the driver knows about a contender without importing it.

    Args:
        module: Module of this package that makes it.
        function: The module's function.
        requires: Distributions that must be installed, the one that is measured first.
        role: "ours", "bridge" (ours below another library's calls: no bar is held against it), "stdlib", "rival" (a
            logger), "reference" (not a logger).
        note: What a reader of the table must know about the set-up.
        rows: The rows it takes part in.
    """

    module: str
    function: str = "make"
    requires: tuple[str, ...] = ()
    role: str = "rival"
    note: str = ""
    rows: tuple[str, ...] = ROWS


CONTENDERS: dict[str, Entry] = {
    "undergird": Entry(
        "undergird_",
        "in_shared_memory",
        ("undergird",),
        "ours",
        "ring in shared memory (default)",
        (*ROWS, "W4x", "W8"),
    ),
    "undergird-disk": Entry(
        "undergird_", "on_disk", ("undergird",), "ours", "ring on the log's disk (`ring_dir=`)", (*ROWS, "W4x", "W8")
    ),
    "undergird-structlog": Entry(
        "undergird_",
        "through_structlog",
        ("undergird", "structlog"),
        "bridge",
        "structlog's calls: native filtering bound logger, cached",
        rows=("W1", "W3", "W4"),
    ),
    "stdlib": Entry(
        "stdlib",
        role="stdlib",
        rows=(*ROWS, "W4x", "W8"),
        note="`FileHandler`, fields through `extra=`, formatter with `json.dumps`",
    ),
    "picologging": Entry(
        "picologging_",
        requires=("picologging", "orjson"),
        note="fields, message and stamp encoded by orjson, native formatter around them",
    ),
    "structlog": Entry(
        "structlog_",
        requires=("structlog", "orjson"),
        note="filtering bound logger, cached, orjson, `BytesLogger`: its documented fastest set-up",
        rows=(*ROWS, "W4x", "W8"),
    ),
    "spdlog": Entry(
        "spdlog_",
        requires=("spdlog", "orjson"),
        note="message and fields encoded by orjson, pattern around them; disabled call without field",
    ),
    "logxide": Entry(
        "logxide_",
        requires=("logxide", "orjson"),
        note="message and fields encoded by orjson, native logger and file handler",
    ),
    "orjson": Entry(
        "orjson_",
        requires=("orjson",),
        role="reference",
        note="no logger: one function with `orjson.dumps` and a buffered `write`",
        rows=("W3", "W5", "W7", "W7p", "R0"),
    ),
    "floor": Entry(
        "floor_",
        role="reference",
        note="empty native method, called the same way; writes nothing",
        rows=("W1", "W3", "W7"),
    ),
    "heap": Entry(
        "floor_",
        "heap",
        role="reference",
        note="control: native method that stores the same bytes to heap; writes nothing",
        rows=("W3", "W7", "W7p"),
    ),
}


def make(name: str, path: Path) -> Contender:
    """Returns the contender `name`, logging into `path`.

    Args:
        name: A key of `CONTENDERS`.
        path: The log file; must not exist. Files beside it may be used.

    Raises:
        ImportError: What it needs is not installed.
    """
    entry = CONTENDERS[name]
    module = importlib.import_module(f"contenders.{entry.module}")
    made = getattr(module, entry.function)(path)
    assert isinstance(made, Contender)
    return made
