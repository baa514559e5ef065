"""Local variables of the frames of an exception, for those who ask for them: bounded, and redacted as fields are."""

from __future__ import annotations

from collections import deque
from itertools import chain
from types import FrameType, TracebackType

from undergird.log.exceptions import frames
from undergird.log.values import redaction
from undergird.log.values.jsontext import Plain
from undergird.log.values.texts import nesting, text
from undergird.log.values.walk import Walk

FIELD = "exception_locals"
"""The field of a line that holds them."""
MOST_EXCEPTIONS = 5
"""Of a chain and of groups together; those nearest to the call."""
MOST_FRAMES = 10
"""Of an exception; those nearest to where it was raised."""
MOST_VARIABLES = 50
"""Of a frame."""
ELEMENTS = 100
"""Elements of a variable."""
CHARACTERS = 1000
"""Characters of a variable."""

wanted = False
"""Whether this run wants them."""


def want(them: bool) -> None:
    """Says whether lines with exceptions have them."""
    global wanted
    wanted = them


def variables_of(error: BaseException, tb: TracebackType | None) -> list[dict[str, Plain]]:
    """The variables of an exception's frames, those of what led to it before them, those of what it groups after them.

    Frames of modules are left out, and those that tracebacks leave out.

    Args:
        error: The exception.
        tb: Its traceback.
    """
    if not nesting.enter():
        return []
    try:
        return _variables_of(error, tb, _nearest(error))
    finally:
        nesting.leave()


def _nearest(error: BaseException) -> set[int]:
    """The ids of those exceptions whose variables are told: of a chain and its groups, the fewest steps away first."""
    chosen: set[int] = set()
    waiting = deque([error])
    while waiting and len(chosen) < MOST_EXCEPTIONS:
        one = waiting.popleft()
        if id(one) not in chosen:
            chosen.add(id(one))
            led, grouped = _next_to(one)
            waiting.extend(grouped if led is None else (led, *grouped))
    return chosen


def _next_to(error: BaseException) -> tuple[BaseException | None, tuple[BaseException, ...]]:
    """What led to an exception, and what it groups."""
    # Not by its truth: an exception may say that it is false.
    led = error.__cause__
    if led is None and not error.__suppress_context__:
        led = error.__context__
    return led, error.exceptions[:MOST_EXCEPTIONS] if isinstance(error, BaseExceptionGroup) else ()


def _variables_of(error: BaseException, tb: TracebackType | None, chosen: set[int]) -> list[dict[str, Plain]]:
    if id(error) not in chosen:
        return []
    # Once only, though it may be both a cause and in a group.
    chosen.remove(id(error))
    led, grouped = _next_to(error)
    before = [] if led is None else _variables_of(led, led.__traceback__, chosen)
    last: deque[tuple[FrameType, int]] = deque(maxlen=MOST_FRAMES)
    while tb is not None:
        frame = tb.tb_frame
        if frame.f_locals is not frame.f_globals and not frames.is_suppressed(frame):
            last.append((frame, tb.tb_lineno))
        tb = tb.tb_next
    own = [_described(*one) for one in last]
    within = [_variables_of(one, one.__traceback__, chosen) for one in grouped]
    return [*before, *own, *chain.from_iterable(within)]


def _described(frame: FrameType, line: int) -> dict[str, Plain]:
    code = frame.f_code
    shown: dict[str, Plain] = {}
    for name, value in list(frame.f_locals.items()):
        # `.0` is the iterator of a comprehension.
        if type(name) is not str or name.startswith((".", "__")):
            continue
        if len(shown) == MOST_VARIABLES:
            shown["…"] = "more"
            break
        shown[name] = _shown(name, value)
    return {"function": text(code.co_name), "file": text(code.co_filename), "line": line, "locals": shown}


def _shown(name: str, value: object) -> Plain:
    rules = redaction.current
    if rules is not None and rules.hides(name):
        return rules.mask
    return Walk(name, rules, elements=ELEMENTS, characters=CHARACTERS).plain(value)
