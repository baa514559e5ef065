"""Which loggers a file takes records of: branches of the standard library's tree."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from undergird.errors import ConfigurationError, shown


class Branches(NamedTuple):
    """Loggers by name, each with all that are below it.

    Attributes:
        included: Those that are taken; all, if it is empty.
        excluded: Those that are not. Of two names on the way to a logger the longer one decides.
    """

    included: frozenset[str] = frozenset()
    excluded: frozenset[str] = frozenset()

    def take(self, name: str) -> bool:
        """Whether a logger's records are taken.

        Example:
            >>> branches = Branches(included=frozenset({"sim"}), excluded=frozenset({"sim.cells"}))
            >>> branches.take("sim.io"), branches.take("sim.cells.walls"), branches.take("simple")
            (True, False, False)
        """
        at = name
        while at:
            if at in self.excluded:
                return False
            if at in self.included:
                return True
            at = at.rpartition(".")[0]
        return not self.included


def branches(loggers: Iterable[str] | str = (), except_loggers: Iterable[str] | str = ()) -> Branches:
    """The branches of these names.

    Args:
        loggers: The loggers to take, with what is below them; none means all.
        except_loggers: Those not to take.

    Raises:
        ConfigurationError: For what is no logger's name, or stands on both sides.
    """
    included, excluded = _names("loggers", loggers), _names("except_loggers", except_loggers)
    if both := sorted(included & excluded):
        raise ConfigurationError(f"{shown(both[0])} is among both loggers and except_loggers")
    return Branches(included, excluded)


def _names(setting: str, given: object) -> frozenset[str]:
    names = [given] if isinstance(given, str) else given
    if not isinstance(names, Iterable):
        raise ConfigurationError(f"{setting} {shown(given)} is neither a name nor an iterable of names")
    names = list(names)
    for name in names:
        if not isinstance(name, str) or not all(name.split(".")):
            raise ConfigurationError(f"{setting}: {shown(name)} is not a logger's name, such as 'sim.cells'")
    return frozenset(names)
