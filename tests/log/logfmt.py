"""A reader of logfmt, for tests: strict, so that what it takes any reader takes."""

from __future__ import annotations

import json
import re

# A key, `=`, and a bare word or a JSON string.
_PAIR = re.compile(r'([^\s"=\\\x00-\x1f]+)=(?:([^\s"=\\]+)|("(?:[^"\\\x00-\x1f]|\\.)*"))(?: |$)')


def parse(line: str) -> dict[str, str]:
    """The pairs of a line, in order.

    Raises:
        ValueError: If it is no line of logfmt.
    """
    pairs: dict[str, str] = {}
    at = 0
    while at < len(line):
        found = _PAIR.match(line, at)
        if found is None or found[1] in pairs:
            raise ValueError(f"no logfmt at {at}: {line!r}")
        pairs[found[1]] = found[2] if found[2] is not None else json.loads(found[3])
        at = found.end()
    if line.endswith(" "):
        raise ValueError(f"a space at the end: {line!r}")
    return pairs
