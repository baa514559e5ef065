"""Where a line says its call stands: the frame of the program, whatever called, on both ways."""

from __future__ import annotations

import _thread
import asyncio
import gc
import inspect
import logging
import sys
import threading
import types
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.log.conftest import Collector

import undergird

if TYPE_CHECKING:
    from tests.log.conftest import Run

Call = Callable[[str], object]


def from_a_method(call: Call) -> None:
    class Agent:
        def step(self) -> None:
            call("x")

        @classmethod
        def make(cls) -> None:
            call("x")

        @property
        def state(self) -> object:
            return call("x")

    Agent().step()
    Agent.make()
    _ = Agent().state


def from_a_lambda(call: Call) -> None:
    (lambda: call("x"))()


def from_comprehensions(call: Call) -> None:
    _ = [call("x") for _ in range(2)]
    _ = {call("x") for _ in range(1)}
    _ = {number: call("x") for number in range(1)}
    _ = list(call("x") for _ in range(1))  # noqa: C400 -- a frame of its own


def from_a_class_body(call: Call) -> None:
    class Body:
        field = call("x")


def from_a_generator(call: Call) -> None:
    def steps() -> Iterator[int]:
        call("x")
        yield 1
        call("x")
        yield from more()

    def more() -> Iterator[int]:
        yield 2
        call("x")

    list(steps())


def from_a_coroutine(call: Call) -> None:
    async def steps() -> AsyncIterator[int]:
        call("x")
        yield 1
        await asyncio.sleep(0)
        call("x")

    async def main() -> None:
        call("x")
        async for _ in steps():
            call("x")
        await asyncio.gather(*(work() for _ in range(2)))
        asyncio.get_running_loop().call_soon(call, "x")
        await asyncio.sleep(0)

    async def work() -> None:
        await asyncio.sleep(0)
        call("x")

    asyncio.run(main())


def from_code_without_a_file(call: Call) -> None:
    exec(compile("\n\ndef inner():\n    call('x')\n\ninner()\ncall('x')", "<made up>", "exec"), {"call": call})
    eval("call('x')", {"call": call})
    eval(compile("call('x')", "name with \ud800 in it", "eval"), {"call": call})


def from_c_code(call: Call) -> None:
    list(map(call, ["x"]))
    sorted(["x"], key=call)  # type: ignore[arg-type]
    "x".join(map(str, filter(call, ["x"])))
    for _ in iter(lambda: call("x"), None):
        break


def from_a_call_of_many_lines(call: Call) -> None:
    call(
        "x",
    )
    call(
        "x"  #
    )


def from_a_finalizer(call: Call) -> None:
    class Agent:
        def __del__(self) -> None:
            call("x")

    Agent()
    cycle = Agent()
    cycle.itself = cycle  # type: ignore[attr-defined]
    del cycle
    gc.collect()


def from_a_trace_function(call: Call) -> None:
    def trace(frame: types.FrameType, event: str, arg: object) -> None:
        sys.settrace(None)
        call("x")

    sys.settrace(trace)
    (lambda: None)()


def from_a_thread(call: Call) -> None:
    def work() -> None:
        call("x")

    for target in (work, lambda: call("x")):
        thread = threading.Thread(target=target)
        thread.start()
        thread.join()


WAYS = [value for name, value in list(globals().items()) if name.startswith("from_")]


@pytest.mark.parametrize("way", WAYS)
def test_the_call_site_is_the_frame_that_called(either: Run, way: Callable[[Call], None]) -> None:
    log = either.start(call_site=True)
    expected = []

    def note(_: str) -> None:
        frame = sys._getframe(1)
        expected.append((frame.f_code.co_name, frame.f_lineno, frame.f_code.co_filename))

    way(note)
    assert expected
    for _ in range(2):
        # Found, then remembered.
        way(log.info)
        lines = [line for line in either.new_lines() if line["logger_name"] == log.name]
        assert [(one["function_name"], one["line_number"], one["source_file"]) for one in lines] == expected


def test_a_call_without_a_python_frame_says_so(either: Run) -> None:
    log = either.start(call_site=True)
    done = threading.Event()

    class Told(logging.Filterer):
        def __str__(self) -> str:
            done.set()
            return "x"

    _thread.start_new_thread(log.info, (Told(),))
    assert done.wait(30)
    while not (lines := either.lines()):
        pass
    assert (lines[0]["function_name"], lines[0]["line_number"], lines[0]["source_file"]) == (
        "(unknown function)",
        0,
        "(unknown file)",
    )


def test_stacklevel_means_what_it_means_in_the_standard_library(either: Run) -> None:
    log = either.start(call_site=True)
    collector = Collector()
    plain = logging.getLogger("plain.stacklevel")
    plain.propagate = False
    plain.setLevel(1)
    plain.addHandler(collector)

    def calls(logger: Any, level: int) -> None:
        def inner() -> None:
            exec(compile("list(map(lambda x: logger.info(x, stacklevel=level), ['x']))", "<made up>", "exec"), locals_)

        locals_ = {"logger": logger, "level": level}
        inner()

    for level in (-1, 0, 1, 2, 3, 4, 5, 1000):
        # The standard library starts counting in its own code.
        for logger, at in ((plain, max(level, 1)), (log, level)):
            calls(logger, at)
    found = [(line["function_name"], line["source_file"]) for line in either.lines()]
    assert found == [(record.funcName, record.pathname) for record in collector.records]
    assert len(set(found)) > 4


def test_functions_in_a_context_are_called_by_who_calls_them(either: Run) -> None:
    log = either.start(call_site=True)

    @undergird.context(a=1)
    def says(text: str) -> None:
        log.info(text, stacklevel=2)

    @undergird.context(a=1)
    def steps() -> Iterator[None]:
        log.info("x", stacklevel=2)
        yield

    says("x")
    list(steps())
    undergird.context.wrap(log.info)("x")
    here = "test_functions_in_a_context_are_called_by_who_calls_them"
    assert [line["function_name"] for line in either.lines()] == [here] * 3


@pytest.mark.parametrize("given", ["two", None, [2]])
def test_a_stacklevel_that_is_no_number_is_reported_and_counts_as_one(
    either: Run, given: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    log = either.start(call_site=True)
    log.info("x %s", "y", stacklevel=given)
    assert either.last()["message"] == "x y"
    assert either.last()["function_name"] == "test_a_stacklevel_that_is_no_number_is_reported_and_counts_as_one"
    said = capsys.readouterr().err
    assert f"stacklevel must be a number, not {given!s}" in said
    assert "Message: 'x %s'" in said


def test_files_that_differ_about_the_call_site_each_get_their_lines(run: Run) -> None:
    from undergird.log import FileHandler

    log = run.start(call_site=True)
    other = run.path.with_name("other.log")
    handler = FileHandler(other)
    logging.root.addHandler(handler)
    log.info("x")
    handler.call_site = True
    log.info("y")
    handler.call_site = False
    logging.root.removeHandler(handler)
    assert ["line_number" in line for line in run.lines()] == [True, True]
    assert ["line_number" in line for line in run.lines(other)] == [False, True]


def test_the_setting_acts_at_the_next_call(run: Run) -> None:
    log = run.start(call_site=True)
    log.info("x")
    run.start(call_site=False)
    log.info("x")
    run.start(call_site=True)
    log.info("x")
    assert ["line_number" in line for line in run.lines()] == [True, False, True]


def test_a_new_code_object_is_never_mistaken_for_one_that_is_gone(run: Run) -> None:
    log = run.start(call_site=True, level="INFO")
    addresses = set()
    alive = []
    count = 6000
    for number in range(count):
        code = compile("\n" * (number % 7) + "log.info('x', number=number)", f"<made up {number}>", "exec")
        addresses.add(id(code))
        alive.append(weakref.ref(code))
        exec(code, {"log": log, "number": number})
        del code
    lines = run.lines()
    expected = [(number, f"<made up {number}>", number % 7 + 1) for number in range(count)]
    assert [(one["number"], one["source_file"], one["line_number"]) for one in lines] == expected
    # What is remembered is bounded, and addresses were used again.
    assert sum(one() is not None for one in alive) <= 1024
    assert len(addresses) < count


def test_code_without_line_numbers_is_at_line_0(either: Run) -> None:
    log = either.start(call_site=True)
    code = compile("log.info('x')", "<made up>", "exec").replace(co_linetable=b"")
    exec(code, {"log": log})
    assert either.last()["line_number"] == 0


def test_a_call_in_traced_code_has_its_line(either: Run) -> None:
    log = either.start(call_site=True)

    def traced() -> int:
        log.info("x")
        return sys._getframe().f_lineno - 1

    old = sys.gettrace()
    sys.settrace(lambda *_: lambda *_: None)
    try:
        line = traced()
    finally:
        sys.settrace(old)
    assert either.last()["line_number"] == line


def test_remembering_a_place_may_run_code_that_logs(run: Run) -> None:
    log = run.start(call_site=True)
    numbers: list[int] = []

    def gone(_: object) -> None:
        numbers.append(len(numbers))
        log.info("gone", gone=len(numbers))

    references = []
    for number in range(3000):
        code = compile("log.info('x')", f"<made up {number}>", "exec")
        references.append(weakref.ref(code, gone))
        exec(code, {"log": log})
        del code
    lines = run.lines()
    assert len(lines) == 3000 + len(numbers)
    assert len(numbers) > 1000
    assert {line["function_name"] for line in lines if "gone" in line} == {"gone"}


def test_calls_hold_their_code_object_once(run: Run) -> None:
    log = run.start(call_site=True, level="INFO")
    code = compile("log.info('x')", "<made up>", "exec")
    scope = {"log": log}
    exec(code, scope)
    before = sys.getrefcount(code)
    for _ in range(2000):
        exec(code, scope)
    assert sys.getrefcount(code) == before


def test_the_import_systems_frames_do_not_count(either: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"{either.start(call_site=True).name.replace('.', '_')}_at_import"
    (tmp_path / f"{name}.py").write_text("import undergird\nundergird.get_logger('x').info('x', stacklevel=2)\n")
    monkeypatch.syspath_prepend(tmp_path)
    __import__(name)
    assert either.last()["function_name"] == "test_the_import_systems_frames_do_not_count"


def line_number() -> int:
    frame = inspect.currentframe()
    assert frame is not None
    assert frame.f_back is not None
    return frame.f_back.f_lineno


def test_a_call_site_is_the_line_of_the_call(either: Run) -> None:
    log = either.start(call_site=True)

    def outer() -> int:
        log.info("direct")
        log.info("one up", stacklevel=2)
        log.exception("exception")
        log.log(20, "log")
        logging.getLogger(log.name).info("stdlib")
        return line_number()

    last, up = outer(), line_number()
    log.info("far", stacklevel=1000)
    lines = {line["message"]: (line["function_name"], line["line_number"]) for line in either.lines()}
    assert lines["direct"] == ("outer", last - 5)
    assert lines["one up"] == ("test_a_call_site_is_the_line_of_the_call", up)
    assert lines["exception"] == ("outer", last - 3)
    assert lines["log"] == ("outer", last - 2)
    assert lines["stdlib"] == ("outer", last - 1)


def test_no_call_site_is_named_unless_asked_for(either: Run) -> None:
    log = either.start()
    log.info("x", stacklevel=2)
    assert "line_number" not in either.last()


def test_other_handlers_get_the_call_site_of_the_call(run: Run) -> None:
    run.foreign = True
    log = run.start()
    log.info("x")
    log.log(20, "x")
    log.exception("x")
    number = line_number()
    assert [(record.funcName, record.lineno) for record in run.records] == [
        ("test_other_handlers_get_the_call_site_of_the_call", number - 3 + place) for place in range(3)
    ]
    assert {record.pathname for record in run.records} == {__file__}
