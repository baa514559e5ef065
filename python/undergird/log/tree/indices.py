"""By which index the core knows a level: calls of a level that has one are native."""

from __future__ import annotations

import logging

from undergird import _core

_known = {10: 1, 20: 2, 30: 3, 40: 4, 50: 5}


def index(level: int) -> int | None:
    """The index of a level; one with a name gets one now, if there is room for it.

    Example:
        >>> index(20), index(21)
        (2, None)
    """
    found = _known.get(level)
    if found is None and type(level) is int and level in logging._levelToName and _core.learn_level(level):
        found = _known[level] = _core.level_numbers().index(level, 1)
    return found
