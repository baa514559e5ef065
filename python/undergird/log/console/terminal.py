"""What a terminal makes of a text: how wide it is, whether it may have colours, and what it must not be sent."""

from __future__ import annotations

import os
import re
import sys
import unicodedata
from typing import Any

# Control characters, line ends, those that turn the direction of a text, those that nobody sees, and halves of
# characters: as in the native formats. The joiners U+200C and U+200D are spelling, in Persian, in Hindi and in emoji.
_UNSEEN = "\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff"
_HARMFUL = re.compile(f"[\x00-\x1f{_UNSEEN}]")
_HARMFUL_BUT_LINE_ENDS = re.compile(f"[\x00-\x09\x0b-\x1f{_UNSEEN}]")
_SHORT = {"\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r"}

_INVISIBLE = frozenset(("Mn", "Me", "Cf"))
_JOINER, _AS_EMOJI, _SKINS, _VOWELS = "\u200d", "\ufe0f", ("\U0001f3fb", "\U0001f3ff"), ("\u1160", "\u11ff")

_COLOURING = ("WT_SESSION", "ANSICON", "ConEmuANSI", "TERM_PROGRAM", "TERM")


def harmless(text: str, *, lines: bool = False) -> str:
    r"""The text with escapes for the characters that a terminal would obey, or hide, instead of showing them.

    Args:
        text: Any text.
        lines: Whether line ends stay.

    Example:
        >>> harmless("\x1b[31mred\n")
        '\\u001b[31mred\\n'
    """
    if text.isprintable():
        return text
    return (_HARMFUL_BUT_LINE_ENDS if lines else _HARMFUL).sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    character = found[0]
    return _SHORT.get(character) or f"\\u{ord(character):04x}"


def cells(text: str) -> int:
    """How many columns of a terminal a harmless text takes.

    East Asian characters and emoji take two; combining marks, and what is joined to an emoji, none.

    Example:
        >>> cells("cell"), cells("細胞"), cells("é"), cells("👩‍🔬")
        (4, 4, 1, 2)
    """
    if text.isascii():
        return len(text)
    count, last = 0, ""
    for character in text:
        if character == _AS_EMOJI:
            count += last != _AS_EMOJI and _width(last) == 1
        elif last != _JOINER and not (_SKINS[0] <= character <= _SKINS[1] and _width(last) == 2):
            count += _width(character)
        last = character
    return count


def _width(character: str) -> int:
    if not character or unicodedata.category(character) in _INVISIBLE or _VOWELS[0] <= character <= _VOWELS[1]:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def is_terminal(stream: Any) -> bool:
    """Whether what is written to a stream is looked at in a terminal."""
    try:
        return bool(stream.isatty())
    except Exception:
        return False


def has_colours(stream: Any) -> bool:
    """Whether text for a stream may have colours, asked anew each time.

    `NO_COLOR`, if it is not empty, forbids them (no-color.org); else `FORCE_COLOR`, if it is not empty, asks for them
    (force-color.org); else a terminal has them, unless `TERM` is `dumb`.
    """
    environ = os.environ
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR"):
        return True
    if not is_terminal(stream) or environ.get("TERM") == "dumb":
        return False
    # An old console of Windows shows the codes themselves.
    return sys.platform != "win32" or any(map(environ.get, _COLOURING))


def columns(stream: Any) -> int | None:
    """The width of the terminal at a stream's end, as it is now; `None` if there is none, or it does not say.

    Cost: half a microsecond.
    """
    if not is_terminal(stream):
        return None
    given = os.environ.get("COLUMNS", "")
    try:
        width = int(given) if given.isdecimal() else os.get_terminal_size(stream.fileno()).columns
    except Exception:
        return None
    return width or None
