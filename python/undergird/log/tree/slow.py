"""The standard library's way of a call: a `LogRecord` that every handler on the tree sees."""

from __future__ import annotations

import logging
from types import FrameType
from typing import Any

from undergird import _context, _core
from undergird.errors import shown
from undergird.log.callers import caller
from undergird.log.exceptions.exc_info import exc_info_of, stack_of
from undergird.log.tree.indices import index
from undergird.log.tree.messages import message
from undergird.log.tree.report import report
from undergird.log.tree.times import TIMES, times
from undergird.log.values.deferred import resolved
from undergird.log.values.fields import redacted
from undergird.log.values.texts import text

FIELDS = "_undergird_fields"
"""The attribute of a `LogRecord` that holds the fields of the call."""

HELD_BACK = "_undergird_held_back"
"""The attribute that says how many records were held back before this one."""

Place = tuple[str, str, int]
"""Function, file and line of a call."""

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", FIELDS, HELD_BACK, TIMES}


def slow(
    logger: _core.Logger,
    level: Any,
    args: tuple[Any, ...],
    fields: dict[str, Any],
    held_back: int | None = None,
    *,
    stamp: int | None = None,
    place: Place | None = None,
) -> None:
    """Logs one call through the handlers of the tree.

    Args:
        logger: The logger.
        level: The level's number; of `log`, whatever was given.
        args: The message, then its `%` arguments.
        fields: The call's fields, and `exc_info`, `stack_info`, `stacklevel` and `extra` with the standard
            library's meaning.
        held_back: How many records were held back before this one; `None` if the rules have not been asked yet.
        stamp: When it was logged, in nanoseconds since the epoch; now, if it is `None`.
        place: Where; who calls, if it is `None`. With a place, `stack_info` is the stack's text.
    """
    if not is_level(level):
        return
    # From its next call on a level that has a name is native.
    index(level)
    node = logger._node
    if not node.isEnabledFor(level):
        return
    if held_back is None:
        held_back = _core.let_through(logger, min(max(level, 0), 255))
        if held_back is None:
            return
    exc_info = exc_info_of(fields.pop("exc_info", None))
    stack_info = fields.pop("stack_info", None)
    stacklevel = stacklevel_of(fields.pop("stacklevel", 1), args)
    extra = extra_of(fields.pop("extra", None))
    fields = {**_context.fields(), **extra, **logger._fields, **fields}
    if _is_taken(node, level):
        args = tuple(map(resolved, args))
        fields = dict(redacted({key: resolved(value) for key, value in fields.items()}))
    if place is None:
        frame = caller(stacklevel)
        stack_info = stack_of(frame) if stack_info else None
        place = place_of(frame)
    function, file, line = place
    try:
        record = node.makeRecord(node.name, level, file, line, args[0], args[1:], exc_info, function, None, stack_info)
    except Exception:
        # A record looks at its arguments, and one of them did not bear it.
        whole = message(args[0], args[1:])
        record = node.makeRecord(node.name, level, file, line, whole, (), exc_info, function, None, stack_info)
    if stamp is not None:
        _date(record, stamp)
    # Other handlers find the fields where `extra` would have put them.
    record.__dict__.update((key, value) for key, value in fields.items() if key not in record.__dict__)
    setattr(record, FIELDS, fields)
    setattr(record, HELD_BACK, held_back)
    times(record)
    node.handle(record)


def stacklevel_of(given: object, args: tuple[Any, ...]) -> float:
    """The `stacklevel` of a call; what is none is reported, for a call does not raise.

    Args:
        given: What was given for it.
        args: The message, then its `%` arguments.
    """
    if isinstance(given, int | float):
        return given
    try:
        raise TypeError(f"stacklevel must be a number, not {text(given)}")
    except TypeError:
        report(text(args[0]), text(args[1:]))
    return 1


def is_level(level: object) -> bool:
    """Whether a level can be one.

    Raises:
        TypeError: If it cannot, while `logging.raiseExceptions` is set, as in the standard library.
    """
    if not isinstance(level, int) and logging.raiseExceptions:
        raise TypeError(f"level must be an integer, not {shown(level)}")
    return isinstance(level, int)


def fields_of(record: logging.LogRecord) -> dict[str, Any]:
    """The fields of a record: those of our call; or, for one of the standard library's, the context and `extra`'s."""
    fields: dict[str, Any] | None = getattr(record, FIELDS, None)
    if fields is None:
        added = {key: value for key, value in vars(record).items() if key not in _STANDARD}
        fields = dict(redacted({**_context.fields(), **added}))
    return fields


def _date(record: logging.LogRecord, stamp: int) -> None:
    created = stamp / 1e9
    record.relativeCreated += (created - record.created) * 1000
    record.created, record.msecs = created, float(stamp // 1_000_000 % 1000)


def _is_taken(node: logging.Logger, level: int) -> bool:
    """Whether a handler takes records of a level, be it the standard library's last resort."""
    at: logging.Logger | None = node
    found = False
    while at is not None:
        if any(level >= handler.level for handler in at.handlers):
            return True
        found = found or bool(at.handlers)
        at = at.parent if at.propagate else None
    return not found


def extra_of(given: Any) -> dict[str, Any]:
    """What `extra` adds to the fields; what is no mapping is a field itself, for a call does not raise."""
    try:
        return {} if given is None else dict(given)
    except Exception:
        return {"extra": given}


def place_of(frame: FrameType | None) -> Place:
    """Where in the program a frame is."""
    if frame is None:
        return "(unknown function)", "(unknown file)", 0
    return frame.f_code.co_name, frame.f_code.co_filename, frame.f_lineno or 0
