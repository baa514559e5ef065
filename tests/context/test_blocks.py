"""Blocks and what is bound within them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.context.conftest import alone

import undergird
from undergird._context import Scope, fields

context = undergird.context


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
