"""Writes whose end nobody can foresee: made by a thread of their own, so that no call is held up for long."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable

_LONGEST = 1.0
_LOOK = 0.005


class Courier:
    """Makes one write after another, in order with the calls while they end, and without them where one does not.

    Example:
        >>> Courier().takes(lambda: print("shown"), lambda: True)
        shown
        True
    """

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._given_up = False

    def takes(self, write: Callable[[], object], goes_on: Callable[[], bool]) -> bool:
        """Begins a write, if the one before it has ended, and waits for its end.

        Args:
            write: Writes. It cannot be given up: if nobody reads now, it ends when somebody does.
            goes_on: Whether to wait on, asked every few milliseconds; after a second nobody waits any more.

        Returns:
            Whether the write was begun.
        """
        if not self.ends(goes_on):
            return False
        if sys.is_finalizing() or _within_rich():
            write()
            return True
        self._given_up = False
        self._thread = threading.Thread(target=write, name="undergird-console", daemon=True)
        self._thread.start()
        self.ends(goes_on)
        return True

    def ends(self, goes_on: Callable[[], bool]) -> bool:
        """Waits for the end of the last write, as above, but once in vain not again; whether it has ended."""
        thread = self._thread
        end = time.monotonic() + _LONGEST
        # In a forked child the thread is not alive.
        while thread is not None and thread.is_alive():
            if self._given_up:
                return False
            thread.join(_LOOK)
            self._given_up = thread.is_alive() and (time.monotonic() > end or not goes_on())
        return True


def _within_rich() -> bool:
    """Whether rich has called what logs, as it does to draw a column: its locks are this thread's then."""
    frame = sys._getframe(1)
    while frame.f_back is not None:
        frame = frame.f_back
        if str(frame.f_globals.get("__name__")).startswith("rich."):
            return True
    return False
