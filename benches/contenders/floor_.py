"""The floor, and the control that stores to heap: what any native logger must pay."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from contenders import MESSAGE, Contender

_ENABLED = f'log.info("{MESSAGE}", agent_id=i, energy=x, kind=s)'


def make(path: Path) -> Contender:
    """Returns an object with empty native methods; `path` is not touched."""
    return Contender(names={"log": _native().Floor()}, enabled=_ENABLED, writes=False)


def heap(path: Path) -> Contender:
    """Returns an object whose `info` stores a stamped record to heap; `path` is not touched."""
    return Contender(names={"log": _native().Heap()}, enabled=_ENABLED, writes=False)


def _native() -> Any:
    from floor import build

    build.directory_on_path()
    return importlib.import_module("bench_floor")
