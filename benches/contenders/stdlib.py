"""The standard library's logging with JSON lines the way most programs do it."""

from __future__ import annotations

import json
import logging
from collections.abc import MutableMapping
from contextvars import ContextVar
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

from loops import PLACE

from contenders import BACKUPS, CARRIED, FORMAT, LOGGER_NAME, MESSAGE, Contender, unchanged

_ORDINARY = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


class JsonFormatter(logging.Formatter):
    """Formats a record and what `extra=` put on it as one JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        """Returns the line without its end."""
        line = self.head(record)
        line.update({key: value for key, value in record.__dict__.items() if key not in _ORDINARY})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)

    def head(self, record: logging.LogRecord) -> dict[str, Any]:
        """Returns what stands in every line."""
        stamp = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds")
        return {
            "timestamp": stamp.replace("+00:00", "Z"),
            "level": record.levelname,
            "logger_name": record.name,
            "message": record.getMessage(),
        }


class PlaceFormatter(JsonFormatter):
    """Says besides where the call is."""

    def head(self, record: logging.LogRecord) -> dict[str, Any]:
        """Returns what stands in every line."""
        return {**super().head(record), "function_name": record.funcName, "line_number": record.lineno}


class Foreign(logging.Handler):
    """Formats each record and keeps the last text, as pytest's and others that collect do."""

    def emit(self, record: logging.LogRecord) -> None:
        """Keeps the record's text."""
        self.last = self.format(record)


def foreign_on_root(plain: Contender) -> Contender:
    """Returns what logs by the standard library's tree, with a handler of somebody else's on the root."""
    logging.root.addHandler(Foreign())
    return plain


class Bound(logging.LoggerAdapter[logging.Logger]):
    """Adds fields to those of the call, as `merge_extra` does from Python 3.13 on."""

    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[Any, MutableMapping[str, Any]]:
        """Returns the call with the fields of both."""
        kwargs["extra"] = {**(self.extra or {}), **kwargs["extra"]}
        return msg, kwargs


def make(path: Path) -> Contender:
    """Returns the standard library's logger."""
    return _make(logging.FileHandler(path, encoding="utf-8"))


def rotating(path: Path, rotate_at: int) -> Contender:
    """Returns it with files that are rotated by size."""
    return _make(RotatingFileHandler(path, maxBytes=rotate_at, backupCount=BACKUPS, encoding="utf-8"))


def _make(handler: logging.FileHandler) -> Contender:
    handler.setFormatter(JsonFormatter())
    log = logging.getLogger(LOGGER_NAME)
    log.setLevel(logging.INFO)
    log.addHandler(handler)

    def bound(plain: Contender) -> Contender:
        return plain.with_names(log=Bound(log, dict(CARRIED))).carrying()

    def surrounded(plain: Contender) -> Contender:
        fields: ContextVar[dict[str, object]] = ContextVar("fields")
        fields.set(dict(CARRIED))

        def add(record: logging.LogRecord) -> bool:
            record.__dict__.update(fields.get())
            return True

        handler.addFilter(add)
        return plain.carrying()

    def placed(plain: Contender) -> Contender:
        handler.setFormatter(PlaceFormatter())
        return plain.carrying(PLACE)

    def textual(plain: Contender) -> Contender:
        handler.setFormatter(logging.Formatter(FORMAT))
        return plain.with_text()

    return Contender(
        names={"log": log},
        enabled=f'log.info("{MESSAGE}", extra={{"agent_id": i, "energy": x, "kind": s}})',
        flush=handler.flush,
        finish=logging.shutdown,
        bound=bound,
        surrounded=surrounded,
        placed=placed,
        excepting=Contender.with_traceback,
        textual=textual,
        accompanied=foreign_on_root,
        synchronous=unchanged,
    )
