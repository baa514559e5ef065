"""What loggers of mere text share: orjson encodes message and fields at the call."""

from __future__ import annotations

import importlib
from datetime import UTC, datetime
from traceback import format_exc
from typing import Any

from contenders import CARRIED, MESSAGE, Contender


def make(log: object, braces: str, **settings: Any) -> Contender:
    """Returns a contender whose `log` is given encoded text, with a stamp: its own are too coarse.

    Args:
        log: The logger, with a method `info`.
        braces: What of the encoded object its format has not: a slice, as source text.
        **settings: The contender's others.
    """
    orjson: Any = importlib.import_module("orjson")
    return Contender(
        names={"log": log, "dumps": orjson.dumps, "now": datetime.now, "utc": UTC, "option": orjson.OPT_UTC_Z},
        enabled=(
            f'log.info(dumps({{"timestamp": now(utc), "message": "{MESSAGE}", "agent_id": i,'
            f' "energy": x, "kind": s}}, option=option){braces}.decode())'
        ),
        bound=bound,
        excepting=excepting,
        **settings,
    )


def bound(plain: Contender) -> Contender:
    """Returns it with `CARRIED` in the dict that is encoded."""
    enabled = plain.enabled.replace('"agent_id"', '**bound, "agent_id"')
    return plain.with_names(bound=dict(CARRIED)).carrying(enabled=enabled)


def excepting(plain: Contender) -> Contender:
    """Returns it with the interpreter's own text of the exception in the dict: theirs would tear the line of JSON."""
    enabled = plain.enabled.replace("log.info", "log.error")
    enabled = enabled.replace('"kind": s', '"kind": s, "exception": format_exc()')
    return plain.with_names(format_exc=format_exc).with_traceback(enabled)
