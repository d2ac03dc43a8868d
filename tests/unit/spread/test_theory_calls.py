"""Speakers who make one call a tick: what pairs predict, beside what agents do."""

from __future__ import annotations

import numpy as np
import pytest

from sim import Setting, World, make


def never_heard(model: str, degree: int) -> float:
    """Return the share that the pair approximation leaves without the rumour."""
    degrees = np.zeros(degree + 1)
    degrees[degree] = 1.0
    theory = make(model).theory(Setting(20_000, 20, degrees), 400)[0]
    assert theory.name.startswith("pair approximation")
    assert np.allclose(theory.expected.sum(axis=1), 20_000)
    return float(theory.expected[-1, 0] / 20_000)


@pytest.mark.parametrize(
    ("model", "degree", "measured", "error"),
    [  # random regular networks of 20,000, three each; errors of the means are below .004
        ("maki-thompson", 50, 0.1975, 0.005), ("maki-thompson", 8, 0.2762, 0.015),
        ("k-fold-stifling", 50, 0.0559, 0.004), ("k-fold-stifling", 8, 0.0641, 0.004),
        ("sihr-rumour", 8, 0.047, 0.005),
    ],
)  # fmt: skip
def test_pairs_follow_one_call_a_tick(
    model: str, degree: int, measured: float, error: float
) -> None:
    assert abs(never_heard(model, degree) - measured) < error


@pytest.mark.slow
@pytest.mark.parametrize(("model", "degree"), [("maki-thompson", 8), ("k-fold-stifling", 50)])
def test_agents_do_as_pairs_predict(model: str, degree: int) -> None:
    import networkx as nx

    found = []
    for seed in range(3):
        arcs = np.array(nx.random_regular_graph(degree, 20_000, seed=seed).edges())
        world = World.from_edges(arcs[:, 0], arcs[:, 1], 20_000, directed=False, seed=seed)
        story = world.inject("x", seeds=range(20), model=model)
        world.run_until_quiet(story)
        found.append(story.history[-1, 0] / 20_000)
    assert abs(np.mean(found) - never_heard(model, degree)) < 0.015
