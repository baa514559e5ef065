"""Lines for the standard library's file handlers go through the ring, and are where they belong when somebody looks."""

from __future__ import annotations

import gc
import logging as standard
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from tests.logging.conftest import TELLS, THROUGH_RING, Lines, passed, theirs

import undergird
from undergird.logging import install


def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def wait_for(path: Path, line: str) -> None:
    """Waits until a line is in a file without anybody's asking for it."""
    end = time.monotonic() + 30
    while line not in text(path):
        assert time.monotonic() < end
        time.sleep(0.001)


def test_lines_are_in_the_file_soon_without_being_asked_for(plain: Lines) -> None:
    before = passed(plain.path)
    plain.logger.info("moved %d of %s", 3, "é")
    assert passed(plain.path) == before + THROUGH_RING
    wait_for(plain.path, "moved 3 of é\n")


@pytest.mark.parametrize("ask", ["flush", "stream", "close", "setStream", "undergird.flush", "logging.shutdown"])
def test_who_asks_finds_all_lines_in_the_file(plain: Lines, ask: str, tmp_path: Path) -> None:
    for number in range(1000):
        plain.logger.info("%d", number)
    match ask:
        case "flush":
            plain.handler.flush()
        case "stream":
            assert plain.handler.stream
        case "close":
            plain.handler.close()
        case "setStream":
            before = plain.handler.setStream((tmp_path / "other.log").open("a"))
            assert before is not None
            before.close()
        case "undergird.flush":
            undergird.flush()
        case _:
            standard.shutdown([lambda: plain.handler])
    assert text(plain.path).split()[-1000:] == [str(number) for number in range(1000)]


def test_lines_of_either_way_stand_in_their_order(plain: Lines) -> None:
    for number in range(300):
        match number % 3:
            case 0:
                plain.logger.info("%d", number)
            case 1:
                theirs(plain.logger, "info", "%d", number)
            case _:
                plain.logger.info("%d", number, extra={"a": 1})
    assert plain.new() == [str(number) for number in range(300)]


@pytest.mark.parametrize("found", ["attribute", "dictionary"])
def test_what_others_write_to_the_stream_stands_in_its_order(plain: Lines, found: str) -> None:
    stream = plain.stream if found == "attribute" else vars(plain.handler)["stream"]
    for number in range(100):
        plain.logger.info("%d", 2 * number)
        stream.write(f"{2 * number + 1}\n")
    del stream
    plain.logger.info("last")
    before = passed(plain.path)
    plain.logger.info("through the ring again")
    assert passed(plain.path) == before + THROUGH_RING
    assert plain.new() == [*map(str, range(200)), "last", "through the ring again"]


def test_what_a_patched_stream_does_is_done(plain: Lines) -> None:
    seen: list[str] = []
    plain.stream.write = seen.append
    for _ in range(3):
        plain.logger.info("x")
    assert seen == 3 * ["x\n"]


def test_threads_that_log_either_way_keep_their_order(plain: Lines) -> None:
    def log(name: str) -> None:
        for number in range(300):
            options: dict[str, Any] = {"extra": {"a": 1}} if number % 7 == 0 else {}
            plain.logger.info("%s %d", name, number, **options)

    threads = [threading.Thread(target=log, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = plain.new()
    for name in "abc":
        assert [line for line in found if line[0] == name] == [f"{name} {number}" for number in range(300)]


@pytest.mark.parametrize("mode", ["w", "x", "a"])
def test_files_are_written_in_the_handlers_mode(plain: Lines, mode: str, tmp_path: Path) -> None:
    path = tmp_path / "mode.log"
    if mode != "x":
        path.write_text("what was there\n")
    plain.logger.removeHandler(plain.handler)
    handler = standard.FileHandler(path, mode)
    plain.logger.addHandler(handler)
    for number in range(50):
        options: dict[str, Any] = {"extra": {"a": 1}} if number % 9 == 0 else {}
        plain.logger.info("%d", number, **options)
    assert (passed(path) > 30) == TELLS
    handler.close()
    kept = ["what was there"] if mode == "a" else []
    assert text(path).splitlines() == [*kept, *map(str, range(50))]


def test_a_file_that_was_moved_is_written_where_it_is(plain: Lines, tmp_path: Path) -> None:
    moved = tmp_path / "moved.log"
    plain.path.rename(moved)
    plain.logger.info("after")
    plain.handler.flush()
    assert text(moved).endswith("after\n")
    assert not plain.path.exists()


def test_a_file_that_was_deleted_is_written_to_still(plain: Lines) -> None:
    with plain.path.open() as open_still:
        plain.path.unlink()
        plain.logger.info("after")
        plain.handler.flush()
        assert open_still.read().endswith("after\n")
    assert not plain.path.exists()


def test_nothing_is_made_beside_the_file(plain: Lines, tmp_path: Path) -> None:
    plain.logger.info("x")
    plain.handler.flush()
    assert [each.name for each in tmp_path.iterdir()] == ["app.log"]


@pytest.mark.parametrize("other", ["FileHandler", "StreamHandler", "stdout"])
def test_a_file_that_others_write_to_is_written_at_once(
    plain: Lines, other: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = passed(plain.path)
    plain.logger.info("x")
    assert passed(plain.path) == before + THROUGH_RING
    with plain.path.open("a") as stream:
        if other == "FileHandler":
            held: standard.Handler = standard.FileHandler(plain.path)
        elif other == "StreamHandler":
            held = standard.StreamHandler(stream)
        else:
            monkeypatch.setattr(sys, "stdout", stream)
            held = standard.NullHandler()
        for number in range(3):
            plain.logger.info("%d", number)
            assert text(plain.path).endswith(f"{number}\n")
        held.close()
        monkeypatch.undo()
    assert passed(plain.path) == before + THROUGH_RING


def test_two_handlers_on_one_file_write_in_their_order(plain: Lines) -> None:
    plain.logger.info("x")
    second = standard.FileHandler(plain.path)
    second.setFormatter(standard.Formatter("second %(message)s"))
    plain.logger.addHandler(second)
    for number in range(3):
        plain.logger.info("%d", number)
    second.close()
    assert plain.new() == ["x", *(line for number in range(3) for line in (f"{number}", f"second {number}"))]


def test_another_handler_on_the_file_does_not_overtake_the_first(plain: Lines) -> None:
    other = standard.Logger("other")
    for number in range(20):
        plain.logger.info("first %d", number)
        second = standard.FileHandler(plain.path)
        other.addHandler(second)
        other.warning("second %d", number)
        other.removeHandler(second)
        second.close()
    assert plain.new() == [f"{which} {number}" for number in range(20) for which in ("first", "second")]


def test_many_files_are_all_written(plain: Lines, tmp_path: Path) -> None:
    for number in range(40):
        handler = standard.FileHandler(tmp_path / f"{number}.log")
        plain.logger.addHandler(handler)
        for _ in range(3):
            plain.logger.info("%d", number)
        plain.logger.removeHandler(handler)
        handler.close()
        assert text(tmp_path / f"{number}.log") == 3 * f"{number}\n"


def test_two_files_have_their_lines_each(plain: Lines, tmp_path: Path) -> None:
    second = standard.FileHandler(tmp_path / "second.log")
    second.setLevel(standard.ERROR)
    second.setFormatter(standard.Formatter("%(levelname)s %(message)s"))
    plain.logger.addHandler(second)
    for number in range(5):
        plain.logger.info("%d", number)
        plain.logger.error("%d", number)
    assert (passed(tmp_path / "second.log") >= 3) == TELLS
    second.close()
    assert text(tmp_path / "second.log").splitlines() == [f"ERROR {number}" for number in range(5)]
    assert plain.new() == [str(number) for number in range(5) for _ in range(2)]


def descriptors(path: Path) -> int:
    """How often this process has a file open."""
    return [os.path.realpath(each) for each in Path("/proc/self/fd").iterdir()].count(str(path))


@pytest.mark.parametrize("how", ["close", "drop"])
def test_nothing_is_held_of_a_handler_that_is_gone(plain: Lines, how: str, tmp_path: Path) -> None:
    path = tmp_path / "short.log"
    handler = standard.FileHandler(path)
    plain.logger.addHandler(handler)
    for number in range(5):
        plain.logger.info("%d", number)
    assert (passed(path) >= 3) == TELLS
    assert descriptors(path) == 1 + THROUGH_RING
    plain.logger.removeHandler(handler)
    if how == "close":
        handler.close()
    else:
        stream = handler.stream
        assert stream is not None
        del handler
        plain.logger.info("what is known of a logger is known anew")
        gc.collect()
        stream.close()
    assert descriptors(path) == 0
    assert text(path).splitlines() == [str(number) for number in range(5)]


def test_a_handler_that_was_closed_begins_anew(plain: Lines) -> None:
    for number in range(20):
        plain.logger.info("%d", number)
        if number % 5 == 4:
            plain.handler.close()
    assert plain.new() == [str(number) for number in range(20)]


def test_sync_for_one_handler(plain: Lines) -> None:
    vars(plain.handler)["sync"] = True
    before = passed(plain.path)
    for number in range(3):
        plain.logger.info("%d", number)
        assert text(plain.path).endswith(f"{number}\n")
    assert passed(plain.path) == before
    del plain.handler.sync  # type: ignore[attr-defined]
    plain.logger.info("x")
    assert passed(plain.path) == before + THROUGH_RING


def test_sync_for_all_handlers(plain: Lines) -> None:
    plain.logger.info("before")
    before = passed(plain.path)
    install(sync=True)
    for number in range(3):
        plain.logger.info("%d", number)
        assert text(plain.path).endswith(f"{number}\n")
    assert passed(plain.path) == before
    install()
    plain.logger.info("x")
    plain.logger.info("y")
    assert passed(plain.path) >= before + THROUGH_RING


def test_another_run_goes_on_where_the_first_ended(plain: Lines, tmp_path: Path) -> None:
    level, handlers = standard.root.level, list(standard.root.handlers)
    plain.logger.info("first")
    undergird.configure(tmp_path / "run.log")
    plain.logger.info("second")
    plain.logger.info("third")
    standard.root.setLevel(level)
    for handler in [each for each in standard.root.handlers if each not in handlers]:
        standard.root.removeHandler(handler)
    assert plain.new() == ["first", "second", "third"]


def test_lines_that_do_not_fit_into_a_ring(plain: Lines) -> None:
    long = 3_000_000 * "é"
    for _ in range(3):
        plain.logger.info("short")
        plain.logger.info(long)
    assert plain.new() == 3 * ["short", long]


def test_more_lines_than_a_ring_holds(plain: Lines) -> None:
    many, line = 60_000, 100 * "x"
    for number in range(many):
        plain.logger.info("%d %s", number, line)
    assert plain.new() == [f"{number} {line}" for number in range(many)]


def test_a_forked_child_and_its_parent_write_their_lines_once(plain: Lines) -> None:
    children = []
    for name in "ab":
        plain.logger.info("parent before %s", name)
        if (child := os.fork()) == 0:
            for number in range(200):
                plain.logger.info("%s %d", name, number)
            plain.handler.flush()
            os._exit(0)
        children.append(child)
        plain.logger.info("parent after %s", name)
    for child in children:
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    found = plain.new()
    for name in "ab":
        assert [line for line in found if line.startswith(name)] == [f"{name} {number}" for number in range(200)]
    of_parent = [line for line in found if line.startswith("parent")]
    assert of_parent == [f"parent {when} {name}" for name in "ab" for when in ("before", "after")]


def test_a_child_that_ends_at_once_loses_nothing(plain: Lines) -> None:
    if (child := os.fork()) == 0:
        for number in range(100):
            plain.logger.info("child %d", number)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    wait_for(plain.path, "child 99\n")
    assert plain.new() == [f"child {number}" for number in range(100)]
