"""The population as columns: addressed, growable, checked, and dumped exactly."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim import Agents, Lifecycle, World
from sim.agents import Vocabulary
from sim.agents.character import ARCHETYPES, archetype, credulity, expertise, verification
from sim.agents.columns import community_topics
from sim.errors import Cancelled, InputError
from sim.world.base import AgentColumns
from tests.raising import raises


@pytest.fixture(scope="module")
def crowd() -> Agents:
    return Agents.create(100_000, seed=7, community=np.arange(100_000) % 50)


def same(one: Agents, other: Agents) -> bool:
    told = [
        (json.dumps(meta), {name: (c.dtype, c.shape, c.tobytes()) for name, c in columns.items()})
        for meta, columns in (one.dump(), other.dump())
    ]
    return told[0] == told[1]


def test_columns_have_the_promised_types_and_shapes(crowd: Agents) -> None:
    agents = Agents.create(10, seed=7)
    assert (agents.personality.dtype.name, agents.personality.shape) == ("uint8", (10, 5))
    for name, kind in {
        "interests": "u8",
        "activity": "f4",
        "community": "i4",
        "status": "u1",
    }.items():
        assert (getattr(agents, name).dtype, getattr(agents, name).shape) == (kind, (10,))
    assert agents.status.dtype == "u1"
    assert agents.is_active(range(10)).all()
    assert (agents.community == -1).all()
    assert crowd.nbytes / len(crowd) == 22
    agents = Agents.create(3, seed=1, community=np.array([1, 0, 1], np.uint8))
    assert agents.community.tolist() == [1, 0, 1]
    assert (repr(agents), agents.seed) == ("<Agents: 3 in 2 communities>", 1)


@given(st.integers(-(2**70), 2**70), st.lists(st.integers(0, 400), max_size=6))
@settings(max_examples=25, deadline=None)
def test_agents_are_the_same_however_the_world_grew(seed: int, steps: list[int]) -> None:
    grown = Agents.create(1, seed=seed)
    for step in steps:
        grown.grow(step)
    assert same(grown, Agents.create(1 + sum(steps), seed=seed))


def test_growth_returns_the_new_indices_and_is_amortised() -> None:
    agents = Agents.create(3, seed=7)
    assert agents.grow(4) == range(3, 7)
    assert [agents.grow(1).start for _ in range(100)] == list(range(7, 107))
    assert agents.nbytes <= 22 * 107 * 1.6


def test_new_agents_share_the_topics_of_the_community_they_join() -> None:
    labels = np.arange(60) % 4
    at_once = Agents.create(60, seed=7, community=labels)
    grown = Agents.create(20, seed=7, community=labels[:20])
    grown.grow(40, community=labels[20:])
    assert same(at_once, grown)
    raises(InputError, "to 3, got 4", grown.grow, 1, community=[4])


def test_the_big_five_are_roughly_normal_around_the_middle(crowd: Agents) -> None:
    shares = crowd.personality / 255
    assert np.abs(shares.mean(axis=0) - 0.5).max() < 0.003
    assert np.abs(shares.std(axis=0) - 1 / 6).max() < 0.003
    assert np.abs(np.corrcoef(shares.T) - np.eye(5)).max() < 0.02


def test_activity_is_skewed_to_the_right_and_never_zero(crowd: Agents) -> None:
    activity = crowd.activity.astype(np.float64)
    assert np.float32(0.01) <= activity.min() < activity.max() <= 1
    assert activity.mean() == pytest.approx(0.2575, abs=0.005)
    assert np.median(activity) == pytest.approx(0.01 + 0.99 / 8, abs=0.005)


def test_each_agent_has_three_to_six_interests_equally_often(crowd: Agents) -> None:
    counts = np.bincount(np.bitwise_count(crowd.interests), minlength=7)
    assert counts[:3].sum() == 0
    assert np.abs(counts[3:] / len(crowd) - 0.25).max() < 0.01


def test_popular_topics_are_held_more_often() -> None:
    agents = Agents.create(50_000, seed=7)
    held = [(agents.interests >> np.uint64(bit) & np.uint64(1)).mean() for bit in range(56)]
    assert held[0] > 0.3
    assert held[-1] < 0.05
    assert np.corrcoef(np.log(np.arange(1, 57)), np.log(held))[0, 1] < -0.98


def test_members_share_interests_within_their_community_more_than_across(crowd: Agents) -> None:
    first, second = crowd.interests[:49_000], crowd.interests[50:49_050]
    within = np.bitwise_count(first & second).mean()
    assert within > 1.5 * np.bitwise_count(first & crowd.interests[51:49_051]).mean()


def test_communities_have_four_to_six_topics() -> None:
    topics = community_topics(7, 1000, Vocabulary.default())
    sizes = np.bincount([len(set(row)) for row in topics.tolist()], minlength=7)
    assert sizes[:4].sum() == 0
    assert (sizes[4:] > 280).all()


def test_views_are_read_only_and_follow_the_set_methods() -> None:
    agents = Agents.create(5, seed=7)
    view = agents.activity
    with pytest.raises(ValueError, match="read-only"):
        view[0] = 0
    agents.set_activity([1, 3], [0.25, 1])
    agents.set_personality(2, [[0, 0.2, 0.4, 0.6, 1]])
    agents.set_interests([0, 4], agents.vocabulary.mask(["music", "war"]))
    assert view[[1, 3]].tolist() == [0.25, 1]
    assert agents.personality[2].tolist() == [0, 51, 102, 153, 255]
    assert agents.vocabulary.names(int(agents.interests[4])) == ("music", "war")


@pytest.mark.parametrize(
    ("method", "arguments", "sentence"),
    [
        ("set_activity", (0, 1.5), "The activity of an agent is in [0, 1]."),
        ("set_activity", (0, float("nan")), "The activity of an agent is in [0, 1]."),
        ("set_personality", (0, [[-1] * 5]), "The personality of an agent is in [0, 1]."),
        ("set_interests", (0, 1 << 63), "Interests are bits 0 to 55 of this vocabulary."),
        ("set_interests", (0, -1), "Interests are bits 0 to 55 of this vocabulary."),
        ("set_activity", (9, 0.5), "No agent 9: agents are 0 to 4."),
        ("set_activity", ([-1], 0.5), "No agent -1: agents are 0 to 4."),
        ("set_status", ([0.5], 1), "Agents are integers, got an array of float64."),
        ("set_status", (0, 8), "A lifecycle status is 0 to 7, got 8."),
        ("set_community", ([0, 1],), "5 agents need 5 integer labels, got (2,)."),
        ("grow", (-1,), "2,147,483,647 agents are the limit, 5 + -1 asked."),
        ("id", (5,), "No agent 5: agents are 0 to 4."),
        ("name", (-1,), "No agent -1: agents are 0 to 4."),
    ],
)
def test_values_out_of_range_are_refused(method: str, arguments: Any, sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        getattr(Agents.create(5, seed=7), method)(*arguments)
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("count", "more", "sentence"),
    [
        (0, {}, r"A world has 1 to 2,147,483,647 agents, got 0\."),
        (2**32, {}, r"got 4,294,967,296\."),
        (1, {"names": ["a", "b"]}, "1 agents have at most 1 names, got 2"),
        (2, {"community": [-2, 5]}, r"Labels go from -1 .none. to 1, got -2\."),
    ],
)
def test_agents_that_cannot_be_are_refused(count: int, more: Any, sentence: str) -> None:
    raises(InputError, sentence, Agents.create, count, seed=7, **more)


def test_setting_nobody_changes_nothing() -> None:
    agents, untouched = Agents.create(5, seed=7), Agents.create(5, seed=7)
    agents.set_status([], "banned")
    assert same(agents, untouched)
    assert agents.is_active([]).tolist() == []


def test_communities_get_names_made_up_or_given_and_cleaned() -> None:
    agents = Agents.create(4, seed=7, community=[0, 2, -1, 2])
    agents.communities.append("x")  # a copy of the list
    assert agents.stored_communities == ["group 0", "group 1", "group 2"]
    agents.set_community([0, 1, 1, -1], ["Chile\x1b[2J\n", ""])
    assert agents.stored_communities == ["Chile\ufffd[2J", "group 1"]
    assert agents.community.tolist() == [0, 1, 1, -1]
    raises(InputError, "to 1, got 2", agents.set_community, [0, 1, 2, -1], ["a", "b"])


def test_imported_names_are_cleaned_and_missing_ones_made_up() -> None:
    agents = Agents.create(3, seed=7, names=["Ada\u202e Lovelace", ""])
    invented = Agents.create(3, seed=7)
    assert agents.name(0) == "Ada\ufffd Lovelace"
    assert [agents.name(i) for i in (1, 2)] == [invented.name(i) for i in (1, 2)]
    assert agents.handle(0) == "@ada.lovelace0"


def test_agents_of_no_community_say_so_whoever_joins_them() -> None:
    agents = Agents.create(2, seed=7, communities=("north",))
    agents.grow(1)
    agents.grow(2, community=[0, -1])
    assert agents.community.tolist() == [-1, -1, -1, 0, -1]
    assert Agents.create(2, seed=7).dump()[1]["community"].tolist() == [-1, -1]


def test_a_report_sees_the_work_and_may_cancel_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sim.agents.columns._CHUNK", 200)
    agents = Agents.create(4, seed=7)
    seen: list[tuple[str, float]] = []
    agents.grow(300, report=lambda stage, share: seen.append((stage, share)))
    assert [stage for stage, _ in seen] == ["agents"] * 3
    assert seen[0][1] == 0
    assert seen[-1][1] == 1

    def stop(_stage: str, _share: float) -> None:
        raise Cancelled("enough")

    raises(Cancelled, "", agents.grow, 10, report=stop)
    assert same(agents, Agents.create(304, seed=7))


def full(seed: int = 7) -> Agents:
    ids = ["ada", "bob", "čeda", "丁"]
    labels = [0, 1, 1, -1]
    return Agents.create(4, seed=seed, ids=ids, names=["A", ""], community=labels)


@pytest.mark.parametrize(
    "agents",
    [Agents.create(3, seed=2**80), full(), Agents.create(2, seed=0, ids=np.array([5, -3]))],
)
def test_dump_and_restore_give_the_same_world(agents: Agents) -> None:
    agents.set_status(1, Lifecycle.IDLE)
    meta, columns = agents.dump()
    again = Agents.restore(json.loads(json.dumps(meta)), columns)
    assert same(agents, again)
    everyone = range(len(agents))
    assert [again.id(i) for i in everyone] == [agents.id(i) for i in everyone]
    assert [again.name(i) for i in everyone] == [agents.name(i) for i in everyone]
    assert [again.index(again.id(i)) for i in everyone] == list(everyone)
    again.grow(3)
    agents.grow(3)
    assert same(agents, again)


def test_a_restored_world_shares_nothing_with_the_dump() -> None:
    agents = full()
    again = Agents.restore(*agents.dump())
    again.set_status(0, "banned")
    again.set_activity(0, 0.5)
    assert same(agents, full())


def test_every_dumped_column_is_contiguous_and_read_only() -> None:
    agents = full()
    agents.grow(1)
    for column in agents.dump()[1].values():
        assert column.flags.c_contiguous
        assert not column.flags.writeable


def damaged(name: str, value: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    meta, columns = full().dump()
    return meta, {**columns, name: value}


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("status", np.zeros(3, np.uint8), "'status' of the agents must be uint8 .4,., got uint8"),
        ("activity", np.zeros(4), "must be float32 .4,., got float64"),
        ("status", np.full(4, 8, np.uint8), "values outside their range"),
        ("community", np.full(4, 2, np.int32), "values outside their range"),
        ("community", np.full(4, -2, np.int32), "values outside their range"),
        ("interests", np.full(4, 2**63, np.uint64), "values outside their range"),
        ("activity", np.full(4, np.nan, np.float32), "values outside their range"),
        ("ids_offsets", np.zeros(5, np.int64), "must rise from 0 to the length of the bytes"),
        ("names_offsets", np.array([0, 1, 1, 1, 1, 1]), "do not fit 4 agents"),
        ("ids_offsets", np.array([0, 14]), "do not fit 4 agents"),
    ],
)
def test_damaged_columns_are_refused(name: str, value: Any, sentence: str) -> None:
    raises(InputError, sentence, Agents.restore, *damaged(name, value))


def test_a_missing_column_or_description_is_refused() -> None:
    meta, columns = full().dump()
    with pytest.raises(InputError, match="The column 'interests' of the agents is missing"):
        Agents.restore(meta, {k: v for k, v in columns.items() if k != "interests"})
    with pytest.raises(InputError, match="The description of the agents is damaged"):
        Agents.restore({"count": 4}, columns)


PINNED: Any = (
    [91, 164, 155, 165, 133],
    ["0x2000200000008", "0x30010082", "0x10433"],
    [0.01203884, 0.27683467, 0.01115318],
)


def test_the_columns_of_a_seed_stay_what_they_were() -> None:
    agents = Agents.create(3, seed=7, community=[0, 0, -1])
    assert agents.personality[0].tolist() == PINNED[0]
    assert [hex(mask) for mask in agents.interests.tolist()] == PINNED[1]
    assert agents.activity.tolist() == pytest.approx(PINNED[2], abs=1e-7)


TRAITS: list[list[float]] = [[0, 0, 1, 0, 0], [1, 1, 0, 1, 0], [0.2, 0.2, 0.2, 0.2, 1.0],
                             [0.8, 0.8, 0.2, 0.2, 0.2], [0.2, 0.2, 0.8, 0.8, 0.2], [0.2] * 5,
                             [0.2] * 5]  # fmt: skip


def _agents() -> Agents:
    agents = Agents.create(7, seed=3)
    agents.set_personality(range(7), TRAITS)
    agents.set_activity(range(7), [0.9, 0.5, 0.5, 0.5, 0.3, 0.5, 0.05])
    return agents


def test_credulity_is_as_stated_from_end_to_end() -> None:
    assert credulity(_agents())[:2].tolist() == [1.0, 0.0]
    assert credulity(Agents.create(20_000, seed=3)).mean() == pytest.approx(0.5, abs=0.005)


def test_verification_grows_with_openness_and_diligence_and_is_drawn_once() -> None:
    agents = Agents.create(20_000, seed=3)
    found = verification(agents)
    rest = found - 0.35 * (agents.personality[:, :2] / 255).sum(axis=1)
    assert 0 <= rest.min() <= rest.max() < 0.3
    assert rest.mean() == pytest.approx(0.15, abs=4 * 0.3 / np.sqrt(12 * 20_000))
    assert np.array_equal(found[:50], verification(Agents.create(50, seed=3)))


def test_archetypes_are_as_stated() -> None:
    names = [ARCHETYPES[code] for code in archetype(_agents())]
    assert names == ["creator", "expert", "critic", "expert", "connector", "regular", "lurker"]


def test_expertise_is_high_in_own_interests_of_few() -> None:
    agents = Agents.create(20_000, seed=3)
    agents.set_personality(range(20_000), np.full((20_000, 5), 1.0))
    agents.set_interests(range(20_000), np.full(20_000, 1, np.uint64))
    own, other = expertise(agents, np.arange(20_000), 0), expertise(agents, np.arange(20_000), 1)
    assert own.mean() == pytest.approx(1 / 3, abs=0.01)
    assert other.mean() == pytest.approx(1 / 30, abs=0.001)
    assert np.array_equal(expertise(agents, [7, 7], [0, 1]), [own[7], other[7]])
    raises(InputError, "bits 0 to 55", expertise, agents, 0, 56)


def test_models_and_conditions_read_them() -> None:
    world = World.from_edges([0], [1], 50, seed=3)
    people = AgentColumns(world.agents)
    assert np.array_equal(people.column("credulity"), credulity(world.agents))
    assert people.column("archetype").dtype == np.uint8
    assert not people.column("verification").flags.writeable
    wanted = np.flatnonzero(verification(world.agents) > 0.5)
    assert world.agents_where("verification > .5").tolist() == wanted.tolist()


def test_columns_are_made_anew_when_personalities_change() -> None:
    world = World.from_edges([0], [1], 5)
    people = AgentColumns(world.agents)
    people.column("openness"), people.column("credulity")
    world.change_agents([2], openness=1.0)
    assert people.column("openness")[2] == 1.0
    assert np.array_equal(people.column("credulity"), credulity(world.agents))
