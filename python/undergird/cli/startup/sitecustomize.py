"""Imported by the interpreter that `undergird run` has become, before the program: makes its loggers native.

The program finds the environment and `sys.path` as they would be without, and a `sitecustomize` that it would have had
has been run.
"""

import os
import sys

from undergird.cli import summary


def _leave_no_traces() -> None:
    here, _, path = os.environ["PYTHONPATH"].partition(os.pathsep)
    if path:
        os.environ["PYTHONPATH"] = path
    else:
        del os.environ["PYTHONPATH"]
    sys.path.remove(here)
    sys.path_importer_cache.pop(here, None)


def _load_the_next() -> None:
    ours = sys.modules.pop(__name__)
    try:
        __import__(__name__)
    except ModuleNotFoundError as error:
        if error.name != __name__:
            raise
    finally:
        # The interpreter looks for what it has imported.
        sys.modules.setdefault(__name__, ours)


summary.begin()
_leave_no_traces()
try:
    _load_the_next()
finally:
    from undergird.logging import install

    install()
