"""What each stage of life lets a member take part in: one table, held at every place."""

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim import Act, Lifecycle, Platform, World, choose_seeds, load, make, save
from sim.agents import lifecycle
from sim.agents.lifecycle import PLACES, Place
from sim.errors import InputError
from sim.lab import suggested
from sim.network import network_report
from sim.network.analysis import analysis
from sim.platform.acts.commands import change_ties
from sim.platform.acts.log import ActColumns
from sim.store.snapshot.opened import upgrade
from tests.unit.runtime.minds_world import platform_of

WHO, AGENTS = 40, 80
STAGES = list(Lifecycle)


def town(stage: Lifecycle) -> World:
    """Everybody hears the next two and member 0; somebody is at a stage of life."""
    ties = [((v + k) % AGENTS, v) for v in range(AGENTS) for k in (1, 2)]
    ties += [(0, v) for v in range(3, AGENTS - 1)]
    sources, targets = np.array(ties).T
    world = World.from_edges(
        sources, targets, AGENTS, seed=4, community=np.arange(AGENTS) % 2, communities=["a", "b"]
    )
    world.agents.set_activity(np.arange(AGENTS), 1.0)
    world.agents.set_interests(np.arange(AGENTS), np.full(AGENTS, 1, np.uint64))
    world.open_platform(posting=0.9, rhythm="flat", outside=0.5, reputation_hours=1.0)
    world.groups.create("gardeners")
    world.groups.join([WHO, 5], "gardeners")
    world.mute([7], [WHO])
    world.step(2)
    if stage is Lifecycle.CREATED:  # nobody comes back to it
        world.agents._columns["status"][WHO] = stage
        world.agents.lore.moves.made += 1
    else:
        world.agents.set_status([WHO], stage)
    world.step(2)
    return world


def allowed(ask: Callable[[], object]) -> bool:
    try:
        ask()
    except InputError:
        return False
    return True


def is_shown(world: World) -> bool:
    platform = platform_of(world)
    return WHO in platform.posts.author[platform.posts.rows(platform.exposures.message)].tolist()


def hears_and_adopts(world: World) -> bool:
    story = world.inject("x", seeds=[WHO + 1, WHO + 2], model="si", beta=1.0, channel="broadcast")
    world.step()
    return bool(story.adopted_at[WHO] >= 0)


def is_walked_to(world: World) -> bool:
    by = make("random-walk", "friend-recommender")
    return WHO in by.suggest(np.array([WHO - 3], np.uint32), world.platform, AGENTS)[1].tolist()


def may_join_a_group(world: World) -> bool:
    world.groups.create("cooks")
    return allowed(lambda: world.groups.join([WHO], "cooks"))


def has_ties(world: World) -> bool:
    return bool(world.ties.out_degree[WHO] or world.ties.in_degree[WHO])


def is_in_its_group(world: World) -> bool:
    return WHO in world.groups.members("gardeners")


def may_get_new_ties(world: World) -> bool:
    before = world.ties.count
    world.add_ties([WHO], [20])
    return world.ties.count > before


def topic_of(world: World) -> str:
    return next(iter(world.agents.vocabulary))


SEEN: dict[Place, dict[str, Callable[[World], bool]]] = {
    "feeds": {
        "is online": lambda w: WHO in platform_of(w).online,
        "is shown": is_shown,
        "is a seed": lambda w: allowed(lambda: w.inject("x", seeds=[WHO], model="sir")),
        "is chosen as a seed": lambda w: WHO in choose_seeds(w, f"interest:{topic_of(w)}"),
        "hears and adopts": hears_and_adopts,
    },
    "proposals": {
        "is suggested": lambda w: WHO in [s.agent for s in suggested(w, WHO - 3, count=AGENTS)],
        "is walked to": is_walked_to,
        "is found": lambda w: WHO in platform_of(w).search_people(topic_of(w)).tolist(),
    },
    "ties": {
        "may be followed": lambda w: allowed(lambda: w.follow([10], [WHO])),
        "by hand": lambda w: allowed(lambda: platform_of(w).act(10, "follow", other=WHO)),
        "in a batch": lambda w: change_ties(w, ActColumns.of(11, Act.FOLLOW, other=WHO))[0],
        "may join a group": may_join_a_group,
    },
    "network": {
        "has ties": has_ties,
        "is on paths": lambda w: analysis.shortest_path(w.ties, WHO, WHO - 1) is not None,
        "has pagerank": lambda w: analysis.pagerank(w.ties)[WHO] > 0,
        "is in a component": lambda w: analysis.components(w.ties)[WHO] >= 0,
        "is counted": lambda w: network_report(w.ties).agents == AGENTS,
        "is in a detected community": lambda w: analysis.communities(w.ties)[WHO] >= 0,
        "is in its community": lambda w: w.agents.community[WHO] >= 0,
        "has reputation": lambda w: platform_of(w).reputation[WHO] > 0,
        "has weighed reputation": lambda w: w.reputation()[WHO] > 0,
        "is in its group": is_in_its_group,
        "is muted": lambda w: WHO in w.neighbours(7, "muted"),
        "may get new ties": may_get_new_ties,
    },
}
"""Whether member WHO takes part, by place."""


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("place", SEEN)
def test_a_stage_of_life_means_the_same_at_every_place(place: Place, stage: Lifecycle) -> None:
    expected = stage in PLACES[place]
    world = town(stage)
    seen = {what: bool(look(world)) for what, look in SEEN[place].items()}
    assert seen == dict.fromkeys(seen, expected)


@pytest.mark.parametrize("page", [None, "sim/README.md"])
def test_the_tables_that_people_read_are_the_one_that_is_held(page: str | None) -> None:
    root = Path(lifecycle.__file__).parents[2]
    text = lifecycle.__doc__ or "" if page is None else (root / page).read_text()
    for stage in STAGES:
        row = re.search(rf"^\|? *`?{stage.name.lower()}`?[ |]+(.*)$", text, re.MULTILINE)
        assert row is not None, stage
        said = re.findall(r"\b(yes|no)\b", row.group(1))
        assert said == ["yes" if stage in PLACES[place] else "no" for place in PLACES], stage


def test_measures_are_those_of_the_others_alone() -> None:
    world = World.create(agents=120, network="small-world", mean_degree=8, seed=3)
    gone = np.arange(0, 120, 7)
    world.agents.set_status(gone, "destroyed")
    rest = np.setdiff1d(np.arange(120), gone)
    place = np.full(120, -1)
    place[rest] = np.arange(rest.size)
    ends = np.repeat(np.arange(120), world.ties.out_degree), world.ties.targets
    other = World.from_edges(place[ends[0]], place[ends[1]], rest.size, seed=3)
    one, two = network_report(world.ties).as_dict(), network_report(other.ties).as_dict()
    for said in one["influential"]:
        assert said["agent"] in rest
    drawn = ("communities", "largest_community", "modularity", "path_length", "influential")
    for name in (*drawn, "clustering"):
        del one[name], two[name]
    assert one == two
    for measure in (analysis.clustering, partial(analysis.path_length, sample=None)):
        assert measure(world.ties).value == pytest.approx(measure(other.ties).value, rel=1e-12)
    ranks = analysis.pagerank(world.ties)
    assert np.allclose(ranks[rest], analysis.pagerank(other.ties), atol=1e-9)
    assert not ranks[gone].any()
    assert np.allclose(world.reputation()[rest], other.reputation(), atol=1e-9)
    assert not world.reputation()[gone].any()
    sampled = analysis.clustering(world.ties, 200_000).value
    assert sampled == pytest.approx(analysis.clustering(other.ties).value, abs=0.01)


def test_nobody_who_is_gone_is_trusted_beforehand_where_few_have_listeners() -> None:
    world = World.from_edges([0, 1], [1, 2], agents=60, seed=3)
    world.agents.set_status(np.arange(30, 60), "destroyed")
    assert not world.reputation()[30:].any()


def test_a_world_with_destroyed_members_resumes_as_if_never_stopped(tmp_path: Path) -> None:
    world = town(Lifecycle.DESTROYED)
    world.inject("x", seeds=[1], model="linear-threshold")
    save(world, tmp_path / "town.hub")
    again = load(tmp_path / "town.hub")
    assert again.digest() == world.digest()
    for one in (world, again):
        one.step(2)
        one.agents.set_status([9], "destroyed")
        one.step(2)
    assert again.digest() == world.digest()


def _names_communities(world: World) -> None:
    world.agents.set_community(np.arange(AGENTS) % 3)


def _has_trusted(world: World) -> None:
    world.change_agents([0], status="destroyed")  # trusted beforehand: everybody hears it
    world.step(3)
    assert platform_of(world).reputation[0] == 0


@pytest.mark.parametrize("later", [_names_communities, _has_trusted])
def test_acts_after_a_burial_still_load(later: Callable[[World], None], tmp_path: Path) -> None:
    world = town(Lifecycle.DESTROYED)
    later(world)
    save(world, tmp_path / "town.hub")
    again = load(tmp_path / "town.hub")
    for one in (world, again):
        one.step(3)
    assert again.digest() == world.digest()


def test_who_was_destroyed_in_a_version_before_is_buried_on_opening() -> None:
    world = town(Lifecycle.ACTIVE)
    meta, columns = world.dump()
    columns["agents.status"] = columns["agents.status"].copy()
    columns["agents.status"][WHO] = Lifecycle.DESTROYED
    upgrade(1, meta, columns)
    again = World.restore(meta, columns)
    assert not has_ties(again)
    assert not is_in_its_group(again)
    again.step(2)


def test_many_are_destroyed_at_once_and_none_keeps_a_tie() -> None:
    world = World.create(agents=5000, mean_degree=12, seed=3)
    ties = world.ties.count
    world.change_agents(np.arange(0, 5000, 2), status="destroyed")
    assert 0 < world.ties.count < ties
    assert not world.ties.out_degree[::2].any()
    assert not world.ties.in_degree[::2].any()
    assert (world.ties.reverse.out_degree == world.ties.in_degree).all()


def friendly(**settings: Any) -> tuple[World, Platform]:
    world = World.create(agents=400, mean_degree=8, seed=7)
    told = {"rhythm": "flat", "friends": "adamic-adar", "meeting": 0.5} | settings
    return world, world.open_platform(told)


def test_no_follow_is_logged_that_made_no_tie() -> None:
    world, platform = friendly()
    world.agents.set_status(np.arange(0, 400, 3), "destroyed")
    logged = 0
    for _ in range(6):
        before = world.ties.count
        world.step()
        acts = platform.log.at(world.tick)
        follows = acts.chosen(acts.act == Act.FOLLOW)
        mutes = int((acts.act == Act.MUTE).sum())
        logged += follows.agent.size
        assert platform.log.count(world.tick, Act.FOLLOW) == follows.agent.size
        assert abs(world.ties.count - before - follows.agent.size) <= mutes
        pairs = follows.agent.astype(np.uint64) << np.uint64(32) | follows.other
        assert np.unique(pairs).size == pairs.size
        assert (world.ties.find(follows.other, follows.agent) >= 0).sum() >= pairs.size - mutes
    assert logged > 100


@pytest.mark.parametrize("act", ["follow", "mute", "block", "unfollow", "unmute", "unblock"])
def test_an_act_by_hand_that_changes_nothing_is_not_logged(act: str) -> None:
    world, platform = friendly(meeting=0.0, posting=0.0)
    a, b = 3, int(world.neighbours(3)[0])
    if act in {"follow", "mute", "block"}:
        getattr(world, act)([a], [b])
    elif act == "unfollow":
        world.unfollow([a], [b])
    platform.act(a, act, other=b)
    world.step()
    assert (Act[act.upper()], b) not in {(done, whom) for _, done, _, whom in platform.log.of(a)}


def test_acts_by_hand_take_effect_in_their_order() -> None:
    world, platform = friendly(meeting=0.0, posting=0.0)
    a, b = 3, int(world.neighbours(3)[0])
    platform.act(a, "unfollow", other=b)
    platform.act(a, "follow", other=b)
    world.step()
    assert b in world.neighbours(a)
    assert [done.says for _, done, _, _ in platform.log.of(a, b)] == ["unfollow", "follow"]


def test_nobody_who_is_muted_or_blocked_is_proposed() -> None:
    world, _ = friendly()
    best = [one.agent for one in suggested(world, 3, count=4)]
    world.mute([3], [best[0]])
    world.block([best[1]], [3])
    left = [one.agent for one in suggested(world, 3, count=4)]
    assert left[:2] == best[2:4]
    assert len(left) == 4
