"""Values that settings of several kinds share: checked, each under the name of its setting."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from undergird.errors import ConfigurationError, shown

if TYPE_CHECKING:
    from undergird.log.rotation import Rotation

FORMATS = {"json": 0, "logfmt": 1, "text": 2}
"""The formats of files, with their numbers in a ring's dictionary."""

LEVELS = (0, (1 << 63) - 1)


def level_number(level: int | str, setting: str) -> int:
    """The number of a level.

    Args:
        level: Its number or name.
        setting: What was set to it, for the message of an error: the level itself, where its name says so.

    Raises:
        ConfigurationError: If there is no such level.

    Example:
        >>> level_number("INFO", "level")
        20
    """
    what = setting if setting.endswith("level") else f"{setting}: level"
    names = logging.getLevelNamesMapping()
    number = names.get(level) if isinstance(level, str) else level
    if not isinstance(number, int) or isinstance(number, bool):
        raise ConfigurationError(f"{what} {shown(level)} is not known; there is {', '.join(names)}, or a number from 0")
    if not LEVELS[0] <= number <= LEVELS[1]:
        raise ConfigurationError(f"{what} {shown(level)} is not between {LEVELS[0]} and {LEVELS[1]}")
    return number


def known(setting: str, given: object, words: tuple[str, ...]) -> str:
    """The word that a setting was set to.

    Raises:
        ConfigurationError: If it is none of those that there are.

    Example:
        >>> known("console_stream", "stderr", ("stderr", "stdout"))
        'stderr'
    """
    if not isinstance(given, str) or given not in words:
        raise ConfigurationError(f"{setting} {shown(given)} is not known; there is {', '.join(map(repr, words))}")
    return given


def known_format(given: object) -> str:
    """The format that a file was given.

    Raises:
        ConfigurationError: If there is no such format of files.
    """
    return known("format", given, tuple(FORMATS))


def switches(**settings: object) -> None:
    """Sees to it that settings are true or false."""
    for setting, value in settings.items():
        if type(value) is not bool:
            raise ConfigurationError(f"{setting} {shown(value)} is neither True nor False")


def rules(rotation: object) -> Rotation | None:
    """The rules by which a file is put aside, if it was given any.

    Raises:
        ConfigurationError: If they are something else.
    """
    if rotation is None:
        return None
    # Who rotates nothing does not load them.
    from undergird.log.rotation import Rotation

    if not isinstance(rotation, Rotation):
        raise ConfigurationError(f"rotation {shown(rotation)} is not an undergird.Rotation")
    return rotation
