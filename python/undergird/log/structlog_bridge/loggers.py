"""What structlog wraps: a logger factory, its loggers, and the processor that ends a chain."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Any

import structlog
from structlog import _log_levels

from undergird.log.levels import METHODS, on_method
from undergird.log.logger import Logger
from undergird.log.loggers import get_logger
from undergird.log.tree.eventdicts import Call, as_call, level_of


def _method(name: str) -> Callable[..., None]:
    log: Callable[..., None] = getattr(Logger, name)

    def method(self: EventLogger, /, *args: Any, **fields: Any) -> None:
        args, fields = self._arguments(name, args, fields)
        log(self, *args, **fields)

    method.__name__ = name
    method.__qualname__ = f"EventLogger.{name}"
    method.__doc__ = (
        f"Logs at {'ERROR' if name == 'exception' else name.upper()} what structlog's last processor returned."
    )
    return method


class EventLogger(Logger):
    """A logger that structlog can wrap: its methods take what a chain's last processor returns.

    An event dictionary becomes a message and fields; a text or bytes is the message; a pair `(args, kwargs)` is a call
    of `undergird.Logger`. Level, handlers, filters and the rest are the node's, as of any `undergird.Logger`.
    """

    __slots__ = ()

    def _arguments(self, method: str, args: tuple[Any, ...], fields: dict[str, Any]) -> Call:
        if args:
            message, *rest = args
            if isinstance(message, bytes | bytearray):
                message = message.decode(errors="backslashreplace")
            return (message, *rest), fields
        if "event" not in fields and "msg" in fields:
            # As `structlog.stdlib.render_to_log_kwargs` calls the standard library's loggers.
            return (fields.pop("msg"),), fields
        return as_call(fields, method, self.name)

    debug = _method("debug")
    info = msg = _method("info")
    warning = warn = _method("warning")
    error = err = failure = _method("error")
    critical = fatal = _method("critical")
    exception = _method("exception")


def _learn(name: str) -> None:
    if name not in vars(EventLogger):
        setattr(EventLogger, name, _method(name))
    number = METHODS[name]
    if number not in _log_levels._LEVEL_TO_NAME:
        # Where `log`, `filter_by_level` and the rest of structlog look levels up.
        _log_levels._LEVEL_TO_NAME[number] = name
        _log_levels._NAME_TO_LEVEL[name] = number


on_method(_learn)


class LoggerFactory:
    """Makes the loggers that structlog wraps, so that what it logs goes to the files that undergird writes.

    Args:
        ignore_frame_names: Beginnings of names of modules that are not taken for a logger's name.

    Example:
        >>> import structlog, undergird
        >>> structlog.configure(processors=[render_to_undergird], logger_factory=LoggerFactory())
        >>> structlog.get_logger("sim.cells").info("agent moved", agent_id=7)
    """

    def __init__(self, ignore_frame_names: Iterable[str] | None = None) -> None:
        self._ignored = ("structlog", "undergird.log", *(ignore_frame_names or ()))

    def __call__(self, *args: Any) -> EventLogger:
        """The logger of a name: the first argument, or else the module that asks for it."""
        name = args[0] if args else self._module()
        return EventLogger(get_logger(name))

    def _module(self) -> str:
        frame = sys._getframe(1)
        while (name := str(frame.f_globals.get("__name__") or "?")).startswith(self._ignored):
            if frame.f_back is None:
                break
            frame = frame.f_back
        return name


def render_to_undergird(logger: Any, method: str, event_dict: structlog.typing.EventDict) -> Call:
    """The processor that ends a chain: what the event dictionary holds becomes a record of undergird's.

    With loggers of `LoggerFactory` it returns the call's arguments. With any other logger it logs by itself, under the
    name of that logger if it has one, and lets structlog drop the event.

    Args:
        logger: The logger that structlog wraps.
        method: The name of the method that was called.
        event_dict: Message and fields.

    Raises:
        structlog.DropEvent: If `logger` is not of `LoggerFactory`.

    Example:
        >>> import structlog, undergird
        >>> structlog.configure(processors=[structlog.contextvars.merge_contextvars, render_to_undergird])
        >>> structlog.get_logger().info("agent moved", agent_id=7)
    """
    if isinstance(logger, EventLogger):
        return as_call(event_dict, method, logger.name)
    name = getattr(logger, "name", None)
    ours = get_logger(name if isinstance(name, str) else None)
    args, fields = as_call(event_dict, method, ours.name)
    ours.log(level_of(method), *args, **fields)
    raise structlog.DropEvent
