"""The card of a model is its own words, then those of its form."""

from __future__ import annotations

import types
from typing import ClassVar

import numpy as np
import pytest

from sim import Card, Field, Setting
from sim.core import Parameters, card_of, family_of, form_of
from sim.core.cards import missing


class Form(Parameters):
    card: ClassVar[Card] = Card(time_unit="tick", draw_modes="coins", update="at once")


class Rumour(Form):
    """A rumour."""

    states: ClassVar[tuple[str, ...]] = ("calm", "keen")
    card: ClassVar[Card] = Card(source="of this test", meaning={"calm": "not yet"}, update="later")
    rate: float = Field(0.1)


class Plain(Rumour):
    pass


def test_a_model_says_what_it_says_and_its_form_the_rest() -> None:
    card = card_of(Plain)
    assert (card.source, card.update, card.time_unit) == ("of this test", "later", "tick")
    assert card_of(Parameters) == Card()


def test_what_a_card_lacks_is_named() -> None:
    lacks = missing(Rumour)
    assert "the meaning of state 'keen'" in lacks
    assert "the description of 'rate'" in lacks
    assert {"source", "time_unit", "update"}.isdisjoint(lacks)
    assert "a docstring whose first line is the summary" not in lacks
    bare = types.new_class("Bare", (Form,))
    assert "a docstring whose first line is the summary" in missing(bare)


def test_a_model_is_listed_under_its_family_or_its_file(monkeypatch: pytest.MonkeyPatch) -> None:
    assert family_of(Rumour) == "test"  # test_cards.py
    monkeypatch.setattr(Rumour, "card", Card(family="gossip"))
    assert family_of(Rumour) == "gossip"
    monkeypatch.setattr(Form, "__module__", "somewhere.epidemic_models")
    assert family_of(Form) == "epidemic"


def test_a_form_is_the_nearest_class_of_ours() -> None:
    assert form_of(Plain) == "Parameters"
    assert form_of(Card) == "Card"  # type: ignore[arg-type]


def test_the_mean_degree_of_a_setting_follows_from_its_shares() -> None:
    setting = Setting(agents=4, seeds=1, degrees=np.array([0.25, 0.5, 0.0, 0.25]))
    assert setting.mean_degree == 1.25
