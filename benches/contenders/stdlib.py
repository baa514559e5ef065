"""The standard library's logging with JSON lines the way most programs do it."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from pathlib import Path

from contenders import LOGGER_NAME, MESSAGE, Contender

_ORDINARY = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


class JsonFormatter(logging.Formatter):
    """Formats a record and what `extra=` put on it as one JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        """Returns the line without its end."""
        stamp = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds")
        line = {
            "timestamp": stamp.replace("+00:00", "Z"),
            "level": record.levelname,
            "logger_name": record.name,
            "message": record.getMessage(),
        }
        line.update({key: value for key, value in record.__dict__.items() if key not in _ORDINARY})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)


def make(path: Path) -> Contender:
    """Returns the standard library's logger."""
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(JsonFormatter())
    log = logging.getLogger(LOGGER_NAME)
    log.setLevel(logging.INFO)
    log.addHandler(handler)
    return Contender(
        names={"log": log},
        enabled=f'log.info("{MESSAGE}", extra={{"agent_id": i, "energy": x, "kind": s}})',
        flush=handler.flush,
        finish=logging.shutdown,
    )
