"""LogXide's native logger and file handler; orjson encodes the fields, which it does not print."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from contenders import LOGGER_NAME, MESSAGE, Contender, Layout

_FORMAT = '{"timestamp":"%(asctime)s","level":"%(levelname)s","logger_name":"%(name)s",%(message)s}'
_FRAGMENT = f'log.info(dumps({{"message": "{MESSAGE}", "agent_id": i, "energy": x, "kind": s}})[1:-1].decode())'
_WHOLE = (
    'log.info(dumps({"timestamp": now(utc), "level": "INFO", "logger_name": name,'
    f' "message": "{MESSAGE}", "agent_id": i, "energy": x, "kind": s}}, option=option).decode())'
)


def make(path: Path) -> Contender:
    """Returns a logger that never enters the interpreter between call and file."""
    native: Any = importlib.import_module("logxide").logxide
    orjson: Any = importlib.import_module("orjson")
    log = native.getLogger(LOGGER_NAME)
    log.setLevel(20)
    if not hasattr(native, "FileHandler"):
        return _old(path, native, orjson, log)
    log.propagate = False
    handler = native.FileHandler(str(path))
    # Six digits are printed, three of them carry information: it stamps to the millisecond.
    handler.setFormatterSpec(_FORMAT, "%Y-%m-%dT%H:%M:%S%.6fZ")
    log.addHandler(handler)
    return Contender(
        names={"log": log, "dumps": orjson.dumps},
        enabled=_FRAGMENT,
        flush=handler.flush,
        finish=handler.flush,
    )


def _old(path: Path, native: Any, orjson: Any, log: Any) -> Contender:
    """Returns version 0.1's only native file handler: its text format cannot be changed."""
    from datetime import UTC, datetime

    native.register_file_handler(str(path), 0, 0, 20)
    return Contender(
        names={
            "log": log,
            "name": LOGGER_NAME,
            "dumps": orjson.dumps,
            "now": datetime.now,
            "utc": UTC,
            "option": orjson.OPT_UTC_Z,
        },
        enabled=_WHOLE,
        flush=native.flush,
        finish=native.flush,
        layout=Layout(text_prefix=True),
    )
