"""The command `undergird`: what it says, and its exit codes."""

from __future__ import annotations

import fcntl
import io
import itertools
import json
import os
import re
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import undergird
from undergird.cli import main
from undergird.log.run import doctor
from undergird.log.run import rings as rings_module

if TYPE_CHECKING:
    from tests.conftest import Script

# Leaves 500 records in its ring: the log is held while it logs, and then it is killed.
KILLED = """
    import fcntl, os, signal
    import undergird
    undergird.configure("run.log", ring_size=1 << 20)
    log = undergird.get_logger("killed")
    log.info("first")
    undergird.flush()
    lock = open(".run.log.lock", "r+b")
    fcntl.flock(lock, fcntl.LOCK_EX)
    for number in range(500):
        log.info("x", number=number)
    os.kill(os.getpid(), signal.SIGKILL)
"""
LIVING = """
    import sys
    import undergird
    undergird.configure("run.log", ring_size=1 << 16, overload="drop_newest")
    log = undergird.get_logger("living")
    log.info("first")
    undergird.flush()
    print(undergird.stats()["ring"], flush=True)
    sys.stdin.read()
"""


NOTHING = dict.fromkeys(("emitted", "written", "dropped", "failed", "in_flight"), 0)


@pytest.fixture(autouse=True)
def rings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, _no_settings_from_outside: None) -> Path:
    """A place for rings that is this test's own, and the directory that the commands run in."""
    directory = tmp_path / "rings"
    directory.mkdir()
    monkeypatch.setenv("UNDERGIRD_RING_DIR", str(directory))
    monkeypatch.chdir(tmp_path)
    return directory


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    code = main(arguments)
    out, err = capsys.readouterr()
    assert err == ""
    return code, out


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


@pytest.mark.parametrize("count", ["-5", "0", "many", "1.5", ""])
def test_a_number_of_records_that_cannot_be_is_named(count: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["demo", "--records", count])
    assert ended.value.code == 2
    assert f"--records: {count!r} is not a positive number" in capsys.readouterr().err


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


def test_recover_writes_what_a_killed_process_left_and_says_how_much(
    script: Script, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert script(KILLED, check=False).returncode == -signal.SIGKILL
    assert (tmp_path / "run.log").read_bytes().count(b"\n") == 1
    code, said = run(capsys, "recover", ".")
    assert code == 0
    assert "recovered 500 records" in said
    assert (tmp_path / "run.log").read_bytes().count(b"\n") == 501
    assert run(capsys, "recover", ".") == (0, "nothing to recover\n")


@pytest.mark.parametrize("how", ["no directory", "the folder of rings", "an absolute path", "a crooked path"])
def test_recover_finds_the_rings_by(
    how: str, script: Script, rings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script(KILLED, check=False)
    (folder,) = {ring.parent for ring in rings.rglob("*.ring")}
    ways = {
        "no directory": [],
        "the folder of rings": [str(folder)],
        "an absolute path": [str(tmp_path)],
        "a crooked path": [str(tmp_path / "rings" / ".." / "." / "..") + f"/{tmp_path.name}/"],
    }
    code, said = run(capsys, "recover", *ways[how])
    # Without a directory it finds the rings of this user's other programs too, whatever state they are in.
    assert code == 0 or how == "no directory"
    assert f"{folder}/" in said
    assert "recovered 500 records" in said


def test_recover_says_what_it_could_not_write(
    script: Script, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script(KILLED, check=False)
    (tmp_path / "run.log").unlink()
    (tmp_path / "run.log").mkdir()
    code, said = run(capsys, "recover", ".")
    assert code == 1
    assert "more are left" in said
    (tmp_path / "run.log").rmdir()
    code, said = run(capsys, "recover", ".")
    assert (code, "recovered 500 records" in said) == (0, True)


def test_recover_discards_on_request_what_it_cannot_write(
    script: Script, rings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script(KILLED, check=False)
    (tmp_path / "run.log").unlink()
    (tmp_path / "run.log").mkdir()
    code, said = run(capsys, "recover", ".")
    assert (code, "undergird recover --discard" in said) == (1, True)
    code, said = run(capsys, "recover", ".", "--discard")
    assert (code, "discarded 500 records" in said) == (0, True)
    assert not list(rings.rglob("*.ring"))


def test_recover_finds_a_place_for_rings_that_only_the_program_knew(
    script: Script, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("UNDERGIRD_RING_DIR")
    (tmp_path / "elsewhere").mkdir()
    # Killed before the first batch has been written.
    script(
        """
        import os, signal, undergird
        undergird.configure("run.log", ring_dir="elsewhere")
        with open(".run.log.lock", "r+b") as lock:
            import fcntl
            fcntl.flock(lock, fcntl.LOCK_EX)
            log = undergird.get_logger("killed")
            for number in range(500):
                log.info("left behind", number=number)
            os.kill(os.getpid(), signal.SIGKILL)
        """,
        check=False,
    )
    assert (tmp_path / "run.log").read_bytes() == b""
    code, said = run(capsys, "recover", ".")
    assert code == 0
    assert f"{tmp_path}/elsewhere/" in said
    assert "recovered 500 records" in said


def test_recover_and_doctor_leave_what_is_no_ring_alone(
    script: Script, rings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script(KILLED, check=False)
    (ring,) = rings.rglob("*.ring")
    strange = ring.with_name("strange.ring")
    strange.write_bytes(b"not a ring" * 1000)
    code, said = run(capsys, "doctor", ".")
    assert code == 1
    assert re.search(rf"{re.escape(str(strange))}\n  cannot be read +.*not a ring", said), said
    _, said = run(capsys, "recover", ".")
    assert f"{strange}: left alone: not a ring" in said
    assert strange.read_bytes() == b"not a ring" * 1000


def test_doctor_shows_rings_owners_lag_drops_and_placement(
    script: Script, rings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script(KILLED, check=False)
    (ring,) = rings.rglob("*.ring")
    before = ring.read_bytes()
    code, said = run(capsys, "doctor", ".")
    assert code == 1  # A dead process has left records.
    shown = facts_of(said, str(ring))
    pid = ring.name.split("-")[0]
    assert shown["owner"].startswith(f"process {pid}, dead: `undergird recover`")
    assert shown["placement"] == "the directory that was asked for, 1024 KiB for records"
    assert shown["files"] == str(tmp_path / "run.log")
    assert shown["waiting"].startswith("500 records, ")
    counts = "emitted 501 = written 1 + dropped 0 + failed 0 + in flight 500"
    assert shown["counts"] == f"{counts}: {tmp_path / 'run.log'}"
    assert ring.read_bytes() == before  # Looking changes nothing.


def facts_of(said: str, thing: str) -> dict[str, str]:
    """What doctor says about one ring or log."""
    _, _, rest = f"\n{said}".partition(f"\n{thing}\n")
    lines = itertools.takewhile(lambda line: line.startswith("  "), rest.splitlines())
    return {key: value.strip() for key, value in (line.strip().split("  ", 1) for line in lines)}


def test_doctor_shows_lock_journal_and_cursors_of_a_log(
    script: Script, rings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script(KILLED, check=False)
    lock = (tmp_path / ".run.log.lock").read_bytes()
    _, said = run(capsys, "doctor", ".")
    shown = facts_of(said, str(tmp_path / "run.log"))
    assert shown["lock"] == "free"
    assert shown["journal"] == "closed: every batch is whole"
    assert re.fullmatch(r"1 of the rings above, \d\d+ bytes behind; 0 of rings that are gone", shown["cursors"])
    assert (tmp_path / ".run.log.lock").read_bytes() == lock
    with (tmp_path / ".run.log.lock").open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        _, said = run(capsys, "doctor", ".")
    assert facts_of(said, str(tmp_path / "run.log"))["lock"] == "held: a process is writing"


def test_doctor_shows_a_batch_that_was_never_finished(
    script: Script, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # A line that is longer than files may be is begun, and the process ends in the middle of it.
    done = script(
        """
        import os, resource, signal
        import undergird
        undergird.configure("run.log")
        log = undergird.get_logger("cut")
        log.info("first")
        undergird.flush()
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        log.info("x" * 5000)
        while not undergird.stats()["sinks"][os.path.abspath("run.log")].get("error"):
            pass
        print(os.getpid(), flush=True)
        os._exit(0)
        """
    )
    _, said = run(capsys, "doctor", ".", "--json")
    facts = json.loads(said)
    (ring,), (log,) = facts["rings"], facts["logs"]
    assert not facts["ok"]
    assert log["path"] == ring["files"][0] == str(tmp_path / "run.log")
    journal = log["lock"]["open_journal"]
    assert (journal["pid"], journal["ring"]) == (int(done.stdout), ring["id"])
    assert journal["length"] > 5000
    assert journal["offset"] < log["bytes"] == 1000
    _, said = run(capsys, "doctor", ".")
    assert f"process {journal['pid']} was appending {journal['length']} bytes" in said
    assert run(capsys, "recover", ".")[0] == 0
    assert [len(json.loads(line)["message"]) for line in (tmp_path / "run.log").read_text().splitlines()] == [5, 5000]


def test_doctor_and_recover_leave_a_living_process_in_peace(
    tmp_path: Path, rings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(LIVING)], cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as living:
        assert living.stdout is not None
        assert living.stdin is not None
        ring = living.stdout.readline().decode().strip()
        code, said = run(capsys, "doctor", ".")
        assert code == 0
        assert said.startswith(ring)
        assert f"process {living.pid}, alive" in said
        assert "waiting          0 records, 0 bytes" in said
        code, said = run(capsys, "recover", ".")
        assert code == 0
        assert said.startswith(ring)
        assert "in use, its process lives" in said
        assert Path(ring).exists()
        living.stdin.close()
        assert living.wait(60) == 0
    assert not Path(ring).exists()


def test_doctor_shows_what_was_dropped(script: Script, capsys: pytest.CaptureFixture[str]) -> None:
    done = script(
        """
        import fcntl, os
        import undergird
        undergird.configure("run.log", ring_size=1 << 16, overload="drop_newest")
        log = undergird.get_logger("drops")
        log.info("first")
        undergird.flush()
        lock = open(".run.log.lock", "r+b")
        fcntl.flock(lock, fcntl.LOCK_EX)
        for number in range(5000):
            log.info("x", number=number)
        print(undergird.stats()["dropped"], flush=True)
        os._exit(0)
        """
    )
    code, said = run(capsys, "doctor", ".")
    assert code == 1
    assert f"+ dropped {done.stdout.strip()} +" in said


@pytest.mark.parametrize(
    ("found", "code"),
    [
        ({}, 0),
        ({"lag_records": 5}, 0),
        ({"alive": False}, 0),
        ({"alive": False, "lag_records": 5}, 1),
        ({"sinks": None}, 0),
        ({"sinks": {"run.log": NOTHING}}, 0),
        ({"sinks": {"run.log": {**NOTHING, "dropped": 1}}}, 1),
        ({"sinks": {"run.log": {**NOTHING, "failed": 1}}}, 1),
        ({"error": "it is too short"}, 1),
    ],
)
def test_doctor_ends_with_1_if_something_is_wrong(
    found: dict[str, Any], code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("pid", "created", "capacity", "lag_bytes", "lag_records", "head")
    ring = {
        "path": str(tmp_path / "1-2.ring"),
        "id": "2",
        "alive": True,
        **dict.fromkeys(names, 0),
        "files": [],
        "sinks": {},
        **found,
    }
    monkeypatch.setattr(doctor, "ring_directories", lambda _: [tmp_path])
    monkeypatch.setattr(undergird._core, "inspect_rings", lambda _: [ring])
    assert doctor.doctor(tmp_path, io.StringIO()) == code


def test_recover_says_what_could_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ring = {"path": tmp_path / "1-2.ring", "pid": 1, "outcome": "recovered", "written": 5, "failed": 2}
    monkeypatch.setattr(rings_module, "ring_directories", lambda _: [tmp_path])
    monkeypatch.setattr(undergird._core, "recover_rings", lambda _: [ring])
    out = io.StringIO()
    assert rings_module.recover(tmp_path, out) == 0
    assert "recovered 5 records, 2 unreadable" in out.getvalue()


def test_doctor_names_shared_memory(script: Script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("UNDERGIRD_RING_DIR")
    script(KILLED, check=False)
    said = script("import undergird.cli; undergird.cli.main(['doctor', '.'])").stdout
    assert said.startswith(f"/dev/shm/undergird-{os.geteuid()}/")
    assert "placement        shared memory" in said
    script("import undergird.cli; raise SystemExit(undergird.cli.main(['recover', '.']))")
    assert (tmp_path / "run.log").read_bytes().count(b"\n") == 501


def test_recover_finds_rings_by_their_ring_dir(
    script: Script, rings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script(KILLED, check=False)
    code, said = run(capsys, "recover", str(rings))
    assert code == 0
    assert "recovered 500 records" in said
