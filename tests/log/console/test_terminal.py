"""Widths, colours and what a terminal must not be sent."""

from __future__ import annotations

import fcntl
import io
import os
import struct
import sys
import termios
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from undergird.log.console.terminal import cells, columns, harmless, has_colours


class Screen(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


TURNING = frozenset(("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"))


@pytest.fixture(autouse=True)
def _no_wishes(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "TERM"):
        monkeypatch.delenv(name, raising=False)


@given(st.text(st.characters(exclude_categories=())))
def test_what_is_harmless_holds_nothing_that_acts(text: str) -> None:
    for shown in (harmless(text), harmless(text, lines=True).replace("\n", "")):
        shown.encode()
        assert not any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in shown)
        assert not any(unicodedata.bidirectional(character) in TURNING for character in shown)


@pytest.mark.parametrize("character", "\u00ad\u061c\u180e\u200b\u200e\u200f\u202e\u2060\u2064\u2066\u206f\ufeff\ufff9")
def test_what_nobody_would_see_is_shown(character: str) -> None:
    assert harmless(f"pass{character}word") == f"pass\\u{ord(character):04x}word"


@pytest.mark.parametrize(
    "text",
    ["größe", "細胞", "👩\u200d🔬", "🏳\ufe0f\u200d🌈", "می\u200cشود", "क्\u200dष", "a\u00a0b", "العربية", "two words"],
)
def test_what_is_shown_stays_as_it_is(text: str) -> None:
    assert harmless(text) == text


@pytest.mark.parametrize(
    ("text", "width"),
    [
        ("", 0),
        ("cell", 4),
        ("größe", 5),
        ("gro\u0308ße", 5),
        ("細胞", 4),
        ("ｱ", 1),
        ("\uff21", 2),
        ("한국", 4),
        ("\u1112\u1161\u11ab", 2),
        ("🙂", 2),
        ("👩\u200d🔬", 2),
        ("👍🏽", 2),
        ("❤\ufe0f", 2),
        ("a\u200bb", 2),
    ],
)
def test_a_text_is_as_wide_as_it_looks(text: str, width: int) -> None:
    assert cells(text) == width


@pytest.mark.parametrize(
    ("environment", "on_screen", "elsewhere"),
    [
        ({}, True, False),
        ({"TERM": "xterm"}, True, False),
        ({"TERM": "dumb"}, False, False),
        ({"NO_COLOR": "1"}, False, False),
        ({"NO_COLOR": "0"}, False, False),
        ({"NO_COLOR": ""}, True, False),
        ({"FORCE_COLOR": "1"}, True, True),
        ({"FORCE_COLOR": ""}, True, False),
        ({"FORCE_COLOR": "1", "TERM": "dumb"}, True, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False, False),
    ],
)
def test_colours_are_for_who_wants_them(
    environment: dict[str, str], on_screen: bool, elsewhere: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert has_colours(Screen()) is on_screen
    assert has_colours(io.StringIO()) is elsewhere


def test_an_old_console_of_windows_gets_no_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    for name in ("WT_SESSION", "ANSICON", "ConEmuANSI", "TERM_PROGRAM"):
        monkeypatch.delenv(name, raising=False)
    assert not has_colours(Screen())
    monkeypatch.setenv("WT_SESSION", "1")
    assert has_colours(Screen())


def test_only_a_terminal_has_a_width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "57")
    assert columns(Screen()) == 57
    assert columns(io.StringIO()) is None
    closed = io.StringIO()
    closed.close()
    assert columns(closed) is None
    monkeypatch.setenv("COLUMNS", "wide")
    assert columns(Screen()) is None


def test_the_width_is_that_of_the_moment() -> None:
    owner, end = os.openpty()
    with open(owner, "rb", buffering=0), open(end, "w") as screen:  # noqa: PTH123
        for width in (80, 40):
            fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
            assert columns(screen) == width
        fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", 0, 0, 0, 0))
        assert columns(screen) is None
