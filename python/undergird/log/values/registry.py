"""Functions of the user's that say how values of their types are written."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, overload

from undergird import _core
from undergird.log.values.kinds import as_text, builtin_kind, mro_of
from undergird.log.values.texts import name_of

if TYPE_CHECKING:
    from undergird.log.values.jsontext import Plain
    from undergird.log.values.kinds import Kind
    from undergird.log.values.walk import Walk

F = TypeVar("F", bound=Callable[[Any], object])

COPIED = (str, int, float, bool, type(None), list, tuple, dict)
"""Types whose own values are copied without asking anybody."""
MOST_KNOWN = 1000
"""How many types are remembered; programs can make them without end."""

_functions: dict[type, Callable[[Any], object]] = {}
_known: dict[type, Kind] = {}
_failures = 0


@overload
def register(cls: type, function: F, /) -> F: ...
@overload
def register(cls: type, /) -> Callable[[F], F]: ...
def register(cls: type, function: F | None = None, /) -> F | Callable[[F], F]:
    """Says how values of a type, and of types derived from it, are written.

    What `function` gives is written in the place of the value, like any other value: mostly a text, or a dict of
    what matters. Of several types that fit, the first in the value's method resolution order counts. A function that
    fails is counted (`renderers_failed` in `stats()`), and its value written as if nobody had registered the type.

    Args:
        cls: The type. What is registered already gets the new function.
        function: Called with the value, at the log call. Without it, `register` is a decorator.

    Raises:
        TypeError: For what is no type, for a type whose values are copied as they are (`str`, `int`, `float`,
            `bool`, `None`, `list`, `tuple`, `dict`; derived ones are welcome), and for a function that cannot be
            called.

    Example:
        >>> import undergird
        >>> class Cell:
        ...     number = 7
        >>> @undergird.register(Cell)
        ... def render_cell(cell: Cell) -> str:
        ...     return f"cell {cell.number}"
        >>> undergird.get_logger("docs").warning("divided", cell=Cell())  # "cell":"cell 7"
        >>> undergird.unregister(Cell)
    """
    if not _can_be_registered(cls):
        raise TypeError(f"{cls!r} cannot be registered: it is no type, or one whose values are copied as they are")
    if function is None:
        return lambda function: register(cls, function)
    if not callable(function):
        raise TypeError(f"{function!r} cannot be called, so it cannot render a {name_of(cls)}")
    _functions[cls] = function
    _changed()
    return function


def unregister(cls: type, /) -> None:
    """Takes back what `register` said of a type.

    Raises:
        KeyError: If nothing is registered for it.

    Example:
        >>> import undergird
        >>> class Cell: ...
        >>> undergird.register(Cell, id)
        <built-in function id>
        >>> undergird.unregister(Cell)
    """
    del _functions[cls]
    _changed()


def is_empty() -> bool:
    """Whether nothing is registered."""
    return not _functions


def failures() -> int:
    """How often a registered function has failed in this process."""
    return _failures


def kind_of(kind: type) -> Kind:
    """The function that makes values of a type plain data."""
    try:
        return _known[kind]
    except Exception:  # Not only KeyError: a metaclass may have a hash of its own.
        return _find(kind)


def _can_be_registered(cls: object) -> bool:
    return isinstance(cls, type) and cls not in COPIED


def _changed() -> None:
    global _known
    _known = {}
    # Without registered types, values of types derived from `str`, `int` and `float` need no Python.
    _core.ask_for_subclasses(bool(_functions))


def _find(kind: type) -> Kind:
    # Another one is used as soon as something changes; what was found before that is not for it.
    known = _known
    try:
        found = builtin_kind(kind)
        function = next((_functions[base] for base in mro_of(kind) if base in _functions), None)
        if function is not None:
            found = _registered(function, found)
        if len(known) >= MOST_KNOWN:
            known.clear()
        known[kind] = found
    except Exception:
        return as_text
    return found


def _registered(function: Callable[[Any], object], otherwise: Kind) -> Kind:
    def render(value: Any, walk: Walk) -> Plain:
        global _failures
        try:
            result = function(value)
        except Exception:
            _failures += 1
            result = value
        return otherwise(value, walk) if result is value else walk.plain(result)

    return render
