"""Values of every kind as hypothesis makes them, and objects that do their worst."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import enum
import types
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import attrs
import msgspec
import numpy as np
import pydantic
from hypothesis import strategies as st

import undergird

if TYPE_CHECKING:
    pass

SECRET = "hunter2-the-secret"

TEXT = st.text(st.characters(exclude_categories=()))


def fail(*args: object, **fields: object) -> NoReturn:
    raise RuntimeError("hostile")


def log_and_fail(self: object) -> str:
    undergird.get_logger("hostile").info("inner", inner=self)
    raise RuntimeError("hostile")


def log_a_list_and_fail(self: object) -> str:
    undergird.get_logger("hostile").info("inner", listed=[self])
    raise RuntimeError("hostile")


class Failing:
    """Fails in everything it is asked."""

    __str__ = __repr__ = __eq__ = __hash__ = __len__ = __iter__ = __bool__ = __format__ = fail

    def __getattribute__(self, name: str) -> NoReturn:
        raise RuntimeError(name)


class Chatty:
    """Logs itself once, not twice: each time it may do so again, which makes two to the power of the depth."""

    __str__ = __repr__ = log_and_fail


class ChattyInAList:
    __str__ = __repr__ = log_a_list_and_fail


class Recursive:
    def __repr__(self) -> str:
        return f"{self!r}"


class NoText:
    def __str__(self) -> Any:
        return 7

    __repr__ = __str__


class Untrue(type):
    """A class of classes that answer wrongly about themselves."""

    __module__ = 7  # type: ignore[assignment]
    __eq__ = __hash__ = fail

    def __getattribute__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise RuntimeError(name)
        return super().__getattribute__(name)


Strange: Any = Untrue("Strange", (), {})


class BadText(str):
    __str__ = __repr__ = __len__ = __hash__ = __eq__ = __format__ = __mod__ = encode = fail


class BadInt(int):
    __str__ = __repr__ = __int__ = __index__ = __eq__ = __hash__ = __bool__ = bit_length = fail


class BadFloat(float):
    __str__ = __repr__ = __float__ = __eq__ = __hash__ = is_integer = fail


class BadBytes(bytes):
    __str__ = __repr__ = __len__ = __getitem__ = decode = fail


class BadList(list[Any]):
    __iter__ = __len__ = __getitem__ = __repr__ = fail


class BadTuple(tuple[Any, ...]):
    __slots__ = ()
    _fields = ("a", 7, None)
    __iter__ = __len__ = __repr__ = fail


class BadDict(dict[Any, Any]):
    keys = items = __iter__ = __len__ = __getitem__ = __repr__ = fail


class BadSet(set[Any]):
    __iter__ = __len__ = __repr__ = fail


class Liar(Sequence[Any]):
    def __len__(self) -> int:
        return 10**18

    def __getitem__(self, at: Any) -> Any:
        if at > 3:
            raise RuntimeError("hostile")
        return [self, at]


class HalfMapping(Mapping[Any, Any]):
    def __len__(self) -> int:
        raise RuntimeError("hostile")

    def __iter__(self) -> Iterator[Any]:
        yield "a"
        yield Failing()
        raise RuntimeError("hostile")

    def __getitem__(self, key: Any) -> Any:
        raise KeyError(key)


class BadEnum(enum.Enum):
    FIRST = types.SimpleNamespace(a=Failing())

    @property
    def value(self) -> Any:
        raise RuntimeError("hostile")


class BadMoment(datetime.datetime):
    isoformat = __str__ = fail


class BadError(Exception):
    __str__ = __repr__ = fail


class Pair(NamedTuple):
    first: Any
    second: Any


@dataclasses.dataclass
class Data:
    first: Any
    second: Any = dataclasses.field(default=SECRET, repr=False)


@attrs.define
class Attributes:
    first: Any


class Struct(msgspec.Struct):
    first: Any


class Model(pydantic.BaseModel):
    first: Any


class Registered:
    def __init__(self, inner: Any) -> None:
        self.inner = inner


undergird.register(Registered, lambda value: value.inner)


def generator() -> Iterator[int]:
    yield 1


def released() -> memoryview:
    view = memoryview(b"released")
    view.release()
    return view


def strange() -> Any:
    return Strange()


HOSTILE: list[Callable[[], Any]] = [
    Failing, Chatty, ChattyInAList, Recursive, NoText, strange, lambda: Strange, lambda: BadText("x"), lambda: BadInt(3),
    lambda: BadFloat(0.5), lambda: BadBytes(b"x"), lambda: BadList([1]), lambda: BadTuple((1, 2, 3)),
    lambda: BadDict(a=1), lambda: BadSet({1}), Liar, HalfMapping, lambda: BadEnum.FIRST,
    lambda: BadMoment(2026, 1, 1, tzinfo=datetime.UTC), BadError, generator, lambda: weakref.ref(Pair),
    lambda: weakref.proxy(Data(1)), lambda: undergird.lazy(fail), lambda: undergird.lazy(Failing), lambda: Registered,
    released, lambda: types.SimpleNamespace(a=Failing()),
    lambda: np.ma.masked, lambda: np.zeros((3, 0, 2)), lambda: np.array((1, b"x"), dtype="i4,S3"),
    Model.model_construct, lambda: Data.__new__(Data),
    lambda: object.__new__(Attributes), lambda: Exception(Failing()), lambda: fail,
    lambda: np.float64.__new__, lambda: type, lambda: NotImplemented, lambda: 10**5000, lambda: "x" * 600_000,
]  # fmt: skip


class Make:
    """How a value is made. Hypothesis handles these, because it looks at the values that it handles itself."""

    def __init__(self, function: Callable[..., Any], *parts: Make) -> None:
        self.function, self.parts = function, parts

    def __call__(self) -> Any:
        return self.function(*[part() for part in self.parts])


def view(octets: bytes) -> memoryview:
    return memoryview(octets)


FRIENDLY: st.SearchStrategy[Any] = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), TEXT, st.integers(-(10**400), 10**400), st.complex_numbers(),
    st.binary(), st.binary().map(bytearray), st.binary().map(view), st.decimals(), st.fractions(), st.uuids(),
    st.datetimes(timezones=st.none() | st.just(datetime.UTC)), st.dates(), st.times(), st.timedeltas(),
    st.text("abc/", min_size=1).map(Path), st.floats(width=32).map(np.float32), st.integers(0, 255).map(np.uint8),
    st.integers(-(2**62), 2**62).map(lambda number: np.datetime64(number, "us")),
    st.integers(-(2**62), 2**62).map(lambda number: np.timedelta64(number, "ns")),
    st.lists(st.floats(), max_size=4).map(np.array), st.text(max_size=3).map(np.str_),
    st.frozensets(st.one_of(TEXT, st.none(), st.integers(), st.floats(), st.binary()), max_size=4),
)  # fmt: skip


def in_equal_parts(*strategies: st.SearchStrategy[Make]) -> st.SearchStrategy[Make]:
    """Not `|`, which counts every branch of its branches."""
    return st.sampled_from(strategies).flatmap(lambda strategy: strategy)


LEAVES = in_equal_parts(FRIENDLY.map(lambda value: Make(lambda: value)), st.sampled_from(HOSTILE).map(Make))


def with_itself(*values: Any) -> list[Any]:
    container = [*values]
    container.append(container)
    return container


def in_an_array(*values: Any) -> Any:
    array = np.empty(len(values), dtype=object)
    for at, value in enumerate(values):
        array[at] = value
    return array


OF_ELEMENTS: list[Callable[..., Any]] = [
    lambda *values: [*values],
    lambda *values: values,
    lambda *values: collections.deque(values),
    lambda *values: dict(enumerate(values)).values(),
    with_itself,
    in_an_array,
]
OF_A_DICT: list[Callable[[dict[Any, Any]], Any]] = [
    dict,
    collections.OrderedDict,
    types.MappingProxyType,
    collections.UserDict,
    lambda values: collections.ChainMap({}, values),
]
OF_ONE: list[Callable[[Any], Any]] = [
    Data,
    Attributes,
    Struct,
    Registered,
    ValueError,
    lambda value: Model.model_construct(first=value),
    lambda value: undergird.lazy(lambda: value),
    lambda value: Pair(value, value),
    lambda value: types.SimpleNamespace(a=value),
]
KEYS = st.one_of(TEXT, st.none(), st.integers(), st.floats(), st.binary(), st.tuples(TEXT), st.dates())


def in_a_dict(kind: Callable[[dict[Any, Any]], Any], makes: dict[Any, Make]) -> Make:
    return Make(lambda *values: kind(dict(zip(makes, values, strict=True))), *makes.values())


def containers(makes: st.SearchStrategy[Make]) -> st.SearchStrategy[Make]:
    return st.one_of(
        st.builds(lambda kind, parts: Make(kind, *parts), st.sampled_from(OF_ELEMENTS), st.lists(makes, max_size=4)),
        st.builds(in_a_dict, st.sampled_from(OF_A_DICT), st.dictionaries(KEYS, makes, max_size=4)),
        st.builds(Make, st.sampled_from(OF_ONE), makes),
    )


# By itself too: in a container, a value is on other ways.
ANYTHING = in_equal_parts(LEAVES, st.recursive(LEAVES, containers, max_leaves=12))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda values: st.lists(values, max_size=5) | st.dictionaries(TEXT, values, max_size=5),
    max_leaves=30,
)
