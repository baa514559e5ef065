"""Runs CPython's own tests of logging, unmodified, and prints what became of each as JSON.

    python cpython_suite.py MODE PART PARTS MODULE[:WORD]...

MODE is `stdlib`; `face` for `undergird.logging` in the place of `logging`; or `installed`. The tests are dealt out to PARTS processes,
of which this is number PART, because most of their time is spent asleep. With WORD only tests run in whose name it is.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator


def put_ours_in_its_place() -> None:
    """Before anything else has imported `logging`, so that all of it gets ours."""
    from undergird import logging as ours

    for name, module in (("logging", ours), ("logging.handlers", ours.handlers), ("logging.config", ours.config)):
        sys.modules[name] = module


def install() -> None:
    from undergird.logging import install

    install()


mode, part, parts, *modules = sys.argv[1:]
{"stdlib": lambda: None, "face": put_ours_in_its_place, "installed": install}[mode]()

import unittest  # noqa: E402 -- it imports logging


def native_calls() -> int:
    """How many calls have been native."""
    core = sys.modules.get("undergird._core")
    return core.native_calls() if core else 0


class Result(unittest.TextTestResult):
    """What became of each test, and how many of its calls were native; a test of which a part fails has failed."""

    def __init__(self, *args: object, **options: object) -> None:
        super().__init__(*args, **options)  # type: ignore[arg-type]
        self.outcomes: dict[str, str] = {}
        self.native: dict[str, int] = {}

    def startTest(self, test: unittest.TestCase) -> None:
        super().startTest(test)
        self.outcomes[test.id()] = "passed"
        self.native[test.id()] = -native_calls()

    def stopTest(self, test: unittest.TestCase) -> None:
        if test.id() in self.native:  # 3.12.1 stops tests that were skipped before they started
            self.native[test.id()] += native_calls()
        super().stopTest(test)

    def addFailure(self, test: unittest.TestCase, err: object) -> None:
        super().addFailure(test, err)  # type: ignore[arg-type]
        self.outcomes[test.id()] = "failed"

    def addError(self, test: unittest.TestCase, err: object) -> None:
        super().addError(test, err)  # type: ignore[arg-type]
        self.outcomes[test.id()] = "failed"

    def addSubTest(self, test: unittest.TestCase, subtest: unittest.TestCase, err: object) -> None:
        super().addSubTest(test, subtest, err)  # type: ignore[arg-type]
        if err is not None:
            self.outcomes[test.id()] = "failed"

    def addSkip(self, test: unittest.TestCase, reason: str) -> None:
        super().addSkip(test, reason)
        self.outcomes[test.id()] = "skipped"


def tests(asked: str) -> Iterator[unittest.TestCase]:
    """The tests of a module, or those of them in whose name a word is."""
    module, _, word = asked.partition(":")
    loader = unittest.TestLoader()
    if word:
        loader.testNamePatterns = [f"*{word}*"]
    return each(loader.loadTestsFromName(module))


def each(suite: unittest.TestSuite) -> Iterator[unittest.TestCase]:
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from each(test)
        else:
            yield test


everything = [test for module in modules for test in tests(module)]
suite = unittest.TestSuite(everything[int(part) :: int(parts)])
result = unittest.TextTestRunner(sys.stderr, resultclass=Result, verbosity=0).run(suite)
assert isinstance(result, Result)
print(json.dumps({"outcomes": result.outcomes, "native": result.native}))
