"""Values that are worked out only for a record that will be written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from undergird.log.values.texts import described, nesting, text


class Lazy:
    """A value to come; see `lazy`."""

    __slots__ = ("_function",)

    def __init__(self, function: Callable[[], object]) -> None:
        self._function = function

    def result(self) -> object:
        """What the function gives, or a text that says why it gave nothing."""
        if not nesting.enter():
            return "<too deep: lazy>"
        try:
            return self._function()
        except Exception as error:
            return f"<lazy failed: {described(error)}>"
        finally:
            nesting.leave()

    def __str__(self) -> str:
        return text(self.result())


def lazy(function: Callable[[], object]) -> Lazy:
    """A field or `%` argument that is worked out at the call, and only if the record will be written.

    Args:
        function: Called without arguments; what it gives is written like any other value. If it fails, the record
            says so, and the log call does not.

    Example:
        >>> import undergird
        >>> log = undergird.get_logger("docs.lazy")
        >>> log.debug("state %s", undergird.lazy(lambda: sum(range(10**9))))  # DEBUG is off: not called
    """
    return Lazy(function)


def resolved(value: Any) -> Any:
    """The value itself, or what a lazy one gives."""
    return value.result() if type(value) is Lazy else value
