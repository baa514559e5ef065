"""Fields of the context in records: which, in what order, rendered when, and on all ways to a handler."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import threading
from typing import TYPE_CHECKING, Any

import pytest

import undergird

if TYPE_CHECKING:
    from tests.conftest import Script
    from tests.log.conftest import Run

context = undergird.context
DEEP = os.environ.get("UNDERGIRD_DEEP") == "1"
OWN = ("timestamp", "level", "logger_name", "message")


def fields(line: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in line.items() if key not in OWN}


def test_records_carry_the_context(either: Run) -> None:
    log = either.start()
    with context(request_id="a1", step=500):
        log.info("within", x=1)
        log.bind(y=2).info("bound")
        log.log(25, "another level")
    log.info("without")
    assert [fields(line) for line in either.lines()] == [
        {"request_id": "a1", "step": 500, "x": 1},
        {"request_id": "a1", "step": 500, "y": 2},
        {"request_id": "a1", "step": 500},
        {},
    ]


def test_the_loggers_own_way_is_the_same(either: Run) -> None:
    log = either.start()
    with log.context(experiment_id="exp_001", simulation_step=500):
        log.info("x")
        undergird.get_logger("another").info("x")
    assert [fields(line) for line in either.lines()] == [{"experiment_id": "exp_001", "simulation_step": 500}] * 2


def test_the_call_wins_over_the_logger_and_the_logger_over_the_context(either: Run) -> None:
    log = either.start().bind(a="bound", b="bound")
    with context(a="context", b="context", c="context"):
        log.info("x", a="call")
    assert fields(either.last()) == {"c": "context", "b": "bound", "a": "call"}


def test_inner_contexts_win_and_the_taken_away_are_gone(either: Run) -> None:
    log = either.start()
    with context(a=1, b=[1]):
        with context(a=2, c=3):
            log.info("x")
            context.unbind("b")
            log.info("x")
            context.clear()
            log.info("x")
        log.info("x")
    assert [fields(line) for line in either.lines()] == [
        {"a": 2, "b": [1], "c": 3},
        {"a": 2, "c": 3},
        {},
        {"a": 1, "b": [1]},
    ]


def test_values_are_rendered_once_when_they_are_given(either: Run) -> None:
    log = either.start()
    position, rendered = [3, 4], []

    class Noted:
        def __str__(self) -> str:
            rendered.append(self)
            return "noted"

    scope = context(position=position, noted=Noted())
    once = len(rendered)
    position.append(5)
    with scope:
        log.info("x")
        log.info("x")
        with context(z=1):
            log.info("x")
    with context():
        context.bind(position=position)
        position.append(6)
        log.info("x")
    assert [line["position"] for line in either.lines()] == [[3, 4]] * 3 + [[3, 4, 5]]
    assert len(rendered) == once == 1


def test_a_reserved_name_gets_an_underscore(either: Run) -> None:
    log = either.start()
    with context(level="high", message="m"):
        log.info("x")
    assert fields(either.last()) == {"level_": "high", "message_": "m"}


def test_lone_surrogates_and_any_number_of_fields_are_no_trouble(either: Run) -> None:
    log = either.start()
    many = {f"field{n}": n for n in range(300)}
    with context(**many, **{"\ud800": "\udc00"}):
        log.info("x")
        context.unbind("\ud800")
        log.info("x")
    first, second = either.lines()
    assert fields(first) == {**many, "\ud800": "\udc00"}
    assert fields(second) == many


def test_more_fields_than_a_record_can_count_do_not_cost_the_record(run: Run) -> None:
    log = run.start()
    with context(**{f"f{n}": 0 for n in range(70_000)}):
        context.unbind("f0")
        log.info("many")
        log.info("again")
    assert [line["message"] for line in run.lines()] == ["many", "again"]


def test_records_of_the_standard_librarys_loggers_carry_it(either: Run) -> None:
    either.start()
    with context(request_id="a1", who="context"):
        logging.getLogger("plain").warning("x", extra={"who": "extra"})
    logging.getLogger("plain").warning("x")
    assert [fields(line) for line in either.lines()] == [{"request_id": "a1", "who": "extra"}, {}]


def test_exceptions_carry_it(either: Run) -> None:
    log = either.start()
    with context(request_id="a1"):
        try:
            raise ValueError("bad")
        except ValueError:
            log.exception("caught", x=1)
            log.error("caught", exc_info=True)
    assert [line["request_id"] for line in either.lines()] == ["a1", "a1"]


def test_other_handlers_find_it_as_attributes(run: Run) -> None:
    run.foreign = True
    log = run.start()
    with context(request_id="a1"):
        log.info("x")
    assert run.records[-1].request_id == "a1"  # type: ignore[attr-defined]


def test_the_console_shows_it(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    log = run.start(console=True)
    with context(request_id="a1"):
        log.info("ours")
        logging.getLogger("plain").warning("theirs")
    shown = capsys.readouterr().err.splitlines()
    assert all("request_id=a1" in line for line in shown[-2:])


def test_it_stands_with_the_call_site(run: Run) -> None:
    log = run.start(call_site=True)
    with context(a=1):
        log.info("x", b=2)
    assert {key: run.last()[key] for key in ("a", "b", "function_name")} == {
        "a": 1,
        "b": 2,
        "function_name": "test_it_stands_with_the_call_site",
    }


def test_what_a_message_does_to_the_context_does_no_harm(either: Run) -> None:
    log = either.start()
    scope = context(a=[1])

    class Leaving:
        def __str__(self) -> str:
            scope.__exit__()
            gc.collect()
            return "left"

    scope.__enter__()
    log.info(Leaving())
    log.info("after")
    first, second = either.lines()
    assert (first["message"], fields(second)) == ("left", {})


def test_each_task_and_thread_logs_its_own(either: Run) -> None:
    log = either.start(level="INFO")  # asyncio logs, too

    async def task(number: int) -> None:
        with context(task=number):
            for _ in range(20):
                log.info("x", expected=number)
                await asyncio.sleep(0)

    async def main() -> None:
        await asyncio.gather(*map(task, range(5)))

    with context(run=1):
        asyncio.run(main())
        thread = threading.Thread(target=lambda: log.info("thread"))
        thread.start()
        thread.join()
    *lines, last = either.lines()
    assert len(lines) == 100
    assert all(fields(line) == {"run": 1, "task": line["expected"], "expected": line["expected"]} for line in lines)
    assert fields(last) == {}


# --- redaction, rings -------------------------------------------------------------------------------------------------


def test_what_must_not_be_seen_is_hidden_in_it(either: Run) -> None:
    log = either.start(redact=["password"])
    with context(password="hunter2", user={"password": "hunter2"}):
        log.info("x")
        assert context.get()["password"] == "hunter2"
    assert fields(either.last()) == {"password": "<redacted>", "user": {"password": "<redacted>"}}


def test_rules_that_come_later_hold_for_what_is_there_already(either: Run) -> None:
    log = either.start()
    bound = log.bind(password="hunter2")
    with context(password="hunter2", harmless=[1]):
        log.info("before")
        either.start(redact=["password"])
        log.info("after")
        bound.info("after")
        bound.bind(x=1).info("after")
        with context(inner=1):
            log.info("after")
    before, *after = either.lines()
    assert before["password"] == "hunter2"
    assert [line["password"] for line in after] == ["<redacted>"] * 4
    assert all(line["harmless"] == [1] for line in after)


def test_it_holds_in_the_next_ring(either: Run) -> None:
    log = either.start()
    bound = log.bind(b=2)
    with context(a=1):
        bound.info("x")
        either.start()
        undergird.get_logger("first.of.the.ring").info("x", other=1, keys=2)
        bound.info("x")
    first, _, third = either.lines()
    assert fields(first) == fields(third) == {"a": 1, "b": 2}


def test_a_forked_child_has_it_too(script: Script) -> None:
    done = script("""
        import os, undergird
        undergird.configure("run.log")
        log = undergird.get_logger("x").bind(b=2)
        with undergird.context(a=1):
            log.info("parent")
            pid = os.fork()
            if pid == 0:
                log.info("child")
                undergird.shutdown()
                os._exit(0)
            os.waitpid(pid, 0)
        undergird.flush()
        print(*(line for line in open("run.log")), sep="")
    """)
    assert done.stdout.count('"a":1,"b":2') == 2


def test_a_context_made_before_the_logger_is_loaded_is_rendered_when_it_is(script: Script) -> None:
    done = script("""
        import sys
        from undergird import _context
        position = [3, 4]
        scope = _context.context(position=position, n=1)
        with scope, _context.context(z=(1,)):
            _context.context.bind(y=[2])
            _context.context.unbind("z")
            assert "logging" not in sys.modules and "asyncio" not in sys.modules
            import undergird
            undergird.configure("run.log")
            undergird.get_logger("x").info("x")
            undergird.flush()
        print(open("run.log").read())
    """)
    assert '"position":[3,4],"n":1,"y":[2]}' in done.stdout
