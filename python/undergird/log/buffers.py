"""Records that are held back: handed on together, or never."""

from __future__ import annotations

import contextvars
import logging
import os
import time
import weakref
from collections import deque
from collections.abc import Generator
from contextlib import nullcontext
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from undergird import _core
from undergird.clock import SimulationClock, use
from undergird.errors import ConfigurationError, shown
from undergird.log import bulk
from undergird.log.callers import caller
from undergird.log.exceptions.exc_info import exc_info_of, stack_of
from undergird.log.levels import METHODS
from undergird.log.tree.messages import message
from undergird.log.tree.slow import Place, extra_of, place_of, slow, stacklevel_of
from undergird.log.values.fields import frozen_fields

if TYPE_CHECKING:
    from collections.abc import Callable

    from undergird.log.logger import Logger


class Flushed(int):
    """How many records were handed on. It can be awaited too, for who writes `await buffer.flush()`.

    Example:
        >>> Flushed(3) + 1
        4
    """

    def __await__(self) -> Generator[None, None, int]:
        yield from ()
        return int(self)


class _Held(NamedTuple):
    """A call as it was."""

    context: contextvars.Context
    logger: Logger
    level: int
    message: str
    fields: dict[str, Any]
    exc_info: Any
    stamp: int
    clock: SimulationClock | None
    place: Place


class _Store:
    """What a buffer holds, and those that were bound from it. What nobody can reach any more is handed on."""

    def __init__(self, capacity: int, flush_level: int | None, keep_last: bool) -> None:
        self.held: deque[_Held] = deque(maxlen=capacity if keep_last else None)
        self.capacity, self.flush_level, self.keep_last = capacity, flush_level, keep_last
        # At the end of the interpreter too, and before the log's own end.
        weakref.finalize(self, _hand_on, self.held)
        _stores.add(self)


class Buffer:
    """Holds records back until they are wanted; what `Logger.create_buffer` gives.

    It has the level methods of its logger, those of `undergird.add_level` included. A record is held as it is at its
    call: values, context, time and place are those of then.

    Attributes:
        logger: Whose records they are.
    """

    __slots__ = ("_store", "logger")

    def __init__(self, logger: Logger, store: _Store) -> None:
        self.logger = logger
        self._store = store

    def bind(self, /, **fields: Any) -> Buffer:
        """A buffer whose records carry these fields as well; it holds what this one holds.

        Example:
            >>> import undergird
            >>> buffer = undergird.get_logger("docs").create_buffer()
            >>> buffer.bind(agent_id=7).error("lost")
            >>> len(buffer)
            1
        """
        return Buffer(self.logger.bind(**fields), self._store)

    def debug(self, msg: object, /, *args: Any, **fields: Any) -> None:
        """Holds a record at DEBUG; see `Logger.info`."""
        self.log(logging.DEBUG, msg, *args, **fields)

    def info(self, msg: object, /, *args: Any, **fields: Any) -> None:
        """Holds a record at INFO; see `Logger.info`."""
        self.log(logging.INFO, msg, *args, **fields)

    def warning(self, msg: object, /, *args: Any, **fields: Any) -> None:
        """Holds a record at WARNING; see `Logger.info`."""
        self.log(logging.WARNING, msg, *args, **fields)

    def error(self, msg: object, /, *args: Any, **fields: Any) -> None:
        """Holds a record at ERROR; see `Logger.info`."""
        self.log(logging.ERROR, msg, *args, **fields)

    def critical(self, msg: object, /, *args: Any, **fields: Any) -> None:
        """Holds a record at CRITICAL; see `Logger.info`."""
        self.log(logging.CRITICAL, msg, *args, **fields)

    def exception(self, msg: object, /, *args: Any, exc_info: Any = True, **fields: Any) -> None:
        """Holds a record at ERROR with the exception that is being handled; see `Logger.exception`."""
        self.log(logging.ERROR, msg, *args, exc_info=exc_info, **fields)

    def log(self, level: int, msg: object, /, *args: Any, **fields: Any) -> None:
        """Holds a record at any level; see `Logger.log`."""
        store = self._store
        if not self.logger.isEnabledFor(level):
            return
        exc_info = None
        if bulk.SPECIAL.isdisjoint(fields):
            frame = caller()
        else:
            exc_info = exc_info_of(fields.pop("exc_info", None))
            frame = caller(stacklevel_of(fields.pop("stacklevel", 1), (msg, *args)))
            if fields.pop("stack_info", False):
                fields["stack_info"] = stack_of(frame)
            fields = {**extra_of(fields.pop("extra", None)), **fields}
        text = msg if type(msg) is str and not args else message(msg, args)
        context, (stamp, sim_time) = contextvars.copy_context(), _core.clock_times()
        # One that stands still: it shows at the flush what the clock has shown here.
        clock = None
        if sim_time is not None:
            clock = SimulationClock(sim_time)
        elif stamp is not None:
            clock = SimulationClock(stamp / 10**9, stamps=True)
        stamp = time.time_ns() if stamp is None else stamp
        frozen, place = frozen_fields(fields), place_of(frame)
        store.held.append(_Held(context, self.logger, level, text, frozen, exc_info, stamp, clock, place))
        full = len(store.held) >= store.capacity and not store.keep_last
        if full or (store.flush_level is not None and level >= store.flush_level):
            self.flush()

    def flush(self) -> Flushed:
        """Hands on what is held, in order; does so at once, and can be awaited.

        Returns:
            How many records there were. They are in the ring now; `undergird.flush` waits for the file.

        Example:
            >>> import undergird
            >>> buffer = undergird.get_logger("docs").create_buffer()
            >>> buffer.error("agent lost", agent_id=7)
            >>> int(buffer.flush())
            1
        """
        return Flushed(_hand_on(self._store.held))

    def discard(self) -> int:
        """Forgets what is held; how many records there were.

        Example:
            >>> import undergird
            >>> buffer = undergird.get_logger("docs").create_buffer()
            >>> buffer.error("what nobody will want to know")
            >>> buffer.discard(), len(buffer)
            (1, 0)
        """
        held = self._store.held
        count = len(held)
        held.clear()
        return count

    def __len__(self) -> int:
        return len(self._store.held)

    def __bool__(self) -> bool:
        # A buffer is there, whether it holds something or not.
        return True

    def __getattr__(self, name: str) -> Callable[..., None]:
        # The method of a level that the program has added.
        if name not in METHODS:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return partial(self.log, METHODS[name])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.flush()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.flush()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.logger!r}: {len(self)} records>"


def create(logger: Logger, capacity: int, flush_level: int | None, keep_last: bool) -> Buffer:
    """A buffer of a logger; see `Logger.create_buffer`."""
    if type(capacity) is not int or capacity < 1:
        raise ConfigurationError(f"capacity {shown(capacity)} is no number of records: give one from 1 up")
    return Buffer(logger, _Store(capacity, flush_level, keep_last))


def _hand_on(held: deque[_Held]) -> int:
    count = 0
    # Not those that others add meanwhile: that could go on for ever.
    for _ in range(len(held)):
        try:
            record = held.popleft()
        except IndexError:
            break  # Another thread hands them on too.
        record.context.run(_log, record)
        count += 1
    return count


def _log(record: _Held) -> None:
    logger, level, fields, stamp, place = record.logger, record.level, record.fields, record.stamp, record.place
    with nullcontext() if record.clock is None else use(record.clock):
        if record.exc_info is None:
            bulk.one(logger, level, record.message, fields, stamp, place)
        else:
            fields = {**fields, "exc_info": record.exc_info}
            slow(logger, level, (record.message,), fields, 0, stamp=stamp, place=place)


_stores: weakref.WeakSet[_Store] = weakref.WeakSet()


def _forget_in_child() -> None:
    # The parent hands them on.
    for store in list(_stores):
        store.held.clear()


os.register_at_fork(after_in_child=_forget_in_child)
