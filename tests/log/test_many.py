"""Many records by one call: what it writes is what as many calls would."""

from __future__ import annotations

import array
import logging
import os
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from tests.conftest import DEEP

import undergird

if TYPE_CHECKING:
    from tests.log.conftest import Run

CASES = settings(max_examples=20_000 if DEEP else 100, suppress_health_check=list(HealthCheck))

TEXT = st.text(st.characters(exclude_categories=()), max_size=30)
UNITS = ("Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns", "ps", "fs", "as")
DTYPES = st.one_of(
    st.sampled_from(["?", "f2", "f4", "f8", ">f4", ">f8", "c8", "c16", "g", "O", "i4,f8"]),
    st.builds("{}{}{}".format, st.sampled_from("<>"), st.sampled_from("iu"), st.sampled_from("1248")),
    st.builds("{}U{}".format, st.sampled_from("<>"), st.integers(1, 20)),
    st.builds("S{}".format, st.integers(1, 20)),
    st.builds("{}{}8[{}]".format, st.sampled_from("<>"), st.sampled_from("Mm"), st.sampled_from(UNITS)),
).map(np.dtype)


class Pair(NamedTuple):
    left: int
    right: int


SCALARS = st.one_of(
    st.integers(),
    st.floats(),
    TEXT,
    st.binary(max_size=9),
    st.none(),
    st.booleans(),
    st.just({"x": [1, 2]}),
    st.just(Pair(1, 2)),
    st.just(frozenset((1,))),
    st.just(np.float32(0.1)),
    st.just(np.str_("text")),
    st.just(np.array(7)),
)


def filled(dtype: np.dtype[Any], rows: int) -> st.SearchStrategy[Any]:
    if dtype.kind == "O":
        return st.lists(SCALARS, min_size=rows, max_size=rows).map(of_objects)
    if dtype.kind in "Mm":
        numbers = arrays.arrays("i8", rows, elements=st.integers(-(10**9), 10**9) | st.just(-(2**63)))
        return numbers.map(lambda numbers: numbers.astype(dtype.newbyteorder("=")).astype(dtype))
    return arrays.arrays(dtype, rows)


def of_objects(values: list[Any]) -> Any:
    out = np.empty(len(values), dtype=object)
    for at, value in enumerate(values):
        out[at] = value
    return out


def columns(rows: int) -> st.SearchStrategy[Any]:
    numbers = st.lists(st.integers(-128, 127), min_size=rows, max_size=rows)
    return st.one_of(
        DTYPES.flatmap(lambda dtype: filled(dtype, rows)),
        DTYPES.flatmap(lambda dtype: filled(dtype, 2 * rows)).map(lambda values: values[::-2]),
        filled(np.dtype("i4"), rows).map(read_only),
        arrays.arrays("u2", (rows, 2)),
        st.tuples(filled(np.dtype("f8"), rows), filled(np.dtype("?"), rows)).map(
            lambda both: np.ma.array(both[0], mask=both[1])
        ),
        st.lists(SCALARS, min_size=rows, max_size=rows),
        st.lists(SCALARS, min_size=rows, max_size=rows).map(tuple),
        st.integers(-5, 5).map(lambda start: range(start, start + rows)),
        st.tuples(st.sampled_from("bhilqfd"), numbers).map(lambda both: array.array(*both)),
        st.tuples(st.sampled_from("bhilqfd"), numbers).map(lambda both: memoryview(array.array(*both))),
        st.binary(min_size=rows, max_size=rows).map(lent),
    )


def lent(values: bytes) -> memoryview:
    return memoryview(values)


def read_only(values: Any) -> Any:
    values.flags.writeable = False
    return values


@st.composite
def tables(draw: st.DrawFn) -> dict[str, tuple[Any, int | None]]:
    """Columns and scalars by name, each with its number of rows."""
    rows = draw(st.integers(0, 12))
    names = draw(st.lists(st.sampled_from(["a", "b", "c", "level", "message", "é"]), unique=True))
    table: dict[str, tuple[Any, int | None]] = {}
    for name in names:
        same = draw(st.integers(0, 3)) == 0
        table[name] = (draw(SCALARS), None) if same else (draw(columns(rows)), rows)
    return table


def one_by_one(log: undergird.Logger, event: str, table: dict[str, tuple[Any, int | None]]) -> None:
    """The model."""
    rows = next((count for _, count in table.values() if count is not None), 1)
    for row in range(rows):
        log.info(event, **{name: value if count is None else value[row] for name, (value, count) in table.items()})


def undated(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    for line in lines:
        del line["timestamp"]
    return lines


def test_many_records_are_those_of_as_many_calls(either: Run) -> None:
    log = either.start().bind(run=3, a="bound")

    @CASES
    @given(tables())
    def compare(table: dict[str, tuple[Any, int | None]]) -> None:
        log.many("event", **{name: value for name, (value, _) in table.items()})
        found = undated(either.new_lines())
        one_by_one(log, "event", table)
        assert repr(found) == repr(undated(either.new_lines()))

    with undergird.context(request="r1", b="around"):
        compare()


@pytest.mark.parametrize("rows", [1, 255, 256, 257, 5000])
def test_rows_keep_their_order_from_block_to_block(run: Run, rows: int) -> None:
    log = run.start()
    log.many(
        "event", number=np.arange(rows), text=[f"row {row}" for row in range(rows)], short=np.arange(rows).astype("S9")
    )
    found = [(line["number"], line["text"], line["short"]) for line in run.lines()]
    assert found == [(row, f"row {row}", str(row)) for row in range(rows)]


def test_all_rows_have_the_stamp_of_the_call(either: Run) -> None:
    log = either.start()
    log.many("event", number=range(1000))
    assert len({line["timestamp"] for line in either.lines()}) == 1
    log.many("event", number=range(2))
    assert len({line["timestamp"] for line in either.lines()}) == 2


def test_rows_say_the_place_of_the_call_and_who_made_it(either: Run) -> None:
    log = either.start(call_site=True, names=["process_id"])
    log.many("event", number=range(300))
    expected = {"test_rows_say_the_place_of_the_call_and_who_made_it"}
    assert {line["function_name"] for line in either.lines()} == expected
    assert {line["process_id"] for line in either.lines()} == {os.getpid()}


def test_rows_are_logged_at_the_level_that_was_named_and_a_column_may_be_called_level(either: Run) -> None:
    log = either.start(level="INFO")
    log.many("event", logging.WARNING, level=[1, 2])
    log.many("event", logging.DEBUG, level=[3])
    log.many("event", 35, level=[4])
    assert [(line["level"], line["level_"]) for line in either.lines()] == [
        ("WARNING", 1),
        ("WARNING", 2),
        ("Level 35", 4),
    ]


def test_a_level_that_is_no_number_is_refused_as_by_log(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    log = run.start()
    with pytest.raises(TypeError, match="level must be an integer"):
        log.many("event", "INFO", a=[1])  # type: ignore[arg-type]
    monkeypatch.setattr(logging, "raiseExceptions", False)
    log.many("event", "INFO", a=[1])  # type: ignore[arg-type]
    assert run.lines() == []


@pytest.mark.parametrize("name", ["exc_info", "stack_info", "stacklevel", "extra"])
def test_the_standard_librarys_keywords_are_no_columns(run: Run, name: str) -> None:
    with pytest.raises(TypeError, match=name):
        run.start().many("event", **{name: [1]})


def test_columns_of_different_lengths_are_reported_and_logged_to_the_end_of_the_longest(
    either: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    log = either.start()
    log.many("event", a=np.arange(3), b=[1], c="same")
    assert [(line["a"], line["b"], line["c"]) for line in either.new_lines()] == [
        (0, 1, "same"),
        (1, None, "same"),
        (2, None, "same"),
    ]
    said = capsys.readouterr().err
    assert "different lengths" in said
    assert "{'a': 3, 'b': 1}" in said
    assert "test_many.py" in said
    monkeypatch.setattr(logging, "raiseExceptions", False)
    log.many("event", a=np.arange(3), b=[1])
    assert len(either.new_lines()) == 3
    assert capsys.readouterr().err == ""


def test_columns_without_rows_log_nothing(either: Run) -> None:
    either.start().many("event", a=[], b=np.zeros(0), c="same")
    assert either.lines() == []


def test_hidden_columns_are_not_seen(either: Run) -> None:
    log = either.start(redact=["password", "user.email"])
    log.many("login", password=["hunter2", "hunter3"], user=[{"email": "a@b"}, {"name": "Ada"}], n=np.arange(2))
    lines = either.lines()
    assert [line["password"] for line in lines] == ["<redacted>"] * 2
    assert [line["user"] for line in lines] == [{"email": "<redacted>"}, {"name": "Ada"}]
    assert "hunter" not in either.path.read_text()


def test_a_registered_type_is_written_as_its_function_says(either: Run) -> None:
    log = either.start()
    undergird.register(np.float64, lambda value: f"{value:.1f}")
    try:
        log.many("event", a=np.array([0.25, 1.75]))
    finally:
        undergird.unregister(np.float64)
    assert [line["a"] for line in either.lines()] == ["0.2", "1.8"]


def test_rows_that_are_larger_than_the_ring_takes_are_written_too(run: Run) -> None:
    log = run.start(ring_size=1 << 16)
    texts = [chr(97 + at) * length for at, length in enumerate((10, 100_000, 20, 5 << 20, 30))]
    log.many("event", text=texts, number=range(5))
    lines = run.lines()
    assert [len(line["text"]) for line in lines] == [10, 100_000, 20, 4 << 20, 30]
    assert [line.get("truncated") for line in lines] == [None, None, None, True, None]
    assert [line["number"] for line in lines] == [0, 1, 2, 3, 4]


def counts(run: Run) -> dict[str, int]:
    found: dict[str, int] = undergird.stats()["sinks"][str(run.path)]
    return found


def test_rows_are_counted_and_not_blocks(run: Run) -> None:
    log = run.start(overload="drop_newest", ring_size=1 << 16)
    for _ in range(20):
        log.many("event", number=np.arange(10_000), more=np.zeros(10_000))
        now = counts(run)
        assert now["emitted"] == now["written"] + now["dropped"] + now["failed"] + now["in_flight"]
    # By then everything that was refused has been told of.
    assert undergird.shutdown(60.0)
    lines = run.lines()
    now = counts(run)
    rows = sum(line["message"] == "event" for line in lines)
    assert rows + now["dropped"] == 200_000
    assert now["written"] == len(lines)
    assert now["in_flight"] == 0
    assert now["dropped"] > 0


def test_a_full_ring_is_waited_for_block_by_block(run: Run) -> None:
    log = run.start(ring_size=1 << 16)
    log.many("event", number=np.arange(50_000))
    assert [line["number"] for line in run.lines()] == list(range(50_000))
    assert counts(run)["dropped"] == 0


def test_what_a_value_changes_while_it_is_rendered_holds_for_all_rows(run: Run) -> None:
    log = run.start()
    seen: list[object] = []

    class Nosy:
        def __str__(self) -> str:
            if not seen:
                logging.root.addHandler(collector)
            seen.append(self)
            return "nosy"

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            numbers.append(vars(record)["number"])

    numbers: list[int] = []
    collector = Collector()
    log.many("event", number=[1, 2], nosy=[Nosy(), 7])
    logging.root.removeHandler(collector)
    assert numbers == [1, 2]
    assert [(line["number"], line["nosy"]) for line in run.lines()] == [(1, "nosy"), (2, 7)]


def test_series_are_columns(run: Run) -> None:
    class Series:
        """As those of pandas and polars: an array for who asks."""

        def __len__(self) -> int:
            return 3

        def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
            return np.array([1.5, 2.5, 3.5])

    run.start().many("event", x=Series())
    assert [line["x"] for line in run.lines()] == [1.5, 2.5, 3.5]


def test_strings_of_any_length_are_columns(run: Run) -> None:
    texts = ["a", "", "é" * 300, "\U0001f600"]
    run.start().many("event", x=np.array(texts, dtype=np.dtypes.StringDType()))
    assert [line["x"] for line in run.lines()] == texts


def test_a_column_that_raises_is_a_value_like_any_other(run: Run) -> None:
    class Broken(list[int]):
        def __iter__(self) -> Any:
            raise RuntimeError("hostile")

    released = memoryview(b"abc")
    released.release()
    run.start().many("event", broken=Broken([1]), released=released, n=[1, 2])
    assert [line["n"] for line in run.lines()] == [1, 2]


def test_nothing_is_kept_of_the_columns(run: Run) -> None:
    log = run.start()
    names = ["numbers", "texts", "objects", "listed", "lent"]
    held: list[Any] = [
        np.arange(1000),
        np.arange(1000).astype("U9"),
        np.array([object()] * 10),
        [object()] * 10,
        array.array("d", [0.5] * 10),
    ]

    def references() -> list[int]:
        return [sys.getrefcount(column) for column in held] + [sys.getrefcount(held[3][0])]

    def go(times: int) -> None:
        for _ in range(times):
            for name, column in zip(names, held, strict=True):
                log.many("event", **{name: column}, same="same")

    go(10)
    undergird.flush()
    before = references()
    go(500)
    assert references() == before
    held[4].append(1.0)
    assert undergird.flush(60.0)


def test_handlers_of_others_get_a_record_for_each_row(run: Run) -> None:
    run.foreign = True
    log = run.start()
    log.many("event", number=np.arange(3), text="same")
    found = [(record.getMessage(), vars(record)["number"], vars(record)["text"]) for record in run.records]
    assert found == [("event", at, "same") for at in range(3)]
    assert {record.created for record in run.records} == {run.records[0].created}
    assert all(record.funcName == "test_handlers_of_others_get_a_record_for_each_row" for record in run.records)
