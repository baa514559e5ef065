"""Our handlers on the standard library's tree."""

from __future__ import annotations

import logging
import os
import sys
from typing import TYPE_CHECKING, Any

from undergird import _core
from undergird.log import redaction
from undergird.log.exceptions import exception_of, locals_of
from undergird.log.names import checked
from undergird.log.names import fields_of as fields_of_names
from undergird.log.rendering import message
from undergird.log.slow import fields_of
from undergird.log.texts import text
from undergird.log.times import times
from undergird.log.values import render

if TYPE_CHECKING:
    from collections.abc import Iterable

    from undergird.log.rotation import Rotation

FORMATS = {"json": 0, "logfmt": 1, "text": 2}
"""The formats of files, with their numbers in a ring's dictionary."""

Sink = tuple[str, int, bytes]
"""A file as the core knows it: its path, the number of its format, the rules by which it is put aside."""

_LEVELS = -(1 << 63), (1 << 63) - 1
_TRACEBACKS = logging.Formatter()


class FileHandler(logging.Handler):
    """Appends records to a file as lines of JSON, through the ring of this process.

    Calls of `undergird.Logger` do not come here: they are copied into the ring natively. What comes here are
    records of the standard library's loggers, and ours where other handlers have to see them too.

    Args:
        path: The log file.
        format: `"json"`.
        level: The lowest level that is written.
        call_site: Whether lines say function, line and file of the call.
        names: Which names of process, thread and task lines say; see `configure`.
        rotation: When the file is put aside, and what becomes of it; `None` lets it grow.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        format: str = "json",
        level: int | str = 0,
        call_site: bool = False,
        names: Iterable[str] | str = (),
        rotation: Rotation | None = None,
    ) -> None:
        self.path = os.path.abspath(os.fspath(path))  # noqa: PTH100 -- links stay, as in the standard library
        self.sink: Sink = (self.path, FORMATS[format], rotation.encode() if rotation else b"")
        self.call_site = call_site
        self.names = checked(names)
        super().__init__(level)

    def __setattr__(self, name: str, value: object) -> None:
        super().__setattr__(name, value)
        _core.invalidate()

    def setFormatter(self, fmt: logging.Formatter | None) -> None:
        """Refuses: lines have the format that was named when the handler was made.

        Raises:
            TypeError: For any formatter but `None`.
        """
        if fmt is not None:
            raise TypeError(f"the lines of {self.path} are JSON by this handler itself; it takes no formatter")

    def emit(self, record: logging.LogRecord) -> None:
        """Puts a record into the ring."""
        try:
            fields = fields_of(record)
            if record.stack_info:
                fields = {**fields, "stack_info": record.stack_info}
            fields = {**fields, **locals_of(record.exc_info)}
            stamp, sim_time = times(record)
            site = (record.funcName or "", record.pathname, record.lineno) if self.call_site else None
            _core.emit(
                self.sink,
                stamp=stamp,
                sim_time=sim_time,
                level=max(_LEVELS[0], min(record.levelno, _LEVELS[1])),
                level_name=text(record.levelname),
                name=text(record.name),
                message=_seen(message(record.msg, _arguments(record))),
                fields={text(key): value for key, value in {**fields_of_names(record, self.names), **fields}.items()},
                site=site,
                exception=_exception(record),
            )
        except Exception:
            self.handleError(record)

    def flush(self) -> None:
        """Waits until everything logged so far is in the file, for five seconds at most."""
        _core.flush(5.0)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.path} ({logging.getLevelName(self.level)})>"


def _arguments(record: logging.LogRecord) -> tuple[Any, ...]:
    # LogRecord unpacks a single mapping; put it back, so that there is one rule.
    args = record.args
    return args if isinstance(args, tuple) else (args,) if args else ()


def _exception(record: logging.LogRecord) -> tuple[str, str, str] | None:
    exception = exception_of(record.exc_info)
    if exception is None and record.exc_text:
        # It has been through a queue, for which the text was made and the exception taken off.
        return _seen(record.exc_text), "", ""
    return exception and (_seen(exception.text), exception.kind, _seen(exception.message))


def _shown(value: object) -> str:
    return value if type(value) is str else render(value)[1]


def _seen(text: str) -> str:
    """The text without what is redacted."""
    return text if redaction.current is None else redaction.current.text(text)


class ConsoleHandler(logging.Handler):
    """Writes records as plain lines to stderr, at once, through `sys.stderr` as it is at that moment."""

    def emit(self, record: logging.LogRecord) -> None:
        """Writes one record."""
        try:
            stream = sys.stderr
            if stream is not None:
                stream.write(self.format(record) + "\n")
                stream.flush()
        except Exception:
            self.handleError(record)

    def format(self, record: logging.LogRecord) -> str:
        """The line: time, level, logger, message, fields; then the traceback, if there is one."""
        if self.formatter is not None:
            return self.formatter.format(record)
        stamp = _TRACEBACKS.formatTime(record, "%H:%M:%S")
        parts = [f"{stamp}.{int(record.msecs):03d}", f"{record.levelname:8}", f"{record.name}:"]
        parts.append(_seen(message(record.msg, _arguments(record))))
        parts += [f"{key}={_shown(value)}" for key, value in fields_of(record).items()]
        exception = _exception(record)
        return " ".join(parts) + (f"\n{exception[0]}" if exception else "")
