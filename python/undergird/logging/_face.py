"""Modules that stand for modules of the standard library: each name is read, written and deleted there."""

from __future__ import annotations

import logging
import sys
from importlib import import_module
from types import ModuleType
from typing import Any

from undergird.logging import _loggers, _native

# What belongs to a module by itself: where it comes from, and for what it stands.
_STANDS_FOR = "_stands_for"
_OWN = frozenset(("__builtins__", "__cached__", "__doc__", "__file__", "__loader__", "__name__", "__package__"))
_OWN |= {"__path__", "__spec__", "__class__", _STANDS_FOR}

_FACES = frozenset(("handlers", "config"))
_THEIRS = logging.getLogger
_ADDED = {"install": _native.install, "uninstall": _native.uninstall}


class Face(ModuleType):
    """A module that has nothing of its own but its place among the modules, its submodules, and what ours adds."""

    _stands_for: ModuleType

    @property
    def __dict__(self) -> dict[str, Any]:  # type: ignore[override]
        # What replaces names for a while (`mock.patch`) looks here whether they have to be put back.
        return vars(self._stands_for)

    def __getattr__(self, name: str) -> Any:
        theirs = self._stands_for
        if theirs is logging and name in _FACES:
            return import_module(f"{self.__name__}.{name}")
        if theirs is logging and name in _ADDED:
            return _ADDED[name]
        if name == "__all__" and not hasattr(theirs, name):
            # `import *` would look at what we have of our own.
            return [public for public in vars(theirs) if not public.startswith("_")]
        value = getattr(theirs, name)
        if value is logging:
            return import_module("undergird.logging")
        # What a program puts there in its place is what the program gets.
        return _loggers.getLogger if value is _THEIRS else value

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _OWN or _is_submodule(self, name, value):
            super().__setattr__(name, value)
        else:
            setattr(self._stands_for, name, _THEIRS if value is _loggers.getLogger else value)

    def __delattr__(self, name: str) -> None:
        delattr(self._stands_for, name)

    def __dir__(self) -> list[str]:
        theirs = self._stands_for
        return sorted({*dir(theirs), *(_ADDED if theirs is logging else ())})


def make(module: ModuleType) -> None:
    """Makes a module of this package a face of the standard library's of the same name.

    Args:
        module: What it has made of its own, but for submodules, is taken from it.
    """
    theirs = import_module(module.__name__.removeprefix("undergird."))
    for name, value in list(vars(module).items()):
        if name not in _OWN and not _is_submodule(module, name, value):
            delattr(module, name)
    module.__class__ = Face
    setattr(module, _STANDS_FOR, theirs)


def _is_submodule(module: ModuleType, name: str, value: object) -> bool:
    return isinstance(value, ModuleType) and sys.modules.get(f"{module.__name__}.{name}") is value
