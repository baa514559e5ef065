"""Paths that settings name: checked, and made absolute."""

from __future__ import annotations

import os
from pathlib import Path

from undergird.errors import ConfigurationError, shown

LONGEST = 4095
"""Bytes of the longest path that the system takes."""


def spelled(given: object, setting: str) -> str:
    """A path as a string that the file system can have.

    Args:
        given: A string, or an object that stands for one, such as a `pathlib.Path`.
        setting: What was set to it, for the message of an error.

    Raises:
        ConfigurationError: If it is no path.

    Example:
        >>> spelled(Path("logs", "run.log"), "path")
        'logs/run.log'
    """
    if not isinstance(given, str | os.PathLike):
        raise ConfigurationError(f"{setting} {shown(given)} is not a path: it is a string or a Path")
    try:
        path = os.fspath(given)
    except Exception as error:
        # Whatever an object's own method does.
        raise ConfigurationError(f"{setting} {shown(given)} is not a path: {shown(error)}") from error
    if not isinstance(path, str):
        raise ConfigurationError(f"{setting} {shown(given)} is not a path: it stands for {shown(path)}, no string")
    if not path:
        raise ConfigurationError(f"{setting} {shown(given)} is not a path: it is empty")
    if "\0" in path:
        raise ConfigurationError(f"{setting} {shown(given)} is not a path: it holds a zero byte")
    try:
        length = len(os.fsencode(path))
    except UnicodeEncodeError as error:
        wrong = shown(error.object[error.start])
        raise ConfigurationError(
            f"{setting} {shown(given)} is not a path: the file system's names, in {error.encoding}, cannot hold {wrong}"
        ) from error
    if length > LONGEST:
        raise ConfigurationError(
            f"{setting} {shown(given)} is not a path: it has {length} bytes, and there may be {LONGEST}"
        )
    return path


def absolute(given: object, setting: str) -> Path:
    """A path from the root, with the home directory in the place of `~`; links stay, as in the standard library.

    Args:
        given: As for `spelled`.
        setting: What was set to it, for the message of an error.

    Raises:
        ConfigurationError: If it is no path, or is a relative one where the working directory has been removed.
    """
    path = spelled(given, setting)
    try:
        return Path(os.path.abspath(Path(path).expanduser()))  # noqa: PTH100
    except RuntimeError as error:
        raise ConfigurationError(f"{setting} {shown(given)} is not a path: {error}") from error
    except FileNotFoundError as error:
        raise ConfigurationError(
            f"{setting} {shown(given)} leads nowhere: it is relative, and the working directory is gone; "
            "give an absolute path, or change the directory first"
        ) from error
