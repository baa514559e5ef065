"""Records that structlog has wrapped for its formatter."""

from __future__ import annotations

import io
import logging
from typing import Any

import pytest
import structlog
from tests.log.conftest import Run
from tests.log.structlog_bridge.conftest import said

from undergird import get_logger


def wrapped_for_formatter(*processors: Any) -> Any:
    structlog.configure(
        processors=[*processors, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    return structlog.get_logger("sim.wrapped")


def test_records_wrapped_for_a_formatter_have_their_fields_in_our_file(run: Run) -> None:
    run.start()
    log = wrapped_for_formatter(structlog.stdlib.add_log_level, structlog.stdlib.add_logger_name)
    log.warning("step %d", 3, name="a field", args=[1])
    line = run.last()
    assert said(line) == {"level": "WARNING", "message": "step 3", "name": "a field", "args": [1]}
    assert line["logger_name"] == "sim.wrapped"


def test_a_formatter_of_structlogs_on_another_handler_sees_its_record_unchanged(run: Run) -> None:
    run.start()
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    renderer = structlog.processors.KeyValueRenderer(key_order=["event"])
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processor=renderer))
    logging.root.addHandler(handler)
    log = wrapped_for_formatter()
    log.info("told", n=1)
    get_logger("sim.ours").info("ours", n=2)
    assert out.getvalue() == "event='told' n=1\nevent='ours'\n"
    assert [(line["message"], line["n"]) for line in run.lines()] == [("told", 1), ("ours", 2)]


def test_a_wrapped_record_tells_its_exception(run: Run) -> None:
    run.start()
    log = wrapped_for_formatter()
    try:
        raise ValueError("odd")
    except ValueError:
        log.exception("failed", n=1)
    line = run.last()
    assert (line["message"], line["exception_type"], line["n"]) == ("failed", "ValueError", 1)
    assert "exc_info" not in line


def test_a_wrapped_records_fields_are_redacted(run: Run) -> None:
    run.start(redact=["password"])
    wrapped_for_formatter().info("told", password="secret")
    assert run.last()["password"] == "<redacted>"


def test_wrapped_records_are_readable_on_the_console(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    run.start(console=True)
    wrapped_for_formatter().info("told", n=1)
    assert capsys.readouterr().err.split()[3:] == ["told", "n=1"]
