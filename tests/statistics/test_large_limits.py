"""Limits of large networks; sizes, runs and seeds stand in each test."""

from typing import Any, ClassVar

import numpy as np
import pytest

from sim import Field, Threshold, World, register
from sim.lab.validation.declared.cascades import GIANT
from tests.statistics.small import regular, single_seeds

pytestmark = pytest.mark.slow
N = 100_000


def large(sizes: np.ndarray, agents: int) -> np.ndarray:
    """The outbreaks that are no small ones, as shares of the population."""
    shares: np.ndarray = sizes[sizes > 0.05 * agents] / agents
    return shares


@pytest.mark.parametrize("draws", ["coins", "skips"])
@pytest.mark.parametrize("reproduction", GIANT)
def test_outbreaks_on_a_random_network_have_the_size_of_its_giant(
    reproduction: float, draws: Any
) -> None:
    # G(n, 8 / n), chance R / 8: 100,000 agents, 30 single seeds, seed 1; +-.005
    world = World.create(N, "erdos-renyi", mean_degree=8, seed=1)
    sizes = single_seeds(
        world, 30, "independent-cascade", probability=reproduction / 8, draws=draws
    )
    assert abs(large(sizes, N).mean() - GIANT[reproduction]) < 0.005


@pytest.mark.parametrize("reproduction", GIANT)
def test_one_seed_makes_an_outbreak_as_often_as_it_is_large(reproduction: float) -> None:
    # bond percolation: P(large) is the giant's share; 20,000 agents, 800 seeds, seed 2, 4 errors
    exact = GIANT[reproduction]
    world = World.create(20_000, "erdos-renyi", mean_degree=8, seed=2)
    sizes = single_seeds(world, 800, "independent-cascade", probability=reproduction / 8)
    assert abs((sizes > 1000).mean() - exact) < 4 * np.sqrt(exact * (1 - exact) / 800) + 0.005


@pytest.mark.parametrize(("k", "t", "attack"), [(3, 0.75, 0.962963), (4, 0.5, 0.854102)])
@pytest.mark.parametrize("draws", ["coins", "skips"])
def test_outbreaks_on_regular_networks(k: int, t: float, attack: float, draws: Any) -> None:
    # attack 1 - u^k, u = 1 - T + T u^(k-1); 100,000 agents, 8 single seeds, seed 3; +-.005
    world = regular(N, k, seed=3)
    sizes = single_seeds(world, 8, "independent-cascade", probability=t, draws=draws)
    assert abs(large(sizes, N).mean() - attack) < 0.005


def test_random_recovery_makes_outbreaks_rarer_but_not_smaller() -> None:
    # SIR on 4-regular, beta .3, gamma .5: geometric spans; 40,000 agents, 1,000 seeds, seed 4
    k, beta, gamma, n, runs = 4, 0.3, 0.5, 40_000, 1000
    spans = np.arange(1, 200)
    weight = gamma * (1 - gamma) ** (spans - 1)
    passed = 1 - (1 - beta) ** spans  # over one tie, given how long its source is infected
    mean = float(weight @ passed)
    u = h = 0.5
    for _ in range(500):
        u = 1 - mean + mean * u ** (k - 1)
        h = float(weight @ (1 - passed + passed * h) ** (k - 1))
    size, often = 1 - u**k, 1 - float(weight @ (1 - passed + passed * h) ** k)
    sizes = single_seeds(regular(n, k, seed=4), runs, "sir", beta=beta, gamma=gamma)
    assert often < size - 0.05
    assert abs(large(sizes, n).mean() - size) < 0.005
    assert abs((sizes > 0.05 * n).mean() - often) < 4 * np.sqrt(often * (1 - often) / runs)


@pytest.mark.parametrize("model", ["independent-cascade", "sir"])
def test_the_threshold_of_a_random_network(model: str) -> None:
    # T_c = <k> / (<k^2> - <k>) = 1/8 on G(n, 8 / n): 50,000 agents, 60 seeds each, seed 5
    world = World.create(50_000, "erdos-renyi", mean_degree=8, seed=5)
    degree = world.ties.out_degree.astype(float)
    critical = degree.mean() / ((degree**2).mean() - degree.mean())
    assert critical == pytest.approx(1 / 8, rel=0.01)
    for times, spreads in ((0.8, False), (1.3, True)):
        chance = times * critical
        options = {"probability": chance} if model != "sir" else {"beta": chance, "gamma": 1.0}
        assert (single_seeds(world, 60, model, **options).max() > 5000) is np.bool_(spreads)


def test_endemic_infection_follows_the_pair_approximation() -> None:
    # SIS on 4-regular, gamma / tau = 1 at 1/100 of a unit of time a tick: 50,000 agents, seed 6;
    # k (k - 1 - g) / (k (k - 1 - g) + g (k - 1)) = .727273, within -.01 and +.003
    world = regular(50_000, 4, seed=6)
    story = world.inject("flu", seeds=np.arange(36_000), model="sis", beta=0.01, gamma=0.01)
    world.step(2500)
    level = story.history[1000:, 1].mean() / 50_000
    assert -0.01 < level - 0.727273 < 0.003


@register("test-watts-window")
class Watts(Threshold):
    """One threshold for all (Watts 2002)."""

    phi: float = Field(0.18, ge=0, le=1)
    states: ClassVar[tuple[str, ...]] = ("inactive", "active")

    def level(self) -> float | None:
        return self.phi


@pytest.mark.parametrize(
    ("z", "global_cascades"), [(0.8, False), (1.5, True), (4, True), (7.5, False)]
)
def test_cascades_of_a_uniform_threshold_live_in_a_window(z: float, global_cascades: bool) -> None:
    # phi = .18: z in (1.0207, 5.7647); G(n, z / n), 20,000 agents, 400 single seeds, seed 7
    world = World.create(20_000, "erdos-renyi", mean_degree=z, seed=7)
    sizes = single_seeds(world, 400, "test-watts-window")
    assert bool(sizes.max() > 0.1 * 20_000) is global_cascades
