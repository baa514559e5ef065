"""Timers: what they log at the end, of blocks and of functions of every kind, by a clock of the tests."""

from __future__ import annotations

import asyncio
import inspect
import logging
import math
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

import undergird
from undergird.log import timing

if TYPE_CHECKING:
    from tests.log.conftest import Run


class Clock:
    """Goes on when it is told to."""

    def __init__(self) -> None:
        self.ns = 0

    def __call__(self) -> int:
        return self.ns

    def pass_ms(self, ms: float) -> None:
        self.ns += int(ms * 1e6)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(timing, "now", clock)
    return clock


def facts(line: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in line.items() if key not in ("timestamp", "logger_name")}


def test_a_block_is_logged_with_what_it_took(either: Run, clock: Clock) -> None:
    log = either.start()
    with log.timer("simulation_step", step=3) as timer:
        clock.pass_ms(12.5)
        assert timer.duration_ms is None
        timer.fields["agents"] = 1000
    assert timer.duration_ms == 12.5
    assert facts(either.last()) == {
        "level": "INFO",
        "message": "simulation_step",
        "step": 3,
        "agents": 1000,
        "duration_ms": 12.5,
    }


def test_fields_that_have_names_of_the_timers_own_are_kept_beside_them(either: Run, clock: Clock) -> None:
    log = either.start()
    with pytest.raises(KeyError), log.timer("x", failed="by hand", duration_ms="given"):
        clock.pass_ms(2)
        raise KeyError
    line = either.last()
    assert (line["failed"], line["failed_"], line["duration_ms"], line["duration_ms_"]) == (True, "by hand", 2, "given")


def test_the_real_clock_is_monotonic_and_in_nanoseconds(run: Run) -> None:
    log = run.start()
    with log.timer("x"):
        pass
    assert 0 <= run.last()["duration_ms"] < 60_000
    assert timing.now is __import__("time").perf_counter_ns


def test_an_asynchronous_block_and_awaited_code_are_timed(either: Run, clock: Clock) -> None:
    log = either.start(level="INFO")

    async def main() -> None:
        async with log.timer("async with"):
            await asyncio.sleep(0)
            clock.pass_ms(1)
        with log.timer("with"):
            await asyncio.sleep(0)
            clock.pass_ms(2)

    asyncio.run(main())
    assert [(line["message"], line["duration_ms"]) for line in either.lines()] == [("async with", 1), ("with", 2)]


def test_timers_nest_each_with_its_own_time(either: Run, clock: Clock) -> None:
    log = either.start()
    timer = log.timer("again")
    with log.timer("outer"):
        clock.pass_ms(1)
        with timer:
            clock.pass_ms(2)
            with timer:
                clock.pass_ms(4)
            clock.pass_ms(8)
        clock.pass_ms(16)
    assert [(line["message"], line["duration_ms"]) for line in either.lines()] == [
        ("again", 4),
        ("again", 14),
        ("outer", 31),
    ]


def test_a_body_that_fails_is_said_to_and_its_exception_goes_on(either: Run, clock: Clock) -> None:
    log = either.start()

    class Odd(Exception):
        pass

    for error in (ValueError("x"), Odd(), KeyboardInterrupt(), SystemExit()):
        with pytest.raises(type(error)) as caught, log.timer("x", threshold=1000):
            clock.pass_ms(3)
            raise error
        assert caught.value is error
    lines = either.lines()
    assert [line["error_type"].rpartition(".")[2] for line in lines] == [
        "ValueError",
        "Odd",
        "KeyboardInterrupt",
        "SystemExit",
    ]
    assert {(line["failed"], line["duration_ms"]) for line in lines} == {(True, 3)}


def test_a_cancellation_is_no_failure(either: Run, clock: Clock) -> None:
    log = either.start(level="INFO")

    async def main() -> None:
        async def work() -> None:
            with log.timer("x"):
                clock.pass_ms(1)
                await asyncio.sleep(1000)

        task = asyncio.create_task(work())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    line = either.last()
    assert line["cancelled"] is True
    assert "failed" not in line


def test_a_cancellation_of_a_kind_of_its_own_is_no_failure_either(either: Run) -> None:
    class Stopped(asyncio.CancelledError):
        pass

    with pytest.raises(Stopped), either.start().timer("x"):
        raise Stopped
    assert either.last()["cancelled"] is True
    assert "failed" not in either.last()


@pytest.mark.parametrize(("took", "count"), [(99, 0), (100, 1), (101, 1)])
def test_what_took_less_than_the_threshold_is_not_logged(either: Run, clock: Clock, took: float, count: int) -> None:
    log = either.start()
    with log.timer("x", threshold=0.1):
        clock.pass_ms(took)
    assert len(either.lines()) == count


@pytest.mark.parametrize("level", ["DEBUG", 10, "WARNING", 25])
def test_a_timer_has_a_level(either: Run, clock: Clock, level: int | str) -> None:
    log = either.start(level="DEBUG")
    with log.timer("x", level=level):
        pass
    assert either.last()["level"] == (logging.getLevelName(level) if isinstance(level, int) else level)


def test_a_timer_whose_level_is_off_does_not_look_at_the_clock(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    log = run.start(level="INFO")
    monkeypatch.setattr(timing, "now", None)
    with log.timer("x", level="DEBUG") as timer:
        pass
    with pytest.raises(ZeroDivisionError), log.timer("x", level="DEBUG"):
        _ = 1 / 0
    assert timer.duration_ms is None
    assert run.lines() == []


def test_a_level_that_is_switched_in_the_middle_counts_from_the_next_time(run: Run, clock: Clock) -> None:
    log = run.start(level="INFO")
    with log.timer("x", level="DEBUG"):
        log.setLevel("DEBUG")
    with log.timer("y", level="DEBUG"):
        pass
    assert [line["message"] for line in run.lines()] == ["y"]


@pytest.mark.parametrize("threshold", [-1, math.nan, "1", None, True, pytest.param(10**5000, id="huge")])
def test_a_threshold_that_is_no_time_is_refused(run: Run, threshold: Any) -> None:
    log = run.start()
    with pytest.raises(undergird.ConfigurationError, match="threshold"):
        log.timer("x", threshold=threshold)


@pytest.mark.parametrize("level", ["LOUD", None, 1.5])
def test_a_level_that_is_not_known_is_refused(run: Run, level: Any) -> None:
    log = run.start()
    with pytest.raises(undergird.ConfigurationError, match="level"):
        log.timer("x", level=level)


def test_every_call_of_a_decorated_function_is_timed(either: Run, clock: Clock) -> None:
    log = either.start()

    @log.timer("fibonacci")
    def fibonacci(n: int) -> int:
        """Counts rabbits."""
        clock.pass_ms(1)
        return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)

    assert fibonacci(3) == 2
    assert fibonacci.__doc__ == "Counts rabbits."
    assert str(inspect.signature(fibonacci)) == "(n: 'int') -> 'int'"
    assert [line["duration_ms"] for line in either.lines()] == [1, 1, 3, 1, 5]


def test_methods_of_every_kind_can_be_decorated(either: Run, clock: Clock) -> None:
    log = either.start()

    class Agent:
        @log.timer("method")
        def method(self, x: int) -> int:
            return x

        @log.timer("class method")
        @classmethod
        def class_method(cls, x: int) -> int:
            return x

        @staticmethod
        @log.timer("static method")
        def static_method(x: int) -> int:
            return x

    assert [Agent().method(1), Agent.class_method(2), Agent.static_method(3)] == [1, 2, 3]
    assert either.messages() == ["method", "class method", "static method"]


def test_a_coroutine_function_is_timed_until_it_returns(either: Run, clock: Clock) -> None:
    log = either.start(level="INFO")

    @log.timer("x")
    async def work(ms: float) -> float:
        clock.pass_ms(ms)
        await asyncio.sleep(0)
        if ms > 1:
            raise ValueError(ms)
        return ms

    assert inspect.iscoroutinefunction(work)

    async def main() -> None:
        results = await asyncio.gather(work(1), work(2), return_exceptions=True)
        assert results[0] == 1
        assert isinstance(results[1], ValueError)

    asyncio.run(main())
    # They run at the same time, each with its own beginning.
    assert [(line["duration_ms"], "failed" in line) for line in either.lines()] == [(3, False), (2, True)]


def test_a_generator_is_timed_from_its_first_step_to_its_last(either: Run, clock: Clock) -> None:
    log = either.start()

    @log.timer("x")
    def steps(n: int) -> Iterator[Any]:
        for number in range(n):
            clock.pass_ms(1)
            got = yield number
            if got:
                yield ("got", got)

    assert inspect.isgeneratorfunction(steps)
    waiting = steps(2)
    clock.pass_ms(1000)
    assert list(waiting) == [0, 1]
    generator: Any = steps(2)
    assert next(generator) == 0
    assert generator.send("this") == ("got", "this")
    with pytest.raises(ValueError, match="thrown"):
        generator.throw(ValueError("thrown"))
    generator = steps(3)
    next(generator)
    generator.close()
    assert [(line["duration_ms"], line.get("error_type")) for line in either.lines()] == [
        (2, None),
        (1, "ValueError"),
        (1, None),
    ]


def test_an_asynchronous_generator_is_timed_and_stays_itself(either: Run, clock: Clock) -> None:
    log = either.start(level="INFO")

    @log.timer("x")
    async def steps() -> AsyncIterator[Any]:
        try:
            got = yield 1
            clock.pass_ms(1)
            yield ("got", got)
        except KeyError:
            yield "caught"

    async def main() -> None:
        assert [step async for step in steps()] == [1, ("got", None)]
        generator: Any = steps()
        assert await generator.asend(None) == 1
        assert await generator.asend("this") == ("got", "this")
        assert await generator.athrow(KeyError()) == "caught"
        await generator.aclose()

    assert inspect.isasyncgenfunction(steps)
    asyncio.run(main())
    assert [line["duration_ms"] for line in either.lines()] == [1, 1]


def test_what_is_no_function_cannot_be_decorated(run: Run) -> None:
    log = run.start()
    with pytest.raises(TypeError, match="no function"):
        log.timer("x")(5)  # type: ignore[type-var]
    with pytest.raises(TypeError, match=r"^log.timer is for functions, and Thread is a class: decorate its methods$"):
        log.timer("x")(threading.Thread)


@pytest.mark.parametrize("kind", [lambda function: function, staticmethod, classmethod])
def test_a_decorator_without_its_message_is_refused_where_it_stands(kind: Callable[[Any], Any], run: Run) -> None:
    log = run.start()
    with pytest.raises(TypeError, match=r'^log.timer needs a message: @log.timer\("sorting"\)$'):
        log.timer(kind(len))


def test_decorated_functions_in_threads_do_not_mix_their_times(run: Run) -> None:
    log = run.start()
    barrier = threading.Barrier(4)

    @log.timer("x")
    def work() -> None:
        barrier.wait(30)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(run.lines()) == 4


def test_a_timer_names_the_line_of_its_block_or_of_the_call(either: Run) -> None:
    log = either.start(call_site=True)

    @log.timer("function")
    def function() -> None:
        pass

    def block() -> None:
        with log.timer("block"):
            pass
        function()

    block()
    first = block.__code__.co_firstlineno
    assert [(line["function_name"], line["line_number"]) for line in either.lines()] == [
        ("block", first + 1),
        ("block", first + 3),
    ]
