"""Native methods are put into the standard library's classes and taken out again, and what others have put there stays."""

from __future__ import annotations

import logging as standard
from typing import TYPE_CHECKING
from unittest import mock

import pytest

from undergird import _core, get_logger
from undergird.logging import install, uninstall

if TYPE_CHECKING:
    from tests.conftest import Script


def test_the_root_is_native_after_loggers_of_ours_are_in_use(monkeypatch: pytest.MonkeyPatch) -> None:
    get_logger("tests.native.ours").debug("x")
    install()
    monkeypatch.setattr(standard.root, "level", standard.WARNING)
    standard.root.manager._clear_cache()  # type: ignore[attr-defined]
    before = _core.native_calls()
    for _ in range(3):
        standard.root.debug("off")
    uninstall()
    assert _core.native_calls() == before + 3


def test_installing_is_reversible_at_any_time() -> None:
    methods = dict(vars(standard.Logger))
    theirs = standard.getLogger("tests.native.of_the_standard_library")
    for _ in range(2):
        install()
        install()
        assert type(vars(standard.Logger)["info"]) is not type(methods["info"])
        before = _core.native_calls()
        theirs.debug("off")
        theirs.debug("off")
        assert _core.native_calls() > before
        uninstall()
        uninstall()
        assert dict(vars(standard.Logger)) == methods


def test_what_was_patched_meanwhile_stays() -> None:
    original = standard.Logger.info
    install()
    try:
        with mock.patch.object(standard.Logger, "info") as patch:
            uninstall()
            assert standard.Logger.info is patch
            install()
            assert standard.Logger.info is patch
    finally:
        uninstall()
        standard.Logger.info = original  # type: ignore[method-assign]
    assert vars(standard.Logger)["info"] is original


def test_a_class_that_was_changed_before_is_left_alone(script: Script) -> None:
    script(
        """
        import logging

        calls = []
        original = logging.Logger.isEnabledFor
        logging.Logger.isEnabledFor = lambda self, level: calls.append(level) or original(self, level)
        from undergird import logging as ours
        ours.install()
        for logger in (ours.getLogger("ours"), logging.getLogger("theirs")):
            for _ in range(3):
                logger.debug("x")
        assert calls == [10] * 6, calls
        """
    )


def test_a_patch_that_was_there_first_is_no_original(script: Script) -> None:
    script(
        """
        import logging
        from unittest import mock
        from undergird import _core, logging as ours

        with mock.patch.object(logging.Logger, "debug") as patch:
            logger = ours.getLogger("ours")
            ours.install()
            logger.debug("x")
            logger.debug("y")
            assert patch.call_count == 2
        logger.debug("x"), logger.debug("x")
        assert _core.native_calls() == 2
        """
    )


def test_a_forked_child_goes_on_by_itself(script: Script) -> None:
    script(
        """
        import os
        from undergird import _core, logging

        logger = logging.getLogger("forked")
        logger.debug("x"), logger.debug("x")
        if (child := os.fork()) == 0:
            before = _core.native_calls()
            logger.debug("x"), logger.debug("x")
            native = _core.native_calls() - before
            logger.handlers.append(handler := logging.NullHandler())
            handler.handle = calls = []
            handler.handle = calls.append
            logger.setLevel(logging.DEBUG)
            logger.debug("on")
            os._exit(0 if native == 2 and len(calls) == 1 else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        """
    )
