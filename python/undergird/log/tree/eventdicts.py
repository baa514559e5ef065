"""Event dictionaries, as structlog calls them, in our terms. Nothing here needs structlog."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from undergird.log.exceptions.exc_info import exc_info_of
from undergird.log.levels import METHODS
from undergird.log.tree.slow import FIELDS, fields_of
from undergird.log.values.fields import redacted
from undergird.log.values.texts import text

_ALIASES = {"err": "error", "failure": "error", "exception": "error"}

# As structlog's `add_log_level` spells them.
_SPELLED = {"warn": "warning", "exception": "error"}

_EVENTS = ("event", "message", "msg")

Call = tuple[tuple[Any, ...], dict[str, Any]]
"""The arguments of a log call: the message and its `%` arguments, and the fields."""


def level_of(method: str) -> int:
    """The level at which a method of this name logs: that of its name, be it one that the program has added; else INFO.

    Example:
        >>> level_of("exception"), level_of("msg")
        (40, 20)
    """
    name = _ALIASES.get(method, method)
    number: object = METHODS.get(name)
    if number is None:
        # One of the standard library's that has no method of ours.
        number = logging.getLevelName(name.upper())
    return number if isinstance(number, int) else logging.INFO


def as_call(event_dict: Mapping[Any, Any], method: str, name: str) -> Call:
    """The log call that says what an event dictionary says.

    `event`, or else `message` or `msg`, is the message, `positional_args` are its `%` arguments if it takes any,
    everything else is fields. What structlog's own processors add and the record says anyway is left out: the method's
    name as `level`, spelled as `add_log_level` does, and the logger's as `logger`. Any other is the program's.

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
    for key, known in (("level", _SPELLED.get(method, method)), ("logger", name)):
        # Only texts are compared: what else may be there says what it likes when it is.
        if type(value := fields.get(key)) is str and value == known:
            del fields[key]
    arguments = fields.get("positional_args")
    # `structlog.stdlib.BoundLogger` makes a tuple of them; they may be in the message already, and be kept besides.
    if type(arguments) is not tuple or (isinstance(message, str) and "%" not in message):
        return (message,), fields
    del fields["positional_args"]
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
