"""The console as a program meets it: streams, levels, styles, broken pipes, live bars."""

from __future__ import annotations

import fcntl
import io
import json
import logging
import os
import re
import struct
import subprocess
import sys
import termios
import textwrap
import threading
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyte
import pytest
from tests.log.logfmt import parse

import undergird
from undergird.log.console.handler import ConsoleHandler

if TYPE_CHECKING:
    from tests.log.conftest import Run

Captured = pytest.CaptureFixture[str]


class Screen(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _no_wishes(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "TERM"):
        monkeypatch.delenv(name, raising=False)


def test_the_console_is_for_people(run: Run, capsys: Captured) -> None:
    log = run.start(console=True)
    log.info("moved %d", 7, agent_id=3)
    try:
        raise ValueError("bad")
    except ValueError:
        log.exception("failed")
    told = capsys.readouterr()
    first, second, place, code, error = told.err.splitlines()
    assert re.fullmatch(rf"\d\d:\d\d:\d\d\.\d{{3}} INFO     {log.name}  moved 7 +agent_id=3", first)
    assert second.endswith(f"ERROR    {log.name}  failed")
    assert place.endswith("in test_the_console_is_for_people")
    assert (code.strip(), error) == ('raise ValueError("bad")', "    ValueError: bad")
    assert told.out == ""
    assert run.messages() == ["moved 7", "failed"]


def test_a_line_on_the_console_is_there_when_its_call_returns(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    log = run.start(console=True)
    terminal = io.BytesIO()
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(terminal, write_through=False))
    log.info("moved")
    assert terminal.getvalue().endswith(b"  moved\n")


def test_a_line_is_written_by_the_thread_that_logs_it_in_its_context(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, str]] = []
    task: ContextVar[str] = ContextVar("task")

    class Routed(Screen):
        """As streams do that send what a thread or task writes to a place of its own."""

        def write(self, line: str) -> int:
            seen.append((threading.get_ident(), task.get()))
            return len(line)

    monkeypatch.setattr(sys, "stderr", Routed())
    log = run.start(console="text")
    token = task.set("of the caller")
    log.info("x")
    task.reset(token)
    assert seen == [(threading.get_ident(), "of the caller")]


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_what_ends_the_program_while_a_line_is_written_reaches_the_caller(
    error: type[BaseException], run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Interrupted(Screen):
        def write(self, line: str) -> int:
            raise error

    with monkeypatch.context() as patched:
        patched.setattr(sys, "stderr", Interrupted())
        log = run.start(console="text")
        with pytest.raises(error):
            log.info("x")


def test_lines_on_stdout_stand_in_order_with_what_is_printed(run: Run, capsys: Captured) -> None:
    log = run.start(console=True, console_stream="stdout")
    print("before")
    log.info("between")
    print("after")
    before, between, after = capsys.readouterr().out.splitlines()
    assert (before, between.split()[-1], after) == ("before", "between", "after")


def test_the_console_has_a_level_of_its_own(run: Run, capsys: Captured) -> None:
    log = run.start(level="DEBUG", console=True, console_level="WARNING")
    log.debug("detail")
    log.warning("attention")
    assert "detail" not in (told := capsys.readouterr().err)
    assert "attention" in told
    assert run.messages() == ["detail", "attention"]


@pytest.mark.parametrize("style", ["json", "logfmt", "text"])
def test_the_console_may_look_as_a_file_does(style: str, run: Run, capsys: Captured) -> None:
    log = run.start(format=style, console=style, call_site=True)
    log.info("agent moved", agent_id=7, state="two words", path=[1, None])
    assert undergird.flush(30.0)
    console, file = capsys.readouterr().err, run.path.read_text()
    # Their stamps are those of two clocks.
    stamp = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z")
    assert stamp.sub("", console) == stamp.sub("", file)


def test_a_console_without_a_file(run: Run, capsys: Captured) -> None:
    run.start()
    undergird.configure(console="logfmt", level="DEBUG")
    undergird.get_logger("sim").info("moved", agent_id=7)
    assert parse(capsys.readouterr().err.removesuffix("\n"))["agent_id"] == "7"


def test_a_level_of_the_users_is_named_and_coloured(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    log = run.start(console=True)
    logging.addLevelName(25, "EMERGENCE")
    monkeypatch.setattr(sys, "stderr", screen := Screen())
    log.log(25, "sorted")
    log.info("moved")
    first, second = screen.getvalue().splitlines()
    assert "\x1b[32mEMERGENCE\x1b[0m" in first
    assert "\x1b[32mINFO\x1b[0m " in second


def test_what_was_redirected_has_no_colours_and_one_line_for_each_record(run: Run, capsys: Captured) -> None:
    log = run.start(console=True)
    log.info("word " * 100, field="x" * 200)
    told = capsys.readouterr().err
    assert "\x1b" not in told
    assert told.count("\n") == 1


def test_nothing_in_a_record_acts_on_the_terminal(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run.start(console=True)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr(sys, "stderr", screen := Screen())
    evil = "\x1b]0;owned\x07\x1b[2J\r\x9b31m\u202e"
    logging.addLevelName(21, f"I{evil}")
    try:
        raise ValueError(evil)
    except ValueError as error:
        error.add_note(evil)
        undergird.get_logger(f"sim{evil}").log(21, evil, exc_info=True, **{evil: evil, "nested": {evil: [evil]}})
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", screen.getvalue())


def test_what_is_redacted_is_not_on_the_console(run: Run, capsys: Captured) -> None:
    rules = undergird.Redaction(fields=["password"], text=["hunter."])
    for style in ("pretty", "text", "logfmt", "json"):
        log = run.start(redact=rules, console=style)
        try:
            raise ValueError("hunter2 failed")
        except ValueError:
            log.exception("hunter2", password="geheim", user={"password": "geheim", "note": "hunter2"})
    told = capsys.readouterr().err
    assert told.count("hunter2 failed") <= told.count("raise ValueError")
    assert "geheim" not in told
    assert "ValueError: hunter2" not in told


def test_tracebacks_are_whole_on_request(run: Run, capsys: Captured) -> None:
    log = run.start(console=True, console_tracebacks="full")
    try:
        json.loads("{")
    except ValueError:
        log.exception("failed")
    told = capsys.readouterr().err
    assert "    Traceback (most recent call last):\n" in told
    assert told.count("  File ") == 4


@pytest.mark.parametrize("stream", ["closed", "none", "broken", "full"])
def test_a_stream_that_takes_nothing_is_counted_and_stops_nobody(
    stream: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = run.start(console=True)
    before = undergird.stats()["console_failed"]
    closed = io.StringIO()
    closed.close()
    reader, writer = os.pipe()
    os.close(reader)
    broken = open(writer, "w")  # noqa: PTH123, SIM115
    full = open("/dev/full", "w")  # noqa: PTH123, SIM115
    monkeypatch.setattr(sys, "stderr", {"closed": closed, "none": None, "broken": broken, "full": full}[stream])
    for _ in range(3):
        log.info("moved")
    monkeypatch.undo()
    assert undergird.stats()["console_failed"] == before + 3
    assert run.messages() == ["moved"] * 3
    for file in (broken, full):
        # What could not be written is still in its buffer.
        os.dup2(os.open(os.devnull, os.O_WRONLY), file.fileno())
        file.close()


def test_a_character_that_the_stream_does_not_know_is_escaped(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    log = run.start(console=True)
    terminal = io.BytesIO()
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(terminal, "latin-1"))
    log.info("größe → 細胞")
    assert terminal.getvalue().decode("latin-1").endswith("größe \\u2192 \\u7d30\\u80de\n")


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("console", "xml"),
        ("console", 1),
        ("console_stream", "stdin"),
        ("console_tracebacks", None),
        ("console_level", "LOUD"),
    ],
)
def test_a_setting_that_cannot_be_is_named_with_what_can(setting: str, value: Any, tmp_path: Path) -> None:
    with pytest.raises(undergird.ConfigurationError, match=f"{setting}.*{re.escape(repr(value))}.*there is"):
        undergird.configure(tmp_path / "run.log", **{setting: value})
    assert not (tmp_path / "run.log").exists()


def test_the_handler_says_what_it_is() -> None:
    assert repr(ConsoleHandler(stream="stdout", level="WARNING")) == "<ConsoleHandler stdout (WARNING)>"


BARS = {
    "tqdm": """
        from tqdm import tqdm
        for number in tqdm(range(5), desc="sorting", miniters=1, mininterval=0, ncols=60):
            log.info("step", number=number)
        """,
    "rich": """
        from rich.progress import Progress
        with Progress(transient=False) as progress:
            task = progress.add_task("sorting", total=5)
            for number in range(5):
                log.info("step", number=number)
                progress.advance(task)
                progress.refresh()
        """,
}


@pytest.mark.parametrize("stream", ["stderr", "stdout"])
@pytest.mark.parametrize("bar", BARS)
def test_lines_do_not_tear_a_live_bar(bar: str, stream: str, tmp_path: Path) -> None:
    source = f"""
        import sys, undergird
        undergird.configure(console=True, console_stream={stream!r})
        log = undergird.get_logger("sim")
        assert not {{"tqdm", "rich"}} & sys.modules.keys()
        """
    said = in_a_terminal(textwrap.dedent(source) + textwrap.dedent(BARS[bar]), tmp_path)
    lines = [line for line in said if line]
    *steps, last = lines
    assert [line.split()[1:] for line in steps] == [
        ["INFO", "sim", "step", f"number={number}"] for number in range(5)
    ], said
    assert "sorting" in last
    assert "100%" in last


def test_long_records_stay_whole_above_a_bar_of_rich(tmp_path: Path) -> None:
    source = """
        import undergird
        from rich.progress import Progress
        undergird.configure(console=True)
        with Progress():
            undergird.get_logger("sim").info("numbers", **{f"n{number}": "[bold]" + "x" * 30 for number in range(200)})
        assert undergird.stats()["console_failed"] == 0
        """
    said = in_a_terminal(textwrap.dedent(source), tmp_path, rows=250)
    fields = [line.split()[-1] for line in said if "=" in line]
    assert fields == [f"n{number}=[bold]{'x' * 30}" for number in range(200)]


def in_a_terminal(source: str, directory: Path, rows: int = 24) -> list[str]:
    """The lines on a terminal of 80 columns after a program has run in it."""
    owner, end = os.openpty()
    fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", rows, 80, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color"}
    process = subprocess.Popen(
        [sys.executable, "-c", source], stdin=end, stdout=end, stderr=end, cwd=directory, env=environment
    )
    os.close(end)
    screen = pyte.Screen(80, rows)
    stream = pyte.ByteStream(screen)
    while True:
        try:
            part = os.read(owner, 65536)
        except OSError:
            break
        stream.feed(part)
    os.close(owner)
    assert process.wait(60) == 0, screen.display
    return [line.rstrip() for line in screen.display]
