"""What the standard library offers around loggers does the same with ours; see `program`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.logging.conftest import Program


def test_dict_config(program: Program) -> None:
    said = program(
        """
        import pathlib, sys

        class Only(logging.Filter):
            def __init__(self, word):
                self.word = word
            def filter(self, record):
                return self.word in record.getMessage()

        early = logging.getLogger("early")
        logging.config.dictConfig({
            "version": 1,
            "filters": {"only": {"()": Only, "word": "agent"}},
            "formatters": {
                "short": {"format": "%(levelname)s:%(name)s:%(funcName)s:%(lineno)d:%(message)s"},
                "braces": {"format": "{levelname:>9} {message}", "style": "{"},
            },
            "handlers": {
                "out": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout", "formatter": "short"},
                "some": {"class": "logging.StreamHandler", "stream": sys.stdout, "formatter": "braces",
                         "filters": ["only"], "level": "WARNING"},
                "file": {"class": "logging.FileHandler", "filename": "run.log", "formatter": "short"},
                "memory": {"class": "logging.handlers.MemoryHandler", "capacity": 2, "target": "out"},
            },
            "loggers": {
                "sim": {"level": "DEBUG", "handlers": ["some", "file"]},
                "sim.quiet": {"level": "ERROR", "propagate": False, "handlers": ["memory"]},
            },
            "root": {"level": "INFO", "handlers": ["out"]},
        })
        log = logging.getLogger("sim")
        log.debug("agent %d", 1)
        log.warning("agent %d", 2)
        log.warning("step")
        early.error("was disabled")
        quiet = logging.getLogger("sim.quiet")
        quiet.warning("off"); quiet.error("one"); quiet.error("two")
        logging.config.dictConfig({"version": 1, "incremental": True, "loggers": {"sim": {"level": "ERROR"}}})
        log.warning("off now"); log.error("agent %d", 3)
        logging.shutdown()
        print(pathlib.Path("run.log").read_text())
        pathlib.Path("run.log").unlink()
        """
    )
    assert "  WARNING agent 2\n" in said
    assert "ERROR:sim.quiet:<module>:" in said
    assert "off" not in said
    assert "was disabled" not in said


def test_file_config(program: Program) -> None:
    said = program(
        """
        import pathlib
        pathlib.Path("logging.ini").write_text('''
        [loggers]
        keys=root,sim
        [handlers]
        keys=out
        [formatters]
        keys=short
        [logger_root]
        level=WARNING
        handlers=out
        [logger_sim]
        level=INFO
        handlers=
        qualname=sim.core
        [handler_out]
        class=StreamHandler
        args=(sys.stdout,)
        formatter=short
        [formatter_short]
        format=%(name)s %(levelname)s %(message)s
        '''.replace("        ", ""))
        logging.config.fileConfig("logging.ini", disable_existing_loggers=False)
        logging.getLogger("sim.core").info("on")
        logging.getLogger("sim.core").debug("off")
        logging.getLogger("sim.other").info("off")
        """
    )
    assert said == "sim.core INFO on\n"


def test_executors(program: Program) -> None:
    said = program(
        """
        import sys
        from concurrent.futures import ThreadPoolExecutor
        logging.basicConfig(stream=sys.stdout, level="INFO", format="%(threadName)s %(name)s %(message).26s")

        def work(number):
            logging.getLogger("work").info("number %d", number)
            logging.getLogger("work").debug("off")

        def fails(future):
            raise LookupError("in a callback")

        with ThreadPoolExecutor(1, "pool") as pool:
            future = pool.submit(work, 1)
            future.result()
            future.add_done_callback(fails)
        """
    )
    assert said.startswith("pool_0 work number 1\nMainThread concurrent.futures exception calling callback")
    assert "LookupError: in a callback" in said


def test_the_logger_of_multiprocessing(program: Program) -> None:
    said = program(
        """
        import multiprocessing, sys
        from multiprocessing import util
        log = multiprocessing.get_logger()
        handler = logging.StreamHandler(sys.stdout)
        handler.setFormatter(logging.Formatter("[%(levelname)s/%(processName)s] %(message)s"))
        log.addHandler(handler)
        log.setLevel(util.SUBWARNING)
        util.sub_warning("%d", 1), util.info("off"), util.debug("off"), log.error("here")
        log.removeHandler(handler)
        """
    )
    assert said == "[Level 25/MainProcess] 1\n[ERROR/MainProcess] here\n"


def test_warnings_that_are_captured(program: Program) -> None:
    said = program(
        """
        import sys, warnings
        warnings.simplefilter("always")
        logging.basicConfig(stream=sys.stdout, format="%(name)s %(levelname)s %(message)s")
        logging.captureWarnings(True)
        warnings.warn("captured")
        logging.getLogger("py.warnings").setLevel("ERROR")
        warnings.warn("off")
        logging.captureWarnings(False)
        """
    )
    assert "py.warnings WARNING" in said
    assert "UserWarning: captured" in said
    assert "off" not in said.replace('warnings.warn("off")', "")


def test_queues_and_their_listeners(program: Program) -> None:
    said = program(
        """
        import queue, sys
        waiting = queue.Queue()
        out = logging.StreamHandler(sys.stdout)
        out.setFormatter(logging.Formatter("%(levelname)s %(message)s %(agent)s", defaults={"agent": "nobody"}))
        out.setLevel("WARNING")
        listener = logging.handlers.QueueListener(waiting, out, respect_handler_level=True)
        logging.root.addHandler(logging.handlers.QueueHandler(waiting))
        logging.root.setLevel("INFO")
        listener.start()
        log = logging.getLogger("sim")
        for number in range(3):
            log.warning("step %d", number, extra={"agent": number})
            log.info("below the handler"), log.debug("off")
        try:
            1 / 0
        except ZeroDivisionError:
            log.exception("division")
        listener.stop()
        """
    )
    assert said.startswith("WARNING step 0 0\nWARNING step 1 1\nWARNING step 2 2\nERROR division")
    assert "below" not in said
