"""Communities have names that a person can read."""

import numpy as np

from sim import World
from sim.world.communities import community_names, readable_names


def test_made_up_names_give_way_to_topic_and_best_known_member() -> None:
    world = World.from_edges([0, 0, 3, 3, 3], [1, 2, 4, 5, 0], community=[0, 0, 0, 1, 1, 1])
    vocabulary = world.agents.vocabulary
    topics = [vocabulary.names(1 << bit)[0] for bit in (2, 5)]
    world.agents.set_interests(np.arange(6), [0b100100, 0b100, 0b100, 0b100000, 0b100000, 0])
    assert community_names(world.agents, world.ties) == (
        f"{topics[0]} / {world.agents.name(0)}",
        f"{topics[1]} / {world.agents.name(3)}",
    )


def test_names_are_all_different() -> None:
    names = ["Ana"] * 4
    world = World.from_edges([0, 2], [1, 3], names=names, community=[0, 0, 1, 1])
    world.agents.set_interests(np.arange(4), [1, 1, 1, 1])
    named = community_names(world.agents, world.ties)
    assert len(set(named)) == 2
    assert named[1] == named[0] + " 2"


def test_some_given_and_some_made_up_names_stand_beside_each_other() -> None:
    world = World.from_edges([0, 2], [1, 3])
    world.agents.set_community([0, 0, 1, 1], ["group 0", "Peru"])
    named = community_names(world.agents, world.ties)
    assert named[0].endswith(world.agents.name(0))
    assert named[1] == "Peru"


def test_only_those_asked_for_are_named_in_the_order_of_asking() -> None:
    world = World.from_edges([0, 2, 4], [1, 3, 5], community=[0, 0, 1, 1, 2, 2])
    agents = world.agents
    every = community_names(agents, world.ties)
    some = readable_names(agents, world.ties, agents.community, agents.communities, [2, 0])
    assert some == (every[2], every[0])


def test_community_without_members_keeps_its_number() -> None:
    world = World.from_edges([0], [1])
    world.agents.set_community([1, 1], ["group 0", "group 1"])
    assert community_names(world.agents, world.ties)[0] == "group 0"
