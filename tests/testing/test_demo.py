"""The demo, end to end on a small tissue, and that each of its checks can fail."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from undergird.cli import main
from undergird.testing.demo import DemoReport, contenders, run_demo
from undergird.testing.demo.checks import counting, physics
from undergird.testing.demo.contenders import Contender
from undergird.testing.demo.race import Lane, race
from undergird.testing.demo.readback import ReplayError, line_check, replay, replay_check
from undergird.testing.demo.report import Progress, render
from undergird.testing.demo.results import Control
from undergird.testing.sorting import CellSorting, Swaps

RECORDS = 45_000


@dataclass
class Ran:
    """A run of the demo on a small tissue."""

    report: DemoReport
    output: str


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    stream = io.StringIO()
    directory = tmp_path_factory.mktemp("demo")
    report = run_demo(directory, records=RECORDS, width=32, height=32, parts=4, stream=stream, keep=True)
    return Ran(report, stream.getvalue())


def test_a_run_passes_all_of_its_checks(ran: Ran) -> None:
    assert [check for check in ran.report.checks if not check.passed] == []
    assert ran.report.passed


def test_the_cells_sort_and_the_controls_do_not(ran: Ran) -> None:
    start, end = ran.report.quality
    assert start == pytest.approx(0.5, abs=0.05)
    assert end > 0.8
    assert 0 < ran.report.late_rise < 0.1
    assert set(ran.report.controls) == {"adhesion off", "labels shuffled"}
    assert all(control.most <= 0.05 for control in ran.report.controls.values())


def test_undergird_has_logged_each_exchange_and_each_step(ran: Ran) -> None:
    tissue = CellSorting(32, 32, seed=1)
    with ran.report.log.open(encoding="utf-8") as lines:
        events = [json.loads(line) for line in lines]
    assert len(events) == ran.report.records >= RECORDS
    position = 0
    for step in range(1, ran.report.steps + 1):
        swaps = tissue.step()
        told = events[position : position + len(swaps)]
        keys = ("step", "agent", "partner", "x", "y", "delta")
        assert [tuple(event[key] for key in keys) for event in told] == [(step, *row) for row in swaps.rows()]
        position += len(swaps)
        assert events[position]["message"] == "step finished"
        assert events[position]["swaps"] == len(swaps)
        assert events[position]["quality"] == tissue.quality
        position += 1
    assert position == len(events)
    assert {event["logger_name"] for event in events} == {contenders.LOGGER}
    assert {event["level"] for event in events} == {"INFO"}


def test_the_counters_are_those_of_the_caller(ran: Ran) -> None:
    stats = ran.report.stats
    assert stats["emitted"] == stats["written"] == ran.report.records
    assert stats["dropped"] == stats["failed"] == stats["in_flight"] == 0


def test_all_ways_to_log_are_measured_and_compared(ran: Ran) -> None:
    silent, *logged = ran.report.measurements
    assert silent.path is None
    assert silent.log_seconds == 0
    assert [one.name.split(",")[0] for one in logged] == ["undergird", "stdlib logging", "structlog"]
    for one in logged:
        assert one.path is not None
        assert one.path.stat().st_size == one.file_bytes > 0
        assert 0 < one.log_seconds < one.run_seconds
        assert one.share == one.log_seconds / one.run_seconds
        assert 0 < one.call_ns <= one.log_seconds / ran.report.records * 1e9
        assert one.cpu_ns > 0
    with pytest.raises(KeyError):
        ran.report.measurement("loguru")


def test_the_report_tells_what_was_logged_how_fast_and_where(ran: Ran) -> None:
    report = ran.report
    for part in (
        f"Logging {report.records:,} records ({report.steps:,} steps",
        f"adhesion on       {report.quality[0]:.3f} -> {report.quality[1]:.3f}",
        f"emitted {report.records:,} = written {report.records:,} + dropped 0",
        f"undergird took {report.measurement('undergird').share:.0%} of its run for logging",
        "stdlib logging",
        "structlog",
        f"the log        {report.log}",
        report.log.read_text(encoding="utf-8").partition("\n")[0],
        "All checks passed",
    ):
        assert part in ran.output, ran.output
    assert "FAILED" not in ran.output
    assert ran.output.isascii(), "it prints on any terminal"


def test_progress_is_shown_line_by_line_when_there_is_no_terminal(ran: Ran) -> None:
    assert "\r" not in ran.output
    shown = [line for line in ran.output.splitlines() if " %  part " in line]
    assert [line.split()[0] for line in shown] == [str(tenth) for tenth in range(10, 101, 10)]


def test_a_busy_machine_is_mentioned(ran: Ran) -> None:
    silent, *logged = ran.report.measurements
    for got, said in ((0.5, True), (0.99, False)):
        report = replace(ran.report, measurements=[replace(silent, processor=got), *logged])
        assert ("The machine was busy: the run got 50% of a processor" in render(report)) is said


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_on_a_terminal_is_one_line_that_goes_away() -> None:
    terminal, time = Terminal(), iter([1.0, 1.05, 1.2])
    progress = Progress(terminal, clock=lambda: next(time))
    for done, text in ((0.25, "a long line"), (0.3, "too soon"), (0.5, "short")):
        progress.show(done, lambda text=text: text)  # type: ignore[misc]
    progress.close()
    drawn = terminal.getvalue().split("\r")[1:]
    assert [line.split("%")[0][-3:].strip() for line in drawn[:2]] == ["25", "50"]
    assert len(drawn[1]) == len(drawn[0]), "a shorter line covers the longer one before it"
    assert drawn[2].isspace()
    assert drawn[3] == ""
    assert "\n" not in terminal.getvalue()


@pytest.mark.parametrize("records", ["1", "5000"])
def test_a_run_too_short_to_sort_says_so_and_checks_the_rest(
    records: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo", str(tmp_path / "demo"), "--records", records, "--seed", "3"]) == 0
    opening, _, output = capsys.readouterr().out.partition(" %  part ")
    assert "too short to sort, which takes 368,640 records: whether it does is not checked" in opening
    assert "not checked: whether the cells sort" in output
    assert "quality has converged" not in output
    assert "every record was emitted and written" in output
    assert "All checks that were made passed" in output
    assert not re.search(r"\b(nan|inf)\b", output)
    assert [path.name for path in (tmp_path / "demo").glob("*.log")] == ["undergird.log"]


def test_a_run_that_fails_a_check_ends_with_exit_code_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # As if so few records were enough.
    monkeypatch.setattr("undergird.testing.demo.run.records_to_sort", lambda width, height: 1)
    assert main(["demo", str(tmp_path / "demo"), "--records", "100"]) == 1
    output = capsys.readouterr().out
    assert "too short" not in output
    assert "FAILED  quality rises from about 0.5 to above 0.8" in output
    assert "FAILED  quality has converged (it has not risen)" in output
    assert "A CHECK FAILED" in output


def test_what_the_demo_says_of_where_to_read_on_is_there(ran: Ran) -> None:
    (told,) = (line for line in ran.output.splitlines() if "how to use it" in line)
    assert "docs/" not in told
    python, *command = told.split()[4:]
    assert python == "python"
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=True)
    assert re.findall(r"^Help on function (\w+)", done.stdout, re.MULTILINE) == ["configure", "get_logger"]


@pytest.mark.parametrize("missing", ["numpy", "structlog"])
def test_what_the_demo_needs_is_named_with_the_command_that_installs_it(
    missing: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("undergird.cli.find_spec", lambda name: None if name == missing else find_spec(name))
    assert main(["demo", str(tmp_path / "demo")]) == 2
    told = capsys.readouterr()
    assert told.err == f"undergird: error: the demo needs what is not installed: pip install {missing}\n"
    assert told.out == ""
    assert not (tmp_path / "demo").exists()


def test_without_orjson_it_is_said_how_structlog_would_be_faster(ran: Ran) -> None:
    assert "pip install orjson" not in ran.output
    *others, structlog = ran.report.measurements
    report = replace(ran.report, measurements=[*others, replace(structlog, name="structlog, json")])
    assert "faster with orjson: pip install orjson" in render(report)


def test_the_log_of_an_earlier_run_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "undergird.log").write_text("precious\n")
    with pytest.raises(FileExistsError, match="directory of its own"):
        run_demo(tmp_path, records=100, width=8, height=8, stream=io.StringIO())
    assert (tmp_path / "undergird.log").read_text() == "precious\n"


@pytest.mark.parametrize("wrong", [{"records": 0}, {"parts": 0}, {"width": 9}])
def test_a_demo_that_cannot_be_is_refused_before_anything_is_made(tmp_path: Path, wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="must be"):
        run_demo(tmp_path / "new", stream=io.StringIO(), **wrong)  # type: ignore[arg-type]
    assert not (tmp_path / "new").exists()


class Notes(Contender):
    """Remembers whose turn it was."""

    def __init__(self, name: str, turns: list[tuple[str, int]]) -> None:
        self.name = name
        self.turns = turns
        self.records = 0

    def log_step(self, step: int, swaps: Swaps, quality: float) -> None:
        del step, quality
        self.records += len(swaps) + 1

    def flush(self) -> None:
        self.turns.append((self.name, self.records))

    def close(self) -> None:
        pass


def test_the_ways_to_log_take_turns_over_the_same_run() -> None:
    turns: list[tuple[str, int]] = []
    lanes = [Lane(Notes(name, turns), CellSorting(8, 8, seed=5)) for name in "abc"]
    race(lanes, 3000, 3, lambda part, lane: None)
    assert "".join(name for name, _ in turns) == "abcbcacab"
    counts = [records for _, records in turns]
    assert counts[0] == counts[1] == counts[2] >= 1000
    assert counts[6] == counts[7] == counts[8] == lanes[0].records >= 3000
    assert lanes[0].swaps == lanes[1].swaps == lanes[2].swaps
    assert np.array_equal(lanes[0].tissue.agents, lanes[2].tissue.agents)


@dataclass
class Told:
    """A correct log of a small run, and the tissue at both ends."""

    lines: list[bytes]
    before: np.ndarray
    after: np.ndarray
    swaps: list[int]


@pytest.fixture
def told() -> Told:
    tissue = CellSorting(8, 8, seed=2)
    before, lines, counts = tissue.agents, [], []
    for step in range(1, 6):
        swaps = tissue.step()
        for agent, partner, x, y, _ in swaps.rows():
            lines.append({"step": step, "agent": agent, "partner": partner, "x": x, "y": y})
        lines.append({"step": step, "swaps": len(swaps)})
        counts.append(len(swaps))
    return Told([json.dumps(line).encode() + b"\n" for line in lines], before, tissue.agents, counts)


def test_a_whole_log_replayed_gives_the_final_tissue(told: Told) -> None:
    assert not np.array_equal(told.before, told.after)
    assert np.array_equal(replay(iter(told.lines), told.before, told.swaps), told.after)


def spoiled(told: Told) -> Iterator[tuple[str, list[bytes]]]:
    lines = told.lines
    first_step = told.swaps[0]
    yield "a lost line", lines[:3] + lines[4:]
    yield "a lost last line", lines[:-1]
    yield "a line twice", [*lines[:4], *lines[3:]]
    yield "a line too many", [*lines, lines[0]]
    yield "a torn line", [*lines[:5], lines[5][:-4], *lines[6:]]
    yield "two steps exchanged", [*lines[first_step + 1 :], *lines[: first_step + 1]]
    yield "another number", [*lines[:2], lines[2].replace(b'"x": ', b'"x": 1'), *lines[3:]]
    yield "another step", [lines[0].replace(b'"step": 1', b'"step": 2'), *lines[1:]]
    yield "another shape", [b"[]\n", *lines[1:]]
    yield "no agent", [lines[0].replace(b"agent", b"actor"), *lines[1:]]


def test_a_log_that_is_not_whole_does_not_replay(told: Told, tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    for what, lines in spoiled(told):
        with pytest.raises(ReplayError, match="line "):
            replay(iter(lines), told.before, told.swaps)
        path.write_bytes(b"".join(lines))
        assert not replay_check(path, told.before, told.after, told.swaps).passed, what
    path.write_bytes(b"".join(told.lines))
    assert replay_check(path, told.before, told.after, told.swaps).passed
    assert not replay_check(path, told.before, told.before, told.swaps).passed


def test_lines_are_counted_and_a_torn_one_is_none(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(b'{"event":"a","level":"info","timestamp":"1","x":1}\n' * 3)
    check, sample = line_check("a", path, 3)
    assert check.passed
    assert sample == [{"message": "a", "level": "INFO", "timestamp": True, "x": 1}]
    path.write_bytes(path.read_bytes()[:-1])
    assert not line_check("a", path, 3)[0].passed
    path.write_bytes(b"")
    assert not line_check("a", path, 3)[0].passed
    assert line_check("a", path, 0)[0].passed


def test_the_physics_must_be_right() -> None:
    rising = (0.5 + 0.4 * (1 - np.exp(-np.linspace(0, 8, 400)))).tolist()
    still = {"adhesion off": Control(0.5, 0.51, 0.02, 100)}
    assert all(check.passed for check in physics(rising, still))
    assert not all(check.passed for check in physics([0.7, *rising], still)), "it must start mixed"
    assert not all(check.passed for check in physics(rising[:40], still)), "it must sort"
    assert not all(check.passed for check in physics(np.linspace(0.5, 0.95, 400).tolist(), still)), "and level off"
    assert not all(check.passed for check in physics(rising, {"adhesion off": Control(0.5, 0.5, 0.06, 100)}))


@pytest.mark.parametrize(("written", "dropped", "emitted"), [(8, 0, 9), (8, 1, 9), (9, 1, 9), (8, 0, 8), (10, 0, 10)])
def test_a_record_more_or_less_is_noticed(written: int, dropped: int, emitted: int) -> None:
    lane = Lane(Notes("notes", []), CellSorting(8, 8))
    lane.records = 9
    stats = {"emitted": emitted, "written": written, "dropped": dropped, "failed": 0, "in_flight": 0}
    assert not all(check.passed for check in counting(lane, stats))
    assert all(check.passed for check in counting(lane, {**stats, "emitted": 9, "written": 9, "dropped": 0}))


def test_a_demo_that_loses_one_record_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = contenders._Undergird
    whole = ours.log_step

    def forgetful(self: Contender, step: int, swaps: Swaps, quality: float) -> None:
        if step == 7:
            columns = (getattr(swaps, name)[1:] for name in ("agent", "partner", "x", "y", "energy_change"))
            swaps = Swaps(*columns)
        whole(self, step, swaps, quality)  # type: ignore[arg-type]

    monkeypatch.setattr(ours, "log_step", forgetful)
    report = run_demo(tmp_path, records=5000, width=16, height=16, stream=io.StringIO())
    failed = {check.what for check in report.checks if not check.passed}
    assert {
        "every record was emitted and written",
        "undergird has one line for each record",
        "the log replayed, line by line, gives the final tissue cell for cell",
    } <= failed
