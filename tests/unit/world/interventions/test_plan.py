"""Interventions: at a tick or on a condition, once, saved, replayed, refused in a sentence."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim import Lifecycle, World, load, replay, save
from sim.errors import InputError, ParameterError, UnknownNameError
from sim.platform import Flag
from sim.world import Interventions
from sim.world.interventions.kinds import KINDS, OPENS
from sim.world.interventions.plan import condition_of
from tests.raising import raises
from tests.unit.runtime.minds_world import platform_of


def world_of(agents: int = 300, *, lives: bool = False, seed: int = 5) -> World:
    told = {"rhythm": "flat", "posting": 0.2} if lives else None
    return World.create(agents=agents, mean_degree=6, seed=seed, platform=told)


def busy() -> World:
    """A world to which everything is done that there is."""
    world = world_of(lives=True)
    world.open_metrics(every=1, structure=0)
    world.inject("bridge", seeds=[0, 1], model="sir", beta=0.4)
    world.at("size > 3", "fact-check", reach=0.1)
    world.at(1, "vote", likes=3, dislikes=2)
    world.at(2, "label")
    world.at(2, "down-rank")
    world.at(3, "down-rank", post=1)
    world.at(3, "shock", factor=0.5, ticks=3)
    world.at(3, "newcomers", count=5, friends=3)
    world.at(4, "ban", agents=[7, 8])
    world.at(4, "freeze", agents="random:4")
    world.at(5, "recommend", recommender="popularity", agents="random:50")
    world.at(5, "behave", agents="random:50", parameters={"likes": 2.0})
    world.at(5, "act", act="like", agents=[12, 13], message=0)
    world.at(5, "set", name="posting", value=0.5)
    world.at(6, "set", message=0, name="beta", value=0.1)
    world.at(6, "thaw")
    world.at(7, "cut", agents=[1], others=[2, 3])
    world.at(7, "group", name="few", agents="ids:3,4,7", limit=1)
    world.at(7, "ties", act="follow", agents=[1], others=[20, 21])
    world.at("diversity > 0", "inject", text="More", seeds="random:3", model="si", author="3")
    world.at(8, "hide")
    return world


def test_it_is_done_before_the_first_tick_that_it_can_change() -> None:
    world, bare = world_of(), world_of()
    for each in (world, bare):
        each.inject("x", seeds=[0], model="si", beta=1.0)
    plan = world.at(1, "ban", agents="top:20:degree")
    for each in (world, bare):
        each.step(1)
    assert plan == world.interventions[0]
    assert world.cascades[0].size == bare.cascades[0].size
    for each in (world, bare):
        each.step(1)
    assert world.cascades[0].size < bare.cascades[0].size
    assert (world.interventions[0].done_at, world.interventions[0].failed) == (1, False)
    assert str(world.interventions[0]) == (
        "ban the 20 most followed members at tick 1 (done: 20 members are banned)"
    )


def test_a_condition_is_seen_to_after_every_tick_and_once() -> None:
    world = world_of()
    story = world.inject("x", seeds=[0], model="si", beta=0.3)
    world.at("share >= 0.2", "inject", text="y", seeds="random:1", model="si")
    world.step(30)
    done = world.interventions[0].done_at
    assert done is not None
    reached = np.cumsum(story.new_adopters)
    assert reached[done - 1] < 60 <= reached[done]
    assert len(world.cascades) == 2
    assert world.cascades[1].started_at == done


def test_a_message_that_is_injected_starts_as_if_by_hand() -> None:
    world, other = world_of(), world_of()
    world.at(3, "inject", text="y", seeds="ids:4", model="si", parameters={"beta": 0.5})
    world.step(3)
    other.step(3)
    other.inject("y", seeds=[4], model="si", beta=0.5)
    for each in (world, other):
        each.step(4)
    assert world.cascades[0].new_adopters.tolist() == other.cascades[0].new_adopters.tolist()


@pytest.mark.parametrize(
    ("text", "value"),
    [("tick", 6), ("size", 30), ("share#0", 0.1), ("over", 1), ("act_like", None), ("new#9", None)],
)
def test_conditions_read_the_world(text: str, value: float | None) -> None:
    world = world_of()
    world.inject("x", seeds=range(30), model="si", beta=0.0)
    world.step(6)
    got = condition_of(f"{text} > 0").value(world)
    assert np.isnan(got) if value is None else got == pytest.approx(value)


def test_everything_is_done_saved_and_done_again(tmp_path: Path) -> None:
    world = busy()
    world.step(5)
    save(world, tmp_path / "w.hub")
    again = load(tmp_path / "w.hub")
    assert again.digest() == world.digest()
    for each in (world, again):
        each.step(6)
    assert again.digest() == world.digest()
    assert [str(p) for p in again.interventions] == [str(p) for p in world.interventions]
    assert not [str(p) for p in world.interventions if p.failed or not p.is_over]
    assert {p.does.plugin_name for p in world.interventions} == set(KINDS) - {OPENS}
    world.trail.seal(world)
    done = replay(world.trail.acts)
    assert done.findings == ()
    assert done.world.digest() == world.digest()


def test_what_is_planned_is_part_of_the_state() -> None:
    world, other = world_of(), world_of()
    world.at(5, "ban", agents=[3])
    assert world.digest() != other.digest()


def test_a_fact_check_reaches_its_share_and_labels() -> None:
    world = world_of(2000, lives=True)
    world.inject("bridge", seeds=[0, 1], model="sir", beta=0.2)
    world.at(2, "fact-check", reach=0.25, model="si", text="No.")
    world.step(3)
    check = world.cascades[1]
    assert abs(check.seeds.size - 500) < 4 * np.sqrt(2000 * 0.25 * 0.75)
    assert not set(check.seeds.tolist()) & {0, 1}
    platform = platform_of(world)
    assert platform.posts.flags[platform.posts.row(platform.injected[0])] & Flag.LABELLED


def test_a_shock_passes() -> None:
    world = world_of()
    before = world.agents.activity.copy()
    world.at(1, "shock", factor=3.0, ticks=2)
    world.step(2)
    assert np.allclose(world.agents.activity, np.minimum(3 * before, 1))
    assert world.interventions.is_waiting
    world.step(2)
    assert (world.agents.activity == before).all()
    assert not world.interventions.waits_for_tick


def test_frozen_members_are_thawed_by_id() -> None:
    world = world_of()
    world.at(0, "freeze", agents=[3, 4, 5])
    world.at(1, "thaw", agents="ids:3,4")
    world.step(2)
    assert world.agents.status[[3, 4, 5]].tolist() == [1, 1, Lifecycle.SUSPENDED]


def test_cutting_leaves_other_ties_alone() -> None:
    world = world_of()
    arcs = {*zip(world.ties.sources().tolist(), world.ties.targets.tolist(), strict=True)}
    world.at(0, "cut", agents="ids:0,1,2")
    world.step(1)
    left = {*zip(world.ties.sources().tolist(), world.ties.targets.tolist(), strict=True)}
    assert left == {(u, v) for u, v in arcs if not {u, v} & {0, 1, 2}}


def test_newcomers_join_the_largest_community_where_asked() -> None:
    world = World.create(300, "planted-communities", 6, seed=2)
    largest = int(np.bincount(world.agents.community).argmax())
    world.at(0, "newcomers", count=10, friends=4, among="largest")
    world.step(1)
    friends = np.unique(np.concatenate([world.neighbours(300 + k, "friends") for k in range(10)]))
    assert set(world.agents.community[friends].tolist()) == {largest}


def test_false_votes_are_counted() -> None:
    world = world_of(lives=True)
    world.inject("x", seeds=[0], model="si", beta=0.0)
    world.at(2, "vote", likes=40, dislikes=7)
    world.step(3)
    platform = platform_of(world)
    row = platform.posts.row(platform.injected[0])
    assert platform.posts.likes[row] >= 40
    assert platform.posts.dislikes[row] >= 7
    assert condition_of("likes >= 40").holds(world)


@pytest.mark.parametrize(
    ("kind", "said", "sentence"),
    [
        ("label", {"message": 3}, "No message 3"),
        ("hide", {}, "message #0 stands in no feed"),
        ("set", {"message": 0, "name": "gama", "value": 1}, "did you mean 'gamma'"),
        ("ties", {"act": "follow", "agents": "ids:4", "others": "ids:5"}, "agent 5 is banned"),
        ("fact-check", {"reach": 1e-9}, "nobody was left"),
        ("newcomers", {"count": 1, "among": "largest"}, "nobody is in a community"),
    ],
)
def test_what_is_no_longer_possible_says_why(kind: str, said: Any, sentence: str) -> None:
    world = world_of(lives=True)
    world.inject("x", seeds=[0], model="sir", channel="broadcast")
    world.at(2, kind, **said)
    if kind == "ties":
        world.at(1, "ban", agents="ids:5")
    world.step(4)
    planned = world.interventions[0]
    assert planned.failed
    assert planned.result.startswith("could not be done: ")
    assert sentence in planned.result


@pytest.mark.parametrize(
    ("when", "kind", "said", "error", "sentence"),
    [
        (5, "bann", {}, UnknownNameError, "Did you mean 'ban'"),
        (5, "ban", {"agent": "ids:3"}, ParameterError, "did you mean 'agents'"),
        (5, "ban", {"agents": "top:five:degree"}, InputError, "five"),
        (5, "ban", {"agents": [999]}, InputError, "999"),
        (0, "ban", {"agents": [1]}, InputError, "it is 2 already"),
        (1.5, "ban", {"agents": [1]}, InputError, "whole number"),
        ("shar > 1", "ban", {"agents": [1]}, UnknownNameError, "Did you mean 'share'"),
        ("share 1", "ban", {"agents": [1]}, InputError, "QUANTITY > NUMBER"),
        ("share > x", "ban", {"agents": [1]}, InputError, "with a number"),
        ("tick_ms > 5", "ban", {"agents": [1]}, InputError, "no two runs"),
        ("diversity > 1", "ban", {"agents": [1]}, InputError, "takes metrics"),
        (5, "label", {}, InputError, "needs a platform"),
        (5, "recommend", {"recommender": "blend"}, InputError, "needs a platform"),
        (5, "set", {"name": "posting", "value": 1}, InputError, "needs a platform"),
        (5, "open-platform", {"settings": {"slotz": 3}}, ParameterError, "did you mean 'slots'"),
        (5, "open-platform", {"recommender": "hott"}, UnknownNameError, "'hot'"),
        (5, "act", {"act": "like", "agents": [1]}, InputError, "needs a platform"),
        (5, "label", {"message": True}, ParameterError, "message is a number"),
        (5, "inject", {"text": "x", "model": "sirr"}, UnknownNameError, "sir"),
        (5, "inject", {"text": "x", "channel": "fed"}, InputError, "fed"),
        (5, "fact-check", {"model": "sirr"}, UnknownNameError, "sir"),
    ],
)
def test_what_could_never_be_done_is_refused_at_once(
    when: Any, kind: str, said: Any, error: type[Exception], sentence: str
) -> None:
    world = world_of()
    world.step(2)
    before = world.digest()
    raises(error, sentence, world.at, when, kind, **said)
    assert world.digest() == before
    assert len(world.interventions) == 0


def test_settings_that_cannot_change_are_refused() -> None:
    world = world_of(lives=True)
    raises(UnknownNameError, "posting", world.at, 1, "set", name="slotz", value=3)
    raises(ParameterError, "posting", world.at, 1, "set", name="posting", value=3)
    raises(UnknownNameError, "popularity", world.at, 1, "recommend", recommender="populer")
    for said, sentence in (
        ({"act": "lik"}, "Did you mean"),
        ({"act": "sign up"}, "newcomers"),
        ({"act": "like", "message": 0, "post": 3}, "one message"),
    ):
        raises(InputError, sentence, world.at, 1, "act", agents=[1], **said)
    raises(InputError, "has a platform already", world.at, 1, OPENS)


def test_a_platform_opens_at_a_tick_and_members_act_on_it_by_hand() -> None:
    world = World.create(agents=200, mean_degree=8, seed=5)
    world.at(2, OPENS, recommender="hot", settings={"rhythm": "flat", "posting": 0.3})
    world.at(2, "inject", text="x", seeds="ids:5", model="si", channel="feed")
    world.at(2, "act", act="post", agents="ids:7,8", text="music")
    world.at(3, "act", act="like", agents="ids:1,2", message=0)
    world.at(4, "act", act="like", agents="ids:1,2,3", message=0)
    world.at(4, "act", act="follow", agents="ids:4", other="4")
    world.step(2)
    assert world.platform is None
    world.step(3)
    platform = platform_of(world)
    assert platform.recommenders[0].plugin_name == "hot"
    assert sorted(platform.written.values()) == ["music", "music", "x"]
    assert [each.result for each in world.interventions][3:] == [
        "2 members like",
        "1 members like; 2 may not: Agent 1 has a like on message 2 already.",
        "could not be done: Agent 4 cannot follow itself.",
    ]
    again = World.create(agents=200, mean_degree=8, seed=5)
    for each in world.interventions:
        again.at(int(each.at or 0), each.does.plugin_name, **each.does.values())
    again.step(5)
    assert again.digest() == world.digest()


def test_members_with_commas_in_their_ids_can_be_named() -> None:
    world = World.from_edges([0, 1], [1, 2], 3, ids=["Silva, Ana", 'the "B"', "c"])
    world.at(0, "ban", agents=[0, 1])
    world.step(1)
    assert world.agents.status.tolist() == [6, 6, 1]


def test_conditions_on_acts_and_metrics_read_what_is_known() -> None:
    world = world_of(lives=True)
    assert np.isnan(condition_of("diversity > 0").value(world))
    world.step(3)
    platform = platform_of(world)
    posts = platform.log.counted[1][-1][2]
    assert condition_of("acts > 0").needs_metrics
    assert condition_of("act_post > 0").value(world) == posts
    world.open_metrics(every=1)
    world.step(1)
    assert condition_of("diversity > 0").holds(world)


def test_a_world_takes_so_many_interventions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sim.world.interventions.plan.MOST", 1)
    world = world_of()
    world.at(1, "thaw")
    raises(InputError, "at most 1 interventions", world.at, 1, "thaw")


def test_pairs_have_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sim.world.interventions.kinds._MOST_PAIRS", 5)
    world = world_of()
    world.at(0, "ties", act="follow", agents="random:3", others="random:3")
    world.at(0, "newcomers", count=2, friends=0)
    world.step(1)
    assert "more than 5 pairs" in world.interventions[0].result
    assert len(world.agents) == 302


def test_newcomers_can_join_those_whom_an_expression_names() -> None:
    world = world_of()
    world.at(0, "newcomers", count=2, friends=3, among="ids:5,6")
    world.step(1)
    assert set(world.neighbours(300, "friends").tolist()) <= {5, 6}


def _said(**changes: Any) -> list[dict[str, Any]]:
    world = world_of()
    world.at(0, "shock", factor=0.5, ticks=9)
    world.step(1)
    meta, _ = world.interventions.dump()
    return [meta[0] | changes]


@pytest.mark.parametrize(
    ("changes", "agents", "share"),
    [
        ({"at": "zz"}, [1], [0.5]),
        ({"done_at": -1}, [1], [0.5]),
        ({"back": 1.5}, [1], [0.5]),
        ({"does": 7}, [1], [0.5]),
        ({"does": "Not a name"}, [1], [0.5]),
        ({"said": [1]}, [1], [0.5]),
        ({"said": {"factor": -1}}, [1], [0.5]),
        ({}, [300], [0.5]),
        ({}, [1], [1.5]),
        ({}, [1], [np.nan]),
        ({}, [1, 2], [0.5]),
    ],
)
def test_foreign_is_refused(changes: dict[str, Any], agents: list[int], share: list[float]) -> None:
    columns = {"0.agents": np.array(agents), "0.activity": np.array(share)}
    with pytest.raises(InputError):
        Interventions.restore(_said(**changes), columns, 300)
