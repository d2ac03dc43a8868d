"""Relabelled agents with relabelled draws give the relabelled result."""

from typing import Any

import numpy as np
import pytest

from sim import Cascade, World
from sim.testing import tiny_world

LABEL = np.random.default_rng(4).permutation(60)
SEEDS = [0, 5, 9, 20, 33, 41]


def arcs(world: World) -> tuple[np.ndarray, np.ndarray]:
    sources = np.repeat(np.arange(len(world.agents)), world.ties.rows[:, 1])
    return sources, world.ties.targets.astype(np.int64)


def relabelled(world: World) -> tuple[World, np.ndarray]:
    """The same network under other names, and each of its ties' place in the old one."""
    sources, targets = arcs(world)
    trust = world.ties.trust / 65535
    other = World.from_edges(LABEL[sources], LABEL[targets], 60, trust=trust)
    places = {
        (int(LABEL[a]), int(LABEL[b])): e for e, (a, b) in enumerate(zip(*arcs(world), strict=True))
    }
    pairs = zip(*(ends.tolist() for ends in arcs(other)), strict=True)
    return other, np.array([places[pair] for pair in pairs])


def run(
    world: World, seeds: Any, model: str, coins: Any, thresholds: Any, **options: Any
) -> Cascade:
    story = world.inject("x", seeds=seeds, model=model, draws="coins", **options)
    story.given_coins, story.given_thresholds = coins, thresholds
    world.run_until_quiet(story)
    return story


@pytest.mark.parametrize(
    ("model", "options"),
    [
        *(("independent-cascade", {"weights": weights, "probability": 0.5})
          for weights in ("constant", "trust", "weighted-cascade")),
        *(("linear-threshold", {"weights": weights}) for weights in ("uniform", "trust")),
    ],
)  # fmt: skip
def test_relabelled_agents_adopt_when_those_they_were_did(model: str, options: Any) -> None:
    world, is_cascade = tiny_world(), model == "independent-cascade"
    other, place = relabelled(world)
    coins = np.random.default_rng(1).integers(0, 2**64, world.ties.count, dtype=np.uint64)
    thresholds, moved = np.random.default_rng(2).random(60) * 0.6, np.empty(60)
    moved[LABEL] = thresholds
    given, turned = (coins, coins[place]) if is_cascade else (coins[:0], coins[:0])
    need, needed = (thresholds[:0], moved[:0]) if is_cascade else (thresholds, moved)
    one = run(world, SEEDS, model, given, need, **options)
    two = run(other, LABEL[SEEDS], model, turned, needed, **options)
    assert one.size > 10
    np.testing.assert_array_equal(two.adopted_at[LABEL], one.adopted_at)
    had = one.source >= 0
    if is_cascade:
        np.testing.assert_array_equal(two.source[LABEL][had], LABEL[one.source[had]])
