"""A few calls of every kind, without what a test-suite loads: for tools that look at each access to memory.

`python -m tests.every_kind`, with the root of the project as the working directory.
"""

from __future__ import annotations

import logging as standard
import os
import sys
import tempfile
from pathlib import Path

from tests.log import kinds_of_calls, kinds_of_values  # noqa: F401
from tests.log.kind import KINDS
from tests.logging.test_leaks import beside_the_tree, files, handlers_of_one_logger, in_the_tree

import undergird
from undergird import logging
from undergird.logging import install, uninstall

# The first makes what the others find made.
TURNS = 3


def structured(folder: Path) -> None:
    """Calls of loggers of ours."""
    for name, (make, settings, _) in KINDS.items():
        print(name, flush=True)
        undergird.configure(folder / "run.log", **{"level": 1, "ring_dir": folder, **settings})
        call = make(undergird.get_logger(name))
        for number in range(TURNS):
            call(number)
        undergird.shutdown()
        standard.root.handlers.clear()


def standards(folder: Path) -> None:
    """Calls of the standard library's loggers, beside them and in their place."""
    for turn in (in_the_tree, beside_the_tree, handlers_of_one_logger, files):
        print(turn.__name__, flush=True)
        for number in range(TURNS):
            turn(logging.getLogger, folder / "standard.log", number)
            install()
            turn(standard.getLogger, folder / "standard.log", number)
            uninstall()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        # What the kinds of calls write there is of no interest.
        sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115
        structured(Path(made))
        standards(Path(made))
