"""Scalars and arrays of numpy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

if TYPE_CHECKING:
    from tests.log.conftest import Run


def written(run: Run, value: Any) -> Any:
    run.start().info("x", alone=value, listed=[value])
    line = run.last()
    assert line["listed"] == [line["alone"]]
    return line["alone"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.int64(-3), -3),
        (np.uint64(2**64 - 1), 2**64 - 1),
        (np.int8(3), 3),
        (np.float64(0.1), 0.1),
        (np.float32(0.1), 0.1),
        (np.float16(0.1), 0.1),
        (np.float32("nan"), "NaN"),
        (np.float64("inf"), "Infinity"),
        (np.longdouble("0.5"), 0.5),
        (np.bool_(True), True),
        (np.str_("text"), "text"),
        (np.bytes_(b"\xff"), "\\xff"),
        (np.complex64(1 + 2j), "(1+2j)"),
        (np.datetime64("2026-11-21T08:30:00.000000001"), "2026-11-21T08:30:00.000000001"),
        (np.datetime64("NaT", "s"), "NaT"),
        (np.timedelta64(1500, "ms"), 1.5),
        (np.timedelta64(3, "ns"), 3e-9),
        (np.timedelta64(2, "D"), 172_800),
        (np.timedelta64(3, ("s", 10)), 30.0),
        (np.timedelta64(3, "Y"), "3 years"),
        (np.timedelta64("NaT", "s"), "NaT"),
        (np.void(b"\x01ab"), "\x01ab"),
        (np.array((1, "x"), dtype=[("a", "i4"), ("b", "U3")])[()], {"a": 1, "b": "x"}),
    ],
    ids=repr,
)
def test_a_scalar_is_what_it_means(either: Run, value: Any, expected: Any) -> None:
    found = written(either, value)
    assert (found, type(found)) == (expected, type(expected)) or (found == expected and type(expected) is int)


def test_a_long_double_that_no_double_can_hold_is_text(either: Run) -> None:
    assert written(either, np.longdouble("1e4000")) in ("1e+4000", "Infinity")


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (np.arange(3), [0, 1, 2]),
        (np.eye(2), [[1, 0], [0, 1]]),
        (np.array(7), 7),
        (np.array([]), []),
        (np.array([0.5, np.nan, np.inf]), [0.5, "NaN", "Infinity"]),
        (np.array([0.1, np.nan], dtype="f4"), [0.1, "NaN"]),
        (np.array([True, False]), [True, False]),
        (np.array(["a", "é"]), ["a", "é"]),
        (np.array([b"a", b"\xff"]), ["a", "\\xff"]),
        (np.array([1j]), ["1j"]),
        (np.array(["2026-11-21", "NaT"], dtype="M8[D]"), ["2026-11-21", "NaT"]),
        (np.array([1500], dtype="m8[ms]"), [1.5]),
        (np.array([1, None, {2}], dtype=object), [1, None, [2]]),
        (np.array([(1, "x")], dtype=[("a", "i4"), ("b", "U3")]), [{"a": 1, "b": "x"}]),
        (np.ma.array([[1, 2], [3, 4]], mask=[[False, True], [False, False]]), [[1, None], [3, 4]]),
        (np.ma.masked, None),
        (np.arange(6).reshape(2, 3)[:, ::-2], [[2, 0], [5, 3]]),
        (np.broadcast_to(np.int8(1), (2, 2)), [[1, 1], [1, 1]]),
    ],
    ids=repr,
)
def test_a_small_array_is_an_array(either: Run, array: Any, expected: Any) -> None:
    assert written(either, array) == expected


def test_an_array_of_strings_of_any_length_is_an_array(either: Run) -> None:
    assert written(either, np.array(["a", "bc"], dtype=np.dtypes.StringDType())) == ["a", "bc"]


def test_a_larger_array_is_its_shape_its_type_and_its_first_elements(either: Run) -> None:
    array = np.arange(1_000_000.0).reshape(1000, 1000)
    assert written(either, array) == {
        "shape": [1000, 1000],
        "dtype": "float64",
        "first": [float(number) for number in range(10)],
    }


def test_a_thousand_elements_are_written_and_one_more_are_not(either: Run) -> None:
    assert written(either, np.zeros(1000)) == [0.0] * 1000
    assert written(either, np.zeros(1001))["shape"] == [1001]


@pytest.mark.parametrize("shape", [(10**9, 0), (0, 10**9), (1000, 1000, 1000, 0)], ids=str)
def test_an_empty_array_of_any_shape_is_short(either: Run, shape: tuple[int, ...]) -> None:
    assert written(either, np.zeros(shape)) == {"shape": list(shape), "dtype": "float64", "first": []}


def test_the_largest_array_costs_no_copy(either: Run) -> None:
    array = np.broadcast_to(np.float64(1), (1 << 40,))
    assert written(either, array)["shape"] == [1 << 40]
    either.start().info("x", view=memoryview(array))
    assert either.last()["view"] == f"<memoryview of {8 << 40} bytes>"


def test_a_masked_array_that_is_large_keeps_its_mask(either: Run) -> None:
    array = np.ma.array(np.arange(2000), mask=np.arange(2000) % 2 == 1)
    assert written(either, array)["first"] == [0, None, 2, None, 4, None, 6, None, 8, None]


def test_an_array_as_deep_as_numpy_makes_them_is_cut(either: Run) -> None:
    most = 64 if np.lib.NumpyVersion(np.__version__) >= "2.0.0" else 32
    either.start().info("x", array=np.zeros((1,) * most))
    found = either.last()["array"]
    depth = 0
    while isinstance(found, list):
        (found,) = found
        depth += 1
    assert found == "<too deep: numpy.ndarray>"
    assert depth <= 32


def test_a_message_takes_arrays_as_the_standard_library_does(either: Run) -> None:
    either.start().info("state %s", np.arange(3))
    assert either.last()["message"] == "state [0 1 2]"


def test_importing_undergird_does_not_import_the_libraries_it_knows(script: Any) -> None:
    script(
        """
        import sys, undergird
        undergird.configure("run.log")
        undergird.get_logger("x").info("x", listed=[object()], named={1: {2}})
        loaded = {"numpy", "asyncio", "attrs", "pydantic", "msgspec", "dataclasses", "decimal", "uuid"} & set(sys.modules)
        assert not loaded, loaded
        """
    )
