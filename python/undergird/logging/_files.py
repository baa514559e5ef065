"""Handlers whose lines go through the ring: which may, and the attribute by which others find them in the file."""

from __future__ import annotations

import codecs
import io
import logging
import os
import stat
import sys
import weakref
from typing import Any, NamedTuple, cast

from undergird import _core
from undergird.log.tree.handlers import FileHandler

Identity = tuple[int, int]
"""Device and inode of a file."""

_WITH_DESCRIPTORS = (io.TextIOWrapper, codecs.StreamReaderWriter, codecs.StreamWriter)
# For whom lines may wait: loggers of our class, those of the standard library's.
_deferring: set[str] = set()
_sync = False
# What `logging.StreamHandler` has under `stream`, once a handler's lines go through the ring.
_attribute: Any = None
_lent: weakref.WeakSet[logging.Handler] = weakref.WeakSet()


class File(NamedTuple):
    """A handler's file, as the core reads it: by name.

    Attributes:
        path: Where the handler has opened it.
        device: Which file it is.
        inode: Which file it is.
        descriptor: The handler's own.
        stream: The handler's stream.
        encoding: The stream's.
        raw: What the stream writes to in the end.
    """

    path: str
    device: int
    inode: int
    descriptor: int
    stream: io.TextIOWrapper
    encoding: str
    raw: io.FileIO


def defer(loggers: str, *, sync: bool | None = None) -> None:
    """Lets lines go through the ring from the next call on.

    Args:
        loggers: For whom.
        sync: Whether no line goes there, for whomever; `None` leaves it as it is.
    """
    global _sync
    if loggers in _deferring and sync in (None, _sync):
        return
    _deferring.add(loggers)
    _sync = bool(sync) if sync is not None else _sync
    _core.let_go(0)


def defer_no_more(loggers: str) -> None:
    """Has all lines written; where none are to wait any more, nothing is left of it."""
    global _attribute, _sync
    _deferring.discard(loggers)
    _sync = False
    _core.let_go(0)
    if _deferring:
        return
    if _attribute is not None and vars(logging.StreamHandler).get("stream") is _attribute:
        delattr(logging.StreamHandler, "stream")
    _attribute = None


def attribute() -> Any:
    """What `logging.StreamHandler` has to have under `stream`."""
    return _attribute


def file_of(handler: logging.Handler) -> File | None:
    """The file of a handler whose lines may go through the ring: nobody else has its stream, or writes to its file."""
    if _sync or not _deferring or type(handler) is not logging.FileHandler or vars(handler).get("sync"):
        return None
    stream = vars(handler).get("stream")
    if type(stream) is not io.TextIOWrapper:
        return None
    try:
        if not _is_as_opened(handler, stream):
            return None
        state = os.fstat(stream.fileno())
    except (OSError, ValueError, AttributeError):
        return None
    identity = state.st_dev, state.st_ino
    if not stat.S_ISREG(state.st_mode) or identity in _others(handler) or not _is_ready(handler):
        return None
    raw: Any = stream.buffer.raw  # a file's, as `_is_plain` has found
    return File(handler.baseFilename, *identity, stream.fileno(), stream, stream.encoding, raw)


def _is_as_opened(handler: logging.FileHandler, stream: io.TextIOWrapper) -> bool:
    return (
        # A stream that has more attributes than `open` gives it may have methods of its own.
        vars(stream) == {"mode": handler.mode}
        and stream.name == handler.baseFilename
        and codecs.lookup(stream.encoding).name == "utf-8"
        and os.linesep == "\n"
    )


def _is_ready(handler: logging.FileHandler) -> bool:
    """Sees to it that there is a ring, and that it is asked before the stream is used, and when the handler goes."""
    global _attribute
    if _attribute is None:
        if hasattr(logging.FileHandler, "stream"):
            return False
        # Of all handlers with streams: each may get one that leads to the same file.
        _attribute = _core.stream_attribute(logging.StreamHandler)
        cast("Any", logging.StreamHandler).stream = _attribute
    if _core.start([]) is None:
        from undergird.log.run.setup import begin

        # Nobody has called `configure`: the first file begins the run.
        begin(os.path.dirname(handler.baseFilename))  # noqa: PTH120
    if handler not in _lent:
        _lent.add(handler)
        weakref.finalize(handler, _core.let_go, id(handler)).atexit = False
    return True


def _others(handler: logging.Handler) -> set[Identity]:
    """The files that are known to be written to by other ways: by other handlers, or as standard streams."""
    streams: list[Any] = [sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__]
    found: set[Identity] = set()
    for reference in list(logging._handlerList):  # type: ignore[attr-defined]
        other = reference()
        if other is handler or other is None:
            continue
        if isinstance(other, FileHandler):
            found |= _identity(other.path)
        streams.append(vars(other).get("stream"))
    for stream in streams:
        # Whatever other classes make of a descriptor is theirs to say, which may run code of the program's.
        if isinstance(stream, _WITH_DESCRIPTORS):
            try:
                found |= _identity(stream.fileno())
            except (OSError, ValueError, AttributeError):
                continue
    return found


def _identity(file: str | int) -> set[Identity]:
    try:
        state = os.stat(file)  # noqa: PTH116 -- or a descriptor
    except OSError:
        return set()
    return {(state.st_dev, state.st_ino)}
