"""The structured logger: loggers over the standard library's tree, files written by the Rust core.

The way of a call: `Logger` (native methods) → the ring → the writer's thread → the file. A call that is not for
our handlers alone goes the standard library's way: `slow` makes a `LogRecord`, and our handlers put it into the
same ring.
"""

from __future__ import annotations

from undergird import _core
from undergird.log.console.handler import ConsoleHandler
from undergird.log.exceptions.exc_info import attached
from undergird.log.levels import add_level
from undergird.log.logger import Logger
from undergird.log.loggers import get_logger
from undergird.log.run.setup import configure, flush, shutdown, stats
from undergird.log.tree.handlers import FileHandler
from undergird.log.tree.messages import in_event_loop, message
from undergird.log.tree.plan import plan
from undergird.log.tree.slow import slow
from undergird.log.values.deferred import lazy
from undergird.log.values.fields import frozen_fields, render
from undergird.log.values.redaction import Redaction, hidden
from undergird.log.values.registry import register, unregister

__all__ = [
    "ConsoleHandler",
    "FileHandler",
    "Logger",
    "Redaction",
    "add_level",
    "configure",
    "flush",
    "get_logger",
    "lazy",
    "register",
    "shutdown",
    "stats",
    "unregister",
]

_core.set_hooks(
    {
        "plan": plan,
        "slow": slow,
        "render": render,
        "message": message,
        "in_event_loop": in_event_loop,
        "hidden": hidden,
        "frozen": frozen_fields,
        "attached": attached,
    }
)
