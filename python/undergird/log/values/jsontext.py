"""Plain data as JSON on one line."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable
from json import encoder as _json
from typing import Any, TypeAlias

Plain: TypeAlias = bool | int | float | str | list["Plain"] | dict[str, "Plain"] | None
"""Exact built-in types, without cycles."""

MOST_DIGITS = 4300
"""Longer integers are no numbers for CPython's reader, unless it is told otherwise."""

MOST_SIMPLE = 256
"""Elements of what is not looked at one by one; and so deep may it be:"""
MOST_DEEP = 4

_MOST_BITS = 14_285
_MOST_DECIMAL_BITS = 32_768
_TEXTS = frozenset((str,))
_PRIMITIVES = _TEXTS | {int, float, bool, type(None)}
_CONTAINERS = frozenset((list, tuple, dict))
_SIMPLE = _PRIMITIVES | _CONTAINERS
_NOT_SIMPLE = MOST_SIMPLE + 1


def _no_json(value: object) -> object:
    raise TypeError(value)


def _encoder(quoted: Callable[[str], str]) -> Callable[[object, int], Iterable[str]]:
    # What `json.dumps` makes anew for each call, at three times the cost of a small value.
    return _json.c_make_encoder(None, _no_json, quoted, None, ":", ",", False, False, False)  # type: ignore[attr-defined, no-any-return]


_direct = _encoder(_json.encode_basestring)
_ascii = _encoder(_json.encode_basestring_ascii)


def spelled(value: Plain) -> str:
    """The JSON of plain data; NaN, infinities and integers beyond `MOST_DIGITS` as strings.

    Example:
        >>> spelled({"position": [3, 4], "energy": float("nan")})
        '{"position":[3,4],"energy":"NaN"}'
    """
    try:
        text = "".join(_direct(value, 0))
        if len(text) > MOST_DIGITS and not 0 < sys.get_int_max_str_digits() <= MOST_DIGITS:
            # Only a setting of the user's lets such integers through here.
            text = "".join(_direct(readable(value), 0))
    except ValueError:
        value = readable(value)
        text = "".join(_direct(value, 0))
    if not text.isascii() and has_surrogates(text):
        text = "".join(_ascii(value, 0))
    return text


def simple(value: object) -> str | None:
    """The JSON of a small list, tuple or dict of primitives and of more of the same; `None` for everything else.

    Cost: less than `json.dumps`.

    Example:
        >>> simple([3, [4]]), simple([3, {4}])
        ('[3,[4]]', None)
    """
    try:
        if type(value) not in _CONTAINERS or _size(value, MOST_DEEP) > MOST_SIMPLE:
            return None
        text = "".join(_direct(value, 0))
    except Exception:
        return None
    return None if len(text) > MOST_DIGITS or (not text.isascii() and has_surrogates(text)) else text


def _size(value: Any, depth: int) -> int:
    """How many elements a container has in all; more than `MOST_SIMPLE` if they are not simple."""
    size = len(value)
    if size > MOST_SIMPLE:
        return size
    if type(value) is dict:
        if not _TEXTS.issuperset(map(type, value)):
            return _NOT_SIMPLE
        value = value.values()
    if _PRIMITIVES.issuperset(map(type, value)):
        return size
    if not depth or not _SIMPLE.issuperset(map(type, value)):
        return _NOT_SIMPLE
    for part in value:
        if type(part) in _CONTAINERS:
            size += _size(part, depth - 1)
            if size > MOST_SIMPLE:
                break
    return size


def has_surrogates(text: str) -> bool:
    """Whether a text holds half a character, which UTF-8 cannot say."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def digits_of(value: int) -> str | None:
    """The decimal digits of an integer; `None` if there are too many to be read or made."""
    if value.bit_length() > _MOST_BITS:
        return None
    try:
        digits = int.__repr__(value)
    except ValueError:
        return None
    return digits if len(digits.lstrip("-")) <= MOST_DIGITS else None


def digits_as_text(value: int) -> str:
    """An integer that is no number for readers: in decimal, beyond 32,768 bits in hexadecimal, as the writer has it.

    Example:
        >>> len(digits_as_text(10**5000))
        5001
    """
    if value.bit_length() > _MOST_DECIMAL_BITS:
        return hex(value)
    # Other than `str` it has no limit that the program may have set; rarely needed, and not for nothing to import.
    from decimal import Decimal

    return str(Decimal(value))


def readable(value: Plain) -> Plain:
    """The value with texts in the place of the numbers that JSON or its readers cannot take.

    Example:
        >>> readable([0.5, float("inf")])
        [0.5, 'Infinity']
    """
    match value:
        case float() if not math.isfinite(value):
            return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
        case int() if digits_of(value) is None:
            return digits_as_text(value)
        case list():
            return [readable(element) for element in value]
        case dict():
            return {key: readable(element) for key, element in value.items()}
    return value
