"""Writes whose end nobody can foresee: a thread of their own makes them, so that no call is held up for long."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from _thread import allocate_lock, start_new_thread
from collections.abc import Callable
from queue import SimpleQueue

_LONGEST = 1.0
_LOOK = 0.005

_WITH_LOCKS = ("rich.", "tqdm.")


class Courier:
    """Makes one write after another, in order with the calls while they end, and without them where one does not.

    Cost: some tens of microseconds a write, for the two threads' meeting.

    Example:
        >>> Courier().takes(lambda: print("shown"), lambda: True)
        shown
        True
    """

    def __init__(self) -> None:
        # Nothing of `threading` here: handlers of signals log too, and its objects are not for use within each other.
        self._writes: SimpleQueue[_Write] = SimpleQueue()
        self._last: _Write | None = None
        self._process = 0
        self._given_up = False

    def takes(self, write: Callable[[], object], goes_on: Callable[[], bool]) -> bool:
        """Begins a write, if the one before it has ended, and waits for its end.

        Args:
            write: Writes, and raises nothing. It cannot be given up: if nobody reads now, it ends when somebody does.
            goes_on: Whether to wait on, asked every few milliseconds; after a second nobody waits any more.

        Returns:
            Whether the write was begun.
        """
        if not self.ends(goes_on):
            return False
        if sys.is_finalizing() or _within_their_code():
            write()
            return True
        if self._process != os.getpid():
            # The first write, or that of a forked child, which has no thread.
            self._writes = SimpleQueue()
            self._process = os.getpid()
            start_new_thread(_work, (self._writes,))
        self._last, self._given_up = _Write(write), False
        self._writes.put(self._last)
        self.ends(goes_on)
        return True

    def ends(self, goes_on: Callable[[], bool]) -> bool:
        """Waits for the end of the last write, as above, but once in vain not again; whether it has ended."""
        last = self._last if self._process == os.getpid() else None
        latest = time.monotonic() + _LONGEST
        while last is not None and not last.has_ended:
            if self._given_up:
                return False
            if not last.end.acquire(timeout=_LOOK):
                self._given_up = time.monotonic() > latest or not goes_on()
        return True


class _Write:
    """A write, and the lock that is let go at its end, for one who waits; another sees it in `has_ended`."""

    def __init__(self, write: Callable[[], object]) -> None:
        self.write = write
        self.has_ended = False
        self.end = allocate_lock()
        self.end.acquire()

    def do(self) -> None:
        # Whatever comes out of it, there is nobody here to be told.
        with contextlib.suppress(BaseException):
            self.write()
        self.has_ended = True
        self.end.release()


def _work(writes: SimpleQueue[_Write]) -> None:
    while True:
        writes.get().do()


def _within_their_code() -> bool:
    """Whether a bar has called what logs, as rich does to draw a column: its locks are this thread's then."""
    frame = sys._getframe(1)
    while frame.f_back is not None:
        frame = frame.f_back
        if str(frame.f_globals.get("__name__")).startswith(_WITH_LOCKS):
            return True
    return False
