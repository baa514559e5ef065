"""Our errors are also what a caller would catch."""

from __future__ import annotations

import inspect
import pickle

import pytest

import undergird
from undergird import errors

ERRORS = [error for _, error in inspect.getmembers(errors, inspect.isclass) if issubclass(error, Exception)]


@pytest.mark.parametrize("error", ERRORS)
def test_every_error_is_ours_named_so_and_documented(error: type[Exception]) -> None:
    assert issubclass(error, undergird.UndergirdError)
    assert error.__name__.endswith("Error")
    assert error.__doc__
    assert getattr(undergird, error.__name__) is error


@pytest.mark.parametrize("error", [error for error in ERRORS if error is not errors.UndergirdError])
def test_every_error_is_also_a_builtin_one(error: type[Exception]) -> None:
    assert any(base.__module__ == "builtins" and base is not Exception for base in error.__mro__[2:-3])


@pytest.mark.parametrize("error", ERRORS)
def test_errors_survive_pickling(error: type[Exception]) -> None:
    again = pickle.loads(pickle.dumps(error("what it is about")))
    assert (type(again), str(again)) == (error, "what it is about")
