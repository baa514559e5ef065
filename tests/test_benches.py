"""The driver in benches/ runs, reads its output back, and writes the page."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

BENCHES = Path(__file__).resolve().parents[1] / "benches"
OURS = ["undergird", "undergird-disk"]
DROP_IN = ["undergird-logging", "undergird-installed"]
ROTATING = ["undergird-rotating", "stdlib-rotating"]
# Who takes part beside the standard library, where it is not `OURS`.
PART = {
    "W1d": [*OURS, *DROP_IN],
    "W2": DROP_IN,
    "W10": DROP_IN,
    **{row: [*OURS, *ROTATING] for row in ("W5", "W6", "W7", "W7p")},
}
METRIC = {
    "W1": "call_ns",
    "W1d": "call_ns",
    "W2": "call_ns",
    "W3": "call_ns",
    "W4": "call_ns",
    "W4x": "call_ns",
    "W4c": "call_ns",
    "W5": "records_per_s",
    "W6": "records_per_s",
    "W7": "p99_ns",
    "W7p": "p999_ns",
    "W8": "call_ns",
    "W9": "call_ns",
    "W9s": "call_ns",
    "W10": "call_ns",
    "W11": "call_ns",
    "R0": "visible_max_ms",
}
PAGE = """Before.

<!-- benches: begin (written by benches/run.py --write) -->
Old numbers.
<!-- benches: end -->

After.
"""


def driver(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(BENCHES / "run.py"), "--python", sys.executable, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def smoke_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], str]:
    """What a quick run of ours and the standard library reports: its results and its page."""
    folder = tmp_path_factory.mktemp("benches")
    page = folder / "benchmarks.md"
    page.write_text(PAGE)
    results = folder / "results.json"
    names = ",".join([*OURS, *DROP_IN, "stdlib", *ROTATING])
    done = driver("--quick", "--contenders", names, "--json", str(results), "--write", str(page))
    assert done.returncode == 0, done.stderr
    return json.loads(results.read_text()), page.read_text()


def test_a_quick_run_measures_every_row(smoke_run: tuple[dict[str, Any], str]) -> None:
    results, _ = smoke_run
    [python] = results["pythons"]
    assert list(python["rows"]) == list(METRIC)
    for row, outcomes in python["rows"].items():
        assert sorted(outcomes) == sorted(["stdlib", *PART.get(row, OURS)])
        for name, outcome in outcomes.items():
            assert "error" not in outcome, f"{row} {name}: {outcome}"
            assert outcome["metrics"][METRIC[row]]["median"] >= 0
            assert outcome["metrics"]["process_cpu_s"]["median"] >= 0
            assert outcome["metrics"]["peak_mib"]["median"] > 1


def test_a_reader_sees_our_lines_without_a_flush(smoke_run: tuple[dict[str, Any], str]) -> None:
    results, _ = smoke_run
    for name in OURS:
        metrics = results["pythons"][0]["rows"]["R0"][name]["metrics"]
        assert metrics["trials"]["sum"] > 0
        assert metrics["never"]["sum"] == 0


def test_a_report_names_the_machine_and_the_interpreter(smoke_run: tuple[dict[str, Any], str]) -> None:
    results, page = smoke_run
    assert "CPUs" in results["machine"]["processor"]
    assert results["pythons"][0]["version"] == sys.version.split()[0]
    assert results["pythons"][0]["label"] in page
    assert results["pythons"][0]["label"].endswith("PGO)")


def test_a_page_keeps_its_text_around_the_tables(smoke_run: tuple[dict[str, Any], str]) -> None:
    _, page = smoke_run
    assert page.startswith("Before.\n")
    assert page.endswith("\nAfter.\n")
    assert "Old numbers." not in page
    for row in METRIC:
        assert f"### {row}: " in page
        # Nothing is asked of W4x, which shows what a context costs beside W4, nor of W9s.
        assert (f"| {row} | " in page) == (row not in ("W4x", "W9s"))


def test_what_a_page_claims_in_short_is_the_number_of_a_row(smoke_run: tuple[dict[str, Any], str]) -> None:
    results, page = smoke_run
    [claim] = [line for line in page.splitlines() if line.startswith("| a JSON line, to its caller | W3 | ")]
    median = results["pythons"][0]["rows"]["W3"]["undergird"]["metrics"]["call_ns"]["median"]
    assert f"| {median:.3g} ns, " in claim


def test_a_page_shows_an_interpreter_in_the_rows_that_were_measured_of_it(
    smoke_run: tuple[dict[str, Any], str], tmp_path: Path
) -> None:
    results, _ = smoke_run
    [python] = results["pythons"]
    other = {**python, "label": "other", "rows": {"W1": python["rows"]["W1"]}, "runs": {"W1": python["runs"]["W1"]}}
    path = tmp_path / "results.json"
    path.write_text(json.dumps({**results, "pythons": [python, other]}))
    script = f"""
import json, pathlib, sys
sys.path.insert(0, {str(BENCHES)!r})
import report
print(report.markdown(json.loads(pathlib.Path({str(path)!r}).read_text())))
"""
    page = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    shown = {part.partition(":")[0] for part in page.split("\n### ") if "\nPython other\n" in part}
    assert shown == {"W1"}


def test_a_run_of_some_rows_keeps_what_was_measured_of_the_others(tmp_path: Path) -> None:
    results = tmp_path / "results.json"

    def run(row: str) -> dict[str, Any]:
        done = driver("--quick", "--contenders", "stdlib", "--rows", row, "--json", str(results))
        assert done.returncode == 0, done.stderr
        assert f"{row}: 1 rounds in " in done.stderr
        [python] = json.loads(results.read_text())["pythons"]
        assert isinstance(python, dict)
        return python

    before, after = run("W1"), run("W3")
    assert list(after["rows"]) == list(after["runs"]) == ["W1", "W3"]
    assert after["rows"]["W1"] == before["rows"]["W1"]


def test_what_a_rival_cannot_do_is_said_and_not_tried(tmp_path: Path) -> None:
    script = f"""
import argparse, pathlib, sys
sys.path.insert(0, {str(BENCHES)!r})
import environments, run
python = environments.Environment(pathlib.Path("no such"), "3.13.0", "PGO", "cc", dict(spdlog="2.0", orjson="3.10"))
options = argparse.Namespace(contenders=["spdlog"], rows=["W4x"], rounds=1, quick=True)
print(run._python(python, pathlib.Path({str(tmp_path)!r}), options)["rows"])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "{'W4x': {'spdlog': {'error': 'has no context'}}}"


def test_what_is_not_installed_is_said_and_not_left_out(tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(bare)], check=True)
    command = [sys.executable, str(BENCHES / "run.py"), "--python", str(bare / "bin" / "python")]
    done = subprocess.run(
        [*command, "--quick", "--rows", "W1", "--contenders", "spdlog,stdlib"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "| spdlog | not installed: spdlog |" in done.stdout


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        (lambda lines: lines[:-1], "1 of 3 records are not in the file"),
        (lambda lines: [lines[0], lines[2], lines[1]], "line 2 should carry"),
        (lambda lines: [*lines, lines[2]], "more than the 3 lines logged"),
        (lambda lines: [lines[0], lines[1][:40] + b"\n", lines[2]], "line 2 is broken"),
        (lambda lines: [*lines[:2], lines[2].rstrip(b"\n")], "line 3 is broken"),
        (lambda lines: [lines[0].replace(b"INFO", b"INF"), *lines[1:]], "line 1 should carry"),
        (lambda lines: [line.replace(b".000001Z", b"Z") for line in lines], "3 of 3 stamps have no microseconds"),
    ],
    ids=["lost", "swapped", "doubled", "torn", "no end", "wrong level", "no microseconds"],
)
def test_a_wrong_file_does_not_count(tmp_path: Path, damage: Any, complaint: str) -> None:
    log = tmp_path / "run.log"
    # In a process of its own, as the workers are: the benches' modules belong on no test's path.
    prelude = f"import sys; sys.path.insert(0, {str(BENCHES)!r}); "
    make = (
        "import json, loops; "
        "[print(json.dumps(dict(timestamp='2026-11-21T07:26:00.000001Z', level='INFO', logger_name='sim.cells', "
        "message='agent moved', agent_id=i, energy=x, kind=s))) for i, x, s in loops.THREE.rows(0, 3)]"
    )
    made = subprocess.run([sys.executable, "-c", prelude + make], capture_output=True, check=True)
    check = (
        "import pathlib, contenders, loops, readback; "
        f"readback.check(pathlib.Path({str(log)!r}), contenders.Layout(), loops.THREE, [range(3)])"
    )
    log.write_bytes(made.stdout)
    subprocess.run([sys.executable, "-c", prelude + check], check=True)
    log.write_bytes(b"".join(damage(made.stdout.splitlines(keepends=True))))
    done = subprocess.run([sys.executable, "-c", prelude + check], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert complaint in done.stderr


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("2026-11-21 07:26:00,001 INFO sim.cells agent moved: T cell 3\n", None),
        ("2026-11-21 07:26:00,001 INFO sim.cells agent moved: T cell 4\n", "should carry"),
        ("2026-11-21 07:26:00,001 INFO sim.other agent moved: T cell 3\n", "should carry"),
        ("2026-11-21 07:26:00 INFO sim.cells agent moved: T cell 3\n", "should carry"),
        ("2026-11-21 07:26:00,001 INFO sim.cells agent moved: T cell 3", "is broken"),
        ("INFO sim.cells agent moved: T cell 3\n", "is broken"),
    ],
    ids=["right", "wrong number", "wrong logger", "no milliseconds", "no end", "no stamp"],
)
def test_lines_of_text_are_read_as_strictly(tmp_path: Path, line: str, complaint: str | None) -> None:
    log = tmp_path / "run.log"
    log.write_text(line)
    script = f"""
import pathlib, sys
sys.path.insert(0, {str(BENCHES)!r})
import contenders, loops, readback
layout = contenders.Layout(text=contenders.TEXT)
fields = loops.Fields(values=(loops.FLOATS, ("T cell",)))
readback.check(pathlib.Path({str(log)!r}), layout, fields, [range(3, 4)])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode == 0) == (complaint is None), done.stderr
    assert complaint is None or complaint in done.stderr


@pytest.mark.parametrize(
    ("order", "complaint"),
    [
        ([0, 1, 2, 3, 4, 5], None),
        ([0, 3, 1, 4, 5, 2], None),
        ([0, 3, 2, 1, 4, 5], "line 3 should carry"),
        ([0, 3, 1, 4, 4, 5, 2], "line 5 should carry"),
        ([0, 1, 2, 3, 4], "1 of 6 records are not in the file"),
    ],
    ids=["one after the other", "by turns", "swapped within a thread", "doubled", "lost"],
)
def test_the_order_of_each_thread_counts_over_all_files_of_a_log(
    tmp_path: Path, order: list[int], complaint: str | None
) -> None:
    log = tmp_path / "run.log"
    script = f"""
import json, pathlib, sys
sys.path.insert(0, {str(BENCHES)!r})
import contenders, loops, readback
log = pathlib.Path({str(log)!r})
common = dict(timestamp="2026-11-21T07:26:00.000001Z", level="INFO", logger_name="sim.cells", message="agent moved")
rows = list(loops.THREE.rows(0, 6))
lines = [json.dumps(common | dict(zip(loops.THREE.keys, rows[number]))) + "\\n" for number in {order}]
for suffix, part in ((".10", lines[:1]), (".9", lines[1:3]), ("", lines[3:])):
    pathlib.Path(str(log) + suffix).write_text("".join(part))
readback.check(log, contenders.Layout(), loops.THREE, [range(3), range(3, 6)])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode == 0) == (complaint is None)
    assert complaint is None or complaint in done.stderr
