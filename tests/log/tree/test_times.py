"""The times of records: the simulation's beside the wall clock's, or a clock of the program's in its place."""

from __future__ import annotations

import asyncio
import contextvars
import datetime
import gc
import json
import logging
import math
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.log.conftest import Collector, read_lines

import undergird
from undergird import clock
from undergird.clock import ManualClock, MonotonicClock, SimulationClock, WallClock
from undergird.log import FileHandler

if TYPE_CHECKING:
    from tests.conftest import Script
    from tests.log.conftest import Run


class Steps:
    """A clock made in Python."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        return self.time


def at(made: Any) -> Callable[[float], None]:
    return lambda time: setattr(made, "time", time)


@pytest.mark.parametrize("kind", [SimulationClock, Steps])
def test_each_record_has_the_simulations_time_at_its_call(either: Run, kind: Callable[[], Any]) -> None:
    sim = kind()
    log = either.start(clock=sim)
    plain = logging.getLogger("plain")
    expected = []
    for number in range(50):
        sim.time = number / 8
        log.info("x %d", number, a=1)
        log.log(25, "between")
        plain.warning("y")
        expected += [number / 8] * 3
    sim.time = 1e9
    lines = either.lines()
    assert [line["sim_time"] for line in lines] == expected
    assert all(line["timestamp"] > "2020" for line in lines)


def test_a_function_is_asked_at_each_call(either: Run) -> None:
    times = iter([0.5, 1.5, 2.5])
    log = either.start(clock=lambda: next(times))
    log.info("x")
    log.info("y")
    assert [line["sim_time"] for line in either.lines()] == [0.5, 1.5]
    assert next(times) == 2.5


def test_the_time_stands_behind_the_message(run: Run) -> None:
    log = run.start(clock=SimulationClock(1.5), call_site=True)
    log.info("x", a=1)
    assert list(run.last()) == [
        *("timestamp", "level", "logger_name", "message", "sim_time"),
        *("function_name", "line_number", "source_file", "a"),
    ]


@pytest.mark.parametrize("format", ["logfmt", "text"])
def test_every_format_shows_it(run: Run, format: str) -> None:
    log = run.start(clock=SimulationClock(1.5), format=format)
    log.info("x", a=1)
    undergird.flush(30.0)
    assert " sim_time=1.5 a=1" in run.path.read_text()


def test_what_is_known_of_a_plain_record_is_no_field_of_it(run: Run) -> None:
    run.start(clock=SimulationClock(1.5), console=True)
    logging.root.addHandler(FileHandler(run.path.with_name("other.log")))
    logging.getLogger("plain").warning("y", extra={"a": 1})
    for path in (run.path, run.path.with_name("other.log")):
        (line,) = run.lines(path)
        assert set(line) == {"timestamp", "level", "logger_name", "message", "sim_time", "a"}


def test_rows_have_it_too(either: Run) -> None:
    sim = SimulationClock(1.5)
    log = either.start(clock=sim)
    log.many("x", n=[1, 2, 3])
    manual = ManualClock(1_700_000_000)
    with clock.use(manual):
        log.many("y", n=[4, 5])
    lines = either.lines()
    assert [line.get("sim_time") for line in lines] == [1.5, 1.5, 1.5, None, None]
    assert [line["timestamp"] for line in lines[3:]] == ["2023-11-14T22:13:20.000000Z"] * 2


def test_without_a_clock_there_is_no_time_of_a_simulation(either: Run) -> None:
    for given in (None, WallClock()):
        log = either.start(clock=given)
        log.info("x")
        assert "sim_time" not in either.last()


def test_a_field_of_that_name_is_kept_beside_it(either: Run) -> None:
    log = either.start()
    log.info("x", sim_time=7)
    log = either.start(clock=SimulationClock(1.5))
    log.info("x", sim_time=7)
    before, after = either.lines()
    assert before["sim_time"] == 7
    assert (after["sim_time"], after["sim_time_"]) == (1.5, 7)


def test_the_next_set_up_has_the_clock_that_it_names(run: Run) -> None:
    log = run.start(clock=SimulationClock(1.0))
    log.info("x")
    run.start()
    log.info("x")
    run.start(clock=SimulationClock(2.0))
    log.info("x")
    assert [line.get("sim_time") for line in run.lines()] == [1.0, None, 2.0]


def test_a_context_has_a_clock_of_its_own(either: Run) -> None:
    outer, inner = SimulationClock(1.0), SimulationClock(2.0)
    log = either.start(clock=SimulationClock(0.0))
    log.info("x")
    with clock.use(outer):
        log.info("x")
        with clock.use(inner) as used:
            assert used is inner
            log.info("x")
        with clock.use(WallClock()):
            log.info("x")
        log.info("x")
        with pytest.raises(KeyError), clock.use(inner):
            raise KeyError
        log.info("x")
    log.info("x")
    assert [line.get("sim_time") for line in either.lines()] == [0.0, 1.0, 2.0, None, 1.0, 1.0, 0.0]


def test_tasks_inherit_the_clock_and_keep_their_own(run: Run) -> None:
    log = run.start(level="INFO")

    async def world(number: int) -> None:
        with clock.use(SimulationClock(number)) as sim:
            for _ in range(20):
                sim.advance(100)
                await asyncio.sleep(0)
                log.info("x", number=number, expected=sim.now())
            await asyncio.create_task(child(number, sim.now()))

    async def child(number: int, expected: float) -> None:
        log.info("x", number=number, expected=expected)

    async def main() -> None:
        await asyncio.gather(*map(world, range(10)))

    asyncio.run(main())
    lines = run.lines()
    assert len(lines) == 10 * 21
    assert all(line["sim_time"] == line["expected"] for line in lines)


def test_plain_threads_have_the_runs_clock_and_copied_contexts_theirs(run: Run) -> None:
    log = run.start(clock=SimulationClock(1.0))
    with clock.use(SimulationClock(2.0)), ThreadPoolExecutor(1) as pool:
        pool.submit(log.info, "x").result()
        pool.submit(contextvars.copy_context().run, log.info, "x").result()
    assert [line["sim_time"] for line in run.lines()] == [1.0, 2.0]


@pytest.mark.parametrize("kind", [ManualClock, SimulationClock])
def test_a_clock_that_makes_stamps_may_stand_at_the_beginning_of_all_time(
    either: Run, kind: type[ManualClock | SimulationClock]
) -> None:
    log = either.start(clock=kind(0.0, stamps=True))
    log.info("x")
    log.many("y", a=[1])
    logging.getLogger(log.name).info("z")
    assert [line["timestamp"] for line in either.lines()] == ["1970-01-01T00:00:00.000000Z"] * 3


@pytest.mark.parametrize("answer", ["noon", None, ValueError, RecursionError])
def test_a_clock_that_fails_is_counted_and_the_record_is_kept(either: Run, answer: Any) -> None:
    def now() -> Any:
        if isinstance(answer, type):
            raise answer("no time")
        return answer

    before = undergird.stats()["clock_failed"]
    log = either.start(clock=now)
    log.info("x")
    logging.getLogger("plain").warning("y")
    lines = either.lines()
    assert [line["message"] for line in lines] == ["x", "y"]
    assert not any("sim_time" in line for line in lines)
    assert undergird.stats()["clock_failed"] == before + 2


@pytest.mark.parametrize(
    ("stamps", "answer"), [(True, math.nan), (True, -1.0), (True, 2e10), (False, math.inf), (False, math.nan)]
)
def test_a_time_that_no_record_can_bear_is_counted_and_the_record_has_the_machines(
    either: Run, stamps: bool, answer: float
) -> None:
    class Strange:
        def __init__(self) -> None:
            self.stamps = stamps

        def now(self) -> float:
            return answer

    before = undergird.stats()["clock_failed"]
    began = datetime.datetime.now(datetime.UTC) - datetime.timedelta(milliseconds=100)
    either.start(clock=Strange()).info("x")
    line = either.last()
    assert datetime.datetime.fromisoformat(line["timestamp"]) >= began
    assert "sim_time" not in line
    assert undergird.stats()["clock_failed"] == before + 1


@pytest.mark.parametrize("answer", [-1, 2**64 - 1, 2**64, 1.5])
def test_nanoseconds_that_are_no_stamp_are_counted_and_the_record_has_the_machines(either: Run, answer: Any) -> None:
    class Strange:
        stamps = True

        def now(self) -> float:
            return 0.0

        def now_ns(self) -> Any:
            return answer

    before = undergird.stats()["clock_failed"]
    either.start(clock=Strange()).info("x")
    assert "2026" <= either.last()["timestamp"] < "2200"
    assert undergird.stats()["clock_failed"] == before + 1


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_what_ends_the_program_is_not_swallowed(either: Run, stop: type[BaseException]) -> None:
    def now() -> float:
        raise stop

    log = either.start(clock=now)
    with pytest.raises(stop):
        log.info("x")


def test_a_clock_may_log(either: Run) -> None:
    def now() -> float:
        log.debug("asked", n=1)
        return 1.5

    log = either.start(clock=now)
    log.info("x")
    assert [(line["message"], line.get("sim_time")) for line in either.lines()] == [("asked", None), ("x", 1.5)]


def test_a_clock_may_change_the_set_up(run: Run) -> None:
    collector = Collector()

    def now() -> float:
        if collector not in logging.root.handlers:
            logging.root.addHandler(collector)
            logging.root.setLevel(logging.DEBUG)
        return 1.5

    log = run.start(clock=now)
    log.info("x")
    log.info("y")
    assert [line["sim_time"] for line in run.lines()] == [1.5, 1.5]
    assert collector.messages[-1] == "y"


@pytest.mark.parametrize("given", [3.0, "12:00"])
def test_what_is_no_clock_is_refused_before_anything_changes(run: Run, given: Any) -> None:
    log = run.start(clock=SimulationClock(1.0))
    with pytest.raises(undergird.ConfigurationError, match=repr(given)):
        undergird.configure(run.path, clock=given)
    with pytest.raises(undergird.ConfigurationError, match=repr(given)), clock.use(given):
        pass
    log.info("x")
    assert run.last()["sim_time"] == 1.0


@pytest.mark.parametrize("kind", [ManualClock, lambda time: SimulationClock(time, stamps=True)])
def test_a_clock_that_stamps_makes_the_stamps(either: Run, kind: Callable[[float], Any]) -> None:
    manual = kind(1_700_000_000.25)
    log = either.start(clock=manual)
    log.info("x")
    manual.advance(0.000_001)
    log.info("x")
    logging.getLogger("plain").warning("y")
    lines = either.lines()
    assert [line["timestamp"] for line in lines] == [
        "2023-11-14T22:13:20.250000Z",
        "2023-11-14T22:13:20.250001Z",
        "2023-11-14T22:13:20.250001Z",
    ]
    assert not any("sim_time" in line for line in lines)
    assert [record.created for record in either.records] in ([], [1_700_000_000.25] + [1_700_000_000.250001] * 2)


def test_a_clock_of_monotonic_time_stands_beside(run: Run) -> None:
    log = run.start(clock=MonotonicClock())
    log.info("x")
    log.info("x")
    first, second = run.lines()
    assert first["sim_time"] <= second["sim_time"]


def test_two_runs_on_a_manual_clock_write_the_same_bytes(script: Script, tmp_path: Path) -> None:
    for name in ("one.log", "two.log"):
        script(
            """
            import logging, sys, undergird
            from undergird.clock import ManualClock
            clock = ManualClock(1e9)
            undergird.configure(sys.argv[1], clock=clock, level="DEBUG", names=["thread"])
            log = undergird.get_logger("sim")
            for number in range(1000):
                clock.advance(0.001)
                log.info("step %d", number, energy=number / 7)
                logging.getLogger("plain").info("plain")
                try:
                    1 / 0
                except ZeroDivisionError:
                    log.exception("failed")
            """,
            name,
        )
    one = (tmp_path / "one.log").read_bytes()
    assert one.count(b"\n") == 3000
    assert one == (tmp_path / "two.log").read_bytes()


def test_the_time_survives_a_kill(script: Script, tmp_path: Path) -> None:
    done = script(
        """
        import os, signal, undergird
        from undergird.clock import SimulationClock
        clock = SimulationClock()
        undergird.configure("run.log", clock=clock)
        log = undergird.get_logger("sim")
        for number in range(20000):
            clock.time = number / 4
            log.info("x", number=number)
        os.kill(os.getpid(), signal.SIGKILL)
        """,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    script("import undergird.cli, sys; sys.exit(undergird.cli.main(['recover', '.']))")
    lines = read_lines(tmp_path / "run.log")
    assert [line["number"] for line in lines] == list(range(20000))
    assert all(line["sim_time"] == line["number"] / 4 for line in lines)


def test_threads_that_log_while_the_time_moves_see_times_that_were_set(run: Run) -> None:
    sim = SimulationClock()
    log = run.start(clock=sim)
    done = threading.Event()

    def work(worker: int) -> None:
        while not done.is_set():
            log.info("x", worker=worker)

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    for step in range(2000):
        sim.time = step
    done.set()
    for thread in threads:
        thread.join()
    lines = run.lines()
    for worker in range(4):
        # Of different threads one may wait for room in the ring, with the time that it has read.
        times = [line["sim_time"] for line in lines if line["worker"] == worker]
        assert times == sorted(times)
    times = [line["sim_time"] for line in lines]
    assert set(times) <= set(range(2000))


@pytest.mark.parametrize("kind", [SimulationClock, Steps])
def test_a_call_leaves_nothing_of_the_clock_behind(run: Run, kind: Callable[[], Any]) -> None:
    sim = kind()
    log = run.start(clock=sim, level="INFO")
    with clock.use(sim):
        log.info("x")
        before = sys.getrefcount(sim)
        for _ in range(2000):
            log.info("x")
        gc.collect()
        assert sys.getrefcount(sim) == before


def test_the_clock_is_let_go_with_the_set_up(run: Run) -> None:
    sim = SimulationClock()
    before = sys.getrefcount(sim)
    log = run.start(clock=sim)
    log.info("x")
    run.start()
    assert sys.getrefcount(sim) == before
    assert json.loads(run.path.read_text())["sim_time"] == 0.0
