"""The card of every model is whole, and is shown."""

from typing import ClassVar

import pytest

from sim import Card, Field, PropagationModel, names, spec
from sim.core import card_of, family_of, form_of
from sim.core.cards import missing

UNFINISHED: set[str] = set()
"""Models whose cards still lack something; this stays empty."""


BUILT_IN = {name for name in names() if spec(name).origin.startswith("plugins.")}


@pytest.mark.parametrize("name", sorted(BUILT_IN - UNFINISHED))
def test_the_card_of_a_model_is_whole(name: str) -> None:
    assert missing(spec(name).cls) == ()


class Bare(PropagationModel):
    chance: float = Field(0.1)

    states: ClassVar[tuple[str, ...]] = ("in", "out")


class Whole(PropagationModel):
    """Says everything."""

    card: ClassVar[Card] = Card(
        family="examples",
        source="the tests",
        meaning={"inactive": "not yet", "active": "for good"},
        equations=("nothing happens",),
        cost="none",
        largest="any",
        checked=("nothing",),
    )


def test_what_a_card_lacks_is_named() -> None:
    assert missing(Bare) == (
        "source",
        "meaning",
        "equations",
        "cost",
        "largest",
        "checked",
        "the meaning of state 'in'",
        "the meaning of state 'out'",
        "the description of 'chance'",
        "a docstring whose first line is the summary",
    )
    assert missing(Whole) == ()


def test_a_card_s_own_words_go_before_those_of_its_form() -> None:
    class Hourly(Whole):
        """Has another unit."""

        card: ClassVar[Card] = Card(time_unit="hour")

    assert card_of(Hourly).time_unit == "hour"
    assert card_of(Hourly).source == "the tests"
    assert card_of(Whole).time_unit == "tick"


def test_family_and_form() -> None:
    assert family_of(Whole) == "examples"
    assert family_of(Bare) == "test"
    assert form_of(Whole) == "PropagationModel"
    assert (family_of(spec("sir").cls), form_of(spec("sir").cls)) == ("epidemics", "Compartments")
