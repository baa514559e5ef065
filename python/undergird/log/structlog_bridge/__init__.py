"""structlog over undergird: its event dictionaries become records in the ring. See docs/structlog.md.

Three pieces, each of use alone: `render_to_undergird` ends a chain of processors, `LoggerFactory` makes the loggers
that structlog wraps, `make_filtering_bound_logger` is structlog's, with native calls where nothing stands between.

Example:
    >>> import structlog, undergird
    >>> undergird.configure("run.log")
    >>> structlog.configure(
    ...     processors=[render_to_undergird],
    ...     wrapper_class=make_filtering_bound_logger("info"),
    ...     logger_factory=LoggerFactory(),
    ...     cache_logger_on_first_use=True,
    ... )
    >>> structlog.get_logger("sim.cells").info("agent moved", agent_id=7)
"""

from __future__ import annotations

import structlog

from undergird.log.callers import skip_frames_of
from undergird.log.structlog_bridge.filtering import make_filtering_bound_logger
from undergird.log.structlog_bridge.loggers import EventLogger, LoggerFactory, render_to_undergird

__all__ = ["EventLogger", "LoggerFactory", "make_filtering_bound_logger", "render_to_undergird"]

skip_frames_of(structlog.__file__)
