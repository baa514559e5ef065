"""Values as hypothesis makes them: whatever they are, the line is whole, and nothing is raised or said."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from hypothesis import HealthCheck, given, settings
from tests.conftest import DEEP
from tests.log.values.generated import ANYTHING, HOSTILE, JSON, SECRET, Make, Pair, Registered

import undergird

if TYPE_CHECKING:
    from tests.log.conftest import Run

# A hundred thousand of each kind under `make deep`, in portions that each end in time and can be shared out.
PORTIONS = pytest.mark.parametrize("portion", range(20 if DEEP else 1))
CASES = settings(max_examples=5000 if DEEP else 1000, suppress_health_check=list(HealthCheck))
FEWER = settings(CASES, max_examples=5000 if DEEP else 300)


def strictly(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    assert len(found) == len(pairs), f"a key occurs twice in {pairs}"
    return found


def refuse(constant: str) -> NoReturn:
    raise AssertionError(f"{constant} is no JSON")


def read(text: bytes) -> list[dict[str, Any]]:
    """The lines, by a reader that takes nothing but JSON."""
    assert not text or text.endswith(b"\n")
    lines = text.decode().split("\n")[:-1]
    return [json.loads(line, object_pairs_hook=strictly, parse_constant=refuse) for line in lines]


@pytest.fixture
def quiet(capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    yield
    assert capfd.readouterr().err == ""


@PORTIONS
@pytest.mark.usefixtures("quiet")
def test_no_value_raises_or_tears_a_line_or_makes_noise(either: Run, portion: int) -> None:
    log = either.start()

    def log_it(make: Make) -> None:
        value = make()
        either.records.clear()
        log.info("outer", field=value, listed=[value], named={"k": value})
        log.bind(bound=value).info("outer")
        lines = [line for line in read(either.new_text()) if line["message"] == "outer"]
        assert len(lines) == 2
        assert {"field", "listed", "named"} <= lines[0].keys()
        assert "bound" in lines[1]

    for make in HOSTILE:
        log_it(Make(make))
    CASES(given(ANYTHING)(log_it))()
    counts = undergird.stats()["sinks"][str(either.path)]
    assert counts["failed"] == counts["dropped"] == counts["in_flight"] == 0


@PORTIONS
@pytest.mark.usefixtures("quiet")
def test_no_argument_of_a_message_raises_or_tears_a_line(
    either: Run, portion: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = either.start()
    # As with the standard library: else what does not fit is said on stderr.
    monkeypatch.setattr(logging, "raiseExceptions", False)

    @FEWER
    @given(ANYTHING)
    def check(make: Make) -> None:
        either.new_lines()
        log.info("outer %s %s", "text", make())
        assert either.new_lines()[-1]["message"].startswith("outer")

    check()


def as_read(value: Any) -> Any:
    """What a reader of JSON may expect of a value that JSON can hold."""
    match value:
        case float() if not math.isfinite(value):
            return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
        case list():
            return [as_read(element) for element in value]
        case dict():
            return {json.loads(json.dumps(key)): as_read(element) for key, element in value.items()}
        case str():
            return json.loads(json.dumps(value))  # A pair of surrogates is one character.
    return value


@PORTIONS
def test_what_json_can_hold_reads_back_as_it_was(either: Run, portion: int) -> None:
    log = either.start()

    @FEWER
    @given(JSON)
    def check(value: Any) -> None:
        either.new_lines()
        log.info("x", field=value, listed=[value])
        line = either.new_lines()[-1]
        expected = as_read(value)
        assert repr(line["field"]) == repr(expected)
        assert repr(line["listed"]) == repr([expected])

    check()


def hide(value: Any) -> Any:
    """Puts secrets next to a value, at a few depths."""
    login = {"password": SECRET, "value": value}
    return [login, Pair(value, login), {"deep": (login,), "Password": {SECRET: SECRET}}, Registered(login)]


@PORTIONS
def test_no_secret_reaches_the_log_or_the_ring(either: Run, portion: int) -> None:
    log = either.start(redact=["password", "user.email"], ring_size=1 << 16)

    @FEWER
    @given(ANYTHING)
    def check(make: Make) -> None:
        value = make()
        log.info("x", password=SECRET, hidden=hide(value), user={"email": SECRET, "more": hide(value)}, value=value)
        log.bind(password=value, bound=hide(value)).info("x", PASSWORD=hide(value))
        assert SECRET.encode() not in either.new_text()

    check()
    ring = Path(undergird.stats()["ring"])
    assert SECRET.encode() not in ring.read_bytes()
    assert not any(SECRET.encode() in file.read_bytes() for file in ring.parent.iterdir() if file.is_file())
