"""The files of a run are opened together or not at all, and none is another's."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import undergird
from undergird import FileSink, Rotation
from undergird.log.run.settings import log_file
from undergird.log.sinks import opened

if TYPE_CHECKING:
    from tests.conftest import Script
    from tests.log.conftest import Run


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"level": "LOUD"}, "'LOUD'"),
        ({"format": "pretty"}, "format 'pretty'"),
        ({"loggers": 3}, "loggers 3"),
        ({"loggers": ["sim", 3]}, "loggers: 3"),
        ({"loggers": ""}, "loggers: ''"),
        ({"loggers": ["sim."]}, "loggers: 'sim.'"),
        ({"except_loggers": ["sim..cells"]}, "except_loggers: 'sim..cells'"),
        ({"loggers": ["sim"], "except_loggers": ["net", "sim"]}, "'sim' is among both"),
        ({"rotation": 3000}, "rotation 3000"),
    ],
)
def test_a_sink_that_cannot_be_is_named(settings: dict[str, Any], named: str) -> None:
    with pytest.raises(undergird.ConfigurationError) as caught:
        FileSink("other.log", **settings)
    assert named in str(caught.value)


def test_a_setting_that_a_sink_does_not_have_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="colour"):
        FileSink("other.log", colour="blue")  # type: ignore[call-arg]


@pytest.mark.parametrize("sinks", [3, "other.log", ["other.log"], FileSink("other.log"), [{"path": "other.log"}]])
def test_what_is_no_list_of_sinks_is_named(sinks: Any, there: Path) -> None:
    with pytest.raises(undergird.ConfigurationError, match=r"sinks.*undergird\.FileSink"):
        undergird.configure("run.log", sinks=sinks)
    assert not list(there.iterdir())


def test_a_file_that_cannot_be_opened_leaves_the_run_as_it_was(run: Run, there: Path) -> None:
    log = run.start()
    (there / "folder").mkdir()
    for path in ("folder", "no/such/file.log"):
        with pytest.raises(undergird.LogFileError, match=path.partition("/")[0]):
            undergird.configure(run.path, sinks=[FileSink("fine.log"), FileSink(path)])
    log.info("goes on")
    assert run.messages() == ["goes on"]
    assert not (there / "fine.log").exists()


def test_a_file_has_one_sink_whatever_names_lead_to_it(run: Run, there: Path) -> None:
    (there / "sub").mkdir()
    (there / "link.log").symlink_to("run.log")
    (there / "linked").symlink_to("sub")
    for first, second in [("run.log", "sub/../run.log"), ("run.log", "link.log"), ("sub/a.log", "linked/a.log")]:
        with pytest.raises(undergird.ConfigurationError, match="is the file of another sink"):
            undergird.configure(first, sinks=[FileSink(second)])
        with pytest.raises(undergird.ConfigurationError, match="is the file of another sink"):
            undergird.configure("main.log", sinks=[FileSink(first), FileSink(second)])
    Path("run.log").touch()
    (there / "hard.log").hardlink_to("run.log")
    with pytest.raises(undergird.ConfigurationError, match="is the file of another sink"):
        undergird.configure("run.log", sinks=[FileSink("hard.log")])


@pytest.mark.parametrize(
    ("rotation", "name"),
    [
        (Rotation(max_bytes=1000), "run.log.1"),
        (Rotation(max_bytes=1000, compress="gzip"), "run.log.7.gz"),
        (Rotation(when="midnight"), "run.log.2026-11-21"),
        (Rotation(when="midnight", backup_name="{stem}-%Y%m%d{suffix}"), "run-20261121.log.3"),
    ],
)
def test_a_file_whose_name_rotation_gives_to_another_is_refused(rotation: Rotation, name: str, there: Path) -> None:
    with pytest.raises(undergird.ConfigurationError, match="when it is put aside"):
        undergird.configure(sinks=[FileSink("run.log", rotation=rotation), FileSink(name)])
    with pytest.raises(undergird.ConfigurationError, match="when it is put aside"):
        undergird.configure(sinks=[FileSink(name), FileSink("run.log", rotation=rotation)])


def test_a_file_that_would_be_put_aside_over_another_is_refused_whatever_names_lead_to_them(there: Path) -> None:
    (there / "real").mkdir()
    (there / "links").mkdir()
    (there / "alias").symlink_to("real")
    (there / "links" / "app.log").symlink_to("../real/run.log")
    (there / "links" / "errors.log").symlink_to("../alias/run.log.1")
    (there / "real" / "run.log.2").symlink_to("../other.log")
    for log in ("real/run.log", "links/app.log", "alias/run.log"):
        rotating = FileSink(log, rotation=Rotation(max_bytes=1000))
        for other in ("real/run.log.1", "alias/run.log.1", "links/errors.log", "real/run.log.2"):
            for sinks in ([rotating, FileSink(other)], [FileSink(other), rotating]):
                with pytest.raises(undergird.ConfigurationError, match="when it is put aside"):
                    undergird.configure(sinks=sinks)


def test_what_is_beside_a_link_to_a_log_is_not_what_that_is_put_aside_as(there: Path) -> None:
    (there / "real").mkdir()
    (there / "app.log").symlink_to("real/run.log")
    sinks = [FileSink("app.log", rotation=Rotation(max_bytes=1000)), FileSink("app.log.1"), FileSink("run.log.1")]
    with ExitStack() as made:
        assert len(opened(sinks, beside=None, made=made)) == 3


def test_a_run_of_many_files_begins_where_few_descriptors_are_left(script: Script) -> None:
    script(
        """
        import os, resource, undergird
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        sinks = [undergird.FileSink(f"{number}.log") for number in range(9)]
        for limit in range(len(os.listdir("/proc/self/fd")), limits[0]):
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limits[1]))
            try:
                undergird.configure(sinks=sinks)
                break
            except undergird.LogFileError:
                pass
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, limits)
            assert os.listdir() == [], os.listdir()
        undergird.get_logger("x").info("x")
        assert undergird.flush(), undergird.stats()
        assert all(open(f"{number}.log").read().count("message") == 1 for number in range(9))
        """
    )


@pytest.mark.parametrize("missing", ["run.log", "errors.log"])
def test_a_log_that_was_put_aside_just_after_it_was_opened_keeps_no_worker_out(
    missing: str, there: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def put_aside(path: object, made: ExitStack) -> Path:
        file = log_file(path, made)
        if file.name == missing:
            file.rename(there / "aside")
        return file

    monkeypatch.setattr("undergird.log.sinks.log_file", put_aside)
    with ExitStack() as made:
        assert len(opened([FileSink("run.log"), FileSink("errors.log")], beside=None, made=made)) == 2


def test_a_process_may_join_a_run_while_others_put_its_logs_aside(tmp_path: Path) -> None:
    logs = [tmp_path / name for name in ("run.log", "errors.log")]
    stop = threading.Event()

    def put_aside() -> None:
        while not stop.is_set():
            for log in logs:
                log.touch()
                log.rename(tmp_path / "aside")
                # Its number is free for the next.
                (tmp_path / "aside").unlink()

    rotating = threading.Thread(target=put_aside)
    rotating.start()
    try:
        for _ in range(100):
            with ExitStack() as made:
                assert len(opened([FileSink(log) for log in logs], beside=None, made=made)) == 2
                made.pop_all()
    finally:
        stop.set()
        rotating.join()
