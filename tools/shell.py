"""Running commands: what ran is shown, what it printed is passed on and its test counts are kept."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# The closing lines of the runners whose tests are counted.
_CARGO = re.compile(rb"^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored", re.MULTILINE)
_PYTEST = re.compile(rb"^=+ (?:\x1b\[[\d;]*m)*(.*\bin [\d.]+s.*?)=+$", re.MULTILINE)
_PYTEST_COUNT = re.compile(rb"(\d+) (passed|failed|errors?|skipped|xfailed|xpassed)\b")


class RunError(Exception):
    """A part of a run has failed: a command's status was not zero, or it ran out of time."""


class OutOfTimeError(RunError):
    """A command was killed because it did not end."""


@dataclass
class Counts:
    """How many tests ran, added up over every runner."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def read(self, output: bytes) -> None:
        """Adds what the closing lines of test runners in `output` say."""
        for passed, failed, ignored in _CARGO.findall(output):
            self.passed += int(passed)
            self.failed += int(failed)
            self.skipped += int(ignored)
        for line in _PYTEST.findall(output):
            for number, outcome in _PYTEST_COUNT.findall(line):
                if outcome in (b"passed", b"xpassed"):
                    self.passed += int(number)
                elif outcome in (b"skipped", b"xfailed"):
                    self.skipped += int(number)
                else:
                    self.failed += int(number)

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


@dataclass
class Shell:
    """Runs commands from the project's root, one after the other."""

    counts: Counts = field(default_factory=Counts)

    def run(
        self,
        command: Sequence[str | Path],
        *,
        env: Mapping[str, str | None] | None = None,
        cwd: Path = ROOT,
        timeout: float = 1800.0,
        count: bool = True,
        show: bool = True,
    ) -> str:
        """Runs a command, shows it and what it prints, and gives its output back.

        Args:
            command: The program and its arguments.
            env: Changes to the environment; None takes a variable away.
            cwd: The folder it runs in.
            timeout: Seconds after which it is killed, so that a hang fails a run and not the machine.
            count: Whether closing lines of test runners in its output are added to `counts`.
            show: Whether the command and its output are shown while it runs; if not, a failure tells.

        Raises:
            RunError: It ended with a nonzero status.
            OutOfTimeError: It ran out of time.
        """
        words = [str(word) for word in command]
        shown = [f"{name}={shlex.quote(value)}" for name, value in (env or {}).items() if value is not None]
        line = " ".join([*shown, shlex.join(words)])
        if show:
            print(f"$ {line}", flush=True)
        output = bytearray()
        with subprocess.Popen(
            words,
            cwd=cwd,
            env=changed_environment(env or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            # A group of its own: a test that hangs is a grandchild, and has to be killed too.
            process_group=0,
        ) as process:
            expired = threading.Event()

            def expire() -> None:
                expired.set()
                os.killpg(process.pid, signal.SIGKILL)

            timer = threading.Timer(timeout, expire)
            timer.start()
            try:
                assert process.stdout is not None
                while chunk := os.read(process.stdout.fileno(), 65536):
                    output += chunk
                    if show:
                        sys.stdout.buffer.write(chunk)
                        sys.stdout.buffer.flush()
                status = process.wait()
            except BaseException:
                os.killpg(process.pid, signal.SIGKILL)
                raise
            finally:
                timer.cancel()
        if count:
            self.counts.read(bytes(output))
        text = output.decode(errors="replace")
        hidden = "" if show else f"\n{text}"
        if expired.is_set():
            raise OutOfTimeError(f"killed after {timeout:.0f} s: {line}{hidden}")
        if status != 0:
            raise RunError(f"exit status {status}: {line}{hidden}")
        return text


def changed_environment(changes: Mapping[str, str | None]) -> dict[str, str]:
    """The environment of this process with `changes` made; None takes a variable away."""
    environment = dict(os.environ)
    for name, value in changes.items():
        if value is None:
            environment.pop(name, None)
        else:
            environment[name] = value
    return environment
