"""The command `undergird`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from undergird import __version__


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command.

    Args:
        arguments: What stands behind `undergird`; `None` means the process's own.

    Returns:
        The exit code: 0; 1 if something is left to be done, is not well or is not there; 2 for a wrong call or a place
        that cannot be used.
    """
    arguments, program = _split(sys.argv[1:] if arguments is None else arguments)
    options = _parser().parse_args(arguments, argparse.Namespace(program=program))
    try:
        exit_code: int = options.run(options)
    except OSError as error:
        print(f"undergird: error: {error}", file=sys.stderr)
        return 2
    return exit_code


def _split(arguments: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """Takes from `run` what is the program's: all from its name on, whatever it looks like."""
    if arguments and arguments[0] == "run":
        for at, argument in enumerate(arguments[1:], 1):
            if argument in {"-", "--"} or argument.startswith("-m") or not argument.startswith("-"):
                return arguments[:at], arguments[at:]
    return arguments, []


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="undergird", description="A run's logs: made, recovered, examined.")
    parser.add_argument("--version", action="version", version=f"undergird {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    demo = commands.add_parser("demo", help="a cell-sorting simulation logs two million records, and is measured")
    demo.add_argument("directory", nargs="?", type=Path, help="where the files go (default: a new one below runs/)")
    demo.add_argument("--records", type=_positive, default=2_000_000, help="records to log (default: %(default)s)")
    demo.add_argument("--seed", type=_seed, default=1, help="seed of the simulation (default: %(default)s)")
    demo.add_argument("--keep", action="store_true", help="keep the files of the standard library and structlog")
    demo.set_defaults(run=_demo)

    recover = commands.add_parser("recover", help="write what killed processes left in their rings")
    recover.add_argument(
        "directory",
        nargs="?",
        type=Path,
        help="the logs' directory, or their ring_dir (default: where it can be)",
    )
    recover.add_argument("--discard", action="store_true", help="throw away what cannot be written")
    recover.set_defaults(run=_recover)

    doctor = commands.add_parser("doctor", help="show rings and logs: owners, locks, what waits, what was dropped")
    doctor.add_argument("directory", nargs="?", type=Path, help="as for recover")
    doctor.add_argument("--json", action="store_true", help="as one JSON object, for programs")
    doctor.set_defaults(run=_doctor)

    run = commands.add_parser(
        "run",
        help="run a program of the standard library's logging with native loggers",
        usage="undergird run [-h] [--compare] (SCRIPT | -m MODULE) [ARGUMENTS]",
    )
    run.add_argument("--compare", action="store_true", help="run it again without, and show the difference")
    run.set_defaults(run=partial(_run, run))
    return parser


def _positive(text: str) -> int:
    return _number(text, least=1)


def _seed(text: str) -> int:
    return _number(text, least=0)


def _number(text: str, least: int) -> int:
    try:
        number = int(text)
    except ValueError:
        number = least - 1
    if number < least:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {least} up")
    return number


def _demo(options: argparse.Namespace) -> int:
    # They come with an installed undergird, unless somebody wanted it without.
    if missing := [name for name in ("numpy", "structlog") if find_spec(name) is None]:
        names = " ".join(missing)
        print(f"undergird: error: the demo needs what is not installed: pip install {names}", file=sys.stderr)
        return 2
    from undergird.testing.demo import run_demo

    directory = options.directory or Path("runs") / f"demo-{datetime.now().astimezone():%Y%m%d-%H%M%S}"
    report = run_demo(directory, records=options.records, seed=options.seed, keep=options.keep)
    return 0 if report.passed else 1


def _recover(options: argparse.Namespace) -> int:
    from undergird.log.run.rings import recover

    return recover(options.directory, sys.stdout, discard=options.discard)


def _doctor(options: argparse.Namespace) -> int:
    from undergird.log.run.doctor import doctor

    return doctor(options.directory, sys.stdout, as_json=options.json)


def _run(parser: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    from undergird.cli import program

    if not [argument for argument in options.program if argument != "--"]:
        parser.error("a script or a module to run is missing")
    if not program.can_run():
        parser.error("this does not work under python -E, -I and -S")
    return program.compare(options.program) if options.compare else program.run(options.program)


if __name__ == "__main__":
    raise SystemExit(main())
