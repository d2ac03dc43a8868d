"""The card of a model is its own words, then those of its form; that of every model is whole."""

from typing import ClassVar

import numpy as np
import pytest

from sim import Card, Field, PropagationModel, Setting, names, spec
from sim.core import Parameters, card_of, family_of, form_of
from sim.core.cards import missing

KINDS = ("propagation", "recommender", "friend-recommender")
BUILT_IN = [
    (kind, name)
    for kind in KINDS
    for name in sorted(names(kind))
    if spec(name, kind).origin.startswith("plugins.")
]


@pytest.mark.parametrize(("kind", "name"), BUILT_IN)
def test_the_card_of_a_plugin_is_whole(kind: str, name: str) -> None:
    assert missing(spec(name, kind).cls) == ()
    assert card_of(spec(name, kind).cls).source


class Bare(PropagationModel):
    chance: float = Field(0.1)
    states: ClassVar[tuple[str, ...]] = ("in", "out")


class Whole(PropagationModel):
    """Says everything."""

    card: ClassVar[Card] = Card(
        family="examples", source="the tests", equations=("nothing happens",), cost="none",
        meaning={"inactive": "not yet", "active": "for good"}, largest="any", checked=("nothing",),
    )  # fmt: skip


def test_what_a_card_lacks_is_named() -> None:
    assert missing(Bare) == (
        *("source", "meaning", "equations", "cost", "largest", "checked"),
        "the meaning of state 'in'",
        "the meaning of state 'out'",
        "the description of 'chance'",
        "a docstring whose first line is the summary",
    )
    assert missing(Whole) == ()


def test_a_card_s_own_words_go_before_those_of_its_form() -> None:
    class Hourly(Whole):
        card: ClassVar[Card] = Card(time_unit="hour")

    assert (card_of(Hourly).time_unit, card_of(Hourly).source) == ("hour", "the tests")
    assert card_of(Whole).time_unit == "tick"
    assert card_of(Parameters) == Card()


def test_family_and_form(monkeypatch: pytest.MonkeyPatch) -> None:
    sir = spec("sir").cls
    assert (family_of(Whole), form_of(Whole)) == ("examples", "PropagationModel")
    assert (family_of(sir), form_of(sir)) == ("epidemics", "Compartments")
    assert form_of(Card) == "Card"  # type: ignore[arg-type]
    assert family_of(Bare) == "test"  # test_cards.py
    monkeypatch.setattr(Bare, "__module__", "somewhere.epidemic_models")
    assert family_of(Bare) == "epidemic"


def test_the_mean_degree_of_a_setting_follows_from_its_shares() -> None:
    setting = Setting(agents=4, seeds=1, degrees=np.array([0.25, 0.5, 0.0, 0.25]))
    assert setting.mean_degree == 1.25
