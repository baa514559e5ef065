"""No logger at all: what one function around orjson and a buffered file costs."""

from __future__ import annotations

import importlib
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from contenders import LOGGER_NAME, MESSAGE, Contender


def make(path: Path) -> Contender:
    """Returns a bare function that writes the same lines."""
    orjson: Any = importlib.import_module("orjson")
    dumps = orjson.dumps
    option = orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE
    now = datetime.now
    file = path.open("ab", buffering=1 << 20)
    write = file.write

    def emit(message: str, agent_id: int, energy: float, kind: str) -> None:
        write(
            dumps(
                {
                    "timestamp": now(UTC),
                    "level": "INFO",
                    "logger_name": LOGGER_NAME,
                    "message": message,
                    "agent_id": agent_id,
                    "energy": energy,
                    "kind": kind,
                },
                option=option,
            )
        )

    def synchronous(plain: Contender) -> Contender:
        return replace(plain.with_names(flush=file.flush), enabled=f"{plain.enabled}; flush()")

    return Contender(
        names={"emit": emit},
        enabled=f'emit("{MESSAGE}", i, x, s)',
        disabled=None,
        flush=file.flush,
        finish=file.close,
        synchronous=synchronous,
    )
