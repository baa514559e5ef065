"""`log.catch`: what comes out of functions and blocks of every kind is logged, and swallowed or not as was said."""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import AsyncGenerator, Generator
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import pytest

import undergird

if TYPE_CHECKING:
    from tests.log.conftest import Run


def test_a_function_is_caught_with_its_name_and_its_traceback(either: Run) -> None:
    log = either.start(level="INFO")

    @log.catch
    def ratio(a: float, b: float = 0) -> float:
        """Divides."""
        return a / b

    assert ratio(1) is None
    assert ratio(1, b=2) == 0.5
    assert (ratio.__name__, ratio.__doc__) == ("ratio", "Divides.")
    assert list(inspect.signature(ratio).parameters) == ["a", "b"]
    (line,) = either.lines()
    assert line["level"] == "ERROR"
    assert line["message"].startswith("exception in test_a_function_is_caught")
    assert line["message"].endswith("ratio")
    assert line["exception_type"] == "ZeroDivisionError"
    first = line["exception"].splitlines()[1]
    assert first.endswith("in ratio"), "the decorator's own frame is of no interest"


def test_level_message_fields_default_are_as_said(either: Run) -> None:
    log = either.start(level="INFO")

    @log.catch((KeyError, ValueError), level="WARNING", message="100% wrong", default=-1, job=7)
    def fail(error: Exception) -> int:
        raise error

    assert fail(KeyError("k")) == -1
    line = either.last()
    assert (line["level"], line["message"], line["job"]) == ("WARNING", "100% wrong", 7)
    with pytest.raises(TypeError):
        fail(TypeError())
    assert len(either.lines()) == 1


def test_what_is_excluded_goes_on_unlogged(run: Run) -> None:
    log = run.start(level="INFO")

    @log.catch(Exception, exclude=(KeyError, StopIteration))
    def fail(error: BaseException) -> None:
        raise error

    fail(IndexError())
    with pytest.raises(KeyError):
        fail(KeyError())
    assert len(run.lines()) == 1


def test_it_goes_on_with_its_traceback_if_that_was_asked_for(run: Run) -> None:
    log = run.start(level="INFO")

    @log.catch(reraise=True)
    def fail() -> None:
        raise KeyError("k")

    with pytest.raises(KeyError) as raised:
        fail()
    assert raised.traceback[-1].name == "fail"
    with pytest.raises(KeyError), log.catch(reraise=True, message="block"):
        raise KeyError
    assert run.messages()[1] == "block"


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit, asyncio.CancelledError])
def test_what_ends_a_program_or_a_task_is_swallowed_only_if_it_is_named(kind: type[BaseException], run: Run) -> None:
    log = run.start(level="INFO")

    def fail() -> None:
        raise kind

    with pytest.raises(kind):
        log.catch(fail)()
    assert run.lines() == []
    with pytest.raises(kind):
        log.catch(BaseException)(fail)()
    with pytest.raises(kind), log.catch(BaseException):
        fail()
    assert len(run.lines()) == 2
    log.catch(kind)(fail)()
    with log.catch((ValueError, kind)):
        fail()
    assert len(run.lines()) == 4


def test_a_block_is_caught_and_can_be_entered_again(run: Run) -> None:
    log = run.start(level="INFO")
    catch = log.catch(ValueError, step=3)
    for _ in range(2):
        with catch, catch:
            raise ValueError
    with pytest.raises(KeyError), catch:
        raise KeyError
    with catch:
        pass
    assert [(line["message"], line["step"]) for line in run.lines()] == [("exception caught", 3)] * 2


def test_coroutine_functions_stay_such(either: Run) -> None:
    log = either.start(level="INFO")

    @log.catch(ValueError, default=3)
    async def fail(error: Exception) -> int:
        await asyncio.sleep(0)
        raise error

    async def main() -> None:
        assert await fail(ValueError()) == 3
        async with log.catch():
            raise KeyError
        with pytest.raises(TypeError):
            await fail(TypeError())

    assert inspect.iscoroutinefunction(fail)
    asyncio.run(main())
    first, second = either.lines()
    assert first["exception"].splitlines()[1].endswith("in fail")
    assert second["exception_type"] == "KeyError"


def test_a_cancelled_task_is_cancelled(run: Run) -> None:
    log = run.start(level="INFO")

    @log.catch(BaseException)
    async def wait() -> None:
        await asyncio.sleep(60)

    async def main() -> bool:
        task = asyncio.ensure_future(wait())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        return task.cancelled()

    assert asyncio.run(main())


def test_generators_take_and_give_as_before(run: Run) -> None:
    log = run.start(level="INFO")

    @log.catch(ValueError, default="default")
    def numbers() -> Generator[int, int, str]:
        got = yield 1
        try:
            got = yield got + 1
        except KeyError:
            got = yield -1
        if got:
            raise ValueError
        return "returned"

    assert inspect.isgeneratorfunction(numbers)
    generator = numbers()
    assert [next(generator), generator.send(5), generator.throw(KeyError())] == [1, 6, -1]
    with pytest.raises(StopIteration) as stopped:
        generator.send(1)
    assert stopped.value.value == "default"
    generator = numbers()
    assert [next(generator), generator.send(5)] == [1, 6]
    with pytest.raises(StopIteration) as stopped:
        generator.send(0)
    assert stopped.value.value == "returned"
    generator = numbers()
    next(generator)
    generator.close()
    (line,) = run.lines()
    assert line["exception"].splitlines()[1].endswith("in numbers")


def test_asynchronous_generators_take_and_give_as_before(run: Run) -> None:
    log = run.start(level="INFO")
    closed = []

    @log.catch(ValueError)
    async def numbers() -> AsyncGenerator[int, int | None]:
        try:
            got = yield 1
            try:
                got = yield 6
            except KeyError:
                got = yield -1
            if got:
                raise ValueError
        finally:
            await asyncio.sleep(0)
            closed.append(True)

    async def main() -> None:
        generator = numbers()
        assert await generator.asend(None) == 1
        assert await generator.asend(5) == 6
        assert await generator.athrow(KeyError()) == -1
        with pytest.raises(StopAsyncIteration):
            await generator.asend(1)
        assert len(run.lines()) == 1
        # What is thrown in and comes out again has come out.
        generator = numbers()
        await generator.asend(None)
        with pytest.raises(StopAsyncIteration):
            await generator.athrow(ValueError())
        assert len(run.lines()) == 2
        generator = numbers()
        await generator.asend(None)
        with pytest.raises(TypeError):
            await generator.athrow(TypeError())
        generator = numbers()
        await generator.asend(None)
        await generator.aclose()
        generator = numbers()
        await generator.asend(None)
        await generator.asend(0)
        with pytest.raises(StopAsyncIteration):
            await generator.asend(0)

    assert inspect.isasyncgenfunction(numbers)
    asyncio.run(main())
    assert closed == [True] * 5
    assert len(run.lines()) == 2


def test_methods_of_every_kind_and_callable_objects_are_functions(run: Run) -> None:
    log = run.start(level="INFO")

    class Cell:
        @log.catch(default=1)
        def plain(self) -> int:
            raise ValueError

        @log.catch(default=2)
        @classmethod
        def of_class(cls) -> int:
            raise ValueError

        @log.catch(default=3)
        @staticmethod
        def static() -> int:
            raise ValueError

        async def __call__(self) -> int:
            raise ValueError

    cell = Cell()
    assert (cell.plain(), cell.of_class(), cell.static(), Cell.static()) == (1, 2, 3, 3)
    assert asyncio.run(log.catch(default=4)(cell)()) == 4
    assert log.catch(default=5)(functools.partial(int, "x"))() == 5
    assert len(run.lines()) == 6


def test_a_call_that_does_not_fit_is_caught_too(run: Run) -> None:
    log = run.start(level="INFO")

    @log.catch
    def one(a: int) -> int:
        return a

    one()  # type: ignore[call-arg]
    assert run.last()["exception_type"] == "TypeError"


@pytest.mark.parametrize("wrong", [3, int, "ValueError", (ValueError, 3)])
def test_what_is_neither_function_nor_exception_is_refused(wrong: Any, run: Run) -> None:
    log = run.start(level="INFO")
    with pytest.raises(TypeError):
        log.catch(wrong)
    with pytest.raises(TypeError):
        log.catch(exclude=wrong)
    with pytest.raises(TypeError):
        log.catch()(3)  # type: ignore[type-var]


def test_a_class_that_is_decorated_is_told_what_to_decorate(run: Run) -> None:
    log = run.start(level="INFO")
    with pytest.raises(TypeError, match=r"^log.catch is for functions, and Run is a class: decorate its methods$"):
        log.catch()(type(run))
    with pytest.raises(TypeError, match=r"Run'> is no class of exceptions; .* its methods raise, decorate these$"):
        log.catch(type(run))


def test_a_level_that_is_not_known_is_refused(run: Run) -> None:
    log = run.start(level="INFO")
    with pytest.raises(undergird.ConfigurationError, match="LOUD"):
        log.catch(level="LOUD")


def test_the_place_of_the_call_is_outside_of_the_decorator(run: Run) -> None:
    log = run.start(call_site=True)

    @log.catch
    def fail() -> None:
        raise ValueError

    fail()
    assert run.last()["function_name"] == "test_the_place_of_the_call_is_outside_of_the_decorator"


@pytest.mark.parametrize("reraise", [False, True])
def test_who_wants_to_know_is_told_of_what_was_logged(run: Run, reraise: bool) -> None:
    log = run.start()
    told: list[tuple[str, int]] = []

    def tell(error: BaseException) -> None:
        told.append((str(error), len(run.lines())))

    @log.catch(ValueError, reraise=reraise, onerror=tell, job=7)
    def fail(error: Exception) -> None:
        raise error

    with pytest.raises(ValueError, match="bad") if reraise else nullcontext():
        fail(ValueError("bad"))
    with pytest.raises(KeyError):
        fail(KeyError("another"))
    assert told == [("bad", 1)]
    assert (run.last()["job"], "onerror" in run.last()) == (7, False)


def test_what_is_raised_by_who_was_told_goes_on(run: Run) -> None:
    def tell(error: BaseException) -> None:
        raise RuntimeError("told") from error

    with pytest.raises(RuntimeError, match="told"), run.start().catch(onerror=tell):
        raise ValueError
    assert run.last()["exception_type"] == "ValueError"


def test_an_onerror_that_cannot_be_called_is_refused_by_name(run: Run) -> None:
    with pytest.raises(TypeError, match=r"^onerror 3 cannot be called"):
        run.start().catch(onerror=3)  # type: ignore[call-overload]
