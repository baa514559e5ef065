"""Every setting, with values that it cannot have: refused by name, in few words, and nothing has happened."""

from __future__ import annotations

import inspect
import logging
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import undergird
import undergird.log
from undergird import ConfigurationError, FileSink, Limit, LogFileError, Redaction, Rotation, Sample

if TYPE_CHECKING:
    from tests.conftest import Script
    from tests.log.conftest import Run


class Hostile:
    """Answers nothing that is asked."""

    def __repr__(self) -> str:
        raise RuntimeError("not me")

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("not me")

    def __bool__(self) -> bool:
        raise RuntimeError("not me")

    __hash__ = None  # type: ignore[assignment]


class Standing(os.PathLike[Any]):
    """Stands for a path, or says what goes wrong."""

    def __init__(self, stands_for: Any) -> None:
        self.stands_for = stands_for

    def __fspath__(self) -> Any:
        if isinstance(self.stands_for, Exception):
            raise self.stands_for
        return self.stands_for


HUGE = 10**5000  # Has more digits than the interpreter shows.
NO_PATHS: list[Any] = [b"run.log", 7, True, False, 0, "", 2.5, [], "run\0.log", "run\ud800.log", "x/" * 5000]
NO_PATHS += [
    Standing(""),
    Standing(b"run.log"),
    Standing(7),
    Standing(RuntimeError("not me")),
    Standing("a\0b"),
    Hostile(),
    HUGE,
]
NO_LEVELS: list[Any] = [None, True, 2.5, -1, "", "LOUD", "9" * 5000, HUGE, -HUGE, b"INFO", [], math.nan, Hostile()]
NO_WORDS: list[Any] = [None, 7, HUGE, "", "LOUD", "x" * 10**6, "\ud800", b"json", [], {}, 2.5, Hostile()]
NO_SWITCHES: list[Any] = [None, 0, 1, "", "no", "x" * 10**6, HUGE, [], 2.5, Hostile()]
NO_NAMES: list[Any] = [7, HUGE, 2.5, True, [7], [HUGE], [None], [""], [b"x"], [Hostile()], Hostile()]
NO_COUNTS: list[Any] = [-1, 2.5, True, "7", "x" * 10**6, HUGE, -HUGE, math.nan, [], Hostile()]

BAD: dict[str, list[Any]] = {
    "path": NO_PATHS,
    "level": NO_LEVELS,
    "format": NO_WORDS,
    "sinks": [None, 7, HUGE, "x.log", [7], [None], ["x" * 10**6], [Hostile()], Hostile()],
    "console": NO_WORDS,
    "console_level": NO_LEVELS,
    "console_stream": NO_WORDS,
    "console_tracebacks": NO_WORDS,
    "call_site": NO_SWITCHES,
    "names": [*NO_NAMES, None, "pid", "x" * 10**6, ["pid"]],
    "fields": [None, 7, HUGE, "x", [("a", 1)], {7: 1}, {HUGE: 1}, {"a": "x" * 20_000}, Hostile()],
    "clock": [7, HUGE, "wall", "x" * 10**6, [], Hostile()],
    "sample": [7, HUGE, "x", "x" * 10**6, [], {"LOUD": Sample()}, {"ERROR": Sample()}, {"INFO": 7}, {HUGE: Sample()}],
    "sync": NO_SWITCHES,
    "overload": [*NO_WORDS, "drop_below", "drop_below:", "drop_below:LOUD", "drop_below:" + "9" * 5000, "block:7"],
    "ring_dir": [*NO_PATHS, "/dev/null", "/none", "n" * 300],
    "ring_size": [*NO_COUNTS, 0, 1000, 1 << 40],
    "fsync": [None, 0, -1, "", "always", "x" * 10**6, HUGE, math.nan, math.inf, 1e9, [], 1j, Hostile()],
    "redact": [*NO_NAMES, {"a": 1}, b"x", Redaction(mask=7), Redaction(text="("), Redaction(text="a{9999999999999}")],  # type: ignore[arg-type]
    "exception_locals": NO_SWITCHES,
    "exception_suppress": [*NO_NAMES, None, ["a\0/b"], ["\ud800/b"], ["/" + "x" * 5000]],
    "max_bytes": [*NO_COUNTS, None],
    "when": [7, HUGE, "", "x" * 10**6, "midday", "W7", b"S", [], Hostile()],
    "interval": [*NO_COUNTS, 0, None],
    "utc": NO_SWITCHES,
    "at_time": [7, HUGE, "12:00", "x" * 10**6, [], Hostile()],
    "backup_count": [*NO_COUNTS, 0],
    "backup_days": [-1, "7", "x" * 10**6, HUGE, -HUGE, math.nan, math.inf, True, [], Hostile()],
    "backup_bytes": NO_COUNTS,
    "backup_name": [7, HUGE, "", "a/b", "%Q", "{", "a\0b", "\ud800", b"x", [], Hostile()],
    "compress": [*(word for word in NO_WORDS if word is not None), "bzip2"],
}
ROTATION = set(inspect.signature(Rotation).parameters)


def cases(table: dict[str, list[Any]]) -> list[Any]:
    return [
        pytest.param(setting, value, id=f"{setting}-{at}")
        for setting, values in table.items()
        for at, value in enumerate(values)
    ]


def refused(call: Callable[..., object], setting: str, value: Any, **others: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        call(**{setting: value}, **others)
    said = str(caught.value)
    assert setting in said.split(":")[0].split(), said
    assert len(said) < 1000


def test_there_are_bad_values_for_every_setting() -> None:
    assert set(BAD) == set(inspect.signature(undergird.configure).parameters)


@pytest.mark.parametrize(("setting", "value"), cases(BAD))
def test_configure_refuses(run: Run, setting: str, value: Any) -> None:
    handlers = logging.root.handlers[:]
    others: dict[str, Any] = {} if setting == "path" else {"path": run.path}
    if setting in ROTATION - {"max_bytes", "when"}:
        others["when"] = "midnight"
    refused(undergird.configure, setting, value, **others)
    assert logging.root.handlers == handlers
    assert list(run.path.parent.iterdir()) == []


SINK = {"path", "level", "format", "loggers", "except_loggers", "rotation"}
OF_FILES: dict[str, list[Any]] = {
    "path": NO_PATHS,
    "level": NO_LEVELS,
    "format": NO_WORDS,
    "loggers": [*NO_NAMES, None, "", "a..b", ["x" * 10**6 + "."]],
    "except_loggers": [*NO_NAMES, None, "", "a..b"],
    "rotation": [7, HUGE, "midnight", "x" * 10**6, {}, Hostile()],
    "call_site": NO_SWITCHES,
    "names": BAD["names"],
    "sync": NO_SWITCHES,
}


def test_there_are_bad_values_for_every_setting_of_files() -> None:
    assert set(OF_FILES) == set(inspect.signature(undergird.log.FileHandler).parameters)
    assert set(inspect.signature(FileSink).parameters) == SINK


@pytest.mark.parametrize(("setting", "value"), cases(OF_FILES))
def test_sinks_and_handlers_of_files_refuse(tmp_path: Path, setting: str, value: Any) -> None:
    others: dict[str, Any] = {} if setting == "path" else {"path": tmp_path / "run.log"}
    refused(undergird.log.FileHandler, setting, value, **others)
    if setting in SINK:
        refused(FileSink, setting, value, **others)
    assert list(tmp_path.iterdir()) == []


OF_CONSOLES = {name: BAD[f"console_{name}"] for name in ("stream", "level", "tracebacks")}
OF_CONSOLES |= {"format": NO_WORDS, "call_site": NO_SWITCHES, "names": BAD["names"]}


@pytest.mark.parametrize(("setting", "value"), cases(OF_CONSOLES))
def test_handlers_of_consoles_refuse(setting: str, value: Any) -> None:
    assert set(OF_CONSOLES) == set(inspect.signature(undergird.log.ConsoleHandler).parameters)
    refused(undergird.log.ConsoleHandler, setting, value)


@pytest.mark.parametrize(("setting", "value"), cases({name: BAD[name] for name in BAD if name in ROTATION}))
def test_rotations_refuse(setting: str, value: Any) -> None:
    others = {} if setting in ("max_bytes", "when") else {"when": "midnight"}
    refused(Rotation, setting, value, **others)


NO_RATES: list[Any] = [0, -1, "7", True, HUGE, -HUGE, 1e-320, math.nan, math.inf, [], Hostile()]
OF_RULES: dict[str, list[Any]] = {
    "first": [*NO_COUNTS, None],
    "then": [*NO_COUNTS, None],
    "per": NO_RATES,
    "key": [2.5, HUGE, b"x", [], Hostile()],
    "clock": BAD["clock"],
}


@pytest.mark.parametrize(("setting", "value"), cases(OF_RULES))
def test_samples_refuse(setting: str, value: Any) -> None:
    assert set(OF_RULES) == set(inspect.signature(Sample).parameters)
    refused(Sample, setting, value)


@pytest.mark.parametrize(
    ("setting", "value"),
    cases({"per_second": [*NO_RATES, None], "burst": [*NO_COUNTS, 0], "key": OF_RULES["key"], "clock": BAD["clock"]}),
)
def test_limits_refuse(setting: str, value: Any) -> None:
    refused(Limit, setting, value, **({} if setting == "per_second" else {"per_second": 1}))


@pytest.mark.parametrize("rate", [1e-300, 5e-3, 1e300])
def test_what_is_just_within_bounds_is_taken(run: Run, rate: float) -> None:
    run.start(sample=Limit(per_second=rate)).info("x")
    undergird.configure(run.path, sample=Sample(per=rate), level=2**63 - 1, overload=f"drop_below:{2**63 - 1}")
    assert run.messages() == ["x"]


@pytest.mark.parametrize("end", [undergird.flush, undergird.shutdown])
def test_a_timeout_is_a_number(run: Run, end: Callable[[Any], bool]) -> None:
    for value in ("1", b"1", [], {}, 1j, object(), Hostile(), "x" * 10**6):
        with pytest.raises(TypeError, match=r"^timeout .* is no number of seconds") as caught:
            end(value)
        assert len(str(caught.value)) < 500
    for value in (math.nan, HUGE, -HUGE):
        with pytest.raises(ConfigurationError, match=r"^timeout (nan|<an integer of 16610 bits>) is"):
            end(value)
    for value in (None, 0, -1, 1.5, True, math.inf, -math.inf, 2**1000):
        assert end(value) in (True, False)


def test_a_loggers_name_is_a_string() -> None:
    names: list[Any] = [7, True, HUGE, b"sim", [], {}, ("a",), Hostile(), 2.5]
    for name in names:
        with pytest.raises(TypeError, match=r"^a logger's name is a string, not ") as caught:
            undergird.get_logger(name)
        assert len(str(caught.value)) < 500


# --- paths --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["new/", "new/.", "there/", "there/.", "new/..", "new//", "run.log/"])
def test_what_ends_like_a_directory_is_one(run: Run, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(run.path.parent)
    Path("there").mkdir()
    for given in (path, f"{run.path.parent}/{path}", Standing(path)):
        with pytest.raises(LogFileError, match=r" (is|would be) a directory; name a file in it, such as /.*run\.log$"):
            undergird.configure(given)
    with pytest.raises(LogFileError, match="a directory; name a file in it"):
        undergird.configure(sinks=[FileSink(path)])
    assert [entry.name for entry in run.path.parent.rglob("*")] == ["there"]


def test_names_may_be_so_long_that_the_lock_file_has_one_too(run: Run) -> None:
    with pytest.raises(LogFileError, match=r"its name may have 249 bytes"):
        undergird.configure(run.path.with_name("x" * 250))
    run.path = run.path.with_name("x" * 249)
    run.start().info("x")
    assert run.messages() == ["x"]


def test_a_relative_path_needs_a_working_directory(script: Script) -> None:
    done = script(
        """
        import os, tempfile
        import undergird, undergird.log
        away = tempfile.mkdtemp(dir=os.getcwd())
        log = os.path.join(os.getcwd(), "run.log")
        os.chdir(away)
        os.rmdir(away)
        for options in (
            {"path": "run.log"},
            {"sinks": [undergird.FileSink("run.log")]},
            {"path": log, "ring_dir": "rings"},
            {"path": log, "exception_suppress": ["src/"]},
        ):
            try:
                undergird.configure(**options)
            except undergird.ConfigurationError as error:
                print(error)
        undergird.configure(console=True)
        undergird.configure(log)
        undergird.get_logger().error("x")
        """
    )
    told = done.stdout.splitlines()
    assert [line.split(" leads nowhere: ")[0] for line in told] == [
        "path 'run.log'",
        "path 'run.log'",
        "ring_dir 'rings'",
        "exception_suppress: 'src/'",
    ]
    assert all("working directory is gone; give an absolute path" in line for line in told)
