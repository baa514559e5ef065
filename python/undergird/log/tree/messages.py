"""The message of a record. Nothing here raises because of a value."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from typing import Any

from undergird.log.tree.report import report
from undergird.log.values.deferred import resolved
from undergird.log.values.texts import name_of, nesting, text


def message(template: object, args: tuple[Any, ...]) -> str:
    """`template % args` as the standard library does it, reported as it does where they do not fit.

    Example:
        >>> message("%(a)s and %(a)s", ({"a": 1},))
        '1 and 1'
    """
    if not nesting.enter():
        # An argument logs itself. Two of them at each level would be more lines than there is time for.
        return template if type(template) is str else f"<too deep: {name_of(type(template))}>"
    try:
        return _message(resolved(template), args)
    finally:
        nesting.leave()


def _message(template: object, args: tuple[Any, ...]) -> str:
    if not args:
        return text(template)
    whole = template if issubclass(type(template), str) else text(template)
    try:
        args = tuple(map(resolved, args))
        values: Any = args[0] if len(args) == 1 and isinstance(args[0], Mapping) and args[0] else args
        return str(whole % values)
    except Exception:
        plain = text(whole)
        shown = _shown(args)
        report(plain, shown)
        return f"{plain} {shown}"


def _shown(args: tuple[Any, ...]) -> str:
    """The arguments as a tuple prints them; where one cannot be printed, that one alone is missing."""
    try:
        return repr(args)
    except Exception:
        return f"({', '.join(map(_repr, args))})"


def _repr(value: object) -> str:
    try:
        return repr(value)
    except Exception:
        return text(value)


def level_of(record: logging.LogRecord) -> int:
    """The number of a record's level; 0 if it has none, as one that `logging.makeLogRecord` has made of a mapping."""
    level: object = record.levelno
    return level if isinstance(level, int) else logging.NOTSET


def in_event_loop() -> bool:
    """Whether this thread runs an asyncio event loop now; does not load asyncio to find out.

    Example:
        >>> in_event_loop()
        False
    """
    asyncio = sys.modules.get("asyncio")
    return asyncio is not None and asyncio._get_running_loop() is not None
