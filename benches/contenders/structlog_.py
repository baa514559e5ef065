"""structlog as its own page on performance sets it up, and with a file that is not flushed for each line."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

from loops import PLACE

from contenders import CARRIED, LOGGER_NAME, MESSAGE, Contender, Layout, unchanged


def documented(path: Path) -> Contender:
    """Returns a cached, filtering, bytes-writing structlog logger."""
    structlog: Any = importlib.import_module("structlog")
    return _make(path.open("ab"), structlog.BytesLogger, option=0)


def buffered(path: Path) -> Contender:
    """Returns the same, whose lines stay in the file's buffer until it is full."""
    orjson: Any = importlib.import_module("orjson")
    file = path.open("ab", buffering=1 << 20)

    def synchronous(plain: Contender) -> Contender:
        return replace(plain.with_names(flush=file.flush), enabled=f"{plain.enabled}; flush()")

    return replace(_make(file, _Unflushed, option=orjson.OPT_APPEND_NEWLINE), synchronous=synchronous)


class _Unflushed:
    """The innermost logger: `BytesLogger` locks and flushes for each line."""

    def __init__(self, file: BinaryIO) -> None:
        self.info = self.exception = self.error = file.write


def _make(file: BinaryIO, innermost: Callable[[BinaryIO], object], option: int) -> Contender:
    structlog: Any = importlib.import_module("structlog")
    orjson: Any = importlib.import_module("orjson")
    processors = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.JSONRenderer(serializer=orjson.dumps, option=option),
    ]
    structlog.configure(
        cache_logger_on_first_use=True,
        wrapper_class=structlog.make_filtering_bound_logger("info"),
        processors=processors,
        logger_factory=lambda *_: innermost(file),
    )
    # `bind` returns the assembled logger: the lazy proxy of `get_logger` costs more at each call.
    log = structlog.get_logger().bind(logger_name=LOGGER_NAME)

    def surrounded(plain: Contender) -> Contender:
        processors.insert(0, structlog.contextvars.merge_contextvars)
        structlog.contextvars.bind_contextvars(**CARRIED)
        return plain.carrying()

    def placed(plain: Contender) -> Contender:
        adder = structlog.processors.CallsiteParameterAdder
        parameter = structlog.processors.CallsiteParameter
        processors.insert(0, adder({parameter.FUNC_NAME, parameter.LINENO}))
        return plain.carrying({"func_name": PLACE["function_name"], "lineno": PLACE["line_number"]})

    def excepting(plain: Contender) -> Contender:
        processors.insert(0, structlog.processors.format_exc_info)
        return plain.with_traceback()

    return Contender(
        names={"log": log},
        enabled=f'log.info("{MESSAGE}", agent_id=i, energy=x, kind=s)',
        flush=file.flush,
        finish=file.close,
        layout=Layout(message="event"),
        bound=lambda plain: plain.with_names(log=log.bind(**CARRIED)).carrying(),
        surrounded=surrounded,
        placed=placed,
        excepting=excepting,
        synchronous=unchanged,
    )
