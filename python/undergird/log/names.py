"""Who logged: the names of process, thread and task that lines carry on request."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterable

from undergird.errors import ConfigurationError, shown

KEYS = {
    "process": "process_name",
    "process_id": "process_id",
    "rank": "rank",
    "thread": "thread_name",
    "thread_id": "thread_id",
    "task": "task_name",
}
"""What can be asked for, and the field that it is; the core knows them by their order."""

RANKS = ("OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "MV2_COMM_WORLD_RANK", "SLURM_PROCID", "RANK")
"""Where Open MPI, PMIx, MPICH and Intel MPI, MVAPICH, Slurm and torchrun say which process of a job this one is."""


def checked(given: object) -> tuple[str, ...]:
    """What was asked for, in the order of the fields.

    Raises:
        ConfigurationError: For what is not known.

    Example:
        >>> checked(["thread", "process"])
        ('process', 'thread')
    """
    asked = list(given) if isinstance(given, Iterable) and not isinstance(given, str) else [given]
    if unknown := [name for name in asked if not isinstance(name, str) or name not in KEYS]:
        raise ConfigurationError(f"names: {shown(unknown[0])} is not known; there is {', '.join(map(repr, KEYS))}")
    return tuple(name for name in KEYS if name in asked)


def wanted(names: tuple[str, ...]) -> tuple[int, int | None]:
    """What was asked for as the core reads it: a bit for each, and the rank of this process."""
    return sum(1 << bit for bit, name in enumerate(KEYS) if name in names), rank() if "rank" in names else None


def rank() -> int | None:
    """Which process of its job this one is, if its launcher says so."""
    said = (os.environ.get(variable, "") for variable in RANKS)
    return next((int(number) for number in said if number.isdecimal()), None)


def fields_of(record: logging.LogRecord, names: tuple[str, ...]) -> dict[str, object]:
    """What was asked for, as fields of a record of the standard library's."""
    if not names:
        return {}
    known = {
        "process": record.processName,
        "process_id": record.process,
        "rank": rank() if "rank" in names else None,
        "thread": record.threadName,
        "thread_id": record.thread,
        "task": getattr(record, "taskName", None) if sys.version_info >= (3, 12) else _task_name(),
    }
    return {KEYS[name]: known[name] for name in names if known[name] is not None}


def _task_name() -> str | None:
    asyncio = sys.modules.get("asyncio")
    try:
        task = asyncio.current_task() if asyncio else None
    except RuntimeError:
        return None
    return task.get_name() if task else None
