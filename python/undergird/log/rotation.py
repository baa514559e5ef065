"""When a log is put aside, under which name, and which of those are kept."""

from __future__ import annotations

import datetime
import os
from dataclasses import dataclass

from undergird import _core
from undergird.errors import ConfigurationError, shown
from undergird.log.checks import known, switches

_SECONDS = {"S": 1, "M": 60, "H": 3600, "D": 86_400}
_STAMPS = {"S": "%Y-%m-%d_%H-%M-%S", "M": "%Y-%m-%d_%H-%M", "H": "%Y-%m-%d_%H"}
_WORDS = ("S", "M", "H", "D", "midnight", *(f"W{day}" for day in range(7)))
_LONGEST = {"midnight": 36_500, **{when: (2**32 - 1) // seconds for when, seconds in _SECONDS.items()}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """The rules by which a log is put aside. Words and values are those of the standard library's rotating handlers.

    By size, by time, or by both, whichever comes first. Whoever writes to the log puts it aside, one process of all
    that log to it, and nobody writes to it afterwards. A log that cannot be put aside goes on growing.

    Args:
        max_bytes: A log never reaches this many bytes, unless by a single line; 0 sets no limit.
        when: `"S"`, `"M"`, `"H"`, `"D"`: every `interval` seconds, minutes, hours, days, counted from the last time;
            `"midnight"`: every `interval` days at midnight; `"W0"` to `"W6"`: every Monday to Sunday at midnight.
        interval: How many of them.
        utc: Whether midnight is that of UTC rather than the local one, and names have UTC's times.
        at_time: A time of day instead of midnight.
        backup_count: How many logs are kept; `None` keeps all.
        backup_days: For how many days after their last record they are kept.
        backup_bytes: How many bytes of them are kept, the youngest first, as they are on disk.
        backup_name: What they are called: a name with `%Y %y %m %d %H %M %S %j` of the time when the log was begun, and
            `{name}`, `{stem}` and `{suffix}` of the log's own name. Where a name is taken, a number is added. The
            default is the standard library's: `run.log.2026-11-21` if they go by time, else `run.log.1` for the
            youngest.
        compress: `"gzip"`, on a thread of its own; `"zstd"` the same, where it has been built in; `None` leaves them as
            they are.

    Raises:
        ConfigurationError: A value that cannot be; the message names it.

    Example:
        >>> Rotation(when="midnight", backup_count=30, compress="gzip").when
        'midnight'
    """

    max_bytes: int = 0
    when: str | None = None
    interval: int = 1
    utc: bool = False
    at_time: datetime.time | None = None
    backup_count: int | None = None
    backup_days: float | None = None
    backup_bytes: int | None = None
    backup_name: str | None = None
    compress: str | None = None

    def __post_init__(self) -> None:
        _whole("max_bytes", self.max_bytes, 0, 2**63 - 1)
        if self.when is not None:
            known("when", self.when, _WORDS)
        _whole("interval", self.interval, 1, _LONGEST.get(self.when or "", 1 if self.when else 2**32 - 1))
        switches(utc=self.utc)
        if self.at_time is not None:
            if not isinstance(self.at_time, datetime.time):
                raise ConfigurationError(f"at_time {shown(self.at_time)} is not a datetime.time")
            if self.when in (None, *_SECONDS):
                raise ConfigurationError(
                    f"at_time {shown(self.at_time)} needs midnight or a weekday: when is {self.when!r}"
                )
        if self.backup_count is not None:
            _whole("backup_count", self.backup_count, 1, 2**32 - 2)
        if self.backup_bytes is not None:
            _whole("backup_bytes", self.backup_bytes, 0, 2**63 - 1)
        days = self.backup_days
        if days is not None and (type(days) not in (int, float) or not 0 <= days <= 1e6):
            raise ConfigurationError(f"backup_days {shown(days)} is not a number of days from 0 to 1000000")
        if self.compress is not None:
            known("compress", self.compress, ("gzip", "zstd"))
        if self.compress is not None and self.compress not in _core.compressions():
            raise ConfigurationError(
                f"compress {shown(self.compress)} is not in this build of undergird: build it with the feature "
                f"{shown(self.compress)}, or take 'gzip'"
            )
        kept = (self.backup_count, self.backup_days, self.backup_bytes, self.backup_name, self.compress)
        if not self and any(value is not None for value in kept):
            raise ConfigurationError("rules for logs that were put aside, but nothing says when: max_bytes or when")
        self.encode()

    def __bool__(self) -> bool:
        """Whether there is anything that puts the log aside."""
        return self.max_bytes > 0 or self.when is not None

    def encode(self) -> bytes:
        """The rules as the core and other processes read them."""
        name: object = self.backup_name
        if name is None:
            name = f"{{name}}.{_STAMPS.get(self.when, '%Y-%m-%d')}" if self.when else ""
        elif not isinstance(name, str) or not name:
            raise ConfigurationError(f"backup_name {shown(name)} is no name")
        try:
            return _core.encode_rotation(
                max_bytes=self.max_bytes,
                schedule=self._schedule(),
                zone="UTC" if self.utc else _zone(),
                names=name,
                files=self.backup_count,
                seconds=None if self.backup_days is None else round(self.backup_days * 86_400),
                total_bytes=self.backup_bytes,
                compression=self.compress or "",
            )
        except (TypeError, ValueError) as error:
            raise ConfigurationError(f"backup_name {shown(name)} cannot be: {error}") from error

    def _schedule(self) -> tuple[str, int, int] | None:
        at = self.at_time or datetime.time()
        second = at.hour * 3600 + at.minute * 60 + at.second
        match self.when:
            case None:
                return None
            case "S" | "M" | "H" | "D" as unit:
                return "seconds", _SECONDS[unit] * self.interval, 0
            case "midnight":
                return "days", self.interval, second
            case weekday:
                return "weekday", int(weekday[1]), second


def _whole(setting: str, value: object, least: int, most: int) -> None:
    if type(value) is not int or not least <= value <= most:
        raise ConfigurationError(f"{setting} {shown(value)} is not a whole number from {least} to {most}")


def _zone() -> str:
    """This process's time zone by name; nothing for the machine's. Asked for here: the writer's thread must not."""
    zone = os.environ.get("TZ")
    return "" if zone is None else zone or "UTC"
