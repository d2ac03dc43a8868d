"""Equations beside agents: within 0.05 of all agents, or the curve's name says that it may be off.

Watts' cascades are left out: near the edge of their window, where one run takes off and another
does not, curves say so by themselves.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sim import Setting, World, make
from sim.network import with_caveats

OFF = 0.05
SMALL = [
    ("sir", "erdos-renyi", 4), ("sir", "erdos-renyi", 60), ("sir", "small-world", 8),
    ("sir", "planted-communities", 4), ("maki-thompson", "regular", 4),
    ("maki-thompson", "regular", 8), ("maki-thompson", "erdos-renyi", 20),
    ("k-fold-stifling", "preferential-attachment", 8), ("independent-cascade", "erdos-renyi", 8),
]  # fmt: skip
MODELS = ("sir", "seir", "sis", "maki-thompson", "k-fold-stifling", "nekovee-moreno",
          "independent-cascade", "linear-threshold", "sir-continuous")  # fmt: skip
NETWORKS = ("regular", "erdos-renyi", "preferential-attachment", "planted-communities",
            "small-world")  # fmt: skip


def world_of(network: str, degree: int, agents: int, seed: int) -> World:
    if network != "regular":
        return World.create(agents=agents, network=network, mean_degree=degree, seed=seed)
    import networkx as nx

    arcs = np.array(nx.random_regular_graph(degree, agents, seed=seed).edges())
    return World.from_edges(arcs[:, 0], arcs[:, 1], agents, directed=False, seed=seed)


def options_of(model: str, degree: int) -> dict[str, Any]:
    """Return parameters with which a message takes off on a network of any degree."""
    chance = min(1.0, 0.6 / degree)
    found: dict[str, dict[str, Any]] = {
        "nekovee-moreno": {"spread": chance, "alpha": chance / 2},
        "independent-cascade": {"probability": min(1.0, 2.0 / degree)},
    }
    by_beta = model.partition("-")[0] in {"sir", "seir", "sis"}
    return {"beta": chance} if by_beta else found.get(model, {})


def held(model: str, network: str, degree: int, *, agents: int, runs: int, ticks: int) -> None:
    options, seen = options_of(model, degree), []
    said: dict[str, list[Any]] = {}
    for seed in range(runs):
        world = world_of(network, degree, agents, seed)
        seeds = np.random.default_rng(seed).choice(agents, agents // 50, replace=False)
        story = world.inject("x", seeds=seeds, model=model, **options)
        world.step(ticks)
        rows = story.history[: ticks + 1]
        seen.append(np.vstack([rows, *[rows[-1:]] * (ticks + 1 - len(rows))]) / agents)
        counts = np.bincount(world.ties.out_degree)
        setting = Setting(agents, seeds.size, counts / agents)
        for one in with_caveats(make(model, **options).theory(setting, ticks), world.ties):
            is_doubted = "may be far off" in one.name
            said.setdefault(one.name.partition(" (")[0], []).append((one.expected, is_doubted))
    assert said
    for name, curves in said.items():
        off = np.abs(np.mean([each for each, _ in curves], axis=0) / agents - np.mean(seen, axis=0))
        assert off.max() <= OFF or all(doubted for _, doubted in curves), (name, off.max())


@pytest.mark.parametrize(("model", "network", "degree"), SMALL)
def test_a_curve_is_near_or_says_that_it_may_not_be(model: str, network: str, degree: int) -> None:
    held(model, network, degree, agents=4000, runs=4, ticks=40)


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("degree", [4, 8, 20, 60])
def test_every_curve_is_near_or_says_that_it_may_not_be(
    model: str, network: str, degree: int
) -> None:
    held(model, network, degree, agents=8000, runs=6, ticks=60)


def test_where_nothing_is_wrong_nothing_is_said() -> None:
    world = world_of("erdos-renyi", 60, 2000, 1)
    counts = np.bincount(world.ties.out_degree)
    found = make("sir").theory(Setting(2000, 10, counts / 2000), 5)
    assert with_caveats(found, world.ties) == found
