"""What `exc_info` and `stack_info` of a call ask for, in all the forms that the standard library takes."""

from __future__ import annotations

import io
import sys
import traceback
from types import FrameType
from typing import Any

from undergird.log.callers import caller
from undergird.log.exceptions import variables
from undergird.log.exceptions.tracebacks import Exception_, rendered
from undergird.log.values.texts import name_of, text


def attached(exc_info: object, stack_info: object) -> tuple[Exception_ | None, dict[str, Any]]:
    """The exception of a native call, and further fields.

    Args:
        exc_info: As in the standard library.
        stack_info: Whether the stack of the caller is wanted.
    """
    info = exc_info_of(exc_info)
    more = {"stack_info": stack_of(caller())} if stack_info else {}
    return exception_of(info), {**more, **locals_of(info)}


def exc_info_of(given: Any) -> Any:
    """The tuple that a call's `exc_info` stands for; `None` for none.

    Args:
        given: An exception, a tuple as `sys.exc_info` gives it, or whether that tuple is meant.

    Example:
        >>> exc_info_of(KeyError("position"))
        (<class 'KeyError'>, KeyError('position'), None)
    """
    if isinstance(given, BaseException):
        return type(given), given, given.__traceback__
    if isinstance(given, tuple):
        return given or None
    return sys.exc_info() if given else None


def exception_of(info: Any) -> Exception_ | None:
    """What lines of the log say of such a tuple; `None` if there is no exception in it.

    Raises:
        RecursionError: If there is no stack left to look at it; or a `MemoryError`.
    """
    if info is None:
        return None
    try:
        kind, error, tb = info
    except Exception:
        # What was given is none; the rest of the record is worth keeping.
        return Exception_(text(info), "", "")
    if issubclass(type(error), BaseException):
        return rendered(error, tb)
    if error is not None:
        return Exception_(text(info), "", "")
    # A class alone is printed as nothing at all.
    return Exception_("NoneType: None", name_of(kind), "") if isinstance(kind, type) else None


def locals_of(info: Any) -> dict[str, Any]:
    """The field with the local variables of such a tuple's frames, if this run wants it."""
    if not variables.wanted or info is None:
        return {}
    try:
        found = variables.variables_of(info[1], info[2])
    except Exception:
        return {}
    return {variables.FIELD: found} if found else {}


def stack_of(frame: FrameType | None) -> str:
    """The stack down to a frame, as the standard library writes it; without one, its first line."""
    out = io.StringIO()
    out.write("Stack (most recent call last):\n")
    if frame is not None:
        traceback.print_stack(frame, file=out)
    return out.getvalue().rstrip("\n")
