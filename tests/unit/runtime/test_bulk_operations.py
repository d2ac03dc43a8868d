"""Acts on many agents: what they promise holds, and cancelled they leave no trace."""

import threading
from typing import Any

import numpy as np
import pytest

from sim import Act, Lifecycle, Ties, World
from sim.core import AgentCreated, AgentUpdated, Event, Report, TiesChanged
from sim.errors import Cancelled, CapacityError, InputError
from sim.network.analysis.analysis import METHODS
from sim.network.graph.changes import FRIEND
from sim.runtime import Simulation
from sim.runtime.bulk_operations import (
    build_friendships,
    create_agents,
    create_communities,
)
from tests.raising import raises, raises_awaited
from tests.unit.runtime.worlds import present, slow_phase, until


async def test_created_agents_join_and_harm_nothing(world: World, simulation: Simulation) -> None:
    session = await simulation.inject("news", seeds=[1], model="sis")
    await simulation.step(3)
    assert await simulation.create_agents(50) == range(2000, 2050)
    assert simulation.frame.agents == 2050
    await simulation.step(3)
    assert session.cascade.adopted_at.size == 2050
    assert world.ties.out_degree[2000:].sum() == 0
    await raises_awaited(InputError, "At least 1 agent", simulation.create_agents(0))


def test_nobody_gets_more_friends_than_allowed_and_friendship_is_mutual() -> None:
    world = World.from_edges([0, 0, 0], [1, 2, 3], agents=500, seed=4)
    made = build_friendships(world, max_friends=6)
    assert world.ties.count == 3 + made
    friends = [set(world.neighbours(agent, "friends").tolist()) for agent in range(500)]
    assert max(map(len, friends)) == 6
    assert sum(map(len, friends)) / 500 > 5.9
    assert all(agent in friends[other] for agent in range(500) for other in friends[agent])
    follows = sum(kind != FRIEND for kind in world.ties.kind.tolist())
    assert follows <= 3  # those there were, where they did not become friends


def test_friendships_count_friends_and_not_listeners() -> None:
    world = World.from_edges([0] * 39, range(1, 40), agents=40, seed=4)
    assert build_friendships(world, max_friends=2) > 0
    assert world.neighbours(0, "friends").size == 2  # however many listen to it
    before = world.ties.count
    assert build_friendships(world, max_friends=2) <= 2  # of the one or two that had room left
    assert world.ties.count <= before + 2


def test_who_is_blocked_makes_no_friend_of_who_blocked_it() -> None:
    world = World.from_edges([0], [1], agents=2, seed=4)
    world.block([0], [1])
    assert build_friendships(world, max_friends=1) == 0


def test_friends_share_interests_more_often_than_strangers() -> None:
    world = World.from_edges([0], [1], agents=2000, seed=4)
    build_friendships(world, max_friends=4)
    masks, ties = world.agents.interests, world.ties
    sources = np.repeat(np.arange(2000), ties.out_degree)
    friends = (masks[sources] & masks[ties.targets] != 0).mean()
    assert friends > (masks[sources] & masks[np.roll(ties.targets, 7)] != 0).mean() + 0.1


def test_friendships_are_the_same_for_the_same_world() -> None:
    worlds = [World.from_edges([0], [1], agents=300, seed=4) for _ in range(2)]
    for world in worlds:
        build_friendships(world, max_friends=5)
    assert worlds[0].digest() == worlds[1].digest()


def test_cancelled_friendships_leave_the_world_as_it_was() -> None:
    world = World.from_edges([0], [1], agents=300, seed=4)
    before = world.digest()

    def report(_stage: str, share: float) -> None:
        if share > 0.5:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        build_friendships(world, max_friends=5, report=report)
    assert world.digest() == before


def test_created_communities_gather_neighbours_and_never_exceed_their_size(world: World) -> None:
    sizes = create_communities(world, ["music", "Chess club"], max_members=40)
    assert sizes == {"music": 40, "Chess club": 40}
    assert world.agents.communities == ["music", "Chess club"]
    music = world.agents.vocabulary.match("music")
    founders = np.flatnonzero(world.agents.interests & np.uint64(music))
    assert world.agents.community[founders[world.ties.out_degree[founders].argmax()]] == 0
    assert np.bincount(world.agents.community + 1).tolist() == [1920, 40, 40]


def test_communities_that_somebody_named_keep_their_members(world: World) -> None:
    create_communities(world, ["music", "Chess club"], max_members=900)
    before = world.agents.community.copy()
    assert create_communities(world, ["sport"], max_members=900)["sport"] > 0
    named = before >= 0
    np.testing.assert_array_equal(world.agents.community[named], before[named])
    world.change_agents(np.flatnonzero(world.agents.community < 0), community="sport")
    with pytest.raises(InputError, match="3 communities that have a name, and these are not empt"):
        create_communities(world, ["tea"])
    world.change_agents(np.flatnonzero(before == 1), community="none")
    assert create_communities(world, ["tea"], max_members=10) == {"tea": 10}


def test_communities_that_are_only_counted_lend_their_members() -> None:
    world = World.from_edges([0], [1], agents=60, seed=4, community=np.arange(60) % 3)
    assert create_communities(world, ["sport"], max_members=10)["sport"] > 0


@pytest.mark.parametrize(
    ("names", "most", "said"),
    [
        ([], 5, "need names"),
        (["a", "A"], 5, "already"),
        (["a"], 0, "max_members"),
        (["group 0"], 5, "without a name are counted"),
    ],
)
def test_odd_communities_are_refused(world: World, names: list[str], most: int, said: str) -> None:
    with pytest.raises(InputError, match=said):
        create_communities(world, names, most)


async def test_communities_appear_in_the_next_frame(simulation: Simulation) -> None:
    await simulation.create_communities(["music", "sport"], max_members=30)
    groups = present(simulation.frame.communities)
    assert groups.names == ("music", "sport", "no community")
    assert groups.sizes.tolist() == [30, 30, 1940]
    assert groups.label == "known"


async def test_acts_on_agents_and_ties_are_told_as_events(simulation: Simulation) -> None:
    seen: list[Event] = []
    simulation.subscribe(Event, seen.append)
    before = simulation.frame.ties
    await simulation.create_agents(5)
    added = await simulation.build_friendships(12)
    await simulation.create_communities(["music"], 10)
    await simulation.call(lambda world: world.agents.set_status([3], Lifecycle.IDLE))
    await until(lambda: len(seen) == 4)
    assert seen == [
        AgentCreated(tick=0, first=2000, count=5),
        TiesChanged(tick=0, added=added, count=before + added),
        AgentUpdated(tick=0, what="community"),
        AgentUpdated(tick=0, what="status"),
    ]


@pytest.mark.parametrize("method", METHODS)
async def test_detected_communities_are_given_to_agents_while_the_world_plays(method: str) -> None:
    world = World.create(agents=400, mean_degree=6, seed=2)
    async with Simulation(world) as simulation:
        await simulation.inject("news", seeds=[1], model="sis")
        await simulation.play(ticks_per_second=100)
        found = await simulation.detect_communities(method)
        await simulation.pause()
        np.testing.assert_array_equal(world.agents.community, found.labels)
        assert found.count == len(world.agents.communities)
        groups = present(simulation.frame.communities)
        assert groups.label == method.capitalize()
        assert groups.sizes.sum() == 400


async def test_cancelled_detection_changes_nothing(world: World, simulation: Simulation) -> None:
    job = simulation.detect_communities("louvain")
    job.cancel()
    with pytest.raises(Cancelled):
        await job
    assert world.agents.community.max() == -1
    assert simulation.frame.communities is None


async def test_study_runs_beside_the_engine_with_progress(simulation: Simulation) -> None:
    def count(ties: Ties, extra: int, report: Report) -> tuple[int, str]:
        report("counting", 0.5)
        return ties.count + extra, threading.current_thread().name

    job = simulation.study(count, 3)
    ties, thread = await job
    assert ties == simulation.frame.ties + 3
    assert thread != "engine"
    assert job.progress.stage == "counting"


async def test_interactions_are_adoptions_with_a_source_in_order(simulation: Simulation) -> None:
    session = await simulation.inject("news", seeds=[1, 2, 3], model="sir", beta=0.3)
    batches = [batch async for batch in simulation.interactions(batch_size=100)]
    log = session.cascade.log
    agents = np.concatenate([batch.agents for batch in batches])
    np.testing.assert_array_equal(agents, log.agents[3:])
    np.testing.assert_array_equal(np.concatenate([b.sources for b in batches]), log.sources[3:])
    assert session.status == "quiet"


async def test_batch_size_follows_the_time_a_batch_takes(world: World) -> None:
    world.phases.append(slow_phase(0.02))
    async with Simulation(world) as simulation:
        await simulation.inject("news", seeds=[1, 2, 3], model="si", beta=0.3)
        batches = simulation.interactions(batch_size=64, response_ms=2)
        sizes = [len(batch) async for batch in batches]
        assert sizes[0] == 64
        assert min(sizes[1:4]) < 64


async def test_no_interactions_in_a_world_at_rest(simulation: Simulation) -> None:
    assert [batch async for batch in simulation.interactions()] == []


async def test_interactions_are_what_happens_on_the_platform_too() -> None:
    world = World.create(agents=300, mean_degree=10, seed=7, platform={"posting": 0.4})
    told = [Act.LIKE, Act.DISLIKE, Act.REPOST, Act.QUOTE, Act.REPLY, Act.FOLLOW]
    async with Simulation(world) as simulation:
        await simulation.step(2)
        session = await simulation.inject("news", seeds=[3, 4], model="si", beta=0.3)
        since = world.tick
        batches = [batch async for batch in simulation.interactions(10_000, max_ticks=20)]
    platform, cascade = world.platform, session.cascade
    assert platform is not None
    assert world.tick == since + 20
    act = np.concatenate([batch.act for batch in batches])
    expected = {
        each: sum(platform.log.count(t, each) for t in range(since + 1, since + 21))
        for each in told
    }
    assert int((act == 0).sum()) == int((cascade.source >= 0).sum()) > 0
    shared = cascade.log.agents[cascade.log.ticks > since].size
    assert expected[Act.REPOST] > shared
    expected[Act.REPOST] -= shared  # who takes a message up shares it: that is one interaction
    assert {each: int((act == each).sum()) for each in told} == expected
    post, number = (
        np.concatenate([getattr(b, name) for b in batches]) for name in ("post", "cascade")
    )
    assert (number[act == 0] == session.id).all()
    assert (number[act > 0] == -1).all()
    assert (post[act == Act.LIKE] >= 0).all()
    assert {len(batch) for batch in batches} == {batch.agents.size for batch in batches}


@pytest.fixture
def few() -> World:
    return World.from_edges([0, 1], [1, 2], agents=6, seed=4)


@pytest.mark.parametrize("most", [6, 10**9, 10**30])
def test_more_friends_than_others_are_refused_before_any_work(few: World, most: int) -> None:
    def report(_stage: str, _share: float) -> None:
        raise AssertionError("work has begun")

    with pytest.raises(InputError, match=r"max_friends must be in \[1, 5\], got .*more than 5"):
        build_friendships(few, most, report)
    assert few.ties.count == 2


def test_as_many_friends_as_there_are_others_are_allowed(few: World) -> None:
    assert build_friendships(few, 5) > 0
    assert max(few.neighbours(agent, "friends").size for agent in range(6)) <= 5


def test_rounds_end_once_nobody_has_room() -> None:
    world, told = World.from_edges([0], [1], agents=400, seed=4), list[float]()
    assert build_friendships(world, 399, lambda _, share: told.append(share)) > 0
    told.clear()
    assert build_friendships(World.from_edges([0, 1], [1, 0]), 1, lambda _, s: told.append(s)) == 0
    assert told == [0.0]


def test_friendships_that_do_not_fit_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World.from_edges([0], [1], agents=1000, seed=4)
    monkeypatch.setattr("sim.runtime.bulk_operations.available_bytes", lambda: 1 << 20)
    with pytest.raises(CapacityError, match=r"Up to 99,000 new ties need about .* lower max_fri"):
        build_friendships(world, 99)
    assert world.ties.count == 1
    assert build_friendships(world, 2) > 0


def test_more_agents_than_fit_are_refused_and_the_world_stays_whole(few: World) -> None:
    raises(CapacityError, r"2,000,000,006 agents", create_agents, few, 2_000_000_000)
    assert (len(few.agents), few.ties.agents) == (6, 6)


@pytest.mark.parametrize("wrong", [1.5, "3", True, None])
def test_numbers_of_agents_and_friends_are_whole(few: World, wrong: Any) -> None:
    raises(InputError, "max_friends must be a whole number", build_friendships, few, wrong)
    with pytest.raises(InputError, match="How many agents to create must be a whole number"):
        create_agents(few, wrong)
    with pytest.raises(InputError, match="max_members must be a whole number"):
        create_communities(few, ["Chess"], wrong)
