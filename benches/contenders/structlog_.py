"""structlog as its own page on performance sets it up."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from loops import PLACE

from contenders import CARRIED, LOGGER_NAME, MESSAGE, Contender, Layout, unchanged


def make(path: Path) -> Contender:
    """Returns a cached, filtering, bytes-writing structlog logger."""
    structlog: Any = importlib.import_module("structlog")
    orjson: Any = importlib.import_module("orjson")
    file = path.open("ab")
    processors = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.JSONRenderer(serializer=orjson.dumps),
    ]
    structlog.configure(
        cache_logger_on_first_use=True,
        wrapper_class=structlog.make_filtering_bound_logger("info"),
        processors=processors,
        logger_factory=structlog.BytesLoggerFactory(file),
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
