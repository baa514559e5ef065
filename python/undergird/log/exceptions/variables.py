"""Local variables of the frames of an exception, for those who ask for them: bounded, and redacted as fields are."""

from __future__ import annotations

from collections import deque
from types import FrameType, TracebackType
from typing import Any

from undergird.log.exceptions import frames
from undergird.log.values import redaction
from undergird.log.values.jsontext import Plain
from undergird.log.values.texts import nesting, text
from undergird.log.values.walk import Walk

FIELD = "exception_locals"
"""The field of a line that holds them."""
MOST_EXCEPTIONS = 5
"""Of a chain; those nearest to the call."""
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
    """The variables of an exception's frames, and before them those of the exceptions that led to it.

    Frames of modules are left out, and those that tracebacks leave out.

    Args:
        error: The exception.
        tb: Its traceback.
    """
    if not nesting.enter():
        return []
    try:
        stacks: list[list[dict[str, Plain]]] = []
        at: Any = error
        seen: set[int] = set()
        while at is not None and id(at) not in seen and len(stacks) < MOST_EXCEPTIONS:
            seen.add(id(at))
            last: deque[tuple[FrameType, int]] = deque(maxlen=MOST_FRAMES)
            while tb is not None:
                frame = tb.tb_frame
                if frame.f_locals is not frame.f_globals and not frames.is_suppressed(frame):
                    last.append((frame, tb.tb_lineno))
                tb = tb.tb_next
            stacks.append([_described(*one) for one in last])
            at = at.__cause__ or (None if at.__suppress_context__ else at.__context__)
            tb = at and at.__traceback__
        return [frame for stack in reversed(stacks) for frame in stack]
    finally:
        nesting.leave()


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
