"""The text of an exception, as the running interpreter prints it."""

from __future__ import annotations

from collections.abc import Generator
from traceback import TracebackException
from types import TracebackType
from typing import Any, NamedTuple

from undergird.log.exceptions.frames import Line, lines_of, printed
from undergird.log.values.texts import name_of, nesting, unprintable

MOST_CHARACTERS = 1 << 20
"""Characters of a text; of a longer one, those in the middle are left out."""
MOST_EXCEPTIONS = 1000
"""Exceptions of a chain or a group."""

_HEAD = "Traceback (most recent call last):\n"
_TOLD_MORE_OF = (SyntaxError, ImportError, NameError, AttributeError, BaseExceptionGroup)
"""Exceptions of which more is printed than class and message: lines, suggestions, other exceptions."""


class Exception_(NamedTuple):  # noqa: N801 -- the plain word is taken
    """An exception as lines of the log have it.

    Attributes:
        text: What the interpreter prints, without the newline at its end.
        kind: The full name of its class.
        message: Its `str()`.
    """

    text: str
    kind: str
    message: str


def rendered(error: BaseException, tb: TracebackType | None) -> Exception_:
    """An exception with a traceback; never raises because of the exception.

    The text is, byte for byte, that of `logging.Formatter.formatException`, except that very long ones are cut in
    the middle, and that the source lines are those of the first time.

    Args:
        error: The exception.
        tb: Its traceback.

    Example:
        >>> rendered(KeyError("position"), None)
        Exception_(text="KeyError: 'position'", kind='KeyError', message="'position'")
    """
    kind = type(error)
    if not nesting.enter():
        # The exception logs itself when it is asked for its text.
        return Exception_(f"<too deep: {name_of(kind)}>", name_of(kind), "")
    try:
        return _rendered(error, kind, tb)
    except Exception:
        note = unprintable(error)
        return Exception_(note, name_of(kind), note)
    finally:
        nesting.leave()


def _rendered(error: BaseException, kind: type[BaseException], tb: TracebackType | None) -> Exception_:
    try:
        message = str(error)
        shown = message
    except Exception:
        message = unprintable(error)
        shown = "<exception str() failed>"
    if _is_plain(error, kind):
        name = kind.__qualname__
        module: object = kind.__module__
        if module != "builtins" and module != "__main__":
            name = f"{module if isinstance(module, str) else '<unknown>'}.{name}"
        whole = f"{name}: {shown}" if shown else name
        lines = lines_of(tb)
        if lines:
            whole = f"{_HEAD}{''.join(printed(lines))}{whole}"
    else:
        whole = "".join(_tree(error, tb).format()).removesuffix("\n")
    return Exception_(shortened(whole), name_of(kind), shortened(message))


def _is_plain(error: BaseException, kind: type[BaseException]) -> bool:
    """Whether an exception stands alone, with nothing but its class and message to be printed."""
    return not (
        issubclass(kind, _TOLD_MORE_OF)
        or error.__cause__ is not None
        or (error.__context__ is not None and not error.__suppress_context__)
        or getattr(error, "__notes__", None) is not None
    )


class _Stack(list[Line]):
    """The frames of an exception in the place of the interpreter's `StackSummary`."""

    def format(self, **_options: Any) -> list[str]:
        return printed(self)


class _LeftOut(TracebackException):
    """Stands for exceptions that are too many."""

    def format_exception_only(self, **_options: Any) -> Generator[str]:
        yield f"[exceptions left out: there are more than {MOST_EXCEPTIONS}]\n"


def _tree(error: BaseException, tb: TracebackType | None) -> Any:
    """The interpreter's own representation of an exception and those that belong to it, which prints itself.

    Made here instead of by its constructor because of the frames, and because that one has no bounds. What belongs to
    an exception, and in which order they are met, is as there.
    """
    seen: set[int] = set()
    made = 0

    def node(error: BaseException, tb: TracebackType | None) -> Any:
        nonlocal made
        made += 1
        enough = made > MOST_EXCEPTIONS
        # With a set of its own it looks at this one exception only.
        one: Any = (_LeftOut if enough else TracebackException)(
            type(error), error, tb, limit=0, compact=True, _seen=seen
        )
        one.stack = _Stack(() if enough else lines_of(tb))
        one.__cause__ = one.__context__ = one.exceptions = None
        if not enough:
            open_.append((one, error))
        return one

    open_: list[tuple[Any, BaseException]] = []
    root = node(error, tb)
    while open_:
        one, error = open_.pop()
        # As the interpreter asks: an exception may say that it is false.
        if error:  # type: ignore[truthy-bool]
            cause, context = error.__cause__, error.__context__
            if cause is not None and id(cause) not in seen:
                one.__cause__ = node(cause, cause.__traceback__)
            elif context is not None and not error.__suppress_context__ and id(context) not in seen:
                one.__context__ = node(context, context.__traceback__)
        if isinstance(error, BaseExceptionGroup):
            within = error.exceptions
            # Of what is not shown only the number is printed; but it counts as seen, as far as that is bearable.
            looked_at = len(within) if len(within) <= MOST_EXCEPTIONS else one.max_group_width
            one.exceptions = [node(part, part.__traceback__) for part in within[:looked_at]]
            one.exceptions += [None] * (len(within) - looked_at)
    return root


def shortened(whole: str) -> str:
    """A text, without its middle if it is too long."""
    excess = len(whole) - MOST_CHARACTERS
    if excess <= 0:
        return whole
    half = MOST_CHARACTERS // 2
    return f"{whole[:half]}\n[… {excess} more characters …]\n{whole[-half:]}"
