"""The errors of undergird, each also an instance of the builtin that a caller would catch.

UndergirdError
├── ConfigurationError (ValueError)    a setting with a value that cannot be
└── LogFileError (OSError)             a log that cannot be opened
"""

from __future__ import annotations


class UndergirdError(Exception):
    """Any error that undergird raises by itself."""


class ConfigurationError(UndergirdError, ValueError):
    """A setting has a value that cannot be; the message names it and what could be."""


class LogFileError(UndergirdError, OSError):
    """A log file cannot be opened; the message names it and what would help."""
