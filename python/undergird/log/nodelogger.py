"""What a logger passes on to its node in the standard library's tree."""

from __future__ import annotations

import logging
from typing import Any

from undergird import _core


class NodeLogger(_core.Logger):
    """A native logger with the standard library's attributes and methods, which are those of its node."""

    __slots__ = ()

    @property
    def name(self) -> str:
        """The node's name."""
        return self._node.name

    @property
    def level(self) -> int:
        """The node's own level; 0 if it has none."""
        return self._node.level

    @property
    def handlers(self) -> list[logging.Handler]:
        """The node's own handlers: the list itself."""
        return self._node.handlers

    @property
    def filters(self) -> list[Any]:
        """The node's filters: the list itself."""
        return self._node.filters

    @property
    def parent(self) -> logging.Logger | None:
        """The node above."""
        return self._node.parent

    @property
    def propagate(self) -> bool:
        """Whether handlers of the nodes above see the records too."""
        return self._node.propagate

    @propagate.setter
    def propagate(self, value: bool) -> None:
        self._node.propagate = value

    @property
    def disabled(self) -> bool:
        """Whether the node is switched off."""
        return bool(self._node.disabled)

    @disabled.setter
    def disabled(self, value: bool) -> None:
        self._node.disabled = value

    def setLevel(self, level: int | str) -> None:
        """Sets the node's level, which calls see from the next one on, also those of loggers below that have none.

        Args:
            level: Its number or name; 0 or `"NOTSET"` for none of its own.

        Raises:
            ValueError: If no level has this name.
            TypeError: If it is neither a number nor a name.

        Example:
            >>> import undergird
            >>> log = undergird.get_logger("docs.levels")
            >>> log.setLevel("WARNING")
            >>> log.isEnabledFor(20)
            False
        """
        self._node.setLevel(level)

    def isEnabledFor(self, level: int) -> bool:
        """Whether a record of this level, a number, would be logged."""
        return self._node.isEnabledFor(level)

    def getEffectiveLevel(self) -> int:
        """The node's level, or that of the nearest node above that has one."""
        return self._node.getEffectiveLevel()

    def addHandler(self, handler: logging.Handler) -> None:
        """Adds a handler to the node."""
        self._node.addHandler(handler)

    def removeHandler(self, handler: logging.Handler) -> None:
        """Takes a handler off the node."""
        self._node.removeHandler(handler)

    def addFilter(self, filter: Any) -> None:
        """Adds a filter to the node."""
        self._node.addFilter(filter)

    def removeFilter(self, filter: Any) -> None:
        """Takes a filter off the node."""
        self._node.removeFilter(filter)

    def hasHandlers(self) -> bool:
        """Whether any handler would see a record of this logger."""
        return self._node.hasHandlers()
