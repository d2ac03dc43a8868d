"""Theory beside simulation: equations made from a model's rules, against closed forms and runs."""

from typing import Any

import numpy as np
import pytest

from sim import Compartments, Setting, World, make, names, spec
from sim.errors import InputError
from sim.spread import attack_rate
from sim.spread.theory.theories import (
    ExplicitRules,
    classes_of,
    curves,
    edge_based,
    heterogeneous,
    homogeneous,
    is_edge_based,
    pairs,
    spell_out,
    transmissibility,
)

DECLARED = [
    name
    for name in names()
    if issubclass(spec(name).cls, Compartments) and spec(name).origin.startswith("plugins.")
]


def spelled(name: str, **options: Any) -> ExplicitRules:
    model = make(name, **options)
    first = model.states.index(model.seeded)
    in_rates = name.endswith("continuous")
    return spell_out(model.table("coins"), model.states, first, in_rates=in_rates)


def regular(degree: int, agents: int = 10_000, seeds: int = 100) -> Setting:
    return Setting(agents, seeds, np.eye(degree + 1)[degree])


def poisson(mean: float, agents: int = 100_000, seeds: int = 1) -> Setting:
    k = np.arange(60)
    logs = np.concatenate([[0.0], np.cumsum(np.log(k[1:]))])
    shares = np.exp(-mean + k * np.log(mean) - logs)
    return Setting(agents, seeds, shares / shares.sum())


def test_rules_are_written_out() -> None:
    rules = spelled("daley-kendall", meet=0.4)
    assert rules.joint[1, 0, 1, 1] == 0.4
    assert rules.joint[1, 1, 2, 2] == 0.2
    assert rules.joint[1, 2, 2, 2] == 0.4
    assert rules.joint.sum() == pytest.approx(1.0)
    assert rules.hears[1, 1].tolist() == [0, 0, 0.2]
    assert rules.says[1, 2].tolist() == [0, 0, 0.4]
    assert spelled("sird", gamma=0.25, mu=0.5).alone[1].tolist() == [0, 0, 0.25, 0.5]
    assert (rules.calls, spelled("maki-thompson").calls) == (None, 1)


def test_the_homogeneous_mean_field_in_ticks_and_in_continuous_time() -> None:
    # 4 ties, a tenth infected: escape (1 - .3 * .1)^4; a quarter of the infected recover
    curve = homogeneous(spelled("sir", beta=0.3, gamma=0.25), regular(4, 1000, 100), 1).expected
    left = 900 * 0.97**4
    assert curve[1].tolist() == pytest.approx([left, 75 + 900 - left, 25])
    rules, setting = spelled("si-continuous", beta=0.1), regular(5, 1000, 10)
    curve = homogeneous(rules, setting, 12).expected[:, 1] / 1000
    growth = np.exp(0.5 * np.arange(13))
    assert curve == pytest.approx(0.01 * growth / (1 + 0.01 * (growth - 1)), abs=1e-6)


@pytest.mark.parametrize("name", ["maki-thompson", "daley-kendall"])
def test_rumours_leave_a_fifth_in_mean_field(name: str) -> None:
    rate: Any = {"call": 1.0} if name == "maki-thompson" else {"meet": 0.001}
    rules = spelled(f"{name}-continuous", **rate)
    end = homogeneous(rules, regular(1000, 10**7, 1), 80).expected[-1]
    assert end[0] / 10**7 == pytest.approx(0.2031878700, abs=1e-5)


def test_a_rumour_without_forgetting_has_no_threshold_and_rate_zero_moves_nothing() -> None:
    # R = 1 - exp(-(1 + spread / alpha) R), spread / alpha = .2
    rules = spelled("nekovee-moreno-continuous", spread=0.01, alpha=0.05, delta=0.0)
    reached = 1 - homogeneous(rules, regular(20, 10**7, 100), 600).expected[-1, 0] / 10**7
    assert reached == pytest.approx(1 - np.exp(-1.2 * reached), abs=1e-4)
    assert reached > 0.3
    rules = spelled("sir-continuous", beta=0.0, gamma=0.0)
    assert homogeneous(rules, regular(4), 3).expected[-1].tolist() == [9900, 100, 0]


def test_degrees_matter_only_where_they_differ() -> None:
    rules = spelled("sirs-continuous")
    one, two = (curve(rules, regular(6), 20).expected for curve in (homogeneous, heterogeneous))
    assert one == pytest.approx(two)
    hubs = Setting(10_000, 100, np.array([0, 0.9, *[0] * 48, 0.1]))
    early = [curve(rules, hubs, 2).expected[2, 1] for curve in (homogeneous, heterogeneous)]
    assert early[1] > 1.5 * early[0]


def test_many_degrees_are_pooled_and_keep_their_mean() -> None:
    degrees = np.zeros(3000)
    degrees[1:] = 1 / np.arange(1, 3000) ** 2
    setting = Setting(10, 1, degrees / degrees.sum())
    k, shares = classes_of(setting)
    assert k.size <= 65
    assert shares.sum() == pytest.approx(1.0)
    assert k @ shares == pytest.approx(setting.mean_degree)


@pytest.mark.parametrize("ending", ["", "-continuous"])
def test_pairs_and_edges_agree_on_regular_trees(ending: str) -> None:
    rules = spelled(f"sir{ending}", beta=0.3, gamma=0.5)
    one, two = (curve(rules, regular(4), 30).expected for curve in (pairs, edge_based))
    assert one == pytest.approx(two, abs=0.05)


def test_endemic_level_of_the_pair_approximation() -> None:
    # k (k - 1 - g) / (k (k - 1 - g) + g (k - 1)) with k = 4, g = 1
    rules = spelled("sis-continuous", beta=1.0, gamma=1.0)
    level = pairs(rules, regular(4), 60).expected[-1, 1] / 10_000
    assert level == pytest.approx(0.727273, abs=1e-6)


@pytest.mark.parametrize(
    ("name", "exact"),
    [
        ("sir", 0.3 / (1 - 0.7 * 0.5)), ("sir-continuous", 0.3 / 0.8),
        ("si", 1.0), ("si-continuous", 1.0),
    ],
)  # fmt: skip
def test_what_one_tie_ever_passes_on(name: str, exact: float) -> None:
    options = {"beta": 0.3} | ({"gamma": 0.5} if name.startswith("sir") else {})
    assert transmissibility(spelled(name, **options)) == pytest.approx(exact)


def test_transmission_sums_over_stages() -> None:
    # infected for a while, then in hospital: beta / (beta + eta + gamma) in continuous time
    rules = spelled("sihr-continuous", beta=0.3, eta=0.2, gamma=0.1)
    assert transmissibility(rules) == pytest.approx(0.3 / 0.6)
    with pytest.raises(ValueError, match="edge-based"):
        transmissibility(spelled("sis"))


@pytest.mark.parametrize(("k", "t", "attack"), [(3, 0.75, 0.962963), (4, 0.5, 0.854102)])
def test_attack_rates_of_regular_networks(k: int, t: float, attack: float) -> None:
    assert attack_rate(regular(k), t) == pytest.approx(attack, abs=1e-6)


@pytest.mark.parametrize(
    ("reproduction", "giant"), [(1.5, 0.582812), (2.0, 0.796812), (3.0, 0.940480)]
)
def test_attack_rates_of_random_networks(reproduction: float, giant: float) -> None:
    assert attack_rate(poisson(8.0), reproduction / 8) == pytest.approx(giant, abs=1e-6)
    assert attack_rate(poisson(8.0), 0.9 / 8) == 0.0


@pytest.mark.parametrize("ending", ["", "-continuous"])
def test_edge_based_curves_end_at_the_attack_rate(ending: str) -> None:
    rules, setting = spelled(f"sir{ending}", beta=0.1, gamma=0.3), poisson(8.0)
    end = edge_based(rules, setting, 400).expected[-1]
    assert end[2] / setting.agents == pytest.approx(
        attack_rate(setting, transmissibility(rules)), abs=1e-4
    )


def test_which_models_the_edge_based_one_covers() -> None:
    covered = {name for name in DECLARED if is_edge_based(spelled(name))}
    family = {"si", "sir", "sird", "seir", "sair", "sihr"}
    assert {f"{name}-continuous" for name in family} | family <= covered
    assert not covered & {"sis", "sirs", "seis", "swir", "sveir", "maki-thompson", "daley-kendall"}


@pytest.mark.parametrize("name", DECLARED)
def test_curves_keep_the_number_of_agents(name: str) -> None:
    degrees = np.array([0.1, 0.2, 0.3, 0.2, 0.1, 0.1])
    for theory in make(name).theory(Setting(5000, 50, degrees), 30):
        assert theory.expected.shape == (31, len(theory.states))
        assert theory.expected.sum(axis=1) == pytest.approx(np.full(31, 5000.0), rel=1e-4)
        assert theory.expected.min() > -1e-6


def test_the_sharpest_curve_comes_first() -> None:
    found = [theory.name.split()[0] for theory in make("sir").theory(regular(6), 2)]
    assert found == ["edge-based", "pair", "homogeneous"]
    found = [theory.name.split()[0] for theory in make("sis").theory(poisson(8.0), 2)]
    assert found == ["degree-based", "homogeneous"]


@pytest.mark.parametrize("name", ["seir", "sir-continuous"])
def test_edge_based_curves_follow_runs(name: str) -> None:
    # 60,000 agents, G(n, 8 / n), 600 seeds, one run, seed 3: within .02 of all agents
    world = World.create(60_000, "erdos-renyi", mean_degree=8, seed=3)
    story = world.inject("x", seeds=range(0, 60_000, 100), model=name, beta=0.1)
    world.step(25)
    degrees = np.bincount(world.ties.out_degree) / 60_000
    theory = make(name, beta=0.1).theory(Setting(60_000, 600, degrees), 25)[0]
    assert theory.name.startswith("edge-based")
    assert story.size > 30_000
    assert np.abs(theory.expected - story.history).max() < 0.02 * 60_000


def test_settings_that_cannot_be_are_refused() -> None:
    model = make("sir")
    given = model.table("coins"), model.states, model.seeded
    with pytest.raises(InputError, match="at most as many seeds"):
        curves(*given, Setting(5, 6, np.ones(1)), 3, in_rates=False)
    with pytest.raises(InputError, match="sum to 1"):
        curves(*given, Setting(5, 1, np.array([0.5, 0.4])), 3, in_rates=False)


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
