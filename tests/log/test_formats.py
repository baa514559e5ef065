"""Files of logfmt and of text: what a reader gets back, and that they survive like JSON."""

from __future__ import annotations

import json
import logging
import re
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.conftest import DEEP
from tests.log.logfmt import parse

import undergird
from undergird import _core
from undergird.log.checks import FORMATS
from undergird.log.tree.handlers import FileHandler, parts_of

if TYPE_CHECKING:
    from tests.conftest import Script
    from tests.log.conftest import Run

CASES = settings(max_examples=20_000 if DEEP else 200, suppress_health_check=list(HealthCheck))
TEXT = st.text(st.characters(exclude_categories=()), max_size=30)
UNFIT = re.compile(
    r'[\s"=\\\ufffd\ud800-\udfff]|^$|[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]'
)
HARMFUL = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]"
)


def lines(path: Path) -> list[str]:
    """The lines of a log, flushed before; each is whole."""
    assert undergird.flush(30.0)
    text = path.read_bytes().decode()
    assert text == "" or text.endswith("\n")
    return text.split("\n")[:-1]


def log_a_bit(log: undergird.Logger) -> None:
    log.info("agent moved", agent_id=7, x=0.5, state="exploring", home=None, path=[3, "a b"])
    log.warning("step %d of %d", 3, 100, note='two "words"', done=False, worst=float("nan"))
    try:
        raise ValueError("no\nsuch")
    except ValueError:
        log.exception("failed")


def test_a_line_of_logfmt(either: Run) -> None:
    log = either.start(format="logfmt")
    log_a_bit(log)
    first, second, third = lines(either.path)
    assert first.partition(" ")[2] == (
        f'level=INFO logger_name={log.name} message="agent moved" agent_id=7 x=0.5 state=exploring home=null '
        r'path="[3,\"a b\"]"'
    )
    assert second.partition(" message=")[2] == r'"step 3 of 100" note="two \"words\"" done=false worst=NaN'
    parsed = parse(third)
    assert parsed["exception"].startswith("Traceback (most recent call last):\n  File ")
    assert parsed["exception_type"] == "ValueError"
    assert parsed["exception_message"] == "no\nsuch"


def test_a_line_of_text(either: Run) -> None:
    log = either.start(format="text")
    log_a_bit(log)
    first, second, third, *more = lines(either.path)
    stamp = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"
    fields = re.escape('agent_id=7 x=0.5 state=exploring home=None path=[3,"a b"]')
    assert re.fullmatch(rf"{stamp} INFO     {log.name}: agent moved {fields}", first)
    assert second.endswith(rf'Z WARNING  {log.name}: step 3 of 100 note="two \"words\"" done=False worst=nan')
    assert third.endswith(f"Z ERROR    {log.name}: failed")
    assert more[0] == "    Traceback (most recent call last):"
    assert more[-2:] == ["    ValueError: no", "    such"]
    assert all(line.startswith("    ") for line in more)


@CASES
@given(
    message=TEXT,
    texts=st.dictionaries(TEXT, TEXT | st.integers() | st.floats() | st.booleans() | st.none(), max_size=4),
)
def test_all_formats_say_the_same(message: str, texts: dict[str, Any]) -> None:
    record = logging.LogRecord("sim", 20, "sim.py", 3, message, (), None)
    record.__dict__["_undergird_fields"] = texts
    parts = parts_of(record, call_site=False, names=())
    as_json, as_logfmt, as_text = (_core.line(FORMATS[name], parts) for name in ("json", "logfmt", "text"))
    expected = json.loads(as_json)
    assert as_logfmt.count("\n") == 1
    got = parse(as_logfmt.removesuffix("\n"))
    assert len(got) == len(expected)
    for (key, value), (plain, text) in zip(expected.items(), got.items(), strict=True):
        assert plain.startswith(key) or UNFIT.search(key), "a key that fits is kept"
        if isinstance(value, str):
            assert text == value
        else:
            assert json.loads(text) == value
    assert not HARMFUL.search(as_logfmt)
    assert not HARMFUL.search(as_text)
    first, *more = as_text.removesuffix("\n").split("\n")
    assert not first.startswith(" ")
    assert all(line.startswith("    ") for line in more)


def test_numbers_are_as_python_prints_them(run: Run) -> None:
    values: dict[str, Any] = {"a": 1e16, "b": 0.1, "c": -0.0, "d": 5e-324, "e": 2**64, "f": -(10**30), "g": 1e-5}
    for name in ("logfmt", "text"):
        log = run.start(format=name)
        log.info("n", **values)
        said = dict(word.split("=") for word in lines(run.path)[-1].split(" n ")[-1].split("=n ")[-1].split(" "))
        assert said == {key: str(value) for key, value in values.items()}


def test_a_later_format_does_not_change_what_was_logged_before(run: Run) -> None:
    log = run.start(format="logfmt")
    log.info("one")
    undergird.configure(run.path, format="json")
    log.info("two")
    first, second = lines(run.path)
    assert parse(first)["message"] == "one"
    assert json.loads(second)["message"] == "two"


def test_two_files_of_two_formats(run: Run, tmp_path: Path) -> None:
    log = run.start(format="json")
    second = FileHandler(tmp_path / "second.log", format="logfmt")
    logging.getLogger(log.name).addHandler(second)
    log.info("moved", agent_id=7)
    logging.getLogger(log.name).removeHandler(second)
    assert run.last()["agent_id"] == 7
    assert parse(lines(tmp_path / "second.log")[0])["agent_id"] == "7"


@pytest.mark.parametrize("format", ["logfmt", "text"])
def test_what_a_killed_process_left_is_recovered_in_its_format(format: str, script: Script, tmp_path: Path) -> None:
    (tmp_path / "rings").mkdir()
    killed = script(
        """
        import os, signal, sys, undergird
        undergird.configure("run.log", format=sys.argv[1])
        log = undergird.get_logger("sim")
        log.info("first")
        undergird.flush()
        for number in range(2000):
            log.info("moved\\nfar", number=number)
        os.kill(os.getpid(), signal.SIGKILL)
        """,
        format,
        check=False,
        UNDERGIRD_RING_DIR=str(tmp_path / "rings"),
    )
    assert killed.returncode == -signal.SIGKILL
    before = (tmp_path / "run.log").read_text().count("number=")
    script(
        "import sys, pathlib; from undergird.log.run.rings import recover; sys.exit(recover(pathlib.Path('.'), sys.stdout))",
        UNDERGIRD_RING_DIR=str(tmp_path / "rings"),
    )
    text = (tmp_path / "run.log").read_text()
    assert before < 2000
    if format == "logfmt":
        records = [parse(line) for line in text.split("\n")[1:-1]]
        assert [int(record["number"]) for record in records] == list(range(2000))
        assert {record["message"] for record in records} == {"moved\nfar"}
    else:
        found = re.findall(r"^\S+Z INFO     sim: moved\n    far number=(\d+)$", text, re.MULTILINE)
        assert list(map(int, found)) == list(range(2000))


def test_hidden_values_are_hidden_in_every_format(run: Run) -> None:
    for name in ("logfmt", "text"):
        log = run.start(format=name, redact=["password"])
        log.info("in", password="hunter2", user={"password": "hunter2"})
        assert undergird.flush(30.0)
    assert "hunter2" not in run.path.read_text()


@pytest.mark.parametrize("format", ["pretty", "xml", None, 3])
def test_a_format_that_is_not_for_files_is_named_with_those_that_are(format: Any, tmp_path: Path) -> None:
    with pytest.raises(undergird.ConfigurationError, match=re.escape(f"format {format!r}")) as told:
        undergird.configure(tmp_path / "run.log", format=format)
    assert "'json', 'logfmt', 'text'" in str(told.value)
