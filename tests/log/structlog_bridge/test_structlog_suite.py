"""structlog's own tests hold over our pieces."""

from __future__ import annotations

import importlib.metadata
import os
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
TARGET = HERE.parents[2] / "target" / "structlog"

# Of structlog 26.1: 898 passed, 21 skipped for want of Twisted, greenlet and the like.
PASSED_AT_LEAST = 880
CLASSES_AT_LEAST = 15
LOGGERS_AT_LEAST = 20


def test_structlogs_own_tests_pass_over_our_bound_loggers_and_our_factory() -> None:
    suite = TARGET / f"structlog-{importlib.metadata.version('structlog')}"
    assert suite.is_dir(), f"{suite} is missing: `make check` and `make test` fetch it"
    done = subprocess.run(
        [sys.executable, "-P", "-m", "pytest", "-q", "-p", "structlog_substitutes", "-p", "no:cacheprovider", "tests"],
        cwd=suite,
        env={**os.environ, "PYTHONPATH": str(HERE), "PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (passed,) = re.findall(r"(\d+) passed", done.stdout)
    assert int(passed) >= PASSED_AT_LEAST
    ((classes, loggers),) = re.findall(r"ours: (\d+) bound logger classes, (\d+) loggers", done.stdout)
    assert int(classes) >= CLASSES_AT_LEAST, "ours were not put into structlog's place"
    assert int(loggers) >= LOGGERS_AT_LEAST, "ours were not put into structlog's place"
