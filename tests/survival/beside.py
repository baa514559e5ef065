"""Processes that run beside a test and are talked to."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import IO


@contextlib.contextmanager
def child(source: str, *arguments: str, cwd: Path, code: int = 0) -> Iterator[tuple[IO[str], IO[str]]]:
    """A process beside this one, which ends with `code`: what can be said to it, and what it says."""
    command = [sys.executable, "-c", textwrap.dedent(source), *arguments]
    with subprocess.Popen(command, cwd=cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield process.stdin, process.stdout
            process.stdin.close()
            assert process.wait(60) == code
        finally:
            process.kill()


def go_on(stdin: IO[str]) -> None:
    stdin.write("\n")
    stdin.flush()
