"""Infrastructure for high-throughput Python simulations and services, on a Rust core.

Example:
    >>> import undergird
    >>> undergird.configure("run.log")
    >>> log = undergird.get_logger("sim.cells")
    >>> log.info("agent moved", agent_id=7, x=0.5)
    >>> undergird.flush()
    True
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from undergird import clock
    from undergird._context import context
    from undergird.errors import ConfigurationError, LogFileError, UndergirdError
    from undergird.log import (
        Logger,
        Redaction,
        add_level,
        configure,
        flush,
        get_logger,
        lazy,
        register,
        shutdown,
        stats,
        unregister,
    )
    from undergird.log.asynchronous import AsyncLogger
    from undergird.log.rotation import Rotation
    from undergird.log.rules import Limit, Sample
    from undergird.log.sinks import FileSink

__version__ = "0.1.0"

__all__ = [
    "AsyncLogger",
    "ConfigurationError",
    "FileSink",
    "Limit",
    "LogFileError",
    "Logger",
    "Redaction",
    "Rotation",
    "Sample",
    "UndergirdError",
    "__version__",
    "add_level",
    "clock",
    "configure",
    "context",
    "flush",
    "get_logger",
    "lazy",
    "register",
    "shutdown",
    "stats",
    "unregister",
]

_HOME = {
    "AsyncLogger": "undergird.log.asynchronous",
    "ConfigurationError": "undergird.errors",
    "FileSink": "undergird.log.sinks",
    "Limit": "undergird.log.rules",
    "LogFileError": "undergird.errors",
    "Rotation": "undergird.log.rotation",
    "Sample": "undergird.log.rules",
    "UndergirdError": "undergird.errors",
    "context": "undergird._context",
}

_MODULES = frozenset({"clock", "log", "logging"})


def __getattr__(name: str) -> Any:
    """Loads a public name from its room, or a room, when it is first used."""
    from importlib import import_module

    if name in _MODULES:
        return import_module(f"undergird.{name}")
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOME.get(name, "undergird.log")), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
