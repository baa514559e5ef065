"""spdlog's Python binding: it takes text only, so orjson encodes message and fields."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from contenders import LOGGER_NAME, MESSAGE, Contender, encoded

_TEXT = "%Y-%m-%d %H:%M:%S,%e %l %n %v"
_PATTERN = '{"timestamp":"%Y-%m-%dT%H:%M:%S.%fZ","level":"%l","logger_name":"%n",%v}'


def make(path: Path) -> Contender:
    """Returns a synchronous, single-threaded spdlog file logger, its fastest kind."""
    spdlog: Any = importlib.import_module("spdlog")
    orjson: Any = importlib.import_module("orjson")

    def made(*, for_threads: bool) -> Contender:
        log = spdlog.FileLogger(LOGGER_NAME, str(path), for_threads, False)
        log.set_level(spdlog.LogLevel.INFO)
        log.set_pattern(_PATTERN, spdlog.PatternTimeType.utc)

        def finish() -> None:
            log.flush()
            log.close()

        def threaded(plain: Contender) -> Contender:
            plain.finish()
            return made(for_threads=True)

        def synchronous(plain: Contender) -> Contender:
            log.flush_on(spdlog.LogLevel.INFO)
            return plain

        def textual(plain: Contender) -> Contender:
            log.set_pattern(_TEXT, spdlog.PatternTimeType.local)
            return plain.with_text(f'log.info("{MESSAGE}: %s %d" % (s, i))')

        return Contender(
            names={"log": log, "dumps": orjson.dumps},
            enabled=(
                f'log.info(dumps({{"message": "{MESSAGE}", "agent_id": i, "energy": x, "kind": s}})[1:-1].decode())'
            ),
            disabled='log.debug("x")',
            disabled_text='log.debug("x")',
            flush=log.flush,
            finish=finish,
            bound=encoded.bound,
            excepting=encoded.excepting,
            textual=textual,
            threaded=threaded,
            synchronous=synchronous,
        )

    return made(for_threads=False)
