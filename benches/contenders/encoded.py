"""What loggers of mere text share: orjson encodes message and fields at the call, and these are more of them."""

from __future__ import annotations

from traceback import format_exc

from contenders import CARRIED, Contender


def bound(plain: Contender) -> Contender:
    """Returns it with `CARRIED` in the dict that is encoded."""
    enabled = plain.enabled.replace('"agent_id"', '**bound, "agent_id"')
    return plain.with_names(bound=dict(CARRIED)).carrying(enabled=enabled)


def excepting(plain: Contender) -> Contender:
    """Returns it with the interpreter's own text of the exception in the dict: theirs would tear the line of JSON."""
    enabled = plain.enabled.replace("log.info", "log.error")
    enabled = enabled.replace('"kind": s', '"kind": s, "exception": format_exc()')
    return plain.with_names(format_exc=format_exc).with_traceback(enabled)
