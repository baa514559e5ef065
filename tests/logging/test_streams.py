"""What handlers of the standard library write to streams is written natively: the same bytes, at the same time."""

from __future__ import annotations

import io
import logging as standard
import os
import sys
import threading
import time
from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.conftest import DEEP
from tests.logging.conftest import FORMAT, TELLS, Lines, Program, is_native, native, reason, theirs

PATTERNS = st.lists(
    st.sampled_from(
        [
            "%(asctime)s",
            "%(message)s",
            "%(name)s",
            "%(name)-12s|",
            "%(levelname)8s",
            "%(levelname)-5.3s",
            "%(levelno)03d",
            "%(levelno)s",
            "%(process)d",
            "%(msecs)03d",
            "%%",
            " é ",
            "\n",
            "%(message)10s",
            "%(lineno)d",
            "%(threadName)s",
            "%(created)f",
            "%(asctime)-30s",
            "%(levelno)x",
        ]
    ),
    min_size=1,
    max_size=5,
).map("".join)
DATES = st.sampled_from([None, "", "%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z", "%d.%m.%y %%", "%a %b %d", "%c", "é %H", "%j %Z"])
MESSAGES = st.sampled_from(
    [
        ("plain",),
        ("",),
        ("%d of %s", 3, "é"),
        ("%5.2f%%", 1.25),
        ("100%",),
        ("two\nlines",),
        ("%r", "é"),
        ("%s", None),
        ("%(a)s", {"a": 1}),
        ("%s", [1, 2]),
        ("%d", 10**30),
        (42,),
        ("%s %s", True, b"x"),
        ("\ud800",),
    ]
)


@given(pattern=PATTERNS, date=DATES, messages=st.lists(MESSAGES, min_size=1, max_size=3), utc=st.booleans())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=2000 if DEEP else 60, deadline=None)
def test_any_line_is_the_standard_librarys(
    lines: Lines, pattern: str, date: str | None, messages: list[tuple[Any, ...]], utc: bool
) -> None:
    formatter = standard.Formatter(pattern, date, validate=False)
    if utc:
        formatter.converter = time.gmtime
    lines.handler.setFormatter(formatter)
    with mock.patch.object(standard, "raiseExceptions", False):
        for message in messages:
            lines.compare(*message)
            lines.compare(*message, method="error")


@pytest.mark.parametrize(
    ("pattern", "date"),
    [
        (FORMAT, None),
        (standard.BASIC_FORMAT, None),
        ("%(message)s", None),
        ("%(asctime)s.%(msecs)03d %(levelname)s [%(process)d] %(name)s %(message)s", "%Y-%m-%dT%H:%M:%S"),
        ("%(levelno)s %%", None),
    ],
)
@pytest.mark.parametrize("method", ["info", "warning", "error", "critical"])
def test_usual_formats_are_native(lines: Lines, pattern: str, date: str | None, method: str) -> None:
    lines.handler.setFormatter(standard.Formatter(pattern, date))
    assert is_native(lambda: getattr(lines.logger, method)("moved %d of %s", 3, "é")) == TELLS
    lines.new()
    lines.compare("moved %d of %s", 3, "é", method=method)


def test_a_line_has_the_time_of_its_call(lines: Lines) -> None:
    lines.settle()

    def now() -> str:
        assert lines.formatter is not None
        record = standard.LogRecord("", 0, "", 0, "", (), None)
        return lines.formatter.formatTime(record)

    end = time.monotonic() + 1.2  # the second changes in between
    while time.monotonic() < end:
        before = now()
        lines.logger.info("x")
        [line] = lines.new()
        assert before <= line[: len(before)] <= now()


def test_all_handlers_of_the_way_write_in_their_order(lines: Lines) -> None:
    parent = standard.getLogger("tests.streams")
    stream = io.StringIO()
    first, above = standard.StreamHandler(stream), standard.StreamHandler(stream)
    above.setFormatter(standard.Formatter("above %(message)s"))
    above.setLevel(standard.ERROR)
    lines.logger.addHandler(first)
    parent.addHandler(above)
    parent.propagate, lines.logger.propagate = False, True
    try:
        lines.settle()
        stream.seek(0), stream.truncate()
        lines.logger.info("x")
        lines.logger.error("y")
        assert stream.getvalue() == "x\ny\nabove y\n"
        assert [line[-1] for line in lines.new()] == ["x", "y"]
    finally:
        parent.removeHandler(above)
        parent.propagate = True


def test_what_changes_while_a_handler_writes_acts_at_once(lines: Lines) -> None:
    last = io.StringIO()
    second, third = standard.StreamHandler(io.StringIO()), standard.StreamHandler(last)
    lines.logger.addHandler(second)
    lines.logger.addHandler(third)
    written = []
    for call in (lines.logger.info, lambda *args: theirs(lines.logger, "info", *args)):
        second.setLevel(standard.INFO)
        third.setFormatter(None)
        lines.settle()
        last.seek(0), last.truncate()
        stream = lines.stream
        write = stream.write

        def change(text: str, write: Callable[[str], int] = write) -> int:
            second.setLevel(standard.ERROR)
            third.setFormatter(standard.Formatter("brace {message}", style="{"))
            return write(text)

        stream.write = change
        call("during")
        del stream.write
        written.append((second.stream.getvalue()[-7:], last.getvalue(), len(lines.new())))
    assert written[0] == written[1]


def test_a_stream_that_logs_logs(lines: Lines) -> None:
    lines.settle()
    stream, write = lines.stream, lines.stream.write

    def logs(text: str) -> int:
        if "outer" in text:
            lines.logger.info("inner")
        return int(write(text))

    stream.write = logs
    lines.logger.info("outer")
    assert [line[-5:] for line in lines.new()] == ["inner", "outer"]


def test_an_interrupt_while_writing_is_not_swallowed_and_the_lock_is_free(lines: Lines) -> None:
    lines.settle()
    lines.stream.write = mock.Mock(side_effect=KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        lines.logger.info("x")
    del lines.stream.write
    thread = threading.Thread(target=lines.logger.info, args=("after",))
    thread.start()
    thread.join(10)
    assert [line[-5:] for line in lines.new()] == ["after"]


def test_lines_of_many_threads_are_whole_and_all_there(lines: Lines) -> None:
    def log(number: int) -> None:
        for at in range(300):
            lines.logger.info("thread %d line %d %s", number, at, "x" * (at % 40))

    threads = [threading.Thread(target=log, args=(number,)) for number in range(4)]
    lines.settle()
    for thread in threads:
        thread.start()
    for _ in range(50):
        lines.handler.setFormatter(standard.Formatter("%(message)s"))
    for thread in threads:
        thread.join()
    found = [line[line.index("thread ") :] for line in lines.new()]
    expected = [f"thread {number} line {at} {'x' * (at % 40)}" for number in range(4) for at in range(300)]
    assert sorted(found) == sorted(expected)


@pytest.mark.parametrize(
    ("formatter", "expected"),
    [
        (standard.Formatter("{message}", style="{"), "format"),
        (standard.Formatter("%(asctime)s", "%a"), "format"),
        (standard.Formatter("%(lineno)d"), "format"),
        (type("Own", (standard.Formatter,), {})("%(message)s"), "format"),
    ],
)
def test_formats_that_are_not_native_say_so(lines: Lines, formatter: standard.Formatter, expected: str) -> None:
    lines.handler.setFormatter(formatter)
    assert reason(lambda: lines.logger.info("x")) == (expected if TELLS else "unwatched")


def test_streams_that_run_code_of_the_programs_are_not_native(lines: Lines) -> None:
    class Own(io.StringIO):
        pass

    lines.logger.handlers[:] = [standard.StreamHandler(Own())]
    assert reason(lambda: lines.logger.info("x")) == ("stream" if TELLS else "unwatched")


def test_arguments_that_run_code_of_the_programs_are_not_native(lines: Lines) -> None:
    lines.settle()
    for args in (("%s", [1]), ("%d", "x"), (b"x",)):
        with mock.patch.object(standard, "raiseExceptions", False):
            assert reason(lambda args=args: lines.logger.info(*args)) == ("argument" if TELLS else "unwatched")  # type: ignore[misc]


def test_a_forked_child_writes_its_own_number(lines: Lines) -> None:
    lines.handler.setFormatter(standard.Formatter("%(process)d"))
    lines.settle()
    if (child := os.fork()) == 0:
        lines.logger.info("x")
        lines.handler.flush()
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    lines.logger.info("x")
    assert lines.new() == [str(child), str(os.getpid())]


def test_a_pattern_does_without_the_process_where_records_do(lines: Lines) -> None:
    lines.handler.setFormatter(standard.Formatter("%(process)s"))
    lines.settle()
    with mock.patch.object(standard, "logProcesses", False):
        lines.logger.info("x")
    with mock.patch.object(os, "getpid", return_value=7):
        lines.logger.info("x")
    assert lines.new() == ["None", "7"]


ERRORS = {
    "closed": "handler.stream.close()",
    "full": "handler.setStream(open('/dev/full', 'w'))",
    "encoding": "handler.setStream(open('ascii.log', 'w', encoding='ascii'))",
    "patched": "handler.stream.write = lambda text: 1 // 0",
    "told": "handler.handleError = lambda record: print(sorted(k for k in vars(record)), record.funcName, record.args)",
    "silent": "logging.raiseExceptions = False",
    "pipe": "import os; r, w = os.pipe(); os.close(r); handler.setStream(open(w, 'w'))",
}


@pytest.mark.parametrize("error", ERRORS)
def test_what_goes_wrong_is_told_of_as_the_standard_library_tells_of_it(program: Program, error: str) -> None:
    shown = program(f"""
        handler = logging.FileHandler("app.log", "w")
        log = logging.getLogger("sim")
        log.addHandler(handler)
        for n in range(3):
            log.error("before %d", n)
        if {error in ("told", "silent")}:
            handler.stream.close()
        {ERRORS[error]}
        def function():
            log.error("é %d", 1)
            log.error("%s é", "twice")
        function()
        try:
            1 / 0
        except ZeroDivisionError:
            function()
        logging.raiseExceptions = False
        print(open("app.log").read())
        """)
    assert ("Logging error" in shown) == (error not in ("told", "silent"))


def test_calls_are_native_without_any_run(program: Program) -> None:
    program("""
        import sys
        logging.basicConfig(filename="app.log", filemode="w", level="INFO", format="%(levelname)s %(name)s %(message)s")
        for n in range(3):
            logging.getLogger("sim").info("number %d", n)
        logging.shutdown()
        print(open("app.log").read())
        if "undergird" in sys.modules:
            from undergird import _core
            count = _core.logging_calls()["native"]
            assert count == (3 if sys.version_info >= (3, 12) else 0), count
        """)


if sys.version_info >= (3, 12):

    def test_a_decision_counts_what_it_decided(lines: Lines) -> None:
        lines.settle()
        before = native()
        for _ in range(100):
            lines.logger.info("x")
        assert native() >= before + 99
