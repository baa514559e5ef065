"""Fields that every record of the run carries, such as its id and its seed."""

from __future__ import annotations

from collections.abc import Mapping

from undergird import _core
from undergird.errors import ConfigurationError, shown
from undergird.log.values.fields import frozen
from undergird.log.values.jsontext import spelled
from undergird.log.values.redaction import Rules
from undergird.log.values.texts import text

LONGEST = 16 << 10
"""Characters of JSON: they stand in each line, and in the environment, where workers find them."""


def checked(given: object, rules: Rules | None) -> dict[str, object]:
    """The fields as records carry them: plain data, without what is redacted.

    Args:
        given: What `configure` was given.
        rules: The rules of the run that is set up.

    Raises:
        ConfigurationError: If it is no mapping of names, or more than each line should say.

    Example:
        >>> checked({"run_id": "a1", "grid": (10, 20)}, None)
        {'run_id': 'a1', 'grid': [10, 20]}
    """
    if not isinstance(given, Mapping):
        raise ConfigurationError(f"fields {shown(given)} is no mapping of names and values, such as {{'run_id': 'a1'}}")
    fields = dict(given)
    for name in fields:
        if not isinstance(name, str):
            raise ConfigurationError(f"fields: a field's name is a string, not {shown(name)}")
    fields = {text(name): frozen(value, name, rules) for name, value in fields.items()}
    length = len(spelled(fields))
    if length > LONGEST:
        raise ConfigurationError(f"fields: these are {length} characters in each line; there may be {LONGEST}")
    return fields


def use(fields: dict[str, object]) -> None:
    """Makes checked fields those of this run, under its rules of redaction."""
    global current
    current = fields
    _core.set_constants(_core.Fields(fields) if fields else None)


current: dict[str, object] = {}
"""The fields of this run."""
