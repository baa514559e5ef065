"""picologging. It drops `extra=` and stamps to the millisecond, so orjson encodes both beside it."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from contenders import FORMAT, LOGGER_NAME, Contender, encoded, unchanged

_FORMAT = '{"level":"%(levelname)s","logger_name":"%(name)s",%(message)s}'


def make(path: Path) -> Contender:
    """Returns a picologging logger whose own formatter frames what orjson encoded."""
    picologging: Any = importlib.import_module("picologging")
    handler = picologging.FileHandler(str(path))
    handler.setFormatter(picologging.Formatter(_FORMAT))
    log = picologging.getLogger(LOGGER_NAME)
    log.setLevel(picologging.INFO)
    log.addHandler(handler)

    def textual(plain: Contender) -> Contender:
        handler.setFormatter(picologging.Formatter(FORMAT))
        return plain.with_text()

    return encoded.make(
        log, "[1:-1]", flush=handler.flush, finish=handler.close, synchronous=unchanged, textual=textual
    )
