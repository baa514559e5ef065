"""Local variables of the frames that led to an exception, on request."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.log.conftest import Run


def test_local_variables_come_on_request_bounded_and_redacted(either: Run) -> None:
    class Hostile:
        def __repr__(self) -> str:
            raise RuntimeError

        __str__ = __repr__

    def inner(user: dict[str, str], password: str) -> None:
        many = list(range(100_000))
        hostile = Hostile()
        text = "x" * 100_000
        assert many
        assert text
        raise ValueError(hostile is None)

    def outer() -> None:
        step = 3
        try:
            inner({"email": "a@example.org", "name": "Ada"}, "hunter2")
        except ValueError as error:
            raise KeyError(step) from error

    log = either.start(exception_locals=True, redact=["password", "user.email"])
    try:
        outer()
    except KeyError:
        log.exception("x", field=1)
    line = either.last()
    assert "hunter2" not in json.dumps(line["exception_locals"])
    frames = line["exception_locals"]
    names = [frame["function"] for frame in frames]
    assert names == ["outer", "inner", "test_local_variables_come_on_request_bounded_and_redacted", "outer"]
    found = frames[1]["locals"]
    assert found["user"] == {"email": "<redacted>", "name": "Ada"}
    assert found["password"] == "<redacted>"
    assert len(found["many"]) == 101
    assert len(found["text"]) < 1100
    assert "Hostile" in found["hostile"]
    assert frames[0]["locals"]["step"] == 3
    assert frames[0]["file"] == __file__
    assert line["field"] == 1
    log.info("none without an exception")
    assert "exception_locals" not in either.last()


def test_a_groups_members_show_their_variables_after_its_own(either: Run) -> None:
    def fail(number: int) -> None:
        password = "hunter2"
        raise ValueError(number, len(password))

    def all_fail() -> None:
        errors = []
        for number in range(8):
            try:
                fail(number)
            except ValueError as error:
                errors.append(error)
        raise ExceptionGroup("all", [*errors[:1], ExceptionGroup("inner", errors[1:])])

    log = either.start(exception_locals=True, redact=["password"])
    with log.catch():
        all_fail()
    found = [(frame["function"], frame["locals"].get("number")) for frame in either.last()["exception_locals"]]
    # Of five exceptions in all, one of which was never raised.
    own, *members = [one for one in found if one[0] in ("all_fail", "fail")]
    assert own == ("all_fail", 7)
    assert [number for function, number in members if function == "fail"] == [0, 1, 2]
    assert "hunter2" not in json.dumps(either.last())


def raised_at(name: str, cause: BaseException | None = None) -> ValueError:
    """An exception of a function of its own, which tells its name."""
    try:
        raise ValueError(name) from cause
    except ValueError as error:
        return error


def test_the_exceptions_nearest_to_the_call_show_their_variables(either: Run) -> None:
    far = raised_at("far")
    for number in range(10):
        far = raised_at(f"led {number}", far)
    log = either.start(exception_locals=True)
    with log.catch():
        raise ExceptionGroup("all", [far, raised_at("near"), raised_at("also near")]) from raised_at("cause")
    frames = either.last()["exception_locals"]
    # Itself, its cause and its three members; of what led to those, none.
    assert [frame["locals"].get("name") for frame in frames if frame["function"] == "raised_at"] == [
        "cause",
        "led 9",
        "near",
        "also near",
    ]


def test_exceptions_in_a_circle_show_their_variables_once(either: Run) -> None:
    log = either.start(exception_locals=True)
    one, other = raised_at("one"), raised_at("other")
    one.__cause__, other.__cause__ = other, one
    log.error("x", exc_info=ExceptionGroup("both", [one, other, one]))
    frames = either.last()["exception_locals"]
    assert [frame["locals"]["name"] for frame in frames] == ["other", "one"]


def test_an_exception_that_says_it_is_false_shows_its_variables(either: Run) -> None:
    class Empty(Exception):
        def __len__(self) -> int:
            return 0

    def cause() -> None:
        here = 1
        raise Empty(here)

    log = either.start(exception_locals=True)
    with log.catch():
        try:
            cause()
        except Empty as empty:
            raise ValueError("none left") from empty
    functions = [frame["function"] for frame in either.last()["exception_locals"]]
    assert "cause" in functions


def test_variables_of_modules_are_left_out(either: Run) -> None:
    log = either.start(exception_locals=True)
    module = {"secret": "everything that the module has", "raised": raised_at}
    try:
        exec(compile("def fail():\n    here = 1\n    raise raised('x')\n\nfail()", "module.py", "exec"), module)
    except Exception:
        log.exception("x")
    functions = [frame["function"] for frame in either.last()["exception_locals"]]
    assert "fail" in functions
    assert "<module>" not in functions


def test_no_local_variables_are_written_unless_asked_for(either: Run) -> None:
    log = either.start()
    log.error("x", exc_info=raised_at("x"))
    assert "exception_locals" not in either.last()
