"""Setting a run up, and ending it."""

from __future__ import annotations

import atexit
import logging
import os
import re
import warnings
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from undergird import _core
from undergird.clock import WallClock, as_clock
from undergird.errors import ConfigurationError
from undergird.log.checks import known_format, level_number, switches
from undergird.log.console import handler as on_console
from undergird.log.console.handler import ConsoleHandler
from undergird.log.console.patience import Patience
from undergird.log.exceptions import frames, variables
from undergird.log.names import checked as checked_names
from undergird.log.run import joining
from undergird.log.run.settings import (
    durability,
    log_files,
    overload_of,
    ring_bytes,
    ring_folder,
    rotation_of,
    sampled,
    seconds,
    sinks_of,
    suppressed,
)
from undergird.log.sampling import announce
from undergird.log.tree.handlers import FileHandler
from undergird.log.values import constants, redaction, registry
from undergird.log.values.redaction import Redaction, rules_of

if TYPE_CHECKING:
    import datetime

    from undergird.clock import Clock
    from undergird.log.rules import Limit, Sample
    from undergird.log.sinks import FileSink

WORKER_RING_SIZE = 1 << 20
EXIT_TIMEOUT = 5.0

_ours: list[logging.Handler] = []
_registered = False


def configure(
    path: str | os.PathLike[str] | None = None,
    *,
    level: int | str = "INFO",
    format: str = "json",
    sinks: Iterable[FileSink] = (),
    console: bool | str = False,
    console_level: int | str = 0,
    console_stream: str = "stderr",
    console_tracebacks: str = "short",
    call_site: bool = False,
    names: Iterable[str] | str = (),
    fields: Mapping[str, object] = MappingProxyType({}),
    clock: Clock | Callable[[], float] | None = None,
    sample: Sample | Limit | Mapping[int | str, Sample | Limit] | None = None,
    sync: bool = False,
    overload: str = "block",
    ring_dir: str | os.PathLike[str] | None = None,
    ring_size: int | None = None,
    fsync: bool | float | str = False,
    redact: Redaction | Iterable[str | re.Pattern[str]] | str | None = None,
    exception_locals: bool = False,
    exception_suppress: Iterable[str] | str = (),
    max_bytes: int = 0,
    when: str | None = None,
    interval: int = 1,
    utc: bool = False,
    at_time: datetime.time | None = None,
    backup_count: int | None = None,
    backup_days: float | None = None,
    backup_bytes: int | None = None,
    backup_name: str | None = None,
    compress: str | None = None,
) -> None:
    """Makes a file, the console or both receive what is logged, by our loggers and by the standard library's.

    Puts our handlers on the root of the standard library's tree. Called again, it replaces what it set up before;
    nothing that was logged is lost or doubled.

    Args:
        path: The log file; `None` for none. It is appended to.
        level: The root's level, by number (from 0) or name.
        format: How the file's lines look: `"json"`, one object a line; `"logfmt"`, pairs of keys and values; `"text"`,
            for people.
        sinks: More files, each with its own level, loggers, format and rotation; see `undergird.FileSink`.
        console: Whether records also go to the console, at once: `True` or `"pretty"` for people, aligned and in a
            terminal coloured; or a format of files.
        console_level: The lowest level that the console shows, of what the root's level lets through.
        console_stream: `"stderr"` or `"stdout"`.
        console_tracebacks: `"short"`, the last frames of the program's own code, or `"full"`; of pretty lines.
        call_site: Whether lines say function, line and file of the call.
        names: Who logged, in fields of each line: any of `"process"`, `"thread"` and `"task"` (their names),
            `"process_id"`, `"thread_id"`, and `"rank"`, where MPI, Slurm or torchrun has started the process.
        fields: Fields of every record of the run, in each process that joins it, such as `{"run_id": "a1", "seed": 7}`:
            as they are now, at most 16 KiB of JSON. Those of the context, bound ones and the call's hide them.
        clock: A clock whose time each record bears as `sim_time` beside its `timestamp`, such as the simulation's
            (`undergird.clock.SimulationClock`); one that says `stamps` makes the `timestamp` itself. `None`: the wall
            clock alone. Its errors are counted, and such a record goes without.
        sample: How records below WARNING are held back where they come too often: one `undergird.Sample` or
            `undergird.Limit` for all of them, or one for each of some levels, such as `{"DEBUG": Sample(first=100)}`;
            a level in between goes with the one below it. A logger's own rule goes before.
        sync: Whether a line is in the file when the call returns. Otherwise it is within 50 ms.
        overload: What happens when records come faster than the file takes them: `"block"` waits, for a second at
            most in which nothing is written; `"drop_newest"` refuses; `"drop_below:WARNING"` (or any level) refuses
            below that level and waits from it on. What is refused is counted, and said in the file. The same holds for
            a console that nobody reads, and is said there.
        ring_dir: The folder above the rings, where records wait to be written; the default is `UNDERGIRD_RING_DIR`
            or else shared memory. Records survive the death of the process there.
        ring_size: Bytes of records that may wait; 4 MiB by default, rounded up to a power of two.
        fsync: When the disk is asked to have what was written, which only a loss of power needs: `False` never, `True`
            after each batch, `"error"` after a batch with a record of level ERROR or above, a number so many seconds
            after something was written.
        redact: What must not be seen: names of fields, at any depth, such as `["password", "*token*", "user.email"]`;
            or a `Redaction`, for patterns in texts too. What is redacted never reaches the ring either.
        exception_locals: Whether lines with an exception also have the local variables of its frames, under
            `exception_locals`: bounded, and redacted as fields are.
        exception_suppress: Frames that tracebacks leave out, with a mark that says how many: names of modules, which
            stand for what is below them too, such as `["starlette", "asyncio.runners"]`, and paths of files or folders.
        max_bytes: The size that the file never reaches; for this and what follows see `undergird.Rotation`.
        when: When it is put aside whatever its size: `"S"`, `"M"`, `"H"`, `"D"`, `"midnight"`, `"W0"` to `"W6"`.
        interval: How many of those.
        utc: Whether midnight is UTC's.
        at_time: A time of day instead of midnight.
        backup_count: How many files that were put aside are kept; all by default.
        backup_days: For how long.
        backup_bytes: How many bytes of them.
        backup_name: Their names, by a pattern.
        compress: `"gzip"`, or `"zstd"` where it has been built in; `None` leaves them as they are.

    Raises:
        ConfigurationError: A value that cannot be; the message names it. It is a `ValueError`.
        LogFileError: The file cannot be opened; the message says what would help. It is an `OSError`.

    Example:
        >>> import undergird
        >>> undergird.configure("run.log", level="DEBUG")
    """
    settings = dict(locals())
    number = level_number(level, "level")
    known_format(format)
    to_console = ConsoleHandler.configured(
        console,
        stream=console_stream,
        level=level_number(console_level, "console_level"),
        tracebacks=console_tracebacks,
    )
    word, limit = overload_of(overload)
    size = ring_bytes(ring_size)
    rings = ring_folder(ring_dir)
    switches(call_site=call_site, sync=sync, exception_locals=exception_locals)
    disk, fsync_seconds = durability(fsync)
    said = checked_names(names)
    rules = rules_of(redact)
    run_fields = constants.checked(fields, rules)
    left_out = suppressed(exception_suppress)
    rotation = rotation_of(
        max_bytes=max_bytes,
        when=when,
        interval=interval,
        utc=utc,
        at_time=at_time,
        backup_count=backup_count,
        backup_days=backup_days,
        backup_bytes=backup_bytes,
        backup_name=backup_name,
        compress=compress,
    )
    its_clock = None if clock is None or type(clock) is WallClock else as_clock(clock)
    rules_of_levels = sampled(sample)
    further = sinks_of(sinks)
    if path is None and rotation is not None:
        raise ConfigurationError("path None is no file that could be put aside: give a path, or no rules of rotation")
    file, further = log_files(path, rotation, further)
    files = [
        FileHandler(
            sink.path,
            format=sink.format,
            level=sink.level,
            loggers=sink.loggers,
            except_loggers=sink.except_loggers,
            call_site=call_site,
            names=said,
            rotation=sink.rotation,
        )
        for sink in further
    ]
    if file is not None:
        files.insert(0, FileHandler(file, format=format, call_site=call_site, names=said, rotation=rotation))
    handlers: list[logging.Handler] = [*files]
    # One folder of rings for a directory, by whatever way it is named.
    homes = [os.path.realpath(os.path.dirname(each.path)) for each in files] or [_here()]  # noqa: PTH120
    if to_console is not None:
        to_console.call_site, to_console.names = call_site, said
        to_console.patience = Patience(word, limit)
        handlers.append(to_console)
    # First, so that nothing of the new run is logged under the rules of the old one.
    redaction.use(rules)
    frames.suppress(left_out)
    variables.want(exception_locals)
    announce()
    _core.set_clock(its_clock)
    _core.set_sampling(rules_of_levels)
    _core.redact(None if rules is None else rules.mask)
    constants.use(run_fields)
    _core.configure(
        homes[0],
        ring_dir=rings,
        ring_size=size,
        worker_ring_size=min(size, WORKER_RING_SIZE),
        sync=sync,
        overload=word,
        overload_level=limit,
        fsync=disk,
        fsync_seconds=fsync_seconds,
        timeout=EXIT_TIMEOUT,
    )
    _replace(handlers)
    logging.root.setLevel(number)
    settings |= {
        "path": None if file is None else str(file),
        "sinks": further,
        "level": number,
        "names": said,
        "fields": MappingProxyType(run_fields),
        "overload": f"{word}:{limit}" if word == "drop_below" else word,
        "redact": rules,
        "ring_dir": rings,
        "ring_size": min(size, WORKER_RING_SIZE),
    }
    joining.announce(settings)
    if files:
        # Who looks for rings beside a log looks in the folder for its directory: elsewhere the log has to say.
        elsewhere = [each.path for each, home in zip(files, homes, strict=True) if rings or home != homes[0]]
        _warn(_core.start(elsewhere), homes[0], rings or "shared memory")


def begin(directory: str) -> None:
    """Begins a run as `configure` does by default, for a file whose handler was put on the tree by hand.

    Args:
        directory: Where that file is.
    """
    _core.configure(
        directory,
        ring_dir=ring_folder(None),
        ring_size=ring_bytes(None),
        worker_ring_size=WORKER_RING_SIZE,
        sync=False,
        overload="block",
        overload_level=0,
        fsync="never",
        fsync_seconds=0.0,
        timeout=EXIT_TIMEOUT,
    )
    _end_with_the_program()


def is_set_up() -> bool:
    """Whether `configure` has put handlers on the root."""
    return bool(_ours)


def flush(timeout: float | None = None) -> bool:
    """Waits until everything logged so far is in its files.

    Args:
        timeout: For how many seconds at most; `None` waits for as long as it takes.

    Returns:
        Whether everything is there.

    Raises:
        TypeError: If `timeout` is no number.
        ConfigurationError: If it is NaN, or more than a float can hold.

    Example:
        >>> import undergird
        >>> undergird.flush(timeout=1.0)
        True
    """
    limit = seconds(timeout)
    announce()
    return _core.flush(limit)


def shutdown(timeout: float | None = EXIT_TIMEOUT) -> bool:
    """Writes everything and ends the writer's thread; happens by itself when the program ends.

    Records that are logged later are written by the call itself.

    Args:
        timeout: For how many seconds at most, 5 by default; `None` waits for as long as it takes. What is not written
            by then stays in the ring, for the next start or `undergird recover`.

    Returns:
        Whether everything was written.

    Raises:
        TypeError: If `timeout` is no number.
        ConfigurationError: If it is NaN, or more than a float can hold.

    Example:
        >>> import undergird
        >>> undergird.shutdown(timeout=1.0)
        True
    """
    limit = seconds(timeout)
    announce()
    return _core.shutdown(limit)


def stats() -> dict[str, Any]:
    """What has become of every record of this process.

    Returns:
        `emitted`, `written`, `dropped`, `failed` and `in_flight`, with `emitted` the sum of the others; the same for
        each file under `sinks`, with `error` where one cannot be written now. Besides: `recovered`, records of dead
        processes that this one has written; `ring`, the path of the ring, and `placement`, how it came there;
        `held_back`, how many records sampling has held back (they are neither emitted nor dropped), by logger;
        `renderers_failed` and `clock_failed`, how often a function given to `register` or a clock has failed;
        `console_failed` and `console_dropped`, how many records the console could not show, and how many it did not
        because nobody read it; `logging`, how many calls of the standard library's loggers were `off`, how many
        `native`, and why the others were not, under `fallbacks`.

    Example:
        >>> import undergird
        >>> counts = undergird.stats()
        >>> counts["emitted"] == sum(counts[key] for key in ("written", "dropped", "failed", "in_flight"))
        True
    """
    own = {
        "held_back": _core.held_back(),
        "renderers_failed": registry.failures(),
        "clock_failed": _core.clock_failures(),
        "console_failed": on_console.failures(),
        "console_dropped": on_console.dropped(),
    }
    return {**_core.stats(), **own}


def _here() -> str:
    """The working directory; where it has been removed, the root stands for it: a console needs neither."""
    try:
        return os.path.realpath(".")
    except FileNotFoundError:
        return "/"


def _warn(placement: str | None, directory: str, wanted: str) -> None:
    """Says when the ring is not where it should be."""
    if placement == "beside the log":
        ring = Path(directory, ".undergird")
        what = f"there can be no ring in {wanted}; it is in {ring}, where a slow disk can hold calls up"
    elif placement == "heap":
        what = f"there can be no ring in {wanted} or beside the log; records that wait do not survive a kill"
    else:
        return
    warnings.warn(what, RuntimeWarning, stacklevel=3)


def _end_with_the_program() -> None:
    global _registered
    if not _registered:
        atexit.register(shutdown)
        _registered = True


def _replace(handlers: list[logging.Handler]) -> None:
    """Puts handlers on the root in the places of those that were put there before.

    In one step: a thread that is going through the root's handlers meanwhile meets the old or the new ones, and
    neither none nor both.
    """
    with logging._lock:  # type: ignore[attr-defined]
        root, new, result = logging.root, list(handlers), []
        for handler in root.handlers:
            if handler not in _ours:
                result.append(handler)
            elif new:
                result.append(new.pop(0))
        root.handlers[:] = result + new
        # They are not closed: that would wait, and the core writes what is left.
        _ours[:] = handlers
    _end_with_the_program()
