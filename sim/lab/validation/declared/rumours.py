"""Claims of rumour models: exact chains, final share of ignorants, survival of hoax and fire."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sim.lab.validation.chains import CONTINUOUS, MODELS
from sim.lab.validation.claim import Compared, ModelClaim, compared_mean, compared_share
from sim.lab.validation.declared.build import exact_law, mean_size, sampled, size_shares
from sim.lab.validation.tiny_networks import complete, copies, lonely, outbreak
from sim.world.world import World

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


def _laws() -> list[ModelClaim]:
    return [
        *(exact_law(plain) for plain in MODELS if plain.name.startswith(_RUMOURS)),
        *(
            exact_law(plain, is_flowing=True, seed=22)
            for plain in CONTINUOUS
            if plain.name.startswith(_RUMOURS)
        ),
    ]


def _left() -> list[ModelClaim]:
    """Return how many are never reached, one spreader among them."""
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
    """Return whom two-fold stifling leaves of a large population."""
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
    """Return on which side of its threshold a hoax lives."""

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
    """Return what a susceptible agent becomes that hears one believer: f and g of the paper."""

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
    """Return how lone trees burn and grow."""

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


CLAIMS: tuple[ModelClaim, ...] = (
    *_laws(), *_left(), *_twice(), *_hoax(), *_single(), *_trees(),
)  # fmt: skip
