"""Levels of the program's own, below structlog."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog
from tests.log.conftest import Run
from tests.log.structlog_bridge.conftest import said

import undergird
from undergird import get_logger
from undergird.log.structlog_bridge import (
    EventLogger,
    LoggerFactory,
    make_filtering_bound_logger,
    render_to_undergird,
)


@pytest.fixture
def emergence() -> Iterator[None]:
    """A level of the program's own, added when the loggers' classes are there already."""
    undergird.add_level("EMERGENCE", 25)
    yield
    logging._levelToName.pop(25, None)
    logging._nameToLevel.pop("EMERGENCE", None)


@pytest.mark.usefixtures("emergence")
@pytest.mark.parametrize(
    "processors",
    [
        [render_to_undergird],
        [structlog.processors.add_log_level, render_to_undergird],
        [structlog.stdlib.render_to_log_kwargs],
        [],
    ],
)
@pytest.mark.parametrize("wrapper", [structlog.BoundLogger, make_filtering_bound_logger(20)])
def test_a_level_of_the_programs_own_has_its_method(run: Run, processors: list[Any], wrapper: Any) -> None:
    run.start()
    structlog.configure(processors=processors, wrapper_class=wrapper, logger_factory=LoggerFactory())
    structlog.get_logger("sim.cells").bind(run=3).emergence("noted", score=0.5)
    assert said(run.last()) == {"level": "EMERGENCE", "message": "noted", "run": 3, "score": 0.5}


@pytest.mark.usefixtures("emergence")
def test_a_level_of_the_programs_own_is_kept_where_another_logger_is_wrapped(run: Run) -> None:
    class Other(logging.Logger):
        def emergence(self, event: str) -> None:
            raise AssertionError("the wrapped logger was called")

    run.start()
    structlog.configure(
        processors=[structlog.processors.add_log_level, render_to_undergird],
        wrapper_class=structlog.BoundLogger,
        logger_factory=Other,
    )
    structlog.get_logger("sim.cells").emergence("noted", score=0.5)
    assert said(run.last()) == {"level": "EMERGENCE", "message": "noted", "score": 0.5}


@pytest.mark.usefixtures("emergence")
def test_a_filtering_logger_filters_a_level_of_the_programs_own(run: Run) -> None:
    run.start()
    structlog.configure(processors=[render_to_undergird], logger_factory=LoggerFactory())
    for level in (20, 30):
        log = structlog.wrap_logger(
            EventLogger(get_logger("sim.cells")), wrapper_class=make_filtering_bound_logger(level)
        )
        log.emergence("%d above %d", 25, level)
        log.emergence("%(added)d above %(level)d, as a mapping", {"added": 25, "level": level})
    assert run.messages() == ["25 above 20", "25 above 20, as a mapping"]
    with pytest.raises(AttributeError, match="no attribute 'urgent'"):
        log.urgent("never added")


@pytest.mark.parametrize("factory", [LoggerFactory, logging.Logger])
def test_a_level_may_be_named_in_any_case(run: Run, factory: Callable[..., Any]) -> None:
    undergird.add_level("Emergent", 26)
    run.start()
    structlog.configure(
        processors=[structlog.processors.add_log_level, render_to_undergird],
        wrapper_class=make_filtering_bound_logger(20),
        logger_factory=factory if factory is logging.Logger else LoggerFactory(),
    )
    try:
        structlog.get_logger("sim.cells").emergent("noted", score=0.5)
        assert said(run.last()) == {"level": "Emergent", "message": "noted", "score": 0.5}
    finally:
        logging._levelToName.pop(26, None)
        logging._nameToLevel.pop("Emergent", None)


@pytest.mark.usefixtures("emergence")
@pytest.mark.parametrize("chain", ["ours", "longer"])
def test_a_level_of_the_programs_own_is_awaited_too(run: Run, chain: str) -> None:
    run.start()
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars] * (chain == "longer") + [render_to_undergird],
        wrapper_class=make_filtering_bound_logger(20),
        logger_factory=LoggerFactory(),
    )
    log = structlog.get_logger("sim.cells").bind(run=3)

    async def work() -> None:
        await log.aemergence("noted %d", 1, score=0.5)
        await log.aemergence(event="by name")
        await log.alog(25, "by number")
        try:
            raise ValueError("odd")
        except ValueError as error:
            await log.aemergence("failed", exc_info=error)
        off = structlog.wrap_logger(
            EventLogger(get_logger("sim.cells")), wrapper_class=make_filtering_bound_logger(30)
        ).bind()
        await off.aemergence("off")

    asyncio.run(work())
    lines = [line for line in run.lines() if line["logger_name"] == "sim.cells"]
    assert [(line["level"], line["message"]) for line in lines] == [
        ("EMERGENCE", "noted 1"),
        ("EMERGENCE", "by name"),
        ("EMERGENCE", "by number"),
        ("EMERGENCE", "failed"),
    ]
    assert all(line["run"] == 3 for line in lines)
    assert lines[3]["exception_type"] == "ValueError"
    with pytest.raises(AttributeError, match="no attribute 'aurgent'"):
        log.aurgent("never added")


def test_a_level_that_is_added_later_is_known_to_loggers_and_processors(run: Run) -> None:
    run.start()
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_log_level_number,
            structlog.processors.CallsiteParameterAdder({structlog.processors.CallsiteParameter.FUNC_NAME}),
            render_to_undergird,
        ],
        wrapper_class=make_filtering_bound_logger(20),
        logger_factory=LoggerFactory(),
    )
    log = structlog.get_logger("sim.cells").bind()
    undergird.add_level("SURFACED", 27)
    try:

        async def work() -> None:
            await log.asurfaced("awaited")

        def call() -> None:
            log.surfaced("called")

        call()
        asyncio.run(work())
        log.log(27, "by number")
        assert log.is_enabled_for(27)
        lines = [line for line in run.lines() if line["logger_name"] == "sim.cells"]
        assert [(line["message"], line["func_name"]) for line in lines] == [
            ("called", "call"),
            ("awaited", "work"),
            ("by number", "test_a_level_that_is_added_later_is_known_to_loggers_and_processors"),
        ]
        assert {(line["level"], line["level_number"]) for line in lines} == {("SURFACED", 27)}
    finally:
        logging._levelToName.pop(27, None)
        logging._nameToLevel.pop("SURFACED", None)
