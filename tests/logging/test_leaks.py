"""Loggers and handlers that are made and dropped leave nothing behind."""

from __future__ import annotations

import io
import logging as standard
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.memory import held, set_aside

from undergird import logging
from undergird.logging import install, uninstall

DEEP = os.environ.get("UNDERGIRD_DEEP") == "1"

# Caches may grow now and then, what leaks does so in each round.
ROUNDS = 4
TURNS = (1_000_000 if DEEP else 1_000) // ROUNDS

# What may be left of one round, whatever its number of turns.
ALLOWED = {"blocks": 100, "objects": 100, "bytes": 16 << 10}

Make = Callable[[str], standard.Logger]


@pytest.fixture(scope="module", autouse=True)
def _quick_to_measure() -> None:
    set_aside()


@pytest.fixture(params=["face", "installed"])
def make(request: pytest.FixtureRequest) -> Iterator[Make]:
    """Makes loggers of a kind."""
    if request.param == "installed":
        install()
    yield logging.getLogger if request.param == "face" else standard.getLogger
    uninstall()
    # When the next test begins pytest would add its handler to those that do not propagate.
    for name in [name for name in standard.root.manager.loggerDict if name.startswith("leaks")]:
        del standard.root.manager.loggerDict[name]


def in_the_tree(make: Make, path: Path, number: int) -> None:
    """A logger of the tree, taken out of it; where a place above it is empty, that would hold it."""
    log = make("leaks")
    log.setLevel("INFO")
    log.propagate = False
    with io.StringIO() as stream:
        handler = standard.StreamHandler(stream)
        log.addHandler(handler)
        use(log, number)
        assert stream.getvalue() == f"number {number}\n"
        log.removeHandler(handler)
    del standard.root.manager.loggerDict["leaks"]


def beside_the_tree(make: Make, path: Path, number: int) -> None:
    """A logger that nobody else knows, with handlers that it takes along."""
    log = type(make("leaks_class"))("alone", standard.INFO)
    log.addHandler(standard.NullHandler())
    log.addHandler(standard.FileHandler(path, delay=True))
    log.handlers[1].setLevel(standard.ERROR)
    log.addFilter(lambda record: True)
    log.itself = log  # type: ignore[attr-defined]
    use(log, number)


def handlers_of_one_logger(make: Make, path: Path, number: int) -> None:
    """Handlers come and go."""
    log = make("leaks_handlers")
    log.setLevel("INFO")
    log.propagate = False
    log.handlers = [standard.StreamHandler(io.StringIO())]
    use(log, number)
    log.handlers[:] = [standard.Handler()]
    log.handlers[0].emit = lambda record: None  # type: ignore[method-assign]
    use(log, number)
    log.handlers.clear()


def files(make: Make, path: Path, number: int) -> None:
    """Files are opened and closed; fewer, for they are dear."""
    if number % 20:
        return
    log = make("leaks_files")
    log.setLevel("INFO")
    log.propagate = False
    handler = standard.FileHandler(path, mode="w")
    log.addHandler(handler)
    use(log, number)
    log.removeHandler(handler)
    handler.close()
    assert path.read_text() == f"number {number}\n"


def use(log: standard.Logger, number: int) -> None:
    """Calls that may be native in all ways, learned and known."""
    log.debug("off")
    log.debug("off %d", number)
    log.info("number %d", number)


@pytest.mark.parametrize("turn", [in_the_tree, beside_the_tree, handlers_of_one_logger, files])
@pytest.mark.timeout(3600 if DEEP else 300)
def test_loggers_and_handlers_without_end_leave_nothing_behind(
    turn: Callable[[Make, Path, int], None], make: Make, tmp_path: Path
) -> None:
    for number in range(TURNS // 4):
        turn(make, tmp_path / "run.log", number)
    before = held()
    left: list[dict[str, int]] = []
    for round_ in range(ROUNDS):
        for number in range(round_ * TURNS, (round_ + 1) * TURNS):
            turn(make, tmp_path / "run.log", number)
        now = held()
        left.append({what: now[what] - before[what] for what in now})
        before = now
    print(f"{ROUNDS} rounds of {TURNS:,} turns: {left}")
    for what, allowed in ALLOWED.items():
        assert min(one[what] for one in left) < allowed, what
