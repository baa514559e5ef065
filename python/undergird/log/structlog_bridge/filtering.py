"""Filtering bound loggers, as structlog's, whose calls are native where nobody could tell."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from structlog import BoundLoggerBase
from structlog import make_filtering_bound_logger as structlogs

from undergird import _core
from undergird.log.levels import METHODS
from undergird.log.logger import Logger
from undergird.log.structlog_bridge.loggers import EventLogger, render_to_undergird

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}
_ALIASES = {"msg": "info", "warn": "warning", "fatal": "critical"}
_IMMUTABLE = (str, int, float, bool, type(None))
# A subclass that has its own processes its events itself.
_PROCESSING = ("_proxy_to_logger", "_process_event")
# What a chain takes out of the context, or what means something in a call.
_MEANINGFUL = frozenset(
    ("event", "positional_args", "level", "logger", "exc_info", "stack_info", "stacklevel", "extra")
)


class _Native(_core.BoundLogger):
    """What the bound loggers of all levels share: the way to a native logger."""

    _logger: Any
    _processors: Any
    _context: Any
    log: Any
    alog: Any

    def _is_native(self) -> bool:
        """Whether a call may go to a native logger, which is then there.

        It may if all that structlog would do with it is to merge its context, a plain dictionary of immutable values,
        and to call `render_to_undergird`.
        """
        processors, context, logger = self._processors, self._context, self._logger
        if (
            type(processors) is not list
            or len(processors) != 1
            or processors[0] is not render_to_undergird
            or type(logger) is not EventLogger
            or type(context) is not dict
            or any(getattr(type(self), name) is not getattr(BoundLoggerBase, name) for name in _PROCESSING)
        ):
            return False
        # A copy: other threads may change the context at any time.
        bound = context.copy()
        if not (all(map(_is_plain, bound.items())) and _MEANINGFUL.isdisjoint(bound)):
            return False
        self._open(processors, render_to_undergird, context, bound, Logger(logger, _core.Fields(bound)))
        return True

    def __getattr__(self, name: str) -> Callable[..., Any]:
        # The methods of a level that the program has added, with no frame of ours in between, for processors that look
        # for the program's step over structlog's only.
        if (level := METHODS.get(name)) is not None:
            return partial(self.log, level)
        if name.startswith("a") and (level := METHODS.get(name[1:])) is not None:
            return partial(self.alog, level)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._logger, self._processors, self._context)


def _is_plain(field: tuple[object, object]) -> bool:
    key, value = field
    return type(key) is str and type(value) in _IMMUTABLE


def _native_class(base: type[FilteringBoundLogger]) -> Any:
    """The class of ours for one of structlog's: the same, but for the methods of the levels that it logs."""
    members: dict[str, Any] = {"__module__": __name__, "__doc__": f"{base.__name__} of structlog's, natively."}
    for name, level in _LEVELS.items():
        if level < _minimum(base):
            members[name], members[f"a{name}"] = _core.BoundLogger._off, getattr(base, f"a{name}")
        else:
            members[f"_{name}"] = getattr(base, name)
            members[name] = getattr(_core.BoundLogger, name)
            members[f"a{name}"] = _async(name, getattr(base, f"a{name}"))
    members["alog"] = _async("log", base.alog)
    for alias, name in _ALIASES.items():
        members[alias], members[f"a{alias}"] = members[name], members[f"a{name}"]
    return type(base.__name__, (_Native, base), members)


def _minimum(base: type[Any]) -> int:
    unbound: Any = base.get_effective_level
    return int(unbound(None))


def _async(name: str, through_the_chain: Callable[..., Any]) -> Callable[..., Any]:
    """A level's method for `await`; a native call needs no thread, for it does not wait for a file."""

    async def native(self: _Native, /, *args: Any, **fields: Any) -> Any:
        return getattr(self, name)(*args, **fields)

    # No coroutine function itself: processors that look for who awaits would find its frame.
    def method(self: _Native, /, *args: Any, **fields: Any) -> Awaitable[Any]:
        return (native if self._is_native() else through_the_chain)(self, *args, **fields)

    method.__name__ = f"a{name}"
    return method


BoundLoggerFilteringAtNotset = _native_class(structlogs(0))
BoundLoggerFilteringAtDebug = _native_class(structlogs(10))
BoundLoggerFilteringAtInfo = _native_class(structlogs(20))
BoundLoggerFilteringAtWarning = _native_class(structlogs(30))
BoundLoggerFilteringAtError = _native_class(structlogs(40))
BoundLoggerFilteringAtCritical = _native_class(structlogs(50))

_OURS = {
    ours.__mro__[ours.__mro__.index(_core.BoundLogger) + 1]: ours
    for ours in (
        BoundLoggerFilteringAtNotset,
        BoundLoggerFilteringAtDebug,
        BoundLoggerFilteringAtInfo,
        BoundLoggerFilteringAtWarning,
        BoundLoggerFilteringAtError,
        BoundLoggerFilteringAtCritical,
    )
}


def make_filtering_bound_logger(min_level: int | str) -> type[FilteringBoundLogger]:
    """The class of bound loggers that log at a level or above, as structlog's function of this name makes it.

    While the chain of processors is `[render_to_undergird]`, the logger is one of `LoggerFactory` and what is bound are
    primitives, a call is that of a native `undergird.Logger`. Else, as within `structlog.testing.capture_logs`,
    structlog's own code runs. Which of the two is decided at each call.

    Args:
        min_level: By number or name, as structlog takes it.

    Raises:
        KeyError: If structlog knows no such level.

    Cost: a native call's and two comparisons, and one for each bound field.

    Example:
        >>> import structlog, undergird
        >>> from undergird.log.structlog_bridge import LoggerFactory
        >>> structlog.configure(
        ...     processors=[render_to_undergird],
        ...     wrapper_class=make_filtering_bound_logger("info"),
        ...     logger_factory=LoggerFactory(),
        ...     cache_logger_on_first_use=True,
        ... )
        >>> structlog.get_logger("sim.cells").info("agent moved", agent_id=7)
    """
    return _OURS[structlogs(min_level)]  # type: ignore[no-any-return]
