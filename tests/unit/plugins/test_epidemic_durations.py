"""Stays of any law: how long they last, and what an infected agent does meanwhile."""

from typing import Any, ClassVar

import numpy as np
import pytest

from sim import Durations, Setting, World, after, contact, make, stay
from sim.core import rng
from sim.core.rng import Stream
from sim.errors import InputError, ParameterError, UnknownNameError
from sim.lab.validation.chains import counted, in_stays, ticked
from sim.spread.compartments.durations import LONGEST, stay_law
from sim.testing import tiny_world
from tests.raising import raises
from tests.unit.plugins.chains import assert_law, copies_of, states_of

LAWS: Any = ["geometric", "fixed", "weibull", "gamma", "lognormal"]


def chances(law: Any, mean: float, spread: float) -> np.ndarray:
    return np.diff(stay_law(law, mean, spread), prepend=0.0)


def test_short_stays_of_a_wide_law_are_longer_than_their_mean() -> None:
    # an exponential time T of mean 2 rounds to nothing with chance 2 exp(-1/2) - 1
    for law in ("gamma", "weibull"):
        p = chances(law, 2.0, 1.0)
        assert p @ np.arange(1, p.size + 1) == pytest.approx(2 * np.exp(-0.5) + 1, abs=1e-3)


@pytest.mark.parametrize("law", ["weibull", "gamma", "lognormal"])
@pytest.mark.parametrize(("mean", "spread"), [(8.0, 0.5), (40.0, 1.0), (200.0, 0.1)])
def test_laws_have_their_mean_and_spread(law: Any, mean: float, spread: float) -> None:
    p = chances(law, mean, spread)
    days = np.arange(1, p.size + 1)
    assert p @ days == pytest.approx(mean, rel=0.02)
    rounding = 1 / 6  # of a time that is rounded up or down so that the mean is kept
    variance = (spread * mean) ** 2 + rounding
    assert p @ days**2 - (p @ days) ** 2 == pytest.approx(variance, rel=0.02)


def test_laws_are_those_of_scipy() -> None:
    from scipy import stats

    # a stay of d ticks: the time, rounded at random, is d; E[(1 - |T - d|)+]
    for law, other in (
        ("gamma", stats.gamma(4, scale=2.5)),
        ("lognormal", stats.lognorm(np.log(1.25) ** 0.5, scale=10 / 1.25**0.5)),
    ):
        grid = np.linspace(0, 40, 400_001)
        whole = np.concatenate([[0.0], np.cumsum((other.cdf(grid)[1:] + other.cdf(grid)[:-1]) / 2)])
        area = whole[::10_000] * (grid[1] - grid[0])
        expected = area[3:20] - 2 * area[2:19] + area[1:18]
        assert chances(law, 10.0, 0.5)[1:18] == pytest.approx(expected, abs=1e-6)


def test_geometric_and_fixed_laws() -> None:
    assert chances("geometric", 4.0, 1.0)[:3] == pytest.approx([0.25, 0.1875, 0.140625])
    assert chances("geometric", 1.0, 1.0)[0] == pytest.approx(1.0)
    assert chances("fixed", 7.0, 0.3).tolist() == [0, 0, 0, 0, 0, 0, 1]
    assert stay_law("lognormal", 1000.0, 3.0).size < LONGEST
    for law in LAWS:
        assert stay_law(law, 1.5, 0.7)[-1] == 1.0


def test_laws_out_of_range_are_refused() -> None:
    other: Any = "cauchy"
    raises(ParameterError, "at least 1 tick", stay_law, "fixed", 0.5, 1.0)
    raises(ParameterError, "under one of geometric", stay_law, other, 2.0, 1.0)
    raises(ParameterError, r"\[0.05, 3\]", stay_law, "gamma", 2.0, 9.0)


@pytest.mark.parametrize("law", LAWS)
def test_stays_in_a_run_have_their_law(law: str) -> None:
    # 20,000 agents without ties, seed 52: mean and spread of stays within 4 standard errors
    world = World.from_edges([], [], 20_000, seed=52)
    options: Any = {"law": law, "infectious": 6.0, "spread": 0.4}
    story = world.inject("x", seeds=range(20_000), model="sir-durations", **options)
    world.step(120)
    left = -np.diff(story.history[:, 1])
    days = np.repeat(np.arange(1, left.size + 1), left)
    p = chances(law, 6.0, 0.4)
    exact = np.arange(1, p.size + 1) @ p
    variance = (np.arange(1, p.size + 1) - exact) ** 2 @ p
    assert abs(days.mean() - exact) <= 4 * np.sqrt(variance / 20_000)
    fourth = ((days - exact) ** 4).mean()
    assert abs(days.var() - variance) <= 4 * np.sqrt((fourth - variance**2 + 1e-12) / 20_000)


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("model", ["sir-durations", "seir-durations"])
def test_a_tie_transmits_as_its_law_says(law: str, model: str) -> None:
    # 20,000 pairs, seed 51: 1 - E[(1 - beta)^D], 4 standard errors
    sources = np.arange(0, 40_000, 2)
    world = World.from_edges(sources, sources + 1, seed=51)
    options: Any = {"law": law, "infectious": 5.0, "spread": 0.8, "beta": 0.15}
    story = world.inject("x", seeds=sources, model=model, **options)
    world.run_until_quiet(story)
    p = chances(law, 5.0, 0.8)
    exact = 1 - p @ 0.85 ** np.arange(1, p.size + 1)
    seen = story.size / 20_000 - 1
    assert abs(seen - exact) <= 4 * np.sqrt(exact * (1 - exact) / 20_000)


@pytest.mark.parametrize("name", ["sir", "sis", "seir", "seis"])
def test_geometric_stays_are_chances_per_tick(name: str) -> None:
    # 20,000 copies of 3 agents with mutual ties, seed 23
    plain = in_stays(name)
    world = copies_of(3, 20_000, seed=23)
    seeds = np.arange(0, 60_000, 3)
    story = world.inject("x", seeds=seeds, model=plain.name, **plain.options)
    laws = ticked(plain, 3, 5)
    for tick in (2, 5):
        world.step(tick - world.tick)
        assert_law(story, 3, counted(laws[tick], len(story.states)))


def test_fixed_stays_equal_plain_python_with_the_same_coins() -> None:
    world = tiny_world(seed=8)
    options: Any = {"law": "fixed", "latent": 2, "infectious": 3, "beta": 0.4, "draws": "coins"}
    story = world.inject("x", seeds=[0, 5, 9], model="seis-durations", **options)
    state, since = [0] * 60, [0] * 60
    for v in (0, 5, 9):
        state[v] = 2
    for tick in range(1, 15):
        key = rng.key(world.seed, Stream.CONTACTS, tick, story.id + 1)
        hit = set()
        for u in (u for u in range(60) if state[u] == 2):
            start, length = (int(x) for x in world.ties.rows[u])
            for v in world.ties.targets[start : start + length].tolist():
                if state[v] == 0 and rng.uniforms(key, u, v)[0] < 0.4:
                    hit.add(v)
        for v in range(60):
            if v in hit:
                state[v], since[v] = 1, tick
            elif (state[v], tick - since[v]) in {(1, 2), (2, 3)}:
                state[v], since[v] = 3 - state[v] if state[v] == 1 else 0, tick
        world.step()
        assert states_of(story).tolist() == state
    assert story.size > 20


def test_the_paused_stay_where_they_are() -> None:
    world = World.from_edges([0], [1])
    story = world.inject("x", seeds=[0], model="sir-durations", law="fixed", infectious=2, beta=0.0)
    world.agents.set_status([0], 3)
    world.step(4)
    assert story.counts["infected"] == 1
    world.agents.set_status([0], 1)
    world.step(1)
    assert story.counts["recovered"] == 1


class Quarantine(Durations):
    """Infected for three ticks, recovered until chance has it, all by numbers."""

    states: ClassVar[tuple[str, ...]] = ("s", "i", "r")
    seeded: ClassVar[str] = "i"
    rules: ClassVar = (contact("s", "i", by="i", chance=1.0), after("r", "s", chance=1.0))
    stays: ClassVar = (stay("i", "r", mean=3, law="fixed", spread=1.0),)


def test_stays_and_chances_mix() -> None:
    from sim import register

    register("test-quarantine")(Quarantine)
    world = World.from_edges([], [], 1)
    story = world.inject("x", seeds=[0], model="test-quarantine")
    world.step(5)
    assert story.history.tolist() == [[0, 1, 0]] * 3 + [[0, 0, 1], [1, 0, 0]]
    assert story.status == "quiet"
    assert Quarantine().theory(Setting(10, 1, np.eye(3)[2]), 3) == ()


def test_stays_that_make_no_sense_are_refused() -> None:
    with pytest.raises(InputError, match="not by both"):

        class Both(Quarantine):
            """Leaves a state in two ways."""

            stays: ClassVar = (stay("r", "s", mean=2),)

    with pytest.raises(UnknownNameError, match="infectious"):

        class Unknown(Quarantine):
            """Names a state that is none."""

            stays: ClassVar = (stay("infectious", "r", mean=2),)

    raises(ParameterError, "spread", make, "sir-durations", law="gamma", spread=0.0)


@pytest.mark.parametrize("name", ["sir", "seir"])
def test_theory_of_geometric_stays_is_that_of_chances(name: str) -> None:
    setting = Setting(10_000, 100, np.array([0.1, 0.2, 0.3, 0.2, 0.2]))
    chances_of: Any = {"beta": 0.3, "gamma": 0.25}
    stays_of: Any = {"beta": 0.3, "infectious": 4.0, "law": "geometric"}
    if name == "seir":
        chances_of["alpha"], stays_of["latent"] = 0.5, 2.0
    one = make(name, **chances_of).theory(setting, 25)[0]
    (two,) = make(f"{name}-durations", **stays_of).theory(setting, 25)
    assert one.name == two.name
    assert two.expected == pytest.approx(one.expected, abs=0.5)


def test_theory_of_fixed_stays_by_hand() -> None:
    # 3-regular, a tenth infected for 2 ticks, beta .5: phi halves, then nobody is infected
    setting = Setting(1000, 100, np.eye(4)[3])
    (theory,) = make("sir-durations", beta=0.5, law="fixed", infectious=2).theory(setting, 2)
    theta = 1 - 0.5 * 0.1
    left = 900 * theta**3
    assert theory.expected[1].tolist() == pytest.approx([left, 1000 - left, 0])
    new = 0.9 * (1 - theta**2)
    theta -= 0.5 * (0.05 + new)
    assert theory.expected[2, 0] == pytest.approx(900 * theta**3)
    assert theory.expected[2, 2] == pytest.approx(100)


def test_theory_says_nothing_where_it_does_not_hold() -> None:
    setting = Setting(1000, 100, np.eye(4)[3])
    assert make("sis-durations").theory(setting, 5) == ()
    assert make("sir-durations", infectious=1000, law="geometric").theory(setting, 5) == ()
