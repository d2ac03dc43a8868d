"""Trust that moves with outcomes, reputation that is weighed now and then, friends that meet."""

from typing import Any

import numpy as np
import pytest

from sim import Act, FriendRecommender, Lifecycle, Platform, World, make, register
from sim.errors import UnknownNameError
from sim.network import reputation
from sim.platform.acts.relations import FOUNDERS, FOUNDING, WEIGHING
from sim.platform.feed.friends import welcomed
from tests.unit.plugins.acquainted import OURS


def small(agents: int = 300, **settings: Any) -> tuple[World, Platform]:
    told = {"posting": 0.2, "rhythm": "flat"} | settings
    world = World.create(
        agents=agents, mean_degree=8, seed=7, trust="uniform:0.3-0.6", platform=told
    )
    assert world.platform is not None
    return world, world.platform


def trusts(world: World) -> dict[tuple[int, int], float]:
    ties = world.ties
    pairs = zip(ties.sources().tolist(), ties.targets.tolist(), strict=True)
    return dict(zip(pairs, (ties.trust / 65535).tolist(), strict=True))


def test_trust_moves_with_what_came_over_a_tie() -> None:
    world, platform = small(3000)
    world.step(5)
    before = trusts(world)
    world.step()
    after, moves = trusts(world), dict.fromkeys(before, 0)
    signs = {Act.LIKE: 1, Act.REPOST: 1, Act.QUOTE: 1, Act.DISLIKE: -1, Act.REPORT: -1}
    shown = platform.exposures
    source = dict(zip(zip(shown.viewer.tolist(), shown.message.tolist(), strict=True),
                      shown.source.tolist(), strict=True))  # fmt: skip
    for agent, act, message, _ in zip(*(c.tolist() for c in platform.acted), strict=True):
        if act in signs and (source[agent, message], agent) in moves:
            moves[source[agent, message], agent] += signs[act]
    once = {pair: sign for pair, sign in moves.items() if abs(sign) == 1 and pair in after}
    assert sum(sign > 0 for sign in once.values()) > 10
    for pair, sign in once.items():
        wanted = 0.05 * (1 - before[pair]) if sign > 0 else -0.15 * before[pair]
        if abs(after[pair] - before[pair] - wanted) > 1e-4:  # a like and more of one message
            assert abs(after[pair] - before[pair]) > abs(wanted)
    still = [pair for pair, sign in moves.items() if sign == 0 and pair in after]
    assert sum(after[pair] != before[pair] for pair in still) < 5


def test_a_feed_is_explained_by_the_trust_that_it_knew() -> None:
    world, platform = small(1500, learning=2.0)
    world.step(4)
    shown, acted = platform.exposures, platform.acted
    liked = set(zip(acted.agent.tolist(), acted.message.tolist(), strict=True))
    told = 0
    for viewer, message in zip(shown.viewer.tolist(), shown.message.tolist(), strict=True):
        if (viewer, message) in liked:
            why = platform.why(viewer, message)
            assert sum(why.parts.values()) == pytest.approx(why.score, abs=4e-5)
            told += why.followed
    assert told > 5


def test_without_learning_trust_stays() -> None:
    world, _ = small(learning=0.0)
    before = trusts(world)
    world.step(5)
    after = trusts(world)
    assert len(before.keys() & after.keys()) > 1000
    assert all(before[pair] == after[pair] for pair in before.keys() & after.keys())


def test_a_dislike_by_hand_costs_its_author_trust() -> None:
    world, platform = small(learning=1.0, slots=1)
    platform.policy = make("rule", "policy", **dict.fromkeys(_RATES, 0.0))
    author = int(world.ties.sources()[0])
    viewer = int(world.ties.listeners(author)[0])
    before = trusts(world)[author, viewer]
    platform.act(author, "post", text="music")
    world.step()
    platform.act(viewer, "dislike", message=int(platform.posts.numbers[0]))
    world.step()
    assert trusts(world)[author, viewer] == pytest.approx(0.85 * before, abs=1e-4)


_RATES = ("likes", "reposts", "replies", "quotes", "dislikes", "reports", "follows", "mutes")


def test_reputation_is_weighed_once_a_day() -> None:
    world, platform = small()
    world.step(23)
    assert (platform.reputation == 1).all()
    assert platform.standing.size == 0
    world.step()
    found, exact = platform.reputation, world.reputation() * 300
    assert np.abs(found - exact).sum() < 0.3
    assert found.mean() == pytest.approx(1, abs=1e-5)
    assert (platform.standing == (254 * found / (1 + found) + 0.5).astype(np.uint8)).all()
    world.step()
    assert platform.reputation is found


def test_a_large_network_is_weighed_over_several_ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sim.platform.acts.relations._ARCS", 0)  # one sweep in a tick
    world, platform = small()
    world.step(3)
    assert FOUNDERS not in platform.held
    world.step(21)
    assert WEIGHING in platform.held
    again = World.restore(*world.dump())
    while WEIGHING in platform.held:
        assert (platform.reputation == 1).all()
        for one in (world, again):
            one.step()
    assert again.platform is not None
    assert (platform.reputation == again.platform.reputation).all()
    exact = 300 * reputation(world.ties, beforehand=platform.held[FOUNDERS])
    assert np.abs(platform.reputation - exact).sum() < 0.3  # a thousandth
    assert FOUNDING not in platform.held


def test_what_is_due_before_its_founders_are_found_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sim.platform.acts.relations._ARCS", 0)
    world, platform = small(reputation_hours=2.0)
    world.step(3)
    assert (platform.reputation == 1).all()
    world.step(12)
    assert platform.reputation.std() > 0.5


def test_reputation_can_be_left_alone_and_newcomers_have_none() -> None:
    world, platform = small(reputation_hours=0.0)
    world.step(25)
    assert (platform.reputation == 1).all()
    world, platform = small(reputation_hours=2.0)
    world.step(2)
    world.create_agents(5)
    assert (platform.reputation[:300] == platform.held["reputation"]).all()
    assert not platform.reputation[300:].any()  # nor has anybody else lost theirs
    world.step()
    assert platform.reputation.size == 305
    known = np.flatnonzero(platform.reputation > 1.5)
    assert 0 < known.size < 100
    assert world.agents_where("reputation > 1.5").tolist() == known.tolist()
    again = World.restore(*world.dump())
    for one, asked in ((world, "online == 1"), (world, "online"), (again, "online")):
        assert one.agents_where(asked).tolist() == platform.online.tolist()
    assert world.agents_where("mood == 0").size == 305
    assert (platform.reputation[300:] == 0).all()
    assert again.platform is not None
    assert (again.platform.reputation == platform.reputation).all()
    before = platform.reputation.copy()
    for one in (world, again):  # the second weighing begins from the first
        one.step(2)
    assert (platform.reputation != before).any()
    assert (again.platform.reputation == platform.reputation).all()
    assert again.digest() == world.digest()


def test_members_follow_whom_a_friend_recommender_proposes() -> None:
    world, platform = small(friends="common-neighbours", meeting=0.5)
    platform.policy = make("rule", "policy", follows=0.0)
    before = trusts(world).keys()
    world.step()
    follow = platform.acted.act == Act.FOLLOW
    whom, agent = platform.acted.other[follow].tolist(), platform.acted.agent[follow].tolist()
    assert len(agent) > 10
    follows = set(zip(whom, agent, strict=True))
    assert not follows & before
    assert follows <= trusts(world).keys()


@register("test-nobody-likes-it")
class Failing(FriendRecommender):
    """Fails."""

    def suggest(self, viewers: Any, platform: Any, count: int) -> Any:
        raise ValueError("no friends today")


def test_a_friend_recommender_that_fails_is_named_and_asked_no_more() -> None:
    world, platform = small(friends="test-nobody-likes-it", meeting=1.0)
    world.step(2)
    assert platform.friends is None
    (fault,) = platform.faults
    assert "no friends today" in fault


def test_a_friend_recommender_that_is_not_there_is_refused_and_on_load_remarked() -> None:
    world, _ = small()
    with pytest.raises(UnknownNameError, match="jaccard"):
        World.create(agents=9, mean_degree=2, platform={"friends": "jacard"})
    meta, columns = world.dump()
    meta["platform"]["settings"]["friends"] = "gone"
    again = World.restore(meta, columns)
    assert again.platform is not None
    assert "Nobody proposes friends" in again.platform.faults[0]
    again.step()


def grown(friends: str, ticks: int = 30, **settings: Any) -> tuple[World, Platform, np.ndarray]:
    """A world that grows by a third in a day, and which newcomers have been online."""
    told = {"rhythm": "flat", "friends": friends, "newcomers": 0.3} | settings
    world = World.create(agents=600, mean_degree=8, seed=7, platform=told)
    platform, came = world.platform, np.zeros(0, np.bool_)
    assert platform is not None
    for _ in range(ticks):
        world.step()
        came = np.append(came, np.zeros(len(world.agents) - came.size, np.bool_))
        came[platform.online] = True
    assert not platform.faults
    came[:600] = False
    return world, platform, np.flatnonzero(came)


@pytest.mark.parametrize("friends", OURS)
def test_newcomers_come_to_follow_somebody(friends: str) -> None:
    """All but 1,091 of 1,112 were alone: recommenders begin with those whom one follows."""
    world, _, came = grown(friends)
    assert came.size > 100
    follow = world.ties.in_degree[came]
    assert (follow > 0).mean() > 0.99
    assert np.median(follow) == 5
    alike: dict[bool, list[int]] = {True: [], False: []}
    interests = world.agents.interests
    for who in came[:60].tolist():
        for whom in range(600):
            shared = (int(interests[who]) & int(interests[whom])).bit_count()
            alike[who in world.ties.listeners(whom)].append(shared)
    assert np.mean(alike[True]) > 2 * np.mean(alike[False])


@pytest.mark.parametrize("settings", [{"friends": ""}, {"friends": "jaccard", "welcome": 0}])
def test_newcomers_stay_alone_where_nobody_proposes(settings: dict[str, Any]) -> None:
    world, _, came = grown(**settings)
    assert (world.ties.in_degree[came] > 0).mean() < 0.1


def test_whom_newcomers_meet_is_there_and_not_themselves() -> None:
    world, platform, _ = grown("jaccard", ticks=1)
    gone = np.arange(0, 600, 2)
    world.agents.set_status(gone, Lifecycle.BANNED)
    alone = world.create_agents(40)
    world.step()
    who, whom, scores = welcomed(platform, np.asarray(alone, np.uint32), 4)
    assert np.bincount(who)[alone.start :].tolist() == [4] * 40
    assert (who != whom).all()
    assert not np.isin(whom, gone).any()
    assert len({*zip(who.tolist(), whom.tolist(), strict=True)}) == 160
    assert (np.diff(scores.reshape(40, 4), axis=1) <= 0).all()
    parts = [welcomed(platform, np.array([one], np.uint32), 4)[1] for one in alone]
    assert whom.tolist() == np.concatenate(parts).tolist()  # alone as among others
    assert not welcomed(platform, np.asarray(alone, np.uint32), 0)[0].size
