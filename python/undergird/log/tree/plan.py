"""Decides for the native loggers what happens at each level."""

from __future__ import annotations

import logging
from typing import NamedTuple

from undergird import _core
from undergird.log.names import wanted
from undergird.log.tree.handlers import FileHandler, Sink
from undergird.log.tree.nodes import Node
from undergird.log.values import redaction
from undergird.log.values.texts import text

ALL_ENABLED = (1 << 32) - 1
HIGHEST = 1 << 63
UNKNOWN = -HIGHEST
_KNOWN_CLASSES = (Node, logging.Logger, logging.RootLogger)
_OVERRIDABLE = frozenset(("emit", "handle", "format", "filter"))
_METHODS = frozenset(("isEnabledFor", "makeRecord", "handle", "filter", "callHandlers"))


class Plan(NamedTuple):
    """What a native logger is to do, as the core reads it: by name, in this order.

    Attributes:
        name: The logger's name.
        level_names: The names of levels by their index, which the core gives them.
        enabled: Bit `n` is set if the level of index `n` is enabled.
        native: Bit `n` is set if every handler that would see a record of the level of index `n` is one of our file
            handlers, and their lines say the same.
        call_site: Whether they say where the call stands.
        names: Which names they say, as `undergird.log.names.wanted` has them.
        ask_disabled: The node's `__dict__`, if its `disabled` must be asked for at each call.
        sinks: For each level, by its index: the files, each with the number of its format and its rotation.
        lists: Lists of handlers and filters; the plan is void when one of them changes.
        attributes: An object's `__dict__`, name and value of attributes; the plan is void when one of them changes.
    """

    name: str
    level_names: list[str]
    enabled: int
    native: int
    call_site: bool
    names: tuple[int, int | None]
    ask_disabled: dict[str, object] | None
    sinks: list[list[Sink]]
    lists: list[list[object]]
    attributes: list[tuple[dict[str, object], str, object]]


def plan(node: logging.Logger) -> Plan:
    """What a logger of this node is to do now."""
    # What is not as the standard library makes it may answer differently each time, so it is asked each time.
    ask_each_time = Plan(node.name, [], ALL_ENABLED, 0, False, (0, None), None, [], [], [])
    if type(node) not in _KNOWN_CLASSES or _METHODS & vars(node).keys():
        return ask_each_time
    ours = not node.filters and not (redaction.current and redaction.current.texts)
    lists: list[list[object]] = [node.filters]  # type: ignore[list-item]
    attributes: list[tuple[dict[str, object], str, object]] = []
    files: list[FileHandler] = []
    found = False
    # The lowest level of which a handler that is not ours may see records.
    foreign = HIGHEST
    at: logging.Logger | None = node
    while at is not None:
        lists.append(at.handlers)  # type: ignore[arg-type]
        for handler in at.handlers:
            found = True
            if type(handler) is FileHandler and not _OVERRIDABLE & vars(handler).keys():
                if not handler.branches.take(node.name):
                    continue
                files.append(handler)
                lists.append(handler.filters)  # type: ignore[arg-type]
                ours &= not handler.filters
                continue
            lowest = _lowest(handler)
            foreign = min(foreign, lowest)
            if lowest > UNKNOWN:
                attributes.append((vars(handler), "level", lowest))
        if type(at) is not Node:
            names = ["handlers"] + ["propagate", "parent"] * (at.parent is not None) + ["filters"] * (at is node)
            attributes += [(vars(at), name, getattr(at, name)) for name in names]
        at = at.parent if at.propagate else None
    if any(type(one) is not list for one in lists):
        return ask_each_time
    # Where there is no handler at all, the standard library has its last resort.
    ours &= found and len({(bool(handler.call_site), handler.names) for handler in files}) <= 1
    # Two handlers of one file write two lines, as the standard library's do; a route names a file once.
    ours &= len({handler.sink for handler in files}) == len(files)
    sinks: list[list[Sink]] = [[]]
    enabled = native = 0
    # The first is no level's.
    for bit, level in enumerate(_core.level_numbers()[1:], start=1):
        there = [handler.sink for handler in files if level >= handler.level]
        sinks.append(there)
        if is_enabled(node, level):
            enabled |= 1 << bit
        if ours and level < foreign:
            native |= 1 << bit
    ask_disabled = None if type(node) is Node else vars(node)
    site = bool(native and files and files[0].call_site)
    said = wanted(files[0].names) if native and files else (0, None)
    level_names = [text(logging.getLevelName(level)) for level in _core.level_numbers()]
    return Plan(node.name, level_names, enabled, native, site, said, ask_disabled, sinks, lists, attributes)


def is_enabled(logger: logging.Logger, level: int) -> bool:
    """What `isEnabledFor` says now. That would remember it, past a level that is written to the attribute later."""
    known: bool | None = logger._cache.get(level)  # type: ignore[attr-defined]
    if logger.disabled or known is not None:
        return not logger.disabled and bool(known)
    return logger.manager.disable < level and level >= logger.getEffectiveLevel()


def _lowest(handler: logging.Handler) -> int:
    """The lowest level of which a handler may see records; `UNKNOWN` if it sees all, or can only be asked."""
    kind = type(handler)
    as_usual = kind.__getattribute__ is object.__getattribute__ and not hasattr(kind, "level")
    level = getattr(handler, "__dict__", {}).get("level") if as_usual else None
    return level if type(level) is int and level > 0 else UNKNOWN
