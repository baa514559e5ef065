"""undergird, with its ring in shared memory and on the disk, with rotation, and below structlog."""

from __future__ import annotations

import importlib
from dataclasses import replace
from pathlib import Path
from typing import Any

from loops import PLACE

import undergird
from contenders import BACKUPS, CARRIED, LOGGER_NAME, MESSAGE, Contender


def in_shared_memory(path: Path) -> Contender:
    """Returns undergird as everybody gets it."""
    return _make(path)


def on_disk(path: Path) -> Contender:
    """Returns undergird with its ring in a folder beside the log."""
    ring_dir = path.with_name(path.name + ".rings")
    # Owner only, as the library asks of every folder it puts records into.
    ring_dir.mkdir(mode=0o700)
    return _make(path, ring_dir=str(ring_dir))


def rotating(path: Path, rotate_at: int) -> Contender:
    """Returns undergird with files that are rotated by size."""
    return _make(path, max_bytes=rotate_at, backup_count=BACKUPS)


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
    return replace(_make(path), names={"log": log})


def _make(path: Path, **settings: Any) -> Contender:
    undergird.configure(str(path), level="INFO", **settings)

    def flush() -> None:
        if undergird.flush(60.0) is False:
            raise TimeoutError("undergird did not flush within 60 s")

    def finish() -> None:
        flush()
        undergird.shutdown()

    def account() -> str:
        stats = undergird.stats()
        return "".join(f", {name} {stats[name]}" for name in ("emitted", "written", "dropped", "failed", "in_flight"))

    def bound(plain: Contender) -> Contender:
        log: Any = plain.names["log"]
        return plain.with_names(log=log.bind(**CARRIED)).carrying()

    def surrounded(plain: Contender) -> Contender:
        undergird.context.bind(**CARRIED)
        return plain.carrying()

    def placed(plain: Contender) -> Contender:
        undergird.configure(str(path), level="INFO", call_site=True, **settings)
        return plain.carrying(PLACE)

    def synchronous(plain: Contender) -> Contender:
        undergird.configure(str(path), level="INFO", sync=True, **settings)
        return plain

    return Contender(
        names={"log": undergird.get_logger(LOGGER_NAME)},
        enabled=f'log.info("{MESSAGE}", agent_id=i, energy=x, kind=s)',
        many=f'log.many("{MESSAGE}", agent_id=i, energy=x, kind=s, alive=b)',
        flush=flush,
        finish=finish,
        account=account,
        bound=bound,
        surrounded=surrounded,
        placed=placed,
        excepting=Contender.with_traceback,
        synchronous=synchronous,
    )
