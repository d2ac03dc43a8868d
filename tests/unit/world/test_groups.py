"""Groups that members join and leave."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim import Agents, Lifecycle, World, replay, select
from sim.agents.names import community_titles
from sim.errors import InputError
from sim.network.relations.membership import Membership
from sim.world.seeding import choose_seeds
from tests.raising import raises


def small() -> World:
    return World.create(agents=8, mean_degree=2, seed=1)


def test_members_join_and_leave() -> None:
    world = small()
    assert world.groups.create("gardeners", limit=3) == 0
    assert world.groups.create("night owls") == 1
    assert world.groups.join([5, 2, 5], "gardeners") == 2
    assert world.groups.join([2, 7], 1) == 2
    assert world.groups.leave([2, 3], "gardeners") == 1
    assert world.groups.members("gardeners").tolist() == [5]
    assert world.groups.of(2).tolist() == [1]
    assert world.groups.names == ("gardeners", "night owls")
    assert (len(world.groups), world.groups.limit(0)) == (2, 3)


def test_a_limit_is_kept_and_nothing_is_half_done() -> None:
    world = small()
    world.groups.create("gardeners", limit=3)
    world.groups.join([0, 1], 0)
    with pytest.raises(InputError, match="takes 3 members and has 2, so 2 more cannot join"):
        world.groups.join([1, 2, 3], 0)
    assert world.groups.members(0).tolist() == [0, 1]
    assert world.groups.join([0, 1, 4], 0) == 1


def test_of_a_crowd_the_first_of_the_batch_find_room() -> None:
    held = Membership(6)
    held.create("a", 2)
    held.create("b")
    agents, groups = np.array([5, 3, 4, 3, 0], np.uint32), np.array([0, 0, 0, 1, 1], np.uint32)
    assert held.join(agents, groups, strict=False).tolist() == [True, True, False, True, True]
    assert held.members(0).tolist() == [3, 5]
    assert held.sizes.tolist() == [2, 2]


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda g: g.create(" "), "has 1 to 60 characters"),
        (lambda g: g.create("x" * 61), "at most 60 characters, got 61"),
        (lambda g: g.create("a"), "a group 'a' already"),
        (lambda g: g.create("b", limit=0), "limit of a group"),
        (lambda g: g.members("b"), "no group 'b'; there are 1 groups"),
        (lambda g: g.join([1], 4), "no group 4"),
        (lambda g: g.join([8], 0), "No agent 8: the world has 8 agents"),
        (lambda g: g.join([0.5], 0), "whole numbers"),
        (lambda g: g.join([2], 0), "Agent 2 is banned and cannot join the group 'a'"),
        (lambda g: g.of(9), "No agent 9"),
    ],
)
def test_what_is_not_allowed_is_said(call: Any, says: str) -> None:
    world = small()
    world.groups.create("a")
    world.agents.set_status([2], int(Lifecycle.BANNED))
    before = world.digest()
    raises(InputError, says, call, world.groups)
    assert world.digest() == before


def test_groups_are_part_of_the_world() -> None:
    world, other = small(), small()
    world.groups.create("a", limit=4)
    assert world.digest() != other.digest()
    world.groups.join([3, 1], 0)
    assert world.groups.join([], 0) == 0
    other.groups.create("a", limit=4)
    other.groups.join([1, 2, 3], 0)
    other.groups.leave(2, 0)
    assert world.digest() == other.digest()
    meta, columns = world.dump()
    again = World.restore(json.loads(json.dumps(meta)), columns)
    assert again.digest() == world.digest()
    assert again.groups.of(3).tolist() == [0]
    again.create_agents(1)
    assert again.groups.join(8, "a") == 1


def test_a_group_is_made_and_filled_at_a_tick() -> None:
    world = World.create(agents=8, mean_degree=2, seed=1)
    world.change_agents([2], status="banned")
    world.at(0, "group", name="few", agents=[2, 3, 4, 5], limit=2)
    world.at(1, "group", name="few", agents=[3], leave=True)
    world.at(2, "group", name="few", agents=[4, 6])
    world.at(2, "group", name="none", leave=True)
    world.at(2, "group", name="all", agents="ids:0,1")
    world.step(3)
    assert [planned.result for planned in world.interventions] == [
        "the group 'few' is made; 2 joined; 1 found no room",
        "1 left the group 'few'",
        "1 joined the group 'few'",
        "could not be done: there is no group 'none' to leave",
        "the group 'all' is made; 2 joined",
    ]
    assert world.groups.members("few").tolist() == [4, 6]
    assert world.groups.limit("few") == 2
    world.trail.seal(world)
    again = replay(world.trail.acts)
    assert again.is_same
    assert again.world.digest() == world.digest()


def test_groups_that_contradict_themselves_are_refused() -> None:
    said = [{"name": "a", "limit": None}]
    columns = {"group": np.array([0], np.uint32), "member": np.array([9], np.uint32)}
    raises(InputError, "do not name members and groups", Membership.restore, said, columns, 4)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 7), st.integers(0, 2)), max_size=40))
def test_random_comings_and_goings_leave_what_sets_say(work: list[tuple[bool, int, int]]) -> None:
    held, sets = Membership(8), [set[int]() for _ in range(3)]
    for name in "abc":
        held.create(name, 4)
    for comes, agent, group in work:
        pair = np.array([agent], np.uint32), np.array([group], np.uint32)
        if not comes:
            held.leave(*pair)
            sets[group].discard(agent)
        elif held.join(*pair, strict=False).any():
            sets[group].add(agent)
        assert len(sets[group]) <= 4
    assert [held.members(g).tolist() for g in range(3)] == [sorted(s) for s in sets]
    for agent in range(8):
        assert held.of(agent).tolist() == [g for g in range(3) if agent in sets[g]]


def test_coined_names_are_words_all_different_and_those_of_the_seed() -> None:
    stored = [f"group {label}" for label in range(6000)]
    titles = community_titles(5, stored)
    assert len({title.casefold() for title in titles}) == 6000
    assert titles[:40] == community_titles(5, stored[:40])
    assert titles != community_titles(6, stored)
    assert all(title.isalpha() for title in titles[:200])
    assert max(map(len, titles)) < 24


def test_given_names_stay_beside_coined_ones() -> None:
    agents = Agents.create(3, seed=7, community=[0, 1, 2])
    coined = agents.communities
    agents.set_community([0, 1, 2], ["group 0", "7", coined[2].upper()])
    assert agents.communities == [coined[0], "7", coined[2].upper()]
    agents.set_community([0, 1, 2], ["group 0", coined[2].upper(), "group 2"])
    assert agents.communities[2] == f"{coined[2]} 2"


def test_what_is_read_and_written_back_is_not_a_given_name() -> None:
    world = World.from_edges([0, 2], [1, 3], community=[0, 0, 1, 1])
    before, agents = world.digest(), world.agents
    names = agents.communities
    agents.set_community(agents.community.copy(), names)
    assert world.digest() == before
    assert World.restore(*world.dump()).agents.communities == names
    world.change_agents([0], community=names[1])
    assert agents.communities == names
    assert agents.community.tolist() == [1, 0, 1, 1]


def test_a_community_is_found_by_its_coined_name_and_by_its_number() -> None:
    world = World.from_edges([0, 0, 3, 3, 3], [1, 2, 4, 5, 0], community=[0, 0, 0, 1, 1, 1])
    agents = world.agents
    for name in (agents.communities[1], "group 1"):
        assert choose_seeds(world, f"community:{name}").tolist() == [3, 4, 5]
    assert select(agents, f"community:{agents.communities[1]}").tolist() == [3, 4, 5]
    assert select(agents, 'community:"group 1"').tolist() == [3, 4, 5]
