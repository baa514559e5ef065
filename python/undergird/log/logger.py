"""The logger that new code uses."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Self, overload

from undergird import _core
from undergird._context import context
from undergird.log import bulk
from undergird.log.nodelogger import NodeLogger
from undergird.log.tree.nodes import node
from undergird.log.tree.slow import is_level

if TYPE_CHECKING:
    from collections.abc import Callable

    from undergird.clock import Clock
    from undergird.log.buffers import Buffer
    from undergird.log.exceptions.catch import Catch, F, Kinds
    from undergird.log.timing import Timer


class Logger(NodeLogger):
    """Logs messages with fields, over a node of the standard library's tree.

    `debug`, `info`, `warning`, `error`, `critical`, `exception` and `log` are native methods: `log.info(msg, *args,
    **fields)`. Level, handlers, filters and the rest are the node's; what is set there acts at the next call.

    Get one by `undergird.get_logger`; `bind` makes others with fields of their own.

    Example:
        >>> import undergird
        >>> log = undergird.get_logger("sim").bind(run=3)
        >>> log.info("step %d of %d", 1, 100, energy=-0.25)
    """

    __slots__ = ()

    def bind(self, /, **fields: Any) -> Self:
        """A logger that adds these fields to each record; values are rendered now.

        Args:
            **fields: Names and values. A name that is bound already gets the new value.

        Cost: about 1 µs, and nothing at the calls but copying the fields.

        Example:
            >>> import undergird
            >>> undergird.get_logger("sim").bind(agent_id=7).info("moved")
        """
        return type(self)(self, _core.Fields(fields, self._bound))

    def new(self, /, **fields: Any) -> Self:
        """A logger that adds these fields to each record, and none of those that are bound to this one.

        Args:
            **fields: Names and values, rendered now.

        Example:
            >>> import undergird
            >>> undergird.get_logger("sim").bind(run=3).new(agent_id=7)._fields
            {'agent_id': 7}
        """
        return type(self)(self, _core.Fields(fields))

    def unbind(self, /, *names: str) -> Self:
        """A logger without some of the fields that are bound to this one.

        Args:
            *names: The names of the fields.

        Raises:
            KeyError: If no field of such a name is bound; see `try_unbind`.

        Example:
            >>> import undergird
            >>> undergird.get_logger("sim").bind(run=3, agent_id=7).unbind("agent_id")._fields
            {'run': 3}
        """
        bound = self._fields
        for name in names:
            bound.pop(name)
        return self.try_unbind(*names)

    def try_unbind(self, /, *names: str) -> Self:
        """A logger without some of the fields; names that are not bound are no mistake.

        Args:
            *names: The names of the fields.

        Example:
            >>> import undergird
            >>> undergird.get_logger("sim").bind(run=3).try_unbind("run", "agent_id")._fields
            {}
        """
        return type(self)(self, self._bound.without(*names) if self._bound else None)

    context = staticmethod(context)
    """`undergird.context`: fields that every record carries while a block or a function runs, whoever logs it."""

    @overload
    def catch(
        self,
        exceptions: Kinds = ...,
        /,
        *,
        exclude: Kinds = ...,
        level: int | str = ...,
        message: str | None = ...,
        reraise: bool = ...,
        default: Any = ...,
        onerror: Callable[[BaseException], object] | None = ...,
        **fields: Any,
    ) -> Catch: ...

    @overload
    def catch(self, function: F, /) -> F: ...

    def catch(
        self,
        exceptions: Any = Exception,
        /,
        *,
        exclude: Kinds = (),
        level: int | str = "ERROR",
        message: str | None = None,
        reraise: bool = False,
        default: Any = None,
        onerror: Callable[[BaseException], object] | None = None,
        **fields: Any,
    ) -> Any:
        """Logs exceptions that come out of a function or a block, and swallows them unless told otherwise.

        As a decorator, with or without parentheses: for functions, coroutine functions, generators, asynchronous
        generators and methods. As a context manager: `with log.catch():`, also `async with`.

        Args:
            exceptions: Which are caught. `KeyboardInterrupt`, `SystemExit`, `GeneratorExit` and `CancelledError`, which
                are no `Exception`, are swallowed only if they are named: `BaseException` logs them, and they go on.
            exclude: Which of these are not.
            level: The level's number or name.
            message: The message; by default it names the function.
            reraise: Whether they go on after they have been logged.
            default: What a function returns in whose place one was caught.
            onerror: Called with an exception after it has been logged; what it raises itself goes on.
            **fields: Fields of the record.

        Raises:
            TypeError: For `exceptions` or `exclude` that are none, for a function that is none, and an `onerror` that
                cannot be called.
            ConfigurationError: For a level that is not known; it is a `ValueError`.

        Example:
            >>> import undergird
            >>> log = undergird.get_logger("docs")
            >>> @log.catch(ZeroDivisionError, default=0.0, job="ratio")
            ... def ratio(a, b):
            ...     return a / b
            >>> ratio(1, 0)
            0.0
            >>> with log.catch(reraise=True, message="the step failed"):
            ...     pass
        """
        from undergird.log.exceptions.catch import Catch, is_function

        if is_function(exceptions):
            return Catch(self)(exceptions)
        return Catch(
            self,
            exceptions,
            exclude=exclude,
            level=level,
            message=message,
            reraise=reraise,
            default=default,
            onerror=onerror,
            fields=fields,
        )

    def log_level(self, name: str, level: int) -> int:
        """Adds a level; see `undergird.add_level`."""
        from undergird.log.levels import add_level

        return add_level(name, level)

    def timer(self, event: str, /, *, level: int | str = "INFO", threshold: float = 0.0, **fields: Any) -> Timer:
        """Logs at the end how long a block or a function took, as `duration_ms`.

        With `with` or `async with`; as a decorator of functions, coroutine functions and generators of either kind,
        each of whose calls has a timer of its own. If the body fails, the record says `failed` and `error_type` and the
        exception goes on; if its task is cancelled, `cancelled`.

        Args:
            event: The message.
            level: The record's level; where it is off, nothing is timed.
            threshold: Seconds below which nothing is logged unless the body failed.
            **fields: Fields of the record.

        Raises:
            TypeError: For an `event` that is a function: `@log.timer` needs its parentheses and a message.
            ConfigurationError: For a level that is not known, or a threshold that is no time.

        Example:
            >>> import undergird
            >>> log = undergird.get_logger("sim")
            >>> with log.timer("simulation_step", step=3) as timer:
            ...     timer.fields["agents"] = 1000
        """
        from undergird.log.checks import level_number
        from undergird.log.timing import Timer, checked_threshold

        given: object = event
        if callable(given) or isinstance(given, staticmethod | classmethod):
            # Else it would take the function's place, and fail at its calls.
            raise TypeError('log.timer needs a message: @log.timer("sorting")')
        return Timer(self, event, level_number(level, "level"), checked_threshold(threshold), fields)

    def sample(
        self,
        *,
        first: int = 10,
        then: int = 100,
        per: float | None = 1.0,
        key: str | int | None = None,
        clock: Clock | Callable[[], float] | None = None,
    ) -> Self:
        """A logger that holds back most records of a call that is made very often.

        Each place of a call is counted by itself: of every period the first few records are let through, then a few
        of the rest. The next that is let through says in `held_back` how many were not; `flush` and the end say the
        rest, and `stats` all.

        Args:
            first: How many of a period are let through at first.
            then: Of those that follow, every so many-th is; none if it is 0.
            per: How long a period is, in seconds or the clock's unit; it begins with a record. `None`: it has no end.
            key: What to count by instead of the place of the call: one count for all calls of this logger's name with
                that key, known by 64 bits of its hash.
            clock: The clock of the periods; by default that of the run or the context, else monotonic time.

        Raises:
            ConfigurationError: A value that cannot be.

        Cost: some microseconds, so that a hot loop has it made before; a record that is held back costs about 50 ns
        more than a disabled call.

        Example:
            >>> import undergird
            >>> log = undergird.get_logger("docs").sample(first=1, then=100)
            >>> for step in range(1000):
            ...     log.info("moved", step=step)  # 10 of them are written
        """
        from undergird.log.rules import Sample

        return type(self)(self, self._bound, Sample(first=first, then=then, per=per, key=key, clock=clock).gate())

    def limit(
        self,
        *,
        per_second: float,
        burst: int | None = None,
        key: str | int | None = None,
        clock: Clock | Callable[[], float] | None = None,
    ) -> Self:
        """A logger that lets so many records a second through, of each place of a call; see `sample` for the rest.

        Args:
            per_second: How many, on average; for a simulation's clock, by its unit.
            burst: How many may come at once; by default a second's.
            key: What to count by instead of the place of the call.
            clock: The clock.

        Raises:
            ConfigurationError: A value that cannot be.

        Example:
            >>> import undergird
            >>> log = undergird.get_logger("docs").limit(per_second=5)
            >>> log.warning("disk slow")
        """
        from undergird.log.rules import Limit

        return type(self)(self, self._bound, Limit(per_second=per_second, burst=burst, key=key, clock=clock).gate())

    def many(self, event: object, level: int = logging.INFO, /, **columns: Any) -> None:
        """Logs many records at once: one for each row of the columns, with their values as fields.

        Columns are numpy arrays of any type, lists, tuples, ranges, `array.array`, memoryviews, and what can be had as
        an array (series of pandas and polars). Any other value is every row's. All rows have the stamp of the call.
        Columns of different lengths are reported as a message is that does not fit its arguments, and logged to the end
        of the longest: the others have `None` there.

        Args:
            event: The message of each record, as it is.
            level: The level's number. By position, so that a column may be called `level`.
            **columns: Columns and values under names of your own.

        Raises:
            TypeError: If `level` is no integer, while `logging.raiseExceptions` is set; and for columns called
                `exc_info`, `stack_info`, `stacklevel` or `extra`.

        Cost: for four columns of numbers about a tenth of `info` a row; texts and Python objects are read one by one.

        Example:
            >>> import numpy, undergird
            >>> log = undergird.get_logger("docs")
            >>> log.many("agent moved", agent_id=numpy.arange(3), x=numpy.zeros(3), step=17)
        """
        if is_level(level):
            bulk.many(self, event, level, columns)

    def create_buffer(
        self, *, capacity: int = 1000, flush_level: int | str | None = None, keep_last: bool = False
    ) -> Buffer:
        """A buffer that holds records of this logger until they are wanted.

        It hands them on at `flush()`, at the end of its `with` or `async with`, when it is full, at a record of
        `flush_level` or above, and when nothing refers to it any more; `discard()` forgets them. They keep time,
        place, context and values of their calls, but are in no ring yet: a process that is killed takes them along.

        Args:
            capacity: How many records it holds.
            flush_level: The level, by number or name, from which on a record brings all of them out; `None` for none.
            keep_last: Whether a full buffer forgets the oldest record instead of handing all on.

        Raises:
            ConfigurationError: For a capacity that is no number from 1 up, or an unknown level.

        Example:
            >>> import undergird
            >>> log = undergird.get_logger("docs")
            >>> with log.create_buffer(flush_level="ERROR", keep_last=True) as buffer:
            ...     buffer.debug("tried", attempt=1)
            ...     count = buffer.discard()  # It went well.
        """
        from undergird.log.buffers import create
        from undergird.log.checks import level_number

        return create(
            self, capacity, None if flush_level is None else level_number(flush_level, "flush_level"), keep_last
        )

    def getChild(self, suffix: str) -> Logger:
        """The logger below this one, with the same bound fields, and held back by the same rule."""
        name = suffix if self._node is logging.root else f"{self.name}.{suffix}"
        return type(self)(node(name), self._bound, self._gate)

    def __repr__(self) -> str:
        bound = "".join(f" {key}={value!r}" for key, value in self._fields.items())
        return f"<{type(self).__name__} {self.name} ({logging.getLevelName(self.getEffectiveLevel())}){bound}>"

    def __reduce__(self) -> tuple[Any, ...]:
        name = self.name if self._node is not logging.root else None
        from undergird.log.loggers import unpickled

        return unpickled, (type(self), name, self._fields, self._gate.made_from if self._gate else None)
