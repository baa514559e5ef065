"""A process that has imported undergird and nothing else has happened: it forks the children that are to be killed.

Commands are lines of JSON on stdin; each is answered by one line on stdout. Children answer with nothing: what they
have logged stands in shared memory.
"""

from __future__ import annotations

import atexit
import ctypes
import itertools
import json
import mmap
import os
import signal
import sys
import threading
import time
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Any

import undergird
import undergird.log.run.rings


def write(
    path: str,
    shared: str,
    threads: int = 1,
    killed_after: float | None = None,
    way: str = "SIGKILL",
    rows: int = 1,
    sinks: list[dict[str, Any]] | None = None,
    **options: Any,
) -> None:
    """Logs numbers for ever, each thread its own, and stores each after its call has returned.

    `killed_after` is in seconds of the process's own processor time: the kill then comes while it is at work, however
    busy the machine is with other things. It is a signal's, or the end of the program from within by one of `WAYS`. With
    more than one of `rows` each call logs as many numbers. `sinks` are further files; every tenth number is an error's,
    for those that take nothing else.
    """
    with Path(shared).open("r+b") as file:
        # Eight bytes are stored at once; `struct.pack_into` would clear them first.
        numbers = memoryview(mmap.mmap(file.fileno(), 0)).cast("Q")
    files = [sink(**settings) for settings in sinks or ()]
    undergird.configure(path, sinks=files, **options)
    log = undergird.get_logger("survivor")

    def work(thread: int) -> None:
        info = log.info
        for number in itertools.count(1) if files else ():
            (info if number % 10 else log.error)("record", thread=thread, number=number)
            numbers[thread] = number
        for first in itertools.count(1, rows) if rows > 1 else ():
            log.many("record", thread=thread, number=array("q", range(first, first + rows)))
            numbers[thread] = first + rows - 1
        for number in itertools.count(1):
            info("record", thread=thread, number=number)
            numbers[thread] = number

    if killed_after is not None:
        if way in WAYS:
            signal.signal(signal.SIGUSR1, WAYS[way])
        set_timer(killed_after, signal.SIGUSR1 if way in WAYS else signal.Signals[way])
    for thread in range(1, threads):
        threading.Thread(target=work, args=(thread,), daemon=True).start()
    try:
        work(0)
    finally:
        # What the interpreter does at its end, which comes here to a child that has not begun with the program.
        atexit._run_exitfuncs()


def sink(rotation: dict[str, Any] | None = None, **settings: Any) -> undergird.FileSink:
    """One of several files."""
    return undergird.FileSink(**settings, rotation=None if rotation is None else undergird.Rotation(**rotation))


class Uncaught(BaseException):
    """No `Exception`, because code that a call runs may catch those."""


def fail(*_: object) -> None:
    raise Uncaught


WAYS: dict[str, Callable[..., Any]] = {
    "os._exit": lambda *_: os._exit(5),
    "sys.exit": lambda *_: sys.exit(5),
    "an exception": fail,
}


def set_timer(seconds: float, number: int) -> None:
    """Has the kernel send a signal once the process has worked for so long."""

    class Event(ctypes.Structure):
        _fields_ = (("value", ctypes.c_void_p), ("signal", ctypes.c_int), ("notify", ctypes.c_int * 13))

    library = ctypes.CDLL(None, use_errno=True)
    event = Event(None, number)
    timer = ctypes.c_void_p()
    assert library.timer_create(time.CLOCK_PROCESS_CPUTIME_ID, ctypes.byref(event), ctypes.byref(timer)) == 0
    once = (ctypes.c_long * 4)(0, 0, *divmod(int(seconds * 1e9), 10**9))
    assert library.timer_settime(timer, 0, once, None) == 0


def start(path: str, idle: float = 0.0, **options: Any) -> None:
    """Starts a run in the same place, and ends it."""
    undergird.configure(path, **options)
    time.sleep(idle)
    undergird.shutdown(60.0)


def recover(directory: str) -> None:
    """Recovers."""
    with Path(os.devnull).open("w") as out:
        undergird.log.run.rings.recover(Path(directory), out)


ACTIONS: dict[str, Callable[..., None]] = {"write": write, "start": start, "recover": recover}


def main() -> None:
    print("ready", flush=True)
    for line in sys.stdin:
        command = json.loads(line)
        action = command.pop("action")
        if action == "wait":
            # Not `waitpid` alone: whoever asks wants to know whether it was still at work.
            _, status = os.waitpid(command["pid"], 0)
            print(os.waitstatus_to_exitcode(status), flush=True)
            continue
        pid = os.fork()
        if pid == 0:
            status = 70
            try:
                ACTIONS[action](**command)
                status = 0
            finally:
                os._exit(status)
        print(pid, flush=True)


if __name__ == "__main__":
    main()
