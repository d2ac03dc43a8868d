"""The laws for plugins: each is seen to be broken."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from sim import Cascade, Contacts, Draws, PropagationModel, convince
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
