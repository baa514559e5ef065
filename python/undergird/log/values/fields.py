"""Values of fields as the core takes them: a text, or a finished piece of JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from undergird.log.values import redaction
from undergird.log.values.jsontext import Plain, digits_of, readable, simple, spelled
from undergird.log.values.redaction import Rules
from undergird.log.values.texts import name_of, nesting, text
from undergird.log.values.walk import Walk


def render(value: object, name: str = "") -> tuple[bool, str]:
    """The text of a value as it is now, and whether it is a finished piece of JSON.

    Args:
        value: Any value.
        name: The field's name, for redaction by path.

    Example:
        >>> render([3, 4])
        (True, '[3,4]')
        >>> render(1 + 2j)
        (False, '(1+2j)')
    """
    rules = redaction.current
    if rules is None or (not rules.texts and type(value) is not dict):
        finished = simple(value)
        # Without an object there is no name that rules could be about.
        if finished is not None and (rules is None or "{" not in finished):
            return True, finished
    plain = plain_of(value, name)
    if type(plain) is float:
        plain = readable(plain)
    return (False, plain) if type(plain) is str else (True, spelled(plain))


def plain_of(value: object, name: str = "") -> Plain:
    """The value as plain data, as it is now, without what is redacted.

    Args:
        value: Any value.
        name: The field's name, for redaction by path.

    Example:
        >>> plain_of((3, {4}))
        [3, [4]]
    """
    return _walked(value, Walk(name, redaction.current))


def frozen(value: object, name: str = "", rules: Rules | None = None) -> object:
    """The value as it is now: itself if it cannot change, else plain data. Without what is redacted.

    Args:
        value: Any value.
        name: The field's name, for redaction.
        rules: What is redacted; nothing by default.

    Example:
        >>> position = [3, 4]
        >>> frozen(position) is position, frozen(position), frozen(1 + 2j)
        (False, [3, 4], '(1+2j)')
    """
    if rules is not None and rules.hides(name):
        return rules.mask
    if type(value) is str:
        return value if rules is None else rules.text(value)
    # An integer that no reader would take is a text from the beginning, or it could not even be shown.
    is_plain = _is_number(type(value)) and not (type(value) is int and digits_of(value) is None)
    return value if is_plain else _walked(value, Walk(name, rules))


def frozen_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields with values as they are now: what the core keeps of those that are bound or of the context.

    Example:
        >>> frozen_fields({"position": (3, 4)})
        {'position': [3, 4]}
    """
    rules = redaction.current
    return {name: frozen(value, name, rules) for name, value in fields.items()}


def redacted(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """The fields without what must not be seen; values that hold nothing of it stay as they are.

    Example:
        >>> redacted({"agent_id": 7})
        {'agent_id': 7}
    """
    rules = redaction.current
    return fields if rules is None else {key: _redacted(text(key), value, rules) for key, value in fields.items()}


def _redacted(name: str, value: Any, rules: Rules) -> Any:
    if rules.hides(name):
        return value if rules.is_mask(value) else rules.mask
    if _is_number(type(value)):
        return value
    walk = Walk(name, rules)
    plain = _walked(value, walk)
    return plain if walk.hidden else value


def _is_number(kind: type) -> bool:
    # By identity: a class may have an `==` of its own.
    return kind is int or kind is float or kind is bool or kind is type(None)


def _walked(value: object, walk: Walk) -> Plain:
    if not nesting.enter():
        return f"<too deep: {name_of(type(value))}>"
    try:
        return walk.plain(value)
    finally:
        nesting.leave()
