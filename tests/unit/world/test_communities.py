"""Communities have names that a person can read: given ones, or coined ones that stay."""

from sim import Agents, World, select
from sim.agents.names import community_titles
from sim.world.seeding import choose_seeds


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
