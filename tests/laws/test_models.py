"""Every registered propagation model keeps the laws, and the laws can be broken."""

from typing import Any, ClassVar

import numpy as np
import pytest

from sim import Cascade, Contacts, Draws, PropagationModel, World, convince, names, spec
from sim.errors import InputError, PluginError, UnknownNameError
from sim.testing import check_plugin
from tests.raising import raises


def model_class(name: str) -> type[PropagationModel]:
    cls = spec(name).cls
    assert issubclass(cls, PropagationModel)
    return cls


BUILT_IN = [name for name in names() if spec(name).origin.startswith("plugins.")]
"""Other tests of the same process may have registered models of their own."""


@pytest.mark.parametrize("name", BUILT_IN)
def test_model_keeps_the_laws(name: str) -> None:
    assert "resumes" in check_plugin(model_class(name))


class Bad(PropagationModel):
    """Convinces everybody who hears it."""

    states: ClassVar[tuple[str, ...]] = ("inactive", "active")

    def step(self, cascade: Cascade, contacts: Contacts, draws: Draws) -> None:
        convince(cascade, contacts, draws, chance=self.bad(cascade, contacts))

    def bad(self, cascade: Cascade, contacts: Contacts) -> float:
        return 0.3


class Restless(Bad):
    """Draws from a generator of its own."""

    generator: ClassVar[Any] = np.random.default_rng(1)

    def bad(self, cascade: Cascade, contacts: Contacts) -> float:
        return float(self.generator.random())


class Vandal(Bad):
    """Writes into the network."""

    def bad(self, cascade: Cascade, contacts: Contacts) -> float:
        contacts.targets[0] = 1
        return 0.3


class Crowded(Bad):
    """Looks at how many agents there are."""

    def bad(self, cascade: Cascade, contacts: Contacts) -> float:
        return 20.0 / contacts.agents


class Forgetful(Bad):
    """Keeps its memory outside the columns that are saved."""

    def bad(self, cascade: Cascade, contacts: Contacts) -> float:
        cascade.memo = (cascade.memo or 0) + 1
        return float(min(0.05 + 0.15 * cascade.memo, 1.0))


class Twice(Bad):
    """Lets a seed adopt again."""

    def step(self, cascade: Cascade, contacts: Contacts, draws: Draws) -> None:
        cascade.adopt(cascade.seeds)


class Quitter(Bad):
    """Wants to end the program."""

    def bad(self, cascade: Cascade, contacts: Contacts) -> float:
        raise SystemExit(3)


class Shrinking(Bad):
    """Convinces fewer the more adopted."""

    progressive: ClassVar[bool] = True

    def bad(self, cascade: Cascade, contacts: Contacts) -> float:
        return 0.9 / cascade.frontier.size**2


@pytest.mark.parametrize(
    ("cls", "sentence"),
    [
        (Restless, "two results for one seed"),
        (Vandal, "read-only"),
        (Crowded, "isolated agents"),
        (Forgetful, "did not resume"),
        (Twice, "adopt twice"),
        (Quitter, "SystemExit"),
        (Shrinking, "lost adopters"),
    ],
)
def test_broken_model_is_named(cls: type[PropagationModel], sentence: str) -> None:
    raises(PluginError, sentence, check_plugin, cls)


QUICK = ("sir", "utldr", "deffuant", "voter", "linear-threshold", "independent-cascade", "hoax",
         "seir-durations", "sis-continuous", "k-fold-stifling", "hawkes", "bass")  # fmt: skip


@pytest.mark.parametrize("model", QUICK)
def test_states_now_are_those_that_are_counted(model: str) -> None:
    agree(model)


@pytest.mark.slow
@pytest.mark.parametrize("model", sorted(set(names("propagation")) - set(QUICK)))
def test_states_now_are_those_that_are_counted_whatever_the_model(model: str) -> None:
    agree(model)


def agree(model: str) -> None:
    """See that states and counts agree."""
    world = World.create(agents=120, mean_degree=6, seed=2)
    story = world.inject("x", seeds=[0, 7, 9], model=model)
    for _ in range(3):
        world.step(2)
        found = np.bincount(story.state_now, minlength=len(story.states))
        assert dict(zip(story.states, found.tolist(), strict=True)) == story.counts
        for state, count in story.counts.items():
            who = story.in_state(state)
            assert who.size == count
            assert (np.diff(who.astype(int)) > 0).all()


def test_states_are_named_for_seeds_and_unknown_ones_refused() -> None:
    world = World.create(agents=120, mean_degree=6, seed=2)
    story = world.inject("x", seeds=[0, 7, 9], model="sir", beta=0.0, gamma=0.0)
    queued = world.inject("y", seeds=[0], model="sir", at=9)
    assert not queued.state_now.any()
    assert world.inject("z", seeds="state:0:infected", model="si").seeds.tolist() == [0, 7, 9]
    assert world.inject("z", seeds="state:0:infected:2", model="si").seeds.size == 2
    raises(UnknownNameError, "state of sir", story.in_state, "zombie")
    raises(InputError, "no message '77'", world.inject, "z", seeds="state:77:infected", model="si")


AGENTS = 80


def changed() -> World:
    """A world whose rows moved, grew and shrank, with trust, friends and mutes."""
    world = World.create(AGENTS, "small-world", 6, 4, trust="uniform:0.5-1", rewiring=0.2)
    world.ties.reversed()
    rng = np.random.default_rng(2)
    for _ in range(4):
        arcs = rng.integers(0, AGENTS, (2, 60))
        world.ties.change(arcs[0], arcs[1], rng.random(60) < 0.6, trust=rng.random(60))
    world.befriend([1, 2, 3], [11, 12, 13])
    world.mute([4, 5], [8, 9])
    return world


def in_turn(world: World) -> None:
    """Change ties under a message on its way."""
    rng = np.random.default_rng(world.tick)
    arcs = rng.integers(0, AGENTS, (2, 12))
    apart = arcs[0] != arcs[1]
    world.remove_ties(arcs[0], arcs[1])
    world.follow(arcs[0][apart], arcs[1][apart])


@pytest.mark.parametrize("model", names("propagation"))
def test_a_model_runs_on_changed_ties_as_on_the_same_ties_just_made(model: str) -> None:
    world = changed()
    again = World.restore(*world.dump())
    stories = [w.inject("A word.", seeds=[0, 7, 40], model=model) for w in (world, again)]
    for _ in range(4):
        for each in (world, again):
            each.step(1)
        assert [story.status for story in stories] == [stories[0].status] * 2
        assert "failed" not in {story.status for story in stories}, stories[0].error
        assert world.digest() == again.digest()
        in_turn(world)
        in_turn(again)
        assert world.digest() == again.digest()
        again = World.restore(*again.dump())
        stories[1] = again.cascades[0]
