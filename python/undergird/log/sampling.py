"""Which records are held back, and the telling of how many were."""

from __future__ import annotations

import logging

from undergird import _core
from undergird.log.tree.messages import level_of
from undergird.log.tree.nodes import node
from undergird.log.tree.slow import HELD_BACK, slow


def held_back(record: logging.LogRecord) -> int | None:
    """How many records were held back before this one; `None` if it is held back itself.

    Calls of our loggers have been asked about before they became records; one of the standard library's is asked about
    once, by the first handler of ours that sees it.
    """
    known = record.__dict__
    if HELD_BACK not in known:
        known[HELD_BACK] = _core.let_record_through(
            str(record.name), min(max(level_of(record), 0), 255), str(record.pathname), record.lineno or 0
        )
    answer: int | None = known[HELD_BACK]
    return answer


def announce() -> None:
    """Logs how many records were held back and nobody has been told of, by logger and level."""
    for name, level, count in _core.tell_held_back():
        slow(_core.Logger(node(name)), level, ("records held back",), {}, count)
