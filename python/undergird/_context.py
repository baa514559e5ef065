"""Fields that surround what runs: of a request, a run, a step. Whoever logs, carries them.

One `ContextVar` holds them all, as a chain of frames: one for each block that is open, the innermost in front. A frame
is never changed, only replaced, so that tasks that share one do not see each other's changes. Leaving a block takes its
own frame out of the chain, wherever that stands by then.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator
from typing import Any, Final, NamedTuple, Self, TypeVar

from undergird import _core

F = TypeVar("F", bound=Callable[..., Any])

_GONE: Final = object()


class _Frame(NamedTuple):
    """What holds within one block.

    Attributes:
        fields: All fields that hold here, as records carry them. The core reads this first item, and only this.
        given: The same as they were given.
        changes: What this frame adds to those below it: values as they were given, `_GONE` for what it takes away.
        shown: The added ones as records carry them.
        scope: Whose block it is; `None` for what was bound outside of any.
        outer: The frame of the block around this one.
        base: The frame below, if that is not `outer`.
    """

    fields: _core.Fields
    given: dict[str, Any]
    changes: dict[str, Any]
    shown: dict[str, Any]
    scope: object | None
    outer: _Frame | None
    base: _Frame | None


_EMPTY: Final = _Frame(_core.Fields({}), {}, {}, {}, None, None, None)


def _current() -> _Frame:
    frame = _core.get_context()
    return frame if type(frame) is _Frame else _EMPTY


def _put(frame: _Frame, outer: _Frame) -> None:
    """Makes a frame the innermost one, over others than those it was made over."""
    _, _, changes, shown, scope, _, base = frame
    below = base or outer
    fields, given = below.fields, {**below.given, **changes}
    if len(changes) != len(shown):
        gone = [name for name, value in changes.items() if value is _GONE]
        fields = fields.without(*gone)
        for name in gone:
            del given[name]
    _core.set_context(_Frame(_core.Fields(shown, fields), given, changes, shown, scope, outer, base))


def _take(scope: object) -> list[_Frame]:
    """Takes off the frames down to the innermost one of a scope, which is the last of those returned.

    Where there is none of it, as in a task that began before, nothing changes.
    """
    frames: list[_Frame] = []
    frame: _Frame | None = _current()
    while frame is not None:
        frames.append(frame)
        if frame.scope is scope:
            _core.set_context(frame.outer or _EMPTY)
            return frames
        frame = frame.outer
    return []


def _put_back(frames: list[_Frame]) -> None:
    for frame in reversed(frames):
        _put(frame, _current())


class Scope:
    """Fields that hold while a block or a function runs; what `undergird.context(...)` gives.

    It can be entered again: later, within itself, and by several tasks and threads at the same time.
    """

    __slots__ = ("_frame",)

    def __init__(self, frame: _Frame) -> None:
        self._frame = _Frame(*frame[:4], self, None, frame.base)

    def __enter__(self) -> Self:
        _put(self._frame, _current())
        return self

    def __exit__(self, *_: object) -> None:
        frames = _take(self)
        if len(frames) > 1:
            _put_back(frames[:-1])

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(self, *_: object) -> None:
        self.__exit__()

    def __call__(self, function: F) -> F:
        """The function with these fields around its body.

        Args:
            function: Any callable; a coroutine function or a generator function of either kind gives one of its own
                kind. A generator has the fields while its body runs, and its consumer does not see them.

        Raises:
            TypeError: If it is none, or a class: decorate its methods.
        """
        # On use: it is much to load for who decorates nothing.
        from undergird._functions import no_class

        if isinstance(function, staticmethod | classmethod):
            return type(function)(self(function.__func__))
        no_class(function, "undergird.context")
        return self._around(function)

    def _around(self, function: F) -> F:
        """The callable, which may be a class, with these fields around its body."""
        import functools

        from undergird._functions import kind_of

        async def coroutine(*args: Any, **kwargs: Any) -> Any:
            with self:
                return await function(*args, **kwargs)

        def plain(*args: Any, **kwargs: Any) -> Any:
            with self:
                return function(*args, **kwargs)

        kind = kind_of(function)
        inside: Callable[..., Any] = coroutine if kind == "coroutine" else plain
        if kind == "generator":
            inside = _generator(function, self._frame)
        elif kind == "asynchronous generator":
            inside = _async_generator(function, self._frame)
        return functools.wraps(function)(inside)  # type: ignore[return-value]

    def __repr__(self) -> str:
        base = self._frame.base or _EMPTY
        shown = {**base.fields.dict(), **self._frame.shown}
        return f"<{type(self).__name__} {shown!r}>"


class _Body:
    """The frames of a generator's body, which are there while it runs."""

    __slots__ = ("_frames",)

    def __init__(self, frame: _Frame) -> None:
        # A scope of its own: the body may open the same one, and be suspended in it.
        self._frames = [frame._replace(scope=self)]

    def __enter__(self) -> None:
        _put_back(self._frames)

    def __exit__(self, *_: object) -> None:
        # With what the body has opened or bound, and will find again when it goes on.
        self._frames = _take(self)


def _generator(function: Callable[..., Any], frame: _Frame) -> Callable[..., Any]:
    def generator(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        body, frames = function(*args, **kwargs), _Body(frame)
        resume, value = body.send, None
        while True:
            with frames:
                try:
                    given = resume(value)
                except StopIteration as stop:
                    return stop.value
            try:
                value = yield given
                resume = body.send
            except GeneratorExit:
                with frames:
                    body.close()
                raise
            except BaseException as error:
                resume, value = body.throw, error

    return generator


def _async_generator(function: Callable[..., Any], frame: _Frame) -> Callable[..., Any]:
    async def generator(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        body, frames = function(*args, **kwargs), _Body(frame)
        resume, value = body.asend, None
        while True:
            with frames:
                try:
                    given = await resume(value)
                except StopAsyncIteration:
                    return
            try:
                value = yield given
                resume = body.asend
            except GeneratorExit:
                with frames:
                    await body.aclose()
                raise
            except BaseException as error:
                resume, value = body.athrow, error

    return generator


class Context:
    """Fields that every record carries while something runs, whoever logs it.

    Where names meet, a field of the call comes first, then one bound to the logger, then the context's; of contexts
    within each other the inner one. Values are rendered once, when they are given.

    Tasks inherit what holds where they are made, `asyncio.to_thread` carries it along. Threads start with nothing, and
    so do executors' calls: `wrap` carries it there.

    Example:
        >>> import undergird
        >>> log = undergird.get_logger("docs")
        >>> with undergird.context(request_id="a1"):
        ...     log.info("handled")  # with request_id
        >>> @undergird.context(job="nightly")
        ... def job():
        ...     return undergird.context.get()
        >>> job()
        {'job': 'nightly'}
    """

    __slots__ = ()

    def __call__(self, /, **fields: Any) -> Scope:
        """Fields for a block (`with`, `async with`) or a function (as a decorator).

        Args:
            **fields: Names and values, rendered now.

        Example:
            >>> import undergird
            >>> with undergird.context(experiment_id="exp_001", step=500):
            ...     undergird.context.get()
            {'experiment_id': 'exp_001', 'step': 500}
        """
        return Scope(_Frame(_EMPTY.fields, {}, fields, _core.Fields(fields).dict(), None, None, None))

    def bind(self, /, **fields: Any) -> None:
        """Adds fields, until the block around this call is left; outside of any, for the rest of the task or thread.

        Args:
            **fields: Names and values, rendered now.

        Example:
            >>> import undergird
            >>> with undergird.context(request_id="a1"):
            ...     undergird.context.bind(user_id=7)
            ...     undergird.context.get()
            {'request_id': 'a1', 'user_id': 7}
            >>> undergird.context.get()
            {}
        """
        frame = _current()
        shown = _core.Fields(fields).dict()
        _core.set_context(
            _Frame(
                _core.Fields(shown, frame.fields),
                {**frame.given, **fields},
                {**frame.changes, **fields},
                {**frame.shown, **shown},
                *frame[4:],
            )
        )

    def unbind(self, /, *names: str) -> None:
        """Takes fields away, until the block around this call is left; names that are not there are no mistake.

        Args:
            *names: Names of fields, wherever they were added.

        Example:
            >>> import undergird
            >>> with undergird.context(request_id="a1", user_id=7):
            ...     undergird.context.unbind("user_id")
            ...     undergird.context.get()
            {'request_id': 'a1'}
        """
        frame = _current()
        gone = dict.fromkeys((name for name in names if name in frame.given), _GONE)
        _core.set_context(
            frame._replace(
                fields=frame.fields.without(*gone),
                given={name: value for name, value in frame.given.items() if name not in gone},
                changes={**frame.changes, **gone},
                shown={name: value for name, value in frame.shown.items() if name not in gone},
            )
        )

    def clear(self) -> None:
        """Takes all fields away, as `unbind` does."""
        self.unbind(*_current().given)

    def get(self) -> dict[str, Any]:
        """The fields that hold here, as they were given; redaction is for logs only."""
        return dict(_current().given)

    def wrap(self, function: F) -> F:
        """The function with the fields that hold here and now around it, wherever it is called; no others.

        Args:
            function: Any callable, a class too. It may be called any number of times, also at once.

        Example:
            >>> import threading, undergird
            >>> def work():
            ...     print(undergird.context.get())
            >>> with undergird.context(request_id="a1"):
            ...     thread = threading.Thread(target=undergird.context.wrap(work))
            >>> thread.start(), thread.join()
            {'request_id': 'a1'}
            (None, None)
        """
        return Scope(_EMPTY._replace(base=_current()))._around(function)

    def __repr__(self) -> str:
        return f"<undergird.context {_current().fields.dict()!r}>"


context: Final = Context()
"""See `Context`."""


def fields() -> dict[str, Any]:
    """The fields that hold here, as records carry them."""
    return _current().fields.dict()
