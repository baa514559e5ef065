"""What is drawn at random for programs that log: messages, arguments, formats, dates, levels."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st


class Odd:
    """A value whose texts can be told, and which fails to give them if it is to."""

    def __init__(self, *, fails: bool) -> None:
        self.fails = fails

    def __str__(self) -> str:
        if self.fails:
            raise ValueError("no text")
        return "odd"

    __repr__ = __str__


LOGGER = st.integers(0, 5)
HANDLER = st.integers(0, 7)
FORMATTER = st.integers(0, 3)
LEVEL = st.sampled_from([0, 5, 10, 15, 20, 25, 30, 40, 50, 60])
LEVELS = LEVEL | st.sampled_from(["INFO", "WARNING", "NOTSET", "none"])
METHOD = st.sampled_from(["debug", "info", "warning", "error", "critical", "exception", "log"])

TEXT = st.text(st.characters(codec="utf-8"), max_size=8) | st.sampled_from(["\ud800", "a\nb", "\x1b[1m", "%", "é", ""])
VALUE = st.one_of(
    st.integers(-5, 5),
    st.integers(),
    st.floats(),
    TEXT,
    st.none() | st.booleans(),
    st.binary(max_size=4),
    st.tuples(st.integers(), TEXT),
    st.lists(st.integers(), max_size=2),
    st.builds(Odd, fails=st.booleans()),
)
CONVERSION = st.sampled_from(
    ["%s", "%r", "%a", "%d", "%i", "%x", "%5d", "%05.1f", "%g", "%e", "%-4s|", "%.2s", "%c", "%%", "%+d"]
)


@st.composite
def messages(draw: st.DrawFn) -> tuple[object, tuple[Any, ...]]:
    """What is logged and its arguments, which mostly fit."""
    if draw(st.integers(0, 9)) == 0:
        return draw(VALUE), ()
    if draw(st.integers(0, 9)) == 0:
        return "%(a)s and %(b)r", (draw(st.dictionaries(st.sampled_from(["a", "b", "c"]), VALUE)),)
    parts = draw(st.lists(CONVERSION | TEXT, max_size=4))
    wanted = sum(part in CONVERSION.elements and part != "%%" for part in parts)  # type: ignore[attr-defined]
    number = wanted if draw(st.integers(0, 9)) else draw(st.integers(0, 3))
    return " ".join(parts), tuple(draw(VALUE) for _ in range(number))


EXTRA = st.none() | st.dictionaries(
    st.sampled_from(["agent", "step", "message", "name", "taskName"]), VALUE, max_size=2
)
OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "extra": EXTRA,
        "exc_info": st.sampled_from([True, False, None, ValueError("given")]),
        "stack_info": st.booleans(),
        "stacklevel": st.integers(0, 3),
    },
)
PLAIN: st.SearchStrategy[dict[str, Any]] = st.just({}) | st.just({}) | st.just({}) | OPTIONS | st.just({"unknown": 1})

FORMAT = st.lists(
    st.sampled_from(
        [
            *("%(message)s", "%(levelname)s", "%(levelname)-8s", "%(levelno)03d", "%(name)s", "%(name)10.4s"),
            *("%(asctime)s", "%(created)f", "%(created).3f", "%(msecs)03d", "%(msecs)d", "%(relativeCreated)d"),
            *("%(lineno)d", "%(funcName)s", "%(module)s", "%(filename)s", "%(pathname)s", "%(process)d", "%(thread)d"),
            *("%(threadName)s", "%(processName)s", "%(taskName)s", "%(agent)s", "%(missing)s", "%%", "[", "é", "\n"),
            *("%(args)s", "%(exc_text)s", "%(message)r"),
        ]
    ),
    min_size=1,
    max_size=5,
).map(" ".join)
OF_TIME = ("asctime", "created", "msecs", "relativeCreated")
STYLED = st.one_of(
    st.tuples(FORMAT, st.just("%")),
    st.tuples(FORMAT, st.just("%")),
    st.sampled_from([("{levelname} {message}", "{"), ("$name $message", "$"), ("{asctime} {message!r:>9}", "{")]),
)
DATE = st.sampled_from([None, None, "%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z", "%a %d %b %j %U", "%c", "", "%%", "%s", "%f é"])
