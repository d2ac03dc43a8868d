"""Bugs planted in one place of a model: its claims name them."""

from dataclasses import replace
from typing import Any

import pytest

from sim import spec
from sim.lab.validation import claims_of, judge, validate_now
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
    assert broken(model, what) == []
    plant_rule(monkeypatch, model, chance, instead)
    found = broken(model, what)
    assert found
    assert all(sentence.startswith(f"{model}: {what}") for sentence in found)


def test_a_cascade_that_tries_a_little_more_often_breaks_its_sizes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert broken("independent-cascade", "mean size on K4") == []
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
