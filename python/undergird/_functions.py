"""What kind of function a callable is: what wraps one has to be of the same kind."""

from __future__ import annotations

import inspect
from typing import Any, Literal

Kind = Literal["plain", "coroutine", "generator", "asynchronous generator"]


def no_class(decorated: object, decorator: str) -> None:
    """Sees to it that what is decorated is no class, whose name would come to mean a function.

    Args:
        decorated: What is decorated.
        decorator: By what, for the message.

    Raises:
        TypeError: If it is one.

    Example:
        >>> no_class(len, "log.timer")
    """
    if isinstance(decorated, type):
        raise TypeError(f"{decorator} is for functions, and {decorated.__qualname__} is a class: decorate its methods")


def kind_of(function: Any) -> Kind:
    """The kind of a function, or of an object's `__call__`.

    Args:
        function: Any callable.

    Raises:
        TypeError: If it is none.

    Example:
        >>> kind_of(len)
        'plain'
    """
    if not callable(function):
        raise TypeError(f"{function!r} is no function")
    # An object is of its method's kind.
    kinds = (function, getattr(function, "__call__", None))  # noqa: B004 -- the method itself is looked at
    if any(map(inspect.iscoroutinefunction, kinds)):
        return "coroutine"
    if any(map(inspect.isasyncgenfunction, kinds)):
        return "asynchronous generator"
    return "generator" if any(map(inspect.isgeneratorfunction, kinds)) else "plain"
