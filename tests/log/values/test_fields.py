"""The fields of a call: they read back as they were, in order, under names of their own."""

from __future__ import annotations

import enum
import json
import logging
import math
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import undergird

if TYPE_CHECKING:
    from tests.log.conftest import Run


ANY_TEXT = st.text(st.characters(exclude_categories=()))
PRIMITIVES = st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT | st.integers(-(10**400), 10**400)


def seen(value: object) -> Any:
    """What a reader of the line sees of a primitive."""
    if type(value) is float and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def same(found: Any, value: object) -> bool:
    expected = seen(value)
    if isinstance(expected, str):
        return bool(found == expected or found == json.loads(json.dumps(expected)))
    return type(found) is type(expected) and repr(found) == repr(expected)  # Zeros have signs.


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


def test_integers_are_numbers_and_where_readers_take_no_more_digits_texts(either: Run) -> None:
    log = either.start()
    largest, larger, huge = 10**4299, 10**5000, 1 << 32_768
    log.info("x", a=largest, b=-largest, c=larger, d=-larger, e=huge - 1, f=huge, g=-huge)
    line = either.last()
    assert (line["a"], line["b"]) == (largest, -largest)
    assert (line["c"], line["d"]) == ("1" + 5000 * "0", "-1" + 5000 * "0")
    assert line["e"].isdecimal()
    assert len(line["e"]) == 9865
    # Beyond that they are hexadecimal, with a mark.
    assert (line["f"], line["g"]) == (hex(huge), hex(-huge))


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


def test_a_call_has_its_own_keys_in_every_ring(either: Run) -> None:
    log = either.start()

    def moved() -> None:
        log.info("moved", agent_id=7, x=0.5)

    log.info("first", a=1)
    moved()
    # Another ring has a dictionary of its own, in which the numbers of the old one mean something else.
    undergird.configure(either.path, level="DEBUG")
    moved()
    log.info("other", b=2)
    moved()
    assert [{key: line[key] for key in list(line)[4:]} for line in either.lines()] == [
        {"a": 1},
        {"agent_id": 7, "x": 0.5},
        {"agent_id": 7, "x": 0.5},
        {"b": 2},
        {"agent_id": 7, "x": 0.5},
    ]


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


def test_extra_adds_fields(either: Run) -> None:
    log = either.start()
    log.info("x", extra={"user": "me", "message": "reserved", "name": "too"}, field=1)
    log.info("x", extra=None)
    line = either.lines()[0]
    assert (line["user"], line["message_"], line["name"], line["field"]) == ("me", "reserved", "too", 1)


def test_an_extra_that_is_no_mapping_is_a_field(either: Run) -> None:
    class Hostile:
        def __bool__(self) -> bool:
            raise ValueError

    log = either.start()
    log.info("x", extra=5)
    log.info("x", extra=[1, 2])
    log.info("x", extra=Hostile())
    log.info("x", extra="")
    five, pair, hostile, empty = either.lines()
    assert (five["extra"], pair["extra"]) == (5, [1, 2])
    assert "Hostile" in hostile["extra"]
    assert "extra" not in empty
