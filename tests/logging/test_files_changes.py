"""What is done to files of the standard library's handlers, and to their streams, is seen at the next call."""

from __future__ import annotations

import io
import logging as standard
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.logging.conftest import THROUGH_RING, Lines, passed


def goes_through_ring(plain: Lines, text: str = "asked") -> bool:
    """Whether a line goes through the ring now."""
    before = passed(plain.path)
    plain.logger.info(text)
    return passed(plain.path) > before


def expect_through_ring(plain: Lines) -> None:
    assert goes_through_ring(plain) == bool(THROUGH_RING)


def opened(plain: Lines, **how: Any) -> Any:
    return open(plain.handler.baseFilename, "a", **how)  # noqa: PTH123 -- as a handler opens it


def set_other_ends(plain: Lines) -> None:
    plain.handler.setStream(opened(plain, newline="\r\n", encoding="utf-8"))
    assert (plain.stream.name, plain.stream.mode) == (plain.handler.baseFilename, plain.handler.mode)


HOW: dict[str, tuple[Callable[[Lines], object], str, str]] = {
    "reconfigured: ends": (lambda plain: plain.stream.reconfigure(newline="\r\n"), "utf-8", "\r\n"),
    "reconfigured: shorter ends": (lambda plain: plain.stream.reconfigure(newline="\r"), "utf-8", "\r"),
    "reconfigured: encoding": (lambda plain: plain.stream.reconfigure(encoding="latin-1"), "latin-1", "\n"),
    "another stream: ends": (set_other_ends, "utf-8", "\r\n"),
    "another stream: encoding": (
        lambda plain: plain.handler.setStream(opened(plain, encoding="latin-1")),
        "latin-1",
        "\n",
    ),
    "another stream: assigned": (
        lambda plain: setattr(plain.handler, "stream", opened(plain, encoding="utf-16-le")),
        "utf-16-le",
        "\n",
    ),
    "in the dictionary": (
        lambda plain: vars(plain.handler).update(stream=opened(plain, encoding="latin-1")),
        "latin-1",
        "\n",
    ),
}


@pytest.mark.parametrize("how", HOW)
def test_a_stream_that_writes_in_another_way_is_left_to_it(plain: Lines, how: str) -> None:
    change, encoding, end = HOW[how]
    expect_through_ring(plain)
    # Who keeps a stream could go on to change it.
    first = None if how.startswith("reconfigured") else plain.stream
    plain.new()
    before = plain.path.read_bytes()
    change(plain)
    for number in range(4):
        # At first nothing that would tell one encoding from another.
        assert not goes_through_ring(plain, f"{number}{'é' if number > 1 else ''}")
    plain.handler.flush()
    assert plain.path.read_bytes() == before + f"0{end}1{end}2é{end}3é{end}".encode(encoding)
    if first is not None:
        first.close()


@pytest.mark.parametrize("errors", ["strict", "ignore", "backslashreplace", "surrogateescape"])
def test_lines_that_cannot_be_encoded_are_told_of_by_the_stream(plain: Lines, errors: str) -> None:
    told: list[str] = []
    plain.handler.close()
    plain.handler.errors = errors
    plain.handler.handleError = lambda record: told.append(record.getMessage())  # type: ignore[method-assign]
    for text in ("before", "a\ud800b", "after", "again"):
        plain.logger.info(text)
    plain.handler.flush()
    seen = plain.path.read_bytes().split(b"\n")[-(5 if errors != "strict" else 4) : -1]
    kept = [] if errors == "strict" else ["a\ud800b".encode("utf-8", errors)] if errors != "surrogateescape" else []
    if errors in ("strict", "surrogateescape"):
        assert told == ["a\ud800b"]
        assert seen[-3:] == [b"before", b"after", b"again"]
    else:
        assert not told
        assert seen == [b"before", *kept, b"after", b"again"]


def test_a_stream_that_was_closed_is_told_of(plain: Lines) -> None:
    told: list[str] = []
    plain.handler.handleError = lambda record: told.append(record.getMessage())  # type: ignore[method-assign]
    expect_through_ring(plain)
    expect_through_ring(plain)
    plain.new()
    # Nobody is told of who reads dictionaries.
    vars(plain.handler)["stream"].close()
    for number in range(3):
        assert not goes_through_ring(plain, str(number))
    assert told == ["0", "1", "2"]
    del vars(plain.handler)["stream"]
    plain.handler.stream = opened(plain)
    assert plain.new() == []


def test_a_stream_that_is_gone_is_told_of(plain: Lines) -> None:
    told: list[str] = []
    plain.handler.handleError = lambda record: told.append(record.getMessage())  # type: ignore[method-assign]
    expect_through_ring(plain)
    stream = plain.stream
    del plain.handler.stream
    with pytest.raises(AttributeError, match="'FileHandler' object has no attribute 'stream'"):
        assert plain.handler.stream
    with pytest.raises(AttributeError):
        del plain.handler.stream
    plain.handler.stream = stream
    del stream
    assert not goes_through_ring(plain), "it has to be seen what the stream does"
    expect_through_ring(plain)
    assert not told


@pytest.mark.parametrize("how", ["set", "assigned", "made", "late"])
def test_what_another_handler_writes_to_the_file_stands_in_its_order(plain: Lines, how: str) -> None:
    other = standard.Logger("other")
    held: standard.StreamHandler[Any] = standard.StreamHandler(io.StringIO())
    late = standard.FileHandler(plain.path, delay=True)
    for number in range(6):
        plain.logger.info("first %d", number)
        if number == 3:
            match how:
                case "set":
                    held.setStream(opened(plain))
                case "assigned":
                    held.stream = opened(plain)
                case "made":
                    held = standard.StreamHandler(opened(plain))
                case _:
                    held = late
            other.addHandler(held)
        if number >= 3:
            other.warning("second %d", number)
            assert plain.path.read_text().endswith(f"first {number}\nsecond {number}\n")
    if how != "late":
        held.stream.close()
    late.close()
    assert plain.new() == [
        *(f"first {number}" for number in range(3)),
        *(f"{which} {number}" for number in range(3, 6) for which in ("first", "second")),
    ]


@pytest.mark.parametrize("mode", ["w", "a"])
def test_two_files_that_are_one_are_written_at_once(plain: Lines, mode: str, tmp_path: Path) -> None:
    expect_through_ring(plain)
    plain.new()
    link = tmp_path / "link.log"
    link.hardlink_to(plain.path)
    # Opened to append: what "w" would do to the file it does when it is opened.
    second = standard.FileHandler(link, mode if mode == "a" else "a")
    second.mode = mode
    second.setFormatter(standard.Formatter("second %(message)s"))
    plain.logger.addHandler(second)
    before = passed(plain.path), passed(link)
    for number in range(3):
        plain.logger.info("%d", number)
        assert plain.path.read_text().endswith(f"{number}\nsecond {number}\n")
    assert (passed(plain.path), passed(link)) == before
    plain.logger.removeHandler(second)
    second.close()
    plain.logger.info("x")
    expect_through_ring(plain)


def test_lines_for_a_console_too_are_written_to_both_at_once(plain: Lines) -> None:
    expect_through_ring(plain)
    console = standard.StreamHandler(io.StringIO())
    console.setLevel(standard.WARNING)
    plain.logger.addHandler(console)
    before = passed(plain.path)
    plain.logger.info("for the file alone")
    assert passed(plain.path) == before + THROUGH_RING
    for number in range(3):
        plain.logger.warning("%d", number)
        assert plain.path.read_text().endswith(f"{number}\n")
        assert console.stream.getvalue().endswith(f"{number}\n")
    assert passed(plain.path) == before + THROUGH_RING
    assert plain.new()[-4:] == ["for the file alone", "0", "1", "2"]


def test_more_files_than_a_ring_takes_are_written_at_once(plain: Lines, tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.log" for number in range(20)]
    loggers = []
    for path in paths:
        logger = plain.logger.getChild(path.stem)
        logger.propagate = False
        logger.addHandler(standard.FileHandler(path))
        loggers.append(logger)
    for number in range(6):
        for logger in loggers:
            logger.info("%d", number)
    ring = [path for path in paths if passed(path)]
    assert ring == (paths[:15] if THROUGH_RING else []), "one is the file of the test itself"
    for path in paths[15:]:
        assert path.read_text() == "0\n1\n2\n3\n4\n5\n", "in the file already"
    for logger, path in zip(loggers, paths, strict=True):
        logger.handlers[0].close()
        assert path.read_text() == "0\n1\n2\n3\n4\n5\n"
        del logger.manager.loggerDict[logger.name]


def test_a_handler_that_opens_late(plain: Lines, tmp_path: Path) -> None:
    path = tmp_path / "late.log"
    plain.logger.removeHandler(plain.handler)
    late = standard.FileHandler(path, delay=True)
    plain.logger.addHandler(late)
    assert not path.exists()
    for number in range(5):
        plain.logger.info("%d", number)
        assert path.exists()
    assert (passed(path) >= 3) == bool(THROUGH_RING)
    late.close()
    assert path.read_text() == "0\n1\n2\n3\n4\n"


def test_a_handler_that_says_it_is_elsewhere_writes_where_it_was_until_it_opens_anew(
    plain: Lines, tmp_path: Path
) -> None:
    expect_through_ring(plain)
    plain.new()
    plain.handler.baseFilename = str(tmp_path / "elsewhere.log")
    for number in range(2):
        assert not goes_through_ring(plain, str(number))
    assert plain.new() == ["0", "1"]
    plain.handler.close()
    for number in range(3):
        plain.logger.info("%d", number)
    plain.handler.flush()
    assert (tmp_path / "elsewhere.log").read_text() == "0\n1\n2\n"
    assert plain.new() == []


@pytest.mark.parametrize("mode", ["a", "w"])
def test_a_file_that_was_cut_is_written_on_where_the_handler_is(plain: Lines, mode: str, tmp_path: Path) -> None:
    path = tmp_path / "cut.log"
    plain.logger.removeHandler(plain.handler)
    handler = standard.FileHandler(path, mode)
    plain.logger.addHandler(handler)
    for number in range(4):
        plain.logger.info("%d", number)
    handler.flush()
    os.truncate(path, 0)
    for number in range(4):
        plain.logger.info("%d", number)
    handler.flush()
    assert path.read_bytes() == (b"" if mode == "a" else 8 * b"\0") + b"0\n1\n2\n3\n"
    handler.close()
