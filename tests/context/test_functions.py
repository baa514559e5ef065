"""Functions of every kind that run with fields of their own."""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from typing import Any

import pytest

import undergird

context = undergird.context


def test_a_decorated_function_runs_with_the_fields() -> None:
    @context(a=1)
    def function(x: int, *, y: int) -> tuple[int, dict[str, Any]]:
        """Says so."""
        return x + y, context.get()

    assert function(1, y=2) == (3, {"a": 1})
    assert (function.__name__, function.__doc__) == ("function", "Says so.")


def test_a_decorated_function_may_call_itself() -> None:
    @context(a=1)
    def function(depth: int) -> int:
        assert context.get() == {"a": 1}
        return depth if depth == 5 else function(depth + 1)

    assert function(0) == 5


def test_a_decorated_coroutine_function_stays_one() -> None:
    @context(a=1)
    async def function() -> dict[str, Any]:
        await asyncio.sleep(0)
        return context.get()

    async def main() -> None:
        assert inspect.iscoroutinefunction(function)
        assert list(await asyncio.gather(function(), function())) == [{"a": 1}, {"a": 1}]
        assert context.get() == {}

    asyncio.run(main())


def test_methods_and_partials_are_functions_too() -> None:
    class Thing:
        @context(a=1)
        def method(self) -> dict[str, Any]:
            return context.get()

    assert Thing().method() == {"a": 1}
    assert context(b=2)(functools.partial(Thing().method))() == {"b": 2, "a": 1}


def test_methods_of_every_kind_and_objects_that_can_be_called_are_functions_too() -> None:
    decorated = context(a=1)

    class Thing:
        @decorated
        @classmethod
        def of_the_class(cls) -> dict[str, Any]:
            return context.get()

        @decorated
        @staticmethod
        def of_nobody() -> dict[str, Any]:
            return context.get()

    class Awaited:
        async def __call__(self) -> dict[str, Any]:
            await asyncio.sleep(0)
            return context.get()

    class Generating:
        def __call__(self) -> Iterator[dict[str, Any]]:
            yield context.get()

    assert Thing.of_the_class() == Thing().of_nobody() == {"a": 1}
    assert asyncio.run(decorated(Awaited())()) == {"a": 1}
    assert list(decorated(Generating())()) == [{"a": 1}]


@pytest.mark.parametrize("way", [context(a=1), context.wrap])
def test_what_is_no_function_is_refused(way: Any) -> None:
    with pytest.raises(TypeError, match="5 is no function"):
        way(5)


def test_a_class_is_not_decorated_but_may_be_wrapped() -> None:
    class Cells:
        def __init__(self) -> None:
            self.seen = context.get()

    with pytest.raises(TypeError, match=r"^undergird.context is for functions, and .*Cells is a class: decorate its"):
        context(a=1)(Cells)
    with context(a=1):
        make = context.wrap(Cells)
    assert make().seen == {"a": 1}


def test_a_generators_consumer_does_not_see_its_fields() -> None:
    @context(a=1)
    def generator() -> Generator[dict[str, Any], str, str]:
        received = yield context.get()
        context.bind(b=received)
        with context(c=3):
            yield context.get()
        yield context.get()
        return "done"

    def consumer() -> Generator[dict[str, Any], str, str]:
        return (yield from generator())

    body = consumer()
    assert next(body) == {"a": 1}
    assert context.get() == {}
    with context(z=9):
        assert body.send("two") == {"z": 9, "a": 1, "b": "two", "c": 3}
        assert context.get() == {"z": 9}
    assert next(body) == {"a": 1, "b": "two"}
    with pytest.raises(StopIteration, match="done"):
        next(body)
    assert context.get() == {}


def test_a_generator_gets_what_is_thrown_and_is_closed_with_its_fields() -> None:
    seen: list[dict[str, Any]] = []

    @context(a=1)
    def generator() -> Iterator[int]:
        try:
            try:
                yield 1
            except KeyError:
                seen.append(context.get())
                yield 2
        finally:
            seen.append(context.get())

    body: Any = generator()
    assert (next(body), body.throw(KeyError)) == (1, 2)
    body.close()
    assert seen == [{"a": 1}, {"a": 1}]


def test_generators_that_take_turns_keep_their_fields_apart() -> None:
    def generator(number: int) -> Iterator[dict[str, Any]]:
        context.bind(number=number)
        for _ in range(3):
            yield context.get()

    made = context(a=1)(generator)
    assert [*zip(made(1), made(2), strict=True)] == [({"a": 1, "number": 1}, {"a": 1, "number": 2})] * 3


def test_contexts_around_each_other_decorate_any_kind_of_function() -> None:
    @context(a=1)
    @context(b=2)
    def generator() -> Iterator[dict[str, Any]]:
        yield context.get()

    @context(a=1)
    @context(b=2)
    async def async_generator() -> AsyncIterator[dict[str, Any]]:
        yield context.get()

    @context(a=1)
    @context(b=2)
    async def coroutine() -> dict[str, Any]:
        return context.get()

    async def main() -> None:
        assert await coroutine() == {"a": 1, "b": 2}
        assert [one async for one in async_generator()] == [{"a": 1, "b": 2}]

    assert list(generator()) == [{"a": 1, "b": 2}]
    asyncio.run(main())
    assert inspect.isgeneratorfunction(generator)
    assert inspect.isasyncgenfunction(async_generator)


def test_an_undecorated_generator_sees_its_consumers_context() -> None:
    def generator() -> Iterator[dict[str, Any]]:
        while True:
            yield context.get()

    body = generator()
    with context(a=1):
        assert next(body) == {"a": 1}
    assert next(body) == {}


def test_an_asynchronous_generators_consumer_does_not_see_its_fields() -> None:
    seen: list[dict[str, Any]] = []

    @context(a=1)
    async def generator() -> AsyncGenerator[dict[str, Any], str]:
        try:
            await asyncio.sleep(0)
            received = yield context.get()
            context.bind(b=received)
            try:
                yield context.get()
            except KeyError:
                yield context.get()
        finally:
            await asyncio.sleep(0)
            seen.append(context.get())

    async def main() -> None:
        body = generator()
        assert await anext(body) == {"a": 1}
        assert context.get() == {}
        assert await body.asend("two") == {"a": 1, "b": "two"}
        assert await body.athrow(KeyError) == {"a": 1, "b": "two"}
        assert context.get() == {}
        await body.aclose()
        assert await anext(aiter(generator())) == {"a": 1}
        assert context.get() == {}
        while len(seen) < 2:
            await asyncio.sleep(0)  # The loop closes the one that nobody holds.

    asyncio.run(main())
    assert seen == [{"a": 1, "b": "two"}, {"a": 1}]
