"""How objects with declared fields are made plain data: dataclasses, attrs, pydantic, msgspec.

They are known by what these libraries leave on their classes, so that none has to be imported. A field that its
class keeps out of its `repr` (as people do with passwords) is kept out here too.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any

from undergird.log.values.texts import described

if TYPE_CHECKING:
    from undergird.log.values.jsontext import Plain
    from undergird.log.values.kinds import Kind
    from undergird.log.values.walk import Walk


def kind_of(mro: tuple[type, ...]) -> Kind | None:
    """The function for a class of one of these libraries; `None` for others."""
    for base in mro:
        for mark, function in _MARKS.items():
            if mark in base.__dict__:
                return function
    return None


def read(
    value: Any, names: Iterable[Any], get: Callable[[Any, Any], object] = getattr
) -> Iterator[tuple[object, object]]:
    """Names with what `get` finds; a note where it fails."""
    for name in names:
        try:
            found = get(value, name)
        except Exception as error:
            found = f"<failed: {described(error)}>"
        yield name, found


def _of_dataclass(value: Any, walk: Walk) -> Plain:
    # A class that says it is one has imported what made it one.
    fields = sys.modules["dataclasses"].fields(value)
    return walk.mapping(read(value, [field.name for field in fields if field.repr]))


def _of_attrs(value: Any, walk: Walk) -> Plain:
    return walk.mapping(read(value, [attribute.name for attribute in value.__attrs_attrs__ if attribute.repr]))


def _of_pydantic(value: Any, walk: Walk) -> Plain:
    kind = type(value)
    if getattr(kind, "__pydantic_root_model__", False):
        return walk.plain(value.root)
    fields = [name for name, field in kind.__pydantic_fields__.items() if field.repr]
    extra = value.__pydantic_extra__ or {}
    # Not as attributes: reading a deprecated field is a warning.
    return walk.mapping(chain(read(vars(value), fields, dict.__getitem__), list(extra.items())))


def _of_struct(value: Any, walk: Walk) -> Plain:
    return walk.mapping(read(value, value.__struct_fields__))


_MARKS: dict[str, Kind] = {
    "__dataclass_fields__": _of_dataclass,
    "__attrs_attrs__": _of_attrs,
    "__pydantic_fields__": _of_pydantic,
    "__struct_fields__": _of_struct,
}
