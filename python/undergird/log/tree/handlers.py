"""Our handlers on the standard library's tree."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any

from undergird import _core
from undergird.log.checks import FORMATS, known_format, level_number, rules, switches
from undergird.log.exceptions.exc_info import exception_of, locals_of
from undergird.log.names import checked
from undergird.log.names import fields_of as fields_of_names
from undergird.log.paths import absolute
from undergird.log.sampling import held_back
from undergird.log.tree.branches import branches
from undergird.log.tree.eventdicts import unwrapped
from undergird.log.tree.messages import level_of, message
from undergird.log.tree.slow import fields_of
from undergird.log.tree.times import times
from undergird.log.values import constants, redaction
from undergird.log.values.texts import text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from undergird._core import Parts
    from undergird.log.rotation import Rotation

Sink = tuple[str, int, bytes, bool]
"""A file as the core knows it: its path, the number of its format, the rules by which it is put aside, and whether
calls wait for their lines."""

_LEVELS = -(1 << 63), (1 << 63) - 1


class FileHandler(logging.Handler):
    """Appends records to a file as lines, through the ring of this process.

    Calls of `undergird.Logger` do not come here: they are copied into the ring natively. What comes here are
    records of the standard library's loggers, and ours where other handlers have to see them too.

    Args:
        path: The log file.
        format: `"json"`, `"logfmt"` or `"text"`.
        level: The lowest level that is written.
        loggers: The loggers whose records are written, with those below them; all by default.
        except_loggers: Those whose records are not.
        call_site: Whether lines say function, line and file of the call.
        names: Which names of process, thread and task lines say; see `configure`.
        rotation: When the file is put aside, and what becomes of it; `None` lets it grow.
        sync: Whether a line is in the file when the call returns, whatever `configure` says.

    Raises:
        ConfigurationError: A value that cannot be; the message names it.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        format: str = "json",
        level: int | str = 0,
        loggers: Iterable[str] | str = (),
        except_loggers: Iterable[str] | str = (),
        call_site: bool = False,
        names: Iterable[str] | str = (),
        rotation: Rotation | None = None,
        sync: bool = False,
    ) -> None:
        self.path = str(absolute(path, "path"))
        self.format_name = known_format(format)
        put_aside = rules(rotation)
        switches(call_site=call_site, sync=sync)
        self.sink: Sink = (self.path, FORMATS[format], put_aside.encode() if put_aside else b"", sync)
        self.branches = branches(loggers, except_loggers)
        self.call_site = call_site
        self.names = checked(names)
        super().__init__(level_number(level, "level"))

    def __setattr__(self, name: str, value: object) -> None:
        super().__setattr__(name, value)
        _core.invalidate()

    def setFormatter(self, fmt: logging.Formatter | None) -> None:
        """Refuses: lines have the format that was named when the handler was made.

        Raises:
            TypeError: For any formatter but `None`.
        """
        if fmt is not None:
            raise TypeError(
                f"the lines of {self.path} are {self.format_name} by this handler itself; it takes no formatter"
            )

    def filter(self, record: logging.LogRecord) -> bool | logging.LogRecord:
        """Whether a record is written: its logger is one of those that are, and no filter minds."""
        return self.branches.take(text(record.name)) and super().filter(record)

    def emit(self, record: logging.LogRecord) -> None:
        """Puts a record into the ring."""
        try:
            if held_back(record) is None:
                return
            record = unwrapped(record)
            self._emit(parts_of(record, call_site=self.call_site, names=self.names))
        except Exception:
            self.handleError(record)

    def _emit(self, parts: _core.Parts) -> None:
        if _core.emit(self.sink, parts):
            return
        from undergird.log.run.setup import begin

        if _core.start([]) is None:
            # Nobody has called `configure`: the first file begins the run.
            begin(os.path.dirname(self.path))  # noqa: PTH120
        if not _core.emit(self.sink, parts):
            raise RuntimeError(f"the ring has no room for another file: {self.path} gets nothing")

    def flush(self) -> None:
        """Waits until everything logged so far is in the file, for five seconds at most."""
        _core.flush(5.0)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.path} ({logging.getLevelName(self.level)})>"


def parts_of(record: logging.LogRecord, *, call_site: bool, names: tuple[str, ...]) -> Parts:
    """A record for the core, without what is redacted.

    Args:
        record: Any record.
        call_site: Whether to say where the call stands.
        names: Which names of process, thread and task to say.
    """
    fields = fields_of(record)
    if record.stack_info:
        fields = {**fields, "stack_info": record.stack_info}
    fields = {**fields_of_names(record, names), **constants.current, **fields, **locals_of(record.exc_info)}
    stamp, sim_time = times(record)
    return {
        "stamp": stamp,
        "sim_time": sim_time,
        "held_back": held_back(record) or 0,
        "level": max(_LEVELS[0], min(level_of(record), _LEVELS[1])),
        "level_name": text(record.levelname),
        "name": text(record.name),
        "message": message_of(record),
        "fields": {text(key): value for key, value in fields.items()},
        "site": (record.funcName or "", record.pathname, record.lineno) if call_site else None,
        "exception": told_exception(record),
    }


def message_of(record: logging.LogRecord) -> str:
    """The message of a record, without what is redacted."""
    return seen(message(record.msg, _arguments(record)))


def _arguments(record: logging.LogRecord) -> tuple[Any, ...]:
    # LogRecord unpacks a single mapping; put it back, so that there is one rule.
    args = record.args
    return args if isinstance(args, tuple) else (args,) if args else ()


def told_exception(record: logging.LogRecord) -> tuple[str, str, str] | None:
    """Traceback, class and message of a record's exception, without what is redacted."""
    exception = exception_of(record.exc_info)
    if exception is None and record.exc_text:
        # It has been through a queue, for which the text was made and the exception taken off.
        return seen(record.exc_text), "", ""
    return exception and (seen(exception.text), exception.kind, seen(exception.message))


def seen(text: str) -> str:
    """The text without what is redacted."""
    return text if redaction.current is None else redaction.current.text(text)
