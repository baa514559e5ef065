"""How long a block or a function took."""

from __future__ import annotations

import sys
from collections.abc import Callable
from time import perf_counter_ns
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from undergird.errors import ConfigurationError, shown

if TYPE_CHECKING:
    from undergird.log.logger import Logger

F = TypeVar("F", bound=Callable[..., Any])

now: Callable[[], int] = perf_counter_ns
"""The clock: monotonic, in nanoseconds."""


class Timer:
    """Logs at its end how long a block or a function took; what `Logger.timer` gives.

    It can be entered again: later, and within itself. What threads or tasks do at the same time needs one for each; a
    decorated function has one for each call.

    Args:
        logger: The logger.
        event: The message.
        level: The level's number.
        threshold: Seconds below which nothing is logged.
        fields: Fields of the record; more can be added until the end.

    Attributes:
        fields: Fields of the record.
        duration_ms: How long it took the last time, in milliseconds; `None` before, and where the level was off.
    """

    __slots__ = ("_begun", "_event", "_level", "_logger", "_threshold", "duration_ms", "fields")

    def __init__(self, logger: Logger, event: str, level: int, threshold: float, fields: dict[str, Any]) -> None:
        self._logger = logger
        self._event = event
        self._level = level
        self._threshold = threshold
        self._begun: list[int | None] = []
        self.fields = fields
        self.duration_ms: float | None = None

    def __enter__(self) -> Self:
        # The last, so that nothing of ours is counted.
        self._begun.append(None)
        if self._logger.isEnabledFor(self._level):
            self._begun[-1] = now()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        begun = self._begun.pop()
        if begun is None:
            self.duration_ms = None
            return
        self.duration_ms = duration_ms = (now() - begun) / 1e6
        own: dict[str, Any] = {"duration_ms": duration_ms}
        if kind is not None:
            own = {**_ending(kind), **own}
        elif duration_ms < self._threshold * 1e3:
            return
        # As everywhere, a field of the user's that has a name of ours makes way, and is kept.
        given = {f"{name}_" if name in own else name: value for name, value in self.fields.items()}
        self._logger.log(self._level, self._event, **given, **own)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, tb)

    def __call__(self, function: F) -> F:
        """The function, each of whose calls is timed; of a generator, from its first step to its last.

        Raises:
            TypeError: If it is none, or a class: decorate its methods.
        """
        # On use: it is much to load for who decorates nothing.
        from undergird._functions import no_class
        from undergird.log.wrapping import wrapped

        no_class(function, "log.timer")
        return wrapped(function, self._another)

    def _another(self) -> Timer:
        return type(self)(self._logger, self._event, self._level, self._threshold, dict(self.fields))


def _ending(kind: type[BaseException]) -> dict[str, Any]:
    """What a record says of a block that an exception has ended."""
    if issubclass(kind, GeneratorExit):
        # Its consumer wanted no more, which is no failure.
        return {}
    asyncio = sys.modules.get("asyncio")
    if asyncio is not None and issubclass(kind, asyncio.CancelledError):
        return {"cancelled": True}
    return {"failed": True, "error_type": kind.__qualname__}


def checked_threshold(threshold: object) -> float:
    """A threshold in seconds.

    Raises:
        ConfigurationError: If it is no number of seconds.

    Example:
        >>> checked_threshold(1)
        1.0
    """
    if isinstance(threshold, bool) or not isinstance(threshold, int | float) or not threshold >= 0:
        raise ConfigurationError(f"threshold {shown(threshold)} is no number of seconds from 0")
    try:
        return float(threshold)
    except OverflowError as error:
        raise ConfigurationError(f"threshold {shown(threshold)} is more seconds than a float can hold") from error
