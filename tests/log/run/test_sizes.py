"""Calls from small to huge: whole up to a stated size, cut with a note beyond it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.log.conftest import Run


@pytest.mark.parametrize("size", [1000, 1023, 1024, 1025, 131_000, 131_072, 140_000, 1_000_000, 4 << 20])
def test_texts_up_to_four_mebibytes_are_whole(either: Run, size: int) -> None:
    log = either.start(ring_size=1 << 20)
    log.info("before")
    log.info("m" * size, field="é" * (size // 2))
    log.info("%s!", "a" * (size - 1))
    log.info("after")
    lines = either.lines()
    assert [line["message"] for line in lines] == ["before", "m" * size, "a" * (size - 1) + "!", "after"]
    assert lines[1]["field"] == "é" * (size // 2)
    assert not any("truncated" in line for line in lines)


def test_a_longer_text_is_cut_between_characters_and_the_line_says_so(either: Run) -> None:
    log = either.start()
    log.info("x" + "é" * (3 << 20), field="y" * (5 << 20))
    log.info("%s", "z" * (5 << 20))
    log.bind(bound="b" * (5 << 20)).info("bound")
    first, second, third = either.lines()
    assert first["message"] == "x" + "é" * ((2 << 20) - 1)
    assert first["field"] == "y" * (4 << 20)
    assert second["message"] == "z" * (4 << 20)
    assert third["bound"] == "b" * (4 << 20)
    assert [line.get("truncated") for line in (first, second, third)] == [True, True, True]


def test_digits_beyond_the_longest_text_are_cut_and_the_line_says_so(either: Run) -> None:
    log = either.start()
    log.info("x", number=1 << (20 << 20))
    line = either.last()
    assert line["number"] == "0x1" + "0" * ((4 << 20) - 3)
    assert line["truncated"] is True


def test_spill_files_go_when_their_records_are_written(run: Run, ring_dir: Path) -> None:
    log = run.start(ring_size=1 << 16)
    for number in range(50):
        log.info("x" * 20_000, number=number)
    assert [line["number"] for line in run.lines()] == list(range(50))
    assert list(ring_dir.rglob("*.spill")) == []
