"""The text of an exception is the interpreter's own, byte for byte; what it costs is made once."""

from __future__ import annotations

import gc
import linecache
import logging
import sys
import types
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.conftest import DEEP

from undergird.log.exceptions import frames
from undergird.log.exceptions.frames import MOST_REMEMBERED, lines_of
from undergird.log.exceptions.tracebacks import MOST_CHARACTERS, MOST_EXCEPTIONS, rendered


def printed(error: BaseException) -> str:
    return logging.Formatter().formatException((type(error), error, error.__traceback__))


def caught(function: Callable[[], object]) -> BaseException:
    try:
        function()
    except BaseException as error:
        return error
    raise AssertionError


def same(error: BaseException) -> str:
    """The text, which must be the interpreter's: also when its lines are known already."""
    expected = printed(error)
    assert rendered(error, error.__traceback__).text == expected
    assert rendered(error, error.__traceback__).text == expected
    return expected


def deep(count: int, make: Callable[[], BaseException]) -> None:
    if count == 0:
        raise make()
    (deep if count % 2 else _deep)(count - 1, make)


def _deep(count: int, make: Callable[[], BaseException]) -> None:
    for _ in range(1):
        deep(
            count,
            make,
        )


def misspelt() -> object:
    length = 3
    return lenght + length  # type: ignore[name-defined] # noqa: F821


def no_such_attribute() -> object:
    return (3).bit_lenght()  # type: ignore[attr-defined]


def no_such_name() -> object:
    from os import pathh  # type: ignore[attr-defined]

    return pathh


def forgotten_import() -> object:
    return zlib.crc32(b"")  # type: ignore[name-defined] # noqa: F821


def bad_source() -> object:
    return compile("def f(:\n    pass\n", "some.py", "exec")


def endless(n: int = 0) -> int:
    return endless(n + 1)


def two_by_turns(n: int) -> object:
    return _other(n - 1) if n else 1 / 0


def _other(n: int) -> object:
    return two_by_turns(n - 1) if n else 1 / 0


@pytest.mark.parametrize(
    "function",
    [
        misspelt,
        no_such_attribute,
        no_such_name,
        forgotten_import,
        bad_source,
        endless,
        lambda: two_by_turns(20),
        lambda: deep(9, lambda: ValueError("multi\nple\r lines\N{SNOWMAN}\ud800")),
        lambda: deep(3, lambda: SystemExit(3)),
        lambda: deep(1, KeyboardInterrupt),
        lambda: deep(1, lambda: StopIteration(3)),
        lambda: deep(1, lambda: UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad")),
        lambda: exec("1/0"),
        lambda: eval("\n\n[x for x in 1/0]"),
        lambda: exec(compile("1\n\n1/0", "<stdin>-3", "exec")),
    ],
)
def test_a_text_is_the_interpreters(function: Callable[[], object]) -> None:
    same(caught(function))


def test_repetitions_are_counted() -> None:
    assert "[Previous line repeated 9" in same(caught(endless))


def test_an_exception_without_a_traceback_has_no_head() -> None:
    assert same(ValueError("x")) == "ValueError: x"
    assert same(ValueError()) == "ValueError"


class Mute(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


class False_(Exception):  # noqa: N801
    def __bool__(self) -> bool:
        return False


class Sub(str):
    def __str__(self) -> str:
        return "another"


class Custom(Exception):
    def __str__(self) -> str:
        return Sub("text")


class Named(ValueError):
    __module__ = "__main__"


class Nameless(ValueError):
    __module__ = 3  # type: ignore[assignment]


KINDS: list[Callable[[str], BaseException]] = [
    ValueError,
    KeyError,
    OSError,
    Mute,
    Custom,
    Named,
    Nameless,
    False_,
    SyntaxError,
    AttributeError,
    lambda text: NameError(text, name="prin"),
    lambda text: ImportError(text, name="os", path="x"),
    lambda text: SyntaxError(text, ("f.py", 1, 2, "a = =\n", 1, 4)),
    lambda text: IndentationError(text, (None, None, None, None)),
    KeyboardInterrupt,
]
NOTES: list[Any] = ["one", "two\nlines", "", Sub("sub"), 3, None]


@st.composite
def exceptions(draw: st.DrawFn, depth: int = 3) -> BaseException:
    """Exceptions raised at any depth, with causes, contexts, notes and groups; some belong to several others."""
    known: list[BaseException] = []

    def one(room: int) -> BaseException:
        if known and draw(st.integers(0, 5)) == 0:
            return draw(st.sampled_from(known))
        if room and draw(st.integers(0, 3)) == 0:
            parts = [one(room - 1) for _ in range(draw(st.sampled_from([1, 2, 3, 17])))]
            error: BaseException = BaseExceptionGroup(draw(st.text(max_size=5)), parts)
        else:
            error = draw(st.sampled_from(KINDS))(draw(st.text(max_size=8)))
        if draw(st.booleans()):
            frames_ = draw(st.integers(0, 6))
            # Raised within `deep`, whose frames it gets.
            caught(lambda: deep(frames_, lambda: error))
        known.append(error)
        if room:
            if draw(st.integers(0, 2)) == 0:
                error.__cause__ = one(room - 1)
            if draw(st.integers(0, 2)) == 0:
                error.__context__ = one(room - 1)
            error.__suppress_context__ = draw(st.booleans())
        if draw(st.integers(0, 3)) == 0:
            error.__notes__ = draw(st.lists(st.sampled_from(NOTES), max_size=3) | st.sampled_from([None, "plain", 3]))
        return error

    return one(depth)


@given(exceptions())
@settings(deadline=None, max_examples=5000 if DEEP else 100)
def test_generated_exceptions_read_as_the_interpreter_prints_them(error: BaseException) -> None:
    same(error)


def test_the_limit_of_the_interpreter_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    error = caught(lambda: deep(5, ValueError))
    for limit in (0, 1, 3, -1, 100):
        monkeypatch.setattr(sys, "tracebacklimit", limit, raising=False)
        same(error)


def test_a_traceback_that_names_a_line_of_its_own_is_believed() -> None:
    code = caught(lambda: deep(1, ValueError)).__traceback__
    assert code is not None
    frame = code.tb_frame
    for lasti, line in ((code.tb_lasti, 1), (-1, 3), (-1, 4)):
        error = ValueError("made up").with_traceback(types.TracebackType(None, frame, lasti, line))
        same(error)


def test_code_that_is_gone_is_not_mistaken_for_other_code() -> None:
    for number in range(300):
        name = f"made_{number}.py"
        source = f"{'pass;' * (number % 3)}raise ValueError({number})\n"
        linecache.cache[name] = (len(source), None, [source], name)
        text = same(caught(lambda: exec(compile(source, name, "exec"))))  # noqa: B023
        assert f"raise ValueError({number})" in text
        del linecache.cache[name]


def test_what_is_remembered_is_bounded() -> None:
    for number in range(MOST_REMEMBERED // 2):
        code = compile(f"1/0 # {number}", "x", "exec")
        error = caught(lambda: exec(code))  # noqa: B023
        lines_of(error.__traceback__)
    assert len(frames._known) <= MOST_REMEMBERED


def test_a_source_that_is_edited_reads_as_at_first_until_it_is_loaded_anew(tmp_path: Path) -> None:
    file = tmp_path / "edited.py"

    def load(text: str) -> Callable[[], object]:
        file.write_text(text)
        names: dict[str, Any] = {}
        exec(compile(text, str(file), "exec"), names)
        function: Callable[[], object] = names["f"]
        return function

    old = load("def f():\n    1/0  # old\n")
    assert "# old" in rendered_of(caught(old))
    file.write_text("def f():\n    1/0  # newer\n")
    assert "# old" in rendered_of(caught(old))
    new = load("def f():\n    1/0  # newest of all\n")
    assert "# newest of all" in rendered_of(caught(new))


def rendered_of(error: BaseException) -> str:
    return rendered(error, error.__traceback__).text


def test_a_loader_that_fails_costs_the_source_line_only() -> None:
    class Loader:
        def get_source(self, name: str) -> str:
            raise RuntimeError(name)

    names = {"__name__": "made", "__loader__": Loader()}
    error = caught(lambda: exec(compile("1/0", "no such file.py", "exec"), names))
    assert '  File "no such file.py", line 1, in <module>\n' in rendered_of(error)


def test_nothing_is_kept_alive() -> None:
    class Local:
        pass

    def fail() -> None:
        local = Local()
        alive.append(weakref.ref(local))
        raise Named

    alive: list[weakref.ref[Any]] = []
    gc.disable()
    try:
        for _ in range(3):
            error: BaseException | None = caught(fail)
            assert error is not None
            alive.append(weakref.ref(error))
            rendered(error, error.__traceback__)
            error = None
        assert [ref() for ref in alive] == [None] * 6
    finally:
        gc.enable()


def test_cycles_end() -> None:
    one, two = ValueError("one"), KeyError("two")
    one.__context__, two.__context__ = two, one
    same(one)
    one.__cause__, two.__cause__ = two, one
    same(one)
    one.__cause__ = one
    same(one)


def test_a_chain_without_end_is_cut() -> None:
    error = ValueError("first")
    for number in range(100_000):
        new = ValueError(number)
        new.__context__, error = error, new
    text = rendered_of(error)
    assert text.endswith("ValueError: 99999")
    assert text.startswith("[exceptions left out: there are more than 1000]\n\nDuring handling")
    assert text.count("\nValueError: ") == MOST_EXCEPTIONS


def test_a_group_without_end_is_cut() -> None:
    part = ExceptionGroup("inner", [ValueError(n) for n in range(10_000)])
    same(part)
    text = rendered_of(ExceptionGroup("outer", [ExceptionGroup("inner", [part] * 20)] * 20))
    assert "[exceptions left out" in text


def test_a_huge_message_is_cut_in_the_middle() -> None:
    error = ValueError("a" * 5_000_000 + "end")
    exception = rendered(error, None)
    for text in (exception.text, exception.message):
        assert len(text) < MOST_CHARACTERS + 100
        assert text.endswith("aend")
        assert " more characters …]\n" in text


def test_a_traceback_of_very_many_frames_is_cut_in_the_middle() -> None:
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(20_000)
    try:
        error = caught(lambda: two_by_turns(6000))
    finally:
        sys.setrecursionlimit(before)
    text = rendered_of(error)
    assert text.count("\n  File") == frames.MOST_SHOWN
    assert "more frames …]\n" in text
    assert text.startswith("Traceback")
    assert text.endswith("ZeroDivisionError: division by zero")


class Hostile(Exception):
    """Raises at whatever it is asked for."""

    @property
    def __notes__(self) -> Any:  # type: ignore[override]
        raise RuntimeError("notes")

    @property
    def __cause__(self) -> Any:  # type: ignore[override]
        raise RuntimeError("cause")

    def __str__(self) -> str:
        raise RuntimeError("str")

    __repr__ = __str__


def test_an_exception_that_raises_at_every_question_is_noted() -> None:
    error = caught(lambda: deep(2, Hostile))
    exception = rendered(error, error.__traceback__)
    assert "Hostile" in exception.text
    assert exception.kind.endswith("Hostile")


def test_the_interpreters_own_signals_are_not_swallowed() -> None:
    class Stopping(Exception):
        def __str__(self) -> str:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rendered(Stopping(), None)
