"""Event dictionaries, as structlog calls them, in our terms. Nothing here needs structlog."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from undergird.log.exceptions.exc_info import exc_info_of
from undergird.log.tree.slow import FIELDS, fields_of
from undergird.log.values.fields import redacted
from undergird.log.values.texts import text

_ALIASES = {"err": "error", "failure": "error", "exception": "error"}

_EVENTS = ("event", "message", "msg")

Call = tuple[tuple[Any, ...], dict[str, Any]]
"""The arguments of a log call: the message and its `%` arguments, and the fields."""


def level_of(method: str) -> int:
    """The level at which a method of this name logs: that of its name, be it one that the program has added; else INFO.

    Example:
        >>> level_of("exception"), level_of("msg")
        (40, 20)
    """
    number = _number(_ALIASES.get(method, method))
    return logging.INFO if number is None else number


def _number(name: object) -> int | None:
    """The number of a level, by its name in upper or lower case."""
    number: object = logging.getLevelName(name.upper()) if type(name) is str else None
    return number if isinstance(number, int) else None


def as_call(event_dict: Mapping[Any, Any], method: str, name: str) -> Call:
    """The log call that says what an event dictionary says.

    `event`, or else `message` or `msg`, is the message, `positional_args` are its `%` arguments, everything else is
    fields. A `level` and a `logger` that say what the record says anyway are left out.

    Args:
        event_dict: Stays as it is.
        method: The name of the method that was called.
        name: The logger's name.

    Example:
        >>> as_call({"event": "moved to %d", "positional_args": (3,), "agent_id": 7, "level": "info"}, "info", "sim")
        (('moved to %d', 3), {'agent_id': 7})
    """
    fields = {key if type(key) is str else text(key): value for key, value in event_dict.items()}
    # Another name for it where a processor has renamed it, as `EventRenamer` does.
    message = fields.pop(next((key for key in _EVENTS if key in fields), "event"), "")
    if _number(fields.get("level")) == level_of(method):
        del fields["level"]
    if fields.get("logger") == name:
        del fields["logger"]
    arguments = fields.pop("positional_args", None) or ()
    return (message, *arguments), fields


def unwrapped(record: logging.LogRecord) -> logging.LogRecord:
    """A record that says in our terms what structlog has wrapped for its `ProcessorFormatter`; any other as it is.

    Args:
        record: Stays as it is: other handlers see it too.
    """
    attributes = vars(record)
    if not (type(record.msg) is dict and "_logger" in attributes and "_name" in attributes):
        return record
    (message, *arguments), fields = as_call(record.msg, record._name, record.name)  # type: ignore[attr-defined]
    exc_info = exc_info_of(fields.pop("exc_info", None))
    stack = fields.pop("stack_info", None)
    plain = logging.makeLogRecord(attributes)
    plain.msg, plain.args = message, tuple(arguments)
    plain.exc_info = record.exc_info or exc_info
    plain.stack_info = record.stack_info or (stack if isinstance(stack, str) else None)
    around = {key: value for key, value in fields_of(record).items() if key not in ("_logger", "_name")}
    setattr(plain, FIELDS, {**around, **redacted(fields)})
    return plain
