"""Calls with messages, arguments and values of every kind."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import msgspec
import numpy as np
import pydantic
import pytest
from tests.log.kind import KEY, MESSAGE, NUMBER, TEXT, Call, kind

import undergird
from undergird import Logger, Redaction

# --- levels, messages ------------------------------------------------------------------------------------------------


@kind(level="INFO")
def every_level(log: Logger) -> Call:
    number = undergird.add_level("EMERGENCE", 25)

    def call(n: int) -> None:
        log.debug(MESSAGE, n=n)
        log.info(MESSAGE)
        log.warning(MESSAGE, n=n)
        log.error(MESSAGE)
        log.critical(MESSAGE)
        log.fatal(MESSAGE)
        log.log(number, MESSAGE, n=n)
        log.log(7, MESSAGE)
        log.emergence(MESSAGE, n=n)  # type: ignore[attr-defined]

    return call


@kind()
def arguments_of_the_message(log: Logger) -> Call:
    def call(n: int) -> None:
        log.info("%s is %d of %.3f", TEXT, n, NUMBER)
        log.info("%(a)s %(b)r", {"a": n, "b": KEY})
        log.info("%r and %5.1f%%", [n], n)

    return call


@kind()
def messages_that_are_no_text(log: Logger) -> Call:
    def call(n: int) -> None:
        for message in (n, [n, TEXT], f"number {n}", "é\ud800" + str(n)):
            log.info(message)

    return call


@kind()
def wrong_calls(log: Logger) -> Call:
    wrong: list[tuple[Callable[..., Any], tuple[Any, ...]]] = [
        *((log.info, ()), (log.log, (MESSAGE,)), (log.log, ("no level", MESSAGE))),
        *((log.metric, (MESSAGE,)), (log.metric, (MESSAGE, "no number"))),
    ]

    def call(n: int) -> None:
        for method, arguments in wrong:
            with pytest.raises(TypeError):
                method(*arguments)

    return call


# --- values ----------------------------------------------------------------------------------------------------------


@kind()
def primitives(log: Logger) -> Call:
    return lambda n: log.info(
        MESSAGE, a=n, b=n * 0.5, c=True, d=None, e=TEXT, f=-(10**30) - n, g=float("nan"), h="\ud800", i="é" * (n % 200)
    )


@kind()
def long_texts(log: Logger) -> Call:
    long = "text of some length " * 200
    return lambda n: log.info(MESSAGE, text=long, more=long + str(n))


@kind()
def keys_of_many_tuples(log: Logger) -> Call:
    return lambda n: log.info(MESSAGE, **{f"key_{n % 300}": n, f"other_{n % 7}": TEXT})


class Text(str):
    __slots__ = ()


class Whole(int):
    pass


class Colour(enum.Enum):
    RED = 1


@dataclasses.dataclass
class Data:
    n: int
    inner: Any = None


@attrs.define
class Attrs:
    n: int


class Model(pydantic.BaseModel):
    n: int


class Struct(msgspec.Struct):
    n: int


@kind()
def containers(log: Logger) -> Call:
    def call(n: int) -> None:
        cycle: list[Any] = [n]
        cycle.append(cycle)
        log.info(MESSAGE, a=[n, TEXT, [NUMBER]], b={"x": n, 3: {KEY}}, c=(n, (n,)), d=cycle)
        cycle.clear()

    return call


@kind()
def subclasses_and_kinds(log: Logger) -> Call:
    path, identity = Path("a/b"), uuid.UUID(int=7)

    def call(n: int) -> None:
        log.info(
            MESSAGE, a=Text(n), b=Whole(n), c=Colour.RED, d=path, e=identity, f=b"bytes \xff", g=decimal.Decimal(n)
        )
        log.info(
            MESSAGE, a=datetime.datetime.now(datetime.UTC), b=datetime.timedelta(n % 1000), c=datetime.date(2026, 1, 2)
        )
        log.info(MESSAGE, a=ValueError(n), b=(x for x in TEXT), c=complex(n), d=range(n))

    return call


@kind()
def models(log: Logger) -> Call:
    return lambda n: log.info(MESSAGE, a=Data(n, Data(n)), b=Attrs(n), c=Model(n=n), d=Struct(n))


@kind()
def arrays(log: Logger) -> Call:
    large = np.arange(10_000)
    return lambda n: log.info(MESSAGE, a=np.float32(n), b=np.int64(n), c=np.arange(5), d=large, e=np.array(["x", "é"]))


class Unprintable:
    def __str__(self) -> str:
        raise RuntimeError(self)

    __repr__ = __str__


class Talkative:
    def __init__(self, log: Logger) -> None:
        self.log = log

    def __repr__(self) -> str:
        self.log.info("from within")
        return "talkative"


@kind(dear=True)
def hostile_values(log: Logger) -> Call:
    return lambda n: log.info("%s", Unprintable(), a=Unprintable(), b=[Unprintable(), n], c=Talkative(log))


class Registered:
    pass


@kind()
def registered_and_lazy_values(log: Logger) -> Call:
    undergird.register(Registered, lambda value: {"id": 1})
    return lambda n: log.info(
        MESSAGE, a=Registered(), b=undergird.lazy(lambda: [n]), c=undergird.lazy(Unprintable().__str__)
    )


@kind(redact=Redaction(["password", "*token*", "user.email"], text=[r"\d{4}-\d{4}"]))
def redacted_values(log: Logger) -> Call:
    def call(n: int) -> None:
        log.info(
            "card 1234-%04d", n % 10_000, password=n, my_token=[n], user={"email": TEXT, "id": n}, text="1234-5678"
        )
        log.bind(token=n).info(MESSAGE, **{f"key_{n % 300}": "1234-5678"})

    return call
