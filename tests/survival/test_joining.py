"""Workers that were never set up find the run by themselves."""

from __future__ import annotations

import json
import os
import re
import sys
import textwrap
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.conftest import Script

WORK = """
    import os
    import undergird

    log = undergird.get_logger("worker")

    def work(task):
        for number in range(200):
            log.info("step", task=task, number=number, password="secret")
        return os.getpid()
"""
# As many as it takes: eight workers under `make deep`.
WORKERS, TASKS = (8, 32) if os.environ.get("UNDERGIRD_DEEP") == "1" else (2, 6)
NAMES = {
    "spawn": r"SpawnPoolWorker-\d+",
    "forkserver": r"ForkServerPoolWorker-\d+",
    "fork": r"ForkPoolWorker-\d+",
    "executor": r"SpawnProcess-\d+",
    "loky": r"LokyProcess-\d+",
    "script": "MainProcess",
}
POOLS = {
    "spawn": """
        with multiprocessing.get_context("spawn").Pool(WORKERS) as pool:
            pool.map(work, range(TASKS))
    """,
    "forkserver": """
        with multiprocessing.get_context("forkserver").Pool(WORKERS) as pool:
            pool.map(work, range(TASKS))
    """,
    "fork": """
        with multiprocessing.get_context("fork").Pool(WORKERS) as pool:
            pool.map(work, range(TASKS))
    """,
    "executor": """
        from concurrent.futures import ProcessPoolExecutor
        with ProcessPoolExecutor(WORKERS, mp_context=multiprocessing.get_context("spawn")) as pool:
            list(pool.map(work, range(TASKS)))
    """,
    "loky": """
        from joblib import Parallel, delayed
        Parallel(n_jobs=WORKERS, backend="loky")(delayed(work)(task) for task in range(TASKS))
    """,
    "script": """
        import subprocess, sys
        for task in range(TASKS):
            subprocess.run([sys.executable, "-c", f"import worker; worker.work({task})"], check=True)
    """,
}


@pytest.fixture(autouse=True)
def worker(tmp_path: Path) -> None:
    (tmp_path / "worker.py").write_text(textwrap.dedent(WORK))


def main(*body: str, settings: str = "") -> str:
    """A program that configures a run and then does something."""
    inside = "".join(textwrap.indent(textwrap.dedent(part).strip() + "\n", "    ") for part in body)
    return f"""
import multiprocessing
import undergird
from worker import work

WORKERS, TASKS = {WORKERS}, {TASKS}

if __name__ == "__main__":
    undergird.configure("run.log", {settings})
{inside}"""


def run_main(script: Script, tmp_path: Path, source: str) -> None:
    # A file, because workers import it; its warnings are those of the pools.
    (tmp_path / "main.py").write_text(source)
    script(f"import subprocess; subprocess.run([{sys.executable!r}, 'main.py'], check=True)")


def lines(directory: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for file in directory.glob("run.log*") for line in file.read_text().splitlines()]


@pytest.mark.parametrize("pool", POOLS)
def test_workers_log_to_the_run_without_being_set_up(
    pool: str, script: Script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = "redact=['pass*'], max_bytes=12_000, names=['process', 'process_id', 'rank']"
    monkeypatch.setenv("RANK", "2")
    run_main(script, tmp_path, main(POOLS[pool], settings=settings))
    written = lines(tmp_path)
    assert Counter((line["task"], line["number"]) for line in written) == Counter(
        (task, number) for task in range(TASKS) for number in range(200)
    )
    assert {line["password"] for line in written} == {"<redacted>"}
    assert all("process_id" in line and line["rank"] == 2 for line in written)
    # As the pool calls its workers.
    assert all(re.fullmatch(NAMES[pool], line["process_name"]) for line in written), written[0]
    files = list(tmp_path.glob("run.log*"))
    assert len(files) > 10
    assert max(file.stat().st_size for file in files) < 12_000


def test_a_worker_has_a_small_ring_where_its_parents_is_large(script: Script, tmp_path: Path) -> None:
    # So that there is room in shared memory for very many of them.
    (tmp_path / "rings").mkdir()
    show = """
        import os, sys, subprocess, undergird
        if sys.argv[1:]:
            undergird.configure("run.log", ring_size=int(sys.argv[1]))
        undergird.get_logger("x").info("x")
        print(sum(os.path.getsize(os.path.join(folder, file)) for folder, _, files in os.walk("rings") for file in files))
        if sys.argv[1:]:
            subprocess.run([sys.executable, "-c", os.environ["SHOW"]], check=True)
    """
    for size, share in ((1 << 16, 1), (16 << 20, 8)):
        done = script(show, str(size), SHOW=textwrap.dedent(show), UNDERGIRD_RING_DIR=str(tmp_path / "rings"))
        own, both = map(int, done.stdout.split())
        assert 0 < both - own <= own / share


def test_workers_log_to_every_file_of_the_run(script: Script, tmp_path: Path) -> None:
    errors = "undergird.FileSink('errors.log', level='ERROR')"
    parts = "undergird.FileSink('worker.txt', loggers=['worker'], format='text', rotation=undergird.Rotation(max_bytes=9000))"
    rest = "undergird.FileSink('rest.log', except_loggers=['worker'])"
    run_main(script, tmp_path, main(POOLS["spawn"], settings=f"sinks=[{errors}, {parts}, {rest}]"))
    numbers = [(task, number) for task in range(TASKS) for number in range(200)]
    assert sorted((line["task"], line["number"]) for line in lines(tmp_path)) == numbers
    files = list(tmp_path.glob("worker.txt*"))
    assert len(files) > 5
    assert max(file.stat().st_size for file in files) < 9000
    found = [line.split(" worker: step ")[1] for file in files for line in file.read_text().splitlines()]
    assert sorted(found) == sorted(f"task={task} number={number} password=secret" for task, number in numbers)
    assert (tmp_path / "errors.log").read_text() == (tmp_path / "rest.log").read_text() == ""


def test_a_worker_with_a_run_of_its_own_does_not_join(script: Script, tmp_path: Path) -> None:
    source = main("import subprocess, sys; subprocess.run([sys.executable, '-c', OWN], check=True)")
    own = "import undergird; undergird.configure('own.log'); import worker; worker.work(1)"
    run_main(script, tmp_path, f"OWN = {own!r}\n{source}")
    assert lines(tmp_path) == []
    assert (tmp_path / "own.log").read_text().count("\n") == 200


def test_an_empty_variable_keeps_a_process_out(script: Script, tmp_path: Path) -> None:
    run_main(script, tmp_path, main("import os; os.environ['UNDERGIRD_LOG'] = ''", POOLS["spawn"]))
    assert lines(tmp_path) == []


def test_a_run_without_a_file_is_not_joined(script: Script, tmp_path: Path) -> None:
    run_main(script, tmp_path, main("undergird.configure()", POOLS["spawn"]))
    assert lines(tmp_path) == []


def test_a_worker_that_is_killed_loses_nothing(script: Script, tmp_path: Path) -> None:
    killed = "import os, worker; worker.work(1); os.kill(os.getpid(), 9)"
    body = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {killed!r}])"
    run_main(script, tmp_path, main(body))
    assert [line["number"] for line in lines(tmp_path)] == list(range(200))


@pytest.mark.parametrize(
    "announced", ["no json", "[]", '{"path": 3}', '{"colour": "blue"}', '{"path": "/no/such/run.log"}']
)
def test_a_variable_that_names_no_run_is_warned_of(announced: str, script: Script) -> None:
    done = script(
        """
        import warnings
        import undergird
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            log = undergird.get_logger("x")
        log.info("goes nowhere")
        print(*[warning.message for warning in caught])
        """,
        UNDERGIRD_LOG=announced,
    )
    assert "this process does not join the run that UNDERGIRD_LOG names" in done.stdout


def test_what_cannot_be_handed_on_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from undergird.log.run import joining

    monkeypatch.setenv("UNDERGIRD_LOG", "")
    joining.announce({"path": str(tmp_path / "run.log"), "clock": object(), "level": 20})
    announced: dict[str, Any] = {}
    monkeypatch.setattr(joining, "_may_join", True)
    joining.join(lambda **settings: announced.update(settings))
    assert announced == {"path": str(tmp_path / "run.log"), "level": 20}
