"""Any real number as one that the core knows."""

from __future__ import annotations

from decimal import Decimal
from numbers import Integral, Real
from typing import Any


def number(value: Any) -> int | float:
    """A number as an `int` or a `float`.

    Raises:
        TypeError: If it is no real number; a `bool` is none.

    Example:
        >>> from fractions import Fraction
        >>> number(Fraction(1, 4))
        0.25
    """
    # An array of one number is that number, as numpy has it.
    item = value.item() if getattr(value, "shape", None) == () and hasattr(value, "item") else value
    if not isinstance(item, bool):
        try:
            if isinstance(item, Integral):
                return int(item)
            if isinstance(item, Real | Decimal):
                return float(item)
        except Exception as error:
            raise TypeError(
                f"the value of a metric is a number, and {type(value).__name__} could not be one"
            ) from error
    raise TypeError(f"the value of a metric is a number, not {type(value).__name__}")
