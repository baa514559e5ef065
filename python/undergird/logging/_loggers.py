"""Loggers of our class."""

from __future__ import annotations

import logging

from undergird.log.tree.nodes import made
from undergird.logging._files import defer
from undergird.logging._native import equip


def getLogger(name: str | None = None) -> logging.Logger:
    """The logger of a name; the root without one. As the standard library's, but what is new is made of our class.

    That class derives from `logging.Logger`, and its methods that log are native. Where the program has set a logger
    class of its own, that is what is made. A logger that exists stays what it is.

    Args:
        name: Parts from the root to the leaf, with dots between.

    Raises:
        TypeError: If the name is no `str`.

    Example:
        >>> from undergird import logging
        >>> logging.getLogger("docs.cells").getChild("nucleus")
        <Logger docs.cells.nucleus (WARNING)>
    """
    equip()
    defer("ours")
    # As the standard library asks, which other names than `str` may answer.
    if not name or (isinstance(name, str) and name == logging.root.name):  # type: ignore[redundant-expr]
        return logging.root
    return made(logging.Logger.manager, name)
