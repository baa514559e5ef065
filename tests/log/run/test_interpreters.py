"""What interpreters beside the main one get."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.conftest import Script


def test_a_subinterpreter_gets_an_import_error(script: Script) -> None:
    script(
        """
    try:
        import _interpreters as interpreters
    except ImportError:
        import _xxsubinterpreters as interpreters
    source = "try: import undergird.log\\nexcept ImportError as error: assert 'interpreter' in str(error), error\\n"
    source += "else: raise AssertionError('it was imported')"
    import undergird.log
    failed = interpreters.run_string(interpreters.create(), source)
    assert failed is None, failed
    """
    )
