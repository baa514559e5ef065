"""Tests of CPython's that our face fails by what it is; each with its reason.

Both need the module called `logging` to be ours; in a program it is the standard library's. With `install()` nothing is
excluded.
"""

EXCLUDED = {
    "test.test_logging.MiscTestCase.test__all__": (
        "asks for the names whose `__module__` is the module's own name, and ours is undergird.logging; "
        "tests/logging/test_face.py asks for the same names by themselves"
    ),
    "test.test_logging.LoggerTest.test_pickling": (
        "pickle looks `logging.getLogger` up by name, finds ours, and it is not the function that a logger names; "
        "tests/logging/test_face.py pickles loggers of ours where `logging` is the standard library's"
    ),
}
