"""Short texts of objects: what they say of themselves, and their names. Nothing here raises because of an object."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

MOST_DEEP = 6
"""Values may log while they are rendered, and what they log may too: so many within each other."""
MOST_NESTED = 1000
"""And so many in all, within the rendering of one value."""


class _Nesting(threading.local):
    """What this thread is rendering: a value, another for a record that the first one logs, and so on."""

    depth = 0
    count = 0

    def enter(self) -> bool:
        """Begins to render another one, if that can be allowed; then `leave` ends it."""
        if not self.depth:
            self.count = 0
        elif self.depth >= MOST_DEEP or self.count >= MOST_NESTED:
            return False
        self.depth += 1
        self.count += 1
        return True

    def leave(self) -> None:
        """Ends what `enter` has begun."""
        self.depth -= 1


nesting = _Nesting()

# As the interpreter knows them: a metaclass may have put something of its own in their place.
_NAME: Callable[[type], str] = vars(type)["__name__"].__get__
_QUALNAME: Callable[[type], str] = vars(type)["__qualname__"].__get__
_MODULE: Callable[[type], Any] = vars(type)["__module__"].__get__


def text(value: object) -> str:
    """`str(value)`, or a note if that fails.

    Example:
        >>> text(7)
        '7'
    """
    try:
        return str(value)
    except Exception:
        return unprintable(value)


def unprintable(value: object) -> str:
    """The note that stands for a value that cannot be had as text.

    Example:
        >>> unprintable(object())
        '<unprintable object object>'
    """
    return f"<unprintable {_NAME(type(value))} object>"


def name_of(kind: type) -> str:
    """The full name of a class; without the module for what is built in.

    Example:
        >>> import logging
        >>> name_of(dict), name_of(logging.Logger)
        ('dict', 'logging.Logger')
    """
    return _joined(_MODULE(kind), _QUALNAME(kind))


def name_of_function(function: Any) -> str:
    """The full name of a function or method; without the module for what is built in.

    Example:
        >>> import logging
        >>> name_of_function(len), name_of_function(logging.Logger.debug)
        ('len', 'logging.Logger.debug')
    """
    return _joined(getattr(function, "__module__", None), function.__qualname__)


def described(error: BaseException) -> str:
    """Class and message of an error, as the last line of a traceback has them.

    Example:
        >>> described(KeyError("position"))
        "KeyError: 'position'"
    """
    message = text(error)
    name = name_of(type(error))
    return f"{name}: {message}" if message else name


def _joined(module: object, name: str) -> str:
    return f"{module}.{name}" if type(module) is str and module != "builtins" else name
