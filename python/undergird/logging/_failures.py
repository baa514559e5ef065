"""What native lines to streams leave to the standard library when something goes wrong while they are written."""

from __future__ import annotations

import logging
from functools import partial
from types import MethodType, SimpleNamespace
from typing import Any

from undergird import _core

_emit, _flush = logging.StreamHandler.emit, logging.StreamHandler.flush


def record_of(logger: logging.Logger, level: int, args: tuple[Any, ...]) -> logging.LogRecord:
    """The standard library's record of a call. It is called by the native method, with no function in between.

    Args:
        logger: The logger.
        level: A number.
        args: The message and its arguments.
    """
    try:
        path, line, function, _ = logger.findCaller(False, 2)
    except ValueError:
        path, line, function = "(unknown file)", 0, "(unknown function)"
    return logger.makeRecord(logger.name, level, path, line, args[0], args[1:], None, function, None, None)


class Failing:
    """A handler to which happens again what happened to another, so that the standard library tells of it as it does.

    Nothing of it is Python code that would stand in the traceback.

    Args:
        handler: The other.
        error: What its stream raised.
        flushing: Whether that was when it was flushed.
    """

    terminator = ""
    emit = _emit

    def __init__(self, handler: logging.Handler, error: Exception, flushing: bool) -> None:
        self._handler = handler
        fail = partial(_core.fail, error)
        self.stream = SimpleNamespace(write=str if flushing else fail, flush=fail)
        self.flush = MethodType(_flush, self)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._handler, name)
