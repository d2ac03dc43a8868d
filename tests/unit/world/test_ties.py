"""Members who follow, befriend, block and mute each other; worlds of given degree pairs."""

import json
from copy import deepcopy
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim import Lifecycle, World, replay
from sim.errors import InputError, ParameterError, UnknownNameError
from sim.network.graph.changes import ACTS, FRIEND, TieLog
from sim.network.relations.blocklist import Blocklist
from sim.network.relations.types import Relation
from sim.world.state.snapshot import restore_in_place
from sim.world.ties import may
from tests.raising import raises

N = 6


def small() -> World:
    """Agents 1 and 2 follow agent 0; 0 follows 3."""
    return World.from_edges([0, 0, 3], [1, 2, 0], N, seed=1)


def arcs(world: World) -> list[tuple[int, int]]:
    ties = world.ties
    return list(zip(ties.sources().tolist(), ties.targets.tolist(), strict=True))


def restored(world: World) -> World:
    meta, columns = world.dump()
    return World.restore(json.loads(json.dumps(meta)), columns)


def test_a_follower_hears_whom_it_follows() -> None:
    world = small()
    done = world.follow([4, 5], 0)
    assert (done.added, str(done)) == (2, "2 added")
    assert world.ties.listeners(0).tolist() == [1, 2, 4, 5]
    assert world.neighbours(4).tolist() == [0]
    assert world.neighbours(0, "followers").tolist() == [1, 2, 4, 5]
    assert world.follow([4], [0]).known == 1


def test_a_friendship_is_two_ties_in_step() -> None:
    world = small()
    assert world.befriend(1, 0).added == 1
    assert world.ties.kind.tolist() == [FRIEND, 0, FRIEND, 0]
    assert world.neighbours(0, "friends").tolist() == [1]
    assert world.neighbours(1, "friends").tolist() == [0]
    assert world.befriend(0, 1).known == 1
    assert world.unfriend([0, 0], [1, 2]).removed == 1
    assert arcs(world) == [(0, 2), (3, 0)]


def test_friends_who_leave_each_other_at_once_are_strangers() -> None:
    world = small()
    world.befriend(4, 5)
    assert world.unfollow([4, 5], [5, 4]).removed == 2
    assert arcs(world) == arcs(small())


def test_a_block_cuts_both_ways_and_forbids_new_ties() -> None:
    world = small()
    world.befriend(0, 1)
    assert world.block(1, 0).added == 1
    assert arcs(world) == [(0, 2), (3, 0)]
    for one, other in ((0, 1), (1, 0)):
        raises(InputError, "agent 1 has blocked agent 0", world.follow, one, other)
    assert world.neighbours(1, "blocked").tolist() == [0]
    assert world.neighbours(0, "blocked by").tolist() == [1]
    assert world.relationships.blocklist.are_closed(*_ids([0, 1, 2], [1, 0, 0])).tolist() == [
        True,
        True,
        False,
    ]


def test_two_blocks_are_lifted_one_by_one() -> None:
    world = small()
    world.block([0, 1], [1, 0])
    world.unblock(0, 1)
    raises(InputError, "agent 1 has blocked agent 0", world.befriend, 0, 1)
    who, whom = _ids([0, 0, 1], [1, 2, 0])
    assert may(world, who, whom, "follow").tolist() == [False, True, False]
    assert may(world, who, whom, "mute").tolist() == [True, True, True]
    world.unblock(1, 0)
    assert world.befriend(0, 1).added == 1


def test_a_mute_suspends_a_follow_with_its_kind_and_trust() -> None:
    world = small()
    world.befriend(0, 1)
    world.ties.set_trust([0], [1], [0.25])
    assert world.mute(1, 0).added == 1
    assert arcs(world) == [(0, 2), (1, 0), (3, 0)]
    assert world.neighbours(1).tolist() == world.neighbours(1, "friends").tolist() == [0]
    assert world.neighbours(0, "followers").tolist() == [1, 2]
    assert world.unmute(1, 0).removed == 1
    place = int(world.ties.places([0], [1])[0])
    assert (world.ties.trust[place], world.ties.kind[place]) == (16384, FRIEND)


def test_a_follow_of_somebody_muted_begins_with_the_end_of_the_mute() -> None:
    world = small()
    world.mute([4, 5], 0)
    assert world.follow([4, 5], 0).added == 2
    assert arcs(world) == arcs(small())
    assert world.unfollow(5, 0).removed == 1
    world.unmute([4, 5], 0)
    assert world.ties.listeners(0).tolist() == [1, 2, 4]


def test_ties_that_are_added_respect_closed_ears() -> None:
    world = small()
    world.mute(4, 0)
    world.block(5, 0)
    world.add_ties([0, 0, 1, 5], [4, 5, 4, 0], trust=[0.5, 0.5, 0.5, 0.5])
    assert arcs(world) == [(0, 1), (0, 2), (1, 4), (3, 0)]
    world.unmute(4, 0)
    assert world.ties.listeners(0).tolist() == [1, 2, 4]
    assert world.ties.trust[world.ties.places([0], [4])[0]] == 32768


def test_cut_ties_are_gone_even_behind_a_mute() -> None:
    world = small()
    world.mute(1, 0)
    assert world.remove_ties([0, 0], [1, 2]).removed == 1
    world.unmute(1, 0)
    assert arcs(world) == [(3, 0)]


@pytest.mark.parametrize("closes", ["mute", "block"])
def test_nobody_hears_whom_its_ears_are_closed_to_under_any_model(closes: str) -> None:
    told = []
    for shut in (False, True):
        world = World.from_edges([0, 0, 1], [1, 2, 3], 4, seed=3)
        if shut:
            getattr(world, closes)(1, 0)
        stories = [
            world.inject("a word", seeds=[0], model="si", beta=1.0),
            world.inject("a word", seeds=[0], model="independent-cascade", probability=1.0),
            world.inject("a word", seeds=[0], model="linear-threshold", weights="uniform"),
        ]
        world.step(4)
        told.append([sorted(story.adopters.tolist()) for story in stories])
    assert all(len(reached) == 4 for reached in told[0])
    assert told[1] == [[0, 2]] * 3


def test_a_message_at_rest_wakes_for_a_tie_that_replaces_another() -> None:
    world = World.from_edges([0, 4], [1, 5], N, seed=1)
    story = world.inject("a word", seeds=[0], model="si", beta=1.0)
    world.run_until_quiet(story)
    assert story.size == 2
    world.ties.remove([4], [5])
    world.follow(2, 1)
    assert story.status == "running"
    world.run_until_quiet(story)
    assert sorted(story.adopters.tolist()) == [0, 1, 2]


def test_sums_over_ties_begin_anew_when_ties_are_cut() -> None:
    world = World.from_edges([0, 1, 2, 3], [4, 4, 4, 4], 5, seed=1)
    story = world.inject("a word", seeds=[0], model="linear-threshold")
    world.step(1)
    while story.status == "running":
        world.step(1)
    if story.size == 1:
        world.unfollow(4, [1, 2, 3])
        world.step(2)
    assert sorted(story.adopters.tolist()) == [0, 4]


@pytest.mark.parametrize("status", [Lifecycle.BANNED, Lifecycle.DESTROYED])
def test_who_is_gone_neither_follows_nor_is_followed(status: Lifecycle) -> None:
    world = small()
    world.agents.set_status([2], int(status))
    left = arcs(world)
    assert left == [arc for arc in arcs(small()) if 2 not in arc or status is Lifecycle.BANNED]
    said = f"agent 2 is {status.name.lower()}, so agent {{}} cannot follow agent {{}}"
    raises(InputError, said.format(2, 3), world.follow, 2, 3)
    raises(InputError, said.format(3, 2), world.follow, [1, 3], [0, 2])
    assert arcs(world) == left
    who, whom = _ids([2, 3, 4, 4], [3, 2, 4, 5])
    assert may(world, who, whom, "follow").tolist() == [False] * 3 + [True]


@pytest.mark.parametrize(
    ("agents", "others", "says"),
    [
        (1, 1, "An agent cannot follow itself: agent 1."),
        (9, 1, "No agent 9 to follow: the world has 6 agents, counted from 0."),
        (1, -2, "No agent -2 to follow"),
        ([1, 2], [3, 4, 5], "needs as many others as agents, or one for all; got 2 and 3."),
        (1.5, 2, "is said by indices, whole numbers"),
    ],
)
def test_what_cannot_be_followed_is_said(agents: Any, others: Any, says: str) -> None:
    world = small()
    before = world.digest()
    raises(InputError, says, world.follow, agents, others)
    assert world.digest() == before
    assert len(world.relationships.log) == 0


def test_nobody_may_be_named() -> None:
    world = small()
    assert world.follow([], []).added == 0
    assert world.follow(np.empty(0), np.empty(0)).added == 0
    assert world.neighbours(0, "muted").size == 0


def test_marks_and_their_memory_are_counted() -> None:
    world = small()
    assert (
        world.relationships.blocklist.count,
        world.relationships.blocklist.nbytes,
        world.relationships.log.nbytes,
    ) == (0, 0, 0)
    size = world.nbytes
    world.mute([1, 4], 0)
    world.block(2, 3)
    assert world.relationships.blocklist.count == 4
    assert world.relationships.log.nbytes == 3 * 13
    assert world.nbytes > size


def test_questions_about_nobody_are_refused() -> None:
    world = small()
    raises(InputError, "No agent 6", world.neighbours, 6)
    raises(InputError, "No agent -1", world.tie_history, 0, -1)
    raises(UnknownNameError, "kind of neighbour", world.neighbours, 0, "foes")


def test_history_tells_who_did_what_when() -> None:
    world = small()
    world.follow(4, 0)
    world.step(2)
    world.unfollow([4, 1], 0)
    world.follow(1, 2)
    told = world.tie_history(0)
    assert told.tick.tolist() == [0, 2, 2]
    assert [ACTS[act] for act in told.act] == ["follow", "unfollow", "unfollow"]
    assert world.tie_history(0, 4).tick.tolist() == [0, 2]
    assert restored(world).tie_history(0, 4).tick.tolist() == [0, 2]


def test_history_forgets_the_oldest() -> None:
    log = TieLog(most=10)
    for tick in range(30):
        log.note(tick, "follow", *_ids([tick], [tick + 1]))
    log.note(30, "mute", *_ids(range(4), range(4, 8)))
    assert log.all().tick.tolist() == [24, 25, 26, 27, 28, 29, 30, 30, 30, 30]
    log.note(31, "follow", *_ids([], []))
    assert log.all().tick.size == 10


@given(st.lists(st.integers(0, 9), max_size=60), st.integers(1, 50))
def test_history_holds_the_newest_of_any_batches(sizes: list[int], most: int) -> None:
    log, plain = TieLog(most=most), []
    for tick, size in enumerate(sizes):
        log.note(tick, "follow", *_ids(range(size), range(size)))
        plain += [(tick, agent) for agent in range(size)]
        assert log.nbytes <= 13 * (2 * most + 9)
    every = log.all()
    assert list(zip(every.tick.tolist(), every.agent.tolist(), strict=True)) == plain[-most:]


def test_copies_of_a_history_hold_what_is_old_in_common() -> None:
    log, copies = TieLog(most=4096), []
    for tick in range(8192):
        log.note(tick, "follow", *_ids([tick % 7], [8]))
        if tick % 256 == 0:
            copies.append(deepcopy(log))
    chunks = {id(chunk): chunk for copy in copies for chunk in copy._chunks}
    held = sum(chunk.tick.size for chunk in chunks.values())
    assert held < 2 * 8192  # each copy by itself holds up to 4,096
    assert max(len(copy._chunks) for copy in copies) <= 40


def test_equal_ties_make_equal_worlds_whatever_was_done_before() -> None:
    one, other = small(), small()
    one.befriend(4, 5)
    one.mute(1, 0)
    one.block(2, 3)
    one.unfriend(4, 5)
    one.unmute(1, 0)
    one.unblock(2, 3)
    assert one.digest() == other.digest()
    one.mute(2, 5)
    assert one.digest() != other.digest()


def test_a_world_comes_back_with_marks_and_suspended_ties() -> None:
    world = small()
    world.befriend(1, 2)
    world.mute([1, 2], [0, 1])
    world.block(4, 5)
    again = restored(world)
    assert again.digest() == world.digest()
    again.unmute([1, 2], [0, 1])
    world.unmute([1, 2], [0, 1])
    assert again.digest() == world.digest()
    assert arcs(again) == arcs(world)


def test_newcomers_can_be_muted() -> None:
    world = small()
    world.mute(1, 0)
    assert world.create_agents(70) == range(6, 76)
    world.mute(75, 0)
    world.follow(75, 0)
    assert world.neighbours(75, "muted").tolist() == world.neighbours(75).tolist() == [0]
    assert world.relationships.nbytes > 0


def test_marks_that_contradict_themselves_are_refused() -> None:
    with pytest.raises(InputError, match="do not name rising pairs"):
        Blocklist.restore({"listener": np.array([1, 0], np.uint32)}, 4)
    with pytest.raises(InputError, match="column 'act' of the log of ties is missing"):
        TieLog.restore({"tick": np.array([1], np.int32)}, 4)
    meta, columns = small().dump()
    with pytest.raises(InputError, match="do not name both ends"):
        World.restore(meta, columns | {"bonds.aside.source": np.array([1], np.uint32)})


def test_a_subgraph_holds_who_is_within_reach_either_way() -> None:
    world = World.from_edges([0, 1, 2, 3], [1, 2, 3, 4], 6, trust=[0.1, 0.2, 0.3, 0.4])
    part = world.subgraph(2, 1)
    assert part.agents.tolist() == [1, 2, 3]
    assert part.steps.tolist() == [1, 0, 1]
    assert list(zip(part.sources.tolist(), part.targets.tolist(), strict=True)) == [(1, 2), (2, 3)]
    assert np.round(part.trust / 65535, 2).tolist() == [0.2, 0.3]
    assert world.subgraph(2, 9).agents.tolist() == [0, 1, 2, 3, 4]
    cut = world.subgraph(2, 9, most=2)
    assert (cut.agents.tolist(), cut.is_cut) == ([1, 2], True)
    world.befriend(5, 0)
    assert world.subgraph(5, 1).kind.tolist() == [FRIEND, FRIEND]


def test_trust_moves_with_outcomes_and_reputation_follows() -> None:
    world = small()
    before = world.reputation([1])
    assert world.learn([1, 1, 5], [0, 0, 0], [True, False, True], loss=0.5) == 2
    assert world.ties.trust[world.ties.places([0], [1])[0]] == 32767
    assert world.reputation([1]) is world.reputation([1])
    after = world.reputation([1]).tolist()
    assert after == pytest.approx(before.tolist()), "who hears one only trusts it wholly"
    raises(InputError, "one agent that is trusted", world.reputation, [])


Step = tuple[str, int, int]
steps = st.lists(
    st.tuples(st.sampled_from(ACTS), st.integers(0, N - 1), st.integers(0, N - 1)), max_size=30
)


class Naive:
    """The same by sets, one pair after the other."""

    def __init__(self) -> None:
        self.follows = {(1, 0), (2, 0), (0, 3)}
        self.friends: set[frozenset[int]] = set()
        self.muted: set[tuple[int, int]] = set()
        self.blocked: set[tuple[int, int]] = set()

    def do(self, act: str, a: int, b: int) -> bool:
        both, pair = {(a, b), (b, a)}, frozenset((a, b))
        if a == b or (act in {"follow", "befriend"} and both & self.blocked):
            return False
        if act == "follow":
            self.follows.add((a, b))
        elif act == "unfollow":
            self.follows.discard((a, b))
        elif act == "befriend":
            self.follows |= both
            self.friends.add(pair)
        elif act == "unfriend" and pair in self.friends:
            self.follows -= both
        elif act == "block":
            self.follows -= both
            self.blocked.add((a, b))
        elif act == "mute":
            self.muted.add((a, b))
        getattr(self, {"unblock": "blocked", "unmute": "muted"}.get(act, "muted")).discard(
            (a, b) if act in {"unblock", "unmute"} else (-1, -1)
        )
        self.friends = {p for p in self.friends if self._whole(p)}
        return True

    def _whole(self, pair: frozenset[int]) -> bool:
        a, b = pair
        return {(a, b), (b, a)} <= self.follows


@given(steps)
def test_random_acts_leave_what_sets_say(work: list[Step]) -> None:
    world, naive = small(), Naive()
    for act, a, b in work:
        if naive.do(act, a, b):
            getattr(world, act)(a, b)
    assert set(arcs(world)) == {(b, a) for a, b in naive.follows - naive.muted}
    ends = [world.neighbours(a).tolist() for a in range(N)]
    assert {(a, b) for a, others in enumerate(ends) for b in others} == naive.follows
    friends = [world.neighbours(a, "friends").tolist() for a in range(N)]
    assert {frozenset((a, b)) for a, others in enumerate(friends) for b in others} == naive.friends
    who, whom = _ids(np.repeat(range(N), N), np.tile(range(N), N))
    shut = naive.muted | naive.blocked | {(y, x) for x, y in naive.blocked}
    is_shut = world.relationships.blocklist.are_closed(who, whom)
    assert set(zip(who[is_shut].tolist(), whom[is_shut].tolist(), strict=True)) == shut
    assert restored(world).digest() == world.digest()


def _ids(*columns: Any) -> list[npt.NDArray[np.uint32]]:
    return [np.array(list(column), np.uint32) for column in columns]


def test_ties_are_typed_at_run_time_and_asked_for_by_type() -> None:
    world = small()
    before = restored(world)
    assert world.set_relations([0, 0], [1, 2], "colleague", {"since": 2019, "near": True}) == 2
    world.set_relations(0, 2, None, {"since": None, "note": "met twice"})
    assert world.relation(0, 1) == Relation("colleague", {"since": 2019, "near": True})
    assert world.relation(0, 2) == Relation("colleague", {"near": True, "note": "met twice"})
    world.set_relations([3], [0], "boss")
    world.mute(2, 0)  # a suspended tie has its type
    assert world.neighbours(0, "followers", "colleague").tolist() == [1, 2]
    assert world.neighbours(0, "follows", "boss").tolist() == [3]
    assert world.neighbours(0, "follows", "colleague").tolist() == []
    assert world.neighbours(0, "followers", "friend").tolist() == []
    assert restored(world).digest() == world.digest()
    restore_in_place(before, restored(world))
    assert before.relation(0, 1) == world.relation(0, 1)
    world.set_relations([0, 0, 3], [1, 2, 0], "", {"since": None, "near": None, "note": None})
    assert len(world.tie_records) == 0


def test_types_of_ties_are_made_again_from_the_log() -> None:
    world = World.create(agents=20, mean_degree=4, seed=5)
    bare = world.digest()
    world.set_relations(world.ties.sources()[:3], world.ties.targets[:3], "boss", {"since": 1})
    world.trail.seal(world)
    assert replay(world.trail.acts).world.digest() == world.digest() != bare


def test_a_tie_that_there_is_not_is_not_typed() -> None:
    world = small()
    world.set_relations([0], [1], "colleague")
    digest = world.digest()
    with pytest.raises(InputError, match="Agent 3 does not follow agent 0"):
        world.set_relations([0, 0], [1, 3], "boss")
    with pytest.raises(InputError, match="at most 64 properties"):
        world.set_relations([0], [1], None, {f"p{k}": k for k in range(65)})
    raises(UnknownNameError, "kind of typed neighbour", world.neighbours, 0, "muted", "boss")
    assert world.digest() == digest


PAIRS = np.array([[1, 2], [2, 1], [1, 1], [0, 0]])


def test_degree_pairs_say_how_many_agents_there_are() -> None:
    world = World.create(network="configuration", degrees=PAIRS, seed=3)
    assert len(world.agents) == 4
    assert (world.ties.out_degree <= PAIRS[:, 0]).all()
    assert (world.ties.in_degree <= PAIRS[:, 1]).all()
    assert world.digest() == World.create(4, "configuration", seed=3, degrees=PAIRS).digest()


def test_degrees_that_fit_neither_agents_nor_network_are_refused() -> None:
    with pytest.raises(ParameterError, match="4 degree pairs make 4 agents, but 5 were asked"):
        World.create(5, "configuration", degrees=PAIRS)
    raises(ParameterError, "takes no degrees", World.create, network="small-world", degrees=PAIRS)
    with pytest.raises(ParameterError, match="exponent does nothing where degree pairs are given"):
        World.create(network="configuration", degrees=PAIRS, exponent=3)
    with pytest.raises(InputError, match="degrees must be whole numbers in two columns"):
        World.create(3, "configuration", degrees=[1, 2, 3])


def test_a_world_has_ten_thousand_agents_when_nobody_says_how_many() -> None:
    assert len(World.create(mean_degree=1, network="erdos-renyi").agents) == 10_000
