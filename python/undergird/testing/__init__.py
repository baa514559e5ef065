"""Simulations and tools to test with.

Names load on first use: importing this package imports neither numpy nor structlog.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from undergird.testing.demo import DemoReport, run_demo
    from undergird.testing.sorting import CellSorting, SortingResults, Swaps

__all__ = ["CellSorting", "DemoReport", "SortingResults", "Swaps", "run_demo"]

_HOME = {
    "CellSorting": "sorting",
    "DemoReport": "demo",
    "SortingResults": "sorting",
    "Swaps": "sorting",
    "run_demo": "demo",
}


def __getattr__(name: str) -> Any:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{home}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
