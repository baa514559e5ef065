"""How processes find the run: what `configure` was given stands in an environment variable that they inherit."""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import re
import warnings
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from undergird.log.values.redaction import Redaction, Rules

if TYPE_CHECKING:
    from undergird.log.rotation import Rotation
    from undergird.log.sinks import FileSink

VARIABLE = "UNDERGIRD_LOG"

_may_join = True


def announce(settings: Mapping[str, Any]) -> None:
    """Lets processes that inherit the environment join this run; this one will not join another.

    Args:
        settings: The arguments of `configure`, checked, its paths absolute. Without a file there is nothing to join.
            What is an object of this process, such as a clock, is not handed on.
    """
    stay_out()
    if settings["path"] is None and not settings["sinks"]:
        os.environ.pop(VARIABLE, None)
        return
    handed_on = {}
    for name, value in settings.items():
        with contextlib.suppress(TypeError):
            handed_on[name] = json.loads(json.dumps(value, default=_encoded))
    os.environ[VARIABLE] = json.dumps(handed_on)


def stay_out() -> None:
    """This process has, or had, a run of its own."""
    global _may_join
    _may_join = False


def join(configure: Callable[..., None]) -> None:
    """Joins the run that the environment names, if there is one and this process has none.

    Args:
        configure: Is called with the settings of the run.
    """
    if not _may_join:
        return
    stay_out()
    announced = os.environ.get(VARIABLE)
    if not announced:
        return
    try:
        configure(**json.loads(announced, object_hook=_decoded))
    except (ValueError, TypeError, OSError) as error:
        # A logger that is asked for is no place to fail: what it logs goes where it would without a run.
        why = f"this process does not join the run that {VARIABLE} names: {error}"
        warnings.warn(why, RuntimeWarning, stacklevel=3)


def _encoded(value: object) -> object:
    if isinstance(value, Rules):
        return {"redaction": value.given._asdict()}
    if isinstance(value, MappingProxyType):
        # As a text: the names in it are the user's, and none of those below.
        return {"plain": json.dumps(dict(value))}
    if isinstance(value, re.Pattern):
        return {"pattern": value.pattern, "flags": value.flags}
    if isinstance(value, datetime.time):
        return {"time": value.isoformat()}
    # Who has none of these does not load them.
    from undergird.log.rotation import Rotation
    from undergird.log.sinks import FileSink

    if isinstance(value, FileSink):
        return {"FileSink": _parts(value)}
    if isinstance(value, Rotation):
        return {"Rotation": _parts(value)}
    raise TypeError(f"{value!r} is an object of this process")


def _parts(value: FileSink | Rotation) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__slots__}


def _decoded(value: dict[str, Any]) -> object:
    match value:
        case {"redaction": redaction}:
            return Redaction(**redaction)
        case {"plain": plain}:
            return json.loads(plain)
        case {"pattern": pattern, "flags": flags}:
            return re.compile(pattern, flags)
        case {"time": time}:
            return datetime.time.fromisoformat(time)
        case {"Rotation": rules}:
            from undergird.log.rotation import Rotation

            return Rotation(**rules)
        case {"FileSink": sink}:
            from undergird.log.sinks import FileSink

            return FileSink(**sink)
        case _:
            return value
