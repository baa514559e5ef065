"""What must not be seen is neither in the log nor in the ring."""

from __future__ import annotations

import collections
import dataclasses
import logging
import re
import types
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

import undergird
from undergird import ConfigurationError, Redaction
from undergird.log.values.fields import redacted

if TYPE_CHECKING:
    from tests.conftest import Script
    from tests.log.conftest import Run

SECRET = "hunter2"
MASK = "<redacted>"


@dataclasses.dataclass
class Login:
    name: str = "Ada"
    password: str = SECRET


class Key(NamedTuple):
    password: str


class Account(types.SimpleNamespace):
    pass


def bytes_of_rings() -> bytes:
    """All that was ever in this process's ring: it is small enough, and its memory is not cleared."""
    return Path(undergird.stats()["ring"]).read_bytes()


def assert_unseen(run: Run, secret: str = SECRET) -> None:
    run.lines()
    assert secret not in run.path.read_text()
    assert secret.encode() not in bytes_of_rings()


# --- names ----------------------------------------------------------------------------------------------------------------


def test_a_field_with_a_redacted_name_is_a_mask(either: Run) -> None:
    log = either.start(redact=["password", "token"])
    log.info("x", user="Ada", password=SECRET, n=1)
    log.log(25, "x", password=SECRET)
    line = either.lines()[0]
    assert (line["user"], line["password"], line["n"]) == ("Ada", MASK, 1)
    assert either.last()["password"] == MASK
    assert_unseen(either)


@pytest.mark.parametrize(
    "value",
    [SECRET, [SECRET], {"a": SECRET}, Login(), SECRET.encode(), 1.5, 7, None, object()],
    ids=lambda value: type(value).__name__,
)
def test_a_redacted_value_of_any_type_is_a_mask(either: Run, value: Any) -> None:
    either.start(redact="password").info("x", before=1, password=value, after=2)
    line = either.last()
    assert (line["before"], line["password"], line["after"]) == (1, MASK, 2)
    assert_unseen(either)


def test_a_redacted_value_is_not_even_rendered(run: Run) -> None:
    class Guarded:
        def __str__(self) -> str:
            raise KeyboardInterrupt

    run.start(redact=["secret"]).info("x", secret=Guarded())
    assert run.last()["secret"] == MASK


@pytest.mark.parametrize("name", ["password", "PASSWORD", "PassWord"])
@pytest.mark.parametrize("rule", ["password", "Password", "PASS*", "p[a-c]ssw?rd", "*"])
def test_names_may_be_globs_and_case_does_not_matter(either: Run, name: str, rule: str) -> None:
    either.start(redact=[rule]).info("x", **{name: SECRET})
    assert either.last()[name] == MASK


@pytest.mark.parametrize("name", ["passwor", "passwords", "my_password", "pass.word"])
def test_a_name_that_only_looks_like_it_stays(either: Run, name: str) -> None:
    either.start(redact=["password"]).info("x", **{name: "seen"}, nested={name: "seen"})
    line = either.last()
    assert (line[name], line["nested"]) == ("seen", {name: "seen"})


@pytest.mark.parametrize(
    "container",
    [
        {"password": SECRET},
        {"deep": [{"er": ({"password": SECRET},)}]},
        [collections.OrderedDict(password=SECRET)],
        collections.UserDict(password=SECRET),
        Login(),
        [Login()],
        {"logins": {"first": Login()}},
        Account(password=SECRET),
        Key(SECRET),
        {"Password": {"inner": SECRET}},
    ],
    ids=repr,
)
def test_a_redacted_name_is_found_in_containers_and_models(either: Run, container: Any) -> None:
    log = either.start(redact=["password"])
    log.info("x", field=container)
    log.bind(bound=container).info("x")
    log.info("x", extra={"added": container})
    log.info("x", lazily=undergird.lazy(lambda: container))
    assert len(either.lines()) == 4
    assert_unseen(either)
    assert MASK in str(either.lines()[0]["field"])


def test_a_mapping_that_fails_does_not_say_what_it_holds(either: Run) -> None:
    class Broken(collections.UserDict[str, str]):
        def __getitem__(self, key: str) -> str:
            raise RuntimeError("broken")

        def __iter__(self) -> Any:
            raise RuntimeError("broken")

    either.start(redact=["password"]).info("x", field=Broken(password=SECRET))
    assert_unseen(either)


# --- paths and patterns ------------------------------------------------------------------------------------------------------


def test_a_path_hides_what_lies_there_and_nothing_else(either: Run) -> None:
    log = either.start(redact=["user.email", "servers.*.key"])
    log.info(
        "x",
        user={"name": "Ada", "email": SECRET, "friend": {"email": "seen"}},
        users=[{"email": "seen"}],
        email="seen",
        servers={"a": {"key": SECRET, "port": 1}, "b": {"key": SECRET}},
        **{"user.email": SECRET},
    )
    line = either.last()
    assert line["user"] == {"name": "Ada", "email": MASK, "friend": {"email": "seen"}}
    assert (line["users"], line["email"], line["user.email"]) == ([{"email": "seen"}], "seen", MASK)
    assert line["servers"] == {"a": {"key": MASK, "port": 1}, "b": {"key": MASK}}
    assert_unseen(either)


def test_elements_of_a_list_have_the_lists_path(either: Run) -> None:
    either.start(redact=["users.email"]).info("x", users=[{"email": SECRET}, ({"email": SECRET},)])
    assert either.last()["users"] == [{"email": MASK}, [{"email": MASK}]]


def test_the_last_part_of_a_dotted_name_is_a_name(either: Run) -> None:
    either.start(redact=["password"]).info("x", **{"db.password": SECRET})
    assert either.last()["db.password"] == MASK


def test_a_compiled_pattern_is_searched_for_in_the_path(either: Run) -> None:
    log = either.start(redact=[re.compile(r"^auth\..*(key|secret)$"), "token"])
    log.info("x", auth={"api_key": SECRET, "API_KEY": "seen", "deep": {"secret": SECRET}}, api_key="seen", token=SECRET)
    line = either.last()
    assert line["auth"] == {"api_key": MASK, "API_KEY": "seen", "deep": {"secret": MASK}}
    assert (line["api_key"], line["token"]) == ("seen", MASK)


def test_the_mask_may_be_chosen(either: Run) -> None:
    either.start(redact=Redaction(fields=["password"], mask="***")).info("x", password=SECRET, nested={"password": 1})
    line = either.last()
    assert (line["password"], line["nested"]) == ("***", {"password": "***"})


# --- texts --------------------------------------------------------------------------------------------------------------------


def test_a_pattern_for_texts_is_looked_for_wherever_text_is(either: Run) -> None:
    log = either.start(redact=Redaction(text=[r"hunter\d"]))

    class Printed:
        def __str__(self) -> str:
            return f"says {SECRET}!"

    log.info(f"plain {SECRET}")
    log.info("with %s", SECRET)
    log.info("fields", text=SECRET, listed=[f"a {SECRET} b"], model=Login(), printed=Printed(), raw=SECRET.encode())
    log.bind(bound=f"is {SECRET}").info("bound")
    log.info("extra", extra={"added": SECRET})
    try:
        raise ValueError(f"bad password {SECRET}")
    except ValueError as error:
        log.exception("caught", error=error)
    lines = either.lines()
    assert [line["message"] for line in lines[:2]] == [f"plain {MASK}", f"with {MASK}"]
    assert lines[2]["listed"] == [f"a {MASK} b"]
    assert lines[2]["printed"] == f"says {MASK}!"
    assert lines[5]["exception_message"] == f"bad password {MASK}"
    assert lines[5]["exception"].endswith(f"ValueError: bad password {MASK}")
    assert_unseen(either)


def test_of_a_pattern_with_a_group_only_the_group_is_masked(either: Run) -> None:
    log = either.start(redact=Redaction(text=[re.compile(r"(?i)token[=:] ?(\w+)"), r"(x)?seen"]))
    log.info("Token: abc, token=def; seen b")
    assert either.last()["message"] == f"Token: {MASK}, token={MASK}; seen b"


def test_names_and_patterns_work_together(either: Run) -> None:
    log = either.start(redact=Redaction(fields=["password"], text=r"\d{4}-\d{4}", mask="#"))
    log.info("card 1234-5678", password=SECRET, listed=["1234-5678"], n=7)
    line = either.last()
    assert (line["message"], line["password"], line["listed"], line["n"]) == ("card #", "#", ["#"], 7)


# --- other ways to the log ----------------------------------------------------------------------------------------------------------


def test_what_was_bound_before_the_rules_is_hidden_too(either: Run) -> None:
    log = either.start()
    by_name, nested, harmless = log.bind(password=SECRET), log.bind(user={"password": SECRET}), log.bind(user="Ada")
    either.start(redact=["password"])
    for logger in (by_name, nested, harmless):
        logger.info("x")
    first, second, third = either.lines()
    assert (first["password"], second["user"], third["user"]) == (MASK, {"password": MASK}, "Ada")
    assert_unseen(either)


def test_what_is_bound_under_the_rules_does_not_even_stay_in_the_logger(either: Run) -> None:
    bound = either.start(redact=["password"]).bind(password=SECRET, user={"password": SECRET})
    bound.info("x")
    assert SECRET not in repr(bound)
    assert SECRET not in str(bound._fields)
    assert either.last()["user"] == {"password": MASK}


def test_records_of_the_standard_librarys_loggers_are_redacted_too(run: Run) -> None:
    run.start(redact=Redaction(fields=["password"], text=["hunter."]))
    logging.getLogger("plain").warning("is %s", SECRET, extra={"password": SECRET, "user": Login()})
    line = run.last()
    assert (line["message"], line["password"], line["user"]) == (f"is {MASK}", MASK, {"name": "Ada", "password": MASK})
    assert_unseen(run)


def test_other_handlers_get_redacted_fields(run: Run) -> None:
    run.foreign = True
    harmless = {"speed": 1}
    run.start(redact=["password"]).info("x", password=SECRET, user={"password": SECRET}, harmless=harmless)
    attributes = vars(run.records[-1])
    assert (attributes["password"], attributes["user"]) == (MASK, {"password": MASK})
    assert attributes["harmless"] is harmless


def test_other_handlers_get_the_value_itself_where_there_is_nothing_to_hide(run: Run) -> None:
    run.start(redact=["password"])
    masked, seen = Login(password=MASK), Login()
    shown = redacted({"masked": masked, "seen": seen})
    assert shown["masked"] is masked
    assert shown["seen"] == {"name": "Ada", "password": MASK}


def test_the_console_is_redacted(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    log = run.start(redact=Redaction(fields=["password"], text=["hunter."]), console=True)
    log.warning(f"is {SECRET}", password=SECRET, user=Login())
    try:
        raise ValueError(SECRET)
    except ValueError:
        log.exception("caught")
    shown = capsys.readouterr().err
    assert "caught" in shown
    assert SECRET not in shown


@pytest.mark.parametrize("count", [1, 63, 64, 65, 300, 70_000])
def test_a_call_may_have_any_number_of_fields(either: Run, count: int) -> None:
    log = either.start(redact=["*9", "secret"])
    fields = {f"key{number}": f"value{number}" for number in range(count)}
    for _ in range(2):
        log.info("x", secret=SECRET, **fields)
    for line in either.lines():
        assert line["secret"] == MASK
        kept = min(count, 65_534)
        assert [line[f"key{at}"] for at in range(kept)] == [
            MASK if at % 10 == 9 else f"value{at}" for at in range(kept)
        ]
    assert_unseen(either)


def test_rules_count_from_the_next_configure_on_for_calls_that_were_made_before(either: Run) -> None:
    log = either.start()

    def call() -> None:
        log.info("x", password="seen", other="seen")

    call()
    either.start(redact=["password"])
    call()
    either.start(redact=["other"])
    call()
    either.start()
    call()
    found = [(line["password"], line["other"]) for line in either.lines()]
    assert found == [("seen", "seen"), (MASK, "seen"), ("seen", MASK), ("seen", "seen")]


def test_calls_go_their_native_way_under_rules_for_names(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    log = run.start(redact=["password", "user.email"]).bind(run=3)
    records: list[object] = []
    monkeypatch.setattr(logging, "LogRecord", lambda *args, **kwargs: records.append(args))
    for number in range(3):
        log.info("x", password=SECRET, number=number, nested={"password": SECRET})
    assert [line["number"] for line in run.lines()] == [0, 1, 2]
    assert records == []


def test_a_value_that_sets_rules_while_it_is_rendered_is_written_under_them(run: Run) -> None:
    log = run.start()

    class Meddler:
        def __str__(self) -> str:
            undergird.configure(run.path, level="DEBUG", redact=["password"])
            return "meddler"

    log.info("x", meddler=Meddler(), password=SECRET)
    assert run.last()["password"] == MASK


def test_a_forked_child_keeps_the_rules(script: Script, tmp_path: Path) -> None:
    script(
        """
        import os, undergird
        undergird.configure("run.log", redact=["password"])
        log = undergird.get_logger("x")
        log.info("parent", password="hunter2")
        child = os.fork()
        log.info("either", password="hunter2", nested=[{"password": "hunter2"}])
        if child:
            os.waitpid(child, 0)
        undergird.flush()
        """
    )
    text = (tmp_path / "run.log").read_text()
    assert text.count("either") == 2
    assert SECRET not in text


# --- settings ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "redact",
    [
        7, [7], [""], "", b"password", [b"password"], {"password": True}, [re.compile(b"x")], [None],
        Redaction(text=["("]), Redaction(text=[7]), Redaction(mask=7), Redaction(mask="\ud800"),  # type: ignore[arg-type, list-item]
    ],
    ids=repr,
)  # fmt: skip
def test_rules_that_cannot_be_are_a_configuration_error(run: Run, redact: Any) -> None:
    with pytest.raises(ConfigurationError, match="redact"):
        undergird.configure(run.path, redact=redact)


def test_rules_that_cannot_be_leave_the_old_ones_in_force(either: Run) -> None:
    log = either.start(redact=["password"])
    with pytest.raises(ConfigurationError):
        undergird.configure(either.path, redact=[7])  # type: ignore[list-item]
    log.info("x", password=SECRET)
    assert either.last()["password"] == MASK


def test_no_rules_are_no_rules(either: Run) -> None:
    log = either.start(redact=[])
    log.info("x", password="seen", nested={"password": "seen"})
    line = either.last()
    assert (line["password"], line["nested"]) == ("seen", {"password": "seen"})
