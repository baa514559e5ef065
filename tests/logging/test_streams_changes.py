"""What a line of the standard library's handlers depends on may change: it acts at the very next call."""

from __future__ import annotations

import logging as standard
import re
import time
from collections.abc import Callable
from unittest import mock

import pytest
from tests.logging.conftest import Lines, counted, theirs


def replaces_the_formatter(lines: Lines) -> None:
    lines.handler.setFormatter(standard.Formatter("new %(message)s"))


def takes_the_formatter_away(lines: Lines) -> None:
    vars(lines.handler)["formatter"] = None


def of_formatter(name: str, value: object) -> Callable[[Lines], None]:
    return lambda lines: setattr(lines.formatter, name, value)


def of_handler(name: str, value: object) -> Callable[[Lines], None]:
    return lambda lines: setattr(lines.handler, name, value)


def writes_the_style(lines: Lines) -> None:
    assert lines.formatter is not None
    lines.formatter._style._fmt = "style %(message)s"


def gives_the_style_defaults(lines: Lines) -> None:
    assert lines.formatter is not None
    lines.formatter._style._defaults = {"x": 1}  # type: ignore[attr-defined]
    lines.formatter._style._fmt = "%(x)s %(message)s"


def changes_the_message(record: standard.LogRecord) -> bool:
    record.msg = "filtered"
    return True


def appends_a_filter(lines: Lines) -> None:
    lines.handler.filters.append(changes_the_message)


def appends_a_filter_to_the_logger(lines: Lines) -> None:
    lines.logger.filters.append(changes_the_message)


def writes_something_else(lines: Lines) -> None:
    lines.stream.write("something else ")


def sets_the_stream(lines: Lines) -> None:
    lines.handler.setStream(lines.path.open("a", encoding="latin-1"))


def closes_the_handler(lines: Lines) -> None:
    lines.handler.close()  # the next record opens the file again


def renames_a_level(lines: Lines) -> None:
    standard.addLevelName(standard.INFO, "NOTE")


def changes_the_class(lines: Lines) -> None:
    class Own(standard.FileHandler):
        terminator = " own\n"

    lines.handler.__class__ = Own


CHANGES = [
    replaces_the_formatter,
    takes_the_formatter_away,
    of_formatter("datefmt", "%M"),
    of_formatter("default_time_format", "%M"),
    of_formatter("default_msec_format", "%s.%03d"),
    of_formatter("default_msec_format", None),
    of_formatter("converter", lambda seconds: time.gmtime(0)),
    of_formatter("formatTime", lambda record, date: "then"),
    of_formatter("format", lambda record: "formatted"),
    of_formatter("_style", standard.StrFormatStyle("brace {message}")),
    of_formatter("_fmt", "of no concern"),
    writes_the_style,
    gives_the_style_defaults,
    of_handler("terminator", "!\n"),
    of_handler("level", standard.ERROR),
    of_handler("format", lambda record: "by the handler"),
    of_handler("flush", lambda: None),
    of_handler("filters", [lambda record: False]),
    appends_a_filter,
    appends_a_filter_to_the_logger,
    writes_something_else,
    sets_the_stream,
    closes_the_handler,
    renames_a_level,
    changes_the_class,
]


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_acts_at_the_next_call(lines: Lines, change: Callable[[Lines], None]) -> None:
    written = []
    formatter = vars(lines.formatter).copy()
    for call in (lines.logger.info, lambda *args: theirs(lines.logger, "info", *args)):
        lines.handler.__class__ = standard.FileHandler
        lines.settle()
        before = dict(vars(lines.handler)), dict(vars(lines.formatter)), dict(vars(formatter["_style"]))
        try:
            change(lines)
            call("after %d", 1)
            call("after %d", 2)
            lines.stream.flush()
            written.append([re.sub(r"\d", "0", line) for line in lines.new()])
        finally:
            standard.addLevelName(standard.INFO, "INFO")
            del lines.logger.filters[:], before[0]["filters"][:]
            lines.stream.close()
            for one, attributes in zip((lines.handler, lines.formatter, formatter["_style"]), before, strict=True):
                vars(one).clear()
                vars(one).update(attributes)
            lines.stream.close()
            lines.handler.stream = lines.handler._open()
    assert written[0] == written[1]


PATCHED = [
    (standard.Filterer, "filter"),
    (standard.Handler, "handle"),
    (standard.Handler, "format"),
    (standard.Handler, "acquire"),
    (standard.StreamHandler, "emit"),
    (standard.StreamHandler, "flush"),
    (standard.FileHandler, "emit"),
    (standard.Formatter, "format"),
    (standard.Formatter, "formatTime"),
    (standard.Formatter, "formatMessage"),
    (standard.Formatter, "usesTime"),
    (standard.PercentStyle, "format"),
    (standard.PercentStyle, "_format"),
    (standard.PercentStyle, "usesTime"),
    (standard.LogRecord, "__init__"),
    (standard.LogRecord, "getMessage"),
    (standard.Logger, "makeRecord"),
    (standard.Logger, "callHandlers"),
]


@pytest.mark.parametrize(("class_", "name"), PATCHED)
def test_a_patch_of_a_class_acts_at_the_next_call_and_ends_with_it(lines: Lines, class_: type, name: str) -> None:
    lines.settle()
    with counted(class_, name) as calls:
        lines.logger.info("during")
        once = len(calls)
        theirs(lines.logger, "info", "during")
        # Some versions take the lock without these.
        assert once > 0 or name == "acquire"
        assert len(calls) == 2 * once
    lines.settle()
    assert len(calls) == 2 * once


@pytest.mark.parametrize(("name", "value"), [("converter", time.gmtime), ("default_time_format", "%H")])
def test_an_attribute_of_the_class_acts_at_the_next_call(lines: Lines, name: str, value: object) -> None:
    lines.settle()
    with mock.patch.object(standard.Formatter, name, value):
        lines.compare("during")
    lines.compare("after")


def test_another_time_zone_acts_at_the_next_call(lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    lines.handler.setFormatter(standard.Formatter("%(asctime)s", "%H %z"))
    try:
        for zone in ("UTC", "UTC-7", "UTC+3"):
            lines.settle()
            monkeypatch.setenv("TZ", zone)
            time.tzset()
            lines.logger.info("x")
            assert lines.new() == [time.strftime("%H %z")]
    finally:
        monkeypatch.undo()
        time.tzset()
