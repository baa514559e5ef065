"""The state of a user's rings and logs, seen from outside and without touching them: `undergird doctor`."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any, TextIO

from undergird import _core
from undergird.log.run.rings import placement, ring_directories

Facts = dict[str, Any]

_COUNTS = "emitted {emitted} = written {written} + dropped {dropped} + failed {failed} + in flight {in_flight}"


def examine(directory: Path | None = None) -> Facts:
    """What there is to say about rings and the logs they belong to.

    Args:
        directory: As for `ring_directories`.

    Returns:
        `rings` and `logs`, each a list of mappings of plain data, and `ok`: whether all is well. It is not if a dead
        process has left records, records were dropped or could not be written, or something cannot be read. A ring's
        `sinks` are the counts of each of its files, as in `undergird.stats`, all of one moment; `None` if no look was.
        Its `logging` are the counts of calls to the standard library's loggers, as there, and its `handlers` those of
        its files that handlers of the standard library's have open, which have no lock file beside them.

    Raises:
        OSError: If the directory is not there or cannot be read.
    """
    rings = [ring for folder in ring_directories(directory) for ring in _core.inspect_rings(str(folder))]
    heads = {}
    for ring in rings:
        ring["placement"] = placement(Path(ring["path"]))
        if "error" not in ring:
            heads[ring["id"]] = ring.pop("head")
    of_handlers = {path for ring in rings for path in ring.get("handlers", ())}
    paths = {path for ring in rings for path in ring.get("files", ())}
    logs = [{**_log(path, heads), "handler": path in of_handlers} for path in sorted(paths)]
    return {"ok": not any(map(_ails, rings + logs)), "rings": rings, "logs": logs}


def doctor(directory: Path | None, out: TextIO, *, as_json: bool = False) -> int:
    """Shows every ring (its place, its owner, what waits in it, what became of all others) and every log.

    Args:
        directory: As for `ring_directories`.
        out: Where to show it.
        as_json: Whether to show it as one JSON object, that of `examine`.

    Returns:
        0 if all is well, else 1.
    """
    if directory is not None and not directory.is_dir():
        out.write(f"{directory} is not a directory\n")
        return 1
    facts = examine(directory)
    if as_json:
        out.write(json.dumps(facts, indent=2) + "\n")
    else:
        for ring in facts["rings"]:
            _show_ring(ring, out)
        for log in facts["logs"]:
            _show_log(log, out)
        if not facts["rings"]:
            out.write("no rings: nothing is being logged, and nothing was left behind\n")
    return 0 if facts["ok"] else 1


def _log(path: str, heads: dict[str, int]) -> Facts:
    log: Facts = {"path": path, "bytes": None, "lock": None}
    try:
        log["bytes"] = Path(path).stat().st_size
        lock = _core.inspect_log(path)
    except OSError as error:
        return {**log, "error": str(error)}
    for cursor in lock["cursors"] if lock else ():
        head = heads.get(cursor["ring"])
        # A ring that is gone has been written; its cursor is a slot that can be used again.
        cursor["waiting_bytes"] = None if head is None else head - cursor["position"]
    return {**log, "lock": lock}


def _ails(facts: Facts) -> bool:
    left = not facts.get("alive", True) and facts["lag_records"]
    refused = any(counts["dropped"] or counts["failed"] for counts in (facts.get("sinks") or {}).values())
    return bool("error" in facts or not facts.get("understood", True) or left or refused)


def _show_ring(ring: Facts, out: TextIO) -> None:
    out.write(f"{ring['path']}\n")
    if "error" in ring:
        out.write(f"  cannot be read   {ring['error']}\n")
        return
    state = "alive" if ring["alive"] else "dead: `undergird recover` writes what it left"
    if not ring["understood"]:
        state = "dead: `undergird recover` of the version that made it writes what it left, this one cannot read it"
    out.write(f"  owner            process {ring['pid']}, {state}; ring made {_time(ring['created'])}\n")
    out.write(f"  placement        {ring['placement']}, {ring['capacity'] // 1024} KiB for records\n")
    out.write(f"  files            {', '.join(ring['files']) or 'none yet'}\n")
    out.write(f"  waiting          {ring['lag_records']} records, {ring['lag_bytes']} bytes\n")
    if ring["sinks"] is None:
        out.write("  counts           unknown: its process does not stand still, or its version writes none down\n")
    sinks = (ring["sinks"] or {}).items()
    out.writelines(f"  counts           {_COUNTS.format(**counts)}: {path}\n" for path, counts in sinks)
    calls = ring["logging"]
    if calls["off"] or calls["native"] or calls["fallbacks"]:
        reasons = ", ".join(f"{count} {reason}" for reason, count in calls["fallbacks"].items())
        out.write(f"  logging          off {calls['off']}, native {calls['native']}; others: {reasons or 'none'}\n")


def _show_log(log: Facts, out: TextIO) -> None:
    out.write(f"{log['path']}\n")
    if "error" in log:
        out.write(f"  cannot be read   {log['error']}\n")
        return
    out.write(f"  size             {log['bytes']} bytes\n")
    lock = log["lock"]
    if lock is None and log["handler"]:
        out.write("  lock             none: a handler of logging writes it, and what waits is said with its ring\n")
        return
    if lock is None:
        out.write("  lock             none: no batch has been written yet\n")
        return
    out.write(f"  lock             {'held: a process is writing' if lock['held'] else 'free'}\n")
    out.write(f"  journal          {_journal(lock['open_journal'])}\n")
    known = [cursor for cursor in lock["cursors"] if cursor["waiting_bytes"] is not None]
    gone = len(lock["cursors"]) - len(known)
    waiting = sum(cursor["waiting_bytes"] for cursor in known)
    out.write(
        f"  cursors          {len(known)} of the rings above, {waiting} bytes behind; {gone} of rings that are gone\n"
    )
    if lock["put_aside_next"] is not None:
        out.write(f"  put aside next   {_time(lock['put_aside_next'])}\n")


def _journal(journal: Facts | None) -> str:
    if journal is None:
        return "closed: every batch is whole"
    return (
        f"open since {_time(journal['since'])}: process {journal['pid']} was appending {journal['length']} bytes "
        f"at {journal['offset']}; who writes next finishes that"
    )


def _time(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))
