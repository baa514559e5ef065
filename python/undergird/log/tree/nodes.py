"""Nodes of the standard library's tree that tell the native loggers when something about them changes."""

from __future__ import annotations

import logging

from undergird import _core


class Node(logging.Logger):
    """A plain logger of the standard library, except that every change to it is noticed.

    Setting any attribute (`level`, `disabled`, `propagate`, `handlers`, …) makes native loggers look anew. Changes
    inside of the lists of handlers and filters are seen by the loggers themselves.
    """

    def __setattr__(self, name: str, value: object) -> None:
        super().__setattr__(name, value)
        _core.invalidate()

    def getChild(self, suffix: str) -> logging.Logger:  # type: ignore[override]  # it may be of any class
        """The logger below this one, as the standard library gives it; a new one is a `Node` too."""
        return made(self.manager, ".".join((self.name, suffix)))


# What prints a logger shows the name of its class, and programs expect this one.
Node.__name__ = Node.__qualname__ = "Logger"


class LevelCache(dict[int, bool]):
    """The root's cache of enabled levels: the standard library clears it whenever a level changes anywhere."""

    def clear(self) -> None:
        """Forgets all levels."""
        super().clear()
        _core.invalidate()


class Manager(logging.Manager):
    """The standard library's manager of the tree, except that a `disable` that is set directly acts at once too."""

    def __setattr__(self, name: str, value: object) -> None:
        super().__setattr__(name, value)
        if name == "disable":
            self._clear_cache()  # type: ignore[attr-defined]


class LevelNames(dict[int, str]):
    """The names of levels: `logging.addLevelName` changes them."""

    def __setitem__(self, number: int, name: str) -> None:
        super().__setitem__(number, name)
        _core.invalidate()

    def __delitem__(self, number: int) -> None:
        super().__delitem__(number)
        _core.invalidate()


def node(name: str | None) -> logging.Logger:
    """The node of a name, made now if it is new; the root for `None`, `""` and `"root"`.

    A new node is a `Node`, unless the program has set a logger class of its own: then it is one of those.
    """
    root = logging.root
    if type(root.manager) is logging.Manager:
        root.manager.__class__ = Manager
    if type(root._cache) is not LevelCache:  # type: ignore[attr-defined]
        root._cache = LevelCache(root._cache)  # type: ignore[attr-defined]
    if type(logging._levelToName) is not LevelNames:
        logging._levelToName = LevelNames(logging._levelToName)
    if not name or name == root.name:
        return root
    manager = root.manager
    return made(manager, name)


def made(manager: logging.Manager, name: str) -> logging.Logger:
    """The logger of a name; a new one is a `Node`, unless the program has set a logger class of its own."""
    if logging.getLoggerClass() is not logging.Logger or manager.loggerClass is not None:
        return manager.getLogger(name)
    with logging._lock:  # type: ignore[attr-defined]
        manager.loggerClass = Node
        try:
            return manager.getLogger(name)
        finally:
            manager.loggerClass = None
