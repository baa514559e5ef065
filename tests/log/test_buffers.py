"""Buffers: records that are held back until they are wanted."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.log.conftest import Collector

import undergird
from undergird.clock import ManualClock, SimulationClock

if TYPE_CHECKING:
    from tests.log.conftest import Run


def test_a_buffer_writes_nothing_before_it_is_flushed(either: Run) -> None:
    buffer = either.start().create_buffer()
    buffer.info("agent %d", 7, x=0.5)
    buffer.debug("another")
    assert either.lines() == []
    assert len(buffer) == 2
    assert buffer.flush() == 2
    assert [(line["level"], line["message"], line.get("x")) for line in either.lines()] == [
        ("INFO", "agent 7", 0.5),
        ("DEBUG", "another", None),
    ]
    assert buffer.flush() == 0


def test_a_flush_can_be_awaited(run: Run) -> None:
    buffer = run.start(level="INFO").create_buffer()

    async def main() -> int:
        buffer.info("one")
        async with buffer:
            buffer.info("two")
        buffer.info("three")
        return await buffer.flush()

    assert asyncio.run(main()) == 1
    assert run.messages() == ["one", "two", "three"]


def test_records_have_values_context_and_time_of_their_calls(either: Run) -> None:
    log = either.start().bind(run=3)
    buffer = log.create_buffer()
    position = [1, 2]
    with undergird.context(request="inner"):
        buffer.info("moved", position=position)
    position.append(3)
    log.info("between")
    with undergird.context(request="outer"):
        buffer.flush()
    between, moved = either.lines()
    assert moved["timestamp"] <= between["timestamp"]
    assert (moved["request"], moved["run"], moved["position"]) == ("inner", 3, [1, 2])


def test_records_have_the_place_of_their_calls(either: Run) -> None:
    buffer = either.start(call_site=True).create_buffer()

    def tell(**others: Any) -> None:
        buffer.info("told", **others)

    tell()
    tell(stack_info=True)
    tell(stacklevel=2)
    tell(exc_info=ValueError("odd"))
    buffer.flush()
    lines = either.lines()
    here = "test_records_have_the_place_of_their_calls"
    assert [line["function_name"] for line in lines] == ["tell", "tell", here, "tell"]
    assert {line["source_file"] for line in lines} == {__file__}
    assert lines[1]["stack_info"].endswith('buffer.info("told", **others)')


def test_other_handlers_see_the_place_of_a_held_call(run: Run) -> None:
    buffer = run.start().create_buffer()
    collector = Collector()
    logging.root.addHandler(collector)

    def tell(**others: Any) -> None:
        buffer.info("told", **others)

    tell()
    tell(stack_info=True)
    buffer.flush()
    assert [record.funcName for record in collector.records] == ["tell", "tell"]
    stack = collector.records[1].stack_info
    assert stack is not None
    assert stack.endswith('buffer.info("told", **others)')


@pytest.mark.parametrize("wrong", [{"stacklevel": "a"}, {"extra": 5}])
def test_arguments_that_mean_nothing_are_not_raised(either: Run, wrong: dict[str, Any]) -> None:
    buffer = either.start().create_buffer()
    buffer.info("told", **wrong)
    buffer.flush()
    assert either.messages() == ["told"]


@pytest.mark.parametrize("stamps", [False, True])
def test_records_have_the_time_of_the_clock_at_their_calls(either: Run, stamps: bool) -> None:
    clock = ManualClock(7.5, stamps=stamps)
    buffer = either.start(clock=clock).create_buffer()
    buffer.info("early")
    clock.set(9.0)
    buffer.flush()
    line = either.last()
    if stamps:
        assert line["timestamp"] == "1970-01-01T00:00:07.500000Z"
    else:
        assert line["sim_time"] == 7.5


def test_a_time_of_a_simulation_stays_what_it_was(either: Run) -> None:
    clock = SimulationClock(1e-12)
    buffer = either.start(clock=clock).create_buffer()
    buffer.info("tiny")
    clock.time = 1e300
    buffer.info("huge")
    clock.time = 1.0
    buffer.flush()
    assert [line["sim_time"] for line in either.lines()] == [1e-12, 1e300]


def test_a_clock_that_makes_stamps_has_moved_on_until_the_flush(either: Run) -> None:
    clock = ManualClock(1_700_000_000)
    clock.advance(0.000_001)
    buffer = either.start(clock=clock).create_buffer()
    buffer.info("early")
    buffer.error("early", exc_info=ValueError("x"))
    clock.set(0)
    buffer.flush()
    assert [line["timestamp"] for line in either.lines()] == ["2023-11-14T22:13:20.000001Z"] * 2


def test_the_level_counts_at_the_call(run: Run) -> None:
    buffer = run.start(level="INFO").create_buffer()
    buffer.debug("off")
    buffer.info("on")
    buffer.flush()
    assert run.messages() == ["on"]


def test_a_full_buffer_is_flushed(run: Run) -> None:
    buffer = run.start().create_buffer(capacity=3)
    for number in range(8):
        buffer.info(str(number))
    assert run.messages() == ["0", "1", "2", "3", "4", "5"]
    assert len(buffer) == 2


def test_a_buffer_can_keep_the_last_records_and_bring_them_out_with_an_error(run: Run) -> None:
    buffer = run.start().create_buffer(capacity=3, flush_level="ERROR", keep_last=True)
    for number in range(8):
        buffer.debug(str(number))
    assert run.lines() == []
    buffer.error("failed")
    assert run.messages() == ["6", "7", "failed"]


def test_what_is_discarded_is_not_written(run: Run) -> None:
    with run.start().create_buffer() as buffer:
        buffer.info("one")
        assert buffer.discard() == 1
        buffer.info("two")
    assert run.messages() == ["two"]


def test_the_end_of_a_block_that_fails_flushes_too(run: Run) -> None:
    with pytest.raises(KeyError), run.start().create_buffer() as buffer:
        buffer.info("one")
        raise KeyError("position")
    assert run.messages() == ["one"]


def test_bound_buffers_share_what_they_hold(run: Run) -> None:
    buffer = run.start().create_buffer()
    bound = buffer.bind(agent_id=7)
    buffer.info("one")
    bound.info("two")
    assert len(buffer) == len(bound) == 2
    bound.flush()
    assert [line.get("agent_id") for line in run.lines()] == [None, 7]


def test_an_exception_is_that_of_the_call(either: Run) -> None:
    buffer = either.start().create_buffer()
    try:
        raise KeyError("position")
    except KeyError:
        buffer.exception("failed", agent_id=7)
    try:
        raise ValueError("later")
    except ValueError:
        buffer.flush()
    line = either.last()
    assert (line["level"], line["exception_type"], line["agent_id"]) == ("ERROR", "KeyError", 7)


def test_what_a_forgotten_buffer_holds_is_written(run: Run) -> None:
    run.start().create_buffer().info("one")
    gc.collect()
    assert run.messages() == ["one"]


def test_a_level_that_was_added_has_its_method(run: Run) -> None:
    buffer = run.start().create_buffer()
    undergird.add_level("EMERGENCE", 25)
    buffer.emergence("seen", score=0.78)
    buffer.flush()
    assert (run.last()["level"], run.last()["score"]) == ("EMERGENCE", 0.78)
    with pytest.raises(AttributeError, match="emergency"):
        buffer.emergency("never")


@pytest.mark.parametrize("capacity", [0, -1, 2.5, None, True])
def test_a_capacity_that_is_none_is_refused(run: Run, capacity: int) -> None:
    with pytest.raises(undergird.ConfigurationError, match="capacity"):
        run.start().create_buffer(capacity=capacity)


PROGRAM = """
import os, sys, undergird
undergird.configure(sys.argv[1])
buffer = undergird.get_logger("main").create_buffer()
buffer.info("parent")
if os.fork() == 0:
    buffer.info("child")
    sys.exit()
os.wait()
"""


def test_what_is_held_at_the_end_of_the_interpreter_is_written_once(tmp_path: Path, ring_dir: Path) -> None:
    path = tmp_path / "run.log"
    environment = {**os.environ, "UNDERGIRD_RING_DIR": str(ring_dir)}
    subprocess.run([sys.executable, "-P", "-c", PROGRAM, path], check=True, env=environment, timeout=60)
    text = path.read_text()
    assert text.count('"message":"parent"') == 1
    assert text.count('"message":"child"') == 1
