"""Records that are held back: by the place of a call, by a key, by level; counted, and told."""

from __future__ import annotations

import gc
import logging
import math
import pickle
import sys
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.log.conftest import Collector, read_lines

import undergird
from undergird import Limit, Sample
from undergird.clock import ManualClock, SimulationClock

if TYPE_CHECKING:
    from tests.conftest import Script
    from tests.log.conftest import Run


def numbers(run: Run) -> list[int]:
    return [line["n"] for line in run.lines() if "n" in line]


def held(log: undergird.Logger) -> int:
    count: int = undergird.stats()["held_back"].get(log.name, 0)
    return count


def test_the_first_of_a_period_are_let_through_then_every_so_many_th(either: Run) -> None:
    log = either.start().sample(first=3, then=10, per=None)
    for n in range(40):
        log.info("x", n=n)
    assert numbers(either) == [0, 1, 2, 12, 22, 32]
    assert held(log) == 34


def test_a_new_period_begins_by_the_clock(either: Run) -> None:
    sim = SimulationClock()
    log = either.start().sample(first=2, then=0, per=5, clock=sim)
    for n in range(40):
        sim.time = float(n)
        log.info("x", n=n)
    assert numbers(either) == [0, 1, 5, 6, 10, 11, 15, 16, 20, 21, 25, 26, 30, 31, 35, 36]


def test_the_clock_of_the_run_is_that_of_its_rules(either: Run) -> None:
    manual = ManualClock(1e9)
    log = either.start(clock=manual).sample(first=1, then=0, per=1.0)
    for n in range(40):
        log.info("x", n=n)
        manual.advance(0.25)
    assert numbers(either) == list(range(0, 40, 4))


def test_without_a_clock_periods_go_by_the_machines(run: Run) -> None:
    log = run.start().sample(first=1, then=0, per=0.001)
    n = 0
    while held(log) == 0 or len(numbers(run)) < 3:
        log.info("x", n=n)
        n += 1
    log = run.start().sample(first=1, then=0, per=1e6)
    for _ in range(100):
        log.info("slow")
    assert run.messages().count("slow") == 1


def test_a_limit_lets_so_many_through(either: Run) -> None:
    sim = SimulationClock()
    log = either.start().limit(per_second=2, burst=3, clock=sim)
    for n in range(50):
        sim.time = n / 10
        log.info("x", n=n)
    assert numbers(either) == [0, 1, 2, 5, 10, 15, 20, 25, 30, 35, 40, 45]
    assert held(log) == 38


@pytest.mark.parametrize(("per_second", "at_once"), [(0.1, 1), (2.0, 2), (2.5, 3)])
def test_a_seconds_records_may_come_at_once_unless_a_limit_says_more(
    either: Run, per_second: float, at_once: int
) -> None:
    log = either.start().limit(per_second=per_second, clock=SimulationClock())
    for n in range(5):
        log.info("x", n=n)
    assert numbers(either) == list(range(at_once))


def test_each_place_of_a_call_is_counted_by_itself(either: Run) -> None:
    log = either.start().sample(first=1, then=0, per=None)
    for n in range(5):
        log.info("one", n=n)
        log.info("one", n=n)
        log.warning(f"two {n}", n=n)
        log.log(25, "between", n=n)
    assert numbers(either) == [0, 0, 0, 0]


def test_a_rule_made_anew_at_each_call_is_the_same_rule(either: Run) -> None:
    log = either.start()
    for n in range(30):
        log.sample(first=1, then=10, per=None).bind(a=1).info("x", n=n)
    assert numbers(either) == [0, 10, 20]


def test_loggers_of_different_names_are_counted_by_themselves(either: Run) -> None:
    log = either.start()
    for n in range(10):
        for name in ("first", "second"):
            log.getChild(name).sample(first=1, then=0, per=None).info("x", n=n)
    assert numbers(either) == [0, 0]
    assert (held(log.getChild("first")), held(log.getChild("second"))) == (9, 9)


def test_calls_of_the_standard_librarys_loggers_are_counted_by_their_lines(either: Run) -> None:
    plain = logging.getLogger(either.start(sample=Sample(first=1, then=0, per=None)).name)
    for _ in range(3):
        plain.info("here")
        plain.info("there")
    assert [line["message"] for line in either.lines() if "there" in line["message"] or "here" in line["message"]] == [
        "here",
        "there",
    ]


def test_a_key_counts_whatever_the_place(either: Run) -> None:
    log = either.start()
    for n in range(10):
        for key in ("a", "b", 1, "1"):
            rule = log.sample(first=1, then=0, per=None, key=key)
            rule.info("x", n=n)
            rule.info("y", n=n)
    assert numbers(either) == [0] * 4
    assert either.messages()[:4] == ["x"] * 4


def test_bound_loggers_keep_the_rule(either: Run) -> None:
    log = either.start().sample(first=1, then=0, per=None)
    for n in range(10):
        for one in (log.bind(a=1), log.bind(a=1).unbind("a"), log.new(b=1), pickle.loads(pickle.dumps(log))):
            one.info("x", n=n)
        log.getChild("below").info("y", n=n)
    assert numbers(either) == [0, 0]


def test_a_record_that_is_let_through_says_how_many_were_not(either: Run) -> None:
    log = either.start(call_site=True).sample(first=1, then=5, per=None)
    for n in range(12):
        log.info("x", n=n, held_back="mine")
    first, second, third = (line for line in either.lines() if "n" in line)
    assert first["held_back"] == "mine"
    assert (second["held_back"], second["held_back_"], second["n"]) == (4, "mine", 5)
    assert (third["held_back"], third["n"]) == (4, 10)


@pytest.mark.parametrize("end", [undergird.flush, undergird.shutdown])
def test_the_rest_is_told_by_level_at_a_flush_and_at_the_end(either: Run, end: Callable[[], bool]) -> None:
    log = either.start().sample(first=1, then=0, per=None)
    for _ in range(8):
        log.debug("x")
        log.error("y")
    assert end()
    end()
    told = [line for line in read_lines(either.path) if line["message"] == "records held back"]
    assert [(line["level"], line["logger_name"], line["held_back"]) for line in told] == [
        ("DEBUG", log.name, 7),
        ("ERROR", log.name, 7),
    ]


def test_nothing_vanishes_and_conservation_holds(either: Run) -> None:
    log = either.start()
    rules = [log.sample(first=2, then=7, per=None), log.limit(per_second=1e-6, burst=4), log.sample(key=1)]
    before = undergird.stats()
    calls = 500
    for n in range(calls):
        for rule in rules:
            rule.info("x", n=n)
    lines = either.lines()
    after = undergird.stats()
    through = [line for line in lines if "n" in line]
    assert len(through) + held(log) == 3 * calls
    assert sum(line.get("held_back", 0) for line in lines) == held(log)
    assert after["emitted"] - before["emitted"] == len(lines)
    assert after["emitted"] == sum(after[key] for key in ("written", "dropped", "failed", "in_flight"))


def test_a_run_holds_back_what_is_below_warning(either: Run) -> None:
    log = either.start(sample=Sample(first=1, then=0, per=None))
    plain = logging.getLogger("plain.sampled")
    before = undergird.stats()["held_back"].get(plain.name, 0)
    for n in range(5):
        log.debug("x", n=n)
        log.info("x", n=n)
        log.log(25, "x", n=n)
        plain.info("p", extra={"n": n})
        plain.warning("w")
        log.warning("w")
        log.error("w")
    assert numbers(either) == [0, 0, 0, 0]
    assert either.messages().count("w") == 15
    assert undergird.stats()["held_back"][plain.name] == before + 4


def test_a_run_may_have_a_rule_for_each_level(either: Run) -> None:
    rules = {"DEBUG": Sample(first=1, then=0, per=None), logging.INFO: Limit(per_second=1e-6, burst=3)}
    log = either.start(sample=rules)
    for n in range(6):
        log.debug("d", n=n)
        log.info("i", n=n)
    assert [line["message"] for line in either.lines() if "n" in line] == ["d", "i", "i", "i"]
    log = either.start(sample={"DEBUG": Sample(first=1, then=0, per=None)})
    for n in range(6):
        log.info("after", n=n)
    assert either.messages().count("after") == 6


def test_a_loggers_own_rule_goes_before_the_runs(either: Run) -> None:
    log = either.start(sample=Sample(first=0, then=0))
    for n in range(6):
        log.info("x", n=n)
        log.sample(first=0, then=1).info("y", n=n)
    assert numbers(either) == list(range(6))


def test_the_next_set_up_has_the_rules_that_it_names(run: Run) -> None:
    log = run.start(sample=Sample(first=0, then=0, per=None))
    for n in range(5):
        log.info("x", n=n)
    log = run.start()
    for n in range(5):
        log.info("y", n=n)
    assert [line["message"] for line in run.lines()] == ["records held back"] + ["y"] * 5


def test_a_set_up_begins_to_count_anew(either: Run) -> None:
    for _ in range(2):
        either.start(sample=Sample(first=1, then=0, per=None))
        rule = undergird.get_logger("anew").sample(first=2, then=0, per=None)
        for n in range(5):
            undergird.get_logger("anew").info("run", n=n)
            rule.info("own", n=n)
    assert numbers(either) == [0, 0, 1, 0, 0, 1]


def test_a_call_that_is_disabled_is_not_counted(either: Run) -> None:
    log = either.start(level="INFO").sample(first=1, then=0, per=None)
    for _ in range(5):
        log.debug("x")
    assert held(log) == 0


def test_what_is_held_back_is_not_rendered(either: Run) -> None:
    class Value:
        asked = 0

        def __repr__(self) -> str:
            Value.asked += 1
            return "value"

    log = either.start().sample(first=0, then=0, per=None)
    log.info("x %s", Value(), value=Value())
    assert Value.asked == 0


def test_levels_of_any_size_are_held_back(either: Run) -> None:
    log = either.start().sample(first=1, then=0, per=None)
    for n in range(3):
        log.log(1 << 62, "x", n=n)
        log.log(1, "x", n=n)
        log.log(300, "x", n=n)
    assert numbers(either) == [0, 0]
    told = [line["level"] for line in either.lines() if line["message"] == "records held back"]
    assert told == ["Level 255"]


def test_exceptions_are_held_back_too(either: Run) -> None:
    log = either.start().sample(first=1, then=0, per=None)
    for n in range(5):
        try:
            raise ValueError(n)
        except ValueError:
            log.exception("failed", n=n)
    assert numbers(either) == [0]
    assert held(log) == 4


def test_a_clock_that_fails_holds_nothing_back(either: Run) -> None:
    def now() -> float:
        raise OSError

    log = either.start().sample(first=0, then=0, clock=now)
    log.info("x", n=1)
    assert numbers(either) == [1]


def test_a_clock_may_change_the_set_up_and_log(run: Run) -> None:
    collector = Collector()

    def now() -> float:
        if collector not in logging.root.handlers:
            logging.root.addHandler(collector)
            log.warning("asked")
        return 1.0

    log = run.start(sample=Sample(first=1, then=0, per=None, clock=now))
    for n in range(3):
        log.info("x", n=n)
    assert numbers(run) == [0]
    assert collector.messages[:2] == ["asked", "x"]


@pytest.mark.parametrize(
    ("made", "named"),
    [
        (lambda: Sample(first=-1), "first -1"),
        (lambda: Sample(first=1.5), "first 1.5"),  # type: ignore[arg-type]
        (lambda: Sample(then=True), "then True"),
        (lambda: Sample(per=0), "per 0"),
        (lambda: Sample(per=math.inf), "per inf"),
        (lambda: Sample(key=2.5), "key 2.5"),  # type: ignore[arg-type]
        (lambda: Sample(clock="noon"), "clock 'noon'"),  # type: ignore[arg-type]
        (lambda: Limit(per_second=0), "per_second 0"),
        (lambda: Limit(per_second=math.nan), "per_second nan"),
        (lambda: Limit(per_second=1, burst=0), "burst 0"),
        (lambda: undergird.get_logger("x").sample(first=-1), "first -1"),
        (lambda: undergird.get_logger("x").limit(per_second=-1), "per_second -1"),
        (lambda: undergird.configure(sample=3), "sample 3"),  # type: ignore[arg-type]
        (lambda: undergird.configure(sample={"LOUD": Sample()}), "LOUD"),
        (lambda: undergird.configure(sample={"WARNING": Sample()}), "WARNING"),
        (lambda: undergird.configure(sample={"DEBUG": 3}), "3 for level"),  # type: ignore[dict-item]
    ],
)
def test_a_rule_that_cannot_be_is_refused_by_name(made: Callable[[], object], named: str) -> None:
    with pytest.raises(undergird.ConfigurationError, match=named):
        made()


def test_threads_lose_no_count(run: Run) -> None:
    log = run.start().sample(first=5, then=100, per=None)

    def work() -> None:
        for n in range(2000):
            log.info("x", n=n)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(numbers(run)) == 5 + (8000 - 5) // 100
    assert len(numbers(run)) + held(log) == 8000


def test_a_child_tells_its_own_and_not_its_parents(script: Script, tmp_path: Path) -> None:
    script(
        """
        import os, undergird
        undergird.configure("run.log")
        log = undergird.get_logger("sim").sample(first=1, then=0, per=None)
        def call(): log.info("x")
        for _ in range(10): call()
        if os.fork() == 0:
            assert undergird.stats()["held_back"] == {}
            for _ in range(3): call()
            assert undergird.stats()["held_back"] == {"sim": 3}
            undergird.shutdown()
            os._exit(0)
        assert os.wait()[1] == 0
        assert undergird.stats()["held_back"] == {"sim": 9}
        """
    )
    lines = read_lines(tmp_path / "run.log")
    assert sorted(line.get("held_back", 0) for line in lines) == [0, 3, 9]


def test_code_is_held_while_its_place_is_remembered_and_then_let_go(run: Run) -> None:
    log = run.start(level="WARNING").sample(first=1, then=0, per=None)
    alive = []
    for number in range(9000):
        code = compile("log.warning('x')", f"<made up {number}>", "exec")
        alive.append(weakref.ref(code))
        exec(code, {"log": log})
        del code
    assert len([line for line in run.messages() if line == "x"]) == 9000
    assert sum(one() is not None for one in alive) <= 4096 + 1024


def test_a_call_leaves_nothing_behind(run: Run) -> None:
    sim = SimulationClock()
    log = run.start(level="INFO").sample(first=1, then=50, per=None, clock=sim)
    value: Any = object()

    def calls() -> None:
        for _ in range(3000):
            log.info("x", value=value)

    calls()
    gc.collect()
    code = calls.__code__
    before = [sys.getrefcount(one) for one in (sim, log, value, code)]
    calls()
    gc.collect()
    assert [sys.getrefcount(one) for one in (sim, log, value, code)] == before


def test_the_console_shows_no_more_than_the_file(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    log = run.start(console=True, sample=Sample(first=1, then=0, per=None))
    plain = logging.getLogger("plain.console")
    for _ in range(5):
        log.info("shown")
        plain.info("shown")
    assert capsys.readouterr().err.count("shown") == 2
    assert run.messages().count("shown") == 2
