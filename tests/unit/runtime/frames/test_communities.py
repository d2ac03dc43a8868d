"""The picture of communities: largest first, the rest in one row, the tied near each other."""

from collections.abc import Callable

import numpy as np
import pytest

from sim import Agents, Ties, World
from sim.core import Report
from sim.errors import Cancelled
from sim.runtime import Simulation
from sim.runtime.frames import communities as arranger
from sim.runtime.frames.communities import (
    MOST_GROUPS,
    CommunityLabels,
    CommunityTotals,
    arrange,
    positions,
)
from tests.unit.runtime.worlds import blocked_until, present, until


def labelled(world: World) -> CommunityLabels:
    agents = world.agents
    return CommunityLabels(agents.community.copy(), tuple(agents.communities))


def test_communities_come_largest_first_with_ties_and_best_members() -> None:
    world = World.from_edges(
        [0, 0, 1, 3, 3, 3],
        [1, 3, 0, 2, 4, 0],
        names=["Ana", "Bo", "Cy", "Di", "Ed"],
        community=[1, 1, 0, 0, 0],
        communities=["Peru", "Malta"],
    )
    groups = present(arrange(world.agents, world.ties, labelled(world)))
    assert groups.names == ("Peru", "Malta")
    assert groups.sizes.tolist() == [3, 2]
    assert groups.labels.tolist() == [0, 1]
    assert groups.links.tolist() == [[2, 1], [1, 2]]
    assert groups.top == (("Di", "Cy", "Ed"), ("Ana", "Bo"))
    assert groups.label == "known"


def test_small_communities_and_agents_in_none_share_the_last_row() -> None:
    labels = np.repeat(np.arange(-1, 300), 3)
    labels = np.append(labels, np.arange(250))  # the first 250 have four members
    names = [f"c{label}" for label in range(310)]  # ten of which have no members
    told = {"community": labels, "communities": names}
    world = World.from_edges([0], [1], agents=labels.size, **told)  # type: ignore[arg-type]
    groups = present(arrange(world.agents, world.ties, labelled(world)))
    assert groups.total == 300
    assert len(groups.names) == len(groups.sizes) == MOST_GROUPS
    assert groups.names[-1] == "101 smaller ones"
    assert groups.sizes[:-1].tolist() == [4] * 199
    assert groups.sizes.sum() == labels.size
    assert groups.labels[-1] == -1
    np.testing.assert_array_equal(np.bincount(groups.row_of), groups.sizes)


def test_world_without_communities_has_no_picture() -> None:
    world = World.from_edges([0], [1])
    assert arrange(world.agents, world.ties, labelled(world)) is None


def test_picture_can_be_cancelled() -> None:
    world = World.create(agents=500, network="planted-communities", mean_degree=6, seed=1)

    def report(stage: str, _share: float) -> None:
        raise Cancelled(stage)

    with pytest.raises(Cancelled):
        arrange(world.agents, world.ties, labelled(world), report)


def test_places_stay_near_when_ties_change() -> None:
    draws = np.random.default_rng(1)
    links = draws.poisson(5, (30, 30)) + 100 * (draws.random((30, 30)) < 0.1)
    before, sizes = positions(links, np.full(30, 100)), np.full(30, 100)
    assert np.array_equal(before, positions(links, sizes))
    after = positions(links + draws.poisson(0.5, (30, 30)), sizes, before)
    assert np.sqrt(((after - before) ** 2).sum(axis=1)).mean() < 0.1


def test_tied_communities_stand_closer_than_strangers() -> None:
    links = np.zeros((6, 6), np.int64)
    links[:3, :3] = links[3:, 3:] = 50
    places = positions(links, np.full(6, 100))
    apart = np.sqrt(((places[:, None] - places[None]) ** 2).sum(axis=2))
    assert apart[:3, 3:].min() > max(apart[:3, :3].max(), apart[3:, 3:].max())
    assert places.min() >= 0
    assert places.max() <= 1
    np.testing.assert_array_equal(places, positions(links, np.full(6, 100)))


def at_once(act: Callable[[], object]) -> None:
    act()


def test_communities_stay_in_place_until_their_ties_are_others() -> None:
    world = World.create(agents=200, mean_degree=10, seed=5, network="planted-communities")
    shown: list[CommunityTotals | None] = []
    layout = arranger.CommunityLayout(at_once)

    def arranged() -> CommunityTotals:
        layout.arrange(world, shown.append)
        assert shown[-1] is not None
        return shown[-1]

    first = arranged()
    heard, hears = np.repeat(np.arange(200), world.ties.out_degree), world.ties.targets.copy()
    order = np.random.default_rng(1).permutation(len(heard))
    heard, hears = heard[order], hears[order]
    few = world.ties.count // 100
    for begin in range(2):  # one per cent, and another
        cut = slice(begin * few, (begin + 1) * few)
        world.unfollow(hears[cut], heard[cut])
        next_one = arranged()
        assert next_one.links.sum() == first.links.sum() - (begin + 1) * few
        assert next_one.positions is first.positions
    world.unfollow(hears[2 * few : 4 * few], heard[2 * few : 4 * few])
    moved = arranged()
    np.testing.assert_array_equal(
        moved.positions, positions(moved.links, moved.sizes, first.positions)
    )
    assert not np.array_equal(moved.positions, first.positions)
    labels = world.agents.community.copy()
    labels[0] = 1 - min(labels[0], 1)
    world.agents.set_community(labels, world.agents.communities)
    assert arranged().positions is not moved.positions, "of other members"


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_communities_have_places_too(count: int) -> None:
    places = positions(np.zeros((count, count), np.int64), np.ones(count, np.int64))
    assert places.shape == (count, 2)
    assert np.isfinite(places).all()


async def test_newer_communities_replace_those_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arranger, "_AT_ONCE_TIES", 0)

    begun: list[CommunityLabels] = []

    def dawdle(
        agents: Agents,
        ties: Ties,
        given: CommunityLabels,
        report: Report,
        **_: object,
    ) -> CommunityTotals | None:
        def is_over() -> bool:
            report("dawdling", 0.0)  # raises when it is cancelled
            return False

        begun.append(given)
        if len(begun) == 1:
            blocked_until(is_over)
        return arrange(agents, ties, given, report)

    monkeypatch.setattr(arranger, "arrange", dawdle)
    world = World.create(agents=300, network="planted-communities", mean_degree=6, seed=1)
    async with Simulation(world) as simulation:
        await until(lambda: len(begun) == 1)
        await simulation.call(lambda world: world.agents.set_community([0] * 300, ["Peru"]))
        await until(lambda: simulation.frame.communities is not None)
        assert present(simulation.frame.communities).names == ("Peru",)


async def test_agents_that_come_meanwhile_do_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arranger, "_AT_ONCE_TIES", 0)
    world = World.create(agents=300, network="planted-communities", mean_degree=6, seed=1)
    async with Simulation(world) as simulation:
        session = await simulation.inject("news", seeds=[1], model="si", beta=1.0)
        await until(lambda: simulation.frame.communities is not None)
        await simulation.create_agents(5000)
        await simulation.build_friendships(4)
        await simulation.step(10)
        await simulation.play(until_quiet=True)
        await session.done()
        assert session.size > 3000
        await until(lambda: getattr(simulation.frame.communities, "names", ("",))[-1] != "")
        groups = present(simulation.frame.communities)
        assert groups.sizes.sum() == 5300
        assert groups.adopted.sum() == session.size
