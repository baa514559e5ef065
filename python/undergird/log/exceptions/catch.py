"""Logging what comes out of a function or a block."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from undergird._functions import no_class
from undergird.log.checks import level_number
from undergird.log.wrapping import wrapped

if TYPE_CHECKING:
    from undergird.log.logger import Logger

F = TypeVar("F", bound=Callable[..., Any])
Kinds = type[BaseException] | tuple[type[BaseException], ...]


def is_function(given: object) -> bool:
    """Whether `catch` was given what it decorates."""
    return isinstance(given, staticmethod | classmethod) or (callable(given) and not isinstance(given, type))


class Catch:
    """What `Logger.catch` gives: a decorator, and a context manager that can be entered any number of times.

    Args:
        logger: The logger.
        exceptions: Which are caught.
        exclude: Which of these are not.
        level: The level's number or name.
        message: The message; `None` names the function.
        reraise: Whether exceptions go on after they have been logged.
        default: What a function returns in whose place one was caught.
        onerror: Called with an exception that has been logged.
        fields: Fields of the record.

    Raises:
        TypeError: For `exceptions` or `exclude` that are none, or an `onerror` that cannot be called.
        ConfigurationError: For a level that is not known.
    """

    __slots__ = (
        "_default",
        "_exceptions",
        "_exclude",
        "_fields",
        "_level",
        "_logger",
        "_message",
        "_named",
        "_onerror",
        "_reraise",
    )

    def __init__(
        self,
        logger: Logger,
        exceptions: Kinds = Exception,
        *,
        exclude: Kinds = (),
        level: int | str = "ERROR",
        message: str | None = None,
        reraise: bool = False,
        default: Any = None,
        onerror: Callable[[BaseException], object] | None = None,
        fields: dict[str, Any] | None = None,
    ) -> None:
        self._logger = logger
        self._exceptions = _kinds(exceptions)
        self._exclude = _kinds(exclude)
        # Whoever says BaseException hardly means that a Ctrl-C or a cancellation shall have no effect.
        named: tuple[type[BaseException], ...] = tuple(kind for kind in self._exceptions if kind is not BaseException)
        self._named: tuple[type[BaseException], ...] = (Exception, *named)
        self._level = level_number(level, "level")
        self._message = message
        self._reraise = reraise
        self._default = default
        if onerror is not None and not callable(onerror):
            raise TypeError(f"onerror {onerror!r} cannot be called")
        self._onerror = onerror
        self._fields = fields or {}

    def __call__(self, function: F) -> F:
        """The function, with what comes out of it caught.

        Raises:
            TypeError: If it is none, or a class: decorate its methods.
        """
        if isinstance(function, staticmethod | classmethod):
            return type(function)(self(function.__func__))
        no_class(function, "log.catch")
        if not is_function(function):
            raise TypeError(f"log.catch is for functions, and for exceptions to be caught; {function!r} is neither")
        name = getattr(function, "__qualname__", None) or type(function).__qualname__
        message = f"exception in {name}" if self._message is None else self._message
        return wrapped(function, lambda: _Around(self, message), self._default)

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> bool:
        return self.swallows(error, tb, "exception caught" if self._message is None else self._message)

    async def __aenter__(self) -> None:
        return None

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> bool:
        return self.__exit__(kind, error, tb)

    def swallows(self, error: BaseException | None, tb: TracebackType | None, message: str) -> bool:
        """Logs an exception that is to be caught; whether it ends here."""
        if not isinstance(error, self._exceptions) or isinstance(error, self._exclude):
            return False
        self._logger.log(self._level, message, **{**self._fields, "exc_info": (type(error), error, tb)})
        if self._onerror is not None:
            self._onerror(error)
        return not self._reraise and isinstance(error, self._named)


class _Around:
    """The block around a function's body."""

    __slots__ = ("_catch", "_message")

    def __init__(self, catch: Catch, message: str) -> None:
        self._catch = catch
        self._message = message

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> bool:
        # Without the frame of the decorator; with it, if the function did not even begin.
        return self._catch.swallows(error, tb and (tb.tb_next or tb), self._message)


def _kinds(given: object) -> tuple[type[BaseException], ...]:
    kinds = given if isinstance(given, tuple) else (given,)
    for kind in kinds:
        if not isinstance(kind, type) or not issubclass(kind, BaseException):
            hint = "; to catch what its methods raise, decorate these" if isinstance(kind, type) else ""
            raise TypeError(f"{kind!r} is no class of exceptions{hint}")
    return kinds
