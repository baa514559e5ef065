"""The ways to log a step of the simulation that the demo compares, each with one ordinary call for every event.

Every contender writes the same fields as JSON lines to a file of its own, and each has its fastest ordinary set-up:

* The standard library: a `FileHandler` and a formatter around one prepared JSON encoder. The fields come in one
  ``extra`` attribute, which spares searching them in the record. As always with a `FileHandler`, each record is
  handed to the operating system before the call returns.
* structlog: a filtering bound logger, bound once; three processors; orjson where it is installed; a file with a large
  buffer and no flush for each record. That is faster than structlog's own `BytesLogger`, which locks and flushes each
  time; what is in the buffer is lost when the process is killed.
* undergird: as its documentation shows, with nothing set but the path.
"""

from __future__ import annotations

import json
import logging
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any, BinaryIO

import undergird
from undergird.testing.demo.results import WITHOUT_ORJSON
from undergird.testing.sorting import Swaps

LOGGER = "demo.sorting"
_BUFFER = 1 << 20


class Contender(ABC):
    """One way to log.

    Attributes:
        name: What the report calls it.
        path: The file it writes, or None.
    """

    name: str
    path: Path | None = None

    @abstractmethod
    def log_step(self, step: int, swaps: Swaps, quality: float) -> None:
        """Logs every exchange of a step and then the step: ``len(swaps) + 1`` records."""

    @abstractmethod
    def flush(self) -> None:
        """Returns when all that was logged is in the file."""

    @abstractmethod
    def close(self) -> None:
        """Gives back what was opened."""


@contextmanager
def contenders(directory: Path) -> Iterator[list[Contender]]:
    """The ways to log, ready to use and closed at the end: no logging, undergird, the standard library, structlog.

    Args:
        directory: Where their files go.
    """
    with ExitStack() as opened:
        ready: list[Contender] = [_Silent()]
        for kind in (_Undergird, _Stdlib, _Structlog):
            contender = kind(directory)
            opened.callback(contender.close)
            ready.append(contender)
        yield ready


class _Silent(Contender):
    """Goes through the events and logs nothing: the time of the simulation itself."""

    name = "no logging"

    def log_step(self, step: int, swaps: Swaps, quality: float) -> None:
        for _agent, _partner, _x, _y, _delta in swaps.rows():
            pass

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass


class _Undergird(Contender):
    """undergird, with nothing set but the path."""

    name = "undergird"

    def __init__(self, directory: Path) -> None:
        self.path = directory / "undergird.log"
        undergird.configure(self.path)
        self._log = undergird.get_logger(LOGGER)

    def log_step(self, step: int, swaps: Swaps, quality: float) -> None:
        log = self._log
        for agent, partner, x, y, delta in swaps.rows():
            log.info("cell swapped", step=step, agent=agent, partner=partner, x=x, y=y, delta=delta)
        log.info("step finished", step=step, swaps=len(swaps), quality=quality)

    def flush(self) -> None:
        if not undergird.flush():
            raise TimeoutError("undergird could not write everything: what was measured would be wrong")

    def close(self) -> None:
        undergird.shutdown()


class _JsonFormatter(logging.Formatter):
    def __init__(self) -> None:
        super().__init__()
        self._encode = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":")).encode

    def format(self, record: logging.LogRecord) -> str:
        stamp = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds")
        return self._encode(
            {
                "timestamp": stamp.replace("+00:00", "Z"),
                "level": record.levelname,
                "logger_name": record.name,
                "message": record.getMessage(),
                **record.__dict__["fields"],
            }
        )


class _Stdlib(Contender):
    """The standard library's logging."""

    name = "stdlib logging"

    def __init__(self, directory: Path) -> None:
        self.path = directory / "stdlib.log"
        self._handler = logging.FileHandler(self.path, encoding="utf-8")
        self._handler.setFormatter(_JsonFormatter())
        # Not in the tree of loggers, so that neither the program's handlers nor ours get its records.
        logger = logging.Logger(LOGGER, logging.INFO)
        logger.addHandler(self._handler)
        self._log = logger

    def log_step(self, step: int, swaps: Swaps, quality: float) -> None:
        log = self._log
        for agent, partner, x, y, delta in swaps.rows():
            log.info(
                "cell swapped",
                extra={"fields": {"step": step, "agent": agent, "partner": partner, "x": x, "y": y, "delta": delta}},
            )
        log.info("step finished", extra={"fields": {"step": step, "swaps": len(swaps), "quality": quality}})

    def flush(self) -> None:
        self._handler.flush()

    def close(self) -> None:
        self._handler.close()


class _Unflushed:
    """The innermost logger for structlog: what is rendered goes straight into the file's buffer."""

    def __init__(self, file: BinaryIO) -> None:
        self.debug = self.info = self.warning = self.error = self.critical = file.write


class _Structlog(Contender):
    """structlog in its fastest set-up."""

    def __init__(self, directory: Path) -> None:
        import structlog

        self.path = directory / "structlog.log"
        self._file = self.path.open("wb", buffering=_BUFFER)
        fast = find_spec("orjson") is not None
        self.name = "structlog, orjson" if fast else WITHOUT_ORJSON
        logger = structlog.wrap_logger(
            _Unflushed(self._file),
            processors=[
                structlog.processors.add_log_level,
                structlog.processors.TimeStamper(fmt="iso", utc=True, key="timestamp"),
                _orjson_renderer() if fast else _json_renderer(),
            ],
            wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
            context_class=dict,
            cache_logger_on_first_use=True,
        )
        # Binding once gives the final logger instead of the proxy that assembles it.
        self._log = logger.bind(logger_name=LOGGER)

    def log_step(self, step: int, swaps: Swaps, quality: float) -> None:
        log = self._log
        for agent, partner, x, y, delta in swaps.rows():
            log.info("cell swapped", step=step, agent=agent, partner=partner, x=x, y=y, delta=delta)
        log.info("step finished", step=step, swaps=len(swaps), quality=quality)

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        self._file.close()


def _orjson_renderer() -> Any:
    import orjson
    import structlog

    return structlog.processors.JSONRenderer(serializer=orjson.dumps, option=orjson.OPT_APPEND_NEWLINE)


def _json_renderer() -> Any:
    encode = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":")).encode

    def render(_logger: object, _method: str, event: dict[str, Any]) -> bytes:
        return encode(event).encode() + b"\n"

    return render
