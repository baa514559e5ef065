"""The variable that carries the context, which any program can reach."""

from __future__ import annotations

import contextvars
from typing import Any

import pytest
from tests.context.conftest import alone

import undergird
from undergird import _core

context = undergird.context


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
