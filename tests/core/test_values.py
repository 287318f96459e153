"""`changed` is `dataclasses.replace`, for plain values only."""

from dataclasses import dataclass, replace

import pytest

from core.values import changed


@dataclass(frozen=True, slots=True)
class Point:
    x: int
    y: int = 0
    label: str = ""


@dataclass(frozen=True, slots=True)
class Named(Point):
    name: str = "origin"


@dataclass(frozen=True, slots=True)
class Checked:
    x: int

    def __post_init__(self) -> None:
        assert self.x > 0


@dataclass(frozen=True)
class Unslotted:
    x: int


@pytest.mark.parametrize("changes", [{}, {"x": 5}, {"x": 5, "y": 6, "label": "a"}, {"label": ""}])
@pytest.mark.parametrize("value", [Point(1, 2, "b"), Named(1, 2, "b", "c")])
def test_gives_what_replace_gives(value, changes):
    made = changed(value, **changes)
    assert made == replace(value, **changes)
    assert type(made) is type(value)


def test_leaves_the_value_alone():
    value = Point(1, 2)
    changed(value, x=9)
    assert value == Point(1, 2)


def test_a_field_that_there_is_not_is_refused():
    with pytest.raises(TypeError, match="no field"):
        changed(Point(1), z=3)


@pytest.mark.parametrize("value", [Checked(1), Unslotted(1)])
def test_what_checks_itself_or_has_no_slots_is_refused(value):
    with pytest.raises(TypeError, match="no plain slotted dataclass"):
        changed(value, x=2)
