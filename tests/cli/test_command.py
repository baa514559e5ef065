"""The command `undergird`: what every part of it has in common, and what `undergird demo` takes."""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from tests.cli.conftest import run

import undergird
from undergird.cli import main


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    for command in ("demo", "recover", "doctor", "run"):
        assert re.search(rf"^ +{command} +\w", said, re.MULTILINE)


def test_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"undergird {undergird.__version__}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["dance"],
        ["recover", "a", "b"],
        ["doctor", "--loud"],
        ["run"],
        ["run", "--compare"],
        ["run", "--"],
        ["run", "--loud", "x"],
    ],
)
def test_a_wrong_call_says_how_it_goes(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "usage: undergird" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "number"),
    [*(("--records", number) for number in ("-5", "0", "many", "1.5", "")), ("--seed", "-1"), ("--seed", "none")],
)
def test_a_number_that_cannot_be_is_named(option: str, number: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["demo", option, number])
    assert ended.value.code == 2
    assert f"{option}: {number!r} is not a whole number from " in capsys.readouterr().err


@pytest.mark.parametrize("place", ["file", "file/below", "earlier"])
def test_a_place_that_the_demo_cannot_use_is_named(
    place: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "earlier").mkdir()
    (tmp_path / "earlier" / "undergird.log").write_text("")
    assert main(["demo", place, "--records", "10"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("undergird: error: ")
    assert place in said
    assert said.count("\n") == 1


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    # A limit on the size of files stands for a directory that takes none.
    limited = """
        import resource, signal, sys
        from undergird.cli import main
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        sys.exit(main(["demo", "place", "--records", "10"]))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(limited)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert re.fullmatch(r"undergird: error: .*place.*\n", done.stderr), done.stderr


def test_the_module_is_the_command(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "undergird", "recover", "."], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout == "nothing to recover\n"


@pytest.mark.parametrize("command", ["recover", "doctor"])
def test_a_directory_that_is_not_there_is_said(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = run(capsys, command, "missing")
    assert code == 1
    assert "missing is not a directory" in said


def test_where_nothing_is_nothing_is_to_be_done(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "recover", ".") == (0, "nothing to recover\n")
    code, said = run(capsys, "doctor", ".")
    assert code == 0
    assert said.startswith("no rings")
