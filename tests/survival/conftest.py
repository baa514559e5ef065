"""Children to be killed, and what must be true of the file afterwards."""

from __future__ import annotations

import fcntl
import io
import json
import mmap
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from undergird.log.run import rings

LINE = re.compile(
    rb'\{"timestamp":"[-0-9T:.]{26}Z","level":"INFO","logger_name":"survivor","message":"record"'
    rb',"thread":(\d+),"number":(\d+)\}\n'
)


def until(condition: Callable[[], bool], *, pause: float = 0.01) -> None:
    """Waits for a condition, and fails if it does not come about."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it does not come about"
        time.sleep(pause)


class Nursery:
    """The process that forks children; see nursery.py."""

    def __init__(self, ring_dir: Path) -> None:
        self._ring_dir = ring_dir
        environment = {name: value for name, value in os.environ.items() if not name.startswith("UNDERGIRD_")}
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(Path(__file__).with_name("nursery.py"))],
            env={**environment, "UNDERGIRD_RING_DIR": str(ring_dir)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._answer() == "ready"

    def _answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().decode().strip()

    def do(self, action: str, **options: Any) -> int:
        """Starts a child with a task; its process id."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"action": action, **options}, default=str).encode() + b"\n")
        self._process.stdin.flush()
        return int(self._answer())

    def wait(self, pid: int) -> int:
        """Waits for a child; its exit code, negative for a signal."""
        return self.do("wait", pid=pid)

    def kill(self, pid: int) -> bool:
        """Kills a child; whether it was still at work."""
        os.kill(pid, signal.SIGKILL)
        return self.wait(pid) == -signal.SIGKILL

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(60)
        assert self._process.stdout is not None
        self._process.stdout.close()


class Numbers:
    """Shared memory in which each thread of a child stores the number of the last call that returned."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "numbers"
        self.path.write_bytes(bytes(mmap.PAGESIZE))
        with self.path.open("r+b") as file:
            self._numbers = memoryview(mmap.mmap(file.fileno(), 0)).cast("Q")

    def __getitem__(self, thread: int) -> int:
        return self._numbers[thread]

    def wait_for(self, thread: int, number: int) -> None:
        """Waits until a thread's calls have got so far."""
        until(lambda: self[thread] >= number, pause=0.0002)

    def clear(self) -> None:
        for thread in range(len(self._numbers)):
            self._numbers[thread] = 0


@pytest.fixture(scope="session")
def _rings() -> Iterator[Path]:
    """A place for rings in shared memory that goes with the session."""
    with tempfile.TemporaryDirectory(prefix="undergird-tests-", dir="/dev/shm") as directory:
        yield Path(directory)


@pytest.fixture(autouse=True)
def ring_dir(
    _rings: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, _no_settings_from_outside: None
) -> Path:
    """A place below it for this test alone, or the nursery's; everything that is started in the test uses it."""
    own = _rings if "nursery" in request.fixturenames else Path(tempfile.mkdtemp(dir=_rings))
    monkeypatch.setenv("UNDERGIRD_RING_DIR", str(own))
    return own


@pytest.fixture(scope="session")
def _nursery(_rings: Path) -> Iterator[Nursery]:
    nursery = Nursery(_rings)
    yield nursery
    nursery.close()


@pytest.fixture
def nursery(_nursery: Nursery, ring_dir: Path) -> Nursery:
    """The process that forks children; its environment names the same place for rings as this one's."""
    return _nursery


class Scene:
    """One directory with one log, and the children that write it."""

    def __init__(self, directory: Path, nursery: Nursery) -> None:
        self.nursery = nursery
        directory.mkdir()
        self.numbers = Numbers(directory.parent)
        self.move_to(directory)

    def move_to(self, directory: Path) -> None:
        """Goes on in another directory, with numbers from 1."""
        directory.mkdir(exist_ok=True)
        self.directory = directory
        self.path = directory / "run.log"
        self.numbers.clear()

    def write(self, **options: Any) -> int:
        """Starts a child that logs for ever; its process id."""
        return self.nursery.do("write", path=self.path, shared=self.numbers.path, **options)

    def start_again(self) -> None:
        """The next start of a program that logs there, which then ends."""
        assert self.nursery.wait(self.nursery.do("start", path=self.path)) == 0

    def stored(self, threads: int) -> int:
        """How many calls have returned."""
        return sum(self.numbers[thread] for thread in range(threads))

    def lines(self) -> int:
        """Lines that are in the file now, and in those that were put aside."""
        return self.data().count(b"\n")

    def data(self) -> bytes:
        """What stands in the log and in those that were put aside, the oldest first."""
        aside = sorted(self.directory.glob("run.log.*"), key=lambda path: -int(path.suffix[1:]))
        return b"".join(path.read_bytes() for path in (*aside, self.path) if path.exists())

    def numbers_in(self, name: str, begin: str | None = None) -> list[int]:
        """The numbers in a file and in what was put aside of it, in order.

        With `begin`, asserts that every line is whole and begins so; without, a torn one is passed over.
        """
        parts = [path for path in self.directory.glob(f"{name}*") if path.name[len(name) + 1 :].isdigit()]
        parts.sort(key=lambda path: -int(path.name[len(name) + 1 :]))
        found = []
        for part in [*parts, self.directory / name]:
            for line in part.read_text().splitlines() if part.exists() else ():
                number = re.search(r"number[\":=]+(\d+)\}?$", line)
                if begin is not None:
                    assert number, f"a broken line: {line!r}"
                    assert line.startswith(begin), f"a broken line: {line!r}"
                if number:
                    found.append(int(number[1]))
        return found

    @contextmanager
    def held_log(self) -> Iterator[None]:
        """Keeps everybody from writing the log, so that records wait in their rings."""
        with self.path.with_name(".run.log.lock").open("r+b") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def recover(self) -> str:
        """What `undergird recover DIR` does, in this process, and what it says; all of it has to be recovered."""
        out = io.StringIO()
        assert rings.recover(self.directory, out) == 0, out.getvalue()
        return out.getvalue()

    def recover_or_start_again(self, round: int) -> None:
        """One of the two ways in which what is left is written, in turn."""
        if round % 2:
            self.start_again()
        else:
            self.recover()

    def kill_a_recovery(self, after: float) -> None:
        """Kills a recovery after so many seconds, most often while it writes."""
        recovering = self.nursery.do("recover", directory=self.directory)
        time.sleep(after)
        self.nursery.kill(recovering)

    def nothing_is_left(self) -> None:
        """Asserts that everything has been recovered."""
        assert self.recover() == "nothing to recover\n"

    def check(self, threads: int = 1, rows: int = 1) -> None:
        """Asserts that every number that was stored is in the file once and in order, and no line is broken.

        The call after the last one that returned, of so many `rows`, may have been accepted as well, or some of them.
        """
        data = self.data()
        found: list[list[int]] = [[] for _ in range(threads)]
        end = 0
        for match in LINE.finditer(data):
            assert match.start() == end, f"a broken line: {data[end : match.start()][:200]!r}"
            end = match.end()
            found[int(match[1])].append(int(match[2]))
        assert end == len(data), f"a broken line at the end: {data[end:][:200]!r}"
        for thread, those in enumerate(found):
            stored = self.numbers[thread]
            assert those == list(range(1, len(those) + 1)), f"thread {thread}: lost, doubled or out of order"
            assert stored <= len(those) <= stored + rows, (
                f"thread {thread}: {len(those)} lines, {stored} calls returned"
            )


class Rounds:
    """Rounds, each in a directory of its own, until there have been so many and `met` is as large as is `wanted`.

    How often a kill meets what it is aimed at is up to chance and to what else the machine does; so there may be three
    times as many.

    With a `share` it has to be so large a part of all the rounds there were, of which there may be half as many again.
    """

    def __init__(self, scene: Scene, least: int, *, wanted: float = 0, share: float = 0) -> None:
        self.met = 0
        self._scene, self._least, self._wanted, self._share = scene, least, wanted, share

    def __iter__(self) -> Iterator[int]:
        top = self._scene.directory
        # Where there are few rounds, a single one that misses is a large part of them.
        most = self._least + max(self._least // 2, 20) if self._share else 3 * self._least
        each = 0
        while each < self._least or self.met < max(self._wanted, self._share * each):
            assert each < most, self._said(each)
            self._scene.move_to(top / str(each))
            yield each
            each += 1
        print(self._said(each))

    def _said(self, each: int) -> str:
        share = f" ({self.met / each:.0%} of all)" if self._share else ""
        return f"{each} rounds, {self._least} asked for, met {self.met} times what they are for{share}"


@pytest.fixture
def scene(tmp_path: Path, nursery: Nursery) -> Scene:
    """An empty directory and the process that forks children."""
    return Scene(tmp_path / "logs", nursery)
