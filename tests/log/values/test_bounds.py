"""Values that are too much: cut, with marks that say what is missing."""

from __future__ import annotations

import collections
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pytest

import undergird
from undergird.log.values.walk import CHARACTERS, DEPTH, ELEMENTS

if TYPE_CHECKING:
    from tests.log.conftest import Run


def written(run: Run, value: Any) -> Any:
    run.start().info("x", value=value)
    line = run.last()
    assert "truncated" not in line
    return line["value"]


def nest(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth - 1):
        value = [value]
    return value


@pytest.mark.parametrize("make", [list, tuple, set, collections.deque, dict.fromkeys], ids=lambda make: make.__name__)
def test_a_container_as_large_as_may_be_is_whole_and_a_larger_one_is_cut(either: Run, make: Any) -> None:
    whole = written(either, make(range(ELEMENTS)))
    assert len(whole) == ELEMENTS
    cut = written(either, make(range(ELEMENTS + 7)))
    if isinstance(cut, dict):
        assert cut.pop("…") == "7 more"
        assert list(cut) == [str(number) for number in range(ELEMENTS)]
    else:
        assert cut[ELEMENTS:] == ["… 7 more"]
        assert sorted(cut[:ELEMENTS]) == list(range(ELEMENTS))


def test_all_containers_of_a_value_share_their_room(either: Run) -> None:
    rows = written(either, [[number] * 99 for number in range(1000)])
    assert rows[:100] == [[number] * 99 for number in range(100)]
    assert rows[100:] == ["… 900 more"]


def test_a_text_as_long_as_may_be_is_whole_and_a_longer_one_is_cut(either: Run) -> None:
    assert written(either, ["é" * CHARACTERS]) == ["é" * CHARACTERS]
    assert written(either, ["é" * CHARACTERS + "abc", "d"]) == [
        "é" * CHARACTERS + "… 3 more characters",
        "… 1 more characters",
    ]


def test_the_worst_text_still_fits(either: Run) -> None:
    text = "\x01" * CHARACTERS
    assert written(either, [text, *range(ELEMENTS - 1)]) == [text, *range(ELEMENTS - 1)]


@pytest.mark.parametrize("end", ["end", None, 10**4000], ids=["a text", "None", "another"])
def test_long_integers_count_as_text(either: Run, end: Any) -> None:
    numbers = [10**4000] * 1000
    found = written(either, {"numbers": [*numbers, end]})["numbers"]
    assert found[:131] == numbers[:131]
    assert found[999].endswith("more characters")


def test_keys_count_as_text(either: Run) -> None:
    found = written(either, {"k" * CHARACTERS + "x": 1, "after": 2})
    assert list(found) == ["k" * CHARACTERS + "… 1 more characters", "… 5 more characters"]


def test_the_text_of_an_object_is_cut(either: Run) -> None:
    class Verbose:
        def __str__(self) -> str:
            return "v" * (CHARACTERS + 9)

    assert written(either, Verbose()) == "v" * CHARACTERS + "… 9 more characters"


def test_bytes_are_cut(either: Run) -> None:
    assert written(either, b"b" * (CHARACTERS + 9)) == "b" * CHARACTERS + "… 9 more bytes"


def test_containers_as_deep_as_may_be_are_whole_and_deeper_ones_are_cut(either: Run) -> None:
    assert written(either, nest(DEPTH)) == nest(DEPTH)
    assert str(written(either, nest(DEPTH + 1))).count("<too deep: list>") == 1
    assert str(written(either, nest(20_000))).count("<too deep: list>") == 1


def test_a_cycle_is_cut_where_it_closes(either: Run) -> None:
    ring: list[Any] = [1]
    ring.append({"again": ring})
    assert written(either, ring) == [1, {"again": "<cycle: list>"}]
    loop: dict[str, Any] = {}
    loop["self"] = loop
    assert written(either, loop) == {"self": "<cycle: dict>"}


def test_what_occurs_twice_is_no_cycle(either: Run) -> None:
    shared = [1]
    assert written(either, [shared, {"k": shared}, shared]) == [[1], {"k": [1]}, [1]]


class Endless(Sequence[int]):
    def __len__(self) -> int:
        return 3

    def __getitem__(self, at: Any) -> Any:
        return at


class EndlessMapping(Mapping[str, int]):
    def __len__(self) -> int:
        raise RuntimeError("nobody knows")

    def __iter__(self) -> Iterator[str]:
        number = 0
        while True:
            yield str(number)
            number += 1

    def __getitem__(self, key: str) -> int:
        return int(key)


def test_what_has_no_end_is_cut(either: Run) -> None:
    assert written(either, Endless())[ELEMENTS - 1 :] == [ELEMENTS - 1, "… more"]
    assert written(either, EndlessMapping())["…"] == "more"


class Counted(Sequence[int]):
    def __init__(self) -> None:
        self.asked = 0

    def __len__(self) -> int:
        return 10**9

    def __getitem__(self, at: Any) -> Any:
        self.asked += 1
        return at


def test_a_large_container_is_not_gone_through_to_its_end(either: Run) -> None:
    counted = Counted()
    assert written(either, counted)[ELEMENTS:] == [f"… {10**9 - ELEMENTS} more"]
    assert counted.asked == ELEMENTS + 1


def test_a_value_can_be_rendered_where_there_is_hardly_any_stack_left(run: Run) -> None:
    log = run.start()
    deepest: list[int] = []

    def descend(depth: int) -> None:
        log.info("x", depth=depth, listed=[[object()], {1, 2}], message=undergird.lazy(lambda: [depth]))
        deepest.append(depth)
        descend(depth + 1)

    with pytest.raises(RecursionError):
        descend(0)
    depths = [line["depth"] for line in run.lines()]
    assert depths[: len(deepest)] == deepest
    assert len(deepest) > sys.getrecursionlimit() // 10
