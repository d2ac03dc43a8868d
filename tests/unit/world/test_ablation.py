"""With the broadcast channel and the rhythm off, a platform is the classical models' world."""

from typing import Any

import networkx as nx
import numpy as np
import pytest

from sim import World, make

OFF: dict[str, Any] = {"channel": "broadcast", "rhythm": "flat", "learning": 0.0}
STILL = {"follows": 0.0, "mutes": 0.0}
"""Members post, read and like, but ties and trust stay as they are."""

MODELS: list[tuple[str, dict[str, Any]]] = [
    ("independent-cascade", {"probability": 0.15}),
    ("linear-threshold", {}),
    ("sir", {"beta": 0.2, "gamma": 0.3}),
    ("sis", {"beta": 0.1}),
    ("maki-thompson", {}),
    ("watts", {}),
    ("hoax", {}),
    ("voter", {}),
]


def karate() -> World:
    graph = nx.karate_club_graph()
    sources, targets = np.array(graph.edges).T
    return World.from_edges(sources, targets, 34, directed=False, seed=4)


@pytest.mark.parametrize(("model", "parameters"), MODELS)
def test_the_same_agents_adopt_at_the_same_ticks(model: str, parameters: dict[str, Any]) -> None:
    bare, living = (World.create(agents=400, mean_degree=8, seed=9) for _ in range(2))
    living.open_platform(**OFF, posting=0.2, policy=make("rule", "policy", **STILL))
    stories = [w.inject("x", seeds=[0, 5, 9], model=model, **parameters) for w in (bare, living)]
    for world in (bare, living):
        world.step(25)
    one, two = stories
    assert two.history.tolist() == one.history.tolist()
    for column in ("agents", "ticks", "sources"):
        assert np.array_equal(getattr(two.log, column), getattr(one.log, column)), column
    assert living.platform is not None
    assert len(living.platform.exposures) > 0


def test_degroot_on_the_karate_club_agrees_on_the_exact_mean() -> None:
    world = karate()
    world.open_platform(**OFF, posting=0.2, policy=make("rule", "policy", **STILL))
    world.opinions.hold("t", np.arange(34) / 33, span=(0, 1))
    world.inject("x", seeds=[0], model="degroot", topic="t", tolerance=0.0)
    world.step(250)
    assert world.opinions["t"] == pytest.approx(np.full(34, 0.4924242424), abs=1e-9)


def test_independent_cascades_on_the_karate_club_reach_the_exact_mean() -> None:
    world = karate()
    world.open_platform(**OFF, posting=0.0)
    stories = [
        world.inject(f"x{k}", seeds=[0, 33], model="independent-cascade", probability=0.1)
        for k in range(1000)
    ]
    world.step(34)
    sizes = np.array([story.size for story in stories])
    assert abs(sizes.mean() - 6.4240) < 4 * sizes.std() / np.sqrt(1000) + 0.0018
