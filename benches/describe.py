"""Says what an interpreter is and what is installed in it.

Run as a script by the interpreter in question; distributions are its arguments; prints JSON.
"""

from __future__ import annotations

import json
import platform
import sys
import sysconfig
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


def build() -> str:
    """Returns "PGO" or "no PGO": whether the interpreter was built with profile-guided optimisation."""
    options = str(sysconfig.get_config_var("CONFIG_ARGS") or "")
    # Distributions optimise in their own build rules, which leaves no trace in the options.
    distribution = sys.base_prefix == "/usr" and Path("/etc/os-release").exists()
    return "PGO" if "--enable-optimizations" in options or distribution else "no PGO"


def main(distributions: list[str]) -> dict[str, object]:
    """Returns the interpreter's version, build and compiler, and the versions installed."""
    versions: dict[str, str] = {}
    for name in distributions:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return {
        "version": platform.python_version(),
        "build": build(),
        "compiler": platform.python_compiler(),
        "versions": versions,
    }


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1:])))
