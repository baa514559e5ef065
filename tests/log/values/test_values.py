"""What values of the standard library's types read like in a line."""

from __future__ import annotations

import array
import asyncio
import collections
import datetime
import enum
import functools
import json
import logging
import math
import threading
import types
import uuid
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

import undergird

if TYPE_CHECKING:
    from tests.log.conftest import Run

Written = Callable[..., Any]


@pytest.fixture
def written(either: Run) -> Written:
    """What a reader finds of a value: by itself, and the same in a list and in a dict."""
    log = either.start()

    def write(value: Any) -> Any:
        log.info("x", alone=value, listed=[value], named={"value": value})
        line = either.last()
        assert line["listed"] == [line["alone"]], "a value reads differently in a list"
        assert line["named"] == {"value": line["alone"]}, "a value reads differently in a dict"
        return line["alone"]

    return write


class Cell:
    def divide(self) -> None: ...


class Point(NamedTuple):
    x: float
    y: float


# --- containers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value", [[], {}, [1, [2.5, None]], {"k": [True, "é", {}]}, [[[]]], {"a": {"b": {"c": '\u2028\x00"\\\n'}}}], ids=str
)
def test_what_json_can_hold_reads_back_as_it_was(written: Written, value: Any) -> None:
    assert written(value) == value


def test_text_that_is_not_ascii_stands_in_a_line_as_it_is(either: Run) -> None:
    either.start().info("x", listed=["Grüße", "\N{GRINNING FACE}"])
    either.lines()
    assert '["Grüße","\N{GRINNING FACE}"]' in either.path.read_text()


def test_tuples_are_arrays_and_named_tuples_objects(written: Written) -> None:
    assert written((1, (2,))) == [1, [2]]
    assert written(Point(1, 2.5)) == {"x": 1, "y": 2.5}


def test_sets_are_sorted_arrays(written: Written) -> None:
    assert written({10, 9, 2.5, -1}) == [-1, 2.5, 9, 10]
    assert written({"b", "a", "C"}) == ["C", "a", "b"]
    assert written(frozenset({Point(2, 1), Point(1, 2)})) == [{"x": 1, "y": 2}, {"x": 2, "y": 1}]
    assert written(set()) == []


def test_sets_that_cannot_be_sorted_have_an_order_of_their_own_all_the_same(written: Written) -> None:
    members = [None, "a", 1, 1j, (1, "x"), frozenset({"b"}), math.nan]
    backwards = members[::-1]
    assert written(set(members)) == written(set(backwards))


@pytest.mark.parametrize(
    "sequence",
    [
        collections.deque([1, 2]),
        collections.UserList([1, 2]),
        array.array("i", [1, 2]),
        {1: 0, 2: 0}.keys(),
        {0: 1, 9: 2}.values(),
    ],
    ids=lambda value: type(value).__name__,
)
def test_sequences_of_any_kind_are_arrays(written: Written, sequence: Any) -> None:
    assert written(sequence) == [1, 2]


class Steps(Sequence[int]):
    def __len__(self) -> int:
        return 3

    def __getitem__(self, at: Any) -> Any:
        return [5, 6, 7][at]


class Settings(Mapping[str, int]):
    def __len__(self) -> int:
        return 1

    def __iter__(self) -> Iterator[str]:
        return iter(["speed"])

    def __getitem__(self, key: str) -> int:
        return 3


def test_the_users_own_sequences_and_mappings_are_arrays_and_objects(written: Written) -> None:
    assert written(Steps()) == [5, 6, 7]
    assert written(Settings()) == {"speed": 3}


@pytest.mark.parametrize(
    "mapping",
    [
        collections.defaultdict(list, a=[1]),
        collections.OrderedDict(a=[1]),
        collections.ChainMap({"a": [1]}),
        collections.UserDict(a=[1]),
        types.MappingProxyType({"a": [1]}),
        types.SimpleNamespace(a=[1]),
        weakref.WeakValueDictionary[str, Any](),
    ],
    ids=lambda value: type(value).__name__,
)
def test_mappings_of_any_kind_are_objects(written: Written, mapping: Any) -> None:
    assert written(mapping) in ({"a": [1]}, {})


def test_a_defaultdict_does_not_grow_by_being_logged(written: Written) -> None:
    counts = collections.defaultdict[str, int](int, a=1)
    written(counts)
    assert counts == {"a": 1}


def test_the_order_of_an_ordered_dict_is_its_own(either: Run) -> None:
    ordered = collections.OrderedDict(a=1, b=2)
    ordered.move_to_end("a")
    either.start().info("x", ordered=ordered)
    assert list(either.last()["ordered"]) == ["b", "a"]


def test_keys_that_are_no_text_are_written_as_text(written: Written) -> None:
    moment = datetime.date(2026, 11, 21)
    keys = {None: 1, True: 2, 7: 3, 2.5: 4, (1, "a"): 5, moment: 6, Point(1, 2): 7, b"\xff": 8, math.nan: 9}
    assert written(keys) == {
        "null": 1, "true": 2, "7": 3, "2.5": 4, '[1,"a"]': 5, "2026-11-21": 6, '{"x":1,"y":2}': 7, "\\xff": 8, "NaN": 9
    }  # fmt: skip


def test_keys_that_read_alike_do_not_hide_each_other(written: Written) -> None:
    assert sorted(written({1: "number", "1": "text", "1_1": "other"}).values()) == ["number", "other", "text"]


# --- numbers, texts, bytes ------------------------------------------------------------------------------------------------


def test_nan_and_infinities_are_texts(written: Written) -> None:
    assert [written(value) for value in (math.nan, math.inf, -math.inf)] == ["NaN", "Infinity", "-Infinity"]


def test_integers_are_digits_as_long_as_readers_take_them(written: Written) -> None:
    assert written(10**4299) == 10**4299
    assert written(-(2**200)) == -(2**200)
    assert written(10**5000) == "1" + 5000 * "0"


@pytest.mark.parametrize("limit", [0, 640])
def test_the_interpreters_limit_for_digits_does_not_matter(script: Any, limit: int) -> None:
    done = script(
        f"""
        import json, sys, undergird
        undergird.configure("run.log")
        sys.set_int_max_str_digits({limit})
        numbers = [10**600, 10**4299, 10**5000]
        undergird.get_logger("x").info("x", alone=numbers[2], listed=numbers, nested=[numbers])
        undergird.flush()
        sys.set_int_max_str_digits(0)
        with open("run.log") as file:
            line = json.loads(file.read())
        whole = lambda found: int(found, 0) if isinstance(found, str) else found
        assert isinstance(line["listed"][1], int) or {limit} == 640
        assert [whole(found) for found in line["listed"]] == numbers
        assert [whole(found) for found in line["nested"][0]] == numbers
        assert whole(line["alone"]) == numbers[2]
        """
    )
    assert done.stderr == ""


def test_lone_surrogates_are_escaped(written: Written) -> None:
    assert written("a\ud800b") == "a\ud800b"
    assert written({"\udfff": ["\ud800", "é"]}) == {"\udfff": ["\ud800", "é"]}


class Name(str):
    __slots__ = ()

    def __str__(self) -> str:
        return "other"

    __repr__ = __format__ = __str__  # type: ignore[assignment]


class Loud(enum.StrEnum):
    YES = "yes"

    def __str__(self) -> str:
        raise RuntimeError("no text")


class Count(int):
    def __str__(self) -> str:
        return "many"

    __repr__ = __str__


class Speed(float):
    def __repr__(self) -> str:
        return "fast"


def test_types_derived_from_primitives_are_written_by_their_value(written: Written) -> None:
    assert written(Name("mine")) == "mine"
    assert written(Loud.YES) == "yes"
    assert written(Count(3)) == 3
    assert written(Speed(2.5)) == 2.5
    assert written({Name("key"): Count(1)}) == {"key": 1}


class Colour(enum.Enum):
    RED = "red"
    ORIGIN = (0, 0)


class Access(enum.Flag):
    READ = 1
    WRITE = 2


class Rank(enum.IntEnum):
    FIRST = 1


def test_members_of_an_enum_are_written_by_their_value(written: Written) -> None:
    assert written(Colour.RED) == "red"
    assert written(Colour.ORIGIN) == [0, 0]
    assert written(Access.READ | Access.WRITE) == 3
    assert written(Rank.FIRST) == 1


def test_bytes_are_text_with_backslashes_for_what_is_none(written: Written) -> None:
    assert written(b"caf\xc3\xa9 \xff\x00") == "café \\xff\x00"
    assert written(bytearray(b"ab")) == "ab"
    assert written(memoryview(b"abcd")[::2]) == "ac"
    assert written(memoryview(array.array("H", [0x4142]))) in ("AB", "BA")
    assert written(memoryview(b"")) == ""


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("1.10"), "1.10"),
        (Decimal("sNaN"), "sNaN"),
        (Fraction(1, 3), "1/3"),
        (1 + 2j, "(1+2j)"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (PurePosixPath("/data/run.log"), "/data/run.log"),
        (Path("data"), "data"),
        (range(0, 10**12, 2), "range(0, 1000000000000, 2)"),
        (collections.UserString("text"), "text"),
        (Ellipsis, "Ellipsis"),
        (list[int], "list[int]"),
    ],
    ids=repr,
)
def test_what_has_a_good_text_is_that_text(written: Written, value: Any, text: str) -> None:
    assert written(value) == text


# --- time -----------------------------------------------------------------------------------------------------------------


def test_dates_and_times_are_in_iso_format(written: Written) -> None:
    zone = datetime.timezone(datetime.timedelta(hours=2))
    moment = datetime.datetime(2026, 11, 21, 8, 30, 0, 250_000, tzinfo=zone)
    assert written(moment) == "2026-11-21T08:30:00.250000+02:00"
    assert written(moment.replace(tzinfo=None, microsecond=0)) == "2026-11-21T08:30:00"
    assert written(moment.date()) == "2026-11-21"
    assert written(moment.timetz()) == "08:30:00.250000+02:00"


def test_durations_are_seconds(written: Written) -> None:
    assert written(datetime.timedelta(minutes=1, milliseconds=1500)) == 61.5
    assert written(datetime.timedelta(days=-1)) == -86400


# --- code, and what it leaves behind ------------------------------------------------------------------------------------------


def test_classes_and_functions_are_their_full_names(written: Written) -> None:
    assert written(Cell) == f"{__name__}.Cell"
    assert written(Cell.divide) == f"{__name__}.Cell.divide"
    assert written(Cell().divide) == f"{__name__}.Cell.divide"
    assert written(logging.getLogger) == "logging.getLogger"
    assert (written(int), written(len), written([].append)) == ("int", "len", "list.append")
    assert written(str.join) == "str.join"
    assert written(object.__repr__) == "object.__repr__"


def test_exceptions_are_class_and_message(written: Written) -> None:
    assert written(ValueError("no such cell")) == "ValueError: no such cell"
    assert written(KeyError("x")) == "KeyError: 'x'"
    assert written(TimeoutError()) == "TimeoutError"
    assert written(json.JSONDecodeError("bad", "", 0)) == "json.decoder.JSONDecodeError: bad: line 1 column 1 (char 0)"


def test_weak_references_say_what_they_refer_to(written: Written) -> None:
    cell = Cell()
    reference = weakref.ref(cell)
    assert written(reference) == f"<weakref to {__name__}.Cell>"
    del cell
    assert written(reference) == "<dead weakref>"


def test_generators_and_iterators_are_not_consumed(written: Written) -> None:
    numbers = (number for number in range(3))
    pairs = zip([1], [2], strict=True)
    lines = iter(["a"])
    values: list[Any] = [numbers, pairs, lines, map(str, [1])]
    for value in values:
        assert type(value).__name__ in written(value)
    assert (list(numbers), list(pairs), list(lines)) == ([0, 1, 2], [(1, 2)], ["a"])


def test_coroutines_are_neither_awaited_nor_closed(written: Written) -> None:
    async def answer() -> int:
        return 42

    coroutine = answer()
    assert "answer" in written(coroutine)
    assert asyncio.run(coroutine) == 42


@pytest.mark.parametrize(
    "value",
    [object(), threading.Lock(), logging, functools.partial(print, 1), Cell(), NotImplemented],
    ids=lambda value: type(value).__name__,
)
def test_everything_else_is_its_text(written: Written, value: Any) -> None:
    assert written(value) == str(value)


def test_a_value_is_what_it_was_at_the_call(either: Run) -> None:
    log = either.start()
    nested: dict[str, Any] = {"listed": [1], "set": {1}, "queue": collections.deque([1])}
    log.info("x", nested=nested)
    nested["listed"].append(2)
    nested["set"].clear()
    nested["queue"].append(2)
    assert either.last()["nested"] == {"listed": [1], "set": [1], "queue": [1]}


def test_bound_values_read_like_those_of_a_call(either: Run) -> None:
    log = either.start()
    moment = datetime.date(2026, 11, 21)
    log.bind(day=moment, cells={3, 1}, where=Point(1, 2), numbers=[math.nan]).info("x")
    line = either.last()
    assert (line["day"], line["cells"], line["where"], line["numbers"]) == (
        "2026-11-21", [1, 3], {"x": 1, "y": 2}, ["NaN"]
    )  # fmt: skip


def test_other_handlers_get_the_values_themselves(run: Run) -> None:
    run.foreign = True
    log = run.start()
    moment = datetime.date(2026, 11, 21)
    log.info("x", day=moment, lazily=undergird.lazy(lambda: moment))
    record = run.records[-1]
    assert vars(record)["day"] is moment
    assert vars(record)["lazily"] is moment
