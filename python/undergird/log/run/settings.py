"""The values of `configure`'s settings: checked, and as the core takes them."""

from __future__ import annotations

import math
import os
import stat
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard

from undergird import _core
from undergird.errors import ConfigurationError, LogFileError, shortened, shown
from undergird.log.checks import LEVELS, level_number
from undergird.log.exceptions import frames
from undergird.log.paths import absolute, spelled

if TYPE_CHECKING:
    from undergird.log.rotation import Rotation
    from undergird.log.rules import Limit, Sample
    from undergird.log.sinks import FileSink

RING_SIZE = 4 << 20
RING_SIZES = (64 << 10, 512 << 20)
LONGEST_FSYNC = 86_400
LONGEST_NAME = 255 - len("..lock")


def overload_of(given: object) -> tuple[str, int]:
    """What happens to a record when the ring is full, as the core names it: a word, and a level for `"drop_below"`."""
    word, _, limit = given.partition(":") if _is_text(given) else ("", "", "")
    if word not in ("block", "drop_newest", "drop_below") or bool(limit) != (word == "drop_below"):
        raise ConfigurationError(
            f"overload {shown(given)} is not known; there is 'block', 'drop_newest' and 'drop_below:LEVEL'"
        )
    # Of more digits there is no level, and the interpreter would not read them.
    is_number = limit.isdecimal() and len(limit) <= len(str(LEVELS[1]))
    return word, level_number(int(limit) if is_number else limit, "overload") if limit else 0


def ring_bytes(given: object) -> int:
    """The size of a ring."""
    size = RING_SIZE if given is None else given
    if type(size) is not int or not RING_SIZES[0] <= size <= RING_SIZES[1]:
        raise ConfigurationError(f"ring_size {shown(size)} is not between {RING_SIZES[0]} and {RING_SIZES[1]} bytes")
    return size


def durability(given: object) -> tuple[str, float]:
    """When the disk is asked, as the core names it: a word, and seconds for `"every"`."""
    if isinstance(given, bool):
        return "always" if given else "never", 0.0
    if _is_text(given) and given == "error":
        return "error", 0.0
    if isinstance(given, int | float) and 0 < given <= LONGEST_FSYNC:
        return "every", float(given)
    raise ConfigurationError(f"fsync {shown(given)} is none of True, False, 'error' and seconds up to {LONGEST_FSYNC}")


def suppressed(given: object) -> frames.Suppressed | None:
    """The frames that `exception_suppress` leaves out of tracebacks, if it names any."""
    names = [given] if isinstance(given, str) else given
    if not isinstance(names, Iterable):
        raise ConfigurationError(f"exception_suppress {shown(given)} is neither a name nor an iterable of names")
    listed = list(names)
    for name in listed:
        if not _is_text(name) or not name:
            raise ConfigurationError(f"exception_suppress: {shown(name)} is neither a module's name nor a path")
    # A path of a file is known by its separator.
    names = [str(absolute(name, "exception_suppress:")) if os.sep in name else name for name in listed]
    return frames.Suppressed(names) if names else None


def sampled(given: Sample | Limit | Mapping[int | str, Sample | Limit] | None) -> list[_core.Gate | None] | None:
    """The rules of sampling by level, if any were given: who needs none does not load them."""
    if given is None:
        return None
    from undergird.log.rules import rules_of_run

    return rules_of_run(given, lambda level: level_number(level, "sample"))


def rotation_of(**settings: Any) -> Rotation | None:
    """The rules, if any were given: who needs none does not load them."""
    # By identity first: what an object says of being equal is its own affair.
    usual = {**dict.fromkeys(settings), "max_bytes": 0, "interval": 1, "utc": False}
    if all(value is usual[name] for name, value in settings.items()):
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
    """The run's own file and the further ones, by their absolute paths, each of which can be opened.

    If one cannot, none of them has been made.
    """
    with ExitStack() as made:
        file = None if path is None else log_file(path, made)
        if sinks:
            from undergird.log.sinks import FileSink, opened

            sinks = opened(sinks, beside=None if file is None else FileSink(file, rotation=rotation), made=made)
        made.pop_all()
    return file, sinks


def log_file(path: object, made: ExitStack) -> Path:
    """The absolute path of a log file that can be opened.

    Args:
        path: The file.
        made: Removes what had to be made for this, unless it is told to keep it.

    Raises:
        ConfigurationError: If it is no path.
        LogFileError: If it cannot.
    """
    file = absolute(path, "path")
    named = shortened(str(file))
    # As everywhere, what ends in a separator is a directory, whether it is there or not.
    is_directory = os.path.isdir(file)  # noqa: PTH112 (the method raises where one may not look)
    if is_directory or os.path.basename(spelled(path, "path")) in _DIRECTORIES:  # noqa: PTH119
        what = "is" if is_directory else "would be"
        raise LogFileError(f"{named} {what} a directory; name a file in it, such as {shortened(str(file / 'run.log'))}")
    there = next(parent for parent in file.parents if os.path.isdir(parent))  # noqa: PTH112
    if there != file.parent and os.access(there, os.X_OK):
        raise LogFileError(f"{shortened(str(file.parent))} is not a directory; make it before logging to {named}")
    if (kind := _kind(file)) in _NO_LOGS:
        raise LogFileError(f"{named} is a {_NO_LOGS[kind]}, which cannot be a log; choose another path")
    try:
        log, lock = _core.probe(str(file))
    except OSError as error:
        raise LogFileError(f"{named} cannot be written: {error}; {_remedy(file, kind)}") from error
    made.callback(_core.take_back, str(file), log, lock)
    return file


_DIRECTORIES = ("", ".", "..")
_NO_LOGS = {stat.S_IFSOCK: "socket", stat.S_IFBLK: "block device"}


def _kind(file: Path) -> int:
    """What kind of file is there; 0 for none, or where that cannot be seen."""
    try:
        return stat.S_IFMT(os.stat(file).st_mode)  # noqa: PTH116
    except OSError:
        return 0


def _remedy(file: Path, kind: int) -> str:
    if kind == stat.S_IFIFO:
        return "a pipe needs a reader first"
    if len(os.fsencode(file.name)) > LONGEST_NAME:
        return f"its name may have {LONGEST_NAME} bytes, for that of its hidden lock file is longer"
    return "choose another path, or make the file, its hidden lock file and their directory writable"


def ring_folder(given: object) -> str | None:
    """The folder above the rings that was asked for, by the setting or the environment, if any."""
    setting, chosen = "ring_dir", given
    if given is None:
        setting = "UNDERGIRD_RING_DIR"
        chosen = os.environ.get(setting) or None
    if chosen is None:
        return None
    directory = absolute(chosen, setting)
    if not os.path.isdir(directory):  # noqa: PTH112 (the method raises where one may not look)
        raise ConfigurationError(f"{setting} {shown(str(directory))} is not a directory; make it first")
    if not os.access(directory, os.W_OK | os.X_OK):
        raise ConfigurationError(f"{setting} {shown(str(directory))} is not writable")
    return str(directory)


def seconds(given: float | None) -> float | None:
    """How long something may take; `None` for as long as it takes.

    Raises:
        TypeError: If it is no number.
        ConfigurationError: If it is NaN, or an integer that no float can hold.

    Example:
        >>> seconds(5)
        5.0
    """
    if given is None:
        return None
    try:
        # What stands for a float, as everywhere; texts, which `float` reads too, do not.
        number = math.fsum((given,))
    except OverflowError as error:
        raise ConfigurationError(f"timeout {shown(given)} is more seconds than a float can hold") from error
    except Exception as error:
        raise TypeError(f"timeout {shown(given)} is no number of seconds, and not None") from error
    if math.isnan(number):
        raise ConfigurationError(f"timeout {shown(given)} is no number of seconds")
    return number


def _is_text(value: object) -> TypeGuard[str]:
    return isinstance(value, str)
