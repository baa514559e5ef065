"""structlog is configured for the whole process."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from undergird.log.structlog_bridge import LoggerFactory, render_to_undergird


@pytest.fixture(autouse=True)
def _structlog_as_it_was() -> Iterator[None]:
    yield
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


KEPT = ("timestamp", "logger_name")


def said(line: dict[str, Any]) -> dict[str, Any]:
    """What a line says, but for when and by whom."""
    return {key: value for key, value in line.items() if key not in KEPT}


def configure(*processors: Any, **others: Any) -> Any:
    structlog.configure(processors=[*processors, render_to_undergird], logger_factory=LoggerFactory(), **others)
    return structlog.get_logger("sim.cells")
