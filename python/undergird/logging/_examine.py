"""What an enabled call of a logger depends on, and whether anything of that has been replaced."""

from __future__ import annotations

import logging
import time
from types import BuiltinFunctionType, FunctionType
from typing import Any, NamedTuple

from undergird.log.tree.handlers import FileHandler
from undergird.log.tree.nodes import Node, node

_LOGGER = ("_log", "isEnabledFor", "findCaller", "makeRecord", "handle", "filter", "callHandlers")
_HANDLER = ("handle", "filter", "emit", "handleError", "acquire", "release")
_MODULE = ("getLevelName", "currentframe", "LogRecord")
_CLOCKS = ("time", "time_ns")
_ON_RECORDS = ("logThreads", "logMultiprocessing", "logProcesses", "logAsyncioTasks")
_CLASSES = (logging.Logger, logging.RootLogger, Node)


def _is_theirs(function: object, name: str) -> bool:
    return (
        isinstance(function, FunctionType)
        and function.__globals__ is vars(logging)
        and function.__code__.co_qualname == name
    )


def _found(class_: type, name: str) -> Any:
    """What a class has under a name, without asking it."""
    return next((vars(one)[name] for one in class_.__mro__ if name in vars(one)), None)


# As they were when this was loaded: a program may have replaced some before.
_originals: dict[type, dict[str, Any]] = {
    logging.Logger: {name: _found(logging.Logger, name) for name in _LOGGER},
    FileHandler: {name: _found(FileHandler, name) for name in _HANDLER},
    logging.Handler: {"filter": _found(logging.Handler, "filter")},  # ours calls it
    logging.LogRecord: {"__init__": _found(logging.LogRecord, "__init__")},
}
_record = logging.LogRecord
_are_original = (
    all(
        _is_theirs(function, f"{'Filterer' if name == 'filter' else 'Logger'}.{name}")
        for name, function in _originals[logging.Logger].items()
    )
    and all(
        _is_theirs(function, f"Handler.{name}") or name in vars(FileHandler)
        for name, function in _originals[FileHandler].items()
    )
    and _is_theirs(_record.__init__, "LogRecord.__init__")
)
_level_name = logging.getLevelName


class Examined(NamedTuple):
    """What was found, as the core reads it: by name, in this order.

    Attributes:
        allowed: Whether calls may be native if the logger's plan says so: nothing has been replaced, and a handler
            is ours.
        reason: Why those that are not native are not; as `logging_calls` names it.
        dictionaries: What is void with a change in one of these.
        classes: …and with a change of one of these.
        lists: The handlers of each logger on the way, which decide where no call is allowed.
    """

    allowed: bool
    reason: str
    dictionaries: list[dict[Any, Any]]
    classes: list[type]
    lists: list[list[logging.Handler]]


def examine(logger: logging.Logger) -> Examined:
    """What enabled calls of this logger depend on now."""
    # The tree tells of changes of levels and their names from here on.
    node(None)
    chain = [logger]
    while chain[-1].propagate and chain[-1].parent is not None:
        chain.append(chain[-1].parent)
    handlers = [handler for at in chain for handler in at.handlers]
    ours = [handler for handler in handlers if type(handler) is FileHandler]
    dictionaries: list[dict[Any, Any]] = [vars(one) for one in (*chain, *ours, time)]
    dictionaries.append(logging._levelToName)
    classes: list[type] = [FileHandler, logging.LogRecord] if ours else []
    blocked = _blocked(logger, ours)
    reason = blocked or _reason(logger, handlers, ours)
    return Examined(not blocked and bool(ours), reason, dictionaries, classes, [at.handlers for at in chain])


def _blocked(logger: logging.Logger, ours: list[FileHandler]) -> str | None:
    """Why no call of a logger can be native."""
    if type(logger) not in _CLASSES:
        return "subclass"
    module: dict[str, Any] = vars(logging)
    if module.get("_logRecordFactory") is not _record:
        return "record factory"
    if (
        not _are_original
        or module["LogRecord"] is not _record
        or module["getLevelName"] is not _level_name
        or module["time"] is not time
        or not all(isinstance(vars(time)[clock], BuiltinFunctionType) for clock in _CLOCKS)
        or (any(handler.names for handler in ours) and not all(module.get(name, True) for name in _ON_RECORDS))
        or not all(_has(class_, originals) for class_, originals in _originals.items())
        or not _has(type(logger), _originals[logging.Logger])
        or _originals[logging.Logger].keys() & vars(logger).keys()
        or any(_originals[FileHandler].keys() & vars(handler).keys() for handler in ours)
    ):
        return "patched"
    return None


def _has(class_: type, originals: dict[str, Any]) -> bool:
    return all(_found(class_, name) is original for name, original in originals.items())


def _reason(logger: logging.Logger, handlers: list[logging.Handler], ours: list[FileHandler]) -> str:
    """Why a plan may say that a call is not native."""
    if not handlers:
        return "no handler"
    if logger.filters or any(handler.filters for handler in ours):
        return "filter"
    if len(ours) < len(handlers):
        return "foreign handler"
    return "other"
