"""The time of a record that the standard library has made: the wall clock's, or that of the clock it is under."""

from __future__ import annotations

import logging

from undergird import _core

TIMES = "_undergird_times"
"""The attribute of a `LogRecord` that holds them."""


def times(record: logging.LogRecord) -> tuple[int, float | None]:
    """The stamp of a record in nanoseconds, and the simulation's time if there is one.

    The clock is asked once for each record. If it makes the stamps, the record's own `created` is set too.
    """
    known: tuple[int, float | None] | None = record.__dict__.get(TIMES)
    if known is None:
        stamp, sim_time = _core.clock_times()
        if stamp is None:
            stamp = int(record.created * 1e9)
        else:
            record.created, record.msecs = stamp / 10**9, float(stamp // 1_000_000 % 1000)
        known = stamp, sim_time
        record.__dict__[TIMES] = known
    return known
