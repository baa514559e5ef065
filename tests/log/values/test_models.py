"""Objects with declared fields: dataclasses, attrs, pydantic, msgspec."""

from __future__ import annotations

import dataclasses
import enum
from typing import TYPE_CHECKING, Any, ClassVar

import attrs
import msgspec
import pydantic
import pytest

if TYPE_CHECKING:
    from tests.log.conftest import Run


@dataclasses.dataclass
class Plain:
    name: str = "Ada"
    where: Any = (1, 2)
    password: str = dataclasses.field(default="hunter2", repr=False)
    species: ClassVar[str] = "cell"


@dataclasses.dataclass(frozen=True, slots=True)
class Slotted:
    name: str = "Ada"
    where: Any = (1, 2)


@attrs.define
class Attrs:
    name: str = "Ada"
    where: Any = (1, 2)
    password: str = attrs.field(default="hunter2", repr=False)


@attrs.frozen(slots=False)
class FrozenAttrs:
    name: str = "Ada"
    where: Any = (1, 2)


class Pydantic(pydantic.BaseModel):
    name: str = "Ada"
    where: Any = (1, 2)
    password: str = pydantic.Field("hunter2", repr=False)


@pydantic.dataclasses.dataclass
class PydanticDataclass:
    name: str = "Ada"
    where: Any = (1, 2)


class Struct(msgspec.Struct):
    name: str = "Ada"
    where: Any = (1, 2)


class DerivedStruct(Struct, kw_only=True, tag=True):
    pass


MODELS = [Plain, Slotted, Attrs, FrozenAttrs, Pydantic, PydanticDataclass, Struct, DerivedStruct]


@pytest.mark.parametrize("model", MODELS)
def test_a_model_is_an_object_of_its_fields(either: Run, model: Any) -> None:
    either.start().info("x", alone=model(), listed=[model(where=model())])
    line = either.last()
    assert line["alone"] == {"name": "Ada", "where": [1, 2]}
    assert line["listed"] == [{"name": "Ada", "where": line["alone"]}]


@pytest.mark.parametrize("model", [Plain, Attrs, Pydantic])
def test_what_a_class_keeps_out_of_its_repr_is_kept_out_of_the_log(either: Run, model: Any) -> None:
    either.start().info("x", alone=model(), listed=[model()])
    either.lines()
    assert "hunter2" not in either.path.read_text()


@pytest.mark.parametrize("model", MODELS)
def test_the_class_of_a_model_is_its_name(either: Run, model: Any) -> None:
    either.start().info("x", model=model)
    assert either.last()["model"] == f"{__name__}.{model.__qualname__}"


class Extra(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="allow")
    secret: pydantic.SecretStr = pydantic.SecretStr("hunter2")
    old: int = pydantic.Field(1, deprecated=True)


def test_a_pydantic_model_shows_what_was_added_and_keeps_its_secrets(either: Run) -> None:
    either.start().info("x", model=Extra(speed=3))  # type: ignore[call-arg]
    assert either.last()["model"] == {"secret": "**********", "old": 1, "speed": 3}


def test_a_pydantic_root_model_is_its_root(either: Run) -> None:
    either.start().info("x", model=pydantic.RootModel[list[int]]([1, 2]))
    assert either.last()["model"] == [1, 2]


def test_a_field_that_does_not_come_costs_nothing_but_itself(either: Run) -> None:
    @dataclasses.dataclass
    class Broken:
        name: str
        missing: int = dataclasses.field(init=False)

    @attrs.define
    class Half:
        name: str
        missing: int = attrs.field(init=False)

    either.start().info("x", broken=Broken("Ada"), half=Half("Ada"))
    line = either.last()
    for model in (line["broken"], line["half"]):
        assert model["name"] == "Ada"
        assert model["missing"].startswith("<failed: AttributeError")


def test_an_enum_of_dataclasses_is_written_by_its_value(either: Run) -> None:
    class Body(Plain, enum.Enum):
        SUN = "Sun", (0, 0)

    either.start().info("x", body=Body.SUN, plain=Body.SUN.value)
    line = either.last()
    assert line["body"] == line["plain"]


def test_a_model_that_holds_itself_is_cut(either: Run) -> None:
    model = Plain()
    model.where = [model]
    either.start().info("x", model=model)
    assert either.last()["model"]["where"] == [f"<cycle: {__name__}.Plain>"]
