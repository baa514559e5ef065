"""What programs do with loggers, each as a step that a world can take."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

from hypothesis import strategies as st
from tests.logging.drawn import (
    DATE,
    FORMATTER,
    HANDLER,
    LEVEL,
    LEVELS,
    LOGGER,
    METHOD,
    OF_TIME,
    PLAIN,
    STYLED,
    messages,
)
from tests.logging.world import World

STEPS: dict[Callable[..., object], tuple[st.SearchStrategy[Any], ...]] = {}


def step(*arguments: st.SearchStrategy[Any]) -> Callable[[Callable[..., object]], Callable[..., object]]:
    """Makes a function a step; its first argument is the world, the others are drawn."""

    def keep(function: Callable[..., object]) -> Callable[..., object]:
        STEPS[function] = arguments
        return function

    return keep


@step(LOGGER, METHOD, LEVEL, messages(), PLAIN, st.integers(1, 3))
def log(world: World, n: int, method: str, level: object, message: Any, options: dict[str, Any], times: int) -> None:
    logger = world.loggers[n]
    first = (level,) if method == "log" else ()
    for _ in range(times):
        getattr(logger, method)(*first, message[0], *message[1], **options)


@step(LOGGER, METHOD, LEVEL, messages())
def log_what_was_caught(world: World, n: int, method: str, level: int, message: Any) -> None:
    first = (level,) if method == "log" else ()
    try:
        raise LookupError("cau\nght")
    except LookupError:
        getattr(world.loggers[n], method)(*first, message[0], *message[1], exc_info=True)


@step(LOGGER, st.sampled_from(["debug", "info", "error"]))
def log_in_other_ways(world: World, n: int, method: str) -> None:
    getattr(logging.Logger, method)(world.loggers[n], "of the class %d", 1)
    getattr(logging.LoggerAdapter(world.loggers[n], {"agent": 7}), method)("by an adapter %d", 2)
    getattr(world.loggers[n], method)(msg="by name")
    world.kept[-1]("kept")
    getattr(logging, method)("of the module")


@step(LOGGER, METHOD)
def keep_a_method(world: World, n: int, method: str) -> None:
    if method != "log":
        world.kept.append(getattr(world.loggers[n], method))


@step(LOGGER, LEVEL)
def ask(world: World, n: int, level: int) -> object:
    logger = world.loggers[n]
    return (
        logger.isEnabledFor(level),
        logger.getEffectiveLevel(),
        logger.hasHandlers(),
        logger.level,
        repr(logger.parent),
    )


@step(LOGGER, LEVELS)
def set_level(world: World, n: int, level: Any) -> None:
    world.loggers[n].setLevel(level)


@step(LOGGER, LEVEL, st.booleans())
def write_level(world: World, n: int, level: int, past_all: bool) -> None:
    if past_all:
        vars(world.loggers[n])["level"] = level
        world.loggers[n].manager._clear_cache()  # type: ignore[attr-defined]
    else:
        world.loggers[n].level = level


@step(HANDLER, LEVELS)
def set_level_of_a_handler(world: World, h: int, level: Any) -> None:
    world.handlers[h].setLevel(level)


@step(HANDLER, LEVEL)
def write_level_of_a_handler(world: World, h: int, level: int) -> None:
    vars(world.handlers[h])["level"] = level


@step(LOGGER, HANDLER)
def add_handler(world: World, n: int, h: int) -> None:
    world.loggers[n].addHandler(world.handlers[h])


@step(LOGGER, HANDLER)
def remove_handler(world: World, n: int, h: int) -> None:
    world.loggers[n].removeHandler(world.handlers[h])


@step(LOGGER, st.lists(HANDLER, max_size=3), st.sampled_from(["in place", "item", "append", "rebind", "dictionary"]))
def change_handlers(world: World, n: int, chosen: list[int], how: str) -> None:
    logger, handlers = world.loggers[n], [world.handlers[h] for h in chosen]
    if how == "in place":
        logger.handlers[:] = handlers
    elif how == "item":
        logger.handlers[0] = handlers[0]
    elif how == "append":
        logger.handlers += handlers
    elif how == "rebind":
        logger.handlers = handlers
    else:
        vars(logger)["handlers"] = handlers


@step(STYLED, DATE, st.booleans())
def make_formatter(world: World, styled: tuple[str, str], date: str | None, defaults: bool) -> None:
    form, style = styled
    if world.clock is None and any(name in form for name in OF_TIME):
        return
    given = {"agent": "nobody"} if defaults else None
    world.formatters.append(logging.Formatter(form, date, style, defaults=given))  # type: ignore[arg-type]


@step(HANDLER, FORMATTER)
def set_formatter(world: World, h: int, f: int) -> None:
    world.handlers[h].setFormatter(world.formatters[-1 - f % len(world.formatters)] if f < 3 else None)


class Picky(logging.Filter):
    """A filter that looks, and lets some through; it may change a record, or give another."""

    def __init__(self, world: World, how: str) -> None:
        super().__init__()
        self.world, self.how = world, how

    def __repr__(self) -> str:
        return f"<Picky {self.how}>"

    def filter(self, record: logging.LogRecord) -> Any:
        self.world.note("filter", self.how, record.levelname)
        if self.how == "changes":
            record.agent, record.msg, record.args = "filtered", "changed %s", (1,)
        if self.how == "another":
            return logging.LogRecord("another", 30, "path", 1, "given", (), None)
        return self.how != "none" and (self.how != "some" or record.levelno > logging.INFO)


@step(
    st.integers(0, 12),
    st.sampled_from(["all", "none", "some", "changes", "another", "function", "by name"]),
    st.booleans(),
)
def add_filter(world: World, of: int, how: str, past_all: bool) -> None:
    owner: Any = [*world.loggers, *world.handlers][of]
    chosen: dict[str, Any] = {"function": lambda record: record.levelno != 40, "by name": logging.Filter("model.a")}
    added = chosen.get(how) or Picky(world, how)
    if past_all:
        owner.filters.append(added)
    else:
        owner.addFilter(added)


@step(st.integers(0, 12))
def remove_filters(world: World, of: int) -> None:
    [*world.loggers, *world.handlers][of].filters.clear()


@step(LEVELS)
def disable(world: World, level: Any) -> None:
    logging.disable(level)


@step(LOGGER, st.sampled_from(["propagate", "disabled"]), st.booleans())
def switch(world: World, n: int, what: str, past_all: bool) -> None:
    logger = world.loggers[n]
    value = not getattr(logger, what)
    if past_all:
        vars(logger)[what] = value
    else:
        setattr(logger, what, value)


@step(LOGGER, st.sampled_from(["name", "parent"]), LOGGER)
def set_name_or_parent(world: World, n: int, what: str, other: int) -> None:
    if what == "name":
        world.loggers[n].name = f"renamed.{other}"
    elif n != 5 and other in (0, 5) and n != other and n != 0:
        world.loggers[n].parent = world.loggers[other]


class OwnRecord(logging.LogRecord):
    """A record of the program's own."""

    def getMessage(self) -> str:
        return f"<{super().getMessage()}>"


@step(st.sampled_from(["own", "theirs", "function"]))
def set_factory(world: World, which: str) -> None:
    def made(*args: Any, **options: Any) -> logging.LogRecord:
        world.note("made")
        record = logging.LogRecord(*args, **options)
        record.agent = "of the factory"
        return record

    logging.setLogRecordFactory({"own": OwnRecord, "theirs": logging.LogRecord, "function": made}[which])


@step(st.sampled_from(["class", "instance"]), FORMATTER)
def set_converter(world: World, of: str, f: int) -> None:
    if of == "class":
        _patch(world, logging.Formatter, "converter", time.gmtime)
    else:
        world.formatters[-1 - f % len(world.formatters)].converter = time.gmtime


@step(
    st.sampled_from(["logThreads", "logProcesses", "logMultiprocessing", "raiseExceptions", "_srcfile", "lastResort"])
)
def set_switch_of_the_module(world: World, name: str) -> None:
    setattr(logging, name, None)


@step(LEVEL, st.sampled_from(["NOTICE", "", "é", "INFO"]))
def name_a_level(world: World, level: int, name: str) -> None:
    logging.addLevelName(level, name)


@step(
    st.sampled_from([0, 1, 2, 5]), st.sampled_from(["stream", "setStream", "terminator", "formatter", "lock", "close"])
)
def change_a_handler(world: World, h: int, what: str) -> None:
    handler: Any = world.handlers[h]
    if what == "terminator":
        handler.terminator = "|\r\n"
    elif what == "formatter":
        handler.formatter = world.formatters[-1]
    elif what == "lock":
        handler.createLock()
    elif what == "close":
        handler.close()
    elif h in (2, 5):
        setattr(handler, "stream", world.streams[2]) if what == "stream" else handler.setStream(world.streams[2])


FILE_CHANGES: dict[str, Callable[[Any], object]] = {
    "ends": lambda handler: handler.stream.reconfigure(newline="\r\n"),
    "encoding": lambda handler: handler.stream.reconfigure(encoding="latin-1", errors="replace"),
    "write": lambda handler: handler.stream.write("written to the stream\n"),
    "closed": lambda handler: vars(handler)["stream"].close(),
    "opened": lambda handler: handler.setStream(open(handler.baseFilename, "a", newline="\r")),  # noqa: PTH123, SIM115
    "moved": lambda handler: Path(handler.baseFilename).rename(handler.baseFilename + ".1"),
    "deleted": lambda handler: Path(handler.baseFilename).unlink(),
    "cut": lambda handler: os.truncate(handler.baseFilename, 0),
    "no mode": lambda handler: setattr(handler, "mode", "w"),
    "no stream": lambda handler: delattr(handler, "stream"),
}


@step(LOGGER, st.integers(0, 1), st.sampled_from(sorted(FILE_CHANGES)))
def change_a_file(world: World, n: int, h: int, what: str) -> None:
    handler = world.files[h]
    # Who looks into a file by other ways asks for it first.
    handler.flush()
    try:
        FILE_CHANGES[what](handler)
        for number in range(3):
            world.loggers[n].error("%d é", number)
    finally:
        if what in ("closed", "no stream"):
            handler.stream = handler._open()


@step(st.integers(0, 4_000_000_000_000_000_000) | st.integers(0, 3_000_000_000) | st.just(1_700_000_000_999_999_999))
def set_clock(world: World, now: int) -> None:
    if world.clock is not None:
        world.clock.now = now


OF_LOGGERS = [
    "callHandlers",
    "handle",
    "makeRecord",
    "_log",
    "findCaller",
    "isEnabledFor",
    "getEffectiveLevel",
    "filter",
    "info",
]
OF_HANDLERS = ["emit", "handle", "format", "filter", "acquire", "release", "handleError", "flush"]
OF_FORMATTERS = ["format", "formatTime", "formatMessage", "usesTime", "formatException", "formatStack"]
CLASSES: list[tuple[type, list[str]]] = [
    (logging.Logger, OF_LOGGERS),
    (logging.Handler, OF_HANDLERS),
    (logging.StreamHandler, ["emit", "flush", "format"]),
    (logging.FileHandler, ["emit", "_open", "format"]),
    (logging.Formatter, OF_FORMATTERS),
    (logging.PercentStyle, ["format", "usesTime"]),
    (logging.LogRecord, ["getMessage"]),
    (logging.Filter, ["filter"]),
    (logging.RootLogger, ["info", "callHandlers"]),
]


@step(st.sampled_from(CLASSES), st.integers(0, 8))
def patch_a_class(world: World, of: tuple[type, list[str]], which: int) -> None:
    class_, names = of
    name = names[which % len(names)]
    original = getattr(class_, name)

    def patch(self: Any, *args: Any, **options: Any) -> Any:
        world.note("patched", class_.__name__, name)
        return original(self, *args, **options)

    _patch(world, class_, name, patch)


@step(st.integers(0, 16), st.integers(0, 8))
def patch_an_instance(world: World, of: int, which: int) -> None:
    things: list[tuple[Any, list[str]]] = [
        *((logger, OF_LOGGERS) for logger in world.loggers),
        *((handler, OF_HANDLERS) for handler in world.handlers),
        *((formatter, OF_FORMATTERS) for formatter in world.formatters),
    ]
    target, names = things[of % len(things)]
    name = names[which % len(names)]
    original = getattr(target, name)

    def patch(*args: Any, **options: Any) -> Any:
        world.note("patched instance", name)
        return original(*args, **options)

    _patch(world, target, name, patch)


@step(st.booleans())
def unpatch(world: World, last: bool) -> None:
    times = 2 if world.clock is not None else 0  # the clock stays
    if len(world.patches) > times:
        world.patches.pop(-1).stop()


def _patch(world: World, target: Any, name: str, value: object) -> None:
    patch = mock.patch.object(target, name, value)
    patch.start()
    world.patches.append(patch)


def a_step() -> st.SearchStrategy[tuple[Callable[..., object], tuple[Any, ...]]]:
    """Any step with its arguments; those that log are most."""
    each = [st.tuples(st.just(function), st.tuples(*drawn)) for function, drawn in STEPS.items()]
    return st.one_of(*each, *[each[0]] * 8)
