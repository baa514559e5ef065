"""How values of the standard library's types are made plain data, and of those that behave like them.

Each function takes a value and the walk that is under way, and gives back what the walk made of the value's parts.
"""

from __future__ import annotations

import datetime
import types
import weakref
from collections import OrderedDict, UserString, defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence, ValuesView
from collections.abc import Set as AbstractSet
from enum import Enum
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeAlias

from undergird.log.values import arrays, models
from undergird.log.values.deferred import Lazy
from undergird.log.values.texts import described, name_of, name_of_function, text

if TYPE_CHECKING:
    from undergird.log.values.jsontext import Plain
    from undergird.log.values.walk import Walk

Kind: TypeAlias = "Callable[[Any, Walk], Plain]"

mro_of: Callable[[type], tuple[type, ...]] = vars(type)["__mro__"].__get__
_PLAIN_MAPPINGS = frozenset((dict, OrderedDict, defaultdict, types.MappingProxyType))


def builtin_kind(kind: type) -> Kind:
    """The function for a type that nobody has registered.

    Example:
        >>> builtin_kind(object) is as_text
        True
    """
    mro = mro_of(kind)
    found = arrays.kind_of(mro) or next((_KINDS[base] for base in mro if base in _KINDS), None) or models.kind_of(mro)
    if found is not None:
        return found
    if issubclass(kind, Mapping):
        return as_mapping
    if issubclass(kind, Sequence | AbstractSet | ValuesView):
        return as_sequence
    return as_text


def as_text(value: object, walk: Walk) -> str:
    """Its `str()`."""
    return walk.text(text(value))


def as_sequence(value: Iterable[object], walk: Walk) -> list[Plain]:
    """Its elements as they come."""
    return walk.sequence(value, _length(value))


def as_mapping(value: Mapping[object, object], walk: Walk) -> dict[str, Plain]:
    """Its keys and values; a value that does not come is a note of its own."""
    count = _length(value)
    if type(value) in _PLAIN_MAPPINGS:
        # A copy: rendering may run code that changes the original.
        return walk.mapping(list(islice(value.items(), walk.elements + 1)), count)
    return walk.mapping(models.read(value, value, type(value).__getitem__), count)


def _length(value: Any) -> int | None:
    try:
        return len(value)
    except Exception:
        return None


def _of_list(value: list[object], walk: Walk) -> list[Plain]:
    return walk.sequence(value, len(value))


def _of_tuple(value: tuple[object, ...], walk: Walk) -> Plain:
    names = getattr(value, "_fields", None)
    if type(names) is tuple and len(names) == len(value):
        return walk.mapping(zip(names, value, strict=True), len(value))
    return walk.sequence(value, len(value))


def _of_set(value: AbstractSet[object], walk: Walk) -> list[Plain]:
    """In an order that does not depend on hashes: numbers by size, everything else by its text."""
    shown = walk.sequence(list(islice(value, walk.elements)))
    kinds = set(map(type, shown))
    if kinds <= {int, float} and all(number == number for number in shown):
        shown.sort()
    else:
        shown.sort(key=lambda one: one if type(one) is str else repr(one))
    rest = (_length(value) or 0) - len(shown)
    return [*shown, f"… {rest} more"] if rest > 0 else shown


def _of_deque(value: deque[object], walk: Walk) -> list[Plain]:
    return walk.sequence(list(islice(value, walk.elements + 1)), len(value))


def _of_view(value: Iterable[object], walk: Walk) -> list[Plain]:
    return walk.sequence(list(islice(value, walk.elements + 1)), _length(value))


def _of_bytes(value: bytes | bytearray | memoryview, walk: Walk) -> Plain:
    with memoryview(value) as view:
        count = view.nbytes
        if not count:
            return ""
        if view.c_contiguous:
            shown = view.cast("B")[: walk.characters].tobytes()
        elif count <= walk.characters:
            shown = view.tobytes()
        else:
            # A copy of all of it may be larger than the memory: strides can be zero.
            return walk.text(f"<{name_of(type(value))} of {count} bytes>")
    rest = count - len(shown)
    return walk.text(shown.decode("utf-8", "backslashreplace")) + (f"… {rest} more bytes" if rest else "")


def _of_string(value: str, walk: Walk) -> Plain:
    return walk.text(str.__str__(value))


def _of_int(value: int, walk: Walk) -> Plain:
    return walk.plain(int.__int__(value))


def _of_float(value: float, walk: Walk) -> Plain:
    return float.__float__(value)


def _of_enum(value: Enum, walk: Walk) -> Plain:
    return walk.plain(value._value_)


def _of_moment(value: datetime.date | datetime.time, walk: Walk) -> Plain:
    return walk.text(value.isoformat())


def _of_duration(value: datetime.timedelta, walk: Walk) -> Plain:
    return value.total_seconds()


def _of_error(value: BaseException, walk: Walk) -> Plain:
    return walk.text(described(value))


def _of_class(value: type, walk: Walk) -> Plain:
    return walk.text(name_of(value))


def _of_function(value: types.FunctionType, walk: Walk) -> Plain:
    return walk.text(name_of_function(value))


def _of_reference(value: weakref.ref[object], walk: Walk) -> Plain:
    referent = value()
    return walk.text("<dead weakref>" if referent is None else f"<weakref to {name_of(type(referent))}>")


def _of_namespace(value: types.SimpleNamespace, walk: Walk) -> Plain:
    return walk.mapping(list(vars(value).items()))


def _of_lazy(value: Lazy, walk: Walk) -> Plain:
    return walk.plain(value.result())


_KINDS: dict[type, Kind] = {
    str: _of_string,
    int: _of_int,
    float: _of_float,
    bytes: _of_bytes,
    bytearray: _of_bytes,
    memoryview: _of_bytes,
    Enum: _of_enum,
    datetime.datetime: _of_moment,
    datetime.date: _of_moment,
    datetime.time: _of_moment,
    datetime.timedelta: _of_duration,
    list: _of_list,
    tuple: _of_tuple,
    set: _of_set,
    frozenset: _of_set,
    deque: _of_deque,
    dict: as_mapping,
    type({}.keys()): _of_view,
    type({}.values()): _of_view,
    type({}.items()): _of_view,
    range: as_text,
    UserString: as_text,
    types.SimpleNamespace: _of_namespace,
    BaseException: _of_error,
    type: _of_class,
    types.FunctionType: _of_function,
    types.MethodType: _of_function,
    types.BuiltinFunctionType: _of_function,
    types.MethodDescriptorType: _of_function,
    types.WrapperDescriptorType: _of_function,
    weakref.ref: _of_reference,
    Lazy: _of_lazy,
}
