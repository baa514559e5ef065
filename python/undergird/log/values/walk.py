"""Any value as plain data: what JSON can hold, of bounded size, with nothing of the user's code left in it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from undergird.log.values.jsontext import Plain, digits_as_text, digits_of, readable, spelled
from undergird.log.values.registry import kind_of
from undergird.log.values.texts import described, name_of, unprintable

if TYPE_CHECKING:
    from undergird.log.values.redaction import Rules

DEPTH = 32
"""Containers within containers; a deeper one is a mark."""
ELEMENTS = 10_000
"""Elements of all containers of a value together; the rest is counted in marks."""
CHARACTERS = 1 << 19
"""Characters of all texts of a value together; the rest is counted in marks."""

_SHORT = frozenset((float, bool, type(None)))
"""Of few characters, whatever the value; integers may have any number."""
_WORD = 1 << 64


class Walk:
    """The way through one value: what is left of its room, where it is, and what must not be seen.

    Functions that render a type get the walk beside the value, and give back what `plain`, `text`, `sequence` or
    `mapping` made of its parts.

    Args:
        path: The name of the field, for redaction by path.
        rules: What must not be seen; `None` if all may.
        elements: Room for elements of all containers together.
        characters: Room for characters of all texts together.

    Attributes:
        hidden: How many values and texts were redacted.
    """

    __slots__ = ("_characters", "_elements", "_open", "_path", "_rules", "hidden")

    def __init__(
        self, path: str = "", rules: Rules | None = None, *, elements: int = ELEMENTS, characters: int = CHARACTERS
    ) -> None:
        self._characters = characters
        self._elements = elements
        self._open: set[int] = set()
        self._path = path
        self._rules = rules
        self.hidden = 0

    @property
    def elements(self) -> int:
        """How many more elements there is room for."""
        return self._elements

    @property
    def characters(self) -> int:
        """How many more characters there is room for."""
        return self._characters

    def plain(self, value: object) -> Plain:
        """The value as plain data; never raises because of the value."""
        kind = type(value)
        if kind is str:
            return self.text(value)  # type: ignore[arg-type]
        if kind is float or kind is bool or value is None:
            return value  # type: ignore[return-value]
        if kind is int:
            return value if -_WORD < value < _WORD else self._long(value)  # type: ignore[operator, return-value, arg-type]
        here = id(value)
        if here in self._open:
            return f"<cycle: {name_of(kind)}>"
        if len(self._open) >= DEPTH:
            return f"<too deep: {name_of(kind)}>"
        self._open.add(here)
        try:
            return kind_of(kind)(value, self)
        except Exception:
            return unprintable(value)
        finally:
            self._open.remove(here)

    def text(self, value: str) -> str:
        """A text without what is redacted, and not longer than there is room for."""
        if type(value) is not str:
            value = str.__str__(value)
        if self._rules is not None:
            shown = self._rules.text(value)
            self.hidden += shown is not value
            value = shown
        excess = len(value) - self._characters
        if excess > 0:
            value = f"{value[: self._characters]}… {excess} more characters"
            self._characters = 0
        else:
            self._characters -= len(value)
        return value

    def sequence(self, values: Iterable[object], count: int | None = None) -> list[Plain]:
        """Elements in their order; behind them a mark, if they are too many or do not come.

        Args:
            values: The elements; no more are asked for than there is room for.
            count: How many there are, as far as that is known.
        """
        out: list[Plain] = []
        if (type(values) is list or type(values) is tuple) and len(values) <= self._elements:
            if _are_short(values):
                self._elements -= len(values)
                return list(values)
            count = len(values)
        try:
            for value in values:
                if not self._elements:
                    out.append(f"… {_more(count, len(out))}")
                    break
                self._elements -= 1
                out.append(self.plain(value))
        except Exception as error:
            out.append(f"<failed: {described(error)}>")
        return out

    def mapping(self, pairs: Iterable[tuple[object, object]], count: int | None = None) -> dict[str, Plain]:
        """Keys as texts with their values; behind them a mark, if they are too many or do not come.

        Args:
            pairs: Keys and values; no more are asked for than there is room for.
            count: How many there are, as far as that is known.
        """
        out: dict[str, Plain] = {}
        path = self._path
        try:
            for key, value in pairs:
                if not self._elements:
                    out[_free("…", out)] = _more(count, len(out))
                    break
                self._elements -= 1
                name = self._key(key)
                if self._rules is not None:
                    self._path = f"{path}.{name}" if path else name
                    if self._rules.hides(self._path):
                        self.hidden += not self._rules.is_mask(value)
                        out[_free(name, out)] = self._rules.mask
                        continue
                out[_free(name, out)] = self.plain(value)
        except Exception as error:
            out[_free("…", out)] = f"<failed: {described(error)}>"
        self._path = path
        return out

    def _key(self, key: object) -> str:
        plain = readable(self.plain(key))
        return plain if type(plain) is str else spelled(plain)

    def _long(self, value: int) -> Plain:
        digits = digits_of(value)
        if digits is None:
            # More than readers take, so it is no number for them.
            return self.text(digits_as_text(value))
        if len(digits) > self._characters:
            return self.text(digits)
        self._characters -= len(digits)
        return value


def _are_short(values: list[Any] | tuple[Any, ...]) -> bool:
    """Whether values are numbers of few characters each, which nobody has to look at one by one."""
    kinds = {*map(type, values)}
    if kinds == {int}:
        return bool(min(values) > -_WORD and max(values) < _WORD)
    return kinds <= _SHORT


def _more(count: int | None, shown: int) -> str:
    return f"{count - shown} more" if count and count > shown else "more"


def _free(name: str, taken: dict[str, Plain]) -> str:
    """A name that no key before it has: two that differ may read the same, as 1 and "1" do."""
    while name in taken:
        name = f"{name}_{len(taken)}"
    return name
