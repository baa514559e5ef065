"""picologging. It drops `extra=` and stamps to the millisecond, so orjson encodes both beside it."""

from __future__ import annotations

import importlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from contenders import LOGGER_NAME, MESSAGE, Contender, encoded, unchanged

_FORMAT = '{"level":"%(levelname)s","logger_name":"%(name)s",%(message)s}'


def make(path: Path) -> Contender:
    """Returns a picologging logger whose own formatter frames what orjson encoded."""
    picologging: Any = importlib.import_module("picologging")
    orjson: Any = importlib.import_module("orjson")
    handler = picologging.FileHandler(str(path))
    handler.setFormatter(picologging.Formatter(_FORMAT))
    log = picologging.getLogger(LOGGER_NAME)
    log.setLevel(picologging.INFO)
    log.addHandler(handler)

    return Contender(
        names={
            "log": log,
            "dumps": orjson.dumps,
            "now": datetime.now,
            "utc": UTC,
            "option": orjson.OPT_UTC_Z,
        },
        enabled=(
            f'log.info(dumps({{"timestamp": now(utc), "message": "{MESSAGE}", "agent_id": i,'
            ' "energy": x, "kind": s}, option=option)[1:-1].decode())'
        ),
        flush=handler.flush,
        finish=handler.close,
        bound=encoded.bound,
        excepting=encoded.excepting,
        synchronous=unchanged,
    )
