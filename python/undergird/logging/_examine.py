"""What an enabled call of a logger depends on, and whether anything of that has been replaced."""

from __future__ import annotations

import logging
import os
import time
from types import BuiltinFunctionType
from typing import Any, NamedTuple

from undergird.log.tree.handlers import FileHandler
from undergird.log.tree.nodes import Node, node
from undergird.log.tree.plan import is_enabled
from undergird.logging._originals import has, is_theirs, originals
from undergird.logging._streams import LEVELS, WATCHED, Stream, are_streams, replaced, stream_of, surroundings

_LOGGER = ("_log", "isEnabledFor", "findCaller", "makeRecord", "handle", "filter", "callHandlers")
_HANDLER = ("handle", "filter", "emit", "handleError", "acquire", "release")
_CLOCKS = ("time", "time_ns")
_ON_RECORDS = ("logThreads", "logMultiprocessing", "logProcesses", "logAsyncioTasks")
_CLASSES = (logging.Logger, logging.RootLogger, Node)


# As they were when this was loaded: a program may have replaced some before.
_originals = originals(
    {
        logging.Logger: _LOGGER,
        FileHandler: _HANDLER,
        logging.Handler: ("filter",),  # ours calls it
        logging.LogRecord: ("__init__",),
    }
)
_record = logging.LogRecord
_are_original = (
    all(
        is_theirs(function, f"{'Filterer' if name == 'filter' else 'Logger'}.{name}")
        for name, function in _originals[logging.Logger].items()
    )
    and all(
        is_theirs(function, f"Handler.{name}") or name in vars(FileHandler)
        for name, function in _originals[FileHandler].items()
    )
    and is_theirs(_record.__init__, "LogRecord.__init__")
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
        instances: …and of an attribute of one of these.
        lists: The handlers of each logger on the way, and filters, which decide where there is no plan.
        enabled: Bit `n` is set if the level `10 * n` is enabled, where all handlers write to streams.
        streams: What these write.
    """

    allowed: bool
    reason: str
    dictionaries: list[dict[Any, Any]]
    classes: list[type]
    instances: list[Any]
    lists: list[list[Any]]
    enabled: int
    streams: list[Stream]


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
    lists: list[list[Any]] = [at.handlers for at in chain]
    blocked = _blocked(logger, ours)
    if handlers and are_streams(handlers):
        reason, streams = (blocked, []) if blocked else _streams(logger, handlers)
        enabled = [at for at, level in enumerate(LEVELS) if at > 0 and is_enabled(logger, level)] if streams else []
        return Examined(
            allowed=False,
            reason=reason,
            dictionaries=[*dictionaries, vars(os), *(vars(stream.file.stream) for stream in streams if stream.file)],
            classes=[*WATCHED, FileHandler],
            instances=surroundings(handlers),
            lists=[*lists, logger.filters, *(handler.filters for handler in handlers), *_everybody(streams)],
            enabled=sum(1 << at for at in enabled),
            streams=streams,
        )
    reason = blocked or _reason(logger, handlers, ours)
    return Examined(not blocked and bool(ours), reason, dictionaries, classes, [], lists, 0, [])


def _everybody(streams: list[Stream]) -> list[list[Any]]:
    """All handlers there are, where a new one may be another that writes to the same file."""
    return [logging._handlerList] if any(stream.file for stream in streams) else []  # type: ignore[attr-defined]


def _streams(logger: logging.Logger, handlers: list[logging.StreamHandler[Any]]) -> tuple[str, list[Stream]]:
    """What handlers write to their streams; nothing, and why, if that cannot be said of all."""
    if replaced(handlers):
        return "patched", []
    if logger.filters or any(handler.filters for handler in handlers):
        return "filter", []
    streams: list[Stream] = []
    for handler in handlers:
        found = stream_of(logger, handler)
        if isinstance(found, str):
            return found, []
        streams.append(found)
    return "other", streams


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
        or not all(has(class_, names) for class_, names in _originals.items())
        or not has(type(logger), _originals[logging.Logger])
        or _originals[logging.Logger].keys() & vars(logger).keys()
        or any(_originals[FileHandler].keys() & vars(handler).keys() for handler in ours)
    ):
        return "patched"
    return None


def _reason(logger: logging.Logger, handlers: list[logging.Handler], ours: list[FileHandler]) -> str:
    """Why a plan may say that a call is not native."""
    if not handlers:
        return "no handler"
    if logger.filters or any(handler.filters for handler in ours):
        return "filter"
    if len(ours) < len(handlers):
        return "foreign handler"
    return "other"
