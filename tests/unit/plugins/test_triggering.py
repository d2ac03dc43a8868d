"""Triggering sets, against reachability over live ties."""

import math
from typing import Any

import numpy as np
import pytest

from sim import Bools, Pairs, Triggering, World, register
from sim.core import rng
from sim.core.rng import Stream
from sim.testing import tiny_world
from tests.unit.plugins.naive import coin, share

SEEDS = [0, 5, 9, 33]


def live_ties(world: World, story: Any) -> set[tuple[int, int]]:
    """The ties over which a source triggers its listener, drawn agent by agent."""
    model, found = story.model, set()
    keys = [rng.key(world.seed, s, 0, story.id + 1) for s in (Stream.COINS, Stream.THRESHOLDS)]
    n = len(world.agents)
    heard: list[list[tuple[int, int]]] = [[] for _ in range(n)]
    for u in range(n):
        start = int(world.ties.rows[u, 0])
        for e, v in enumerate(world.ties.listeners(u).tolist(), start):
            heard[v].append((u, int(world.ties.trust[e])))
    for v, sources in enumerate(heard):
        draw = rng.uniforms(keys[1], v)[0]
        first, whole, below = int(draw * len(sources)), sum(t for _, t in sources), 0
        for place, (u, trust) in enumerate(sources):
            inside: bool = below <= draw * whole < below + trust
            below += trust
            if model.sets == "independent":
                inside = share(coin(keys[0], u, v)) < model.probability
            elif model.sets == "several":
                inside = (place - first) % len(sources) < model.size
            if inside:
                found.add((u, v))
    return found


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    "options",
    [
        {"sets": "independent", "probability": 0.3}, {"sets": "several", "size": 1},
        {"sets": "several", "size": 3}, {"sets": "trusted"},
    ],
)  # fmt: skip
def test_agents_adopt_at_their_distance_over_live_ties(options: Any, seed: int) -> None:
    world = tiny_world(seed=seed)
    story = world.inject("x", seeds=SEEDS, model="triggering", **options)
    live = live_ties(world, story)
    at, level = dict.fromkeys(SEEDS, 0), 0
    while level in at.values():
        fresh = [v for u, v in live if at.get(u) == level]
        level += 1
        at |= {v: level for v in fresh if v not in at}
    world.run_until_quiet(story)
    assert {v: int(story.adopted_at[v]) for v in story.adopters.tolist()} == at
    assert all((story.source[v], v) in live for v in at if v not in SEEDS)


def test_independent_sets_are_an_independent_cascade() -> None:
    found = []
    for model, options in (("triggering", {"sets": "independent"}), ("independent-cascade", {})):
        world = tiny_world()
        more: Any = {**options, "probability": 0.4, "draws": "coins"}
        story = world.inject("x", seeds=SEEDS, model=model, **more)
        world.step(20)
        found.append(story.adopted_at)
    assert (found[0] >= 0).sum() > 10
    np.testing.assert_array_equal(found[0], found[1])


def test_sets_of_one_are_linear_thresholds_on_five() -> None:
    # 20,000 copies of K5, seed 4: 3.21875 within 4 standard errors
    n = 20_000
    one, two = np.nonzero(~np.eye(5, dtype=bool))
    base = 5 * np.repeat(np.arange(n), one.size)
    world = World.from_edges(np.tile(one, n) + base, np.tile(two, n) + base, seed=4)
    story = world.inject("x", seeds=5 * np.arange(n), model="triggering", size=1)
    world.run_until_quiet(story)
    sizes = np.bincount(story.adopters // 5)
    assert abs(sizes.mean() - 3.21875) < 4 * sizes.std() / math.sqrt(n)


def test_given_draws_decide() -> None:
    world = World.from_edges([0, 1], [2, 2])
    story = world.inject("x", seeds=[1], model="triggering", size=1)
    story.given_thresholds = np.array([0.0, 0.0, 0.9])  # the second of two sources
    world.step()
    assert story.size == 2
    story = world.inject("x", seeds=[1], model="triggering", sets="independent")
    story.given_coins = np.array([0, 1 << 63], np.uint64)
    world.step()
    assert story.size == 1


@register("test-wrong-triggers")
class Wrong(Triggering):
    """Returns numbers."""

    def triggers(self, pairs: Pairs) -> Bools:
        wrong: Bools = pairs.coin  # type: ignore[assignment]
        return wrong


def test_answers_are_bools() -> None:
    world = tiny_world()
    story = world.inject("x", seeds=SEEDS, model="test-wrong-triggers")
    world.step()
    assert "one bool a pair" in str(story.error)
