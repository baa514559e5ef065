"""Values that do their worst: no call raises because of them, and no record is lost."""

from __future__ import annotations

import datetime
import decimal
import gc
import logging
import sys
import threading
import types
from collections import UserDict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import undergird

if TYPE_CHECKING:
    from tests.log.conftest import Run


class Unprintable:
    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


class NoText:
    def __str__(self) -> str:
        return 7  # type: ignore[return-value]


class Lookup:
    """Answers every attribute with an error."""

    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError(name)


class Loud(type):
    @property
    def __name__(cls) -> str:  # type: ignore[override]
        raise RuntimeError("no name")

    def __instancecheck__(cls, instance: object) -> bool:
        raise RuntimeError("no check")


class Nameless(metaclass=Loud):
    def __str__(self) -> str:
        raise RuntimeError("no text")


class EvilText(str):
    def __str__(self) -> str:
        raise RuntimeError("no text")

    def __len__(self) -> int:
        raise RuntimeError("no length")

    def __mod__(self, other: object) -> str:
        raise RuntimeError("no formatting")

    def __hash__(self) -> int:
        raise RuntimeError("no hash")

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("no comparison")

    def encode(self, *args: Any, **options: Any) -> bytes:
        raise RuntimeError("no bytes")


class EvilNumber(int):
    def __int__(self) -> int:
        raise RuntimeError("no int")

    __index__ = __int__

    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


class EvilMapping(UserDict[str, Any]):
    def __getitem__(self, key: str) -> Any:
        raise RuntimeError("no items")

    def __bool__(self) -> bool:
        raise RuntimeError("no truth")

    def __len__(self) -> int:
        raise RuntimeError("no length")


def cyclic() -> list[Any]:
    ring: list[Any] = [1]
    ring.append(ring)
    return ring


def deep(depth: int) -> list[Any]:
    nest: list[Any] = []
    for _ in range(depth):
        nest = [nest]
    return nest


NASTY: list[Any] = [
    Unprintable(), NoText(), Lookup(), Nameless(), Nameless, EvilText("evil %s"), EvilNumber(3), EvilMapping(a=1),
    cyclic(), deep(50), deep(20_000), {1: 2, (3, 4): 5}, {"a": Unprintable()}, {Unprintable: 1}, b"\xff\x00", bytearray(b"x"),
    memoryview(b"abc"), (number for number in range(3)), sys, print, lambda: 1, object(), type, Ellipsis,
    NotImplemented, float("nan"), float("-inf"), -0.0, 1e308, 5e-324, 10**5000, -(10**5000), 2**63, -(2**63) - 1,
    "\ud800", "\x00", "\u2028", "\N{GRINNING FACE}", "%s %d %(x)s %", "", "x" * 200_000, 1j, decimal.Decimal("1.10"),
    datetime.datetime(2026, 11, 21, tzinfo=datetime.UTC), Path("/tmp"), np.float64(1.5), np.int64(3), np.arange(3),
    np.array(Unprintable(), dtype=object), ValueError("x"), ValueError(Unprintable()), KeyError, [float("nan")],
    {"a": float("inf")}, ["\ud800"], frozenset({1}), range(3), types.SimpleNamespace(a=1), threading.Lock(),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(NASTY)))  # Not the values: pytest would look at them.
def test_no_value_makes_a_log_call_raise_or_lose_its_record(
    either: Run, capsys: pytest.CaptureFixture[str], number: int
) -> None:
    value = NASTY[number]
    log = either.start()
    log.info(value)
    log.info(value, 1)
    log.info("field", field=value)
    log.info("argument %s", value)
    log.info("argument %d %s", value, value)
    log.info("many", a=value, b=[value], c={"k": value}, d=(value,))
    log.bind(bound=value).info("bound")
    log.warning("extra", extra={"attribute": value})
    log.log(25, value, field=value)
    log.info("after")
    lines = either.lines()
    assert len(lines) == 10
    assert lines[-1]["message"] == "after"
    repr(log.bind(plain=1))


@pytest.mark.parametrize(
    "stranger",
    [7, "x", [], (1,), ("a", "b", "c"), (None, None, None), object(), Unprintable()],
    ids=lambda value: type(value).__name__,
)
def test_no_exc_info_makes_a_log_call_raise_or_lose_its_record(
    either: Run, capsys: pytest.CaptureFixture[str], stranger: Any
) -> None:
    log = either.start()
    log.info("x", exc_info=stranger)
    log.info("x", stack_info=stranger)
    assert [line["message"] for line in either.lines()] == ["x", "x"]


def test_an_object_without_text_leaves_a_note(either: Run) -> None:
    log = either.start()
    log.info("%s", Unprintable(), field=Unprintable(), number=NoText())
    line = either.last()
    assert "Unprintable" in line["message"]
    assert "Unprintable" in line["field"]
    assert "NoText" in line["number"]


@pytest.mark.parametrize("where", ["message", "argument", "field", "element"])
@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_what_is_not_an_error_of_the_value_goes_through(either: Run, where: str, error: type[BaseException]) -> None:
    class Stop:
        def __str__(self) -> str:
            raise error

    log = either.start()
    with pytest.raises(error):
        match where:
            case "message":
                log.info(Stop())
            case "argument":
                log.info("%s", Stop())
            case "field":
                log.info("x", field=Stop())
            case "element":
                log.info("x", field=[Stop()])
    log.info("after")
    assert either.last()["message"] == "after"


def test_an_object_may_log_while_it_is_rendered(either: Run) -> None:
    log = either.start()

    class Chatty:
        def __str__(self) -> str:
            log.info("inner", depth=1)
            return "chatty"

    log.info("outer %s", Chatty(), field=Chatty())
    log.info(Chatty())
    lines = either.lines()
    assert [line["message"] for line in lines if line["message"] != "inner"] == ["outer chatty", "chatty"]
    assert sum(line["message"] == "inner" for line in lines) >= 3
    assert next(line for line in lines if line["message"] == "outer chatty")["field"] == "chatty"


@pytest.mark.parametrize("change", ["level", "disable", "configure", "shutdown", "handler", "new logger"])
def test_an_object_may_change_the_set_up_while_it_is_rendered(either: Run, change: str, tmp_path: Path) -> None:
    log = either.start()
    other = tmp_path / "other.log"

    class Meddler:
        def __str__(self) -> str:
            match change:
                case "level":
                    log.setLevel("ERROR")
                case "disable":
                    logging.disable(logging.CRITICAL)
                case "configure":
                    undergird.configure(other, level="DEBUG")
                case "shutdown":
                    undergird.shutdown()
                case "handler":
                    logging.getLogger(log.name).addHandler(logging.NullHandler())
                case "new logger":
                    undergird.get_logger(f"{log.name}.below").info("below")
            return "meddler"

    log.info("before")
    log.info("%s", Meddler(), text="x" * 5000)
    log.setLevel("DEBUG")
    logging.disable(logging.NOTSET)
    log.info("after")
    undergird.flush(10)
    found = either.messages() + (either.messages(other) if other.exists() else [])
    assert found.count("before") == 1
    assert found.count("after") == 1
    # A record that its own argument switched off may come or not, but not twice.
    assert found.count("meddler") <= 1, found
    if change in ("configure", "shutdown", "handler", "new logger"):
        assert found.count("meddler") == 1
    undergird.flush(10)


@pytest.mark.parametrize("change", ["configure", "level", "shutdown"])
def test_the_end_of_a_handler_may_change_the_set_up(either: Run, change: str, tmp_path: Path) -> None:
    log = either.start()
    other = tmp_path / "other.log"

    class Last(logging.NullHandler):
        def __del__(self) -> None:
            match change:
                case "configure":
                    undergird.configure(other, level="DEBUG")
                case "level":
                    log.setLevel("DEBUG")
                case "shutdown":
                    undergird.shutdown()

    for number in range(5):
        log.addHandler(Last())
        log.info("x", number=number)
        # Now what the logger knows holds it alone, and lets it go at the next call.
        log.removeHandler(log.handlers[0])
        log.info("y", number=number)
    lines = either.lines() + (either.lines(other) if other.exists() else [])
    assert [line["number"] for line in lines if line["message"] == "x"] == list(range(5))
    assert [line["number"] for line in lines if line["message"] == "y"] == list(range(5))


def test_a_finalizer_may_set_the_run_up_again_wherever_the_collector_runs(either: Run) -> None:
    log = either.start()
    deaths = 0

    class Mortal:
        def __init__(self) -> None:
            self.me = self  # Only the collector can free it.

        def __del__(self) -> None:
            nonlocal deaths
            deaths += 1
            undergird.configure(either.path, level="DEBUG")

    huge, template = 10**5000, "\ud800 %d"
    threshold = gc.get_threshold()
    gc.set_threshold(1, 1, 1)
    try:
        for number in range(20):
            # What follows makes an exception inside, which is where CPython 3.11 may collect.
            Mortal()
            log.info("x", number=number, text="\ud800")
            Mortal()
            log.info("x", number=number, big=huge)
            Mortal()
            log.info("\ud800", number=number)
            Mortal()
            log.info(template, 1, number=number)
            fields = {f"\ud800{number}": 1, "number": number}
            Mortal()
            log.info("x", **fields)
    finally:
        gc.set_threshold(*threshold)
        gc.collect()
    assert deaths == 100
    assert [line["number"] for line in either.lines()] == [number for number in range(20) for _ in range(5)]


def test_a_dict_that_changes_while_it_is_rendered_does_no_harm(either: Run) -> None:
    log = either.start()
    fields: dict[str, Any] = {}

    class Growing:
        def __str__(self) -> str:
            for number in range(100):
                fields[f"new{number}"] = number
            return "growing"

    fields.update(a=Growing(), b=2)
    log.info("x", **fields)
    log.info("x", nested=fields)
    bound = log.bind(**fields)
    bound.info("x")
    assert [line["message"] for line in either.lines()] == ["x", "x", "x"]
