"""LogXide's native logger and file handler; orjson encodes the fields, which it does not print."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from loops import PLACE

from contenders import FORMAT, LOGGER_NAME, MESSAGE, Contender, encoded

_FORMAT = '{"timestamp":"%(asctime)s","level":"%(levelname)s","logger_name":"%(name)s",%(message)s}'
_FRAGMENT = f'log.info(dumps({{"message": "{MESSAGE}", "agent_id": i, "energy": x, "kind": s}})[1:-1].decode())'
# Six digits are printed, three of them carry information: it stamps to the millisecond.
_STAMP = "%Y-%m-%dT%H:%M:%S%.6fZ"


def make(path: Path) -> Contender:
    """Returns a logger that never enters the interpreter between call and file."""
    native: Any = importlib.import_module("logxide").logxide
    orjson: Any = importlib.import_module("orjson")
    log = native.getLogger(LOGGER_NAME)
    log.setLevel(20)
    log.propagate = False
    handler = native.FileHandler(str(path))
    handler.setFormatterSpec(_FORMAT, _STAMP)
    log.addHandler(handler)

    def placed(plain: Contender) -> Contender:
        place = '"function_name":"%(funcName)s","line_number":%(lineno)d,%(message)s'
        handler.setFormatterSpec(_FORMAT.replace("%(message)s", place), _STAMP)
        return plain.carrying(PLACE)

    def textual(plain: Contender) -> Contender:
        handler.setFormatterSpec(FORMAT, "%Y-%m-%d %H:%M:%S,%3f")
        return plain.with_text()

    def synchronous(plain: Contender) -> Contender:
        handler.setFlushLevel(20)
        return plain

    return Contender(
        names={"log": log, "dumps": orjson.dumps},
        enabled=_FRAGMENT,
        flush=handler.flush,
        finish=handler.flush,
        bound=encoded.bound,
        placed=placed,
        excepting=encoded.excepting,
        textual=textual,
        synchronous=synchronous,
    )
