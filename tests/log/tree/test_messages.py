"""The message of a call and its `%` arguments: the text that the standard library makes of them."""

from __future__ import annotations

import decimal
import json
import logging
import re
import types
from collections import OrderedDict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

if TYPE_CHECKING:
    from tests.log.conftest import Run


ANY_TEXT = st.text(st.characters(exclude_categories=()))
PRIMITIVES = st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT | st.integers(-(10**400), 10**400)


FLAGS = st.text("#0- +", max_size=3)
WIDTHS = st.just("") | st.integers(0, 40).map(str)
PRECISIONS = st.just("") | st.just(".") | st.integers(0, 30).map(".{}".format)
PIECES = ANY_TEXT.map(lambda text: text.replace("%", "%%")) | st.builds(
    "%{}{}{}{}{}".format,
    FLAGS,
    WIDTHS,
    PRECISIONS,
    st.sampled_from(["", "l", "h", "L"]),
    st.sampled_from("diouxXeEfFgGcrsa%"),
)
ARGUMENTS = st.lists(
    PRIMITIVES | st.integers(-50, 200) | st.sampled_from([1j, (1, 2), [1], {"a": 1}, b"x", decimal.Decimal("1.5")]),
    min_size=1,
    max_size=5,
)
CALLS = st.tuples(st.lists(PIECES, max_size=5).map("".join), ARGUMENTS)


def in_the_standard_library(template: str, arguments: list[Any]) -> str | None:
    """The text that a `LogRecord` gives, or `None` where it raises."""
    record = logging.LogRecord("x", 20, "x", 1, template, tuple(arguments), None)
    try:
        return record.getMessage()
    except Exception:
        return None


def test_messages_are_those_of_the_standard_library(either: Run) -> None:
    log = either.start()
    logging.raiseExceptions = False

    @given(st.lists(CALLS, min_size=1, max_size=10))
    @example([("%*d|%-*d|%.*f|%0*d", [7, 42, 7, 42, 2, 2.5, 5, 3]), ("%*d", [2**70, 1]), ("%.*f", ["x", 1.0])])
    @example([("%d of %s, %.3f%%, %5s|%-5s|%05d|%x|%r|%a|%c", [1, "x", 2.5, "é", None, -3, 255, "\ud800", "é", 65])])
    @example(
        [("%s", [True]), ("%d", [1e300]), ("%c", ["\U0001f600"]), ("%.2s", ["\U0001f600xy"]), ("%s %s", [{"a": 1}, 2])]
    )
    @example([("%(a)s", [{"a": 1}]), ("%s", [{}]), ("%s", [()]), ("%s", [(1,)]), ("%s", [[]]), ("%%", [1]), ("%", [1])])
    def check(calls: list[tuple[str, list[Any]]]) -> None:
        either.new_lines()
        for template, arguments in calls:
            log.info(template, *arguments)
        found = [line["message"] for line in either.new_lines()]
        assert len(found) == len(calls)
        for message, (template, arguments) in zip(found, calls, strict=True):
            expected = in_the_standard_library(template, arguments)
            if expected is None:
                # Where the standard library prints a traceback and drops the record, both parts are kept.
                assert message == json.loads(json.dumps(f"{template} {tuple(arguments)}"))
            else:
                assert message == json.loads(json.dumps(expected)), (template, arguments)

    check()


def test_a_template_without_arguments_is_the_message(either: Run) -> None:
    log = either.start()
    for message in ("100%", "%s", "%(a)s", "%%"):
        log.info(message)
    assert either.messages() == ["100%", "%s", "%(a)s", "%%"]


def test_arguments_that_do_not_fit_are_shown_and_reported_as_the_standard_library_does(
    either: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    log = either.start()
    log.info("%d apples", "seven")
    log.info("%s and %s", 1)
    assert either.messages() == ["%d apples ('seven',)", "%s and %s (1,)"]
    told = capsys.readouterr().err
    assert told.count("--- Logging error ---") == 2
    assert "%d apples" in told
    assert "seven" in told
    logging.raiseExceptions = False
    log.info("%d apples", "seven")
    assert capsys.readouterr().err == ""


def test_the_report_of_arguments_that_do_not_fit_shows_the_line_of_the_call(
    either: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    log = either.start()
    log.info("%d apples", "seven")
    log.bind(a=1).log(25, "%s and %s", 1)
    logging.getLogger(log.name).info("%d pears", "six")
    for told, call in zip(
        capsys.readouterr().err.split("--- Logging error ---\n")[1:],
        ['info("%d apples", "seven")', 'bind(a=1).log(25, "%s and %s", 1)', 'info("%d pears", "six")'],
        strict=True,
    ):
        stack = told.partition("\nCall stack:\n")[2].partition("\nMessage: ")[0].splitlines()
        place, line = stack[-2:]
        assert re.fullmatch(rf' +File "{re.escape(__file__)}", line \d+, in test_the_report_of_\w+', place)
        assert line.endswith(call)


@pytest.mark.parametrize("count", [15, 16, 17, 255, 256, 1000])
def test_a_message_takes_any_number_of_arguments(either: Run, count: int) -> None:
    log = either.start()
    log.info(" ".join(["%d"] * count), *range(count))
    assert either.last()["message"] == " ".join(map(str, range(count)))


def test_arguments_are_copied_at_the_call(either: Run) -> None:
    log = either.start()
    mutable = [1]
    log.info("%s", mutable, field=mutable)
    mutable.append(2)
    line = either.last()
    assert (line["message"], line["field"]) == ("[1]", [1])


def test_a_message_may_be_any_object(either: Run) -> None:
    log = either.start()
    for message in (7, None, ["a"], ValueError("bad"), b"raw"):
        log.info(message)
    log.info(decimal.Decimal("1.5"), 3)
    assert either.messages()[:5] == ["7", "None", "['a']", "bad", "b'raw'"]


def test_a_template_of_a_subclass_of_str_is_formatted_by_its_own_rules(either: Run) -> None:
    class Braces(str):
        def __mod__(self, values: Any) -> str:
            return self.format(*values)

    log = either.start()
    log.info(Braces("{} of {}"), 3, 4)
    assert either.last()["message"] == "3 of 4"


def test_a_call_without_a_message_is_a_type_error(either: Run) -> None:
    log = either.start()
    for call in (log.info, log.debug, log.exception, log.log):
        with pytest.raises(TypeError):
            call()  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        log.info(msg="the message has no keyword")  # type: ignore[call-arg]
    log.setLevel("ERROR")
    with pytest.raises(TypeError):
        log.info()  # type: ignore[call-arg]


def test_a_mapping_as_the_only_argument_is_the_templates_mapping(either: Run) -> None:
    log = either.start()
    mapping: Mapping[str, int] = types.MappingProxyType({"a": 1})
    log.info("%(a)d", {"a": 1})
    log.info("%(a)d", mapping)
    log.info("%(a)d", OrderedDict(a=1))
    log.info("%s", {})
    assert either.messages() == ["1", "1", "1", "{}"]
