"""The console: records for people, at once, where they look."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Iterable, Iterator
from typing import Any, Self

from undergird import _core
from undergird.errors import ConfigurationError
from undergird.log.console.excerpt import Line, excerpt
from undergird.log.console.pretty import Entry, Page, spelled
from undergird.log.console.terminal import cells, columns, harmless, has_colours
from undergird.log.names import checked
from undergird.log.names import fields_of as fields_of_names
from undergird.log.sampling import held_back
from undergird.log.tree.eventdicts import unwrapped
from undergird.log.tree.handlers import FORMATS, message_of, parts_of, seen, told_exception
from undergird.log.tree.slow import fields_of
from undergird.log.tree.times import times
from undergird.log.values.texts import text

STYLES = ("pretty", *FORMATS)
"""How lines on the console may look."""
STREAMS = ("stderr", "stdout")
TRACEBACKS = ("short", "full")

_failures = 0


def failures() -> int:
    """How many records the console could not show, because its stream was closed or broken."""
    return _failures


class ConsoleHandler(logging.Handler):
    """Writes records to stderr or stdout at once, through `sys.stderr` or `sys.stdout` as it is at that moment.

    A live bar of tqdm or rich stays whole. A stream that cannot be written to never stops the program; `stats()` counts
    under `console_failed` what could not be shown.

    Args:
        format: `"pretty"` for people: aligned, coloured in a terminal; or a file's `"text"`, `"logfmt"` or `"json"`.
        stream: `"stderr"` or `"stdout"`.
        level: The lowest level that is shown.
        tracebacks: Of pretty lines: `"short"` shows the last frames of the program's own code, `"full"` all there is.
        call_site: Whether to show where calls stand.
        names: Which names of process, thread and task to show; see `configure`.

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
        self.style = format
        self.stream = stream
        self.tracebacks = tracebacks
        self.call_site = call_site
        self.names = checked(names)
        self._page = Page(None, False, 0)
        super().__init__(level)

    @classmethod
    def configured(cls, style: bool | str, *, stream: str, level: int, tracebacks: str) -> Self | None:
        """What `configure` was asked for: `style` may be `True` for `"pretty"`, and `False` for none.

        Raises:
            ConfigurationError: A value that cannot be; the message names it.
        """
        wanted = "pretty" if type(style) is bool else style
        given: dict[str, tuple[object, tuple[str, ...]]] = {
            "console": (wanted, STYLES),
            "console_stream": (stream, STREAMS),
            "console_tracebacks": (tracebacks, TRACEBACKS),
        }
        for setting, (word, words) in given.items():
            if not isinstance(word, str) or word not in words:
                raise ConfigurationError(f"{setting} {word!r} is not known; there is {', '.join(map(repr, words))}")
        return None if style is False else cls(wanted, stream=stream, level=level, tracebacks=tracebacks)

    def emit(self, record: logging.LogRecord) -> None:
        """Writes one record."""
        global _failures
        try:
            if held_back(record) is None:
                return
            line = self.format(record) + "\n"
        except Exception:
            _failures += 1
            self.handleError(record)
            return
        try:
            _write(getattr(sys, self.stream), line)
        except Exception:
            # There is nowhere to say it: the stream is where the standard library would.
            _failures += 1

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
            level=record.levelno,
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


def _write(stream: Any, line: str) -> None:
    with _bars_away(stream):
        try:
            stream.write(line)
        except UnicodeEncodeError:
            encoding = getattr(stream, "encoding", None) or "ascii"
            stream.write(line.encode(encoding, "backslashreplace").decode(encoding))
        stream.flush()


@contextlib.contextmanager
def _bars_away(stream: Any) -> Iterator[None]:
    """Takes live bars of tqdm away while a line is written, if tqdm is loaded.

    Rich does the same by itself: while a bar is live, `sys.stderr` and `sys.stdout` are its own.
    """
    tqdm = getattr(sys.modules.get("tqdm.std"), "tqdm", None)
    if tqdm is None or not getattr(tqdm, "_instances", None):
        yield
        return
    with tqdm.external_write_mode(file=stream):
        yield
