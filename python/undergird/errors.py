"""The errors of undergird, each also an instance of the builtin that a caller would catch.

UndergirdError
├── ConfigurationError (ValueError)    a setting with a value that cannot be
└── LogFileError (OSError)             a log that cannot be opened
"""

from __future__ import annotations

LONGEST = 200
"""Characters of a value that a message shows."""


def shown(value: object) -> str:
    """How a message names a value: as `repr` does, but in bounds, and whatever the value is.

    Example:
        >>> shown("run.log"), shown(10**5000)
        ("'run.log'", '<an integer of 16610 bits>')
    """
    try:
        text = repr(value)
    except Exception:
        # Integers beyond the interpreter's limit have no digits; others' methods may do anything.
        if type(value) is int:
            return f"<an integer of {value.bit_length()} bits>"
        return f"<an object of {type(value).__name__[:LONGEST]}>"
    return shortened(text)


def shortened(text: str) -> str:
    """A text as a message has it: of a long one the beginning and the end, with how long it is.

    Example:
        >>> len(shortened("x" * 10**6)) < 250
        True
    """
    if len(text) <= LONGEST:
        return text
    return f"{text[: LONGEST * 3 // 4]}…{text[-LONGEST // 4 :]} ({len(text)} characters)"


class UndergirdError(Exception):
    """Any error that undergird raises by itself."""


class ConfigurationError(UndergirdError, ValueError):
    """A setting has a value that cannot be; the message names it and what could be."""


class LogFileError(UndergirdError, OSError):
    """A log file cannot be opened; the message names it and what would help."""
