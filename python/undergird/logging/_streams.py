"""Handlers of the standard library that write lines to streams: what they write, if it can be said beforehand."""

from __future__ import annotations

import io
import logging
import os
import threading
from types import BuiltinFunctionType
from typing import Any, NamedTuple, TypeGuard

from undergird.logging._files import File, attribute, file_of
from undergird.logging._originals import found, has, is_theirs, originals
from undergird.logging._patterns import PROCESS, Date, Piece, pattern_of, pieces_of

LEVELS = range(0, 60, 10)
_NAMES = ("NOTSET", "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_CLASSES = logging.StreamHandler, logging.FileHandler
WATCHED = (*_CLASSES, logging.Formatter, logging.PercentStyle, logging.LogRecord)
_LOCK = type(threading.RLock())

# By class: what is called, what says how to get at attributes, and attributes that only instances have.
_LOOKUPS = ("__getattribute__", "__getattr__")
_METHODS: dict[type, tuple[str, ...]] = {
    logging.StreamHandler: ("handle", "filter", "emit", "format", "flush", "acquire", "release"),
    logging.FileHandler: ("handle", "filter", "emit", "format", "flush", "acquire", "release"),
    logging.Formatter: ("format", "formatTime", "formatMessage", "usesTime"),
    logging.PercentStyle: ("format", "_format", "usesTime"),
    logging.LogRecord: ("getMessage",),
}
_ATTRIBUTES: dict[type, tuple[str, ...]] = {
    logging.StreamHandler: ("level", "formatter", "lock", "filters", *_LOOKUPS),
    logging.FileHandler: ("level", "formatter", "lock", "filters", *_LOOKUPS),
    logging.Formatter: ("_style", "datefmt", *_LOOKUPS),
    logging.PercentStyle: ("_fmt", "_defaults", "asctime_search", *_LOOKUPS),
}
# As they were when this was loaded: a program may have replaced some before.
_methods, _attributes = originals(_METHODS), originals(_ATTRIBUTES)
_are_original = all(
    any(is_theirs(function, f"{base.__name__}.{name}") for base in class_.__mro__)
    for class_, functions in _methods.items()
    for name, function in functions.items()
)


class Stream(NamedTuple):
    """A handler that writes to a stream, as the core reads it: by name, in this order.

    Attributes:
        handler: The handler.
        lines: The parts of its lines for each level, the first of which is none; empty, if it does not take the level.
        date: How it makes the time to the second.
        file: Its file, if the lines may go through the ring.
    """

    handler: logging.Handler
    lines: list[list[Piece]]
    date: Date | None
    file: File | None


def are_streams(handlers: list[logging.Handler]) -> TypeGuard[list[logging.StreamHandler[Any]]]:
    """Whether all handlers are of the classes that may be native."""
    return all(type(handler) in _CLASSES for handler in handlers)


def replaced(handlers: list[logging.StreamHandler[Any]]) -> bool:
    """Whether something has been replaced that makes lines of records, or writes them."""
    module: dict[str, Any] = vars(logging)
    return (
        not _are_original
        or not all(has(class_, names) for class_, names in (*_methods.items(), *_attributes.items()))
        or any(found(class_, "stream") is not attribute() for class_ in _CLASSES)
        or any(module.get(name) != level for name, level in zip(_NAMES, LEVELS, strict=True))
        or any(_methods[type(one)].keys() & vars(one).keys() for one in surroundings(handlers))
    )


def surroundings(handlers: list[logging.StreamHandler[Any]]) -> list[Any]:
    """What lines are made by: handlers, their formatters, and the styles of these, where these are of known classes."""
    formatters = [one for one in map(_formatter_of, handlers) if type(one) is logging.Formatter]
    styles = [one._style for one in formatters if type(one._style) is logging.PercentStyle]
    return [*handlers, *formatters, *styles]


def _formatter_of(handler: logging.Handler) -> logging.Formatter:
    return handler.formatter or logging._defaultFormatter  # type: ignore[attr-defined]


def stream_of(logger: logging.Logger, handler: logging.StreamHandler[Any]) -> Stream | str:
    """What a handler writes of a logger's records; why that cannot be said, as `logging_calls` names it."""
    terminator, level = handler.terminator, handler.level
    # Not as an attribute: whoever reads that waits for the ring.
    if not _is_plain(vars(handler).get("stream")) or type(handler.lock) is not _LOCK or type(level) is not int:
        return "stream"
    formatter = _formatter_of(handler)
    if type(terminator) is not str or type(logger.name) is not str or not isinstance(formatter, logging.Formatter):
        return "format"
    known = pattern_of(formatter)
    if known is None:
        return "format"
    pattern, date, date_pieces = known
    lines: list[list[Piece]] = []
    for number in LEVELS:
        constants = {"name": logger.name, "levelname": logging.getLevelName(number), "levelno": number}
        pieces = pieces_of(pattern, date_pieces, constants, terminator)
        if pieces is None or (PROCESS in pieces and not _knows_processes()):
            return "format"
        lines.append(pieces if number >= level else [])
    return Stream(handler, lines, date, file_of(handler))


def _is_plain(stream: Any) -> bool:
    """Whether what is written there runs no code of the program's."""
    if type(stream) is io.StringIO:
        return True
    if type(stream) is not io.TextIOWrapper:
        return False
    try:
        buffer = stream.buffer
        return type(buffer) is io.BufferedWriter and type(buffer.raw) is io.FileIO
    except ValueError:  # it has been detached
        return False


def _knows_processes() -> bool:
    return logging.logProcesses and isinstance(getattr(os, "getpid", None), BuiltinFunctionType)
