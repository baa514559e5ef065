"""Turns what was measured into Markdown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bars import BARS, Outcomes, best_rival, number, ratio
from contenders.entries import CONTENDERS

BEGIN = "<!-- benches: begin (written by benches/run.py --write) -->"
END = "<!-- benches: end -->"

TITLES = {
    "W1": 'a disabled call, `log.debug("x", a=1)`',
    "W1d": 'a disabled call with an argument, `log.debug("x %d", 3)`',
    "W2": "a line of text with two arguments: cost on the caller, in bursts of 1,024",
    "W3": "a JSON line with three fields: cost on the caller, in bursts of 1,024",
    "W4": "the same with two fields bound to the logger",
    "W4x": "the same within a context of two fields",
    "W4c": "the same with function and line of the call",
    "W5": "one million JSON lines in a row, until the last byte is in the file",
    "W6": "the same from eight threads",
    "W7": "latency of single calls, back to back",
    "W7p": "latency of single calls, one per 20 µs, while another process writes and syncs a large file",
    "W8": "`exception()` with a traceback of ten frames: cost on the caller, in bursts of 1,024",
    "W9": "100,000 records of four columns of numbers and flags, by `log.many`; the others row by row",
    "W9s": "the same, one of the columns strings",
    "W10": "a JSON line with three fields, and a handler of somebody else's on the root",
    "W11": "the same as W3 with every line in the file when the call returns",
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
    return lambda outcomes, name: _times(
        ratio(number(outcomes, name, metric), number(outcomes, _ours_in(outcomes), metric))
    )


def _ours_in(outcomes: Outcomes) -> str:
    return "undergird" if "undergird" in outcomes else "undergird-logging"


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

_CALL = (
    Column("ns a call", _value("call_ns", 1)),
    Column("spread", _spread("call_ns", 1)),
)
_BESIDE = (
    Column("of the floor", _of_floor("call_ns")),
    Column("of undergird", _of_ours("call_ns")),
    Column("stdlib is", _times_less("call_ns")),
    *_PROCESS,
)
_DISABLED = (*_CALL, *_BESIDE)
_BURSTS = (
    *_CALL,
    Column("until in the file, ns", _value("complete_ns")),
    Column("CPU, ns a record", _value("cpu_ns")),
    *_BESIDE,
)

_SUSTAINED = (
    Column("records/s", _value("records_per_s")),
    Column("spread", _spread("records_per_s")),
    Column("caller, ns a record", _value("call_ns")),
    Column("CPU, ns a record", _value("cpu_ns")),
    Column("memory growth, MiB", _value("peak_growth_mib", 1)),
    Column("of stdlib", _times_more("records_per_s")),
    Column("undergird is", _ours_over("records_per_s")),
    *_PROCESS,
)
_MANY = (
    Column("ns a row", _value("call_ns", 1)),
    Column("spread", _spread("call_ns", 1)),
    Column("until in the file, ns", _value("complete_ns")),
    Column("CPU, ns a row", _value("cpu_ns")),
    Column("of undergird", _of_ours("call_ns")),
    Column("stdlib is", _times_less("call_ns")),
    *_PROCESS,
)

COLUMNS: dict[str, tuple[Column, ...]] = {
    "W1": _DISABLED,
    "W1d": _DISABLED,
    "W2": _BURSTS,
    "W3": _BURSTS,
    "W4": _BURSTS,
    "W4x": _BURSTS,
    "W4c": _BURSTS,
    "W5": _SUSTAINED,
    "W6": _SUSTAINED,
    "W7": (
        *_LATENCY,
        Column("stdlib's p99 is", _times_less("p99_ns")),
        Column("stdlib's p99.9 is", _times_less("p999_ns")),
        *_PROCESS,
    ),
    "W7p": (*_LATENCY, *_PROCESS),
    "W8": _BURSTS,
    "W9": _MANY,
    "W9s": _MANY,
    "W10": _BURSTS,
    "W11": _BURSTS,
    "R0": (
        Column("seen after, ms", _value("visible_ms", 2)),
        Column("latest, ms", _value("visible_max_ms", 2, 1.0, "max")),
        Column("not within 1 s", _never),
        *_PROCESS,
    ),
}


def markdown(results: Mapping[str, Any]) -> str:
    """Returns the head, the summary, the verdicts and one table per row and Python.

    Args:
        results: What `run.run` returned.
    """
    rows = [row for row in TITLES if any(row in python["rows"] for python in results["pythons"])]
    parts = [_head(results), _in_short(results), _verdicts(results, rows), _set_ups()]
    for row in rows:
        parts.append(f"### {row}: {TITLES[row]}")
        for python in results["pythons"]:
            if row not in python["rows"]:
                continue
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
    lines += _runs(results)
    return "\n".join(lines)


def _runs(results: Mapping[str, Any]) -> list[str]:
    """Returns when what was measured, and how often."""
    runs: dict[str, list[str]] = {}
    for python in results["pythons"]:
        grouped: dict[str, list[str]] = {}
        for row, run in python["runs"].items():
            kind = "a smoke run, its numbers mean nothing" if run["quick"] else "median and spread of all rounds"
            grouped.setdefault(f"measured on {run['date']}, {run['rounds']} rounds, {kind}", []).append(row)
        for text, rows in grouped.items():
            runs.setdefault(text, []).append(f"Python {python['label']} {', '.join(rows)}")
    if len(runs) == 1:
        return [f"- {text}" for text in runs]
    return [f"- {text}: {'; '.join(rows)}" for text, rows in runs.items()]


_HEADLINES = (
    ("a disabled call", "W1", "call_ns", 1.0, "ns"),
    ("a JSON line, to its caller", "W3", "call_ns", 1.0, "ns"),
    ("with function and line of the call", "W4c", "call_ns", 1.0, "ns"),
    ("with a traceback of ten frames", "W8", "call_ns", 1000.0, "µs"),
    ("one of 100,000 rows in arrays", "W9", "call_ns", 1.0, "ns"),
    ("a line that is in the file when the call returns", "W11", "call_ns", 1000.0, "µs"),
    ("of 1,000 calls the slowest but one", "W7", "p999_ns", 1000.0, "µs"),
    ("JSON lines in the file a second, one thread", "W5", "records_per_s", 1e6, "million"),
    ("JSON lines in the file a second, eight threads", "W6", "records_per_s", 1e6, "million"),
)


def _in_short(results: Mapping[str, Any]) -> str:
    """Returns what may be claimed elsewhere: undergird as everybody gets it, beside `logging` and the best rival."""
    lines = [
        "| | row | " + " | ".join(python["label"] for python in results["pythons"]) + " |",
        "|---|---|" + "---|" * len(results["pythons"]),
    ]
    for what, row, metric, scale, unit in _HEADLINES:
        cells = [_headline(python["rows"].get(row, {}), metric, scale, unit) for python in results["pythons"]]
        if any(cells):
            lines.append(f"| {what} | {row} | " + " | ".join(cell or "-" for cell in cells) + " |")
    return "### In short\n\n" + "\n".join(lines) if len(lines) > 2 else ""


def _headline(outcomes: Outcomes, metric: str, scale: float, unit: str) -> str:
    ours = number(outcomes, "undergird", metric)
    if ours is None:
        return ""
    most = metric == "records_per_s"
    rival = best_rival(outcomes, metric, most=most)
    others = [("`logging`", number(outcomes, "stdlib", metric))]
    others += [(rival, number(outcomes, rival, metric))] if rival else []
    beside = [f"{_beside(ours, theirs, most)} {name}" for name, theirs in others if theirs is not None]
    return ", ".join([f"{ours / scale:.3g} {unit}", *beside])


def _set_ups() -> str:
    lines = ["| contender | set-up |", "|---|---|"]
    lines += [f"| {name} | {entry.note} |" for name, entry in CONTENDERS.items()]
    return "### The contenders\n\n" + "\n".join(lines)


def _beside(ours: float, theirs: float, most: bool) -> str:
    if most or ours > theirs:
        return f"{_times(ratio(ours, theirs))} that of"
    return f"{_times(ratio(theirs, ours))} less than"


def _verdicts(results: Mapping[str, Any], rows: list[str]) -> str:
    parts = ["### Asked and reached"]
    titles = " | ".join(python["label"] for python in results["pythons"])
    for name, entry in CONTENDERS.items():
        bars = [bar for bar in BARS if bar.row in rows and entry.takes_part(bar.row)]
        if entry.role != "ours" or not bars:
            continue
        lines = [f"| row | asked of {name} | {titles} |", "|---|---|" + "---|" * len(results["pythons"])]
        for bar in bars:
            cells = " | ".join(bar.verdict(python["rows"], name) for python in results["pythons"])
            lines.append(f"| {bar.row} | {bar.text} | {cells} |")
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


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
