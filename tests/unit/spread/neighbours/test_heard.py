"""The form Heard: what authors write, what is refused, and what happens between ticks."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import pytest

from sim import Bools, Card, Floats, Heard, Hearing, World, after, register
from sim.core import card_of
from sim.core.rng import Stream
from sim.errors import InputError, ParameterError, UnknownNameError
from sim.testing import LAWS, Given, tiny_world
from tests.unit.plugins.naive_heard import Crowd, assert_same
from tests.unit.plugins.naive_heard import Heard as Sum

SEEDS = [0, 5, 9, 20, 33, 41]


@register("test-fashion")
class Fashion(Heard):
    """Worn while enough wear it, put off now and then, and taken up again."""

    states: ClassVar = ("out", "in")
    rules: ClassVar = (after("in", "out", chance=0.4),)

    def adopts(self, heard: Hearing) -> Bools:
        """Return who sees enough of it."""
        return heard.share["in"] >= 0.2


@register("test-camps")
class Camps(Heard):
    """Several states listen, and go by what they are."""

    states: ClassVar = ("neither", "left", "right")
    heard: ClassVar = ("left", "right")
    listening: ClassVar = ("neither", "left", "right")
    rules: ClassVar = (after("neither", "right", chance="0.02 * age"),)

    def chance(self, heard: Hearing) -> Mapping[str, Floats]:
        """Return the pull of both camps; none for who is already in it."""
        pull = {name: 0.5 * heard.weight[name] for name in heard.share}
        return {name: np.where(heard.is_in(name), 0.0, pull[name]) for name in pull}

    def by_trust(self) -> bool:
        """Return whether trust counts."""
        return True


@register("test-club")
class Club(Heard):
    """Taken up with a chance once half of those one hears have; who has not is asked again."""

    states: ClassVar = ("out", "in")
    asked: ClassVar[list[int]] = []

    def chance(self, heard: Hearing) -> Floats:
        """Return the chance, of those that hear enough."""
        self.asked.append(len(heard))
        return np.where(heard.share["in"] >= 0.5, 0.01, 0.0)


class Says(Heard):
    """Says what a test wants."""

    states: ClassVar = ("no", "yes")
    answer: ClassVar[Any] = None

    def chance(self, heard: Hearing) -> Floats:
        said: Floats = type(self).answer(heard)
        return said


register("test-says")(Says)


def answered(answer: Any) -> Any:
    Says.answer = staticmethod(answer)
    world = tiny_world()
    story = world.inject("The library.", seeds=SEEDS, model="test-says", tags=["music"])
    world.step(2)
    return story


def test_who_has_no_chance_is_asked_again_only_after_news() -> None:
    world = World.from_edges([0, 1, 0, 3, 4, 5], [1, 2, 2, 2, 2, 2], agents=99, seed=3)
    Club.asked.clear()
    story = world.inject("x", seeds=[0], model="test-club")  # 2 hears 0, 1 and three others
    while story.alive:
        world.step()
    assert story.adopted_at[2] == -1
    assert Club.asked[0] == 2
    assert set(Club.asked[1:]) == {1}
    assert len(Club.asked) > 5


@pytest.mark.parametrize("seed", range(4))
def test_who_begins_to_listen_again_is_asked_again(seed: int) -> None:
    world = tiny_world(seed=seed)
    story = world.inject("x", seeds=SEEDS, model="test-fashion")
    crowd = Crowd(
        story, world, ("out", "in"), ("in",), lambda h: {"in": float(h.share("in") >= 0.2)},
        lambda state, _: [("out", 0.4)] if state == "in" else [],
    )  # fmt: skip
    assert_same(story, world, crowd, ticks=20)


@pytest.mark.parametrize("seed", range(3))
def test_several_states_may_listen_and_trust_may_count(seed: int) -> None:
    world = tiny_world(seed=seed)
    story = world.inject("x", seeds=SEEDS, model="test-camps")
    states = ("neither", "left", "right")

    class Everybody(Crowd):
        def step(self, tick: int) -> None:
            new = list(self.state)
            for v, state in enumerate(self.state):
                heard: Sum = self.heard_by(v)
                draw, below = self.draw(Stream.OUTCOMES, tick, v), 0.0
                for name in states[1:]:
                    if heard.count.total() and name != state:
                        below += 0.5 * heard.trust[name]
                        if draw < below and new[v] == state:
                            new[v] = name
                alone = self.draw(Stream.SPONTANEOUS, tick, v) < min(0.02 * tick, 1)
                if new[v] == state == "neither" and alone:
                    new[v] = "right"
            self.state = new

    crowd = Everybody(story, world, states, states[1:], lambda h: {})
    assert_same(story, world, crowd, ticks=20)


@pytest.mark.parametrize("model", ["test-fashion", "test-camps", "profile", "profile-threshold"])
def test_few_are_asked_one_by_one_and_answer_the_same(
    model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = []
    for many in (0, 10**6):
        monkeypatch.setattr("sim.spread.neighbours.heard._MANY", many)
        world = tiny_world(300)
        story = world.inject("x", seeds=SEEDS, model=model)
        world.step(20)
        agents, states = story.held["state"].items()
        told.append((agents.tolist(), states.tolist(), story.adopters.tolist(), story.status))
    assert told[0] == told[1]


@pytest.mark.parametrize("cls", [Fashion, Camps])
def test_a_saved_world_goes_on_as_if_it_had_never_stopped(cls: Any) -> None:
    LAWS["resumes"](cls, {})


def test_ties_and_agents_that_are_added_hear_too() -> None:
    world = World.from_edges([0], [1], 4)
    story = world.inject("x", seeds=[0], model="watts", phi=0.5)
    world.step(2)
    assert story.size == 2
    story = world.inject("x", seeds=[0], model="test-fashion")
    world.step(1)
    world.add_ties([0, 1], [2, 3])
    world.step(2)
    assert story.size >= 3
    world = World.from_edges([0, 1], [1, 2], 3)
    story = world.inject("x", seeds=[0], model="watts", phi=0.5)
    world.step(1)
    new = world.create_agents(2)
    world.add_ties([1], [new[0]])
    world.step(3)
    assert sorted(story.adopters.tolist()) == [0, 1, 2, new[0]]


@pytest.mark.parametrize("model", ["watts", "test-fashion", "continuous-cascade"])
def test_a_change_of_ties_wakes_what_rests_saved_or_not(model: str) -> None:
    options: Any = {"phi": 0.5} if model == "watts" else {}
    world = World.from_edges([0], [1], 4, seed=2)
    story = world.inject("x", seeds=[0], model=model, **options)
    world.run_until_quiet(story)
    again = World.restore(*world.dump())
    for one in (world, again):
        one.add_ties([0, 1], [2, 3])
        one.step(6)
    assert again.digest() == world.digest()
    assert story.size == 4 or model != "watts"


@pytest.mark.parametrize(
    ("model", "options", "rests"),
    [
        ("hoax", {"beta": 0.0, "verify": 0.0, "forget": 0.0}, True),
        ("profile", {"profile": 0.0, "blocked": 0.0}, True),
        ("profile", {"profile": 0.0, "blocked": 0.0, "openness": True}, False),
        ("profile-threshold", {"threshold": 1.0}, True),
        ("profile", {"profile": 0.001, "blocked": 0.0}, False),
    ],
)
def test_a_message_rests_once_nobody_has_a_chance_to_change(
    model: str, options: dict[str, Any], rests: bool
) -> None:
    world = World.from_edges([0, 1, 2], [3, 3, 3], 4)
    story = world.inject("x", seeds=[0, 1], model=model, **options)
    world.step(4)
    assert (story.status == "quiet") == rests
    assert story.size == 2


def test_who_is_away_does_not_change_and_catches_up() -> None:
    world = World.from_edges([0, 1], [1, 2], 3)
    story = world.inject("x", seeds=[0], model="generalised-threshold", tau=1.0, window=50)
    world.agents.set_status([1], 3)
    world.step(3)
    assert story.size == 1
    world.agents.set_status([1], 1)
    world.step(6)
    assert story.size == 3


def test_a_channel_says_what_is_heard_in_a_tick() -> None:
    world = World.from_edges([0, 0, 0], [1, 2, 3], 5)
    feed = Given([2, 4], [0, 0])
    story = world.inject("x", seeds=[0], model="watts", phi=0.1, channel=feed)
    world.step(3)
    assert sorted(story.adopters.tolist()) == [0, 2, 4]


def test_columns_of_listeners_and_messages_are_seen() -> None:
    seen: list[Any] = []

    def answer(heard: Hearing) -> Any:
        seen.append((len(heard), heard.message.text, set(heard.age_ticks.tolist())))
        assert heard.listener.openness.shape == (len(heard),)
        assert list(heard.count) == ["yes"]
        assert heard.is_in("no").all()
        assert heard.threshold.max() < 1
        return 0.0

    assert answered(answer).status == "running"
    assert [said for _, said, _ in seen] == ["The library."] * 2
    assert [age for _, _, age in seen] == [{1.0}, {2.0}]


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (lambda h: h.count["yes"][:1], "one value an agent"),
        (lambda h: h.count["yes"] * np.nan, "NaN or infinity"),
        (lambda h: np.inf, "NaN or infinity"),
        (lambda h: np.where(np.arange(len(h)) == 0, -np.inf, 0.5), "NaN or infinity"),
        (lambda h: 1.0 if h.count["yes"] > 1 else 0.0, "numpy.where"),
        (lambda h: {"maybe": 1.0}, "maybe"),
        (lambda h: h.count["maybe"], "heard state"),
        (lambda h: h.is_in("maybe"), "maybe"),
        (lambda h: int("no"), "invalid literal"),
    ],
)
def test_wrong_answers_are_named(answer: Any, sentence: str) -> None:
    story = answered(answer)
    assert story.status == "failed"
    assert sentence in str(story.error)


def test_declarations_are_checked() -> None:
    with pytest.raises(UnknownNameError, match="maybe"):
        type("Odd", (Says,), {"heard": ("maybe",), "__annotations__": {"heard": ClassVar}})
    five = ("a", "b", "c", "d", "e", "f")
    body = {"states": five, "heard": five[1:], "seeded": "b"}
    with pytest.raises(InputError, match="at most 4"):
        type("Odd", (Says,), {**body, "__annotations__": dict.fromkeys(body, ClassVar)})


@pytest.mark.parametrize(("chance", "sentence"), [("1.5", "must be in"), ("0.7", "sum to at most")])
def test_rules_are_checked(chance: str, sentence: str) -> None:
    rules = (after("yes", "no", chance=chance), after("yes", "no", chance=0.6))
    body = {"rules": rules, "__annotations__": {"rules": ClassVar}, "__module__": __name__}
    odd = type("Odd", (Says,), body)
    with pytest.raises(ParameterError, match=sentence):
        odd().check()


def test_hubs_that_hear_too_many_are_refused() -> None:
    four = ("a", "b", "c", "d", "e")
    body: dict[str, Any] = {"states": four, "heard": four[1:], "seeded": "b", "adopting": ("b",)}
    body |= {"__annotations__": dict.fromkeys(body, ClassVar), "__module__": __name__}
    register("test-four")(type("Four", (Says,), body))
    world = World.from_edges(np.arange(1, 17_001), np.zeros(17_000, int))
    story = world.inject("x", seeds=[1], model="test-four")
    world.step()
    assert "no agent may have more than 16,383 sources" in str(story.error)


def test_small_cascades_stay_small() -> None:
    world = World.create(100_000, mean_degree=4, seed=1)
    story = world.inject("x", seeds=[7], model="watts", phi=0.9)
    world.step(2)
    assert story.memo.sums.keys.size
    assert story.memo.sums.rows.nbytes < 100_000
    assert story.nbytes < 100_000


def test_the_form_has_a_card() -> None:
    assert isinstance(card_of(Fashion), Card)
    assert "fair draw" in card_of(Fashion).ties
