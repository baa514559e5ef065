"""Text on a stream: in pieces, in characters that it knows, above live bars."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import Any

# A pipe that has room at all takes so many bytes in one piece.
_PIECE = 4096


def write(stream: Any, lines: str, goes_on: Callable[[], bool]) -> bool:
    r"""Writes text for which there is room, as far as there is.

    Args:
        stream: Where.
        lines: The text.
        goes_on: Asked before each piece but the first, whether there is room for it.

    Returns:
        Whether that was all.

    Raises:
        Exception: What the stream does.

    Example:
        >>> import sys
        >>> write(sys.stdout, "shown\n", lambda: True)
        shown
        True
    """
    step = _PIECE if lines.isascii() else _PIECE // 4
    if hasattr(stream, "rich_proxied_file"):
        # While a bar of rich's is live: of a part of a line it would make a line, and read that as markup.
        step = len(lines)
    with _bars_away(stream):
        for begin in range(0, len(lines), step):
            if begin and not goes_on():
                return False
            _put(stream, lines[begin : begin + step])
    return True


def _put(stream: Any, piece: str) -> None:
    try:
        stream.write(piece)
    except UnicodeEncodeError:
        encoding = getattr(stream, "encoding", None) or "ascii"
        stream.write(piece.encode(encoding, "backslashreplace").decode(encoding))
    stream.flush()


@contextlib.contextmanager
def _bars_away(stream: Any) -> Iterator[None]:
    """Takes live bars of tqdm away while a line is written, if tqdm is loaded.

    Rich does the same by itself: while a bar is live, `sys.stderr` and `sys.stdout` are its own.
    """
    tqdm = getattr(sys.modules.get("tqdm.std"), "tqdm", None)
    if tqdm is None or not getattr(tqdm, "_instances", None):
        yield
        return
    with tqdm.external_write_mode(file=stream):
        yield
