"""Whatever a program does with loggers, ours do with it what the standard library's do."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from tests.conftest import Script

ROOT = Path(__file__).parents[2]
# An interpreter knows a class by at most a thousand versions, and programs that patch use them up: each of these has its own.
DRAWS = range(100) if os.environ.get("UNDERGIRD_DEEP") == "1" else [None]
# Native calls of the two programs that are always among them: random ones may begin with a patch of everything.
OFF_AT_LEAST, NATIVE_AT_LEAST = 300, 800


@pytest.mark.parametrize("draw", DRAWS)
def test_what_is_written_and_seen_is_the_same(script: Script, draw: int | None, tmp_path: Path) -> None:
    compared = script(
        f"""
        import sys; sys.path.insert(0, {str(ROOT)!r})
        from tests.logging.programs import compare
        compare(60, {draw})
        """,
        timeout=280.0,
        UNDERGIRD_RING_DIR=str(tmp_path),
    )
    calls = json.loads(compared.stdout)
    # What was compared was native in part, or the comparison says nothing.
    assert calls["off"] >= OFF_AT_LEAST, calls
    if sys.version_info >= (3, 12):
        assert calls["native"] >= NATIVE_AT_LEAST, calls
