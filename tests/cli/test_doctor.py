"""`undergird doctor`: what rings and logs look like from outside."""

from __future__ import annotations

import fcntl
import io
import itertools
import json
import os
import re
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.cli.conftest import KILLED, run

import undergird
from undergird.log.run import doctor

if TYPE_CHECKING:
    from tests.conftest import Script

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


def test_doctor_does_not_promise_to_recover_what_this_version_cannot_read(
    script: Script, rings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script(KILLED, check=False)
    (ring,) = rings.rglob("*.ring")
    later = bytearray(ring.read_bytes())
    length = int.from_bytes(later[0x200:0x204], "little")
    # An entry of a kind that there is not.
    later[0x1000 + length : 0x1000 + length + 8] = (4).to_bytes(4, "little") + b"\x63xyz"
    later[0x200:0x204] = (length + 8).to_bytes(4, "little")
    ring.write_bytes(later)
    code, said = run(capsys, "doctor", ".")
    assert (code, "of the version that made it" in said) == (1, True)
    code, said = run(capsys, "recover", ".")
    assert (code, "left alone" in said) == (1, True)
    assert doctor.examine(Path())["rings"][0]["understood"] is False


def test_a_ring_below_a_relative_place_is_shown_once(
    script: Script, rings: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script(KILLED, check=False)
    monkeypatch.setenv("UNDERGIRD_RING_DIR", rings.name)
    _, said = run(capsys, "doctor", ".")
    assert said.count(".ring\n") == 1


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
        ({"alive": False, "understood": False}, 1),
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
        "handlers": [],
        "sinks": {},
        "logging": {"off": 0, "native": 0, "fallbacks": {}},
        "understood": True,
        **found,
    }
    monkeypatch.setattr(doctor, "ring_directories", lambda _: [tmp_path])
    monkeypatch.setattr(undergird._core, "inspect_rings", lambda _: [ring])
    assert doctor.doctor(tmp_path, io.StringIO()) == code


def test_doctor_names_shared_memory(script: Script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("UNDERGIRD_RING_DIR")
    script(KILLED, check=False)
    said = script("import undergird.cli; undergird.cli.main(['doctor', '.'])").stdout
    assert said.startswith(f"/dev/shm/undergird-{os.geteuid()}/")
    assert "placement        shared memory" in said
    script("import undergird.cli; raise SystemExit(undergird.cli.main(['recover', '.']))")
    assert (tmp_path / "run.log").read_bytes().count(b"\n") == 501


def test_doctor_shows_what_became_of_calls_to_standard_loggers_in_each_process(
    tmp_path: Path, rings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program = """
        import json, logging, os, sys
        import undergird
        from undergird.logging import install
        undergird.configure("run.log")
        install()
        log = logging.getLogger("calls")
        def calls(count):
            for _ in range(count):
                log.debug("off")
                log.warning("native")
                log.warning("with a keyword", extra={"key": 1})
            print(json.dumps(undergird.stats()["logging"]), flush=True)
        calls(10)
        if os.fork() == 0:
            calls(3)
            sys.stdin.read()
            os._exit(0)
        sys.stdin.read()
        os.wait()
    """
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(program)],
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as living:
        assert living.stdin is not None
        assert living.stdout is not None
        parent, child = (json.loads(living.stdout.readline()) for _ in range(2))
        # Told by the thread that writes, soon.
        seen: list[Any] = []
        deadline = time.monotonic() + 60
        while sorted(map(str, seen)) != sorted(map(str, (parent, child))):
            assert time.monotonic() < deadline, (seen, parent, child)
            _, said = run(capsys, "doctor", ".", "--json")
            seen = [ring.get("logging") for ring in json.loads(said)["rings"]]
        assert (parent["off"], child["off"]) == (10, 3)
        assert parent["native"] + sum(parent["fallbacks"].values()) == 20
        _, said = run(capsys, "doctor", ".")
        (ring,) = rings.rglob(f"{living.pid}-*.ring")
        shown = facts_of(said, str(ring))["logging"]
        reasons = ", ".join(f"{count} {reason}" for reason, count in parent["fallbacks"].items())
        assert shown == f"off 10, native {parent['native']}; others: {reasons}"
        living.stdin.close()
        assert living.wait(60) == 0


def test_doctor_says_of_a_handlers_file_who_writes_it(
    script: Script, rings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script(
        """
        import fcntl, glob, logging, os, signal, sys
        from undergird.logging import install
        install()
        log = logging.getLogger("handlers")
        log.addHandler(logging.FileHandler("plain.log"))
        for number in range(3):
            log.error("%d", number)
        log.handlers[0].flush()
        # Nobody writes what is in the ring as long as this is held.
        held = [open(lock) for lock in glob.glob(os.environ["UNDERGIRD_RING_DIR"] + "/**/*.lock", recursive=True)]
        for lock in held:
            fcntl.flock(lock, fcntl.LOCK_EX)
        log.error("last")
        os.kill(os.getpid(), signal.SIGKILL)
        """,
        check=False,
    )
    code, said = run(capsys, "doctor", ".")
    path = str(tmp_path / "plain.log")
    if sys.version_info < (3, 12):  # here these calls are not native, and there is no ring
        assert (code, said) == (0, "no rings: nothing is being logged, and nothing was left behind\n")
        return
    assert code == 1  # A dead process has left a record.
    (ring,) = rings.rglob("*.ring")
    shown = facts_of(said, str(ring))
    assert shown["files"] == path
    assert shown["waiting"].startswith("1 records, ")
    shown = facts_of(said, path)
    assert shown["size"] == "6 bytes"
    assert shown["lock"] == "none: a handler of logging writes it, and what waits is said with its ring"
    run(capsys, "recover", ".")
    assert Path(path).read_text() == "0\n1\n2\nlast\n"
