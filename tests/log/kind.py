"""A call of every kind that there is, for tests that make very many of each.

Each function in `kinds_of_values` and `kinds_of_calls` takes a logger and gives the call: a function of the call's number.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from undergird import Logger

Call = Callable[[int], object]


class Kind(NamedTuple):
    """One kind of call."""

    make: Callable[[Logger], Call]
    """Gives the call."""
    settings: dict[str, Any]
    """What `configure` is called with."""
    dear: bool
    """Whether one call takes as long as a hundred others."""


KINDS: dict[str, Kind] = {}

# Made at run time, so that they are counted: a constant of the code may be immortal.
MESSAGE, KEY, TEXT, NUMBER = (
    "".join(["a mess", "age"]),
    "".join(["a ", "key"]),
    "".join(["text of ", "é"]),
    float("0.625"),
)
SHARED: list[Any] = [MESSAGE, KEY, TEXT, NUMBER]


def kind(*, dear: bool = False, **settings: Any) -> Callable[[Callable[[Logger], Call]], Callable[[Logger], Call]]:
    def decorate(make: Callable[[Logger], Call]) -> Callable[[Logger], Call]:
        KINDS[make.__name__] = Kind(make, settings, dear)
        return make

    return decorate
