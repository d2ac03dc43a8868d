"""Equations know no triangles: where there are many, the names of curves say so."""

from __future__ import annotations

import numpy as np
import pytest

from sim import Setting, Theory, World, make
from sim.core.theory import with_doubts
from sim.network import with_caveats


def predicted(world: World, model: str = "sir") -> list[str]:
    counts = np.bincount(world.ties.out_degree)
    theories = make(model).theory(Setting(len(world.agents), 2, counts / counts.sum()), 20)
    found = with_caveats(theories, world.ties)
    assert all((a.expected == b.expected).all() for a, b in zip(theories, found, strict=True))
    return [one.name for one in found]


@pytest.mark.parametrize(
    ("network", "doubtful"),
    [("small-world", True), ("erdos-renyi", False), ("preferential-attachment", False)],
)
def test_clustered_networks_are_named(network: str, doubtful: bool) -> None:
    world = World.create(agents=2000, network=network, mean_degree=10, seed=1)
    names = predicted(world)
    assert len(names) > 1
    assert all(("left out: may be far off" in name) == doubtful for name in names)


def test_a_closed_form_knows_no_network() -> None:
    world = World.create(agents=500, network="small-world", mean_degree=10, seed=1)
    assert not any("clustering" in name for name in predicted(world, "bass"))


def test_what_is_as_dense_as_chance_is_not_clustered() -> None:
    sources, targets = np.triu_indices(12, 1)
    world = World.from_edges(sources, targets, 12, directed=False)
    assert not any("clustering" in name for name in predicted(world))


def test_one_way_ties_are_named_first() -> None:
    world = World.from_edges([0, 1, 2], [1, 2, 3])
    assert all("one-way ties taken as mutual" in name for name in predicted(world))
    assert with_caveats((), world.ties) == ()
    one = Theory("closed form", ("a",), np.zeros((1, 1)))
    assert "mutual" in with_caveats([one], world.ties)[0].name


@pytest.mark.parametrize(
    ("model", "degree", "doubted"),
    [
        ("maki-thompson", 4, {"pair", "homogeneous"}),
        ("maki-thompson", 8, {"homogeneous"}),
        ("maki-thompson", 60, set()),
        ("bass", 4, set()),
        ("majority-rule", 4, set()),
    ],
)
def test_degrees_that_are_low_for_a_curve_are_named(
    model: str, degree: int, doubted: set[str]
) -> None:
    degrees = np.eye(degree + 1)[-1]
    found = with_doubts(make(model).theory(Setting(1000, 10, degrees), 5), degrees)
    assert {one.name.split()[0] for one in found if "may be far off" in one.name} == doubted
