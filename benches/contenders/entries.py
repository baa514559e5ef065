"""What the driver knows about the contenders without importing them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

LOGGER = ("W1", "W1d", "W3", "W4", "W4x", "W4c", "W5", "W6", "W7", "W7p", "W8", "W9", "W9s", "W11", "R0")
"""The rows of a logger."""
TEXTUAL = (*LOGGER, "W2")
"""The rows of a logger that writes lines of text, too."""
DROP_IN = ("W1d", "W2", "W10")
"""The rows of what takes the calls of `logging`."""
ROTATING = ("W5", "W6", "W7", "W7p")
"""The rows in which files are rotated beside files that are not."""

_NO_CONTEXT = "has no context"


@dataclass(frozen=True, slots=True)
class Entry:
    """One contender.

    Args:
        module: Module of this package that makes it.
        function: The module's function.
        requires: Distributions that must be installed, the one that is measured first.
        role: "ours", "bridge" (ours below another library's calls: no bar is held against it), "stdlib", "rival" (a
            logger), "reference" (not a logger).
        note: What a reader of the table must know about the set-up.
        rows: The rows it takes part in, or would.
        cannot: What it cannot do, by row, and why.
        rotates: Whether its files are rotated by size: its function is told the size.
    """

    module: str
    function: str = "make"
    requires: tuple[str, ...] = ()
    role: str = "rival"
    note: str = ""
    rows: tuple[str, ...] = LOGGER
    cannot: Mapping[str, str] = field(default_factory=dict)
    rotates: bool = False

    def takes_part(self, row: str) -> bool:
        """Returns whether it is measured in a row."""
        return row in self.rows and row not in self.cannot


CONTENDERS: dict[str, Entry] = {
    "undergird": Entry("undergird_", "in_shared_memory", ("undergird",), "ours", "ring in shared memory (default)"),
    "undergird-disk": Entry("undergird_", "on_disk", ("undergird",), "ours", "ring on the log's disk (`ring_dir=`)"),
    "undergird-rotating": Entry(
        "undergird_", "rotating", ("undergird",), "ours", "files rotated by size (`max_bytes=`)", ROTATING, rotates=True
    ),
    "undergird-structlog": Entry(
        "undergird_",
        "through_structlog",
        ("undergird", "structlog"),
        "bridge",
        "structlog's calls: native filtering bound logger, cached",
        ("W1", "W1d", "W3", "W4"),
    ),
    "undergird-logging": Entry(
        "dropin",
        "face",
        ("undergird",),
        "ours",
        "`from undergird import logging`; in W2 its `FileHandler`, in W10 undergird's own",
        DROP_IN,
    ),
    "undergird-installed": Entry(
        "dropin", "installed", ("undergird",), "ours", "`logging` after `install()`, else the same", DROP_IN
    ),
    "stdlib": Entry(
        "stdlib",
        role="stdlib",
        note="`FileHandler`, fields through `extra=`, formatter with `json.dumps`",
        rows=(*TEXTUAL, "W10"),
    ),
    "stdlib-rotating": Entry(
        "stdlib", "rotating", role="reference", note="`RotatingFileHandler`, else the same", rows=ROTATING, rotates=True
    ),
    "picologging": Entry(
        "picologging_",
        requires=("picologging", "orjson"),
        note="fields, message and stamp encoded by orjson, native formatter around them",
        rows=TEXTUAL,
        cannot={
            "W4x": _NO_CONTEXT,
            "W4c": "names the place of the caller's caller",
            "W6": "deadlocks: its lock and the GIL wait for each other (its issue 207)",
        },
    ),
    "structlog": Entry(
        "structlog_",
        "documented",
        requires=("structlog", "orjson"),
        note="filtering bound logger, cached, orjson, `BytesLogger`: its documented fastest set-up",
    ),
    "structlog-buffered": Entry(
        "structlog_",
        "buffered",
        requires=("structlog", "orjson"),
        note="the same, but for a file that is not flushed for each line, which is faster",
    ),
    "loguru": Entry(
        "loguru_",
        requires=("loguru", "orjson"),
        note="a function as sink: orjson, stamp of its own, unbuffered file; `backtrace`, `diagnose`, `catch` off",
        rows=TEXTUAL,
    ),
    "logust": Entry(
        "logust_",
        requires=("logust", "orjson"),
        note="fields, message and stamp encoded by orjson, native format and file sink",
        rows=TEXTUAL,
        cannot={"W11": "flushes only when it is asked to"},
    ),
    "spdlog": Entry(
        "spdlog_",
        requires=("spdlog", "orjson"),
        note="message and fields encoded by orjson, pattern around them; disabled call without field",
        rows=TEXTUAL,
        cannot={"W4x": _NO_CONTEXT, "W4c": "does not know where it was called"},
    ),
    "logxide": Entry(
        "logxide_",
        requires=("logxide", "orjson"),
        note="message and fields encoded by orjson, native logger and file handler",
        rows=TEXTUAL,
        cannot={"W4x": _NO_CONTEXT},
    ),
    "orjson": Entry(
        "orjson_",
        requires=("orjson",),
        role="reference",
        note="no logger: one function with `orjson.dumps` and a buffered `write`",
        rows=("W3", "W5", "W6", "W7", "W7p", "W11", "R0"),
    ),
    "floor": Entry(
        "floor_",
        role="reference",
        note="empty native method, called the same way; writes nothing",
        rows=("W1", "W1d", "W3", "W7"),
    ),
    "heap": Entry(
        "floor_",
        "heap",
        role="reference",
        note="control: native method that stores the same bytes to heap; writes nothing",
        rows=("W3", "W7", "W7p"),
    ),
}
