"""The context by itself: where its fields hold, and where they end. What records make of it is in `log/`."""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import undergird

context = undergird.context


@pytest.fixture(autouse=True)
def _a_context_of_its_own() -> Iterator[None]:
    assert context.get() == {}
    yield
    assert context.get() == {}


def alone(function: Callable[[], Any]) -> Any:
    """What a function gives in a copy of the context, which what it binds does not outlive."""
    return contextvars.copy_context().run(function)
