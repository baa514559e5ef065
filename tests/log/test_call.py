"""One log call: what may be said in it, and what the line then says."""

from __future__ import annotations

import copy
import datetime
import decimal
import enum
import inspect
import json
import logging
import math
import pickle
import re
import sys
import threading
import types
from collections import OrderedDict, UserDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import undergird

if TYPE_CHECKING:
    from tests.log.conftest import Run

LEVELS = ("debug", "info", "warning", "error", "critical")
ANY_TEXT = st.text(st.characters(exclude_categories=()))
PRIMITIVES = st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT | st.integers(-(10**400), 10**400)


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


def seen(value: object) -> Any:
    """What a reader of the line sees of a primitive."""
    if type(value) is float and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def readable(text: str) -> str:
    """The text as JSON carries it: a pair of surrogates is one character."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass") if text else text


def same(found: Any, value: object) -> bool:
    expected = seen(value)
    if isinstance(expected, str):
        return bool(found == expected or found == json.loads(json.dumps(expected)))
    return type(found) is type(expected) and repr(found) == repr(expected)  # Zeros have signs.


# --- levels -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("threshold", [*LEVELS])
def test_a_level_lets_itself_and_those_above_through(either: Run, threshold: str) -> None:
    log = either.start(level=threshold.upper())
    for level in LEVELS:
        getattr(log, level)(level)
    log.fatal("fatal")
    expected = [*LEVELS[LEVELS.index(threshold) :], "fatal"]
    lines = either.lines()
    assert [line["message"] for line in lines] == expected
    assert [line["level"] for line in lines] == [*(name.upper() for name in expected[:-1]), "CRITICAL"]


def test_a_line_says_when_who_and_what(either: Run) -> None:
    log = either.start()
    before = datetime.datetime.now(datetime.UTC)
    log.info("agent moved", agent_id=7)
    after = datetime.datetime.now(datetime.UTC)
    line = either.last()
    assert list(line) == ["timestamp", "level", "logger_name", "message", "agent_id"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", line["timestamp"])
    moment = datetime.datetime.fromisoformat(line["timestamp"])
    slack = datetime.timedelta(microseconds=2)
    assert before - slack <= moment <= after + slack
    assert (line["level"], line["logger_name"], line["message"], line["agent_id"]) == (
        "INFO",
        log.name,
        "agent moved",
        7,
    )


def test_log_takes_any_level_and_names_it_as_the_standard_library_does(either: Run) -> None:
    log = either.start(level=1)
    logging.addLevelName(25, "NOTICE")
    logging.addLevelName(1000, "ALARM")
    levels = [1, 10, 20, 25, 30, 33, 255, 256, 1000, 2**31]
    for level in levels:
        log.log(level, "x")
    log.log(True, "a bool is an integer")
    assert [line["level"] for line in either.lines()] == [logging.getLevelName(level) for level in [*levels, True]]


def test_a_level_that_is_no_integer_is_an_error_as_in_the_standard_library(either: Run) -> None:
    log = either.start()
    with pytest.raises(TypeError, match="INFO"):
        log.log("INFO", "x")  # type: ignore[arg-type]
    logging.raiseExceptions = False
    log.log("INFO", "x")  # type: ignore[arg-type]
    assert either.lines() == []


def test_a_level_that_is_renamed_keeps_the_old_name_in_earlier_lines(either: Run) -> None:
    log = either.start()
    logging.addLevelName(25, "BEFORE")
    log.log(25, "x")
    logging.addLevelName(25, "AFTER")
    log.log(25, "x")
    logging.addLevelName(25, "BEFORE")
    log.log(25, "x")
    assert [line["level"] for line in either.lines()] == ["BEFORE", "AFTER", "BEFORE"]


def test_a_standard_level_that_is_renamed_has_its_new_name_at_the_next_call(either: Run) -> None:
    log = either.start()
    log.warning("x")
    logging.addLevelName(logging.WARNING, "WARN")
    try:
        log.warning("x")
        log.log(logging.WARNING, "x")
    finally:
        logging.addLevelName(logging.WARNING, "WARNING")
    log.warning("x")
    assert [line["level"] for line in either.lines()] == ["WARNING", "WARN", "WARN", "WARNING"]


def test_more_levels_than_a_byte_can_number_do_not_cost_a_record(either: Run) -> None:
    log = either.start(level=1)
    for level in range(1, 600):
        log.log(level, "x", number=level)
    lines = either.lines()
    assert [line["number"] for line in lines] == list(range(1, 600))
    for line in lines:
        # A record has one byte for its level; what does not fit into it says so.
        assert line["level"] == logging.getLevelName(line["number"]) or (
            line["number"] > 200 and line["level"] == "OTHER"
        )


# --- messages and their arguments ---------------------------------------------------------------------------------------

FLAGS = st.text("#0- +", max_size=3)
WIDTHS = st.just("") | st.integers(0, 40).map(str)
PRECISIONS = st.just("") | st.just(".") | st.integers(0, 30).map(".{}".format)
PIECES = ANY_TEXT.map(lambda text: text.replace("%", "%%")) | st.builds(
    "%{}{}{}{}{}".format,
    FLAGS,
    WIDTHS,
    PRECISIONS,
    st.sampled_from(["", "l", "h", "L"]),
    st.sampled_from("diouxXeEfFgGcrsa%"),
)
ARGUMENTS = st.lists(
    PRIMITIVES | st.integers(-50, 200) | st.sampled_from([1j, (1, 2), [1], {"a": 1}, b"x", decimal.Decimal("1.5")]),
    min_size=1,
    max_size=5,
)
CALLS = st.tuples(st.lists(PIECES, max_size=5).map("".join), ARGUMENTS)


def in_the_standard_library(template: str, arguments: list[Any]) -> str | None:
    """The text that a `LogRecord` gives, or `None` where it raises."""
    record = logging.LogRecord("x", 20, "x", 1, template, tuple(arguments), None)
    try:
        return record.getMessage()
    except Exception:
        return None


def test_messages_are_those_of_the_standard_library(either: Run) -> None:
    log = either.start()
    logging.raiseExceptions = False

    @given(st.lists(CALLS, min_size=1, max_size=10))
    @example([("%*d|%-*d|%.*f|%0*d", [7, 42, 7, 42, 2, 2.5, 5, 3]), ("%*d", [2**70, 1]), ("%.*f", ["x", 1.0])])
    @example([("%d of %s, %.3f%%, %5s|%-5s|%05d|%x|%r|%a|%c", [1, "x", 2.5, "é", None, -3, 255, "\ud800", "é", 65])])
    @example(
        [("%s", [True]), ("%d", [1e300]), ("%c", ["\U0001f600"]), ("%.2s", ["\U0001f600xy"]), ("%s %s", [{"a": 1}, 2])]
    )
    @example([("%(a)s", [{"a": 1}]), ("%s", [{}]), ("%s", [()]), ("%s", [(1,)]), ("%s", [[]]), ("%%", [1]), ("%", [1])])
    def check(calls: list[tuple[str, list[Any]]]) -> None:
        either.new_lines()
        for template, arguments in calls:
            log.info(template, *arguments)
        found = [line["message"] for line in either.new_lines()]
        assert len(found) == len(calls)
        for message, (template, arguments) in zip(found, calls, strict=True):
            expected = in_the_standard_library(template, arguments)
            if expected is None:
                # Where the standard library prints a traceback and drops the record, both parts are kept.
                assert message == json.loads(json.dumps(f"{template} {tuple(arguments)}"))
            else:
                assert message == json.loads(json.dumps(expected)), (template, arguments)

    check()


def test_a_template_without_arguments_is_the_message(either: Run) -> None:
    log = either.start()
    for message in ("100%", "%s", "%(a)s", "%%"):
        log.info(message)
    assert either.messages() == ["100%", "%s", "%(a)s", "%%"]


def test_arguments_that_do_not_fit_are_shown_and_reported_as_the_standard_library_does(
    either: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    log = either.start()
    log.info("%d apples", "seven")
    log.info("%s and %s", 1)
    assert either.messages() == ["%d apples ('seven',)", "%s and %s (1,)"]
    told = capsys.readouterr().err
    assert told.count("--- Logging error ---") == 2
    assert "%d apples" in told
    assert "seven" in told
    logging.raiseExceptions = False
    log.info("%d apples", "seven")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("count", [15, 16, 17, 255, 256, 1000])
def test_a_message_takes_any_number_of_arguments(either: Run, count: int) -> None:
    log = either.start()
    log.info(" ".join(["%d"] * count), *range(count))
    assert either.last()["message"] == " ".join(map(str, range(count)))


def test_arguments_are_copied_at_the_call(either: Run) -> None:
    log = either.start()
    mutable = [1]
    log.info("%s", mutable, field=mutable)
    mutable.append(2)
    line = either.last()
    assert (line["message"], line["field"]) == ("[1]", [1])


def test_a_message_may_be_any_object(either: Run) -> None:
    log = either.start()
    for message in (7, None, ["a"], ValueError("bad"), b"raw"):
        log.info(message)
    log.info(decimal.Decimal("1.5"), 3)
    assert either.messages()[:5] == ["7", "None", "['a']", "bad", "b'raw'"]


def test_a_template_of_a_subclass_of_str_is_formatted_by_its_own_rules(either: Run) -> None:
    class Braces(str):
        def __mod__(self, values: Any) -> str:
            return self.format(*values)

    log = either.start()
    log.info(Braces("{} of {}"), 3, 4)
    assert either.last()["message"] == "3 of 4"


def test_a_call_without_a_message_is_a_type_error(either: Run) -> None:
    log = either.start()
    for call in (log.info, log.debug, log.exception, log.log):
        with pytest.raises(TypeError):
            call()  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        log.info(msg="the message has no keyword")  # type: ignore[call-arg]
    log.setLevel("ERROR")
    with pytest.raises(TypeError):
        log.info()  # type: ignore[call-arg]


# --- fields -------------------------------------------------------------------------------------------------------------


def test_fields_of_primitive_types_read_back_as_they_were(either: Run) -> None:
    log = either.start()

    @given(st.lists(st.dictionaries(ANY_TEXT.map("f{}".format), PRIMITIVES, max_size=6), min_size=1, max_size=10))
    @example(
        [{"f": value} for value in (2**63 - 1, -(2**63), 2**63, -(2**63) - 1, 0.1, 1e16, 1e-5, -0.0, 5e-324, 1.7e308)]
    )
    @example([{"f": text} for text in ("\ud83d\ude00", "\ud83d", "\ude00\ud83d", '\x7f\x80\u2028\x1b[0m"\\/', "\x00")])
    def check(calls: list[dict[str, Any]]) -> None:
        either.new_lines()
        for fields in calls:
            log.info("x", **fields)
        for line, fields in zip(either.new_lines(), calls, strict=True):
            found = list(line.values())[4:]
            # Keys that JSON cannot tell apart (a pair of surrogates, and the character) are one key.
            keys = {json.loads(json.dumps(key)): value for key, value in fields.items()}
            assert list(line)[4:] == list(keys)
            assert all(map(same, found, keys.values())), (line, fields)

    check()


def test_floats_are_printed_as_python_prints_them(either: Run) -> None:
    log = either.start()
    floats = [0.1, 1e16, 1e22, 123456789012345680.0, 1e-4, 1e-5, 5e-324, 1.7976931348623157e308, -0.0, 100.0]
    log.info("x", **{f"f{place}": number for place, number in enumerate(floats)})
    either.lines()
    text = either.path.read_text()
    assert re.findall(r'"f\d+":([^,}]+)', text) == [repr(number) for number in floats]


def test_integers_of_any_size_are_numbers_and_beyond_what_readers_take_texts(either: Run) -> None:
    log = either.start()
    largest, larger = 10**4299, 10**5000
    log.info("x", a=largest, b=-largest, c=larger, d=-larger)
    line = either.last()
    assert (line["a"], line["b"]) == (largest, -largest)
    assert (int(line["c"], 16), int(line["d"], 16)) == (larger, -larger)


def test_subclasses_of_primitives_are_written_by_their_value(either: Run) -> None:
    class Colour(enum.IntEnum):
        RED = 3

    class Name(str):
        __slots__ = ()

        def __str__(self) -> str:
            return "other"

    class Speed(float):
        pass

    log = either.start()
    log.info("x", colour=Colour.RED, name=Name("mine"), speed=Speed(2.5), flag=np.True_, number=np.float64(0.25))
    line = either.last()
    assert (line["colour"], line["name"], line["speed"], line["number"]) == (3, "mine", 2.5, 0.25)


def test_lists_and_dicts_are_json_and_everything_else_is_text(either: Run) -> None:
    log = either.start()
    moment = datetime.datetime(2026, 11, 21, tzinfo=datetime.UTC)
    log.info(
        "x",
        a=[1, [2.5, None]],
        b={"k": (True, "é")},
        c=(),
        d={},
        e={
            1,
        },
        f=1j,
        g=b"\xff",
        h=moment,
        i=[moment],
    )
    line = either.last()
    assert [line[key] for key in "abcd"] == [[1, [2.5, None]], {"k": [True, "é"]}, [], {}]
    assert [line[key] for key in "efgh"] == ["{1}", "1j", "b'\\xff'", str(moment)]
    assert line["i"] == [str(moment)]


def test_what_json_cannot_say_inside_a_container_is_text(either: Run) -> None:
    log = either.start()
    log.info("x", a=[float("nan")], b={(1, 2): 3}, c=cyclic(), d=["\ud800"], e=deep(140))
    line = either.last()
    assert (line["a"], line["b"], line["c"]) == ("[nan]", "{(1, 2): 3}", "[1, [...]]")
    assert json.loads(line["d"]) == ["\ud800"]
    assert set(line["e"]) == {"[", "]"}


@pytest.mark.parametrize("count", [1, 255, 256, 300, 5000])
def test_fields_may_be_a_dict_built_at_run_time(either: Run, count: int) -> None:
    log = either.start()
    for _ in range(3):
        fields = {f"key{number}": number for number in range(count)}
        log.info("x", **fields)
    for line in either.lines():
        assert {key: line[key] for key in fields} == fields
        assert len(line) == 4 + count


def test_more_fields_than_a_record_can_count_do_not_cost_the_record(either: Run) -> None:
    log = either.start()
    fields = {f"k{number}": number for number in range(70_000)}
    log.info("many", **fields)
    log.bind(**fields).info("many bound")
    log.info("after")
    lines = either.lines()
    assert [line["message"] for line in lines] == ["many", "many bound", "after"]
    assert undergird.stats()["sinks"][str(either.path)]["failed"] == 0
    for line in lines[:2]:
        assert line["truncated"] is True
        assert len(line) == 4 + 65_535 + 1
        assert line["k65534"] == 65_534


def test_a_field_with_a_name_of_the_lines_own_gets_an_underscore(either: Run) -> None:
    log = either.start()
    log.info("x", timestamp=1, level=2, logger_name=3, message=4, exception=5, function_name=6, truncated=7, level_=8)
    line = either.last()
    assert line["message"] == "x"
    assert line["level"] == "INFO"
    assert [line[f"{key}_"] for key in ("timestamp", "logger_name", "message", "exception", "function_name")] == [
        1,
        3,
        4,
        5,
        6,
    ]
    assert line["level_"] == 8
    assert line["level__"] == 2
    assert line["truncated_"] == 7


def test_names_of_a_log_records_attributes_are_free_for_fields(either: Run) -> None:
    log = either.start()
    fields = {name: number for number, name in enumerate(vars(logging.makeLogRecord({})))}
    fields |= {"self": 1, "msg": 2, "args": 3, "name": 4, "asctime": 5, "logger": 6}
    for reserved in ("exc_info", "stack_info"):
        del fields[reserved]
    log.info("x", **fields)
    line = either.last()
    assert (line["message"], line["logger_name"]) == ("x", log.name)
    for key, value in fields.items():
        assert line[key] == value


def test_a_field_of_the_call_replaces_a_bound_one(either: Run) -> None:
    log = either.start()
    log.bind(a=1, b=2, c=3).bind(b=4).info("x", c=5, d=6)
    line = either.last()
    assert {key: line[key] for key in "abcd"} == {"a": 1, "b": 4, "c": 5, "d": 6}
    assert either.path.read_text().count('"c":') == 1


def test_a_hundred_thousand_keys_and_loggers_overflow_the_dictionary_and_lose_nothing(either: Run) -> None:
    log = either.start(ring_size=1 << 18)
    count = 100_000 if not either.foreign else 20_000
    for number in range(count):
        log.info("k", **{f"some.rather.long.key.{number}": number})
    for number in range(2000):
        undergird.get_logger(f"{log.name}.{'x' * 40}.{number}").bind(**{f"bound{number}": number}).info("n")
    lines = either.lines()
    keys, names = lines[:count], lines[count:]
    assert all(line[f"some.rather.long.key.{number}"] == number for number, line in enumerate(keys))
    assert [line["logger_name"].rsplit(".", 1)[1] for line in names] == [str(number) for number in range(2000)]
    assert all(line[f"bound{number}"] == number for number, line in enumerate(names))
    counts = undergird.stats()
    assert counts["sinks"][str(either.path)]["written"] == count + 2000
    assert counts["sinks"][str(either.path)]["failed"] == 0


# --- sizes --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1000, 1023, 1024, 1025, 131_000, 131_072, 140_000, 1_000_000, 4 << 20])
def test_texts_up_to_four_mebibytes_are_whole(either: Run, size: int) -> None:
    log = either.start(ring_size=1 << 20)
    log.info("before")
    log.info("m" * size, field="é" * (size // 2))
    log.info("%s!", "a" * (size - 1))
    log.info("after")
    lines = either.lines()
    assert [line["message"] for line in lines] == ["before", "m" * size, "a" * (size - 1) + "!", "after"]
    assert lines[1]["field"] == "é" * (size // 2)
    assert not any("truncated" in line for line in lines)


def test_a_longer_text_is_cut_between_characters_and_the_line_says_so(either: Run) -> None:
    log = either.start()
    log.info("x" + "é" * (3 << 20), field="y" * (5 << 20))
    log.info("%s", "z" * (5 << 20))
    log.bind(bound="b" * (5 << 20)).info("bound")
    first, second, third = either.lines()
    assert first["message"] == "x" + "é" * ((2 << 20) - 1)
    assert first["field"] == "y" * (4 << 20)
    assert second["message"] == "z" * (4 << 20)
    assert third["bound"] == "b" * (4 << 20)
    assert [line.get("truncated") for line in (first, second, third)] == [True, True, True]


def test_spill_files_go_when_their_records_are_written(run: Run, ring_dir: Path) -> None:
    log = run.start(ring_size=1 << 16)
    for number in range(50):
        log.info("x" * 20_000, number=number)
    assert [line["number"] for line in run.lines()] == list(range(50))
    assert list(ring_dir.rglob("*.spill")) == []


# --- values that do their worst -----------------------------------------------------------------------------------------


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
    "stranger", [7, "x", [], (1,), ("a", "b", "c"), (None, None, None), object(), Unprintable()], ids=id
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


# --- exceptions and stacks ----------------------------------------------------------------------------------------------


def failing() -> None:
    raise ValueError("wrong \N{SNOWMAN}")


def raised() -> ValueError:
    try:
        failing()
    except ValueError as error:
        return error
    raise AssertionError


def printed(error: BaseException) -> str:
    return logging.Formatter().formatException((type(error), error, error.__traceback__))


def test_exc_info_in_all_its_forms_is_the_text_of_the_standard_library(either: Run) -> None:
    log = either.start()
    error = raised()
    log.error("instance", exc_info=error)
    log.error("tuple", exc_info=(type(error), error, error.__traceback__))
    try:
        failing()
    except ValueError as caught:
        log.error("true", exc_info=True)
        log.error("one", exc_info=1)
        log.exception("exception", field=3)
        log.critical("off", exc_info=False)
        log.exception("exception off", exc_info=False)
        here = printed(caught)
    log.error("none there", exc_info=True)
    lines = {line["message"]: line for line in either.lines()}
    for name, text in [
        ("instance", printed(error)),
        ("tuple", printed(error)),
        ("true", here),
        ("one", here),
        ("exception", here),
    ]:
        line = lines[name]
        assert line["exception"] == text
        assert line["exception_type"] == "ValueError"
        assert line["exception_message"] == "wrong \N{SNOWMAN}"
    assert lines["exception"]["level"] == "ERROR"
    assert lines["exception"]["field"] == 3
    assert list(lines["exception"])[-3:] == ["exception", "exception_type", "exception_message"]
    for name in ("off", "exception off", "none there"):
        assert "exception_type" not in lines[name]


def test_causes_and_groups_are_in_the_text_of_an_exception(either: Run) -> None:
    log = either.start()
    try:
        try:
            failing()
        except ValueError as error:
            raise ExceptionGroup("both", [KeyError("k"), error]) from error
    except ExceptionGroup as group:
        log.exception("x")
        text = printed(group)
    line = either.last()
    assert line["exception"] == text
    assert "direct cause" in text
    assert line["exception_type"] == "ExceptionGroup"


def test_an_exception_of_a_module_is_named_in_full(either: Run) -> None:
    log = either.start()
    log.error("x", exc_info=decimal.DivisionByZero("zero"))
    assert either.last()["exception_type"] == "decimal.DivisionByZero"


def test_an_exception_without_text_is_still_logged(either: Run) -> None:
    class Mute(Exception):
        __str__ = Unprintable.__str__

    log = either.start()
    try:
        raise Mute
    except Mute:
        log.exception("x")
    line = either.last()
    assert line["message"] == "x"
    assert line["exception_type"].endswith("Mute")


def test_stack_info_is_the_stack_of_the_caller(either: Run) -> None:
    log = either.start()
    log.info("x", stack_info=True)
    stack = either.last()["stack_info"]
    assert stack.startswith("Stack (most recent call last):\n")
    assert stack.rstrip().endswith('log.info("x", stack_info=True)')


def line_number() -> int:
    frame = inspect.currentframe()
    assert frame is not None
    assert frame.f_back is not None
    return frame.f_back.f_lineno


def test_a_call_site_is_the_line_of_the_call(either: Run) -> None:
    log = either.start(call_site=True)

    def outer() -> int:
        log.info("direct")
        log.info("one up", stacklevel=2)
        log.exception("exception")
        log.log(20, "log")
        logging.getLogger(log.name).info("stdlib")
        return line_number()

    last, up = outer(), line_number()
    log.info("far", stacklevel=1000)
    lines = {line["message"]: (line["function_name"], line["line_number"]) for line in either.lines()}
    assert lines["direct"] == ("outer", last - 5)
    assert lines["one up"] == ("test_a_call_site_is_the_line_of_the_call", up)
    assert lines["exception"] == ("outer", last - 3)
    assert lines["log"] == ("outer", last - 2)
    assert lines["stdlib"] == ("outer", last - 1)


def test_no_call_site_is_named_unless_asked_for(either: Run) -> None:
    log = either.start()
    log.info("x", stacklevel=2)
    assert "line_number" not in either.last()


def test_other_handlers_get_the_call_site_of_the_call(run: Run) -> None:
    run.foreign = True
    log = run.start()
    log.info("x")
    log.log(20, "x")
    log.exception("x")
    number = line_number()
    assert [(record.funcName, record.lineno) for record in run.records] == [
        ("test_other_handlers_get_the_call_site_of_the_call", number - 3 + place) for place in range(3)
    ]
    assert {record.pathname for record in run.records} == {__file__}


def test_extra_adds_fields(either: Run) -> None:
    log = either.start()
    log.info("x", extra={"user": "me", "message": "reserved", "name": "too"}, field=1)
    log.info("x", extra=None)
    line = either.lines()[0]
    assert (line["user"], line["message_"], line["name"], line["field"]) == ("me", "reserved", "too", 1)


def test_other_handlers_find_fields_as_attributes(run: Run) -> None:
    run.foreign = True
    log = run.start().bind(run_id=3)
    log.info("x %d", 7, agent_id=8, extra={"user": "me"}, name="not the logger's")
    record = run.records[0]
    assert (record.run_id, record.agent_id, record.user) == (3, 8, "me")  # type: ignore[attr-defined]
    assert (record.name, record.getMessage(), record.args) == (log.name, "x 7", (7,))


# --- loggers ------------------------------------------------------------------------------------------------------------


def test_a_name_has_one_logger() -> None:
    assert undergird.get_logger("one.name") is undergird.get_logger("one.name")
    assert undergird.get_logger("one.name") is not undergird.get_logger("another.name")


def test_the_root_has_one_logger_by_all_its_names() -> None:
    assert undergird.get_logger() is undergird.get_logger(None)
    assert undergird.get_logger("") is undergird.get_logger()
    assert undergird.get_logger("root") is undergird.get_logger()
    assert undergird.get_logger().name == "root"


def test_threads_that_ask_at_the_same_time_get_the_same_logger() -> None:
    found: list[undergird.Logger] = []
    for number in range(200):
        name = f"asked.at.once.{number}"
        gate = threading.Barrier(3)

        def ask(gate: threading.Barrier = gate, name: str = name) -> None:
            gate.wait()
            found.append(undergird.get_logger(name))

        threads = [threading.Thread(target=ask) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len({id(logger) for logger in found}) == 1, name
        found.clear()


@pytest.mark.parametrize("name", ["\ud800", "\N{SNOWMAN}", "a b", "..", "x" * 5000, '"'])
def test_any_text_is_a_name(either: Run, name: str) -> None:
    either.start()
    undergird.get_logger(name).info("x")
    undergird.get_logger(name).log(25, "x")
    assert [line["logger_name"] for line in either.lines()] == [name, name]


@pytest.mark.parametrize("name", [7, b"x", object()])
def test_a_name_that_is_no_text_is_a_type_error(name: Any) -> None:
    with pytest.raises(TypeError):
        undergird.get_logger(name)


def test_a_logger_is_the_same_node_as_the_standard_librarys() -> None:
    log, node = undergird.get_logger("a.node"), logging.getLogger("a.node")
    log.setLevel("ERROR")
    assert node.level == logging.ERROR
    node.setLevel(10)
    assert log.level == 10
    assert log.getEffectiveLevel() == 10
    assert log.isEnabledFor(10)
    assert not log.isEnabledFor(9)
    assert log.handlers is node.handlers
    assert log.filters is node.filters
    assert log.parent is node.parent
    handler = logging.NullHandler()
    log.addHandler(handler)
    assert node.handlers == [handler]
    assert log.hasHandlers()
    log.removeHandler(handler)
    assert node.handlers == []
    log.propagate, log.disabled = False, True
    assert (node.propagate, node.disabled) == (False, True)


def test_get_child_names_the_logger_below() -> None:
    log = undergird.get_logger("parent").bind(a=1)
    assert log.getChild("child.x").name == "parent.child.x"
    assert log.getChild("child")._fields == {"a": 1}
    assert undergird.get_logger().getChild("top").name == "top"


def test_bind_leaves_the_logger_as_it_was(either: Run) -> None:
    log = either.start()
    fields = {"a": [1]}
    bound = log.bind(**fields)
    fields["a"].append(2)
    bound._fields["b"] = 3
    log.info("x")
    bound.info("x")
    first, second = either.lines()
    assert "a" not in first
    assert "b" not in second
    assert bound.name == log.name
    assert log.bind().name == log.name


def test_what_was_bound_is_rendered_once_and_at_once(either: Run) -> None:
    log = either.start()
    position = [1, 2]
    bound = log.bind(position=position)
    position.append(3)
    bound.info("x")
    assert either.last()["position"] == [1, 2]


def test_a_loggers_repr_says_name_level_and_fields() -> None:
    log = undergird.get_logger("shown")
    log.setLevel("WARNING")
    assert repr(log) == "<Logger shown (WARNING)>"
    assert repr(log.bind(agent=7)) == "<Logger shown (WARNING) agent=7>"


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_loggers_are_pickled_by_name_and_fields(protocol: int) -> None:
    log = undergird.get_logger("pickled")
    assert pickle.loads(pickle.dumps(log, protocol)) is log
    bound = pickle.loads(pickle.dumps(log.bind(a=1, b="x"), protocol))
    assert (bound.name, bound._fields) == ("pickled", {"a": 1, "b": "x"})
    root = undergird.get_logger()
    assert pickle.loads(pickle.dumps(root, protocol)) is root
    assert copy.deepcopy(log) is log
    assert copy.copy(log) is log


def test_level_methods_have_signatures_and_documentation() -> None:
    for level in LEVELS:
        method: Callable[..., None] = getattr(undergird.Logger, level)
        assert list(inspect.signature(method).parameters) == ["self", "msg", "args", "fields"]
        assert (method.__doc__ or "").startswith("Logs at")


def test_loggers_can_be_mocked_with_their_methods() -> None:
    fake = mock.create_autospec(undergird.get_logger("mocked"), instance=True)
    fake.info("x %d", 1, field=2)
    fake.info.assert_called_once_with("x %d", 1, field=2)
    with pytest.raises(AttributeError):
        fake.inform("x")


def test_a_subclass_keeps_its_class_when_it_binds(either: Run) -> None:
    class Mine(undergird.Logger):
        __slots__ = ()

    log = Mine(either.start()._node)
    assert type(log.bind(a=1)) is Mine
    log.bind(a=1).info("x")
    assert either.last()["a"] == 1


def test_a_primitive_call_makes_no_record_of_the_standard_library(run: Run) -> None:
    log = run.start()
    made: list[str] = []
    before = logging.getLogRecordFactory()

    def factory(*args: Any, **options: Any) -> logging.LogRecord:
        made.append(str(args[4]))
        return before(*args, **options)

    logging.setLogRecordFactory(factory)
    try:
        log.info("native %d", 1, a=1, b="x", c=[1])
        log.bind(x=1).error("native too")
        log.error("slow", exc_info=True)
    finally:
        logging.setLogRecordFactory(before)
    assert made == ["slow"]
    assert len(run.lines()) == 3


def test_records_of_the_standard_librarys_loggers_reach_the_same_file(either: Run) -> None:
    log = either.start()
    plain = logging.getLogger("a.library")
    plain.warning("by %s", "name", extra={"code": 7})
    plain.info("by %(key)s", {"key": "mapping"})
    try:
        failing()
    except ValueError:
        plain.exception("failed")
    logging.info("root")
    log.info("ours")
    lines = either.lines()
    assert [line["message"] for line in lines] == ["by name", "by mapping", "failed", "root", "ours"]
    assert lines[0]["code"] == 7
    assert set(lines[0]) == {"timestamp", "level", "logger_name", "message", "code"}
    assert lines[2]["exception_type"] == "ValueError"
    assert [line["logger_name"] for line in lines] == ["a.library"] * 3 + ["root", log.name]


def test_a_mapping_as_the_only_argument_is_the_templates_mapping(either: Run) -> None:
    log = either.start()
    mapping: Mapping[str, int] = types.MappingProxyType({"a": 1})
    log.info("%(a)d", {"a": 1})
    log.info("%(a)d", mapping)
    log.info("%(a)d", OrderedDict(a=1))
    log.info("%s", {})
    assert either.messages() == ["1", "1", "1", "{}"]
