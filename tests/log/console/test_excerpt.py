"""Short tracebacks: the program's own frames, and everything that was raised."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from undergird.log.console.excerpt import MOST_ERRORS, MOST_FRAMES, Line, excerpt

HERE = Path(__file__)


def raised(by: Callable[[], object]) -> BaseException:
    try:
        by()
    except BaseException as error:
        return error
    raise AssertionError("nothing was raised")


def told(error: BaseException) -> list[str]:
    return ["  " * line.depth + line.text for line in excerpt(error)]


def divide(by: int) -> float:
    return 1 / by


def test_an_error_has_places_code_and_what_it_is() -> None:
    lines = list(excerpt(raised(lambda: divide(0))))
    assert [line.kind for line in lines] == ["place", "code"] * 3 + ["error"]
    assert lines[-3].text.endswith(f":{divide.__code__.co_firstlineno + 1} in divide")
    assert lines[-2] == Line(1, "return 1 / by", "code")
    assert lines[-1] == Line(0, "ZeroDivisionError: division by zero", "error")


def test_frames_of_libraries_are_counted_and_the_last_one_is_shown() -> None:
    lines = told(raised(lambda: json.loads("{")))
    assert "… 2 frames" in lines
    assert "decoder.py" in lines[-3]
    assert lines[-1].startswith("json.decoder.JSONDecodeError: Expecting property name")


def test_of_many_frames_the_innermost_are_shown() -> None:
    def down(depth: int) -> float:
        return down(depth - 1) if depth else divide(0)

    lines = told(raised(lambda: down(100)))
    assert lines[0].startswith("… ")
    assert sum(" in " in line for line in lines) == MOST_FRAMES


def test_causes_come_before_what_they_caused() -> None:
    def step() -> None:
        try:
            divide(0)
        except ZeroDivisionError as error:
            raise RuntimeError("step failed") from error

    lines = told(raised(step))
    cause, link, effect = (
        lines.index(line)
        for line in ("ZeroDivisionError: division by zero", "which caused", "RuntimeError: step failed")
    )
    assert cause + 1 == link < effect == len(lines) - 1


def test_an_error_in_the_handling_of_another_says_so_unless_it_was_told_not_to() -> None:
    def step(quiet: bool) -> None:
        try:
            divide(0)
        except ZeroDivisionError:
            if quiet:
                raise KeyError("x") from None
            raise KeyError("x")  # noqa: B904

    assert "while handling it" in told(raised(lambda: step(False)))
    assert "ZeroDivisionError: division by zero" not in told(raised(lambda: step(True)))


def test_errors_that_go_in_a_circle_end() -> None:
    one, two = ValueError("one"), ValueError("two")
    one.__cause__, two.__cause__ = two, one
    assert told(one) == ["ValueError: two", "which caused", "ValueError: one"]


def test_notes_and_members_of_a_group_are_indented() -> None:
    error = ExceptionGroup("many", [ValueError(str(number)) for number in range(MOST_ERRORS + 2)])
    error.add_note("a note\nof two lines")
    lines = told(error)
    assert lines[:4] == ["ExceptionGroup: many (7 sub-exceptions)", "  a note", "  of two lines", "  ValueError: 0"]
    assert lines[-1] == "  … and 2 more"


def test_a_message_of_two_lines_is_two_lines() -> None:
    assert told(ValueError("one\ntwo")) == ["ValueError: one", "  two"]
