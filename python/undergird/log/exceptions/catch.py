"""Logging what comes out of a function or a block."""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncGenerator, Callable, Generator
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from undergird.log.run.settings import level_number

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
        fields: Fields of the record.

    Raises:
        TypeError: For `exceptions` or `exclude` that are none.
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
        self._fields = fields or {}

    def __call__(self, function: F) -> F:
        """The function, with what comes out of it caught.

        Raises:
            TypeError: If it is none.
        """
        if isinstance(function, staticmethod | classmethod):
            return type(function)(self(function.__func__))
        if not is_function(function):
            raise TypeError(f"log.catch is for functions, and for exceptions to be caught; {function!r} is neither")
        name = getattr(function, "__qualname__", None) or type(function).__qualname__
        message = f"exception in {name}" if self._message is None else self._message
        made = self._of_kind(function)(function, message)
        return functools.wraps(function)(made)  # type: ignore[return-value]

    def _of_kind(self, function: Callable[..., Any]) -> Callable[[Any, str], Any]:
        # An object with `__call__` is of its method's kind.
        functions = (function, getattr(function, "__call__", None))  # noqa: B004 -- the method itself is looked at
        for is_kind, made_by in (
            (inspect.iscoroutinefunction, self._coroutine),
            (inspect.isasyncgenfunction, self._asynchronous_generator),
            (inspect.isgeneratorfunction, self._generator),
        ):
            if any(map(is_kind, functions)):
                return made_by
        return self._function

    def _function(self, function: Callable[..., Any], message: str) -> Callable[..., Any]:
        def caught(*args: Any, **kwargs: Any) -> Any:
            try:
                return function(*args, **kwargs)
            except self._exceptions as error:
                if not self._swallows(error, _inner(error), message):
                    raise
            return self._default

        return caught

    def _coroutine(self, function: Callable[..., Any], message: str) -> Callable[..., Any]:
        async def caught(*args: Any, **kwargs: Any) -> Any:
            try:
                return await function(*args, **kwargs)
            except self._exceptions as error:
                if not self._swallows(error, _inner(error), message):
                    raise
            return self._default

        return caught

    def _generator(self, function: Callable[..., Any], message: str) -> Callable[..., Any]:
        def caught(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
            try:
                return (yield from function(*args, **kwargs))
            except self._exceptions as error:
                if not self._swallows(error, _inner(error), message):
                    raise
            return self._default

        return caught

    def _asynchronous_generator(self, function: Callable[..., Any], message: str) -> Callable[..., Any]:
        async def caught(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
            try:
                inner = function(*args, **kwargs)
                step = inner.asend(None)
                while True:
                    try:
                        value = await step
                    except StopAsyncIteration:
                        return
                    try:
                        step = inner.asend((yield value))
                    except GeneratorExit:
                        await inner.aclose()
                        raise
                    except BaseException as thrown:
                        step = inner.athrow(thrown)
            except self._exceptions as error:
                if not self._swallows(error, _inner(error), message):
                    raise

        return caught

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> bool:
        if error is None or not isinstance(error, self._exceptions):
            return False
        return self._swallows(error, tb, "exception caught" if self._message is None else self._message)

    async def __aenter__(self) -> None:
        return None

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> bool:
        if error is None or not isinstance(error, self._exceptions):
            return False
        return self._swallows(error, tb, "exception caught" if self._message is None else self._message)

    def _swallows(self, error: BaseException, tb: TracebackType | None, message: str) -> bool:
        """Logs an exception unless it is excluded; whether it ends here."""
        if isinstance(error, self._exclude):
            return False
        self._logger.log(self._level, message, **{**self._fields, "exc_info": (type(error), error, tb)})
        return not self._reraise and isinstance(error, self._named)


def _inner(error: BaseException) -> TracebackType | None:
    """The traceback without the frame of the decorator; with it, if the function did not even begin."""
    tb = error.__traceback__
    return tb and (tb.tb_next or tb)


def _kinds(given: object) -> tuple[type[BaseException], ...]:
    kinds = given if isinstance(given, tuple) else (given,)
    for kind in kinds:
        if not isinstance(kind, type) or not issubclass(kind, BaseException):
            raise TypeError(f"{kind!r} is no class of exceptions")
    return kinds
