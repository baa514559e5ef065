"""Libraries around logging do with our loggers what they do with the standard library's; see `program`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.logging.conftest import Program


def test_rich(program: Program) -> None:
    said = program(
        """
        import sys
        from rich.console import Console
        from rich.logging import RichHandler
        console = Console(file=sys.stdout, width=100, force_terminal=False)
        logging.basicConfig(level="INFO", format="%(message)s", handlers=[
            RichHandler(console=console, show_time=False, rich_tracebacks=True, show_path=False)])
        log = logging.getLogger("rich")
        log.info("agent %d moved", 7, extra={"highlighter": None})
        log.debug("off")
        log_an_exception(log)
        """
    )
    assert "INFO     agent 7 moved" in said
    assert "ZeroDivisionError: division by zero" in said


def test_python_json_logger(program: Program) -> None:
    said = program(
        """
        import sys
        from pythonjsonlogger.json import JsonFormatter
        handler = logging.StreamHandler(sys.stdout)
        handler.setFormatter(JsonFormatter("%(levelname)s %(name)s %(message)s %(lineno)d", rename_fields={"name": "logger"}))
        logging.root.addHandler(handler)
        log = logging.getLogger("json")
        log.setLevel("INFO")
        log.info("agent %s", "seven", extra={"agent": 7, "path": [1, None]})
        log.info({"event": "moved", "x": 0.5})
        log.debug("off")
        log_an_exception(log)
        """
    )
    assert '"message": "agent seven"' in said
    assert '"agent": 7, "path": [1, null]' in said
    assert '"event": "moved", "x": 0.5' in said


def test_sentry(program: Program) -> None:
    said = program(
        """
        import sys
        import sentry_sdk
        from sentry_sdk.integrations.logging import LoggingIntegration, ignore_logger

        def keep(event, hint):
            print([crumb["message"] for crumb in event["breadcrumbs"]["values"]])
            print(event["level"], event["logger"], event["logentry"], sorted(event.get("exception", {})), event["extra"].get("agent"))

        log = logging.getLogger("sim")
        log.setLevel(logging.INFO)
        for _ in range(3):
            log.info("before sentry"), log.debug("off")
        sentry_sdk.init("http://key@localhost/1", before_send=keep, default_integrations=False,
                        integrations=[LoggingIntegration(level=logging.INFO, event_level=logging.ERROR)])
        ignore_logger("sim.ignored")
        log.info("crumb %d", 1), log.debug("off")
        log.error("event %d", 2, extra={"agent": 7})
        logging.getLogger("sim.ignored").error("nothing")
        log_an_exception(log)
        """
    )
    assert "['crumb 1']\nerror sim {'message': 'event %d', 'formatted': 'event 2', 'params': [2]} [] 7\n" in said
    assert "division" in said


def test_open_telemetry(program: Program) -> None:
    said = program(
        """
        import warnings
        from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
        from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor

        exporter, provider = InMemoryLogRecordExporter(), LoggerProvider(shutdown_on_exit=False)
        provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            logging.root.addHandler(LoggingHandler(level=logging.INFO, logger_provider=provider))
        log = logging.getLogger("sim")
        log.setLevel(logging.INFO)
        log.info("agent %d", 7, extra={"agent": 7})
        log.debug("off")
        log_an_exception(log)
        for one in exporter.get_finished_logs():
            record = one.log_record
            known = {key: value for key, value in record.attributes.items() if key in ("agent", "exception.type")}
            print(record.body, record.severity_text, record.severity_number, known, one.instrumentation_scope.name)
        # At the end it would warn that its provider is gone.
        logging.root.handlers.clear()
        logging._handlerList.clear()
        """
    )
    assert "agent 7 INFO SeverityNumber.INFO {'agent': 7} sim" in said
    assert "{'exception.type': 'ZeroDivisionError'}" in said


@pytest.mark.parametrize("debug", [True, False])
def test_django(debug: bool, program: Program) -> None:
    said = program(
        f"""
        import sys
        import django
        from django.conf import settings

        settings.configure(
            DEBUG={debug}, ADMINS=["admin@example.org"],
            LOGGING={{
                "version": 1, "disable_existing_loggers": False,
                "formatters": {{"verbose": {{"format": "{{levelname}} {{name}} {{message}}", "style": "{{"}}}},
                "handlers": {{"out": {{"class": "logging.StreamHandler", "stream": sys.stdout, "formatter": "verbose"}}}},
                "root": {{"handlers": ["out"], "level": "WARNING"}},
                "loggers": {{"shop": {{"level": "INFO"}}}},
            }},
        )
        django.setup()
        from django.utils.log import AdminEmailHandler
        sent = []
        AdminEmailHandler.emit = lambda self, record: sent.append(record.getMessage())
        logging.getLogger("shop.cart").info("item %d", 7)
        logging.getLogger("shop.cart").debug("off")
        logging.getLogger("django.request").warning("Not Found: %s", "/x")
        logging.getLogger("django.request").error("Internal Server Error: %s", "/y", extra={{"status_code": 500}})
        logging.getLogger("django.db.backends").debug("off")
        logging.getLogger("django.server").handlers[0].formatter.format = lambda record: "server " + record.getMessage()
        logging.getLogger("django.server").info("GET %s", "/")
        print(sent)
        """
    )
    assert "INFO shop.cart item 7\n" in said
    assert "server GET /\n" in said
    assert "off" not in said
    assert ("['Internal Server Error: /y']" in said) == (not debug)


def test_uvicorn(program: Program) -> None:
    said = program(
        """
        import uvicorn
        async def application(scope, receive, send): ...
        config = uvicorn.Config(application, use_colors=False, log_level="info")
        logging.getLogger("uvicorn.error").info("Started server process [%d]", 7, extra={"color_message": "Started [%d]"})
        logging.getLogger("uvicorn.access").info('%s - "%s %s HTTP/%s" %d', "127.0.0.1:5000", "GET", "/", "1.1", 200)
        logging.getLogger("uvicorn.error").log(uvicorn.config.TRACE_LOG_LEVEL, "off")
        logging.getLogger("uvicorn.asgi").debug("off")
        uvicorn.Config(application, use_colors=True, log_level="trace")
        logging.getLogger("uvicorn.error").log(uvicorn.config.TRACE_LOG_LEVEL, "on")
        """
    )
    assert "INFO:     Started server process [7]\n" in said
    assert 'INFO:     127.0.0.1:5000 - "GET / HTTP/1.1" 200 OK\n' in said
    assert "TRACE" in said


def test_a_set_up_as_celery_makes_it(program: Program) -> None:
    said = program(
        """
        import sys, threading

        class TaskFormatter(logging.Formatter):
            def format(self, record):
                record.__dict__.update(task_name=task[-1], task_id="7")
                return super().format(record)
            def formatException(self, info):
                return "TASK " + super().formatException(info).splitlines()[-1]

        class Aware(logging.getLoggerClass()):
            _signal_safe = True
            def makeRecord(self, *args, **options):
                record = super().makeRecord(*args, **options)
                record.processName = "worker"
                return record
            def log(self, *args, **options):
                if threading.current_thread() is threading.main_thread():
                    return super().log(*args, **options)

        class Proxy:
            def __init__(self, logger, level):
                self.logger, self.level, self.inside = logger, level, threading.local()
            def write(self, text):
                if text.strip() and not getattr(self.inside, "now", False):
                    self.inside.now = True
                    try:
                        self.logger.log(self.level, text.strip())
                    finally:
                        self.inside.now = False
            def flush(self): pass

        task = ["none"]
        before = logging.getLogger("celery.before")
        logging.setLoggerClass(Aware)
        logging.root.handlers[:] = []
        handler = logging.StreamHandler(out := sys.stdout)
        handler.setFormatter(TaskFormatter("[%(levelname)s/%(processName)s] %(task_name)s[%(task_id)s]: %(message)s"))
        logging.root.addHandler(handler)
        logging.root.setLevel(logging.INFO)
        log = logging.getLogger("celery.task")
        task.append("tasks.add")
        log.info("received"), before.info("received"), log.debug("off"), before.debug("off")
        sys.stdout = Proxy(logging.getLogger("celery.redirected"), logging.WARNING)
        print("printed")
        sys.stdout = out
        try:
            1 / 0
        except ZeroDivisionError:
            log.exception("failed")
        """
    )
    assert said == (
        "[INFO/worker] tasks.add[7]: received\n"
        "[INFO/MainProcess] tasks.add[7]: received\n"
        "[WARNING/worker] tasks.add[7]: printed\n"
        "[ERROR/worker] tasks.add[7]: failed\nTASK ZeroDivisionError: division by zero\n"
    )


def test_structlog(program: Program) -> None:
    said = program(
        """
        import sys
        import structlog
        shared = [structlog.stdlib.add_logger_name, structlog.stdlib.add_log_level, structlog.stdlib.PositionalArgumentsFormatter()]
        structlog.configure(
            processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
            logger_factory=structlog.stdlib.LoggerFactory(), wrapper_class=structlog.stdlib.BoundLogger)
        handler = logging.StreamHandler(sys.stdout)
        handler.setFormatter(structlog.stdlib.ProcessorFormatter(
            processor=structlog.processors.KeyValueRenderer(sort_keys=True), foreign_pre_chain=shared))
        logging.basicConfig(level="INFO", handlers=[handler])
        log = structlog.get_logger("bound").bind(agent=7)
        log.info("moved %d", 3, x=0.5)
        log.debug("off")
        logging.getLogger("plain").warning("plain %d", 4)
        logging.getLogger("plain").debug("off")
        """
    )
    assert said.splitlines() == [
        "agent=7 event='moved 3' level='info' logger='bound' x=0.5",
        "event='plain 4' level='warning' logger='plain'",
    ]


@pytest.mark.parametrize("target", ["makeRecord", "callHandlers", "handle", "_log", "isEnabledFor"])
def test_tracers_that_wrap_methods_of_the_class(target: str, program: Program) -> None:
    # As ddtrace, newrelic, elastic-apm do, while the program runs; some wrap with objects that bind.
    said = program(
        f"""
        import functools, sys
        logging.basicConfig(stream=sys.stdout, level="INFO", format="%(message)s")
        loggers = [logging.getLogger("sim"), logging.root]

        class Wrapper:
            def __init__(self, wrapped):
                functools.update_wrapper(self, wrapped)
            def __get__(self, instance, owner):
                bound = self.__wrapped__.__get__(instance, owner)
                return lambda *args, **options: traced("{target}", bound, *args, **options)

        def traced(name, call, *args, **options):
            print("traced", name, sys._getframe(1).f_code.co_name)
            return call(*args, **options)

        def calls():
            for log in loggers:
                for _ in range(2):
                    log.info("on %d", 1), log.debug("off")

        calls()
        original = logging.Logger.{target}
        def function(self, *args, **options):
            return traced("{target}", original, self, *args, **options)
        for wrapped in function, Wrapper(original), original:
            logging.Logger.{target} = wrapped
            calls()
        """
    )
    assert said.count("on 1") == 16
    assert said.count(f"traced {target}") == (16 if target == "isEnabledFor" else 8)


def test_records_with_what_a_tracer_adds(program: Program) -> None:
    said = program(
        """
        import sys
        make = logging.getLogRecordFactory()
        def with_trace(*args, **options):
            record = make(*args, **options)
            record.otelTraceID = "0af7"
            return record
        log = logging.getLogger("sim")
        logging.basicConfig(stream=sys.stdout, level="INFO", format="%(message)s")
        log.info("before")
        logging.setLogRecordFactory(with_trace)
        logging.basicConfig(stream=sys.stdout, level="INFO", format="%(otelTraceID)s %(message)s", force=True)
        log.info("after"), log.debug("off")
        """
    )
    assert said == "before\n0af7 after\n"


def test_the_frame_that_an_intercepting_handler_finds(program: Program) -> None:
    # As loguru's users send records of logging on to it.
    said = program(
        """
        import sys, logging as standard
        class Intercept(logging.Handler):
            def emit(self, record):
                frame, depth = standard.currentframe(), 0
                while frame and (depth == 0 or frame.f_code.co_filename == standard.__file__):
                    frame, depth = frame.f_back, depth + 1
                print(depth, frame.f_code.co_name, record.getMessage())
        logging.basicConfig(handlers=[Intercept()], level=0)
        def caller():
            logging.getLogger("sim").info("here")
        caller()
        logging.disable(logging.DEBUG), logging.getLogger("sim").debug("off")
        """
    )
    assert said.endswith(" caller here\n")
