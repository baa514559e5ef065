"""How numpy's scalars and arrays are made plain data. numpy is never imported here: who has a value of its has it."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Any

from undergird.log.values.texts import text

if TYPE_CHECKING:
    from undergird.log.values.jsontext import Plain
    from undergird.log.values.kinds import Kind
    from undergird.log.values.walk import Walk

MOST = 1000
"""Larger arrays are shape, type and first elements."""
FIRST = 10

_DOUBLE = 8
# Seconds of a unit, or its part of a second. Not by numpy's division, which some units refuse, overflow or warn at.
_UNITS = {"W": (604_800, 1), "D": (86_400, 1), "h": (3600, 1), "m": (60, 1), "s": (1, 1)}
_UNITS |= {unit: (1, 1000**power) for power, unit in enumerate(("ms", "us", "ns", "ps", "fs", "as"), start=1)}


def kind_of(mro: tuple[type, ...]) -> Kind | None:
    """The function for a type of numpy's; `None` for others, and for its texts and bytes, which are Python's too."""
    numpy: Any = sys.modules.get("numpy")
    if numpy is None or not hasattr(numpy, "ndarray"):
        return None
    if numpy.ndarray in mro:
        return _of_array
    return _of_scalar if numpy.generic in mro and not {str, bytes} & {*mro} else None


def _of_array(value: Any, walk: Walk) -> Plain:
    numpy: Any = sys.modules["numpy"]
    masked = isinstance(value, numpy.ma.MaskedArray)
    array = value if masked else numpy.asarray(value)
    if not array.ndim:
        return None if masked and array.mask else walk.plain(array[()])
    # Of one that is empty in a further dimension, the first may be as long as it likes.
    if array.size <= min(MOST, walk.elements) and (array.size or array.ndim == 1):
        as_numbers = array.ndim == 1 and (array.dtype.kind in "biu" or array.dtype == float)
        return walk.sequence(array.tolist() if as_numbers else array, len(array))
    first = array.flat[:FIRST]
    return walk.mapping([("shape", array.shape), ("dtype", text(array.dtype)), ("first", first)])


def _of_scalar(value: Any, walk: Walk) -> Plain:
    numpy: Any = sys.modules["numpy"]
    match value.dtype.kind:
        case "b":
            return bool(value)
        case "i" | "u":
            return int(value)
        case "f":
            return _float(value, walk)
        case "m" if not numpy.isnat(value) and numpy.datetime_data(value.dtype)[0] in _UNITS:
            unit, count = numpy.datetime_data(value.dtype)
            seconds, parts = _UNITS[unit]
            return float(int(value.view("i8")) * count * seconds / parts)
        case "V" if value.dtype.names:
            return walk.mapping([(name, value[name]) for name in value.dtype.names])
        case "V" if type(value) is numpy.void:
            return walk.plain(value.tobytes())
    return walk.text(text(value))


def _float(value: Any, walk: Walk) -> Plain:
    if value.dtype.itemsize < _DOUBLE:
        # As short as the type allows: the nearest double of a float32 0.1 is 0.10000000149011612.
        return float(text(value))
    number = float(value)
    # What only a long double can hold.
    return walk.text(text(value)) if math.isinf(number) and value != number else number
