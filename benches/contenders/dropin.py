"""undergird below the calls of `logging`: by its own module, and by the standard library's after `install()`."""

from __future__ import annotations

import logging as standard
from pathlib import Path
from typing import Any

import undergird
from contenders import FORMAT, LOGGER_NAME, MESSAGE, Contender
from contenders.stdlib import foreign_on_root
from undergird import logging
from undergird.log import FileHandler
from undergird.logging import install


def face(path: Path) -> Contender:
    """Returns a logger of `from undergird import logging`."""
    return _make(logging.getLogger(LOGGER_NAME), path)


def installed(path: Path) -> Contender:
    """Returns a plain logger of the standard library after `install()`."""
    install()
    return _make(standard.getLogger(LOGGER_NAME), path)


def _make(log: standard.Logger, path: Path) -> Contender:
    handlers: list[standard.Handler] = []

    def use(handler: standard.Handler) -> None:
        log.addHandler(handler)
        handlers.append(handler)

    def textual(plain: Contender) -> Contender:
        log.removeHandler(handlers.pop())
        use(standard.FileHandler(path, encoding="utf-8"))
        handlers[0].setFormatter(standard.Formatter(FORMAT))
        return plain.with_text()

    def flush() -> None:
        for handler in handlers:
            handler.flush()

    def finish() -> None:
        standard.shutdown()
        undergird.shutdown()

    path.touch()
    log.setLevel(standard.INFO)
    use(FileHandler(path))
    names: dict[str, Any] = {"log": log}
    return Contender(
        names=names,
        enabled=f'log.info("{MESSAGE}", extra={{"agent_id": i, "energy": x, "kind": s}})',
        flush=flush,
        finish=finish,
        textual=textual,
        accompanied=foreign_on_root,
    )
