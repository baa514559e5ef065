"""What can be had for long: the rows of many records without a pause, from one thread, from eight, by columns."""

from __future__ import annotations

import threading
import time
from statistics import median

import loops
from bench import Bench, Metrics, empty, middle
from loops import Fields


def sustained(bench: Bench) -> Metrics:
    """W5: many records without a pause, until the last byte is in the file."""
    return _sustained(bench, threads=1)


def threaded(bench: Bench) -> Metrics:
    """W6: the same, from eight threads."""
    bench.contender = bench.contender.threaded(bench.contender)
    return _sustained(bench, threads=8)


def _sustained(bench: Bench, threads: int) -> Metrics:
    contender, chunk = bench.contender, bench.scale.chunk
    share = bench.scale.sustained // threads
    loop = loops.records(contender.enabled, contender.names)
    clock = time.perf_counter_ns
    bench.warm_up()
    first = bench.logged
    lost = middle([empty(bench.fields, range(first + at, first + at + chunk)) for at in range(0, 10 * chunk, chunk)])
    start = threading.Barrier(threads)

    times: list[int] = []

    def log(at: int) -> None:
        first, end = at, at + share
        start.wait()
        # By its own clock: who waits for threads may be the last of all to be let run.
        times.append(clock())
        give_up = time.monotonic() + bench.scale.sustained_time
        while at < end and time.monotonic() < give_up:
            size = min(chunk, end - at)
            loop(bench.fields.rows(at, size))
            at += size
        times.append(clock())
        bench.lanes.append(range(first, at))

    firsts = [first + number * share for number in range(threads)]
    # The first of them is this thread: where there is one, it is the main one.
    others = [threading.Thread(target=log, args=(number,)) for number in firsts[1:]]
    with bench.measured():
        for other in others:
            other.start()
        log(firsts[0])
        for other in others:
            other.join()
        contender.flush()
        complete = clock()
    begin, called = min(times), max(times)
    bench.lanes.sort(key=lambda lane: lane.start)
    bench.expect_all()
    count = bench.logged - first
    idle, used = lost.wall / chunk, lost.cpu / chunk
    return {
        "records_per_s": 1e9 / ((complete - begin) / count - idle),
        "call_ns": (called - begin) / count - idle,
        "complete_ns": (complete - begin) / count - idle,
        "cpu_ns": bench.cpu / count - used,
        "loop_ns": idle,
        "records": count,
        "peak_growth_mib": bench.growth_mib,
    }


def numbers(bench: Bench) -> Metrics:
    """W9: rows of four columns of numbers and flags."""
    return _many(bench, loops.NUMBERS)


def texts(bench: Bench) -> Metrics:
    """W9s: the same, one of the columns strings."""
    return _many(bench, loops.TEXTS)


def _many(bench: Bench, fields: Fields) -> Metrics:
    contender = bench.contender
    bench.fields = fields
    if contender.many is not None:
        loop, size = loops.columns(contender.many, contender.names), bench.scale.rows
    else:
        loop, size = loops.row_by_row(contender.with_fourth_field(), contender.names), bench.scale.rows_apart
    clock = time.perf_counter_ns
    loop(*fields.columns(bench.next_numbers(bench.scale.warm_up).start, bench.scale.warm_up))
    contender.flush()
    calls: list[int] = []
    completes: list[int] = []
    for _ in range(bench.scale.batches):
        columns = fields.columns(bench.next_numbers(size).start, size)
        with bench.measured():
            begin = clock()
            loop(*columns)
            called = clock()
            contender.flush()
            complete = clock()
        calls.append(called - begin)
        completes.append(complete - begin)
    bench.expect_all()
    return {
        "call_ns": median(calls) / size,
        "complete_ns": median(completes) / size,
        "cpu_ns": bench.cpu / len(calls) / size,
        "rows": size,
    }
