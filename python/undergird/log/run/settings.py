"""The values of `configure`'s settings: checked, and as the core takes them."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard

from undergird import _core
from undergird.errors import ConfigurationError, LogFileError
from undergird.log.exceptions import frames
from undergird.log.tree.handlers import FORMATS

if TYPE_CHECKING:
    from undergird.log.rotation import Rotation
    from undergird.log.rules import Limit, Sample
    from undergird.log.sinks import FileSink

RING_SIZE = 4 << 20
RING_SIZES = (64 << 10, 512 << 20)
LEVELS = (0, (1 << 63) - 1)
LONGEST_FSYNC = 86_400


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
        raise ConfigurationError(f"{what} {level!r} is not known; there is {', '.join(names)}, or a number from 0")
    if not LEVELS[0] <= number <= LEVELS[1]:
        raise ConfigurationError(f"{what} {level!r} is not between {LEVELS[0]} and {LEVELS[1]}")
    return number


def known_format(given: object) -> None:
    """Sees to it that there is such a format of files."""
    if not _is_text(given) or given not in FORMATS:
        raise ConfigurationError(f"format {given!r} is not known; there is {', '.join(map(repr, FORMATS))}")


def overload_of(given: object) -> tuple[str, int]:
    """What happens to a record when the ring is full, as the core names it: a word, and a level for `"drop_below"`."""
    word, _, limit = given.partition(":") if _is_text(given) else ("", "", "")
    if word not in ("block", "drop_newest", "drop_below") or bool(limit) != (word == "drop_below"):
        raise ConfigurationError(
            f"overload {given!r} is not known; there is 'block', 'drop_newest' and 'drop_below:LEVEL'"
        )
    return word, level_number(int(limit) if limit.isdecimal() else limit, "overload") if limit else 0


def ring_bytes(given: object) -> int:
    """The size of a ring."""
    size = RING_SIZE if given is None else given
    if type(size) is not int or not RING_SIZES[0] <= size <= RING_SIZES[1]:
        raise ConfigurationError(f"ring_size {size!r} is not between {RING_SIZES[0]} and {RING_SIZES[1]} bytes")
    return size


def switches(**settings: object) -> None:
    """Sees to it that settings are true or false."""
    for setting, value in settings.items():
        if type(value) is not bool:
            raise ConfigurationError(f"{setting} {value!r} is neither True nor False")


def durability(given: object) -> tuple[str, float]:
    """When the disk is asked, as the core names it: a word, and seconds for `"every"`."""
    if isinstance(given, bool) or given == "error":
        return {False: "never", True: "always", "error": "error"}[given], 0.0
    if isinstance(given, int | float) and 0 < given <= LONGEST_FSYNC:
        return "every", float(given)
    raise ConfigurationError(f"fsync {given!r} is none of True, False, 'error' and seconds up to {LONGEST_FSYNC}")


def suppressed(given: object) -> frames.Suppressed | None:
    """The frames that `exception_suppress` leaves out of tracebacks, if it names any."""
    names = [given] if isinstance(given, str) else given
    if not isinstance(names, Iterable):
        raise ConfigurationError(f"exception_suppress {given!r} is neither a name nor an iterable of names")
    listed = list(names)
    for name in listed:
        if not isinstance(name, str) or not name:
            raise ConfigurationError(f"exception_suppress: {name!r} is neither a module's name nor a path")
    return frames.Suppressed(listed) if listed else None


def sampled(given: Sample | Limit | Mapping[int | str, Sample | Limit] | None) -> list[_core.Gate | None] | None:
    """The rules of sampling by level, if any were given: who needs none does not load them."""
    if given is None:
        return None
    from undergird.log.rules import rules_of_run

    return rules_of_run(given, lambda level: level_number(level, "sample"))


def rotation_of(**settings: Any) -> Rotation | None:
    """The rules, if any were given: who needs none does not load them."""
    if settings == {**dict.fromkeys(settings), "max_bytes": 0, "interval": 1, "utc": False}:
        return None
    from undergird.log.rotation import Rotation

    return Rotation(**settings)


def sinks_of(given: Iterable[FileSink]) -> list[FileSink]:
    """The further files, if any were given: who needs none does not load them."""
    if isinstance(given, list | tuple) and not given:
        return []
    from undergird.log.sinks import listed

    return listed(given)


def log_files(path: object, rotation: Rotation | None, sinks: list[FileSink]) -> tuple[Path | None, list[FileSink]]:
    """The run's own file and the further ones, by their absolute paths, each of which can be opened."""
    file = None if path is None else log_file(path)
    if not sinks:
        return file, sinks
    from undergird.log.sinks import FileSink, opened

    return file, opened(sinks, beside=None if file is None else FileSink(file, rotation=rotation))


def log_file(path: object) -> Path:
    """The absolute path of a log file that can be opened.

    Raises:
        ConfigurationError: If it is no path.
        LogFileError: If it cannot.
    """
    file = Path(os.path.abspath(_path(path, "path")))  # noqa: PTH100 -- links stay, as in the standard library
    if os.path.isdir(file):  # noqa: PTH112 (the method raises where one may not look)
        raise LogFileError(f"{file} is a directory; name a file in it, such as {file / 'run.log'}")
    there = next(parent for parent in file.parents if os.path.isdir(parent))  # noqa: PTH112
    if there != file.parent and os.access(there, os.X_OK):
        raise LogFileError(f"{file.parent} is not a directory; make it before logging to {file}")
    try:
        _core.probe(str(file))
    except OSError as error:
        raise LogFileError(
            f"{file} cannot be written: {error}; choose another path, or make the file, its hidden lock file and "
            "their directory writable"
        ) from error
    return file


def ring_folder(given: str | os.PathLike[str] | None) -> str | None:
    """The folder above the rings that was asked for, by the setting or the environment, if any."""
    setting, chosen = "ring_dir", given
    if given is None:
        setting = "UNDERGIRD_RING_DIR"
        chosen = os.environ.get(setting)
    if not chosen:
        return None
    directory = _path(chosen, setting).absolute()
    if not directory.is_dir():
        raise ConfigurationError(f"{setting} {str(directory)!r} is not a directory; make it first")
    if not os.access(directory, os.W_OK | os.X_OK):
        raise ConfigurationError(f"{setting} {str(directory)!r} is not writable")
    return str(directory)


def _path(given: object, setting: str) -> Path:
    if not _is_text(given) and not isinstance(given, os.PathLike):
        raise ConfigurationError(f"{setting} {given!r} is not a path: it is a string or a Path")
    if "\0" in str(given):
        raise ConfigurationError(f"{setting} {given!r} is not a path: it holds a zero byte")
    try:
        return Path(given).expanduser()
    except (RuntimeError, TypeError) as error:
        raise ConfigurationError(f"{setting} {given!r} is not a path: {error}") from error


def _is_text(value: object) -> TypeGuard[str]:
    return isinstance(value, str)
