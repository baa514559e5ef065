"""Names of process, thread and task in lines, on both ways: what they are at the moment of the call."""

from __future__ import annotations

import _thread
import asyncio
import gc
import json
import multiprocessing
import os
import threading
import time
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from tests.log.conftest import read_lines

import undergird

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Script
    from tests.log.conftest import Run

ALL = ("process", "process_id", "rank", "thread", "thread_id", "task")


def in_thread(target: Callable[[], object], name: str | None = None) -> None:
    thread = threading.Thread(target=target, name=name)
    thread.start()
    thread.join()


def test_a_line_says_who_logged(either: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_PROCID", "3")
    log = either.start(names=ALL)
    log.info("x", a=1)
    line = either.last()
    assert list(line)[4:] == ["process_name", "process_id", "rank", "thread_name", "thread_id", "a"]
    assert line["process_name"] == multiprocessing.current_process().name
    assert line["process_id"] == os.getpid()
    assert line["rank"] == 3
    assert line["thread_name"] == "MainThread"
    assert line["thread_id"] == threading.get_ident()


@pytest.mark.parametrize(
    ("names", "keys"),
    [
        ((), []),
        ("thread", ["thread_name"]),
        (["task", "thread"], ["thread_name"]),
        ({"process_id": 0, "process": 0}, ["process_name", "process_id"]),
        ("rank", []),
        ("task", []),
    ],
)
def test_a_line_says_what_was_asked_for_and_no_more(either: Run, names: Any, keys: list[str]) -> None:
    log = either.start(names=names)
    log.info("x")
    assert list(either.last())[4:] == keys


@pytest.mark.parametrize("names", ["threads", ["thread", "host"], [1], 5, None, [["thread"]]])
def test_a_name_that_is_not_known_is_refused(run: Run, names: Any) -> None:
    with pytest.raises(undergird.ConfigurationError, match=r"names: .* is not known; there is 'process'"):
        run.start(names=names)


def test_a_thread_is_named_as_it_is_named_now(either: Run) -> None:
    log = either.start(names="thread")
    expected: list[str] = []

    def work() -> None:
        thread = threading.current_thread()
        for name in (thread.name, "renamed", "Fäden \ud800", "x" * 3000):
            thread.name = name
            log.info("x")
            expected.append(name)

    for name in ("first", "second", None):
        in_thread(work, name)
    work_name = threading.main_thread().name
    log.info("x")
    lines = [line["thread_name"] for line in either.lines()]
    assert lines == [*expected, work_name]
    assert expected[0] == "first"


def test_a_thread_that_python_did_not_start_is_named_as_the_standard_library_does(either: Run) -> None:
    log = either.start(names="thread")
    done = threading.Event()
    seen: list[str] = []

    def work() -> None:
        log.info("x")
        seen.append(threading.current_thread().name)
        log.info("x")
        done.set()

    _thread.start_new_thread(work, ())
    assert done.wait(30)
    assert [line["thread_name"] for line in either.lines()] == seen * 2


def test_a_thread_that_logs_before_threading_knows_it_has_its_name_afterwards(either: Run) -> None:
    log = either.start(names="thread")

    class Early(threading.Thread):
        def _set_ident(self) -> None:
            super()._set_ident()  # type: ignore[misc]
            log.info("before")

        def run(self) -> None:
            log.info("after")

    early = Early(name="early")
    early.start()
    early.join()
    before, after = [line["thread_name"] for line in either.lines()]
    assert before.startswith("Dummy-")
    assert after == "early"


def test_a_class_of_threads_may_have_any_name(either: Run) -> None:
    log = either.start(names="thread")

    class Odd(threading.Thread):
        def run(self) -> None:
            log.info("odd")
            name = vars(self).pop("_name")
            log.info("nameless")
            vars(self)["_name"] = name

    odd = Odd(name="odd")
    if not either.foreign:
        # The standard library's way looks at the name too, and is not made for a thread without one.
        odd.start()
        odd.join()
        assert [line["thread_name"] for line in either.lines()] == ["odd", None]


def test_a_task_is_named_as_it_is_named_now(either: Run) -> None:
    log = either.start(names="task")

    async def work(name: str) -> None:
        for at in (name, name + " renamed"):
            task = asyncio.current_task()
            assert task is not None
            task.set_name(at)
            log.info("x", expected=at)
            await asyncio.sleep(0)

    async def main() -> None:
        await asyncio.gather(work("one"), work("two"))
        loop = asyncio.get_running_loop()
        loop.call_soon(log.info, "outside of a task")
        await asyncio.sleep(0)
        await asyncio.to_thread(log.info, "in a thread")
        asyncio.current_task().set_name("main")  # type: ignore[union-attr]
        log.info("x", expected="main")

    asyncio.run(main())
    log.info("after the loop")
    lines = [line for line in either.lines() if line["logger_name"] == log.name]
    assert [line["task_name"] for line in lines if "expected" in line] == [
        line["expected"] for line in lines if "expected" in line
    ]
    assert {line["message"] for line in lines if "task_name" not in line} == {
        "outside of a task",
        "in a thread",
        "after the loop",
    }


def test_a_task_of_another_kind_may_have_no_name(run: Run) -> None:
    log = run.start(names="task")

    class Nameless(asyncio.Task[Any]):
        def get_name(self) -> str:
            log.info("asked")
            raise ValueError("none")

    async def work() -> None:
        log.info("x")

    def factory(loop: Any, coroutine: Any, **options: Any) -> Any:
        return Nameless(coroutine, loop=loop, **options)

    async def main() -> None:
        asyncio.get_running_loop().set_task_factory(factory)
        await asyncio.get_running_loop().create_task(work())

    asyncio.run(main())
    assert "task_name" not in next(line for line in run.lines() if line["message"] == "x")


def test_a_field_of_the_call_or_a_bound_one_hides_a_name(either: Run) -> None:
    log = either.start(names=("thread", "process"))
    log.bind(process_name="bound").info("x", thread_name="call", level=1)
    line = either.last()
    assert (line["thread_name"], line["process_name"]) == ("call", "bound")


def test_records_of_the_standard_library_say_who_logged_too(run: Run) -> None:
    import logging

    log = run.start(names=("thread", "process_id"))
    log.info("native")
    in_thread(lambda: logging.getLogger("plain").info("plain"), "worker")
    assert [(line["thread_name"], line["process_id"]) for line in run.lines()] == [
        ("MainThread", os.getpid()),
        ("worker", os.getpid()),
    ]


def test_a_rank_is_that_of_the_first_launcher_that_says_one(either: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, variable in enumerate(
        ("RANK", "SLURM_PROCID", "MV2_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK", "OMPI_COMM_WORLD_RANK")
    ):
        monkeypatch.setenv(variable, str(number))
        either.start(names="rank").info("x")
        assert either.last()["rank"] == number
    monkeypatch.setenv("OMPI_COMM_WORLD_RANK", "none")
    either.start(names="rank").info("x")
    assert either.last()["rank"] == 4


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_child_process_has_its_own_name_and_number(script: Script, tmp_path: Path, method: str) -> None:
    (tmp_path / "work.py").write_text(
        "import undergird\n"
        "def work(path, again):\n"
        "    if again:\n"
        "        undergird.configure(path, names=('process', 'process_id'))\n"
        "    undergird.get_logger('child').info('child')\n"
        "    undergird.flush()\n"
    )
    done = script(
        f"""
        import sys; sys.path.insert(0, "")
        import multiprocessing, os, undergird, warnings
        from work import work
        if __name__ == "__main__":
            undergird.configure("run.log", names=("process", "process_id"))
            undergird.get_logger("parent").info("parent")
            warnings.simplefilter("ignore", DeprecationWarning)
            context = multiprocessing.get_context("{method}")
            child = context.Process(target=work, args=("run.log", {method == "spawn"}), name="the child")
            child.start(); child.join()
            undergird.get_logger("parent").info("parent")
            undergird.flush()
            print(os.getpid(), child.pid)
        """
    )
    parent, child = map(int, done.stdout.split())
    lines = sorted(read_lines(tmp_path / "run.log"), key=lambda line: line["timestamp"])
    assert [(line["message"], line["process_name"], line["process_id"]) for line in lines] == [
        ("parent", "MainProcess", parent),
        ("child", "the child", child),
        ("parent", "MainProcess", parent),
    ]


def test_asking_for_names_loads_nothing(script: Script) -> None:
    done = script(
        """
        import sys, undergird
        before = set(sys.modules)
        undergird.configure("run.log", names=("process", "thread", "task"))
        undergird.get_logger("x").info("x")
        assert not {"asyncio", "multiprocessing"} & (set(sys.modules) - before), sys.modules
        undergird.flush()
        print(open("run.log").read())
        """
    )
    assert json.loads(done.stdout)["process_name"] == "MainProcess"


def test_threads_that_logged_are_let_go(run: Run) -> None:
    log = run.start(names=("thread", "task", "process"))
    gone = []
    for _ in range(50):
        thread = threading.Thread(target=log.info, args=("x",))
        gone.append(weakref.ref(thread))
        thread.start()
        thread.join()
        del thread
    limit = time.monotonic() + 30
    while any(one() is not None for one in gone) and time.monotonic() < limit:
        gc.collect()
    assert not any(one() is not None for one in gone)
    assert len(run.lines()) == 50
