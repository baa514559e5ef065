"""Fields of the run: in every record, whoever logged it and by whichever way."""

from __future__ import annotations

import asyncio
import collections
import io
import logging
import os
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tests.log.conftest import read_lines

import undergird
from undergird import FileSink
from undergird.log.asynchronous import AsyncLogger
from undergird.log.values import constants

if TYPE_CHECKING:
    from tests.conftest import Script
    from tests.log.conftest import Run

FIELDS = {"run_id": "a1", "seed": 7}


@pytest.fixture(autouse=True)
def _no_fields_afterwards() -> Iterator[None]:
    yield
    constants.use({})


def test_every_record_of_the_run_carries_them(either: Run) -> None:
    log = either.start(fields=FIELDS, level="INFO")
    log.info("plain")
    log.bind(step=1).info("bound", a=2)
    log.metric("agents", 3)
    log.many("rows", column=np.arange(600))
    buffer = log.create_buffer()
    buffer.info("buffered")
    buffer.flush()
    with log.timer("timed"), log.catch():
        raise ValueError("caught")
    logging.getLogger("theirs").warning("standard %d", 1)
    thread = threading.Thread(target=log.info, args=("in a thread",))
    thread.start()
    thread.join()
    asyncio.run(AsyncLogger("async").ainfo("awaited"))
    lines = either.lines()
    assert len(lines) == 609
    assert all(line["run_id"] == "a1" and line["seed"] == 7 for line in lines)


def test_they_stand_behind_who_logged_and_before_other_fields(either: Run) -> None:
    log = either.start(fields=FIELDS, names=("process_id", "task"))

    async def in_a_task() -> None:
        log.bind(bound=1).info("x", a=1)

    with undergird.context(request=5):
        asyncio.run(in_a_task())
        log.bind(bound=1).info("x", a=1)
    first, second = [line for line in either.lines() if line["message"] == "x"]
    assert list(first)[4:] == ["process_id", "task_name", "run_id", "seed", "request", "bound", "a"]
    assert list(second)[4:] == ["process_id", "run_id", "seed", "request", "bound", "a"]
    assert second["process_id"] == os.getpid()


@pytest.mark.parametrize("around", ["context", "bound", "call"])
def test_a_field_that_is_nearer_hides_one_of_the_run(either: Run, around: str) -> None:
    log = either.start(fields=FIELDS)
    if around == "context":
        with undergird.context(seed=8):
            log.info("x")
    elif around == "bound":
        log.bind(seed=8).info("x")
    else:
        log.info("x", seed=8)
    assert {key: either.last()[key] for key in FIELDS} == {"run_id": "a1", "seed": 8}


def test_a_field_of_the_run_hides_a_name_and_is_no_key_of_the_line(either: Run) -> None:
    log = either.start(fields={"process_id": "mine", "level": 3}, names="process_id")
    log.info("x")
    line = either.last()
    assert (line["process_id"], line["level"], line["level_"]) == ("mine", "INFO", 3)


def test_they_are_what_they_were_when_the_run_was_set_up(either: Run) -> None:
    sizes = [3, 4]
    given: dict[str, Any] = {"sizes": sizes, "rate": np.float64(0.5), "lazy": undergird.lazy(lambda: {"a": {1}})}
    log = either.start(fields=collections.UserDict(given))
    sizes.append(5)
    given["more"] = 1
    log.info("x")
    line = either.last()
    assert list(line)[4:] == ["sizes", "rate", "lazy"]
    assert (line["sizes"], line["rate"], line["lazy"]) == ([3, 4], 0.5, {"a": [1]})


def test_a_secret_among_them_is_in_no_line_no_ring_and_no_environment(either: Run) -> None:
    secret = "hunter2-of-the-run"
    fields = {"password": secret, "user": {"Password": secret, "name": "Ada"}, "text": f"key={secret}"}
    rules = undergird.Redaction(fields=["password"], text=["key=(.*)"]) if either.foreign else ["password"]
    log = either.start(fields=fields if either.foreign else {**fields, "text": ""}, redact=rules)
    log.info("x")
    line = either.last()
    assert (line["password"], line["user"]) == ("<redacted>", {"Password": "<redacted>", "name": "Ada"})
    assert secret not in either.path.read_text()
    assert secret not in os.environ["UNDERGIRD_LOG"]
    assert secret.encode() not in Path(undergird.stats()["ring"]).read_bytes()


def test_the_next_run_has_its_own(either: Run) -> None:
    log = either.start(fields=FIELDS)
    log.info("first")
    either.start(fields={"seed": 8})
    log.info("second")
    either.start()
    log.info("third")
    assert [list(line)[4:] for line in either.lines()] == [["run_id", "seed"], ["seed"], []]


def test_each_file_and_the_console_say_them(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.StringIO()
    monkeypatch.setattr("sys.stderr", shown)
    more, text = run.path.with_name("more.log"), run.path.with_name("text.log")
    sinks = [FileSink(more), FileSink(text, format="text")]
    run.start(fields=FIELDS, sinks=sinks, console="logfmt").info("x")
    assert (run.last()["seed"], read_lines(more)[-1]["seed"]) == (7, 7)
    assert "run_id=a1 seed=7" in text.read_text()
    assert "run_id=a1 seed=7" in shown.getvalue()


def test_a_call_with_them_is_native(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    log = run.start(fields=FIELDS)
    monkeypatch.setattr(logging, "_logRecordFactory", lambda *args: pytest.fail(args[4]))
    log.info("x")
    assert run.last()["seed"] == 7


class Failing(Mapping[str, int]):
    def __getitem__(self, name: str) -> int:
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


@pytest.mark.parametrize("given", [None, 5, "run_id", ["run_id"], {7: "seven"}, {None: 1}])
def test_what_is_no_mapping_of_names_is_refused_before_anything_changes(run: Run, given: Any) -> None:
    log = run.start(fields=FIELDS)
    with pytest.raises(undergird.ConfigurationError, match=r"^fields.* (no mapping|a field's name is a string)"):
        undergird.configure(run.path, fields=given)
    log.info("x")
    assert run.last()["seed"] == 7


def test_more_than_a_line_should_bear_is_refused(run: Run) -> None:
    with pytest.raises(undergird.ConfigurationError, match=r"fields: these are 20012 characters .* may be 16384"):
        run.start(fields={"text": "x" * 20_000 + "y"})
    run.start(fields=Failing()).info("x")
    assert list(run.last())[4:] == []


def test_keys_that_the_dictionary_has_no_room_for_stand_in_the_record(run: Run) -> None:
    log = run.start(fields=FIELDS, ring_size=1 << 16)
    for number in range(3000):
        log.info("x", **{f"field_{number}_of_a_dictionary_that_is_full": number})
    [handler] = [handler for handler in logging.root.handlers if isinstance(handler, undergird.log.FileHandler)]
    # Names and fields of the run are one group: these keys are new.
    handler.names = ("process_id",)
    log.info("last", a=1)
    lines = run.lines()
    assert all((line["run_id"], line["seed"]) == ("a1", 7) for line in lines)
    assert list(lines[-1])[4:] == ["process_id", "run_id", "seed", "a"]


def test_workers_carry_them_whatever_the_names_in_them(script: Script) -> None:
    done = script(
        """
        import json, multiprocessing, os, subprocess, sys
        import undergird

        def work(number):
            undergird.get_logger("worker").info("work", number=number)

        if __name__ == "__main__":
            # Words that settings are handed on by.
            fields = {"limits": {"time": "noon", "pattern": [1], "flags": float("inf")}, "plain": "\\ud800 7", "big": 10**60}
            undergird.configure("run.log", fields=fields)
            undergird.get_logger("main").info("main")
            child = os.fork()
            if child == 0:
                work(1)
                undergird.flush()
                os._exit(0)
            os.waitpid(child, 0)
            code = "import undergird; undergird.get_logger('worker').info('work')"
            subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)
            undergird.flush()
            with open("run.log") as file:
                for line in file:
                    line = json.loads(line)
                    print({key: line[key] for key in fields})
        """
    )
    expected = {"limits": {"time": "noon", "pattern": [1], "flags": "Infinity"}, "plain": "\ud800 7", "big": 10**60}
    assert done.stdout.splitlines() == [repr(expected)] * 3
