"""LogXide's native logger and file handler; orjson encodes the fields, which it does not print."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from contenders import CARRIED, LOGGER_NAME, MESSAGE, Contender

_FORMAT = '{"timestamp":"%(asctime)s","level":"%(levelname)s","logger_name":"%(name)s",%(message)s}'
_FRAGMENT = f'log.info(dumps({{"message": "{MESSAGE}", "agent_id": i, "energy": x, "kind": s}})[1:-1].decode())'


def make(path: Path) -> Contender:
    """Returns a logger that never enters the interpreter between call and file."""
    native: Any = importlib.import_module("logxide").logxide
    orjson: Any = importlib.import_module("orjson")
    log = native.getLogger(LOGGER_NAME)
    log.setLevel(20)
    log.propagate = False
    handler = native.FileHandler(str(path))
    # Six digits are printed, three of them carry information: it stamps to the millisecond.
    handler.setFormatterSpec(_FORMAT, "%Y-%m-%dT%H:%M:%S%.6fZ")
    log.addHandler(handler)

    def bound() -> Contender:
        names = {**plain.names, "bound": dict(CARRIED)}
        return plain.carrying(names=names, enabled=plain.enabled.replace('"agent_id"', '**bound, "agent_id"'))

    plain = Contender(
        names={"log": log, "dumps": orjson.dumps},
        enabled=_FRAGMENT,
        flush=handler.flush,
        finish=handler.flush,
        bound=bound,
    )
    return plain
