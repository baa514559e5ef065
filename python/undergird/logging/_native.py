"""Native methods for loggers: given to our class once, to the standard library's while a program wants them."""

from __future__ import annotations

import logging
from types import FunctionType
from typing import Any

from undergird import _core
from undergird.log.tree.nodes import Node
from undergird.logging._examine import examine
from undergird.logging._failures import Failing, record_of
from undergird.logging._files import defer, defer_no_more

_NEEDED = ("debug", "info", "warning", "error", "critical", "log", "isEnabledFor")

# As they were when this was loaded.
_originals = {name: vars(logging.Logger)[name] for name in _NEEDED if name in vars(logging.Logger)}

_equipped = False
_installed: dict[str, Any] = {}


class _Probe:
    """By an instance the core finds out which changes the interpreter tells of."""

    def __init__(self) -> None:
        self.x: object = None


def equip() -> None:
    """Gives our class its native methods, the first time.

    Where something else has changed `logging.Logger` before this was loaded, nothing is native: what the native methods
    stand for has to be known.
    """
    global _equipped
    if _equipped:
        return
    with logging._lock:  # type: ignore[attr-defined]
        # Where another thread has done it meanwhile it is done again, which changes nothing.
        if _is_untouched():
            given = {**_originals, "record_of": record_of, "Failing": Failing}
            _core.stand_for(logging, given, examine, Node.__setattr__, _Probe())
            _give(Node, _core.native_methods(Node))
        _equipped = True


def install(*, sync: bool = False) -> None:
    """Makes the methods of all loggers of the process native: the root, loggers that exist, subclasses.

    These are `debug`, `info`, `warning`, `error`, `critical` and `log` of `logging.Logger`, where it still has the
    standard library's own; a class that overrides them keeps its own. May be called again, at any time.

    Lines for a `logging.FileHandler` wait in the ring for 50 ms at most, and survive the death of the process there;
    `flush`, `close`, `logging.shutdown`, the end of the program and whoever reads the handler's `stream` find them in
    the file.

    Args:
        sync: Whether these too are in the file when the call returns. For one handler: give it an attribute `sync`.

    Example:
        >>> import logging
        >>> from undergird.logging import install, uninstall
        >>> install()
        >>> logging.getLogger("docs.installed").debug("is switched off: costs next to nothing")
        >>> uninstall()
    """
    equip()
    with logging._lock:  # type: ignore[attr-defined]
        if not _installed:
            _installed.update(_core.native_methods(logging.Logger))
        there = vars(logging.Logger)
        _give(
            logging.Logger,
            {name: method for name, method in _installed.items() if there.get(name) is _originals.get(name)},
        )
    defer("installed", sync=sync)


def uninstall() -> None:
    """Takes from `logging.Logger` what `install` gave it, but for what has been replaced since. May be called again."""
    with logging._lock:  # type: ignore[attr-defined]
        for name, method in _installed.items():
            if vars(logging.Logger).get(name) is not method:
                continue
            if name in _originals:
                setattr(logging.Logger, name, _originals[name])
            else:
                delattr(logging.Logger, name)
    defer_no_more("installed")


def _give(class_: type, methods: dict[str, Any]) -> None:
    for name, method in methods.items():
        setattr(class_, name, method)


def _is_untouched() -> bool:
    return all(isinstance(_originals.get(name), FunctionType) and _is_theirs(_originals[name]) for name in _NEEDED)


def _is_theirs(function: FunctionType) -> bool:
    return function.__globals__ is vars(logging) and function.__code__.co_qualname == f"Logger.{function.__name__}"
