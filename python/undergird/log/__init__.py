"""The structured logger: loggers over the standard library's tree, files written by the Rust core.

The way of a call: `Logger` (native methods) → the ring → the writer's thread → the file. A call that is not for
our handlers alone goes the standard library's way: `slow` makes a `LogRecord`, and our handlers put it into the
same ring.
"""

from __future__ import annotations

from undergird import _core
from undergird.log.console import ConsoleHandler
from undergird.log.deferred import lazy
from undergird.log.exceptions import attached
from undergird.log.handlers import FileHandler
from undergird.log.levels import add_level
from undergird.log.logger import Logger, get_logger
from undergird.log.plan import plan
from undergird.log.redaction import Redaction, hidden
from undergird.log.registry import register, unregister
from undergird.log.rendering import in_event_loop, message
from undergird.log.setup import configure, flush, shutdown, stats
from undergird.log.slow import slow
from undergird.log.values import frozen_fields, render

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
    plan=plan,
    slow=slow,
    render=render,
    message=message,
    in_event_loop=in_event_loop,
    hidden=hidden,
    frozen=frozen_fields,
    attached=attached,
)
