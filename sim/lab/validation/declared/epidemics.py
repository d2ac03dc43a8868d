"""Claims of epidemics: exact chains of three agents, final sizes, endemic levels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sim.core.cards import Setting
from sim.lab.validation.chains import CONTINUOUS, MODELS, Plain, in_stays
from sim.lab.validation.claim import Compared, ModelClaim, compared_mean, compared_share
from sim.lab.validation.declared.build import (
    complete,
    copies,
    exact_law,
    lonely,
    mean_size,
    of_pairs,
    outbreak,
    regular,
    run,
    sampled,
    seeds_of,
    single_seeds,
    size_shares,
)
from sim.spread.cascade.cascade import Cascade
from sim.spread.compartments.durations import stay_law
from sim.spread.continuous.continuous import exact_times
from sim.spread.theory.theories import attack_rate
from sim.world.world import World

_CHAIN = "the exact chain over (susceptible, infected)"
_LATENT = "; a latent stay delays, and changes no final size"
DISCRETE = ((2, 0.1, 0.2, 1.3571429), (5, 0.1, 0.2, 3.2588066), (10, 0.05, 0.2, 5.8949893))
"""(agents, chance, recovery, mean size) of discrete SIR from one seed of a complete network."""

_KERMACK = "Kermack & McKendrick 1927; Ball 1986: the final size of a Markov epidemic, solved"
_PAIRS = "pair approximation (Keeling 1999), k (k - 1 - g) / (k (k - 1 - g) + g (k - 1))"


def _final_sizes() -> list[ModelClaim]:
    """Return claims on discrete models with the final size of SIR: only the timing differs."""
    # an agent infects each listener with the chance of its whole stay, whatever precedes it
    same_as_sir: tuple[tuple[str, Any, str], ...] = (
        ("sir", lambda g: {"gamma": g}, ""),
        ("seir", lambda g: {"gamma": g, "alpha": 0.4}, _LATENT),
        ("sird", lambda g: {"gamma": 0.75 * g, "mu": 0.25 * g}, "; two ends share the rate"),
        ("sihr", lambda g: {"gamma": 0.5 * g, "eta": 0.5 * g}, "; two ends share the rate"),
        ("sair", lambda g: {"gamma": g, "p": 1.0}, "; nobody is without symptoms"),
        ("sveir", lambda g: {"gamma": g, "theta": 0.0, "delta": 0.5}, "; no vaccine" + _LATENT),
        ("sir-durations", lambda g: {"infectious": 1 / g, "law": "geometric"}, "; geometric"),
        (
            "seir-durations",
            lambda g: {"infectious": 1 / g, "latent": 3, "law": "geometric"},
            "; geometric" + _LATENT,
        ),
    )
    found = []
    for model, options, why in same_as_sir:
        for n, beta, gamma, exact in DISCRETE if model == "sir" else DISCRETE[1:2]:
            what = f"mean size on K{n} (chance {beta:g}, recovery {gamma:g})"
            given = {"beta": beta, **options(gamma)}
            found.append(
                mean_size(model, what, exact, complete(n), n, options=given, seed=3,
                          source=_CHAIN + why)
            )  # fmt: skip
    return found


def _markov_sizes() -> list[ModelClaim]:
    """Return claims on continuous models with the final size of Markov SIR."""
    same_as_sir: tuple[tuple[str, Mapping[str, Any], str], ...] = (
        ("sir-continuous", {"beta": 1.0, "gamma": 1.0}, ""),
        ("seir-continuous", {"beta": 1.0, "alpha": 0.7, "gamma": 1.0}, _LATENT),
        ("sird-continuous", {"beta": 1.0, "gamma": 0.6, "mu": 0.4}, "; two ends share the rate"),
        ("sihr-continuous", {"beta": 1.0, "gamma": 0.6, "eta": 0.4}, "; two ends share the rate"),
        ("sair-continuous", {"beta": 1.0, "gamma": 1.0, "p": 1.0}, "; nobody without symptoms"),
        ("sveir-continuous", {"beta": 1.0, "theta": 0.0, "gamma": 1.0}, "; no vaccine" + _LATENT),
        ("swir-continuous", {"kappa": 1.0, "mu": 0.0, "gamma": 1.0}, "; nobody is weakened"),
    )
    found = []
    for model, options, why in same_as_sir:
        source = _KERMACK + why
        found += [
            mean_size(model, "mean size on K5 (rates 1, 1)", 3.898611, complete(5), 5,
                      options=options, seed=32, source=source),
            size_shares(model, "sizes on K3 (rates 1, 1)", {1: 1 / 3, 2: 1 / 6, 3: 1 / 2}, 3,
                        options=options, seed=31, source=source),
        ]  # fmt: skip
    return found


def _waits() -> list[ModelClaim]:
    def chain(count: int) -> Sequence[Compared]:
        start = np.arange(count)[:, None] * 6 + np.arange(5)
        world = World.from_edges(start.ravel(), start.ravel() + 1, seed=5)
        story = run(world, start[:, 0], "si-continuous", beta=3.0)
        waits = exact_times(story)[5::6]
        return [
            compared_mean(waits, 5 / 3, label="mean"),
            compared_mean((waits - 5 / 3) ** 2, 5 / 9, label="variance"),
        ]

    def ticks(count: int) -> Sequence[Compared]:
        arcs = [(i, i + 1) for i in range(5)]
        world = copies(arcs, 6, count, 6, directed=True)
        story = run(world, seeds_of(world, 6), "si", beta=0.3)
        return [compared_mean(story.adopted_at[5::6], 5 / 0.3)]

    return [
        sampled("si-continuous", "time along 5 ties at rate 3: Gamma(5, 1/3)", chain, 5,
                "a sum of exponential waits", 4000, 20_000),
        sampled("si", "mean time along 5 ties at chance .3: 5 / .3", ticks, 6,
                "a sum of geometric waits", 4000, 20_000),
    ]  # fmt: skip


def _endemic() -> list[ModelClaim]:
    """Return claims on endemic levels in a regular network, in short ticks and continuous time."""

    def level(model: str, rate: float, ticks: int, skip: int) -> Any:
        def measure(agents: int) -> Sequence[Compared]:
            world = regular(agents, 4, seed=6)
            seeds = range(int(0.72 * agents))
            story = world.inject("x", seeds=seeds, model=model, beta=rate, gamma=rate)
            world.step(ticks)
            share = float(story.history[skip:, 1].mean()) / agents
            return [Compared(share, 0.727273, 0.0, 0.01, 0.003)]

        return measure

    how = "a 4-regular network of {runs} agents, seed 6, within -.01 and +.003"
    return [
        ModelClaim(model, "endemic share, recovery / infection = 1", level(model, *numbers),
                   "theory", _PAIRS, how + more, 20_000, 50_000)
        for model, numbers, more in (
            ("sis", (0.01, 1500, 700), ", ticks of 1/100"), ("sis-continuous", (1.0, 25, 10), ""),
        )
    ]  # fmt: skip


def _stays() -> list[ModelClaim]:
    """Return claims on transmission along a tie and on stays, for each law of stays."""
    found = []
    for law in ("geometric", "fixed", "weibull", "gamma", "lognormal"):
        given: Any = law
        chances = np.diff(stay_law(given, 5.0, 0.8), prepend=0.0)
        days = np.arange(1, chances.size + 1)
        passed = float(1 - chances @ 0.85**days)
        for model in ("sir-durations", "seir-durations"):
            options = {"law": law, "infectious": 5.0, "spread": 0.8, "beta": 0.15}
            found.append(
                of_pairs(model, f"a tie passes it on: 1 - E[.85^D], D {law} of mean 5",
                         {"passed on": passed}, _second, options=options, seed=51,
                         source="the law of D, summed")
            )  # fmt: skip
        for model, state in (("sis-durations", 1), ("seis-durations", 2)):
            found.append(_stay(model, law, state, chances))
    return found


def _second(story: Cascade) -> Mapping[str, Any]:
    return {"passed on": story.adopted_at[1::2] >= 0}


def _stay(model: str, law: str, state: int, chances: Any) -> ModelClaim:
    """Return the claim on the mean stay of agents without ties."""
    exact = float(np.arange(1, chances.size + 1) @ chances)

    def measure(count: int) -> Sequence[Compared]:
        world = World.from_edges([], [], count, seed=52)
        options: Any = {"law": law, "infectious": 5.0, "spread": 0.8}
        story = world.inject("x", seeds=range(count), model=model, **options)
        world.step(160)
        gone = -np.diff(story.history[:, state])
        return [compared_mean(np.repeat(np.arange(1, gone.size + 1), gone), exact)]

    how = "{runs} agents without ties, seed 52"
    return sampled(model, f"mean infectious stay, {law} of mean 5", measure, 52,
                   "the law of stays in ticks, summed", how=how)  # fmt: skip


def _swir() -> list[ModelClaim]:
    """Return claims on SWIR without weakening: one attempt per tie, then recovered."""
    options = {"kappa": 0.5, "mu": 0.0, "nu": 0.0}
    return [
        mean_size("swir", "mean size on K4, kappa .5, nobody weakened", 3.25, complete(4), 4,
                  options=options, seed=1, source="bond percolation: all live ties enumerated"),
    ]  # fmt: skip


def _attack() -> list[ModelClaim]:
    """Return claims on the size and probability of outbreaks in regular networks."""

    def fixed(agents: int) -> Sequence[Compared]:
        world = regular(agents, 4, seed=53)
        options: Any = {"beta": 0.12, "infectious": 5, "law": "fixed"}
        seeds = np.arange(0, agents, 1000)
        story = run(world, seeds, "sir-durations", **options)
        shares = np.bincount(world.ties.out_degree) / agents
        exact = attack_rate(Setting(agents, seeds.size, shares), 1 - 0.88**5)
        return [Compared(story.size / agents, exact, 0.0, 0.01, 0.01)]

    def random(runs: int) -> Sequence[Compared]:
        size, often = _outbreaks(4, 0.3, 0.5)
        world = regular(10_000, 4, seed=4)
        sizes = single_seeds(world, runs, "sir", beta=0.3, gamma=0.5)
        large = sizes[sizes > 500] / 10_000
        return [
            compared_mean(large, size, 0.005, "size of large ones"),
            compared_share(large.size, runs, often, 0.01, "chance of one"),
        ]

    return [
        ModelClaim("sir-durations", "attack rate of stays of 5 ticks, 4-regular", fixed, "theory",
                   "Miller 2009: 1 - u^k of T = 1 - .88^5", "{runs} agents, seed 53, within .01",
                   60_000, 60_000),
        ModelClaim("sir", "size and chance of outbreaks, 4-regular (.3, .5)", random, "theory",
                   "Kenah & Robins 2007: percolation with random stays",
                   "{runs} single seeds among 10,000 agents, seed 4; 4 errors + .005, .01",
                   300, 1000),
    ]  # fmt: skip


def _outbreaks(k: int, beta: float, gamma: float) -> tuple[float, float]:
    """Return size and probability of an outbreak in k-regular networks with geometric stays."""
    spans = np.arange(1, 200)
    weight = gamma * (1 - gamma) ** (spans - 1)
    passed = 1 - (1 - beta) ** spans
    mean = float(weight @ passed)
    u = h = 0.5
    for _ in range(500):
        u = 1 - mean + mean * u ** (k - 1)
        h = float(weight @ (1 - passed + passed * h) ** (k - 1))
    return 1 - u**k, 1 - float(weight @ (1 - passed + passed * h) ** k)


def _utldr() -> list[ModelClaim]:
    off = {"phi_i": 0.0, "omega": 0.0}  # everything else is off by default
    rules = Plain("utldr", 2, {(2, 0): [(0.4, 1, None)]}, {1: [(0.5, 2)], 2: [(0.2, 3)]},
                  options={"beta": 0.4, "sigma": 0.5, "gamma": 0.2, **off})  # fmt: skip
    return [exact_law(rules, 2, seed=61, ticks=(2, 6), variant="everything but SEIR off")]


def _laws() -> list[ModelClaim]:
    rumours = ("maki", "k-fold", "daley", "nekovee", "sihr-rumour")
    mine = [plain for plain in MODELS if not plain.name.startswith(rumours)]
    flowing = [plain for plain in CONTINUOUS if not plain.name.startswith(rumours)]
    stays = [in_stays(name) for name in ("sir", "sis", "seir", "seis")]
    return [
        *(exact_law(plain) for plain in mine),
        *(exact_law(plain, is_flowing=True, seed=22) for plain in flowing),
        *(exact_law(plain, seed=23, ticks=(2, 5), variant="geometric stays") for plain in stays),
    ]


_EPIDEMICS_CLAIMS: tuple[ModelClaim, ...] = (
    *_laws(), *_final_sizes(), *_markov_sizes(), *_waits(), *_endemic(), *_stays(), *_swir(),
    *_attack(), *_utldr(),
)  # fmt: skip


_RUMOURS = ("maki", "k-fold", "daley", "nekovee", "sihr-rumour")
_MAKI = "Maki & Thompson 1973: the embedded chain, solved"
_SAME = _MAKI + "; with equal rates of telling and stifling the same chain"

_AS_MAKI: tuple[tuple[str, Mapping[str, Any], str], ...] = (
    ("maki-thompson-continuous", {"call": 0.7}, _MAKI),
    ("k-fold-stifling-continuous", {"call": 0.7, "k": 1, "stifle": 1.0}, _MAKI),
    ("nekovee-moreno-continuous", {"spread": 0.7, "alpha": 0.7, "delta": 0.0}, _SAME),
    (
        "sihr-rumour-continuous",
        {"spread": 0.7, "alpha": 0.7, "refuse": 0.0, "delta": 0.0, "eta": 0.0, "xi": 0.0},
        _SAME,
    ),
)


def _rumour_laws() -> list[ModelClaim]:
    return [
        *(exact_law(plain) for plain in MODELS if plain.name.startswith(_RUMOURS)),
        *(
            exact_law(plain, is_flowing=True, seed=22)
            for plain in CONTINUOUS
            if plain.name.startswith(_RUMOURS)
        ),
    ]


def _left() -> list[ModelClaim]:
    """Return claims on how many agents a rumour from one spreader never reaches."""
    found = []
    for model, options, source in _AS_MAKI:
        found += [
            size_shares(model, "1 spreader + 2: leaves 0, 1 with 3/4, 1/4", {3: 3 / 4, 2: 1 / 4}, 3,
                        options=options, seed=41, source=source),
            mean_size(model, "1 spreader + 10: leaves 2.22591959", 2.22591959, complete(11), 11,
                      options=options, seed=41, source=source, left=True),
        ]  # fmt: skip
    daley = {"meet": 0.1}
    source = "Daley & Kendall 1965: the embedded chain, solved"
    found += [
        size_shares("daley-kendall-continuous", "1 spreader + 2: leaves 0, 1 with 2/3, 1/3",
                    {3: 2 / 3, 2: 1 / 3}, 3, options=daley, seed=42, source=source),
        mean_size("daley-kendall-continuous", "1 spreader + 10: leaves 2.70174978", 2.70174978,
                  complete(11), 11, options=daley, seed=42, source=source, left=True),
    ]  # fmt: skip
    large: tuple[tuple[str, float, Mapping[str, Any], str], ...] = (
        ("maki-thompson-continuous", 20.4518789, {}, _MAKI),
        ("daley-kendall-continuous", 21.0346656, {}, source),
    )
    found += [
        mean_size(model, f"1 spreader + 100: leaves {exact:g}", exact, complete(101), 101,
                  options=options, seed=41, source=why, left=True, runs=500, thorough=2000)
        for model, exact, options, why in large
    ]  # fmt: skip
    return found


def _twice() -> list[ModelClaim]:
    """Return claims on the share of a large population that two-fold stifling never reaches."""
    x = 0.05
    for _ in range(100):
        x = float(np.exp(-3 * (1 - x)))

    def measure(count: int) -> Sequence[Compared]:
        world = copies(complete(400), 400, count, 43)
        sizes = outbreak(world, 400, "k-fold-stifling-continuous", k=2)
        shares = (400 - sizes) / 400
        return [compared_mean(shares[shares < 0.5], x, 0.003)]

    source = "Carnal 1994: x = exp(-3 (1 - x))"
    return [
        sampled("k-fold-stifling-continuous", "k = 2 leaves .0595 of 400", measure, 43, source,
                20, 200, how="{runs} complete networks, seed 43, 4 errors + .003",
                kind="theory"),
    ]  # fmt: skip


def _hoax() -> list[ModelClaim]:
    """Return claims on which side of its threshold a hoax survives."""

    def measure(_: int) -> Sequence[Compared]:
        world = World.create(4000, "erdos-renyi", mean_degree=60, seed=3)
        lives, dies = (
            world.inject("x", seeds=range(0, 4000, 10), model="hoax", credibility=0.3,
                         forget=0.1, verify=verify)
            for verify in (0.055, 0.12)
        )  # fmt: skip
        world.step(250)
        held = lives.counts["believer"] / 4000
        return [
            Compared(held, 0.55, 0.0, 0.45, 0.45, "believers at verify .055"),
            Compared(dies.counts["believer"], 0.0, label="believers at verify .12"),
        ]

    source = "Tambuscio et al. 2015: dies iff verify > 2 a f / (1 - a) = .085714"
    how = "4,000 agents of mean degree 60, seed 3, 250 ticks; more than a tenth, or none"
    return [ModelClaim("hoax", "lives at verify .055 and dies at .12", measure, "theory", source,
                       how)]  # fmt: skip


def _single() -> list[ModelClaim]:
    """Return claims on a susceptible agent that hears one believer: f and g of the paper."""

    def measure(count: int) -> Sequence[Compared]:
        world = copies([(0, 1)], 2, count, 3, directed=True)
        options: Any = {"credibility": 0.3, "forget": 0.0, "verify": 0.0, "beta": 0.4}
        story = world.inject("x", seeds=range(0, 2 * count, 2), model="hoax", **options)
        world.step()
        won = float((story.adopted_at[1::2] >= 0).sum())
        return [compared_share(won, count, 0.4)]

    return [
        sampled("hoax", "who hears one believer believes with chance beta", measure, 3,
                "Tambuscio et al. 2015: f = beta if all believe", how="{runs} pairs, seed 3"),
    ]  # fmt: skip


def _trees() -> list[ModelClaim]:
    def measure(count: int) -> Sequence[Compared]:
        f, p = 0.2, 0.3
        world = lonely(count, 6)
        story = world.inject("x", seeds=[0], model="forest-fire", growth=p, lightning=f)
        world.step(60)
        spans = np.array([1 / f, 1.0, 1 / p])
        return [
            compared_share(seen, count, float(exact), label=state)
            for (state, seen), exact in zip(story.counts.items(), spans / spans.sum(), strict=True)
        ]

    return [sampled("forest-fire", "lone trees settle as 1/f : 1 : 1/p", measure, 6,
                    "the stationary law of three states",
                    how="{runs} agents without ties, seed 6, tick 60")]  # fmt: skip


_RUMOURS_CLAIMS: tuple[ModelClaim, ...] = (
    *_rumour_laws(), *_left(), *_twice(), *_hoax(), *_single(), *_trees(),
)  # fmt: skip

CLAIMS = (*_EPIDEMICS_CLAIMS, *_RUMOURS_CLAIMS)
