"""undergird, with its ring in shared memory and on the disk, and below structlog."""

from __future__ import annotations

import importlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import undergird
from contenders import CARRIED, LOGGER_NAME, MESSAGE, Contender


def in_shared_memory(path: Path) -> Contender:
    """Returns undergird as everybody gets it."""
    return _make(path, ring_dir=None)


def on_disk(path: Path) -> Contender:
    """Returns undergird with its ring in a folder beside the log."""
    ring_dir = path.with_name(path.name + ".rings")
    # Owner only, as the library asks of every folder it puts records into.
    ring_dir.mkdir(mode=0o700)
    return _make(path, ring_dir=str(ring_dir))


def through_structlog(path: Path) -> Contender:
    """Returns structlog's filtering bound logger over undergird, as the page on structlog sets it up."""
    structlog: Any = importlib.import_module("structlog")
    bridge: Any = importlib.import_module("undergird.log.structlog_bridge")
    structlog.configure(
        cache_logger_on_first_use=True,
        wrapper_class=bridge.make_filtering_bound_logger("info"),
        processors=[bridge.render_to_undergird],
        logger_factory=bridge.LoggerFactory(),
    )
    # As of structlog itself: the assembled logger, not the lazy proxy.
    log = structlog.get_logger(LOGGER_NAME).bind()
    plain = replace(_make(path, ring_dir=None), names={"log": log})
    return replace(plain, bound=lambda: plain.carrying(names={"log": log.bind(**CARRIED)}))


def _make(path: Path, ring_dir: str | None) -> Contender:
    undergird.configure(str(path), level="INFO", ring_dir=ring_dir)

    def flush() -> None:
        if undergird.flush(60.0) is False:
            raise TimeoutError("undergird did not flush within 60 s")

    def finish() -> None:
        flush()
        undergird.shutdown()

    log = undergird.get_logger(LOGGER_NAME)

    def bound() -> Contender:
        return plain.carrying(names={"log": log.bind(**CARRIED)})

    def surrounded() -> Contender:
        undergird.context.bind(**CARRIED)
        return plain.carrying()

    def excepting() -> Contender:
        return plain.with_traceback()

    plain = Contender(
        names={"log": log},
        enabled=f'log.info("{MESSAGE}", agent_id=i, energy=x, kind=s)',
        flush=flush,
        finish=finish,
        bound=bound,
        surrounded=surrounded,
        excepting=excepting,
    )
    return plain
