"""Bugs planted in one place of a model: its claims name them."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from sim import Contest, spec
from sim.lab import validate_now
from sim.lab.validation import claims_of, judge
from sim.spread.compartments import compartments


def broken(model: str, what: str) -> list[str]:
    """Judge the claims of a model that begin so; returns a sentence for each that does not hold."""
    found = [judge(claim) for claim in claims_of(model) if claim.what.startswith(what)]
    assert found
    return [verdict.sentence for verdict in found if not verdict.passes]


def plant_rule(monkeypatch: pytest.MonkeyPatch, model: str, chance: str, instead: str) -> None:
    """Let one rule of a declared model go by another chance."""
    cls: Any = spec(model).cls
    rules = tuple(_changed(rule, chance, instead) for rule in cls.rules)
    assert rules != cls.rules
    monkeypatch.setattr(cls, "rules", rules)
    fresh = type(compartments._tables)(8)  # the old one has the rules as they were
    monkeypatch.setattr(compartments, "_tables", fresh)


def _changed(rule: Any, chance: str, instead: str) -> Any:
    if hasattr(rule, "outcomes"):
        found = [(state, instead if one == chance else one) for state, one in rule.outcomes]
        return replace(rule, outcomes=tuple(found))
    return replace(rule, chance=instead) if rule.chance == chance else rule


@pytest.mark.parametrize(
    ("model", "chance", "instead", "what"),
    [
        ("sir", "gamma", "1.1 * gamma", "mean size on K5"),
        ("sir", "gamma", "1.1 * gamma", "every outcome"),
        ("sir-continuous", "gamma", "1.1 * gamma", "mean size on K5"),
        ("sis", "beta", "0.9 * beta", "every outcome"),
    ],
)
def test_a_rate_ten_percent_off_breaks_a_claim(
    monkeypatch: pytest.MonkeyPatch, model: str, chance: str, instead: str, what: str
) -> None:
    plant_rule(monkeypatch, model, chance, instead)
    found = broken(model, what)
    assert found
    assert all(sentence.startswith(f"{model}: {what}") for sentence in found)


def test_a_cascade_that_tries_a_little_more_often_breaks_its_sizes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cls: Any = spec("independent-cascade").cls
    step = cls.step

    def eager(self: Any, *rest: Any) -> None:
        chance = min(1.0, 1.1 * self.probability)
        step(type(self)(probability=chance, weights=self.weights), *rest)

    monkeypatch.setattr(cls, "step", eager)
    assert len(broken("independent-cascade", "mean size on K4")) == 2


def test_validate_fails_and_names_the_claim(monkeypatch: pytest.MonkeyPatch) -> None:
    plant_rule(monkeypatch, "sird", "mu", "0.9 * mu")
    found = validate_now("sird")
    assert not found.passes
    assert any(verdict.what.startswith("every outcome") for verdict in found.broken)
    kept = [verdict.what for verdict in found.verdicts if verdict.passes]
    assert "keeps its laws" in kept  # which a wrong rate does not break


def more(times: float) -> Callable[[Any], Any]:
    """Let a method return so many times as much."""
    return lambda method: lambda *given: times * method(*given)


def above(field: str, states: str, of: str) -> Callable[[Any], Any]:
    """Let a threshold be passed, where it needs to be reached."""

    def strictly(_: Any) -> Any:
        return lambda self, heard: getattr(heard, of)[states] > getattr(self, field)

    return strictly


def drawn_at_random(_: Any) -> Any:
    """Let a contest be settled by another rule."""
    return lambda cascades, contacts, draws, tie: Contest(cascades, contacts, draws, "random")


def forgets_twice(_: Any) -> Any:
    """Let the last in an average of opinions count a tenth less."""
    return lambda self, own, heard: (1 - self.anchor) * heard.mean + 1.1 * self.anchor * heard.first


@pytest.mark.parametrize(
    ("model", "place", "bug", "what"),
    [
        ("watts", "adopts", above("phi", "active", "share"), "adopts once 2 of 5"),
        ("centola-macy", "adopts", above("needed", "active", "count"), "adopts once 2 of 5"),
        ("friedkin-johnsen", "update", forgets_twice, "the fixed point"),
        ("hawkes", "memory", more(1.1), "share of its memory"),
        ("bass", "after", more(1.02), "F(10)"),
        ("continuous-cascade", "passes", None, "exponential delays"),
        ("viral", "chance", more(1.1), "an exposure convinces"),
        ("competitive-cascade", "plugins.competition.Contest", drawn_at_random, "2 adopters"),
    ],
)
def test_a_bug_in_one_place_of_a_model_breaks_a_claim(
    monkeypatch: pytest.MonkeyPatch, model: str, place: str, bug: Any, what: str
) -> None:
    cls: Any = spec(model).cls
    if bug is None:
        monkeypatch.setattr(cls, place, property(lambda self: 0.9 * self.probability))
    elif place.startswith("plugins."):
        monkeypatch.setattr(place, bug(None))
    else:
        monkeypatch.setattr(cls, place, bug(getattr(cls, place)))
    found = broken(model, what)
    assert found
    assert all(sentence.startswith(f"{model}: {what}") for sentence in found)


@pytest.mark.parametrize(
    ("model", "chance", "instead"),
    [
        ("daley-kendall", "meet / 2", "meet"),
        ("maki-thompson-continuous", "call", "1.1 * call"),
        ("nekovee-moreno", "spread", "1.1 * spread"),
    ],
)
def test_a_rumour_told_otherwise_breaks_a_claim(
    monkeypatch: pytest.MonkeyPatch, model: str, chance: str, instead: str
) -> None:
    plant_rule(monkeypatch, model, chance, instead)
    assert broken(model, "every outcome")


def far(self: Any, listener: float, speaker: float) -> float:
    """Let those agree who are a little too far apart."""
    if abs(speaker - listener) < 1.3 * self.bound:
        return float(listener + self.mu * (speaker - listener))
    return listener


def mostly_against(self: Any, listener: float, speaker: float) -> float:
    """Let who is against stay so."""
    return min(listener, speaker)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "bug", "what"),
    [("deffuant", far, "bound 0.15"), ("voter", mostly_against, "5 of 10")],
)
def test_a_discussion_by_another_rule_breaks_a_claim(
    monkeypatch: pytest.MonkeyPatch, model: str, bug: Any, what: str
) -> None:
    monkeypatch.setattr(spec(model).cls, "meet", bug)
    assert broken(model, what)


@pytest.mark.slow
def test_branching_a_seventh_stronger_breaks_the_sizes_of_hawkes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cls: Any = spec("hawkes").cls
    monkeypatch.setattr(cls, "memory", more(1.15)(cls.memory))
    assert broken("hawkes", "sizes from one seed")
