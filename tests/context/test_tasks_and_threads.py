"""What tasks, threads and executors see of each other."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextvars
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import undergird

context = undergird.context


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
