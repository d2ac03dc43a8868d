"""Cascades in time, against shortest paths over the same delays."""

import heapq
import math
from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from sim import Cascade, Delay, World
from sim.core import rng
from sim.core.rng import Stream
from sim.jit.claims import remix
from sim.spread.continuous.arrivals_kernels import TICK, delay
from sim.testing import tiny_world
from tests.unit.plugins.naive import coin, share

SEED = st.integers(0, 2**64 - 1)
SEEDS = [0, 5, 9]


def waits(world: World, story: Cascade, trust: bool = False) -> dict[tuple[int, int], int]:
    """The delay of every tie that passes the message on, in 2^-32 ticks."""
    key = rng.key(world.seed, Stream.COINS, 0, story.id + 1)
    model: Any = story.model
    law, found = model.delay(), {}
    for u in range(len(world.agents)):
        start = int(world.ties.rows[u, 0])
        for e, v in enumerate(world.ties.listeners(u).tolist(), start):
            bits = coin(key, u, v)
            weight = int(world.ties.trust[e]) / 65535 if trust else 1.0
            if share(bits) < model.passes() * law.sure * weight:
                second = share(int(remix(np.uint64(bits))))
                wait = int(delay(second, law.law, law.scale, law.shape, law.below))
                if wait:
                    found[u, v] = wait
    return found


def dijkstra(
    ties: dict[tuple[int, int], int], seeds: list[int], horizon: int
) -> dict[int, tuple[int, int]]:
    """(time, source) of the first arrival at each agent."""
    rows: dict[int, list[tuple[int, int]]] = {}
    for (u, v), wait in ties.items():
        rows.setdefault(u, []).append((v, wait))
    reached: dict[int, tuple[int, int]] = {}
    queue = [(0, -1, v) for v in seeds]
    heapq.heapify(queue)
    while queue:
        time, source, v = heapq.heappop(queue)
        if v in reached or time > horizon:
            continue
        reached[v] = (time, source)
        for w, wait in rows.get(v, []):
            heapq.heappush(queue, (time + wait, v, w))
    return reached


def check(world: World, model: str, *, trust: bool = False, **options: Any) -> Cascade:
    story = world.inject("x", seeds=SEEDS, model=model, **options)
    horizon = int(options.get("span", 0) * TICK) or 1 << 62
    expected = dijkstra(waits(world, story, trust), SEEDS, horizon)
    world.run_until_quiet(story, 5000)
    at, source = story.adopted_at, story.source
    due = story.held["due"].dense()
    assert {v: (int(due[v]), int(source[v])) for v in story.adopters.tolist()} == expected
    ticks = {v: -(-time // TICK) for v, (time, _) in expected.items()}
    assert {v: int(at[v]) for v in story.adopters.tolist()} == ticks
    return story


@settings(max_examples=12, deadline=None)
@given(
    seed=SEED, probability=st.floats(0, 1), law=st.sampled_from(["exponential", "weibull"]),
    scale=st.floats(0.01, 20), shape=st.floats(0.3, 4), span=st.sampled_from([0, 0.5, 3, 11.5]),
    weights=st.sampled_from(["constant", "trust"]),
)  # fmt: skip
def test_first_arrivals_are_shortest_paths(seed: int, **p: Any) -> None:
    check(tiny_world(seed=seed), "continuous-cascade", trust=p["weights"] == "trust", **p)


@settings(max_examples=8, deadline=None)
@given(seed=SEED, probability=st.floats(0, 1), tau=st.floats(0.1, 20), attempts=st.integers(1, 9))
def test_attempts_that_weaken_are_paths_of_first_successes(seed: int, **p: Any) -> None:
    check(tiny_world(seed=seed), "time-decay", **p)


def test_many_ties_are_crossed_in_one_tick() -> None:
    chain = np.arange(30)
    world = World.from_edges(chain, chain + 1, seed=2)
    story = world.inject("x", seeds=[0], model="continuous-cascade", probability=1.0, scale=0.01)
    world.step()
    assert story.size > 20
    assert story.depths.tolist() == story.adopters.tolist()
    world.step(20)
    assert story.depth == 30
    assert story.status == "quiet"


def pairs(model: str, **options: Any) -> Cascade:
    """20,000 pairs of a speaker and a listener, run to their end."""
    sources = np.arange(0, 40_000, 2)
    world = World.from_edges(sources, sources + 1, seed=3)
    story = world.inject("x", seeds=sources, model=model, **options)
    world.run_until_quiet(story)
    return story


@pytest.mark.parametrize("shape", [1.0, 2.5])
def test_delays_have_their_law(shape: float) -> None:
    # 20,000 pairs, seed 3: shares within 4 standard errors, the law by Kolmogorov-Smirnov
    n, p, scale = 20_000, 0.7, 3.0
    law = "exponential" if shape == 1.0 else "weibull"
    story = pairs("continuous-cascade", probability=p, law=law, scale=scale, shape=shape)
    times = story.held["due"].dense()[1::2] / TICK
    times = times[times > 0]
    assert abs(times.size / n - p) < 4 * math.sqrt(p * (1 - p) / n)
    assert stats.kstest(times, stats.weibull_min(shape, scale=scale).cdf).pvalue > 1e-4


def test_first_successes_of_weakening_attempts() -> None:
    # 20,000 pairs, seed 3, 4 standard errors
    n, p, tau = 20_000, 0.5, 2.0
    story = pairs("time-decay", probability=p, tau=tau, attempts=4)
    at, left = story.adopted_at[1::2], 1.0
    for dt in range(1, 5):
        chance = left * p * math.exp(-dt / tau)
        assert abs((at == dt).mean() - chance) < 4 * math.sqrt(chance / n)
        left *= 1 - p * math.exp(-dt / tau)
    assert abs((at < 0).mean() - left) < 4 * math.sqrt(left * (1 - left) / n)


def test_age_weakens_everybody_s_attempts_alike() -> None:
    world = tiny_world()
    story = world.inject("x", seeds=SEEDS, model="time-decay", since="message", probability=0.9,
                         tau=4.0)  # fmt: skip
    world.step(12)
    key = rng.key(world.seed, Stream.COINS, 0, story.id + 1)
    at = dict.fromkeys(SEEDS, 0)
    for tick in range(1, 13):
        for u in [u for u, t in at.items() if t == tick - 1]:
            for v in world.ties.listeners(u).tolist():
                if share(coin(key, u, v)) < 0.9 * math.exp(-tick / 4.0):
                    at.setdefault(v, tick)
    assert {v: int(story.adopted_at[v]) for v in story.adopters.tolist()} == at
    assert (story.size > 12, story.status) == (True, "quiet")


def test_karate_club_in_continuous_time() -> None:
    # 10,000 copies, seed 7: 3.4109 as an independent cascade, known to .0018
    n = 10_000
    one, two = np.array(nx.karate_club_graph().edges()).T
    base = 34 * np.repeat(np.arange(n), one.size)
    world = World.from_edges(np.tile(one, n) + base, np.tile(two, n) + base, directed=False, seed=7)
    story = world.inject("x", seeds=34 * np.arange(n), model="continuous-cascade", probability=0.1)
    world.run_until_quiet(story)
    sizes = np.bincount(story.adopters // 34)
    assert abs(sizes.mean() - 3.4109) < 4 * sizes.std() / math.sqrt(n) + 0.0018


def test_delays_name_their_law() -> None:
    assert Delay(2.0).law != Delay(2.0, 3.0).law
    twice = Delay(attempts=(0.5, 0.5))
    assert (twice.sure, twice.below.tolist()) == (0.75, [0.5 / 0.75, 1.0])
