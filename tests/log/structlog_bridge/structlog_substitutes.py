"""A plugin of pytest's that puts our pieces into structlog's places while structlog's own tests run."""

from __future__ import annotations

from typing import Any

import pytest

# Tests that cannot hold over ours, each with the reason.
EXCLUDED = {
    "tests/test_native.py::TestNativeFilteringLogger::test_log_level_str": (
        "asks for a private function of structlog's as the method of a level that is not logged; ours is native, and what"
        " it asks besides is asked in test_structlog_filtering.py"
    ),
    "tests/test_stdlib.py::TestLoggerFactory::test_sets_correct_logger": (
        "asks for structlog's own class of loggers in the standard library's tree; our factory leaves the tree's class"
        " alone, for our loggers find the place of a call without it"
    ),
}

made = {"bound logger classes": 0, "loggers": 0}


@pytest.hookimpl(tryfirst=True)
def pytest_collection() -> None:
    """Substitutes; not earlier, because structlog must not be imported before pytest captures the output."""
    import structlog
    from structlog import _config, _native

    from undergird.log import structlog_bridge

    class Factory(structlog_bridge.LoggerFactory):
        def __call__(self, *args: Any) -> structlog_bridge.EventLogger:
            made["loggers"] += 1
            return super().__call__(*args)

    Factory.__module__ = structlog_bridge.LoggerFactory.__module__

    def make_filtering_bound_logger(min_level: int | str) -> Any:
        made["bound logger classes"] += 1
        return structlog_bridge.make_filtering_bound_logger(min_level)

    for module in (structlog, _native, _config):
        vars(module)["make_filtering_bound_logger"] = make_filtering_bound_logger
    default = structlog_bridge.make_filtering_bound_logger(0)
    _config._BUILTIN_DEFAULT_WRAPPER_CLASS = _config._CONFIG.default_wrapper_class = default
    _config._BUILTIN_DEFAULT_LOGGER_FACTORY = _config._CONFIG.logger_factory = Factory()  # type: ignore[assignment]
    structlog.stdlib.LoggerFactory = Factory  # type: ignore[assignment, misc]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out what cannot hold; a name that is no test any more is an error."""
    excluded = [item for item in items if item.nodeid in EXCLUDED]
    if len(excluded) != len(EXCLUDED):
        raise pytest.UsageError("a test that is excluded is not there")
    items[:] = [item for item in items if item.nodeid not in EXCLUDED]
    config.hook.pytest_deselected(items=excluded)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says how often ours were used."""
    terminalreporter.write_line("ours: " + ", ".join(f"{count} {what}" for what, count in made.items()))
