"""loguru. Its own JSON has another shape and costs twice as much, so a function writes the lines, with orjson."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from loops import PLACE

from contenders import CARRIED, LOGGER_NAME, MESSAGE, Contender, unchanged


def make(path: Path) -> Contender:
    """Returns a loguru logger with a function as its only sink."""
    logger: Any = importlib.import_module("loguru").logger
    orjson: Any = importlib.import_module("orjson")
    dumps, now, utc = orjson.dumps, datetime.now, UTC
    option = orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE
    # Each line is in the file when the call returns, as with a file of its own.
    file = path.open("ab", buffering=0)
    write = file.write

    def line(record: dict[str, Any]) -> dict[str, Any]:
        return {
            # Converting the record's own, which is local time, costs more than another.
            "timestamp": now(utc),
            "level": record["level"].name,
            "message": record["message"],
            **record["extra"],
        }

    def plainly(message: Any) -> None:
        write(dumps(line(message.record), option=option))

    def with_place(message: Any) -> None:
        record = message.record
        place = {"function_name": record["function"], "line_number": record["line"]}
        write(dumps({**line(record), **place}, option=option))

    def with_exception(message: Any) -> None:
        write(dumps({**line(message.record), "exception": str(message)}, option=option))

    def use(sink: Callable[[Any], None]) -> None:
        logger.remove()
        # The text that is formatted beside the record is empty, or that of the exception.
        options = {"backtrace": False, "diagnose": False, "catch": False, "colorize": False}
        logger.add(sink, level="INFO", format=lambda _: "{exception}", **options)

    def textual(plain: Contender) -> Contender:
        logger.remove()
        options = {"backtrace": False, "diagnose": False, "catch": False, "colorize": False}
        text = "{time:YYYY-MM-DD HH:mm:ss,SSS} {level} {extra[logger_name]} {message}"
        logger.add(lambda message: write(message.encode()), level="INFO", format=text, **options)
        return plain.with_text(f'log.info("{MESSAGE}: {{}} {{}}", s, i)')

    use(plainly)
    log = logger.bind(logger_name=LOGGER_NAME)

    def surrounded(plain: Contender) -> Contender:
        context = log.contextualize(**CARRIED)
        context.__enter__()
        # It ends when nothing refers to it any more.
        return plain.with_names(context=context).carrying()

    def placed(plain: Contender) -> Contender:
        use(with_place)
        return plain.carrying(PLACE)

    def excepting(plain: Contender) -> Contender:
        use(with_exception)
        return plain.with_traceback()

    return Contender(
        names={"log": log},
        disabled_text='log.debug("x {}", 3)',
        enabled=f'log.info("{MESSAGE}", agent_id=i, energy=x, kind=s)',
        flush=file.flush,
        finish=file.close,
        bound=lambda plain: plain.with_names(log=log.bind(**CARRIED)).carrying(),
        surrounded=surrounded,
        placed=placed,
        excepting=excepting,
        textual=textual,
        synchronous=unchanged,
    )
