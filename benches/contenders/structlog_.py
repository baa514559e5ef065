"""structlog as its own page on performance sets it up."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from contenders import CARRIED, LOGGER_NAME, MESSAGE, Contender, Layout


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

    def bound() -> Contender:
        return plain.carrying(names={"log": log.bind(**CARRIED)})

    def surrounded() -> Contender:
        processors.insert(0, structlog.contextvars.merge_contextvars)
        structlog.contextvars.bind_contextvars(**CARRIED)
        return plain.carrying()

    def excepting() -> Contender:
        processors.insert(0, structlog.processors.format_exc_info)
        return plain.with_traceback()

    plain = Contender(
        names={"log": log},
        enabled=f'log.info("{MESSAGE}", agent_id=i, energy=x, kind=s)',
        flush=file.flush,
        finish=file.close,
        layout=Layout(message="event"),
        bound=bound,
        surrounded=surrounded,
        excepting=excepting,
    )
    return plain
