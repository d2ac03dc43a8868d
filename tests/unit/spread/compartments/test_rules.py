"""Declared rules: their arithmetic, their table, their refusals."""

from typing import Any, ClassVar

import networkx as nx
import numpy as np
import pytest

from sim import Compartments, Field, World, after, contact, register
from sim.errors import HubbubError, InputError, ParameterError
from sim.spread.compartments.rules import Chance, value_of
from tests.raising import raises


@pytest.mark.parametrize(
    ("chance", "value"),
    [("a", 0.25), ("(1 - a) * b", 0.375), ("a ** 2 / b", 0.125), ("-a + 1", 0.75), (0.5, 0.5)],
)
def test_chances_are_arithmetic(chance: Chance, value: float) -> None:
    assert value_of(chance, {"a": 0.25, "b": 0.5}.__getitem__, ["a", "b"]) == pytest.approx(value)


@pytest.mark.parametrize("chance", ["a +", "open('x')", "a if b else 0", "'text'", "c"])
def test_anything_else_is_refused(chance: str) -> None:
    raises(InputError, "", value_of, chance, {"a": 0.25, "b": 0.5}.__getitem__, ["a", "b"])


@register("test-two-ends")
class TwoEnds(Compartments):
    """A contact changes both: pairs of spreaders stifle each other."""

    states: ClassVar[tuple[str, ...]] = ("ignorant", "spreader", "stifler")
    seeded: ClassVar[str] = "spreader"
    rules: ClassVar = (
        contact("spreader", "stifler", by="spreader", speaker_becomes="stifler", chance=1.0),
        contact("stifler", None, by="spreader", speaker_becomes="stifler", chance=1.0),
    )


def test_a_contact_can_change_the_speaker_and_adoption_have_no_source() -> None:
    world = World.from_edges([0, 1], [1, 2])
    story = world.inject("x", seeds=[0, 1], model="test-two-ends")
    world.step()
    assert story.counts == {"ignorant": 1, "spreader": 0, "stifler": 2}
    world = World.from_edges([0, 1], [1, 2])
    story = world.inject("x", seeds=[0], model="test-lightning")
    world.step()
    assert story.adopted_at.tolist() == [0, 1, 1]
    assert story.source.tolist() == [-1, -1, -1]


@register("test-several")
class Several(Compartments):
    """One contact, several outcomes; several speakers."""

    kappa: float = Field(0.3, ge=0, le=1)
    mu: float = Field(0.5, ge=0, le=1)
    states: ClassVar[tuple[str, ...]] = ("s", "w", "i")
    seeded: ClassVar[str] = "i"
    rules: ClassVar = (contact("s", {"i": "kappa", "w": "(1 - kappa) * mu"}, by=("i", "w")),)


@pytest.mark.parametrize("draws", ["coins", "skips"])
def test_outcomes_have_their_shares(draws: Any) -> None:
    star = np.array(nx.star_graph(40_000).edges())
    world = World.from_edges(star[:, 0], star[:, 1], seed=4)
    story = world.inject("x", seeds=[0], model="test-several", draws=draws)
    world.step()
    counts = story.counts
    # binomial shares .3, .35, .35 of 40,000: within 4 standard errors (.0096)
    assert abs((counts["i"] - 1) / 40_000 - 0.3) < 0.0096
    assert abs(counts["w"] / 40_000 - 0.35) < 0.0096


@register("test-few")
class Few(Compartments):
    """A speaker uses two random ties a tick."""

    states: ClassVar[tuple[str, ...]] = ("s", "i")
    seeded: ClassVar[str] = "i"
    contacts: ClassVar[Any] = 2
    rules: ClassVar = (contact("s", "i", by="i"),)


def test_a_speaker_can_use_a_few_ties_only() -> None:
    world = World.from_edges([0] * 30, list(range(1, 31)), seed=4)
    story = world.inject("x", seeds=[0], model="test-few")
    world.step()
    assert story.size in {2, 3}
    world.step(200)
    assert story.size == 31


@register("test-lightning")
class Lightning(Compartments):
    """Adoption that nobody caused."""

    states: ClassVar[tuple[str, ...]] = ("tree", "fire")
    seeded: ClassVar[str] = "fire"
    rules: ClassVar = (after("tree", "fire", chance=1.0),)


@register("test-by-trust")
class ByTrust(Compartments):
    """The tie's trust multiplies the chance."""

    beta: float = Field(0.8, ge=0, le=1)
    states: ClassVar[tuple[str, ...]] = ("s", "i")
    seeded: ClassVar[str] = "i"
    rules: ClassVar = (contact("s", "i", by="i", chance="beta * trust"),)


@pytest.mark.parametrize("draws", ["coins", "skips"])
def test_trust_scales_the_chance_of_a_contact(draws: Any) -> None:
    n = 30_000
    world = World.from_edges([0] * n, list(range(1, n + 1)), trust=np.full(n, 0.25), seed=2)
    story = world.inject("x", seeds=[0], model="test-by-trust", draws=draws)
    world.step()
    assert abs((story.size - 1) / n - 0.2) < 4 * (0.2 * 0.8 / n) ** 0.5
    mute = World.from_edges([0], [1], trust=[0.0])
    silent = mute.inject("x", seeds=[0], model="test-by-trust", beta=1.0, draws=draws)
    mute.step(5)
    assert silent.size == 1


@register("test-greedy")
class Greedy(Compartments):
    """Chances that do not fit together."""

    a: float = Field(0.5, ge=0, le=2)
    b: float = Field(0.2, ge=0, le=2)
    states: ClassVar[tuple[str, ...]] = ("s", "i", "r")
    seeded: ClassVar[str] = "i"
    rules: ClassVar = (
        contact("s", {"i": "a", "r": "b"}, by="i"),
        after("i", "r", chance="a"),
        after("i", "s", chance="b"),
    )


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"a": 0.9}, "hearing 'i' must sum to at most 1, got 1.1"),
        ({"a": 1.5}, "the chance 'a' must be in"),
    ],
)
def test_chances_that_do_not_fit_are_refused(options: dict[str, float], sentence: str) -> None:
    world = World.from_edges([0], [1])
    with pytest.raises(ParameterError, match=sentence):
        world.inject("x", seeds=[0], model="test-greedy", **options)  # type: ignore[arg-type]


def declare(**body: Any) -> type:
    return type("Declared", (Compartments,), {"__module__": __name__, **body})


def test_declaration_names_its_own_mistakes() -> None:
    rules = (contact("susceptable", "i", by="i"),)
    with pytest.raises(HubbubError, match="Did you mean 'susceptible'"):
        declare(states=("susceptible", "i"), seeded="i", rules=rules)
    many = tuple(f"s{i}" for i in range(70))
    with pytest.raises(InputError, match="at most 64"):
        declare(states=many, seeded="s1", rules=(after("s1", "s2", chance=0.1),))
    raises(InputError, "not both", contact, "s", {"i": 0.1}, by="i", chance=0.5)


def test_sum_of_leaving_is_refused() -> None:
    rules = after("i", "s", chance=0.7), after("i", "i", chance=0.6)
    cls = declare(states=("s", "i"), seeded="i", rules=rules)
    raises(ParameterError, "leaving 'i'", cls().check)
