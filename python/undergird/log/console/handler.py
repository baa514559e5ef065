"""The console: records for people, at once, where they look."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Iterable
from typing import Self

from undergird import _core
from undergird.log.checks import FORMATS, known, level_number, switches
from undergird.log.console.excerpt import Line, excerpt
from undergird.log.console.patience import IN_EVENT_LOOP, Patience
from undergird.log.console.pretty import Entry, Page, spelled
from undergird.log.console.terminal import cells, columns, harmless, has_colours
from undergird.log.console.writing import write
from undergird.log.names import checked
from undergird.log.names import fields_of as fields_of_names
from undergird.log.sampling import held_back
from undergird.log.tree.eventdicts import unwrapped
from undergird.log.tree.handlers import message_of, parts_of, seen, told_exception
from undergird.log.tree.messages import in_event_loop, level_of
from undergird.log.tree.slow import fields_of
from undergird.log.tree.times import times
from undergird.log.values.texts import text

STYLES = ("pretty", *FORMATS)
"""How lines on the console may look."""
STREAMS = ("stderr", "stdout")
TRACEBACKS = ("short", "full")

_failures = 0
_dropped = 0


def failures() -> int:
    """How many records the console could not show, because its stream was closed or broken."""
    return _failures


def dropped() -> int:
    """How many records the console did not show, because nobody read it."""
    return _dropped


class ConsoleHandler(logging.Handler):
    """Writes records to stderr or stdout at once, through `sys.stderr` or `sys.stdout` as it is at that moment.

    A live bar of tqdm or rich stays whole. A stream that cannot be written to never stops the program; `stats()` counts
    under `console_failed` what could not be shown, and under `console_dropped` what a pipe or a terminal that nobody
    reads did not take within a second. The next line that is shown comes after one that says how many those were.

    Args:
        format: `"pretty"` for people: aligned, coloured in a terminal; or a file's `"text"`, `"logfmt"` or `"json"`.
        stream: `"stderr"` or `"stdout"`.
        level: The lowest level that is shown.
        tracebacks: Of pretty lines: `"short"` shows the last frames of the program's own code, `"full"` all there is.
        call_site: Whether to show where calls stand.
        names: Which names of process, thread and task to show; see `configure`.

    Raises:
        ConfigurationError: A value that cannot be; the message names it.

    Example:
        >>> import logging
        >>> logging.getLogger("sim").addHandler(ConsoleHandler(level="WARNING"))
        >>> logging.getLogger("sim").handlers.clear()
    """

    def __init__(
        self,
        format: str = "pretty",
        *,
        stream: str = "stderr",
        level: int | str = 0,
        tracebacks: str = "short",
        call_site: bool = False,
        names: Iterable[str] | str = (),
    ) -> None:
        self.style = known("format", format, STYLES)
        self.stream = known("stream", stream, STREAMS)
        self.tracebacks = known("tracebacks", tracebacks, TRACEBACKS)
        switches(call_site=call_site)
        self.call_site = call_site
        self.names = checked(names)
        self.patience = Patience()
        self._unsaid = 0
        self._torn = False
        self._page = Page(None, False, 0)
        super().__init__(level_number(level, "level"))

    @classmethod
    def configured(cls, style: bool | str, *, stream: str, level: int, tracebacks: str) -> Self | None:
        """What `configure` was asked for: `style` may be `True` for `"pretty"`, and `False` for none.

        Raises:
            ConfigurationError: A value that cannot be; the message names it.
        """
        wanted = "pretty" if type(style) is bool else style
        known("console", wanted, STYLES)
        known("console_stream", stream, STREAMS)
        known("console_tracebacks", tracebacks, TRACEBACKS)
        return None if style is False else cls(wanted, stream=stream, level=level, tracebacks=tracebacks)

    def handle(self, record: logging.LogRecord) -> bool:
        """Writes one record if the filters let it through, and says whether they do: as the standard library does.

        Except on a thread that runs an event loop, which must not stand still: while another one waits for room, and
        has the lock, its records are not shown.
        """
        global _dropped
        passed = self.filter(record)
        if isinstance(passed, logging.LogRecord):
            record = passed
        if passed and self._locked():
            try:
                self.emit(record)
            finally:
                self.release()
        elif passed and held_back(record) is not None:
            self._unsaid += 1
            _dropped += 1
        return passed  # type: ignore[return-value]  # a record too, from 3.12 on

    def _locked(self) -> bool:
        """Takes the lock; whether it did."""
        if self.lock is None or not in_event_loop():
            self.acquire()
            return True
        while not self.lock.acquire(timeout=IN_EVENT_LOOP):
            if self.patience.waits:
                return False
        return True

    def emit(self, record: logging.LogRecord) -> None:
        """Writes one record."""
        global _failures, _dropped
        try:
            if held_back(record) is None:
                return
            line = self.format(record) + "\n"
        except Exception:
            _failures += 1
            self.handleError(record)
            return
        try:
            if not self._show(line, level_of(record)):
                self._unsaid += 1
                _dropped += 1
        except Exception:
            # There is nowhere to say it: the stream is where the standard library would.
            _failures += 1

    def flush(self) -> None:
        """Says what was not shown, if that has not been said and the stream has room now."""
        with self.lock or contextlib.nullcontext(), contextlib.suppress(Exception):
            if self._unsaid:
                self._show("", logging.NOTSET)

    def _show(self, line: str, level: int) -> bool:
        """Writes a line behind what is to be said before it; whether it is there as a whole."""
        stream = getattr(sys, self.stream)
        if not self.patience.takes(stream, level):
            return False
        before = "\n" if self._torn else ""
        # Meanwhile there may be more: not every thread waits for the lock.
        unsaid = self._unsaid
        if unsaid:
            told = "records not shown here, for nobody read the console: %d"
            notice = logging.LogRecord("undergird", logging.WARNING, "", 0, told, (unsaid,), None)
            before += self.format(notice) + "\n"
        self._torn = not write(stream, before + line, lambda: self.patience.takes(stream, level))
        if not self._torn:
            # A signal's handler may have said them first.
            self._unsaid = max(0, self._unsaid - unsaid)
        return not self._torn

    def format(self, record: logging.LogRecord) -> str:
        """What is written for a record, without the last line's end."""
        if self.formatter is not None:
            return self.formatter.format(record)
        record = unwrapped(record)
        if self.style == "pretty":
            return self._pretty(record)
        parts = parts_of(record, call_site=self.call_site, names=self.names)
        return _core.line(FORMATS[self.style], parts).removesuffix("\n")

    def _pretty(self, record: logging.LogRecord) -> str:
        stream = getattr(sys, self.stream)
        name, level = text(record.name), text(record.levelname)
        # Aligned with the widest so far.
        names = max(self._page.names, cells(harmless(name)))
        levels = max(self._page.levels, cells(harmless(level)))
        self._page = Page(columns(stream), has_colours(stream), names, levels)
        stamp, sim_time = times(record)
        own = {"sim_time": sim_time, "held_back": held_back(record) or None}
        fields = {name: value for name, value in own.items() if value is not None} | fields_of(record)
        entry = Entry(
            created=stamp / 1e9,
            level=level_of(record),
            level_name=level,
            name=name,
            message=message_of(record),
            fields={**fields_of_names(record, self.names), **fields},
            place=f"{record.filename}:{record.lineno}" if self.call_site else "",
            below=[*self._traceback(record), *_stack(record)],
        )
        return spelled(entry, self._page)

    def _traceback(self, record: logging.LogRecord) -> list[Line]:
        error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
        if self.tracebacks == "short" and isinstance(error, BaseException):
            # What an error's own methods do when they are asked is anybody's guess.
            with contextlib.suppress(Exception):
                return [line._replace(text=seen(line.text)) for line in excerpt(error)]
        told = told_exception(record)
        return [] if told is None else _block(told[0])

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.stream} ({logging.getLevelName(self.level)})>"


def _stack(record: logging.LogRecord) -> list[Line]:
    return _block(seen(record.stack_info)) if record.stack_info else []


def _block(whole: str) -> list[Line]:
    return [Line(0, line, "code") for line in whole.rstrip("\n").split("\n")]
