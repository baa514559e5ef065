"""How long a console that nobody reads holds a program up: no longer than a full ring does."""

from __future__ import annotations

import select
from typing import Any

from undergird.log.tree.messages import in_event_loop

LONGEST = 1.0
IN_EVENT_LOOP = 0.001
"""Seconds, for threads that run an event loop."""


class Patience:
    """Whether a stream has room for a line, asked before it is written: a write cannot be given up.

    After one wait in vain nobody waits again before the stream has taken something.

    Args:
        word: As the core names what happens when there is no room: `"block"` waits a second, or a millisecond on a
            thread that runs an event loop, `"drop_newest"` does not, `"drop_below"` does for records from `limit` on.
        limit: A level's number.

    Attributes:
        waits: Whether a thread waits for room now.

    Example:
        >>> import sys
        >>> Patience().takes(sys.stderr, 20)
        True
    """

    def __init__(self, word: str = "block", limit: int = 0) -> None:
        self._word = word
        self._limit = limit
        self._in_vain = False
        self.waits = False

    def takes(self, stream: Any, level: float) -> bool:
        """Whether the stream has room; waits for it, if a record of this level is to."""
        try:
            descriptor = stream.fileno()
        except Exception:
            # Not one of the system's: only its maker knows.
            return True
        waits = self._word == "block" or (self._word == "drop_below" and level >= self._limit)
        seconds = (IN_EVENT_LOOP if in_event_loop() else LONGEST) if waits and not self._in_vain else 0.0
        room = select.poll()
        room.register(descriptor, select.POLLOUT)
        # What is broken has room too: the write says how.
        taken = bool(room.poll(0))
        if not taken and seconds:
            self.waits = True
            try:
                taken = bool(room.poll(seconds * 1000))
            finally:
                self.waits = False
        self._in_vain = not taken and (waits or self._in_vain)
        return taken
