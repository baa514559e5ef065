"""Levels of the program's own, each with a method on every logger."""

from __future__ import annotations

import keyword
import logging
from collections.abc import Callable
from typing import Any

from undergird import _core
from undergird.errors import ConfigurationError, shown
from undergird.log.logger import Logger

METHODS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50, "fatal": 50}
"""The methods that log at a level of their own, with its number."""

LARGEST = (1 << 31) - 1

_patched: dict[str, int] = {}
_listeners: list[Callable[[str], object]] = []


def add_level(name: str, level: int, *, stdlib: bool = False) -> int:
    """Adds a level, with a method of its name in lower case on every logger, those that exist included.

    The name is registered with the standard library, so that `setLevel("EMERGENCE")` and `configure(level="EMERGENCE")`
    know it. Adding the same level again changes nothing.

    Args:
        name: The name in the lines, such as `"EMERGENCE"`; in lower case the method's.
        level: Its number: 25 is between INFO and WARNING.
        stdlib: Whether the standard library's loggers get the method too.

    Returns:
        The number, for `log.log(EMERGENCE, ...)`, which type checkers understand.

    Raises:
        ConfigurationError: If the name can be no method's, if a logger has such an attribute, or if name or number is
            another level's already.

    Example:
        >>> import undergird
        >>> EMERGENCE = undergird.add_level("EMERGENCE", 25)
        >>> undergird.get_logger("sim").emergence("collective behavior", score=0.78)
    """
    if not _can_be_method(name):
        raise ConfigurationError(f"level {shown(name)} cannot be the name of a method")
    if type(level) is not int or not 1 <= level <= LARGEST:
        raise ConfigurationError(f"level {name}: {shown(level)} is no integer from 1 to {LARGEST}")
    method = name.lower()
    if (known := logging.getLevelName(level)) not in (name, f"Level {level}"):
        raise ConfigurationError(f"level {name}: {level} is {known} already")
    if (number := logging.getLevelNamesMapping().get(name, level)) != level:
        raise ConfigurationError(f"level {name} is {number} already")
    if METHODS.get(method) != level:
        if hasattr(Logger, method):
            raise ConfigurationError(f"level {name}: a logger has an attribute {method!r} already")
        _add_method(method, name, level)
        METHODS[method] = level
        for tell in _listeners:
            tell(method)
    logging.addLevelName(level, name)
    if stdlib:
        _patch(method, name, level)
    return level


def on_method(tell: Callable[[str], object]) -> None:
    """Calls a function with the name of each level's method: now, and whenever a level is added.

    Args:
        tell: The function.

    Example:
        >>> names = []
        >>> on_method(names.append)
        >>> "critical" in names
        True
    """
    _listeners.append(tell)
    for method in list(METHODS):
        tell(method)


def _can_be_method(name: object) -> bool:
    if not isinstance(name, str) or not name.isidentifier() or name.startswith("_"):
        return False
    return name.isascii() and not keyword.iskeyword(name.lower())


def _add_method(method: str, name: str, level: int) -> None:
    doc = f"{method}($self, msg, /, *args, **fields)\n--\n\nLogs at {name} ({level}); see `info`."
    if _core.learn_level(level) and _core.add_level_method(method, level, doc):
        return

    # There is room for so many only.
    def log_at_level(self: Logger, msg: object, /, *args: Any, **fields: Any) -> None:
        self.log(level, msg, *args, **fields)

    _name(log_at_level, method, f"Logs at {name} ({level}); see `info`.")
    setattr(Logger, method, log_at_level)


def _patch(method: str, name: str, level: int) -> None:
    if _patched.get(method) == level:
        return
    if hasattr(logging.Logger, method):
        raise ConfigurationError(f"level {name}: the standard library's loggers have an attribute {method!r} already")

    def log_at_level(self: logging.Logger, msg: object, *args: Any, stacklevel: int = 1, **options: Any) -> None:
        if self.isEnabledFor(level):
            # This frame is not the caller's.
            self.log(level, msg, *args, stacklevel=stacklevel + 1, **options)

    _name(log_at_level, method, f"Logs at {name} ({level}).")
    setattr(logging.Logger, method, log_at_level)
    _patched[method] = level


def _name(function: Any, method: str, doc: str) -> None:
    function.__name__, function.__qualname__, function.__doc__ = method, f"Logger.{method}", doc
