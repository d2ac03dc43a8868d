"""Messages that exclude one another, against plain Python with the same draws."""

import heapq
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim import Cascade, World
from sim.core import rng
from sim.core.rng import Stream
from sim.spread import exact_times
from sim.spread.continuous.arrivals_kernels import TICK
from sim.testing import tiny_world
from tests.unit.plugins.naive import adoptions, coin, share
from tests.unit.plugins.test_timed_cascades import waits

SEED = st.integers(0, 2**64 - 1)
TIES = ["proportional", "random", "priority", "first"]
CAMPS = [[0, 5, 9], [20, 33], [41, 50, 59]]


def inject(world: World, model: str, camps: Any = CAMPS, **options: Any) -> list[Cascade]:
    """One message a camp; the last one has the highest priority."""
    return [
        world.inject(f"m{i}", seeds=seeds, model=model, draws="coins", priority=i, **options)
        for i, seeds in enumerate(camps)
    ]


def key_of(world: World, story: Cascade, stream: Stream, tick: int = 0) -> np.uint64:
    return rng.key(world.seed, stream, tick, story.id + 1)


def winner(world: World, stories: list[Cascade], tie: str, v: int, tick: int, won: Any) -> int:
    """The message that an agent takes; ``won``: successes [(draw, source), ...] by message."""
    if tie == "proportional":
        return int(min(won, key=lambda m: (min(won[m])[0], m)))
    if tie == "random":
        outcome = [key_of(world, story, Stream.OUTCOMES, tick) for story in stories]
        return int(min(won, key=lambda m: (int(rng.words(outcome[m], v)[0]) >> 32, m)))
    return int(max(won) if tie == "priority" else min(won))


def naive_cascade(world: World, stories: list[Cascade], tie: str, ticks: int) -> list[Any]:
    hear = [world.ties.listeners(u).tolist() for u in range(len(world.agents))]
    took = {int(v): (m, 0, -1) for m, story in enumerate(stories) for v in story.seeds}
    models: list[Any] = [story.model for story in stories]
    for tick in range(1, ticks + 1):
        ballots: dict[int, dict[int, list[tuple[int, int]]]] = {}
        for u, (m, at, _) in took.items():
            for v in hear[u] if at == tick - 1 else []:
                bits = coin(key_of(world, stories[m], Stream.COINS), u, v)
                if v not in took and share(bits) < models[m].probability:
                    ballots.setdefault(v, {}).setdefault(m, []).append((bits & 0xFFFFFF, u))
        for v, won in ballots.items():
            m = winner(world, stories, tie, v, tick, won)
            took[v] = (m, tick, min(won[m])[1])
    return [{v: (at, u) for v, (n, at, u) in took.items() if n == m} for m in range(len(stories))]


@settings(max_examples=12, deadline=None)
@given(seed=SEED, tie=st.sampled_from(TIES), probability=st.floats(0, 1))
def test_rival_cascades_equal_plain_python(seed: int, tie: str, probability: float) -> None:
    world = tiny_world(seed=seed)
    stories = inject(world, "competitive-cascade", tie=tie, probability=probability)
    expected = naive_cascade(world, stories, tie, 10)
    world.step(10)
    assert [adoptions(story) for story in stories] == expected


@pytest.mark.parametrize("weights", ["constant", "trust", "weighted-cascade"])
@pytest.mark.parametrize("draws", ["coins", "skips"])
def test_alone_it_is_an_independent_cascade(weights: str, draws: Any) -> None:
    found = []
    for model in ("competitive-cascade", "independent-cascade"):
        world = tiny_world()
        story = world.inject(
            "x", seeds=CAMPS[0], model=model, draws=draws, weights=weights, probability=0.4
        )
        world.step(15)
        assert (story.size > 5, story.status) == (True, "quiet")
        found.append(adoptions(story))
    assert found[0] == found[1]


@pytest.mark.parametrize("rule", ["proportional", "separate"])
@pytest.mark.parametrize("weights", ["uniform", "trust"])
def test_alone_it_is_a_linear_threshold(weights: str, rule: str) -> None:
    found = []
    for model, options in (("competitive-threshold", {"rule": rule}), ("linear-threshold", {})):
        world = tiny_world()
        more: Any = options
        story = world.inject("x", seeds=range(0, 60, 4), model=model, weights=weights, **more)
        world.step(15)
        assert (story.size > 18, story.status) == (True, "quiet")
        found.append(story.adopted_at)
    np.testing.assert_array_equal(found[0], found[1])


@pytest.mark.parametrize("weights", ["uniform", "trust"])
def test_together_rivals_reach_whom_one_message_would(weights: str) -> None:
    for seed in range(5):
        whole, parted = tiny_world(seed=seed), tiny_world(seed=seed)
        everybody = [v for camp in CAMPS for v in camp]
        one = whole.inject("x", seeds=everybody, model="linear-threshold", weights=weights)
        several = inject(parted, "competitive-threshold", weights=weights)
        for world in (whole, parted):
            world.step(15)
        at = np.stack([story.adopted_at for story in several])
        assert ((at >= 0).sum(axis=0) <= 1).all()
        np.testing.assert_array_equal(at.max(axis=0), one.adopted_at)


def naive_separate(world: World, stories: list[Cascade], tie: str, ticks: int) -> list[set[int]]:
    n = len(world.agents)
    sources: list[list[int]] = [[] for _ in range(n)]
    for u in range(n):
        for v in world.ties.listeners(u).tolist():
            sources[v].append(u)
    took = {int(v): m for m, story in enumerate(stories) for v in story.seeds}
    for tick in range(1, ticks + 1):
        new = {}
        for v in (v for v in range(n) if v not in took and sources[v]):
            won = {}
            for m, story in enumerate(stories):
                need = rng.uniforms(key_of(world, story, Stream.THRESHOLDS), v)[0]
                heard = sum(took.get(u) == m for u in sources[v])
                if heard and heard >= need * len(sources[v]):
                    won[m] = [(0, 0)]
            if won:
                new[v] = winner(world, stories, tie, v, tick, won)
        took |= new
    return [{v for v, n in took.items() if n == m} for m in range(len(stories))]


@settings(max_examples=10, deadline=None)
@given(seed=SEED, tie=st.sampled_from(["random", "priority", "first"]))
def test_separate_thresholds_equal_plain_python(seed: int, tie: str) -> None:
    world = tiny_world(seed=seed)
    stories = inject(world, "competitive-threshold", rule="separate", tie=tie)
    expected = naive_separate(world, stories, tie, 10)
    world.step(10)
    assert [set(story.adopters.tolist()) for story in stories] == expected


def contests(count: int, trust: Any = None) -> World:
    """Copies of four agents: 0, 1 and 2 speak to 3."""
    sources = np.arange(4 * count).reshape(-1, 4)[:, :3]
    targets = np.repeat(np.arange(3, 4 * count, 4), 3)
    weights = None if trust is None else np.tile(trust, count)
    return World.from_edges(sources.ravel(), targets, trust=weights, seed=5)


def share_won(trust: Any, model: str, **options: Any) -> float:
    """How many of 10,000 listeners the first message takes: 0 and 1 have it, 2 has the other."""
    world, base = contests(10_000, trust), 4 * np.arange(10_000)
    one, two = inject(world, model, [np.concatenate([base, base + 1]), base + 2], **options)
    world.step()
    assert one.size + two.size == 40_000
    return one.size / 10_000 - 2


@pytest.mark.parametrize(
    ("tie", "exact"), [("proportional", 2 / 3), ("random", 1 / 2), ("priority", 0), ("first", 1)]
)
def test_ties_have_their_shares(tie: str, exact: float) -> None:
    # chance 1; 10,000 copies, seed 5
    won = share_won(None, "competitive-cascade", tie=tie, probability=1.0)
    assert abs(won - exact) <= 4 * math.sqrt(exact * (1 - exact) / 10_000)


@pytest.mark.parametrize(
    ("trust", "exact"), [(None, 2 / 3), ([0.5, 0.25, 0.25], 3 / 4), ([0.0, 0.2, 0.8], 1 / 5)]
)
def test_messages_win_in_proportion_to_weight(trust: Any, exact: float) -> None:
    # one threshold, all speak at once; 10,000 copies, seed 5, 4 standard errors
    weights = "uniform" if trust is None else "trust"
    won = share_won(trust, "competitive-threshold", weights=weights)
    assert abs(won - exact) < 4 * math.sqrt(exact * (1 - exact) / 10_000)


def test_an_agent_takes_one_message_for_good_and_a_late_one_finds_it_taken() -> None:
    world = tiny_world()
    (early,) = inject(world, "competitive-cascade", CAMPS[:1], probability=0.5)
    world.step(3)
    free = np.setdiff1d(np.arange(60), early.adopters)[:4]
    late = world.inject("late", seeds=free, model="competitive-cascade", probability=1.0)
    world.step(20)
    assert late.size > 4
    assert not set(early.adopters.tolist()) & set(late.adopters.tolist())


def naive_continuous(world: World, stories: list[Cascade]) -> list[dict[int, tuple[int, int]]]:
    """(tick, source) of the first arrival at each agent, by the message that arrives."""
    rows: dict[int, list[tuple[int, int]]] = {}
    for (u, v), wait in waits(world, stories[0]).items():
        rows.setdefault(u, []).append((v, wait))
    queue = [(s.started_at * TICK, -1, int(v), m) for m, s in enumerate(stories) for v in s.seeds]
    found: dict[int, tuple[int, int, int]] = {}
    heapq.heapify(queue)
    while queue:
        time, source, v, m = heapq.heappop(queue)
        if v not in found:
            found[v] = (-(-time // TICK), source, m)
            for w, wait in rows.get(v, []):
                heapq.heappush(queue, (time + wait, v, w, m))
    return [{v: (at, u) for v, (at, u, n) in found.items() if n == m} for m in range(len(stories))]


@settings(max_examples=10, deadline=None)
@given(seed=SEED, probability=st.floats(0, 1), scale=st.floats(0.05, 10))
def test_the_first_arrival_of_any_message_counts(seed: int, **p: float) -> None:
    world = tiny_world(seed=seed)
    more: Any = p
    stories = inject(world, "competitive-continuous", **more)
    expected = naive_continuous(world, stories)
    world.step(3)
    again = World.restore(*world.dump())
    for one in (world, again):
        for _ in range(300):
            one.step()
            if not any(story.alive for story in one.cascades):
                break
    assert [adoptions(story) for story in stories] == expected
    assert again.digest() == world.digest()


def test_alone_it_is_a_continuous_cascade() -> None:
    found = []
    for model in ("competitive-continuous", "continuous-cascade"):
        world = tiny_world()
        story = world.inject("x", seeds=CAMPS[0], model=model, probability=0.6)
        world.run_until_quiet(story)
        found.append((adoptions(story), exact_times(story).tolist()))
    assert len(found[0][0]) > 10
    np.testing.assert_equal(found[0], found[1])


def test_a_late_message_takes_whom_no_other_has_reached() -> None:
    world = tiny_world()
    (early,) = inject(world, "competitive-continuous", CAMPS[:1], probability=1.0, scale=3.0)
    world.step(3)
    free = np.setdiff1d(np.arange(60), early.adopters)[:6]
    late = world.inject(
        "late", seeds=free, model="competitive-continuous", probability=1.0, scale=3.0
    )
    world.step(60)
    expected = naive_continuous(world, [early, late])
    assert [adoptions(story) for story in (early, late)] == expected
    assert late.size > 6
    before = [story.status for story in (early, late)]
    again = World.restore(*world.dump())
    for one in (world, again):
        one.add_ties([0], [59])
        one.step(2)
    assert (before, again.digest()) == (["quiet", "quiet"], world.digest())


@pytest.mark.parametrize("model", ["competitive-cascade", "competitive-threshold"])
def test_seeds_of_rivals_are_disjoint(model: str) -> None:
    world = tiny_world()
    first, second = inject(world, model, [[0, 5, 9], [9, 5, 7]])
    assert first.status == "running"
    assert second.status == "failed"
    assert "disjoint; message 0 already has 5, 9" in str(second.error)
    assert world.inject("x", seeds=[5], model=model, contest="another").status == "running"


def test_rivals_go_by_the_same_rules() -> None:
    world = tiny_world()
    inject(world, "competitive-threshold", [[0]], rule="separate")
    (other,) = inject(world, "competitive-threshold", [[1]], rule="proportional")
    assert "rule is 'proportional', but 'separate' for message 0" in str(other.error)


def test_a_message_at_rest_can_win_once_a_rival_speaks() -> None:
    # 0, 1 and 2 speak to 3: 0 says A and is not enough; B's word tips 3, which may take A
    n = 2000
    world = contests(n)
    base = 4 * np.arange(n)
    (a,) = inject(world, "competitive-threshold", [base])
    world.step(2)
    assert a.status == "quiet"
    before = a.size
    b = world.inject("b", seeds=np.concatenate([base + 1, base + 2]), model="competitive-threshold")
    world.step(2)
    assert a.size + b.size == 4 * n
    assert a.size > before
    open_then = 2 * n - before
    won = (a.size - before) / open_then
    assert abs(won - 1 / 3) < 4 * math.sqrt(2 / 9 / open_then)
    assert (a.status, b.status) == ("quiet", "quiet")


@pytest.mark.parametrize("rule", ["proportional", "separate"])
@pytest.mark.parametrize("saved", [False, True])
def test_ties_that_are_added_carry_what_was_taken_up_before(rule: str, saved: bool) -> None:
    # 2 hears 0, who has A, and 3; later also 4, who has A: two of three sources are enough at .6
    world = World.from_edges([0, 3], [2, 2], agents=6)
    one, two = inject(world, "competitive-threshold", [[0, 4], [1]], rule=rule)
    for story in (one, two):
        story.given_thresholds = np.full(6, 0.6)
    world.step(3)
    assert (one.size, one.status) == (2, "quiet")
    if saved:
        again = World.restore(*world.dump())
        for story in again.cascades:
            story.given_thresholds = np.full(6, 0.6)
        world, (one, two) = again, again.cascades
    world.add_ties([4], [2])
    world.step(3)
    assert (sorted(one.adopters.tolist()), two.adopters.tolist()) == ([0, 2, 4], [1])
    assert (one.status, two.status) == ("quiet", "quiet")


@pytest.mark.parametrize("saved", [False, True])
def test_what_a_cancelled_message_had_under_way_hides_no_rivals(saved: bool) -> None:
    taken = []
    for seed in range(12):
        world = World.from_edges([0, 9, 2], [2, 2, 3], agents=10, seed=seed)
        options: Any = {"model": "competitive-continuous", "probability": 1, "scale": 3}
        gone, story = (world.inject("x", seeds=[v], **options) for v in (0, 9))
        world.step()
        gone.cancel()
        for _ in range(80):
            world = World.restore(*world.dump()) if saved else world
            world.step()
        gone, story = world.cascades
        assert 2 in gone.adopters or set(story.adopters.tolist()) == {9, 2, 3}
        taken.append(2 in story.adopters)
    assert sum(taken) > 6
