"""spdlog's Python binding: it takes text only, so orjson encodes message and fields."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from contenders import CARRIED, LOGGER_NAME, MESSAGE, Contender

_PATTERN = '{"timestamp":"%Y-%m-%dT%H:%M:%S.%fZ","level":"%l","logger_name":"%n",%v}'


def make(path: Path) -> Contender:
    """Returns a synchronous, single-threaded spdlog file logger, its fastest kind."""
    spdlog: Any = importlib.import_module("spdlog")
    orjson: Any = importlib.import_module("orjson")
    log = spdlog.FileLogger(LOGGER_NAME, str(path), False, False)
    log.set_level(spdlog.LogLevel.INFO)
    log.set_pattern(_PATTERN, spdlog.PatternTimeType.utc)

    def finish() -> None:
        log.flush()
        log.close()

    def bound() -> Contender:
        names = {**plain.names, "bound": dict(CARRIED)}
        return plain.carrying(names=names, enabled=plain.enabled.replace('"agent_id"', '**bound, "agent_id"'))

    plain = Contender(
        names={"log": log, "dumps": orjson.dumps},
        enabled=(f'log.info(dumps({{"message": "{MESSAGE}", "agent_id": i, "energy": x, "kind": s}})[1:-1].decode())'),
        disabled='log.debug("x")',
        flush=log.flush,
        finish=finish,
        bound=bound,
    )
    return plain
