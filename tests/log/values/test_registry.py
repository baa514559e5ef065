"""Functions of the user's that say how their types are written."""

from __future__ import annotations

import collections
import datetime
import enum
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import undergird
from undergird.log.values import registry

if TYPE_CHECKING:
    from tests.log.conftest import Run


class Cell:
    def __init__(self, number: int = 7) -> None:
        self.number = number

    def __str__(self) -> str:
        return "its text"


class Neuron(Cell):
    pass


class Label(str):
    __slots__ = ()


class Stage(enum.IntEnum):
    SEED = 1


@pytest.fixture(autouse=True)
def _nothing_registered() -> Iterator[None]:
    yield
    for cls in list(registry._functions):
        undergird.unregister(cls)


def test_a_registered_function_says_how_its_type_is_written(either: Run) -> None:
    log = either.start()
    undergird.register(Cell, lambda cell: f"cell {cell.number}")
    log.info("x", alone=Cell(), listed=[Cell(1), {"k": Cell(2)}])
    log.bind(bound=Cell(3)).info("x")
    first, second = either.lines()
    assert (first["alone"], first["listed"], second["bound"]) == ("cell 7", ["cell 1", {"k": "cell 2"}], "cell 3")


def test_register_is_a_decorator_too(either: Run) -> None:
    @undergird.register(Cell)
    def render(cell: Cell) -> str:
        return "decorated"

    assert render(Cell()) == "decorated"
    either.start().info("x", cell=Cell())
    assert either.last()["cell"] == "decorated"


def test_what_the_function_gives_is_written_like_any_value(either: Run) -> None:
    undergird.register(Cell, lambda cell: {"born": datetime.date(2026, 11, 21), "near": {cell.number}, "self": cell})
    either.start().info("x", cell=Cell())
    assert either.last()["cell"] == {"born": "2026-11-21", "near": [7], "self": f"<cycle: {__name__}.Cell>"}


def test_derived_types_are_written_by_the_nearest_function(either: Run) -> None:
    log = either.start()
    undergird.register(Cell, lambda cell: "cell")
    log.info("x", value=Neuron())
    undergird.register(Neuron, lambda neuron: "neuron")
    log.info("x", value=Neuron())
    undergird.unregister(Neuron)
    log.info("x", value=Neuron())
    undergird.unregister(Cell)
    log.info("x", value=Neuron())
    assert [line["value"] for line in either.lines()] == ["cell", "neuron", "cell", "its text"]


def test_a_later_function_replaces_an_earlier_one(either: Run) -> None:
    log = either.start()
    undergird.register(Cell, lambda cell: "early")
    log.info("x", cell=Cell())
    undergird.register(Cell, lambda cell: "late")
    log.info("x", cell=Cell())
    assert [line["cell"] for line in either.lines()] == ["early", "late"]


def test_types_that_undergird_knows_can_be_registered(either: Run) -> None:
    undergird.register(datetime.datetime, lambda moment: moment.year)
    undergird.register(np.ndarray, lambda array: {"mean": array.mean()})
    undergird.register(collections.deque, len)
    either.start().info(
        "x", a=datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC), b=np.arange(3), c=collections.deque("ab")
    )
    line = either.last()
    assert (line["a"], line["b"], line["c"]) == (2026, {"mean": 1.0}, 2)


def test_types_derived_from_primitives_can_be_registered(either: Run) -> None:
    log = either.start()
    undergird.register(Label, lambda label: f"label {str.__str__(label)}")
    undergird.register(enum.Enum, lambda member: member.name)
    log.info("x", label=Label("a"), stage=Stage.SEED, listed=[Label("b"), Stage.SEED], number=np.float64(0.5))
    undergird.unregister(Label)
    undergird.unregister(enum.Enum)
    log.info("x", label=Label("a"), stage=Stage.SEED)
    first, second = either.lines()
    assert (first["label"], first["stage"], first["listed"], first["number"]) == (
        "label a",
        "SEED",
        ["label b", "SEED"],
        0.5,
    )
    assert (second["label"], second["stage"]) == ("a", 1)


def test_a_function_that_fails_is_counted_and_its_value_written_without_it(either: Run) -> None:
    log = either.start()
    before = undergird.stats()["renderers_failed"]
    undergird.register(Cell, lambda cell: cell.missing)
    undergird.register(collections.deque, lambda values: 1 / 0)
    log.info("x", cell=Cell(), queue=collections.deque([1]))
    line = either.last()
    assert (line["cell"], line["queue"]) == ("its text", [1])
    assert undergird.stats()["renderers_failed"] == before + 2


def test_a_function_may_give_the_value_back(either: Run) -> None:
    undergird.register(Cell, lambda cell: cell)
    either.start().info("x", cell=Cell())
    assert either.last()["cell"] == "its text"


def test_a_function_that_gives_ever_more_of_its_type_comes_to_an_end(either: Run) -> None:
    undergird.register(Cell, lambda cell: [Cell(), Cell()])
    either.start().info("x", cell=Cell())
    assert "<too deep" in str(either.last()["cell"])


def test_a_function_may_log(either: Run) -> None:
    log = either.start()

    @undergird.register(Cell)
    def render(cell: Cell) -> str:
        log.info("inner")
        return "outer"

    log.info("x", cell=Cell())
    assert {line["message"] for line in either.lines()} == {"inner", "x"}


@pytest.mark.parametrize("stranger", [7, "Cell", None, Cell(), str, int, float, bool, type(None), list, tuple, dict])
def test_what_cannot_be_registered_is_a_type_error(stranger: Any) -> None:
    with pytest.raises(TypeError):
        undergird.register(stranger, str)


def test_what_cannot_be_called_is_a_type_error() -> None:
    with pytest.raises(TypeError):
        undergird.register(Cell, "text")  # type: ignore[call-overload]


def test_unregistering_what_is_not_registered_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        undergird.unregister(Cell)


def test_more_types_than_are_remembered_are_written_all_the_same(either: Run) -> None:
    log = either.start()
    undergird.register(Cell, lambda cell: type(cell).__name__)
    for number in range(registry.MOST_KNOWN + 10):
        log.info("x", cell=type(f"Cell{number}", (Cell,), {})())
    assert [line["cell"] for line in either.lines()] == [f"Cell{number}" for number in range(registry.MOST_KNOWN + 10)]
    assert len(registry._known) <= registry.MOST_KNOWN
