"""Turns what was measured into Markdown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bars import BARS, Outcomes, number, ratio
from contenders import CONTENDERS

BEGIN = "<!-- benches: begin (written by benches/run.py --write) -->"
END = "<!-- benches: end -->"

TITLES = {
    "W1": 'a disabled call, `log.debug("x", a=1)`',
    "W3": "a JSON line with three fields: cost on the caller, in bursts of 1,024",
    "W4": "the same with two fields bound to the logger",
    "W4x": "the same within a context of two fields",
    "W5": "one million JSON lines in a row, until the last byte is in the file",
    "W7": "latency of single calls, back to back",
    "W7p": "latency of single calls, one per 20 µs, while another process writes and syncs a large file",
    "W8": "`exception()` with a traceback of ten frames: cost on the caller, in bursts of 1,024",
    "R0": "when a reader of the file sees ten lines that nobody flushed",
}

Cell = Callable[[Outcomes, str], str]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a row's table: its title, and how a contender's cell is made."""

    title: str
    cell: Cell


def _value(metric: str, digits: int = 0, scale: float = 1.0, which: str = "median") -> Cell:
    def cell(outcomes: Outcomes, name: str) -> str:
        found = number(outcomes, name, metric, which)
        return "-" if found is None else f"{found / scale:,.{digits}f}"

    return cell


def _spread(metric: str, digits: int = 0, scale: float = 1.0) -> Cell:
    low = _value(metric, digits, scale, "min")
    high = _value(metric, digits, scale, "max")
    return lambda outcomes, name: (
        "-" if low(outcomes, name) == "-" else f"{low(outcomes, name)} to {high(outcomes, name)}"
    )


def _times(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}x" if value >= 100 else f"{value:.3g}x"


def _times_less(metric: str) -> Cell:
    return lambda outcomes, name: _times(ratio(number(outcomes, "stdlib", metric), number(outcomes, name, metric)))


def _of_ours(metric: str) -> Cell:
    return lambda outcomes, name: _times(ratio(number(outcomes, name, metric), number(outcomes, "undergird", metric)))


def _of_floor(metric: str) -> Cell:
    return lambda outcomes, name: _times(ratio(number(outcomes, name, metric), number(outcomes, "floor", metric)))


def _times_more(metric: str) -> Cell:
    return lambda outcomes, name: _times(ratio(number(outcomes, name, metric), number(outcomes, "stdlib", metric)))


def _ours_over(metric: str) -> Cell:
    return lambda outcomes, name: _times(ratio(number(outcomes, "undergird", metric), number(outcomes, name, metric)))


def _slow(outcomes: Outcomes, name: str) -> str:
    slow, calls = number(outcomes, name, "slow", "sum"), number(outcomes, name, "calls", "sum")
    return "-" if slow is None or calls is None else f"{slow:.0f} of {calls:,.0f}"


def _never(outcomes: Outcomes, name: str) -> str:
    never, trials = number(outcomes, name, "never", "sum"), number(outcomes, name, "trials", "sum")
    return "-" if never is None or trials is None else f"{never:.0f} of {trials:.0f}"


_PROCESS = (
    Column("CPU, s", _value("process_cpu_s", 2)),
    Column("peak memory, MiB", _value("peak_mib", 1)),
)
_LATENCY = (
    Column("p50, µs", _value("p50_ns", 2, 1000.0)),
    Column("p99, µs", _value("p99_ns", 2, 1000.0)),
    Column("p99.9, µs", _value("p999_ns", 2, 1000.0)),
    Column("spread of p99.9", _spread("p999_ns", 2, 1000.0)),
    Column("worst, µs", _value("max_ns", 0, 1000.0, "max")),
    Column("above 1 ms", _slow),
)

_BURSTS = (
    Column("ns a call", _value("call_ns", 1)),
    Column("spread", _spread("call_ns", 1)),
    Column("until in the file, ns", _value("complete_ns")),
    Column("CPU, ns a record", _value("cpu_ns")),
    Column("of the floor", _of_floor("call_ns")),
    Column("of undergird", _of_ours("call_ns")),
    Column("stdlib is", _times_less("call_ns")),
    *_PROCESS,
)

COLUMNS: dict[str, tuple[Column, ...]] = {
    "W1": (
        Column("ns a call", _value("call_ns", 1)),
        Column("spread", _spread("call_ns", 1)),
        Column("of the floor", _of_floor("call_ns")),
        Column("of undergird", _of_ours("call_ns")),
        Column("stdlib is", _times_less("call_ns")),
        *_PROCESS,
    ),
    "W3": _BURSTS,
    "W4": _BURSTS,
    "W4x": _BURSTS,
    "W5": (
        Column("records/s", _value("records_per_s")),
        Column("spread", _spread("records_per_s")),
        Column("caller, ns a record", _value("call_ns")),
        Column("CPU, ns a record", _value("cpu_ns")),
        Column("memory growth, MiB", _value("peak_growth_mib", 1)),
        Column("of stdlib", _times_more("records_per_s")),
        Column("undergird is", _ours_over("records_per_s")),
        *_PROCESS,
    ),
    "W7": (
        *_LATENCY,
        Column("stdlib's p99 is", _times_less("p99_ns")),
        Column("stdlib's p99.9 is", _times_less("p999_ns")),
        *_PROCESS,
    ),
    "W7p": (*_LATENCY, *_PROCESS),
    "W8": _BURSTS,
    "R0": (
        Column("seen after, ms", _value("visible_ms", 2)),
        Column("latest, ms", _value("visible_max_ms", 2, 1.0, "max")),
        Column("not within 1 s", _never),
        *_PROCESS,
    ),
}


def markdown(results: Mapping[str, Any]) -> str:
    """Returns the head, the verdicts and one table per row and Python.

    Args:
        results: What `run.run` returned.
    """
    rows = [row for row in TITLES if any(row in python["rows"] for python in results["pythons"])]
    parts = [_head(results), _verdicts(results, rows), _set_ups()]
    for row in rows:
        parts.append(f"### {row}: {TITLES[row]}")
        for python in results["pythons"]:
            parts += [f"Python {python['label']}", _table(row, python)]
            if row in ("W7", "W7p"):
                parts.append(_clock(python["rows"][row]))
    return "\n\n".join(part for part in parts if part) + "\n"


def inserted(page: str, text: str) -> str:
    """Returns `page` with everything between its markers replaced.

    Args:
        page: The page, with both markers.
        text: What stands between them from now on.

    Raises:
        ValueError: A marker is missing.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page lacks {BEGIN} or {END}")
    return f"{before}{BEGIN}\n\n{text}\n{END}{after}"


def _head(results: Mapping[str, Any]) -> str:
    lines = [f"- {what}: {value}" for what, value in results["machine"].items()]
    for python in results["pythons"]:
        versions = ", ".join(f"{name} {version}" for name, version in sorted(python["versions"].items()))
        lines.append(f"- Python {python['label']}, {python['compiler']}: {versions or 'nothing installed'}")
        lines += [f"- Python {python['label']}: {name} {reason}" for name, reason in python["missing"].items()]
    kind = "a smoke run, its numbers mean nothing" if results["quick"] else "median and spread of all rounds"
    lines.append(f"- measured on {results['date']}, {results['rounds']} rounds, {kind}")
    return "\n".join(lines)


def _set_ups() -> str:
    lines = ["| contender | set-up |", "|---|---|"]
    lines += [f"| {name} | {entry.note} |" for name, entry in CONTENDERS.items()]
    return "### The contenders\n\n" + "\n".join(lines)


def _verdicts(results: Mapping[str, Any], rows: list[str]) -> str:
    ours = [name for name, entry in CONTENDERS.items() if entry.role == "ours"]
    heads = [(python, name) for python in results["pythons"] for name in ours]
    titles = " | ".join(f"{python['label']}, {name}" for python, name in heads)
    lines = [f"| row | asked | {titles} |", "|---|---|" + "---|" * len(heads)]
    for bar in BARS:
        if bar.row in rows:
            cells = " | ".join(bar.verdict(python["rows"].get(bar.row, {}), name) for python, name in heads)
            lines.append(f"| {bar.row} | {bar.text} | {cells} |")
    return "### Asked and reached\n\n" + "\n".join(lines)


def _table(row: str, python: Mapping[str, Any]) -> str:
    columns = COLUMNS[row]
    outcomes: Outcomes = python["rows"][row]
    lines = [
        "| contender | " + " | ".join(column.title for column in columns) + " |",
        "|---|" + "---:|" * len(columns),
    ]
    for name, entry in CONTENDERS.items():
        if row not in entry.rows or not (name in outcomes or name in python["missing"]):
            continue
        remark = python["missing"].get(name) or outcomes.get(name, {}).get("error")
        if remark:
            cells = [_escaped(remark)] + [""] * (len(columns) - 1)
        else:
            cells = [column.cell(outcomes, name) for column in columns]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _clock(outcomes: Outcomes) -> str:
    """Returns what the clock itself contributes to the latencies of a row."""
    cells = []
    for metric, title in (("clock_p50_ns", "p50"), ("clock_p99_ns", "p99"), ("clock_p999_ns", "p99.9")):
        known = [value for name in outcomes if (value := number(outcomes, name, metric)) is not None]
        if known:
            cells.append(f"{title} {sorted(known)[len(known) // 2]:.0f} ns")
    if not cells:
        return ""
    return f"Contained in every one of them: the clock, {', '.join(cells)} (`time.perf_counter_ns`)."


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
