"""Cascades with a chance of its own for each tie, against plain Python with the same coins."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim import Cascade, World
from sim.core import rng
from sim.core.rng import Stream
from sim.testing import tiny_world
from tests.unit.plugins.naive import Adopted, adoptions, coin, share

SEED = st.integers(0, 2**64 - 1)
CHANCE = st.floats(0, 1)
Chance = Callable[[int, int, int, int], float]
"""Of (speaker, listener, tick, earlier hearings)."""


def listeners(world: World) -> list[list[int]]:
    return [world.ties.listeners(u).tolist() for u in range(len(world.agents))]


def naive(world: World, story: Cascade, chance: Chance, ticks: int) -> Adopted:
    """One attempt a tie; the coin of a tie is tossed once in a cascade."""
    key = rng.key(world.seed, Stream.COINS, 0, story.id + 1)
    hear = listeners(world)
    adopted: Adopted = {int(v): (0, -1) for v in story.seeds}
    heard = [0] * len(world.agents)
    for tick in range(1, ticks + 1):
        won: dict[int, list[tuple[int, int]]] = {}
        met = [v for u, (at, _) in adopted.items() if at == tick - 1 for v in hear[u]]
        for u in [u for u, (at, _) in adopted.items() if at == tick - 1]:
            for v in hear[u]:
                bits = coin(key, u, v)
                if v not in adopted and share(bits) < chance(u, v, tick, heard[v]):
                    won.setdefault(v, []).append((bits & 0xFFFFFF, u))
        for v in met:
            heard[v] += v not in adopted
        adopted |= {v: (tick, min(tries)[1]) for v, tries in won.items()}
    return adopted


def check(world: World, chance: Chance, model: str, **options: Any) -> int:
    story = world.inject("x", seeds=[0, 5, 9, 30], model=model, draws="coins", **options)
    expected = naive(world, story, chance, 8)
    world.step(8)
    assert adoptions(story) == expected
    return story.size


@settings(max_examples=10, deadline=None)
@given(seed=SEED)
def test_trivalency_draws_a_level_for_each_tie(seed: int) -> None:
    world = tiny_world(seed=seed)
    key = rng.key(world.seed, Stream.LEVELS)

    def level(u: int, v: int, *_: int) -> float:
        return (0.1, 0.01, 0.001)[int(3 * rng.uniforms(key, u, v)[0])]

    check(world, level, "independent-cascade", weights="trivalency")


def test_levels_are_equally_likely_and_the_same_for_every_message() -> None:
    # 3,000 listeners of one agent, 300 messages: a tie's share of successes is that of its level
    world = World.from_edges(np.zeros(3000, int), np.arange(1, 3001), seed=5)
    told: Any = {"model": "independent-cascade", "weights": "trivalency"}
    stories = [world.inject("x", seeds=[0], **told) for _ in range(300)]
    world.step()
    wins = np.zeros(3001)
    for story in stories:
        wins[story.adopters] += 1
    assert abs(wins[1:].sum() / 300 - 1000 * 0.111) < 4 * math.sqrt(1000 * 0.1 * 0.9 / 300) + 8
    assert abs((wins[1:] > 12).sum() - 1000) < 4 * math.sqrt(3000 * 2 / 9) + 20


def left(fading: float, hearings: int) -> float:
    share = fading**hearings
    return share if share > 1e-9 or hearings == 0 else 0.0


@settings(max_examples=10, deadline=None)
@given(seed=SEED, p=CHANCE, fading=CHANCE)
def test_novelty_fades_with_every_earlier_hearing(seed: int, p: float, fading: float) -> None:
    check(
        tiny_world(seed=seed), lambda u, v, t, k: p * left(fading, k), "novelty-decay",
        probability=p, fading=fading,
    )  # fmt: skip


@pytest.mark.filterwarnings("ignore:The parameters of novelty-decay are per tick")
@pytest.mark.parametrize(("tick_minutes", "least"), [(60.0, 4), (1.0, 12)])
def test_novelty_fades_with_the_minutes_of_age(tick_minutes: float, least: int) -> None:
    world = tiny_world()
    world.tick_minutes = tick_minutes

    def fresh(tick: int) -> float:
        minutes = (tick - 1 + (np.arange(20_000) + 0.5) / 20_000) * tick_minutes
        return float(np.exp(-0.4 * minutes**0.4).mean())

    reached = check(
        world, lambda u, v, t, k: 0.9 * fresh(t), "novelty-decay", probability=0.9, decay="age"
    )
    assert reached > least


def test_one_who_hears_tick_after_tick_is_convinced_less_and_less() -> None:
    # a chain 0 -> 1 -> 2 -> 3, all of whom reach a fifth: 20,000 copies, 4 standard errors
    n, p = 20_000, 0.5
    chain = [(0, 1), (1, 2), (2, 3), (0, 4), (1, 4), (2, 4)]
    sources, targets = (np.array(c) for c in zip(*chain, strict=True))
    base = 5 * np.repeat(np.arange(n), len(chain))
    world = World.from_edges(np.tile(sources, n) + base, np.tile(targets, n) + base, seed=3)
    seeds = 5 * np.arange(n)
    story = world.inject("x", seeds=seeds, model="novelty-decay", probability=p, fading=0.4)
    world.step(3)
    at = story.adopted_at.reshape(n, 5)
    shares = [(at[:, 4] == tick).mean() for tick in (1, 2, 3)]
    first, second = p, (1 - p) * p * (p * 0.4)
    third = (1 - p) * (p * (1 - 0.4 * p)) * p * (0.16 * p)
    for seen, exact in zip(shares, (first, second, third), strict=True):
        assert abs(seen - exact) < 4 * math.sqrt(exact * (1 - exact) / n)


def overlap(world: World, hear: list[set[int]], u: int, v: int) -> float:
    community = world.agents.community
    common = sum(int(community[w] == community[u]) for w in hear[u] & hear[v])
    return common / (len(hear[u]) + len(hear[v]) - common)


def dense_world(seed: int) -> World:
    """Two communities of 20 with many common listeners, and a hub that hears and reaches all."""
    draws = np.random.default_rng(seed)
    pairs = draws.integers(0, 40, (1000, 2)).tolist() + [[3, v] for v in range(40)]
    sources, targets = (np.array(c) for c in zip(*pairs, strict=True))
    labels = np.arange(40) % 2
    labels[7] = -1
    return World.from_edges(sources, targets, 40, seed=seed, community=labels)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("model", ["ice", "icep", "icp"])
def test_communities_hold_and_pass(model: str, seed: int) -> None:
    world = dense_world(seed)
    hear = [set(row) for row in listeners(world)]
    labels = world.agents.community.tolist()

    def chance(u: int, v: int, *_: int) -> float:
        inside = labels[u] == labels[v] >= 0
        if model == "icp":
            return 0.4 if inside else 0.4 * 0.5
        if inside:
            return overlap(world, hear, u, v)
        return min(overlap(world, hear, u, w) for w in hear[u]) if model == "ice" else 0.4 * 0.5

    options = {} if model == "ice" else {"probability": 0.4, "permeability": 0.5}
    assert check(world, chance, model, **options) > 4


def test_given_coins_decide() -> None:
    world = tiny_world()
    story = world.inject("x", seeds=[0], model="icp", probability=0.5, permeability=1.0)
    story.given_coins = np.zeros(world.ties.count, np.uint64)
    world.step()
    assert set(story.adopters.tolist()) == {0, *listeners(world)[0]}
