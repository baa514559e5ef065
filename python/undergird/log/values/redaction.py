"""What must not be seen in a log: found by the names of fields, by their paths, or in texts."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from undergird.errors import ConfigurationError, shown
from undergird.log.values.jsontext import has_surrogates

MASK = "<redacted>"
MOST_KNOWN = 10_000
"""How many names are remembered; programs can make them without end."""


class Redaction(NamedTuple):
    """What `configure(redact=...)` keeps out of the log. An iterable of names stands for `Redaction(fields=...)`.

    Attributes:
        fields: Names of fields, at any depth; with dots, paths from the field of the record down
            (`"user.address.street"`; the elements of a list have the list's path). In both, `*`, `?` and `[...]`
            stand for what they do in file names, and upper and lower case are alike. A compiled pattern is searched
            for in the path, as it is.
        text: Patterns (regular expressions, as texts or compiled) that are searched for in messages, values and
            exceptions. Where a pattern has a group, only what the first one matched is masked. Each call then takes
            the standard library's way, at about its cost.
        mask: What stands in the place of what was found.

    Example:
        >>> import undergird
        >>> undergird.configure("run.log", redact=["password", "*token*", "user.email"])
        >>> undergird.get_logger("docs").info("login", user={"name": "Ada", "email": "ada@example.org"}, password="x")
    """

    fields: Iterable[str | re.Pattern[str]] | str | re.Pattern[str] = ()
    text: Iterable[str | re.Pattern[str]] | str | re.Pattern[str] = ()
    mask: str = MASK


class Rules:
    """A `Redaction` made ready.

    Raises:
        ConfigurationError: For a value that cannot be.

    Attributes:
        given: What they were made of.
        mask: What stands in the place of what was found.
        texts: Whether there are patterns for texts.
    """

    __slots__ = ("_known", "_names", "_paths", "_patterns", "_texts", "given", "mask", "texts")

    def __init__(self, redaction: Redaction) -> None:
        fields = _listed(redaction.fields)
        globs = [field for field in fields if isinstance(field, str)]
        self._names = _any_of([glob for glob in globs if "." not in glob])
        self._paths = _any_of([glob for glob in globs if "." in glob])
        self._patterns = [field for field in fields if isinstance(field, re.Pattern)]
        self._texts = [_compiled(pattern) for pattern in _listed(redaction.text)]
        self._known: dict[str, bool] = {}
        mask: object = redaction.mask
        if not isinstance(mask, str) or has_surrogates(mask):
            raise ConfigurationError(f"redact: mask {shown(mask)} is not a text")
        self.mask = str.__str__(mask)
        self.given = Redaction(fields, self._texts, self.mask)
        self.texts = bool(self._texts)

    def hides(self, path: str) -> bool:
        """Whether the value at a path must not be seen.

        Args:
            path: The keys from the field of the record down, joined by dots.
        """
        known = self._known.get(path)
        if known is None:
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            known = self._known[path] = (
                self._names.fullmatch(path.rpartition(".")[2]) is not None
                or self._paths.fullmatch(path) is not None
                or any(pattern.search(path) for pattern in self._patterns)
            )
        return known

    def is_mask(self, value: object) -> bool:
        """Whether a value is the mask already."""
        return type(value) is str and value == self.mask

    def text(self, text: str) -> str:
        """The text with the mask in the place of what patterns find; the text itself if they find nothing."""
        for pattern in self._texts:
            text = pattern.sub(self._masked, text)
        return text

    def _masked(self, match: re.Match[str]) -> str:
        whole, at = match.group(), match.start()
        if not match.re.groups:
            return self.mask
        start, end = match.span(1)
        return whole if start < 0 else f"{whole[: start - at]}{self.mask}{whole[end - at :]}"


def rules_of(redact: object) -> Rules | None:
    """The rules of a value of `configure(redact=...)`; `None` for none.

    Raises:
        ConfigurationError: For a value that cannot be.

    Example:
        >>> rules_of(["pass*"]).hides("user.Password")
        True
    """
    if redact is None:
        return None
    return Rules(redact if isinstance(redact, Redaction) else Redaction(fields=redact))  # type: ignore[arg-type]


def use(rules: Rules | None) -> None:
    """Makes rules those of this run."""
    global current
    current = rules


def hidden(names: tuple[str, ...]) -> int:
    """Which of a call's fields must not be seen.

    Returns:
        A number whose bit `n` is set for the field `n`.

    Example:
        >>> use(rules_of("password"))
        >>> hidden(("agent_id", "password")), use(None)
        (2, None)
    """
    rules = current
    return 0 if rules is None else sum(1 << at for at, name in enumerate(names) if rules.hides(name))


current: Rules | None = None
"""The rules of this run; `None` for none."""

_NEVER = re.compile(r"(?!)")


def _listed(given: object) -> list[str | re.Pattern[str]]:
    values = [given] if isinstance(given, str | re.Pattern) else given
    if not isinstance(values, Iterable) or isinstance(values, Mapping | bytes):
        raise ConfigurationError(f"redact {shown(given)} is neither a name nor an iterable of names")
    listed = list(values)
    for value in listed:
        pattern = value.pattern if isinstance(value, re.Pattern) else value
        if not isinstance(pattern, str) or not pattern:
            raise ConfigurationError(f"redact: {shown(value)} is neither a name nor a compiled pattern for texts")
    return listed


def _any_of(globs: list[str]) -> re.Pattern[str]:
    return re.compile("|".join(map(fnmatch.translate, globs)), re.IGNORECASE) if globs else _NEVER


def _compiled(pattern: str | re.Pattern[str]) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise ConfigurationError(f"redact: {shown(pattern)} is not a regular expression: {error}") from error
