"""Profiles, batch changes, moves of life and compatibility of a world's members."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim import Lifecycle, World, replay
from sim.errors import InputError
from sim.world.compatibility import WEIGHTS
from sim.world.members import activity_records
from sim.world.state.snapshot import still
from tests.raising import raises

_HOURS = [0.0] * 8 + [0.5] * 16


def _world(agents: int = 60) -> World:
    return World.create(agents=agents, mean_degree=4, seed=7)


PEOPLE: list[dict[str, Any]] = [
    {"name": "Ada", "biography": "Baker.", "interests": ["music", "stamps"]},
    {"traits": {"openness": 0.2}, "activity": 0.5, "hours": _HOURS, "more": {"age": 3}},
]


def test_profiles_change_what_they_say_and_nothing_else() -> None:
    world, before = _world(), _world()
    taken = world.take_profiles(PEOPLE)
    assert taken.agents.tolist() == [0, 1]
    assert "1 interest not in the vocabulary" in taken.remarks[0]
    assert (world.agents.name(0), world.agents.name(1)) == ("Ada", before.agents.name(1))
    assert world.profile(0).interests == ("music",)
    assert world.profile(1).interests == before.profile(1).interests
    assert world.profile(1).traits["openness"] == 0.2
    assert world.profile(1).traits["neuroticism"] == before.profile(1).traits["neuroticism"]
    assert (world.profile(1).activity, world.profile(1).more) == (0.5, {"age": 3})
    assert world.agents.lore.hours.agents.tolist() == [1]
    assert np.array_equal(world.agents.activity[2:], before.agents.activity[2:])


def test_a_second_profile_adds_to_the_first() -> None:
    world = _world()
    world.take_profiles(PEOPLE)
    world.take_profiles([{"persona": "A baker."}])
    assert (world.profile(0).name, world.profile(0).persona) == ("Ada", "A baker.")


def test_profiles_survive_saving_twins_and_growth() -> None:
    world = _world()
    world.take_profiles(PEOPLE)
    world.note([0, 3], "opened a shop")
    world.change_agents([5], status="paused")
    again = World.restore(*world.dump())
    twin = still(world, lambda _, column: column.copy())
    assert world.digest() == again.digest() == twin.digest()
    assert again.profile(0) == world.profile(0)
    assert again.personal_history(3) == [(0, "opened a shop")]
    assert again.moves().agent.tolist() == [5]
    world.create_agents(3)
    assert World.restore(*world.dump()).digest() == world.digest()


def test_profiles_go_by_id_where_they_have_one() -> None:
    world = World.from_edges([0], [1], 3, ids=["x", "y", "z"])
    world.take_profiles([{"id": "z", "name": "Zoe"}, {"id": "x", "name": "Xu"}])
    assert [world.agents.name(agent) for agent in (0, 2)] == ["Xu", "Zoe"]
    world.take_profiles([{"id": "z", "name": "Una"}], "order")
    assert world.agents.name(0) == "Una"


@pytest.mark.parametrize(
    ("people", "match", "said"),
    [
        ([{"id": 99}, {"id": 3}], "auto", "1 of 2 profiles have an unknown id"),
        ([{"id": 3}, {"id": "3"}], "auto", "Two profiles are of agent 3"),
        ([{"id": 3}, {}], "auto", "1 of 2 profiles have no id"),
        ([{}] * 61, "auto", "There are 61 profiles and only 60 members"),
        ([{}], "name", "matched by auto, id, order"),
        ([{}, {"activity": 2}], "auto", "Profile 2: activity must be a number"),
        ([{"nmae": "x"}], "auto", "Profile 1: A profile has no field 'nmae'"),
    ],
)
def test_profiles_that_do_not_fit_change_nothing(people: list[Any], match: str, said: str) -> None:
    world = _world()
    before = world.digest()
    with pytest.raises(InputError, match=said):
        world.take_profiles(people, match)  # type: ignore[arg-type]
    assert (world.digest(), len(world.trail.acts)) == (before, 1)


def test_changes_go_to_whom_a_condition_names() -> None:
    world = _world()
    wanted = np.flatnonzero((world.agents.activity > 0.2) & (world.ties.out_degree > 3))
    who = world.change_agents("activity > .2 and followers > 3", status="idle", openness=0.4)
    assert np.array_equal(who, wanted)
    assert set(world.agents.status[who].tolist()) == {Lifecycle.IDLE}
    assert world.profile(int(who[0])).traits["openness"] == 0.4
    assert world.agents_where("status == idle").tolist() == wanted.tolist()
    world.change_agents(who[:1], interests="music, chess"[:5], activity="0.25")
    assert world.profile(int(who[0])).interests == ("music",)
    assert world.agents.activity[who[0]] == 0.25


def test_a_community_is_set_by_its_name() -> None:
    world = _world()
    world.agents.set_community(np.arange(60) % 2, ["left", "right"])
    world.change_agents("id in [0, 1, 2]", community="right")
    world.change_agents([3], community="none")
    assert world.agents.community[:5].tolist() == [1, 1, 1, -1, 0]


@pytest.mark.parametrize(
    ("agents", "values", "said"),
    [
        ([0], {"status": "idle"}, "from paused it can go to: active, suspended"),
        ([1], {}, "Say what to set: status, activity"),
        ([1], {"mood": 3}, "No property of agents named 'mood'"),
        ([1], {"activity": "often"}, r"activity must be a number in \[0, 1\], got 'often'"),
        ([1], {"activity": 0.3, "openness": 2}, r"openness of an agent is in \[0, 1\]"),
        ([1], {"community": "x"}, "No community named 'x'"),
        ([1], {"interests": ["quux"]}, "No interest named 'quux'"),
        ([99], {"activity": 0.3}, "No agent 99"),
        ([0.5], {"activity": 0.3}, "integers or a condition"),
    ],
)
def test_wrong_changes_change_nothing(agents: object, values: dict[str, object], said: str) -> None:
    world = _world()
    world.agents.set_status([0], "paused")
    before = world.digest()
    with pytest.raises(InputError, match=said):
        world.change_agents(agents, **values)  # type: ignore[arg-type]
    assert world.digest() == before


def test_moves_are_told_by_the_tick_of_the_world() -> None:
    world = _world()
    world.step(2)
    world.change_agents([4, 5], status="paused")
    world.step(3)
    world.change_agents([4], status="active")
    assert world.moves(3).tick.tolist() == [5]
    assert world.moves(0, 2).agent.tolist() == [4, 5]
    assert world.moves(agent=4).after.tolist() == [Lifecycle.PAUSED, Lifecycle.ACTIVE]
    again = World.restore(*world.dump())
    again.change_agents([5], status="active")
    assert again.moves(agent=5).tick.tolist() == [2, 5]
    raises(InputError, "from the earlier to the later", world.moves, 5, 3)


def test_moves_are_no_part_of_a_digest() -> None:
    world, other = _world(), _world()
    for stage in ("paused", "active"):
        world.change_agents([4], status=stage)
    assert world.digest() == other.digest()


def test_what_was_done_to_members_can_be_done_again() -> None:
    world = _world()
    world.take_profiles(PEOPLE)
    world.step(1)
    world.change_agents("activity > .3", activity=0.1)
    world.note([2], "moved")
    world.trail.seal(world)
    done = {act.kind for act in world.trail.acts} - {"create", "step"}
    assert done == {"take_profiles", "change_agents", "note"}
    again = replay(world.trail.acts)
    assert (again.findings, again.world.digest()) == ((), world.digest())


def test_compatibility_is_the_sum_of_its_parts() -> None:
    world = World.from_edges([0, 1, 2, 2], [3, 3, 0, 1], 5)
    agents = world.agents
    agents.set_interests([0, 1], np.array([0b0111, 0b1110], np.uint64))
    agents.set_personality([0, 1], [[0, 0, 0, 0, 0], [1, 0, 0, 0, 0]])
    agents.set_community([0, 0, 1, 1, -1], ["a", "b"])
    found = world.compatibility(0, 1)
    assert found.interests[0] == 2 / 4
    assert found.personality[0] == pytest.approx(1 - 1 / 5)
    assert (found.common[0], found.friends[0]) == (2, 2 / 5)
    assert found.communities[0] == 1
    assert found.score[0] == pytest.approx(0.4 * 0.5 + 0.3 * 0.8 + 0.2 * 0.4 + 0.1)
    assert sum(part[0] for part in found.parts.values()) == pytest.approx(found.score[0])
    assert str(found) == f"1 pairs, {found.score[0]:.3f} on average"
    assert sum(WEIGHTS.values()) == pytest.approx(1)


def test_shared_groups_count_where_the_community_is_another() -> None:
    world = World.from_edges([0], [1], 4)
    for name, members in (("chess", [0, 1]), ("choir", [0])):
        world.groups.create(name)
        world.groups.join(members, name)
    assert world.compatibility(0, [1, 2]).communities.tolist() == [0.5, 0.0]


@given(st.integers(0, 2**32))
def test_common_friends_are_those_of_plain_sets(seed: int) -> None:
    rng = np.random.default_rng(seed)
    arcs = rng.integers(0, 12, (2, 30))
    world = World.from_edges(arcs[0], arcs[1], 12)
    circle: list[set[int]] = [set() for _ in range(12)]
    for source, target in arcs.T.tolist():
        if source != target:
            circle[source].add(target)
            circle[target].add(source)
    pairs = rng.integers(0, 12, (2, 20))
    found, back = world.compatibility(*pairs), world.compatibility(*pairs[::-1])
    wanted = [len(circle[one] & circle[other]) for one, other in pairs.T.tolist()]
    assert found.common.tolist() == wanted
    assert np.array_equal(found.score, back.score)
    assert np.all((found.score >= 0) & (found.score <= 1))


def test_many_pairs_are_the_same_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    world = _world()
    pairs = np.random.default_rng(3).integers(0, 60, (2, 50))
    whole = world.compatibility(*pairs)
    monkeypatch.setattr("sim.world.compatibility._PAIRS", 7)
    assert np.array_equal(world.compatibility(*pairs).common, whole.common)
    assert world.compatibility(3, []).score.size == 0
    raises(InputError, "2 agents and 3 others are no pairs", world.compatibility, [1, 2], [1, 2, 3])


def test_when_members_were_last_active_is_derived_and_asked_for() -> None:
    world = World.from_edges([0, 1], [1, 2], 5, seed=1)
    before = world.digest()
    assert activity_records(world).last().tolist() == [-1] * 5
    assert world.digest() == before
    world.inject("x", seeds=[0], model="si", beta=1.0)
    world.step(3)
    for _ in range(40):  # most of these are packed away
        world.inject("y", seeds=[3], model="independent-cascade", probability=0.0)
    world.step(2)
    assert activity_records(world).last().tolist() == [0, 1, 2, 3, -1]
    assert world.agents_where("last_active < 2 and last_active >= 0").tolist() == [0, 1]
    assert world.agents_where("last_active == -1").tolist() == [4]


def test_acts_of_members_are_activity() -> None:
    world = World.create(agents=60, mean_degree=6, seed=5)
    platform = world.open_platform()
    world.step(30)
    acts = [max((tick for tick, *_ in platform.log.of(a)), default=-1) for a in range(60)]
    assert activity_records(world).last().tolist() == acts
    assert max(acts) > 20
