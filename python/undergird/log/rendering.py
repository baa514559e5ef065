"""Texts of values that are no primitives. Nothing here raises because of a value."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

from undergird.log.report import report

_NAME: Callable[[type], str] = vars(type)["__name__"].__get__


def text(value: object) -> str:
    """`str(value)`, or a note if that fails.

    Example:
        >>> text(7)
        '7'
    """
    try:
        return str(value)
    except Exception:
        # The type's name as the interpreter knows it: a metaclass may have put something of its own in its place.
        return f"<unprintable {_NAME(type(value))} object>"


def render(value: object) -> tuple[bool, str]:
    """The text of a value as it is now, and whether it is a finished piece of JSON.

    Plain lists, tuples and dicts become JSON, everything else text.

    Example:
        >>> render([3, 4])
        (True, '[3,4]')
        >>> render(1 + 2j)
        (False, '(1+2j)')
    """
    if type(value) in (list, tuple, dict):
        try:
            return True, json.dumps(value, default=text, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        except Exception:
            return False, text(value)
    return False, text(value)


def frozen(value: object) -> object:
    """The value as it is now: itself if it cannot change, else what `render` makes of it.

    Example:
        >>> position = [3, 4]
        >>> frozen(position) is position, frozen(position), frozen(1 + 2j)
        (False, [3, 4], '(1+2j)')
    """
    if value is None or issubclass(type(value), bool | int | float | str):
        return value
    finished, rendered = render(value)
    return json.loads(rendered) if finished else rendered


def message(template: object, args: tuple[Any, ...]) -> str:
    """`template % args` as the standard library does it, reported as it does where they do not fit.

    Example:
        >>> message("%(a)s and %(a)s", ({"a": 1},))
        '1 and 1'
    """
    if not args:
        return text(template)
    whole = template if issubclass(type(template), str) else text(template)
    try:
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


def in_event_loop() -> bool:
    """Whether this thread runs an asyncio event loop now; does not load asyncio to find out.

    Example:
        >>> in_event_loop()
        False
    """
    asyncio = sys.modules.get("asyncio")
    return asyncio is not None and asyncio._get_running_loop() is not None
