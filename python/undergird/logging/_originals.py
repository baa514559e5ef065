"""What classes of the standard library have as it makes them."""

from __future__ import annotations

import logging
from types import FunctionType
from typing import Any

Originals = dict[type, dict[str, Any]]
"""What classes have under names: `None` for nothing."""


def found(class_: type, name: str) -> Any:
    """What a class has under a name, without asking it."""
    return next((vars(one)[name] for one in class_.__mro__ if name in vars(one)), None)


def originals(classes: dict[type, tuple[str, ...]]) -> Originals:
    """What classes have under these names now."""
    return {class_: {name: found(class_, name) for name in names} for class_, names in classes.items()}


def has(class_: type, names: dict[str, Any]) -> bool:
    """Whether a class has this under these names, and nothing else."""
    return all(found(class_, name) is original for name, original in names.items())


def is_theirs(function: object, name: str) -> bool:
    """Whether it is the standard library's function of a name, with the name of its class before it."""
    return (
        isinstance(function, FunctionType)
        and function.__globals__ is vars(logging)
        and function.__code__.co_qualname == name
    )
