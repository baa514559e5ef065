"""`undergird run`: what a program does under it, it does under `python`."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import NamedTuple

import pytest

SUMMARY = re.compile(r"^undergird: .*\n", re.MULTILINE)


class Done(NamedTuple):
    """What became of a program: its exit status, what it printed, and what of standard error was not the summary."""

    status: int
    out: str
    err: str
    summary: str


class Program:
    """A directory with programs."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def write(self, name: str, source: str) -> None:
        path = self.directory / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(textwrap.dedent(source))

    def start(self, *command: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-W", "error", *command],
            cwd=self.directory,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __call__(self, *command: str, stdin: str = "") -> Done:
        with self.start(*command) as process:
            out, err = process.communicate(stdin, timeout=60)
        return Done(process.returncode, out, SUMMARY.sub("", err), "".join(SUMMARY.findall(err)))

    def both(self, *program: str, stdin: str = "") -> Done:
        """Runs a program under `undergird run`, and under `python` alone, which has to look the same."""
        alone, ours = self(*program, stdin=stdin), self("-m", "undergird", "run", *program, stdin=stdin)
        assert ours[:3] == alone[:3]
        assert (alone.summary, "ended natively" in ours.summary) == ("", True)
        return ours


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)


SHOW = """
    import os, sys
    print(sys.argv, sys.path, __name__, __file__, getattr(__spec__, "name", None), __package__, sys.warnoptions)
    print(vars(sys.modules["__main__"]) is globals())
    print(sorted(name for name in os.environ if "UNDERGIRD" in name or "PYTHON" in name))
    print(sys.stdin.read())
"""


@pytest.mark.parametrize(
    "command",
    [
        ["show.py"],
        ["./show.py", "a", "--compare", "--", "-m", "b c"],
        ["--", "show.py", "--help"],
        ["-m", "show", "-m", "x"],
        ["-mpackage.show", "--", "x"],
        ["-m", "package"],
        ["package"],
        ["package/show.py"],
    ],
    ids=" ".join,
)
def test_a_program_finds_what_it_would_find(command: list[str], program: Program) -> None:
    program.write("show.py", SHOW)
    program.write("package/__init__.py", "")
    program.write("package/show.py", SHOW)
    program.write("package/__main__.py", SHOW)
    assert "from outside" in program.both(*command, stdin="from outside").out


def test_a_program_may_come_from_standard_input(program: Program) -> None:
    assert program.both("-", "x", stdin="import sys; print(sys.argv, __name__)").out == "['-', 'x'] __main__\n"


@pytest.mark.parametrize(
    ("ending", "status"),
    [
        ("", 0),
        ("raise SystemExit", 0),
        ("raise SystemExit(7)", 7),
        ("raise SystemExit('said at the end')", 1),
        ("import sys; sys.exit(256 + 3)", 3),
        ("1 / 0", 1),
        ("def inner():\n    raise KeyError('x') from ValueError('y')\ninner()", 1),
        ("raise KeyboardInterrupt", -signal.SIGINT),
        ("def wrong(:", 1),
        (
            "import sys; sys.excepthook = lambda kind, error, where: print(kind, where.tb_lineno, where.tb_next); 1 / 0",
            1,
        ),
        ("import logging; logging.warning('here', stack_info=True)", 0),
    ],
)
def test_a_program_ends_as_it_would_end(ending: str, status: int, program: Program) -> None:
    program.write("ends.py", "")
    (program.directory / "ends.py").write_text(ending)
    assert program.both("ends.py").status == status


@pytest.mark.parametrize("command", [["missing.py"], ["-m", "missing"]])
def test_a_program_that_is_missing_is_pythons_error(command: list[str], program: Program) -> None:
    alone, ours = program(*command), program("-m", "undergird", "run", *command)
    assert (ours.status, ours.out, ours.err) == (alone.status, alone.out, alone.err)
    assert "missing" in ours.err


def test_a_program_that_a_signal_ends_is_ended_by_it(program: Program) -> None:
    program.write("waits.py", "import time; print('ready', flush=True); time.sleep(60)")
    with program.start("-m", "undergird", "run", "waits.py") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGINT
    assert "undergird" not in SUMMARY.sub("", err)
    assert err.startswith(f'Traceback (most recent call last):\n  File "{program.directory}/waits.py", line 1')


def test_every_logger_of_the_program_is_native(program: Program) -> None:
    program.write(
        "simulation.py",
        """
        import logging
        import logging.config

        logging.config.dictConfig({
            "version": 1,
            "formatters": {"short": {"format": "%(levelname)s %(name)s %(message)s"}},
            "handlers": {"file": {"class": "logging.FileHandler", "filename": "simulation.log", "formatter": "short"}},
            "root": {"level": "INFO", "handlers": ["file"]},
        })
        log = logging.getLogger("simulation")
        for step in range(1000):
            log.debug("step %d", step)
            logging.root.debug("step %d", step)
        log.info("%d steps", 1000)
        """,
    )
    ours = program.both("simulation.py")
    assert (program.directory / "simulation.log").read_text() == "INFO simulation 1000 steps\n" * 2
    natively = re.fullmatch(
        r"undergird: \d+\.\d{3} s, ([\d,]+) calls ended natively \([\d,]+ per second\)\n",
        ours.summary.splitlines(True)[0],
    )
    assert natively is not None
    assert int(natively[1].replace(",", "")) >= 2000


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_workers_log_and_the_summary_is_the_programs_alone(method: str, program: Program) -> None:
    program.write(
        "workers.py",
        """
        import logging
        import multiprocessing
        import sys

        def work(number):
            logging.basicConfig(stream=sys.stdout, level=logging.INFO, force=True)
            logging.debug("number %d", number)
            logging.getLogger("worker").info("number %d", number)
            return number * number

        if __name__ == "__main__":
            with multiprocessing.get_context(sys.argv[1]).Pool(1) as pool:
                print(pool.map(work, range(3)))
                pool.close()
                pool.join()
        """,
    )
    ours = program.both("workers.py", method)
    assert ours.out.count("INFO:worker:number") == 3
    assert ours.summary.count("ended natively") == 1


def test_a_forked_child_that_ends_of_itself_says_nothing(program: Program) -> None:
    program.write("forks.py", "import os\nif child := os.fork():\n    os.waitpid(child, 0)\n")
    assert program.both("forks.py").summary.count("ended natively") == 1


def test_the_summary_comes_after_what_the_program_does_at_its_end(program: Program) -> None:
    program.write(
        "late.py",
        """
        import atexit, logging, sys
        handler = logging.StreamHandler()
        handler.close = lambda: print("closed", file=sys.stderr, flush=True)
        atexit.register(lambda: logging.warning("late"))
        logging.root.addHandler(handler)
        """,
    )
    with program.start("-m", "undergird", "run", "late.py") as process:
        _, err = process.communicate(timeout=60)
    said = [line.partition(":")[0] for line in err.splitlines()]
    assert (said[:2], set(said[2:])) == (["late", "closed"], {"undergird"})


def test_the_summary_says_what_became_of_the_records_of_ours(program: Program) -> None:
    program.write(
        "ours.py",
        """
        import logging
        import undergird
        undergird.configure("run.log")
        logging.getLogger("x").warning("one")
        undergird.get_logger("y").info("two")
        """,
    )
    assert "undergird: records: 2 emitted, 2 written, 0 dropped, 0 failed\n" in program.both("ours.py").summary


@pytest.mark.parametrize(
    "how", ["sys.stderr.close()", "sys.__stderr__.close()", "sys.__stderr__ = None", "os.close(2)"]
)
def test_a_program_without_standard_error_ends_well(how: str, program: Program) -> None:
    program.write("closes.py", f"import os, sys; {how}")
    done = program("-m", "undergird", "run", "closes.py")
    assert (done.out, done.err) == ("", "")
    assert done.status == program("closes.py").status


def test_a_sitecustomize_of_the_users_is_run(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    program.write("site/sitecustomize.py", "value = 'the users'; print('loaded')")
    program.write("shows.py", "import os, sitecustomize; print(sitecustomize.value, os.environ['PYTHONPATH'])")
    monkeypatch.setenv("PYTHONPATH", str(program.directory / "site"))
    ours = program("-m", "undergird", "run", "shows.py")
    # Once in the interpreter of the command, once in the program's.
    assert ours.out == f"loaded\nloaded\nthe users {program.directory / 'site'}\n"
    assert ours.err == ""


@pytest.mark.parametrize("option", ["-E", "-I", "-S"])
def test_an_interpreter_that_would_not_install_is_refused(option: str, program: Program) -> None:
    program.write("never.py", "print('run')")
    place = f"import sys; sys.path[:] = {sys.path!r}; from undergird.cli import main; sys.exit(main())"
    done = program(option, "-c", place, "run", "never.py")
    assert (done.status, done.out, "-E, -I and -S" in done.err) == (2, "", True)


def test_compare_runs_the_program_again_without(program: Program) -> None:
    program.write(
        "twice.py",
        """
        import logging, sys
        print(type(logging.Logger.info).__name__, sys.stdin.read(), flush=True)
        raise SystemExit(3 if type(logging.Logger.info).__name__ == "method_descriptor" else 4)
        """,
    )
    done = program("-m", "undergird", "run", "--compare", "twice.py", stdin="not for the program")
    assert (done.status, done.out, done.err) == (3, "method_descriptor \nfunction \n", "")
    first, again, difference = done.summary.splitlines()
    assert "ended natively" in first
    assert again == "undergird: the same on the standard library alone"
    took = r"\d+\.\d{3} s \(\d+\.\d{3} s"
    assert re.fullmatch(
        rf"undergird: {took} of CPU\) with native loggers, {took}\) on the standard library alone: "
        r"\d+\.\d{3} s (less|more) \(\d+%\)",
        difference,
    )


def test_compare_says_by_its_status_which_signal_ended_the_program(program: Program) -> None:
    program.write("dies.py", "import os, signal; os.kill(os.getpid(), signal.SIGTERM)")
    assert program("-m", "undergird", "run", "--compare", "dies.py").status == 128 + signal.SIGTERM
