"""A logger for coroutines: its calls wait for room without holding the event loop up, and then lose nothing."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from undergird import _core
from undergird.errors import ConfigurationError, shown
from undergird.log.checks import level_number
from undergird.log.levels import METHODS
from undergird.log.loggers import get_logger
from undergird.log.run import setup

if TYPE_CHECKING:
    import os

_PAUSES = 0.001, 0.02
_TURN = 256
_PUT_ASIDE = 64 << 20


@dataclass(frozen=True, slots=True)
class AsyncLoggerStats:
    """What an `AsyncLogger` has done since it was started.

    Attributes:
        messages_per_second: Records a second.
        queue_utilization: Records that wait to be written, as a share of `max_queue_size`; from 0 to 1.
        avg_latency_ms: How long a call took, in milliseconds, waiting for room included.
    """

    messages_per_second: float = 0.0
    queue_utilization: float = 0.0
    avg_latency_ms: float = 0.0


class AsyncLogger:
    """A logger whose calls are awaited.

    Records go the way of every other: into the ring, and from there into the run's files. Where an ordinary call would
    hold the loop up for a moment and then refuse the record, these let other tasks run until there is room. Fields of
    `undergird.context` are those of the calling task. Levels of `undergird.add_level` have their methods, such as
    `aemergence`.

    Args:
        name: The logger's name.
        level: The lowest level that is logged, where no run is set up yet.
        path: The log file, where no run is set up yet; `NAME.log` by default.
        batch_size: Records after which the writer is to write at the latest. It never waits for them: what is there is
            written within 50 ms.
        flush_interval: Seconds after which, at the latest, a record is to be written; as above.
        max_queue_size: How many records of this logger may wait to be written.
        compression: Whether logs that were put aside are compressed, where no run is set up yet.
        async_write: Whether the disk is written to while the program goes on; `False` writes each line before its call
            returns, where no run is set up yet.

    Raises:
        ConfigurationError: A size or an interval that is not positive, or an unknown level.

    Example:
        >>> import asyncio
        >>> async def main():
        ...     async with AsyncLogger("sim") as log:
        ...         await log.ainfo("step", number=1)
        >>> asyncio.run(main())
    """

    def __init__(
        self,
        name: str = "async",
        *,
        level: int | str = "DEBUG",
        path: str | os.PathLike[str] | None = None,
        batch_size: int = 1000,
        flush_interval: float = 1.0,
        max_queue_size: int = 10_000,
        compression: bool = False,
        async_write: bool = True,
    ) -> None:
        sizes = {"batch_size": batch_size, "flush_interval": flush_interval, "max_queue_size": max_queue_size}
        for setting, value in sizes.items():
            if not value > 0:
                raise ConfigurationError(f"{setting} {shown(value)} is not positive")
        self.name = name
        self._level = level_number(level, "level")
        self._path = path
        self._compression = compression
        self._async_write = async_write
        self._most = max_queue_size
        # Two parts wait at most: the one that is being filled, and the one before it.
        self._part = max(max_queue_size // 2, 1)
        self._left = self._part
        self._mark = 0
        self._calls = 0
        self._spent = 0.0
        self._started: float | None = None
        self._logger = get_logger(name)

    async def start(self) -> None:
        """Sets a run up, if there is none; again, it does nothing."""
        if self._started is not None:
            return
        if not setup.is_set_up():
            setup.configure(
                self._path or f"{self.name}.log",
                level=self._level,
                sync=not self._async_write,
                max_bytes=_PUT_ASIDE if self._compression else 0,
                compress="gzip" if self._compression else None,
            )
        self._started = time.perf_counter()

    async def stop(self) -> None:
        """Waits until everything is written; again, it does nothing."""
        await self.flush()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.stop()

    async def flush(self) -> None:
        """Waits until everything logged so far is in its files; other tasks run meanwhile."""
        await _written(_core.positions()[1])

    @asynccontextmanager
    async def ensure_flushed(self) -> AsyncIterator[Self]:
        """Everything that was logged before the end of the block is in its files afterwards.

        Example:
            >>> async def step(log):
            ...     async with log.ensure_flushed():
            ...         await log.adebug("Processing")
        """
        try:
            yield self
        finally:
            await self.flush()

    async def get_performance_stats(self) -> AsyncLoggerStats:
        """What it has done since it was started; zeros before."""
        if self._started is None or not self._calls:
            return AsyncLoggerStats()
        waiting = _core.stats()["in_flight"]
        return AsyncLoggerStats(
            self._calls / max(time.perf_counter() - self._started, 1e-9),
            min(waiting / self._most, 1.0),
            1000 * self._spent / self._calls,
        )

    async def adebug(self, msg: object, /, *args: object, **fields: Any) -> None:
        """Logs with level DEBUG; the arguments are those of `Logger.debug`."""
        await self._log(logging.DEBUG, msg, args, fields)

    async def ainfo(self, msg: object, /, *args: object, **fields: Any) -> None:
        """Logs with level INFO; the arguments are those of `Logger.info`."""
        await self._log(logging.INFO, msg, args, fields)

    async def awarning(self, msg: object, /, *args: object, **fields: Any) -> None:
        """Logs with level WARNING; the arguments are those of `Logger.warning`."""
        await self._log(logging.WARNING, msg, args, fields)

    async def aerror(self, msg: object, /, *args: object, **fields: Any) -> None:
        """Logs with level ERROR; the arguments are those of `Logger.error`."""
        await self._log(logging.ERROR, msg, args, fields)

    async def acritical(self, msg: object, /, *args: object, **fields: Any) -> None:
        """Logs with level CRITICAL; the arguments are those of `Logger.critical`."""
        await self._log(logging.CRITICAL, msg, args, fields)

    async def aexception(self, msg: object, /, *args: object, exc_info: Any = True, **fields: Any) -> None:
        """Logs with level ERROR and the exception that is being handled; as `Logger.exception`."""
        await self._log(logging.ERROR, msg, args, {"exc_info": exc_info, **fields})

    async def alog(self, level: int, msg: object, /, *args: object, **fields: Any) -> None:
        """Logs with any level; the arguments are those of `Logger.log`."""
        await self._log(level, msg, args, fields)

    def __getattr__(self, name: str) -> Callable[..., Coroutine[Any, Any, None]]:
        # The method of a level that the program has added.
        if not name.startswith("a") or name[1:] not in METHODS:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return partial(self.alog, METHODS[name[1:]])

    async def _log(self, level: int, msg: object, args: tuple[object, ...], fields: dict[str, Any]) -> None:
        begin = time.perf_counter()
        if self._calls % _TURN == 0:
            # Who only logs would never let others run.
            await asyncio.sleep(0)
        await self._room()
        self._logger.log(level, msg, *args, **fields)
        self._calls += 1
        self._spent += time.perf_counter() - begin

    async def _room(self) -> None:
        """Waits until there is room in the ring and in the share of it that this logger may fill."""
        while True:
            # Looked at anew after each wait: other tasks have waited for the same room.
            tail, head, capacity = _core.positions()
            if head - tail > capacity // 2:
                await _written(head - capacity // 2)
            elif self._left > 0:
                break
            elif self._mark > tail and head >= self._mark:
                await _written(self._mark)
            else:
                self._mark, self._left = head, self._part
        self._left -= 1


async def _written(position: int) -> None:
    """Lets other tasks run until everything before a position is written, or the ring has been replaced."""
    pause, longest = _PAUSES
    while True:
        tail, head, _ = _core.positions()
        if tail >= position or head < position:
            return
        await asyncio.sleep(pause)
        pause = min(2 * pause, longest)
