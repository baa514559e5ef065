"""The context by itself: where its fields hold, and where they end. What records make of it is in `log/`."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextvars
import functools
import inspect
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import undergird
from undergird import _core
from undergird._context import Scope, fields

context = undergird.context


@pytest.fixture(autouse=True)
def _a_context_of_its_own() -> Iterator[None]:
    assert context.get() == {}
    yield
    assert context.get() == {}


def alone(function: Callable[[], Any]) -> Any:
    """What a function gives in a copy of the context, which what it binds does not outlive."""
    return contextvars.copy_context().run(function)


# --- blocks ---------------------------------------------------------------------------------------------------------


def test_fields_hold_within_the_block() -> None:
    with context(a=1, b="x"):
        assert context.get() == {"a": 1, "b": "x"}
    assert context.get() == {}


def test_of_blocks_within_each_other_the_inner_one_wins() -> None:
    with context(a=1, b=1):
        with context(a=2, c=2):
            assert context.get() == {"a": 2, "b": 1, "c": 2}
        assert context.get() == {"a": 1, "b": 1}


def test_a_block_ends_with_an_error_too() -> None:
    with pytest.raises(LookupError), context(a=1):
        raise LookupError
    assert context.get() == {}


def test_a_scope_is_entered_again_later_and_within_itself() -> None:
    scope = context(a=1)
    for _ in range(2):
        with scope:
            with context(a=2), scope:
                assert context.get() == {"a": 1}
            assert context.get() == {"a": 1}
        assert context.get() == {}


def test_a_block_may_be_asynchronous() -> None:
    async def main() -> None:
        async with context(a=1) as scope:
            assert isinstance(scope, Scope)
            await asyncio.sleep(0)
            assert context.get() == {"a": 1}
        assert context.get() == {}

    asyncio.run(main())


def test_a_block_left_out_of_order_takes_only_its_own_fields_along() -> None:
    first, second, third = context(a=1, x=1), context(b=2, x=2), context(c=3)
    for scope in (first, second, third):
        scope.__enter__()
    second.__exit__()
    assert context.get() == {"a": 1, "x": 1, "c": 3}
    first.__exit__()
    assert context.get() == {"c": 3}
    third.__exit__()
    assert context.get() == {}


def test_leaving_a_block_that_is_not_open_does_nothing() -> None:
    with context(a=1):
        context(b=2).__exit__()
        assert context.get() == {"a": 1}


@given(st.lists(st.tuples(st.integers(0, 4), st.booleans()), max_size=30))
def test_blocks_left_in_any_order_are_as_a_list_of_those_open(steps: list[tuple[int, bool]]) -> None:
    scopes = [context(**{f"own{n}": n, "shared": n}) for n in range(5)]
    model: list[int] = []

    def run() -> None:
        for number, enter in steps:
            if enter:
                scopes[number].__enter__()
                model.append(number)
            else:
                scopes[number].__exit__()
                if number in model:
                    del model[len(model) - 1 - model[::-1].index(number)]
            expected: dict[str, int] = {}
            for there in model:
                expected |= {f"own{there}": there, "shared": there}
            assert context.get() == expected

    alone(run)


def test_any_name_is_one_for_a_field() -> None:
    with context(self=1, function=2, fields=3, scope=4):
        context.bind(self=5, names=6)
        assert context.get() == {"self": 5, "function": 2, "fields": 3, "scope": 4, "names": 6}


def test_the_repr_says_what_holds() -> None:
    assert repr(context(a=1)) == "<Scope {'a': 1}>"
    with context(a=[1]):
        assert repr(context) == "<undergird.context {'a': [1]}>"


# --- bind, unbind, clear ----------------------------------------------------------------------------------------------


def test_what_is_bound_holds_until_the_block_is_left() -> None:
    with context(a=1):
        context.bind(b=2, a=3)
        with context(c=4):
            context.bind(d=5)
            assert context.get() == {"a": 3, "b": 2, "c": 4, "d": 5}
        assert context.get() == {"a": 3, "b": 2}
    assert context.get() == {}


def test_outside_of_any_block_it_holds_for_the_rest_of_the_task() -> None:
    async def task() -> dict[str, Any]:
        context.bind(a=1)
        await asyncio.sleep(0)
        with context(b=2):
            pass
        return context.get()

    assert asyncio.run(task()) == {"a": 1}


def test_unbind_takes_away_what_any_block_gave_until_the_inner_one_is_left() -> None:
    with context(a=1, b=2):
        with context(c=3):
            context.unbind("a", "c", "unknown")
            assert context.get() == {"b": 2}
            context.bind(a=4)
            assert context.get() == {"b": 2, "a": 4}
        assert context.get() == {"a": 1, "b": 2}


def test_clear_takes_everything_away_until_the_block_is_left() -> None:
    with context(a=1):
        with context(b=2):
            context.clear()
            assert context.get() == {}
        assert context.get() == {"a": 1}
        context.clear()
        context.clear()
        assert context.get() == {}


def test_what_was_taken_away_stays_away_when_an_outer_block_goes_first() -> None:
    outer, inner = context(a=1), context(b=2)
    outer.__enter__()
    inner.__enter__()
    context.unbind("a")
    context.bind(c=3, d=4)
    context.unbind("d")
    outer.__exit__()
    assert context.get() == fields() == {"b": 2, "c": 3}
    inner.__exit__()


def test_what_get_gives_is_a_copy_of_what_was_given() -> None:
    given = [1]
    with context(a=given):
        found = context.get()
        assert found["a"] is given
        found["b"] = 2
        assert context.get() == {"a": [1]}


# --- functions -------------------------------------------------------------------------------------------------------


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


# --- tasks and threads -----------------------------------------------------------------------------------------------


def test_tasks_inherit_and_keep_to_themselves() -> None:
    async def task(number: int) -> dict[str, Any]:
        context.bind(number=number)
        await asyncio.sleep(0)
        return context.get()

    async def main() -> None:
        with context(a=1):
            found = await asyncio.gather(*(task(number) for number in range(3)))
            assert found == [{"a": 1, "number": number} for number in range(3)]
            assert context.get() == {"a": 1}

    asyncio.run(main())


def test_a_block_entered_in_one_task_and_left_in_another_ends_there_alone() -> None:
    async def main() -> None:
        scope = context(a=1)

        async def enter() -> dict[str, Any]:
            scope.__enter__()
            return context.get()

        async def leave() -> dict[str, Any]:
            scope.__exit__()
            return context.get()

        assert await asyncio.create_task(enter()) == {"a": 1}
        assert await asyncio.create_task(leave()) == {}
        with scope:
            # A task made here has inherited the block, and leaves it for itself.
            assert await asyncio.create_task(leave()) == {}
            assert context.get() == {"a": 1}

    asyncio.run(main())


def test_to_thread_carries_the_context() -> None:
    async def main() -> None:
        with context(a=1):
            assert await asyncio.to_thread(context.get) == {"a": 1}

    asyncio.run(main())


def test_a_copied_context_holds_what_held_when_it_was_copied() -> None:
    with context(a=1):
        copied = contextvars.copy_context()
    assert copied.run(context.get) == {"a": 1}
    copied.run(context.bind, b=2)
    assert copied.run(context.get) == {"a": 1, "b": 2}


def in_thread(function: Callable[[], Any]) -> Any:
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(function()))
    thread.start()
    thread.join()
    return found[0]


def test_a_thread_starts_with_nothing() -> None:
    with context(a=1):
        assert in_thread(context.get) == {}


def test_wrap_carries_the_context_into_a_thread() -> None:
    with context(a=1):
        wrapped = context.wrap(context.get)
    assert in_thread(wrapped) == {"a": 1}


def test_wrap_carries_the_context_into_an_executor_and_leaves_nothing_there() -> None:
    with concurrent.futures.ThreadPoolExecutor(2) as pool, context(a=1):
        found = list(pool.map(context.wrap(lambda n: (n, context.get())), range(8)))
        assert pool.submit(context.get).result() == {}
    assert found == [(n, {"a": 1}) for n in range(8)]


def test_wrap_brings_the_context_of_its_caller_and_no_other() -> None:
    def body() -> list[dict[str, Any]]:
        before = context.get()
        context.bind(c=3)
        return [before, context.get()]

    with context(a=1):
        wrapped = context.wrap(body)
    with context(a=2, b=2):
        assert wrapped() == [{"a": 1}, {"a": 1, "c": 3}]
        assert context.get() == {"a": 2, "b": 2}
    empty = context.wrap(context.get)
    with context(a=1):
        assert empty() == {}


def test_wrap_keeps_what_a_function_is() -> None:
    async def function() -> dict[str, Any]:
        await asyncio.sleep(0)
        return context.get()

    async def generator() -> AsyncIterator[dict[str, Any]]:
        yield context.get()

    with context(a=1):
        wrapped, generated = context.wrap(function), context.wrap(generator)

    async def main() -> None:
        assert await wrapped() == {"a": 1}
        assert [one async for one in generated()] == [{"a": 1}]

    asyncio.run(main())


# --- the core -----------------------------------------------------------------------------------------------------------


def test_what_a_program_puts_into_the_variable_is_not_believed() -> None:
    with context(a=1):
        [variable] = [one for one in contextvars.copy_context() if one.name == "undergird"]

    def run() -> None:
        junk: Any
        for junk in (None, 7, (), (7,), ((),), [1]):
            variable.set(junk)
            assert context.get() == {}
            undergird.get_logger("docs").info("x")
            with context(b=2):
                assert context.get() == {"b": 2}

    alone(run)


def test_the_core_takes_nothing_but_fields() -> None:
    junk: Any
    for junk in ((), (7,), ({},)):
        with pytest.raises((TypeError, IndexError)):
            _core.set_context(junk)
    with pytest.raises(TypeError, match="string"):
        _core.Fields({7: 1})  # type: ignore[dict-item]
