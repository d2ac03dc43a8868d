"""Parameters: declared once, checked always, refused in one sentence."""

from typing import Any, ClassVar, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import create_model, field_validator, model_validator

from sim import Field
from sim.core import Parameters, ParameterSpec, check, describe
from sim.errors import InputError, ParameterError, UnknownNameError
from tests.raising import raises


class Form(Parameters):
    words: ClassVar[tuple[str, ...]] = ()


class Rumour(Form):
    """A plugin with a parameter of every kind."""

    plugin_name = "rumour"
    words = ("eager", "bored")
    chance: float = Field(0.1, ge=0, le=1, description="chance to repeat per contact")
    rest: int = Field(3, gt=0, json_schema_extra={"unit": "ticks"})
    mood: Literal["eager", "shy"] = "shy"
    loud: bool = False


class Bare(Parameters):
    share: float = Field(gt=0, lt=1)
    dry: bool = False
    above: float = Field(2.0, ge=1.5)
    below: float = Field(-1.0, lt=0)
    cap: int | None = Field(None, le=9)
    label: str = Field("x", max_length=3)


def refusal(cls: type[Parameters], **values: Any) -> str:
    with pytest.raises(ParameterError) as caught:
        cls(**values)
    return str(caught.value)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"chance": 1.5}, "rumour: chance must be in [0, 1], got 1.5."),
        ({"chance": "nan"}, "rumour: chance must be a finite number in [0, 1], got 'nan'."),
        ({"chance": float("inf")}, "rumour: chance must be a finite number in [0, 1], got inf."),
        ({"chance": True}, "rumour: chance must be a number in [0, 1], got True."),
        ({"chance": "much"}, "rumour: chance must be a number in [0, 1], got 'much'."),
        ({"rest": 0}, "rumour: rest must be above 0, got 0."),
        ({"rest": 2.5}, "rumour: rest must be a whole number above 0, got 2.5."),
        ({"mood": "calm"}, "rumour: mood must be one of 'eager', 'shy', got 'calm'."),
        ({"loud": "perhaps"}, "rumour: loud must be true or false, got 'perhaps'."),
        ({"chanse": 1}, "rumour: no parameter 'chanse' (did you mean 'chance'?)."),
        ({"zzz": 1}, "rumour: no parameter 'zzz', it has chance, rest, mood, loud."),
        ({"chance": -1, "rest": 0},
         "rumour: chance must be in [0, 1], got -1; rest must be above 0, got 0."),
        ({}, "Bare: share is required."),
        ({"share": 1}, "Bare: share must be in (0, 1), got 1."),
        ({"share": 0.5, "above": 1}, "Bare: above must be at least 1.5, got 1."),
        ({"share": 0.5, "below": 0}, "Bare: below must be below 0, got 0."),
        ({"share": 0.5, "cap": 10}, "Bare: cap must be at most 9, got 10."),
        ({"share": 0.5, "label": "long"},
         "Bare: label must have at most 3 characters, got 'long'."),
        ({"share": 0.5, "label": 5}, "Bare: label must be text, got 5."),
    ],
)  # fmt: skip
def test_what_is_not_allowed_is_refused_in_one_sentence(
    values: dict[str, Any], sentence: str
) -> None:
    """A class without a registered name is named by its class."""
    assert refusal(Rumour if sentence.startswith("rumour") else Bare, **values) == sentence


def test_a_long_value_is_shortened_in_the_sentence() -> None:
    assert refusal(Rumour, chance="9" * 200 + "x").endswith("9999....")


def test_typed_text_and_numpy_scalars_become_the_declared_types() -> None:
    rumour = Rumour(chance="0.3", rest="4", loud="true", mood="eager")
    assert rumour.values() == {"chance": 0.3, "rest": 4, "mood": "eager", "loud": True}
    rumour = Rumour(chance=np.float32(0.25), rest=np.int64(4))
    assert rumour.values() == {"chance": 0.25, "rest": 4, "mood": "shy", "loud": False}
    assert type(rumour.chance) is float


def test_neither_class_variables_nor_the_name_of_a_parent_are_inherited_as_one_s_own() -> None:
    assert Rumour().words == ("eager", "bored")
    assert "words" not in Rumour().values()
    quieter = refusal(type("Quieter", (Rumour,), {}), chance=2)
    assert quieter == "Quieter: chance must be in [0, 1], got 2."


def test_a_revision_is_checked_like_new_and_nothing_changes_in_place() -> None:
    rumour = Rumour(rest=7)
    assert rumour.revised(chance=0.5).values() == {**rumour.values(), "chance": 0.5}
    with pytest.raises(ParameterError, match=r"^rumour: chance must be in \[0, 1\], got 2\.$"):
        rumour.revised(chance=2)
    with pytest.raises(ValueError, match="cannot be set"):
        Rumour().chance = 0.5  # type: ignore[misc]


def test_a_plugins_own_rules_speak_in_the_same_sentence() -> None:
    class Pair(Parameters):
        low: int = 0
        high: int = 1

        @field_validator("low")
        @classmethod
        def even(cls, value: int) -> int:
            if value % 2:
                raise ValueError("must be even.")
            return value

        @model_validator(mode="after")
        def ordered(self) -> "Pair":
            if self.low > self.high:
                raise ValueError("low must not be above high")
            return self

    assert refusal(Pair, low=1) == "Pair: low must be even, got 1."
    assert refusal(Pair, low=4) == "Pair: low must not be above high."


def test_describe_tells_all_that_a_form_needs() -> None:
    chance, rest, mood, loud = describe(Rumour)
    assert chance == ParameterSpec(
        "chance", "float", 0.1, 0, 1, description="chance to repeat per contact"
    )
    assert (rest.unit, rest.low, rest.low_open, rest.allowed) == ("ticks", 0, True, "above 0")
    assert (mood.type, mood.choices) == ("str", ("eager", "shy"))
    assert (loud.type, loud.default, loud.allowed) == ("bool", False, "")
    specs = {spec.name: spec for spec in describe(Bare)}
    assert specs["share"].required
    assert specs["share"].default is None
    assert (specs["cap"].type, specs["cap"].optional) == ("int", True)


def test_a_field_no_flag_can_be_made_of_is_refused() -> None:
    class Odd(Parameters):
        many: tuple[int, ...] = ()

    raises(TypeError, "bool, int, float, str or Literal", describe, Odd)
    for many in ("x", True):
        assert refusal(Odd, many=many).startswith("Odd: many is not allowed (")


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (list, "many is list"),
        (list[int], r"many is list\[int\]"),
        (dict[str, float] | None, r"many is dict\[str, float\]"),
        (Literal["a", None], "many is .*Literal"),
        (int | str, r"many is int \| str"),
    ],
)
def test_the_refusal_of_a_field_names_it_and_its_type(kind: Any, said: str) -> None:
    odd = create_model("Odd", __base__=Parameters, many=(kind, None))
    raises(TypeError, said, describe, odd)


def test_check_converts_or_refuses_one_value_alone() -> None:
    assert check(Rumour, "chance", "0.7") == 0.7
    assert check(Bare, "above", "3") == 3.0
    assert check(Bare, "dry", "yes") is True
    assert check(Bare, "label", "ab") == "ab"
    assert check(Bare, "cap", 4) == 4
    raises(ParameterError, r"rumour: rest must be above 0, got '0'\.", check, Rumour, "rest", "0")
    with pytest.raises(ParameterError, match=r"no parameter 'res' \(did you mean 'rest'\?\)"):
        check(Rumour, "res", "0")


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_a_bounded_number_is_taken_exactly_when_inside(value: float) -> None:
    if 0 <= value <= 1:
        assert Rumour(chance=value).chance == value
    else:
        assert refusal(Rumour, chance=value).startswith("rumour: chance must be ")


@given(st.floats(0, 1), st.integers(1, 10**9), st.sampled_from(["eager", "shy"]), st.booleans())
def test_values_as_text_and_back_are_the_same(
    chance: float, rest: int, mood: Literal["eager", "shy"], loud: bool
) -> None:
    rumour = Rumour(chance=chance, rest=rest, mood=mood, loud=loud)
    typed: dict[str, Any] = {name: str(value) for name, value in rumour.values().items()}
    assert Rumour(**typed) == rumour


def test_a_class_that_is_declared_wrongly_is_refused_in_one_sentence() -> None:
    with pytest.raises(InputError, match="the parameter base needs a type: base: float = Field"):
        type("Bare", (Parameters,), {"__module__": __name__, "base": Field(0.2)})
    with pytest.raises(InputError, match=r"numpy.ndarray is no type of a parameter"):
        create_model("Odd", __base__=Parameters, column=(np.ndarray, Field(np.zeros(1))))


def test_what_a_class_refuses_of_those_below_it_stays_its_own_sentence() -> None:
    class Refusing(Parameters):
        @classmethod
        def __pydantic_init_subclass__(cls, **_more: Any) -> None:
            raise UnknownNameError("thing", "theirs", ())

    raises(UnknownNameError, "theirs", type, "Under", (Refusing,), {"__module__": __name__})
