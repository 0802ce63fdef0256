from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
from typing import ClassVar

import pytest

from headless_wheel_builder.values import changed, field, named_value, value


@value
class Point:
    x: int
    y: int = 0
    kind: ClassVar[str] = "point"


@named_value
class Named:
    name: str
    more: dict[str, int] = field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Twin:
    x: int
    y: int = 0


def test_fields_are_given_by_position_or_name_and_have_defaults() -> None:
    assert (Point(1).x, Point(1).y, Point(y=2, x=1).y) == (1, 0, 2)
    assert Point(1) == Point(1, 0) != Point(0, 1)
    assert hash(Point(1)) == hash(Point(1, 0))
    assert Point(1) != Twin(1)
    assert repr(Point(1)) == "Point(x=1, y=0)"


def test_a_default_that_is_made_is_made_for_each_value() -> None:
    assert Named(name="a").more == {}
    assert Named(name="a").more is not Named(name="a").more


@pytest.mark.parametrize("make", [Point, lambda: Point(1, 2, 3), lambda: Point(1, x=1), lambda: Point(1, z=1)])  # type: ignore[call-arg, misc]
def test_wrong_arguments_are_type_errors_as_of_any_function(make: object) -> None:
    with pytest.raises(TypeError, match="Point"):
        make()  # type: ignore[operator]


def test_fields_of_a_named_value_are_not_taken_by_position() -> None:
    with pytest.raises(TypeError, match="Named"):
        Named("a")  # type: ignore[misc]


def test_a_value_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Point(1).x = 2  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        del Point(1).x
    assert changed(Point(1), y=5) == Point(1, 5)


def test_a_value_can_be_matched_copied_and_pickled() -> None:
    match Point(1, 2):
        case Point(x, y):
            assert (x, y) == (1, 2)
    assert copy.copy(Point(1)) == copy.deepcopy(Point(1)) == pickle.loads(pickle.dumps(Point(1))) == Point(1)


def test_to_dataclasses_a_value_is_a_dataclass() -> None:
    assert dataclasses.is_dataclass(Point)
    assert [one.name for one in dataclasses.fields(Point)] == ["x", "y"]
    assert dataclasses.asdict(Point(1)) == dataclasses.asdict(Twin(1))
    assert dataclasses.replace(Point(1), y=3) == Point(1, 3)
    assert dataclasses.replace(Named(name="a"), more={"b": 1}).more == {"b": 1}
    assert inspect.signature(Point).parameters.keys() == {"x", "y"}
    assert str(inspect.signature(Named)).startswith("(*, name: Any, more: Any = ")
    assert dataclasses.fields(Named)[1].default_factory is dict
