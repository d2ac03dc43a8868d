"""A member's place in the file says nothing about what becomes of it."""

import numpy as np
import pytest

from sim import Lifecycle, World, choose_seeds
from sim.errors import InputError
from sim.platform.acts.relations import FOUNDERS
from sim.platform.posts.posts import TRENDING, pools_of
from sim.runtime.bulk_operations import create_communities
from tests.unit.runtime.worlds import present


def ring(agents: int, seed: int) -> World:
    """A world in which no member stands out."""
    ids = np.arange(agents)
    return World.from_edges(ids, (ids + 1) % agents, agents, directed=False, seed=seed)


@pytest.mark.parametrize("measure", ["degree", "pagerank", "core"])
def test_of_equals_seeds_are_drawn(measure: str) -> None:
    chosen = [choose_seeds(ring(1000, seed), f"top:40:{measure}") for seed in (1, 2)]
    for seeds in chosen:
        assert 350 < seeds.mean() < 650  # 20 while the lowest numbers were taken
    assert chosen[0].tolist() != chosen[1].tolist()
    assert choose_seeds(ring(1000, 1), f"top:40:{measure}").tolist() == chosen[0].tolist()


def test_of_equals_the_founder_of_a_community_is_drawn() -> None:
    found = []
    for seed in range(6):
        world = ring(600, seed)
        create_communities(world, ["The corner"], 3)
        found.append(int(np.flatnonzero(world.agents.community == 0).min()))
    assert np.mean(found) > 100  # 0 each time while the first was taken


def test_what_everybody_may_be_shown_is_not_by_those_numbered_last() -> None:
    """More is posted in a tick than the pool of the newest holds: who gets in is drawn."""
    told = {"posting": 1.0, "rhythm": "flat"}
    world = World.create(agents=4000, mean_degree=4, seed=3, platform=told)
    platform = present(world.platform)
    for _ in range(3):
        world.step()
        posts = platform.posts
        assert (posts.created == platform.tick).sum() > 2 * TRENDING
        newest = pools_of(posts, np.empty(0, np.uint32)).messages[-TRENDING:]
        authors = posts.author[posts.rows(newest)]
        assert authors.mean() == pytest.approx(2000, rel=0.12)  # 3,400 in the order of numbers


class TestFounders:
    def test_they_can_be_named_when_a_platform_opens(self) -> None:
        told = {"rhythm": "flat", "founders": "ids:3,5"}
        world = World.create(agents=300, mean_degree=6, seed=3, platform=told)
        world.step(24)
        assert world.platform is not None
        expected = 300 * world.reputation([3, 5])
        assert world.platform.reputation == pytest.approx(expected, abs=0.3)
        assert world.platform.reputation[[3, 5]].min() > 20
        assert world.reputation("ids:3,5").tolist() == world.reputation([3, 5]).tolist()

    @pytest.mark.parametrize("named", ["top:40:fame", "ids:900", "nobody of that name"])
    def test_whom_there_is_not_is_refused_in_one_sentence(self, named: str) -> None:
        world = World.create(agents=50, mean_degree=4, seed=3)
        with pytest.raises(InputError) as said:
            world.open_platform(founders=named)
        assert "\n" not in str(said.value)
        assert world.platform is None

    def test_when_none_of_them_is_left_the_network_decides_and_it_is_said(self) -> None:
        world = World.create(agents=100, mean_degree=6, seed=3)
        world.agents.set_community(np.where(np.arange(100) == 3, 0, -1), ["elders"])
        world.open_platform(rhythm="flat", founders="community:elders")
        world.agents.set_status([3], Lifecycle.BANNED)
        world.step(24)
        assert world.platform is not None
        assert world.platform.reputation == pytest.approx(100 * world.reputation(), abs=0.3)
        world.step(24)
        assert len([said for said in world.platform.faults if "the network shows" in said]) == 1

    @pytest.mark.parametrize("wrong", [[], [np.nan] * 9, [-1] * 9, [0] * 9, [1] * 999])
    def test_who_joins_later_is_none_of_them_and_files_can_say_nothing_else(
        self, wrong: list[float]
    ) -> None:
        told = {"rhythm": "flat", "newcomers": 0.3, "friends": "jaccard"}
        world = World.create(agents=300, mean_degree=6, seed=3, platform=told)
        world.step(24)
        platform = present(world.platform)
        first = platform.held[FOUNDERS].copy()
        world.step(24)
        held = platform.held[FOUNDERS]
        assert held[: first.size].tolist() == first.tolist()
        assert held.size > first.size
        assert not held[first.size :].any()
        platform.held[FOUNDERS] = np.array(wrong, np.float32)
        world.step(24)
        assert platform.held[FOUNDERS].sum() == pytest.approx(1.0, abs=1e-5)
        assert np.isfinite(platform.reputation).all()
