"""Records as they look in a terminal; tests/log/console/pretty/ has what they should look like (`REPAINT=1` writes it anew)."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from undergird.log.console.excerpt import Line
from undergird.log.console.pretty import LONGEST_VALUE, Entry, Page, shown, spelled
from undergird.log.console.terminal import cells

GOLDEN = Path(__file__).parent / "pretty"
TRACEBACK = [
    Line(0, "sim/cells.py:17 in Grid.step", "place"),
    Line(1, "return self.energy / neighbours", "code"),
    Line(0, "ZeroDivisionError: division by zero", "error"),
    Line(1, "at step 3", "note"),
    Line(0, "which caused", "note"),
    Line(0, "… 2 frames", "note"),
    Line(0, "sim/run.py:8 in main", "place"),
    Line(1, 'raise RuntimeError("step failed") from error', "code"),
    Line(0, "RuntimeError: step failed", "error"),
]
ENTRIES = [
    Entry(0.25, 10, "DEBUG", "sim", "grid ready", {"shape": [64, 64], "seed": None}),
    Entry(1.5, 20, "INFO", "sim.cells", "agent moved", {"agent_id": 7, "x": 0.5, "state": "exploring"}),
    Entry(2.0, 25, "EMERGENCE", "sim.cells", "細胞 have sorted 👩\u200d🔬", {"größe": "two words", "quality": 0.875}),
    Entry(3.0, 30, "WARNING", "sim.cells", "step 3 of 100 is slow", {"seconds": 1.5}, "cells.py:40"),
    Entry(
        4.0,
        20,
        "INFO",
        "sim.io",
        "a message that goes on for longer than most terminals are wide, with \x1b[31mno colour of its own",
        {"query": "SELECT id, state FROM agents WHERE state = 'stem'", "rows": 12, "cached": False},
    ),
    Entry(5.0, 20, "INFO", "sim.cells.engine.physics.collisions", "two lines:\nthis is the second", {"n": 1}),
    Entry(6.0, 40, "ERROR", "sim.cells", "step failed", {"step": 3, "config": {"agents": [1, 2]}}, "", TRACEBACK),
    Entry(7.0, 50, "CRITICAL", "sim", "giving up", {}),
]


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


def picture(columns: int | None, coloured: bool) -> str:
    return "".join(spelled(entry, Page(columns, coloured, 35, 9)) + "\n" for entry in ENTRIES)


@pytest.mark.parametrize("coloured", [False, True], ids=["plain", "coloured"])
@pytest.mark.parametrize("columns", [40, 80, 200, None])
def test_records_look_as_they_did(columns: int | None, coloured: bool) -> None:
    path = GOLDEN / f"{columns or 'file'}{'-coloured' * coloured}.txt"
    made = picture(columns, coloured)
    if os.environ.get("REPAINT") == "1":
        path.parent.mkdir(exist_ok=True)
        path.write_text(made)
    assert made == path.read_text()


@pytest.mark.parametrize("columns", [20, 40, 63, 64, 80, 120, 200])
def test_a_line_is_wider_than_the_terminal_only_where_one_word_is(columns: int) -> None:
    for line in picture(columns, False).splitlines():
        assert cells(line) <= columns or len(line.split()) == 1 or "query=" in line or line.startswith("  "), line


@given(
    st.text(st.characters(exclude_categories=())),
    st.dictionaries(st.text(), st.text(st.characters(exclude_categories=())) | st.integers() | st.floats(), max_size=3),
    st.integers(0, 60),
    st.none() | st.integers(1, 120),
)
def test_any_record_in_any_width_is_shown_whole(
    message: str, fields: dict[str, object], level: int, columns: int | None
) -> None:
    entry = Entry(0.0, level, message[:5], message, message, fields, message, [Line(0, message, "error")])
    plain, coloured = (spelled(entry, Page(columns, wish, 8)) for wish in (False, True))
    plain.encode()
    assert not re.search(
        "[\x00-\x09\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]",
        plain,
    )
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain
    for key, value in fields.items():
        if isinstance(value, int | float):
            assert f"={value!r}" in plain, key


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "None"),
        (True, "True"),
        (7, "7"),
        (0.1, "0.1"),
        (float("nan"), "nan"),
        ("", '""'),
        ("word", "word"),
        ("a=b", '"a=b"'),
        ('say "hi"', r'"say \"hi\""'),
        ("tab\tnul\0", r'"tab\tnul\u0000"'),
        ("größe", "größe"),
        ([1, "a"], '[1,"a"]'),
        ({"a": None}, '{"a":null}'),
        (1 + 2j, "(1+2j)"),
        ("x" * (LONGEST_VALUE + 1), "x" * LONGEST_VALUE + "… (1,001 characters)"),
    ],
    ids=str,
)
def test_a_value_is_a_word_or_in_quotes(value: object, text: str) -> None:
    assert shown(value) == text


def test_an_integer_of_any_size_is_shown() -> None:
    assert shown(10**5000).endswith("… (5,001 digits)")
