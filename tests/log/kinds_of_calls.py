"""Calls of every kind: with context, exceptions, places, clocks; timers, rows, buffers; through other faces."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import pickle
import threading
from collections.abc import Iterator

import numpy as np
import pytest
import structlog
from tests.log.kind import MESSAGE, NUMBER, TEXT, Call, kind

import undergird
from undergird import Limit, Logger, Sample, clock
from undergird.log.structlog_bridge import LoggerFactory, make_filtering_bound_logger, render_to_undergird

# --- context ---------------------------------------------------------------------------------------------------------


@kind()
def bound_fields(log: Logger) -> Call:
    def call(n: int) -> None:
        bound = log.bind(n=n, text=TEXT, listed=[n])
        bound.info(MESSAGE, a=n)
        bound.unbind("n").new(a=n).try_unbind("no", "a").info(MESSAGE)
        pickle.loads(pickle.dumps(bound)).info(MESSAGE)

    return call


@kind()
def context_of_blocks(log: Logger) -> Call:
    shared = undergird.context(own=1)

    def call(n: int) -> None:
        with undergird.context(request=n, text=TEXT), shared:
            undergird.context.bind(more=n)
            log.bind(n=n).info(MESSAGE, a=n)
            undergird.context.unbind("more")
        with undergird.context(**{f"name{n % 50}": (n,)}):
            contextvars.copy_context().run(log.info, MESSAGE)

    return call


@kind()
def context_carried_elsewhere(log: Logger) -> Call:
    @undergird.context(job="cells")
    def generate(n: int) -> Iterator[int]:
        log.info(MESSAGE, n=n)
        yield n

    def call(n: int) -> None:
        with undergird.context(request=n):
            carried = undergird.context.wrap(log.info)
        carried(MESSAGE, n=n)
        list(generate(n))
        # One that is abandoned.
        next(generate(n))

    return call


# --- exceptions ------------------------------------------------------------------------------------------------------


def fail(n: int) -> None:
    try:
        _ = dict[int, int]()[n]
    except KeyError as error:
        raise ValueError(f"number {n % 10}") from error


@kind(dear=True)
def exceptions(log: Logger) -> Call:
    def call(n: int) -> None:
        try:
            fail(n)
        except ValueError as error:
            error.add_note("a note")
            log.exception(MESSAGE, n=n)
            log.error(MESSAGE, exc_info=error, stack_info=True)
            log.error(MESSAGE, exc_info=ExceptionGroup("group", [error]))
        log.info(MESSAGE, exc_info=True, n=n)

    return call


@kind(dear=True, exception_locals=True, exception_suppress=["asyncio"])
def exceptions_with_variables(log: Logger) -> Call:
    def call(n: int) -> None:
        try:
            fail(n)
        except ValueError:
            log.exception(MESSAGE, n=n)

    return call


@kind()
def caught_exceptions(log: Logger) -> Call:
    caught = log.catch(ValueError, default=7, job="cells")(fail)

    @log.catch
    def generate(n: int) -> Iterator[int]:
        yield n
        fail(n)

    def call(n: int) -> None:
        caught(n)
        list(generate(n))
        with log.catch(message=MESSAGE):
            fail(n)

    return call


# --- who, where, when ------------------------------------------------------------------------------------------------


@kind(call_site=True, names=["process", "thread", "task", "process_id", "thread_id"], fields={"run_id": TEXT})
def places_and_names(log: Logger) -> Call:
    def call(n: int) -> None:
        log.info(MESSAGE, n=n)
        log.warning(MESSAGE, stacklevel=1 + n % 4)

    return call


@kind(call_site=True)
def code_made_at_run_time(log: Logger) -> Call:
    def call(n: int) -> None:
        # Enough to fill, early, whatever remembers places by their code.
        for _ in range(4):
            exec(compile("log.info(message)", "made", "exec"), {"log": log, "message": MESSAGE})

    return call


@kind(names="task")
def tasks(log: Logger) -> Call:
    async def work(n: int) -> None:
        async with log.timer("work", n=n):
            log.info(MESSAGE, n=n)

    return lambda n: asyncio.run(work(n))


@kind(names="thread")
def threads(log: Logger) -> Call:
    def call(n: int) -> None:
        thread = threading.Thread(target=log.info, args=(MESSAGE,), kwargs={"n": n})
        thread.start()
        thread.join()

    return call


@kind(clock=clock.SimulationClock(1.0))
def native_clock(log: Logger) -> Call:
    return lambda n: log.info(MESSAGE, n=n)


@kind(clock=lambda: NUMBER)
def clocks_made_in_python(log: Logger) -> Call:
    def call(n: int) -> None:
        log.info(MESSAGE, n=n)
        with clock.use(clock.ManualClock(n)):
            log.info(MESSAGE, n=n)
        with clock.use(lambda: 1 / (n % 2)):
            log.info(MESSAGE)

    return call


# --- more than a call ------------------------------------------------------------------------------------------------


@kind()
def timers(log: Logger) -> Call:
    timed, quick = log.timer("x", threshold=0.0)(len), log.timer("x", threshold=100)(len)

    def call(n: int) -> None:
        with log.timer("block", n=n):
            timed([n])
            quick([n])
        try:
            with log.timer("failing"):
                fail(n)
        except ValueError:
            pass

    return call


@kind()
def metrics(log: Logger) -> Call:
    value = np.float32(0.5)

    def call(n: int) -> None:
        log.metric("x", n * 0.5)
        log.metric("x", value, **{f"tag_{n % 7}": TEXT})

    return call


@kind()
def many_rows(log: Logger) -> Call:
    ones, words = np.ones(40), np.array(["x", "é", "longer"] * 10)
    moments = np.arange(3).astype("datetime64[s]")

    def call(n: int) -> None:
        log.bind(run=n).many(MESSAGE, a=ones, n=n)
        log.many(MESSAGE, a=words, b=list(range(30)), c=[[n]] * 30)
        log.many(
            MESSAGE, a=moments, b=np.array([True, False, True]), c=np.array([b"x"] * 3), d=np.array([n, TEXT, None])
        )

    return call


@kind()
def buffered_calls(log: Logger) -> Call:
    def call(n: int) -> None:
        buffer = log.create_buffer()
        buffer.info(MESSAGE, n=n)
        buffer.bind(a=n).error(MESSAGE, exc_info=ValueError(n))
        buffer.flush()
        buffer.info(MESSAGE)
        buffer.discard()

    return call


@kind(sample={"DEBUG": Sample(first=2, then=3), "INFO": Limit(per_second=1000, key="n")})
def sampled_calls(log: Logger) -> Call:
    own, limited = log.sample(first=1, then=5, per=None), log.limit(per_second=10.0, key="n")

    def call(n: int) -> None:
        log.debug(MESSAGE, n=n)
        log.info(MESSAGE, n=n)
        own.info(MESSAGE)
        limited.info(MESSAGE, n=str(n))

    return call


# --- other faces -----------------------------------------------------------------------------------------------------


@kind()
def structlog_bridge(log: Logger) -> Call:
    structlog.configure(
        processors=[render_to_undergird],
        wrapper_class=make_filtering_bound_logger("info"),
        logger_factory=LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    bridge = structlog.get_logger(log.name).bind(a=1)

    def call(n: int) -> None:
        bridge.debug(MESSAGE)
        bound = bridge.bind(n=n)
        bound.info("step %d", n, x=TEXT)
        structlog.get_context(bound)["b"] = None
        bound.warning(event="changed")
        with pytest.raises(TypeError):
            bound.error()

    return call


@kind()
def standard_loggers(log: Logger) -> Call:
    standard = logging.getLogger(log.name + ".standard")

    def call(n: int) -> None:
        standard.info("%s %d", TEXT, n)
        standard.warning(MESSAGE, extra={"n": n})

    return call


@kind()
def through_the_standard_library(log: Logger) -> Call:
    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            record.getMessage()

    logging.root.addHandler(Handler())

    def call(n: int) -> None:
        log.bind(a=n).info(MESSAGE, n=n, text=[TEXT])
        log.info("%d of them", n, extra={"given": n}, exc_info=ValueError(n))

    return call


@kind(console=True, call_site=True)
def console(log: Logger) -> Call:
    def call(n: int) -> None:
        log.info(MESSAGE, n=n, text=TEXT, listed=[n])
        log.error("\x1b[31m%s", TEXT, exc_info=ValueError(n))

    return call


@kind(format="logfmt", console="json")
def logfmt(log: Logger) -> Call:
    return lambda n: log.info(MESSAGE, n=n, text=TEXT, listed=[n, {"a": None}])


@kind(format="text", fsync=False)
def text(log: Logger) -> Call:
    return lambda n: log.warning(MESSAGE, n=n, text=TEXT)


@kind()
def loggers(log: Logger) -> Call:
    def call(n: int) -> None:
        undergird.get_logger(log.name + ".child").info(MESSAGE)
        log.getChild(f"child{n % 10}").info(MESSAGE)
        log.setLevel(10 + n % 2)

    return call


@kind(sync=True)
def calls_that_wait(log: Logger) -> Call:
    def call(n: int) -> None:
        log.info(MESSAGE, n=n)
        undergird.stats()

    return call
