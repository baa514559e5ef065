"""The loggers of this process, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from undergird import _core
from undergird.errors import shown
from undergird.log.logger import Logger
from undergird.log.run.joining import join
from undergird.log.run.setup import configure
from undergird.log.tree.nodes import node

if TYPE_CHECKING:
    from undergird.log.rules import Limit, Sample

_loggers: dict[str | None, Logger] = {}


def get_logger(name: str | None = None) -> Logger:
    """The logger of a name; the same object each time.

    Args:
        name: Dotted, as in the standard library; usually `__name__`. `None` means the root.

    Raises:
        TypeError: If `name` is no string.

    Cost: that of a dictionary's look-up, from the second time on.

    What a logger can do; `help(undergird.Logger.info)` and so on say the rest:

        >>> import undergird
        >>> log = undergird.get_logger("sim.cells")
        >>> log is undergird.get_logger("sim.cells")
        True
        >>> undergird.configure("run.log", level="INFO")  # where it goes: at the beginning of a program

    A message, `%` arguments for it, and fields, which may hold any value:

        >>> log.info("agent moved", agent_id=7, position=(3, 4))
        >>> log.warning("step %d of %d", 3, 100, energy=-0.25)
        >>> log.debug("state", energy=undergird.lazy(lambda: sum(range(10**9))))  # DEBUG is off: not called

    Fields of every record of a logger, or of everything that runs in a block, a function or a task:

        >>> agent = log.bind(agent_id=7)
        >>> agent.info("born")
        >>> with undergird.context(request_id="a1"):
        ...     agent.info("asked")  # with agent_id and request_id

    Exceptions with their tracebacks; `catch` decorates functions of every kind too:

        >>> try:
        ...     1 / 0
        ... except ZeroDivisionError:
        ...     log.exception("no ratio", denominator=0)
        >>> with log.catch(KeyError, message="no such cell"):
        ...     {}["stem"]

    How long it took, numbers, many rows at once, and records that may never be wanted:

        >>> with log.timer("simulation step", step=3):
        ...     pass
        >>> log.metric("agent_count", 1000, phase="sorting")
        >>> log.many("agent moved", agent_id=range(3), x=[0.1, 0.2, 0.3])
        >>> with log.create_buffer(flush_level="ERROR", keep_last=True) as buffer:
        ...     buffer.info("tried", attempt=1)

    Less of what comes too often, with counts of what was held back, and levels of the program's own:

        >>> sampled = log.sample(first=1, then=0, per=None)
        >>> for step in range(1000):
        ...     sampled.info("moved", step=step)  # one of them
        >>> EMERGENCE = undergird.add_level("EMERGENCE", 25)
        >>> log.emergence("collective behavior", score=0.78)

    And, on pages of the documentation: `log.sample` and `log.limit` (sampling.md); `undergird.clock`, simulated time
    (time.md); `undergird.register` and `configure(redact=...)`, how values are shown or hidden (values.md); and
    `undergird.AsyncLogger`, whose methods are awaited (logging.md).

    In the file, once it has been written:

        >>> undergird.flush()
        True
        >>> undergird.stats()["in_flight"]
        0
    """
    try:
        logger = _loggers.get(name)
    except TypeError:
        # It cannot be looked up, so it is none.
        logger = None
    if logger is None:
        if not isinstance(name, str | None):
            raise TypeError(f"a logger's name is a string, not {shown(name)}")
        join(configure)
        there = node(name)
        # One object for all names of the root, and for threads that ask at the same time.
        logger = _loggers.setdefault(there.name, Logger(there))
        _loggers[name] = logger
    return logger


def unpickled(
    kind: type[Logger], name: str | None, fields: dict[str, Any], rule: Sample | Limit | None = None
) -> Logger:
    """The logger that `Logger.__reduce__` has told of."""
    if kind is Logger and not fields and rule is None:
        return get_logger(name)
    return kind(node(name), _core.Fields(fields), rule.gate() if rule else None)
