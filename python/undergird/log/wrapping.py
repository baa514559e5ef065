"""Functions of every kind, with something around their bodies."""

from __future__ import annotations

import functools
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from undergird._functions import kind_of

F = TypeVar("F", bound=Callable[..., Any])


def wrapped(function: F, around: Callable[[], AbstractContextManager[Any]], otherwise: Any = None) -> F:
    """The function, each run of whose body is in a block of its own.

    Args:
        function: Any callable; a coroutine function or a generator function of either kind gives one of its own kind,
            whose block begins with its body's first step and ends with its last.
        around: Gives the block of a run.
        otherwise: What it returns when the block has kept an exception to itself.

    Raises:
        TypeError: If it is none.

    Example:
        >>> from contextlib import nullcontext
        >>> wrapped(len, nullcontext)("three")
        5
    """
    if isinstance(function, staticmethod | classmethod):
        return type(function)(wrapped(function.__func__, around, otherwise))

    async def coroutine(*args: Any, **kwargs: Any) -> Any:
        result = otherwise
        with around():
            result = await function(*args, **kwargs)
        return result  # noqa: RET504 -- the block may have kept an exception

    def generator(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        result = otherwise
        with around():
            result = yield from function(*args, **kwargs)
        return result

    async def asynchronous_generator(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        with around():
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

    def plain(*args: Any, **kwargs: Any) -> Any:
        result = otherwise
        with around():
            result = function(*args, **kwargs)
        return result  # noqa: RET504 -- the block may have kept an exception

    inside = {
        "plain": plain,
        "coroutine": coroutine,
        "generator": generator,
        "asynchronous generator": asynchronous_generator,
    }[kind_of(function)]
    return functools.wraps(function)(inside)  # type: ignore[return-value]
