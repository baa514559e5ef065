import logging
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any, Self, final

from typing_extensions import disjoint_base

__all__ = [
    "BoundLogger",
    "Fields",
    "Logger",
    "SimulationClock",
    "add_level_method",
    "ask_for_subclasses",
    "clock_failures",
    "clock_times",
    "configure",
    "discard_ring",
    "emit",
    "encode_rotation",
    "flush",
    "get_context",
    "inspect_log",
    "inspect_rings",
    "invalidate",
    "learn_level",
    "level_numbers",
    "line",
    "many",
    "probe",
    "recover_rings",
    "redact",
    "ring_directories",
    "set_clock",
    "set_context",
    "set_hooks",
    "shutdown",
    "skip_frames_in",
    "start",
    "stats",
    "watch_clock",
]

@final
class Fields:
    def __new__(cls, given: dict[str, Any], base: Fields | None = None, /) -> Self: ...
    def without(self, *names: str) -> Fields: ...
    def dict(self) -> dict[str, Any]: ...

@disjoint_base
class BoundLogger:
    def __new__(cls, *args: object, **fields: object) -> Self: ...
    def _open(
        self,
        processors: list[Any],
        processor: object,
        context: dict[str, Any],
        bound: dict[str, Any],
        logger: Logger,
    ) -> None: ...
    def debug(self, event: object, /, *args: object, **fields: Any) -> Any: ...
    def info(self, event: object, /, *args: object, **fields: Any) -> Any: ...
    def warning(self, event: object, /, *args: object, **fields: Any) -> Any: ...
    def error(self, event: object, /, *args: object, **fields: Any) -> Any: ...
    def critical(self, event: object, /, *args: object, **fields: Any) -> Any: ...

@disjoint_base
class Logger:
    def __new__(cls, node: logging.Logger | Logger, fields: Fields | None = None, /) -> Self: ...
    @property
    def _node(self) -> logging.Logger: ...
    @property
    def _bound(self) -> Fields | None: ...
    @property
    def _fields(self) -> dict[str, Any]: ...
    def debug(self, msg: object, /, *args: object, **fields: Any) -> None: ...
    def info(self, msg: object, /, *args: object, **fields: Any) -> None: ...
    def warning(self, msg: object, /, *args: object, **fields: Any) -> None: ...
    def error(self, msg: object, /, *args: object, **fields: Any) -> None: ...
    def exception(self, msg: object, /, *args: object, exc_info: Any = True, **fields: Any) -> None: ...
    def critical(self, msg: object, /, *args: object, **fields: Any) -> None: ...
    def log(self, level: int, msg: object, /, *args: object, **fields: Any) -> None: ...
    def metric(self, name: str, value: object, /, **tags: Any) -> None: ...
    def fatal(self, msg: object, /, *args: object, **fields: Any) -> None: ...

@final
class SimulationClock:
    def __new__(cls, time: float = 0.0, *, stamps: bool = False) -> Self: ...
    time: float
    @property
    def stamps(self) -> bool: ...
    def now(self) -> float: ...
    def advance(self, by: float, /) -> None: ...

def add_level_method(name: str, number: int, doc: str) -> bool: ...
def ask_for_subclasses(ask: bool) -> None: ...
def clock_failures() -> int: ...
def clock_times() -> tuple[int | None, float | None]: ...
def configure(
    log_directory: str,
    *,
    ring_dir: str | None,
    ring_size: int,
    worker_ring_size: int,
    sync: bool,
    overload: str,
    overload_level: int,
    fsync: str,
    fsync_seconds: float,
    timeout: float | None,
) -> bool: ...
def emit(
    file: tuple[str, int, bytes],
    *,
    stamp: int,
    level: int,
    level_name: str,
    name: str,
    message: str,
    fields: dict[str, Any],
    sim_time: float | None = None,
    site: tuple[str, str, int] | None = None,
    exception: tuple[str, str, str] | None = None,
) -> bool: ...
def encode_rotation(
    *,
    max_bytes: int,
    schedule: tuple[str, int, int] | None,
    zone: str,
    names: str,
    files: int | None,
    seconds: int | None,
    total_bytes: int | None,
    gzip: bool,
) -> bytes: ...
def flush(timeout: float | None = None) -> bool: ...
def get_context() -> tuple[Any, ...] | None: ...
def inspect_log(log: str) -> dict[str, Any] | None: ...
def inspect_rings(directory: str) -> list[dict[str, Any]]: ...
def invalidate() -> None: ...
def learn_level(number: int) -> bool: ...
def level_numbers() -> list[int]: ...
def many(
    logger: Logger,
    level: int,
    message: str,
    names: Sequence[str],
    columns: Sequence[tuple[str, Any]],
    rows: int,
    stamp: int | None = None,
    /,
) -> int: ...
def line(
    format: int,
    *,
    stamp: int,
    level: int,
    level_name: str,
    name: str,
    message: str,
    fields: dict[str, Any],
    sim_time: float | None = None,
    site: tuple[str, str, int] | None = None,
    exception: tuple[str, str, str] | None = None,
) -> str: ...
def probe(path: str) -> None: ...
def discard_ring(ring: str) -> int | None: ...
def recover_rings(directory: str) -> list[dict[str, Any]]: ...
def redact(mask: str | None) -> None: ...
def ring_directories(log_directory: str, ring_dir: str | None = None) -> list[str]: ...
def set_context(frame: tuple[Any, ...], /) -> None: ...
def set_clock(clock: object, /) -> None: ...
def set_hooks(
    *,
    plan: Callable[[logging.Logger], Any],
    slow: Callable[..., None],
    render: Callable[[object, str], tuple[bool, str]],
    message: Callable[[object, tuple[Any, ...]], str],
    in_event_loop: Callable[[], bool],
    hidden: Callable[[tuple[str, ...]], int],
    frozen: Callable[[dict[str, Any]], dict[str, Any]],
    attached: Callable[[object, object], tuple[tuple[str, str, str] | None, dict[str, Any]]],
) -> None: ...
def shutdown(timeout: float | None = None) -> bool: ...
def skip_frames_in(folder: str) -> None: ...
def start(log: str) -> str | None: ...
def stats() -> dict[str, Any]: ...
def watch_clock(variable: ContextVar[Any], /) -> None: ...
