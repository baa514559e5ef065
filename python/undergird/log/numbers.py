"""Any real number as one that the core knows."""

from __future__ import annotations

from decimal import Decimal
from numbers import Integral, Real
from typing import Any

from undergird.log.values.texts import text

_SHORT_FLOATS = ("float16", "float32")


def number(value: Any) -> int | float:
    """A number as an `int` or a `float`.

    Raises:
        TypeError: If it is no real number; a `bool` is none.

    Example:
        >>> from fractions import Fraction
        >>> number(Fraction(1, 4))
        0.25
    """
    try:
        item = _item(value)
        if not isinstance(item, bool):
            if isinstance(item, Integral):
                return int(item)
            if isinstance(item, Real | Decimal):
                return float(item)
    except Exception as error:
        raise TypeError(f"the value of a metric is a number, and {type(value).__name__} could not be one") from error
    raise TypeError(f"the value of a metric is a number, not {type(item).__name__}")


def _item(value: Any) -> Any:
    """The value; of numpy's numbers, and arrays of one, the number that they show."""
    if getattr(value, "shape", None) != () or not hasattr(value, "item"):
        return value
    # The nearest double of a float32 0.1 is 0.10000000149011612.
    return float(text(value)) if getattr(value.dtype, "name", "") in _SHORT_FLOATS else value.item()
