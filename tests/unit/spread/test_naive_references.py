"""Models equal plain Python with the same coins, tick by tick."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim import World
from sim.core import rng
from sim.core.rng import Stream
from sim.testing import Given, tiny_world


def listeners(world: World) -> list[list[tuple[int, int]]]:
    """(listener, position of the tie) of every agent."""
    rows, targets = world.ties.rows, world.ties.targets
    return [
        [(int(targets[e]), e) for e in range(int(start), int(start) + int(length))]
        for start, length in rows
    ]


def trust_of(world: World) -> np.ndarray:
    trust = world.ties.trust
    return trust / 65535 if trust.size else np.ones(world.ties.count)


def in_degrees(world: World) -> np.ndarray:
    return np.bincount(world.ties.targets, minlength=len(world.agents))


def naive_cascade(
    world: World, seeds: list[int], chance: np.ndarray, coins: np.ndarray
) -> dict[int, tuple[int, int]]:
    """Independent cascade by dictionaries: agent -> (tick, source)."""
    adopted = dict.fromkeys(seeds, (0, -1))
    frontier, tick = list(seeds), 0
    heard_by = listeners(world)
    while frontier:
        tick += 1
        tried: dict[int, list[tuple[int, int]]] = {}
        for u in frontier:
            for v, e in heard_by[u]:
                if v not in adopted and (int(coins[e]) >> 11) * 2.0**-53 < chance[e]:
                    tried.setdefault(v, []).append((int(coins[e]) & 0xFFFFFF, u))
        for v, tries in tried.items():
            adopted[v] = (tick, min(tries)[1])
        frontier = list(tried)
    return adopted


def run(world: World, seeds: list[int], model: str, coins: Any = None, **options: Any) -> Any:
    story = world.inject("x", seeds=seeds, model=model, **options)
    if coins is not None:
        story.given_coins = coins
    world.run_until_quiet(story)
    return story


def as_dictionary(story: Any) -> dict[int, tuple[int, int]]:
    at, source = story.adopted_at, story.source
    return {int(v): (int(at[v]), int(source[v])) for v in story.adopters}


def addressed_coins(world: World, story_id: int) -> np.ndarray:
    """The coins that the kernels draw: addressed by (source, listener)."""
    sources = np.repeat(np.arange(len(world.agents)), world.ties.rows[:, 1])
    key = rng.key(world.seed, Stream.COINS, 0, story_id + 1)
    return rng.words(key, sources, world.ties.targets)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**64 - 1), p=st.sampled_from([0.0, 0.1, 0.5, 1.0]))
def test_cascade_with_addressed_coins_equals_naive_one(seed: int, p: float) -> None:
    world = tiny_world(seed=seed)
    story = run(world, [0, 5], "independent-cascade", probability=p, draws="coins")
    chance = np.full(world.ties.count, p)
    expected = naive_cascade(world, [0, 5], chance, addressed_coins(world, 0))
    assert as_dictionary(story) == expected


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_cascade_with_injected_coins_equals_naive_one(seed: int) -> None:
    world = tiny_world()
    coins = np.random.default_rng(seed).integers(0, 2**64, world.ties.count, dtype=np.uint64)
    story = run(world, [3], "independent-cascade", coins, probability=0.4)
    assert as_dictionary(story) == naive_cascade(world, [3], np.full(world.ties.count, 0.4), coins)


@pytest.mark.parametrize("given_coins", [False, True])
def test_cascade_by_trust_equals_naive_one(given_coins: bool) -> None:
    world = tiny_world()
    coins = addressed_coins(world, 0)
    story = run(
        world, [0], "independent-cascade", coins if given_coins else None,
        probability=0.8, weights="trust",
    )  # fmt: skip
    assert as_dictionary(story) == naive_cascade(world, [0], 0.8 * trust_of(world), coins)


@pytest.mark.parametrize("given_coins", [False, True])
def test_weighted_cascade_equals_naive_one(given_coins: bool) -> None:
    world = tiny_world()
    coins = addressed_coins(world, 0)
    story = run(
        world, [0, 1, 2], "independent-cascade", coins if given_coins else None,
        weights="weighted-cascade",
    )  # fmt: skip
    chance = 1.0 / in_degrees(world)[world.ties.targets]
    assert as_dictionary(story) == naive_cascade(world, [0, 1, 2], chance, coins)


def naive_threshold(
    world: World, seeds: list[int], weight: np.ndarray, thresholds: np.ndarray
) -> dict[int, int]:
    """Linear threshold by sums: agent -> tick."""
    adopted = dict.fromkeys(seeds, 0)
    heard = np.zeros(len(world.agents))
    total = np.zeros(len(world.agents))
    np.add.at(total, world.ties.targets, weight)
    frontier, tick, heard_by = list(seeds), 0, listeners(world)
    while frontier:
        tick += 1
        for u in frontier:
            for v, e in heard_by[u]:
                heard[v] += weight[e]
        need = np.maximum(1.0, np.ceil(thresholds * total - 1e-9))
        frontier = [v for v in range(len(world.agents)) if v not in adopted and heard[v] >= need[v]]
        adopted |= dict.fromkeys(frontier, tick)
    return adopted


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32), weights=st.sampled_from(["uniform", "trust"]))
def test_thresholds_that_are_injected_give_the_naive_result(seed: int, weights: str) -> None:
    world = tiny_world()
    thresholds = np.random.default_rng(seed).random(60)
    story = world.inject("x", seeds=[0, 5, 9], model="linear-threshold", weights=weights)
    story.given_thresholds = thresholds
    world.run_until_quiet(story)
    one = np.ones(world.ties.count)
    weight = world.ties.trust.astype(float) if weights == "trust" else one
    expected = naive_threshold(world, [0, 5, 9], weight, thresholds)
    assert {int(v): int(story.adopted_at[v]) for v in story.adopters} == expected


def test_thresholds_that_are_drawn_are_addressed_by_agent() -> None:
    world = tiny_world()
    story = run(world, [0, 5, 9], "linear-threshold")
    thresholds = rng.uniforms(rng.key(world.seed, Stream.THRESHOLDS, 0, 1), np.arange(60))
    expected = naive_threshold(world, [0, 5, 9], np.ones(world.ties.count), thresholds)
    assert {int(v): int(story.adopted_at[v]) for v in story.adopters} == expected
    assert all(story.source[v] >= 0 for v in story.adopters if v not in {0, 5, 9})


@pytest.mark.parametrize(
    ("model", "options"),
    [
        ("independent-cascade", {"probability": 0.5}),
        ("independent-cascade", {"weights": "trust", "probability": 0.9}),
        ("linear-threshold", {"weights": "trust"}),
        ("sir", {"beta": 0.4}),
        ("viral", {"base": 1.0, "fading": 0.0}),
        ("hybrid", {"base": 1.0, "fading": 0.0}),
    ],
)
def test_explicit_contacts_of_all_ties_equal_broadcast(model: str, options: Any) -> None:
    world, other = tiny_world(), tiny_world()
    sources = np.repeat(np.arange(60), world.ties.rows[:, 1])
    shuffled = np.random.default_rng(1).permutation(sources.size)
    channel = Given(world.ties.targets[shuffled], sources[shuffled])
    options = {"seeds": [0, 5, 9, 14, 20], "model": model, "draws": "coins", **options}
    one = world.inject("x", **options)
    two = other.inject("x", channel=channel, **options)
    world.step(20)
    other.step(20)
    assert as_dictionary(one) == as_dictionary(two)
    assert one.size > 6


def test_explicit_contacts_limit_who_hears() -> None:
    world = World.from_edges([0, 0, 0], [1, 2, 3])
    channel = Given([2], [0])
    story = world.inject(
        "x", seeds=[0], model="independent-cascade", probability=1.0, channel=channel
    )
    world.step(2)
    assert story.adopters.tolist() == [0, 2]


def test_certain_chance_reaches_by_breadth_first_levels() -> None:
    world = tiny_world(isolated=3)
    story = run(world, [0], "independent-cascade", probability=1.0, draws="skips")
    level, seen, tick = [0], {0: 0}, 0
    heard_by = listeners(world)
    while level:
        tick += 1
        level = sorted({v for u in level for v, _ in heard_by[u]} - seen.keys())
        seen |= dict.fromkeys(level, tick)
    assert {int(v): int(story.adopted_at[v]) for v in story.adopters} == seen
