"""The laws for plugins: each is seen to be broken; laws of opinions can be kept and broken."""

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import pytest

from sim import (
    Cascade,
    Contacts,
    Draws,
    Field,
    Floats,
    Meetings,
    OpinionModel,
    PropagationModel,
    Voices,
    convince,
    make,
    register,
)
from sim.core import registry
from sim.errors import PluginError
from sim.testing import LAWS, Given, check_plugin, tiny_arcs, tiny_world
from tests.raising import raises


def broken(step: Callable[[Cascade, Contacts, Draws], None]) -> type[PropagationModel]:
    def do(self: Any, cascade: Cascade, contacts: Contacts, draws: Draws) -> None:
        step(cascade, contacts, draws)

    body = {"__module__": __name__, "__doc__": "Broken.", "step": do}
    return type("Broken", (PropagationModel,), body)


def test_two_results_for_two_orders_of_the_seeds_are_caught() -> None:
    # the world sorts seeds, so only a model that draws for itself can differ
    draw = np.random.default_rng(1).random

    def step(cascade: Cascade, contacts: Contacts, draws: Draws) -> None:
        convince(cascade, contacts, draws, chance=float(draw()))

    with pytest.raises(PluginError, match="order in which its seeds are named"):
        LAWS["order"](registry.register("broken")(broken(step)), {})


def test_a_model_that_writes_into_agents_is_caught() -> None:
    def step(cascade: Cascade, contacts: Contacts, draws: Draws) -> None:
        column = contacts.people.column("activity")
        column.base[0] += 1  # type: ignore[index]

    raises(PluginError, "wrote into the column 'activity'", check_plugin, broken(step))


def test_a_model_that_lets_an_agent_adopt_with_its_source_is_caught() -> None:
    def step(cascade: Cascade, contacts: Contacts, draws: Draws) -> None:
        if cascade.size == 8:
            cascade.adopt(np.array([1, 2], np.uint32), np.array([0, 1], np.uint32))

    raises(PluginError, "agent 2 adopt no later than its source", check_plugin, broken(step))


def test_laws_are_named_when_kept_and_given_contacts_stay() -> None:
    def step(cascade: Cascade, contacts: Contacts, draws: Draws) -> None:
        convince(cascade, contacts, draws, chance=0.2)

    assert check_plugin(broken(step)) == tuple(sorted(LAWS))
    network = tiny_world().network()
    channel = Given([3, 4], [0, 0])
    for tick in (1, 2):
        contacts = channel.contacts(network, 0, tick)
        assert contacts.targets.tolist() == [3, 4]
        assert contacts.rows[0].tolist() == [0, 2]


def test_tiny_worlds_are_what_they_say() -> None:
    world = tiny_world(isolated=4)
    assert len(world.agents) == 64
    assert set(world.agents.community.tolist()) == {0, 1}
    trust = world.ties.trust / 65535
    assert 0.2 <= trust.min() < trust.max() <= 1.0
    assert world.ties.out_degree[60:].tolist() == [0, 0, 0, 0]
    sources, targets = tiny_arcs(60, 11)
    assert sources.size == targets.size == 240


@register("test-loses")
class Loses(Meetings):
    """Says that it conserves the mean, and moves the listener alone."""

    conserves: ClassVar[bool] = True

    def meet(self, listener: float, speaker: float) -> float:
        return speaker


@register("test-peeks")
class Peeks(OpinionModel):
    """Thinks of itself what it keeps in a column."""

    pull: float = Field(0.5, ge=0, le=1, description="share of the way")

    def update(self, own: Floats, heard: Voices) -> Floats:
        return own + (self.pull if not self.topic else 0.1) * (heard.mean - own)


def test_the_laws_are_kept() -> None:
    for name in ("deffuant", "degroot", "si"):
        for law in ("conserves", "topical"):
            LAWS[law](type(make(name)), {})


@pytest.mark.parametrize(
    ("cls", "law", "sentence"),
    [(Loses, "conserves", "move both by as much"), (Peeks, "topical", "once its topic had a name")],
)
def test_a_broken_law_is_named(cls: type[OpinionModel], law: str, sentence: str) -> None:
    with pytest.raises(PluginError, match=sentence):
        LAWS[law](cls, {})
