"""What cascades claim: sizes by percolation, delays by their laws, extremes by reachability."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import exp
from typing import Any

import numpy as np

from sim.lab.validation.claim import Compared, ModelClaim, compared_mean, compared_share, same
from sim.lab.validation.declared.build import check_exactly, mean_size, of_pairs, sampled
from sim.lab.validation.tiny_networks import (
    complete,
    copies,
    karate,
    outbreak,
    regular,
    run,
    seeds_of,
    single_seeds,
)
from sim.spread.cascade.cascade import Cascade
from sim.world.world import World

_PERCOLATION = "Kempe, Kleinberg & Tardos 2003: live ties, all of them enumerated"
_KNOWN = "live ties, sampled: known to .0018"

PERCOLATED = (
    (3, 0.5, 2.25), (4, 0.5, 3.25), (5, 0.3, 3.1011297736), (10, 0.1, 3.026928593),
    (10, 0.2, 6.784458345),
)  # fmt: skip
"""(agents, chance, mean size) of an independent cascade from one seed of a complete network."""

KARATE = (((0,), 3.4109), ((33,), 3.5033), ((0, 33), 6.4240))
"""(seeds, mean size) of an independent cascade of chance .1 in the karate club."""

GIANT = {1.5: 0.582812, 2.0: 0.796812, 3.0: 0.940480}
"""Reproduction R -> the share S = 1 - exp(-R S) of large outbreaks."""

THRESHOLDS = ((2, 2.0), (3, 2.5), (5, 3.21875), (10, 4.458316), (100, 13.147187))
"""(agents, mean size) of linear thresholds from one seed of a complete network."""


def _independent() -> list[ModelClaim]:
    model, p = "independent-cascade", 0.5
    star = [(0, leaf) for leaf in range(1, 8)]
    path = (1 - p**6) / (1 - p)
    found = [
        mean_size(model, "mean size on a path of 6, p = .5", path, [(i, i + 1) for i in range(5)],
                  6, options={"probability": p}, seed=1, source="(1 - p^n) / (1 - p)"),
        mean_size(model, "mean size on a star of 7 leaves, p = .3", 3.1, star, 8,
                  options={"probability": 0.3}, seed=1, source="1 + d p"),
    ]  # fmt: skip
    found += [
        mean_size(model, f"mean size on K{n}, p = {p:g}, {draws}", exact, complete(n), n,
                  options={"probability": p, "draws": draws}, seed=1, source=_PERCOLATION)
        for n, p, exact in PERCOLATED for draws in ("coins", "skips")
    ]  # fmt: skip
    found += [
        mean_size(model, f"mean size in the karate club, p = .1, seeds {list(seeds)}", exact,
                  karate(), 34, seeds=seeds, options={"probability": 0.1}, seed=7, margin=0.0018,
                  source=_KNOWN, runs=10_000, thorough=100_000)
        for seeds, exact in KARATE
    ]  # fmt: skip
    return found


def _large() -> list[ModelClaim]:
    """Return large outbreaks of large networks."""

    def giant(reproduction: float) -> Any:
        def measure(agents: int) -> Sequence[Compared]:
            world = World.create(agents, "erdos-renyi", mean_degree=8, seed=1)
            sizes = single_seeds(world, 12, "independent-cascade", probability=reproduction / 8)
            large = sizes[sizes > 0.05 * agents] / agents
            return [Compared(float(large.mean()), GIANT[reproduction], 0.0, 0.005, 0.005)]

        return measure

    def attack(k: int, t: float, exact: float) -> Any:
        def measure(agents: int) -> Sequence[Compared]:
            sizes = single_seeds(regular(agents, k, 3), 8, "independent-cascade", probability=t)
            large = sizes[sizes > 0.05 * agents] / agents
            return [Compared(float(large.mean()), exact, 0.0, 0.005, 0.005)]

        return measure

    giants = [
        ModelClaim("independent-cascade", f"large outbreaks at R = {r:g}, a random network",
                   giant(r), "theory", "Erdos & Renyi 1960: S = 1 - exp(-R S)",
                   "12 single seeds among {runs} agents, seed 1, within .005", 100_000, 300_000)
        for r in GIANT
    ]  # fmt: skip
    return giants + [
        ModelClaim("independent-cascade", f"large outbreaks on {k}-regular networks, T = {t:g}",
                   attack(k, t, exact), "theory", "Newman 2002: 1 - u^k, u = 1 - T + T u^(k-1)",
                   "8 single seeds among {runs} agents, seed 3, within .005", 100_000, 300_000)
        for k, t, exact in ((3, 0.75, 0.962963), (4, 0.5, 0.854102))
    ]  # fmt: skip


def _reached(name: str, options: Mapping[str, Any]) -> Any:
    from sim.testing import tiny_world

    world = tiny_world(isolated=5)
    return run(world, [0, 5, 9], name, **options)


def _levels() -> Any:
    """Return the level of each agent by breadth-first search over the ties."""
    from sim.testing import tiny_world

    world = tiny_world(isolated=5)
    at = np.full(len(world.agents), -1)
    front, level = [0, 5, 9], 0
    at[front] = 0
    while front:
        level += 1
        heard = {v for u in front for v in world.ties.listeners(u).tolist() if at[v] < 0}
        at[list(heard)] = level
        front = sorted(heard)
    return at


EXTREMES: dict[str, tuple[Mapping[str, Any] | None, Mapping[str, Any] | None]] = {
    "independent-cascade": ({"probability": 0.0}, {"probability": 1.0}),
    "icp": ({"probability": 0.0}, {"probability": 1.0, "permeability": 1.0}),
    "novelty-decay": ({"probability": 0.0}, {"probability": 1.0, "fading": 1.0}),
    "time-decay": ({"probability": 0.0}, None),
    "continuous-cascade": ({"probability": 0.0}, None),
    "triggering": (
        {"sets": "independent", "probability": 0.0}, {"sets": "independent", "probability": 1.0},
    ),
    "competitive-cascade": ({"probability": 0.0}, {"probability": 1.0}),
    "competitive-continuous": ({"probability": 0.0}, None),
    "sir": ({"beta": 0.0}, {"beta": 1.0}),
    "si": (None, {"beta": 1.0}),
    "sird": ({"beta": 0.0}, {"beta": 1.0}),
    "swir": ({"kappa": 0.0, "mu": 0.0, "nu": 0.0}, {"kappa": 1.0}),
    "sir-durations": ({"beta": 0.0}, {"beta": 1.0}),
    "forest-fire": (None, {"growth": 0.0, "lightning": 0.0}),
    "centola-macy": ({"needed": 1000}, {"needed": 1}),
    "viral": ({"base": 0.0}, None),
    "persuasion": ({"base": 0.0}, {"base": 1.0, "taste": 0.0, "_trust": 1.0}),
}  # fmt: skip
"""By model: the parameters with which nobody adopts but the seeds, and those with which everybody
adopts in the tick in which a search along the ties reaches them; None: there are none such."""


def _extremes() -> list[ModelClaim]:
    found = []
    for model, (nothing, everything) in EXTREMES.items():
        if nothing is not None:
            found.append(_nobody(model, nothing))
        if everything is not None and "_trust" not in everything:
            found.append(_everybody(model, everything))
    return found


def _nobody(model: str, options: Mapping[str, Any]) -> ModelClaim:
    return check_exactly(
        model, f"chance 0 reaches the seeds alone ({_said(options)})",
        lambda: {"adopters": (float(_reached(model, options).size), 3.0)},
        source="a law: what never succeeds", how="65 agents, 3 seeds", kind="reference",
    )  # fmt: skip


def _everybody(model: str, options: Mapping[str, Any]) -> ModelClaim:
    def measure(_: int) -> Sequence[Compared]:
        return [same("agents at another tick", _reached(model, options).adopted_at, _levels())]

    return ModelClaim(model, f"chance 1 reaches all by levels ({_said(options)})", measure,
                      "reference", "breadth-first search", "65 agents, 3 seeds")  # fmt: skip


def _said(options: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in options.items())


def _communities() -> list[ModelClaim]:
    """Return closeness of a community, and borders."""

    def close(model: str, options: Mapping[str, Any]) -> Any:
        def measure(count: int) -> Sequence[Compared]:
            world = _grouped(complete(4), 4, count, [0, 0, 0, 0])
            return [compared_mean(outbreak(world, 4, model, **options), 3.25)]

        return measure

    def border(model: str, options: Mapping[str, Any], exact: float) -> Any:
        def measure(count: int) -> Sequence[Compared]:
            world = _grouped([(0, 1)], 2, count, [0, 1])
            sizes = outbreak(world, 2, model, **options)
            return [compared_share(float((sizes == 2).sum()), count, exact)]

        return measure

    closeness = "e = 2 / (3 + 3 - 2) = 1/2 in K4, and live ties enumerated"
    permeable = {"probability": 0.6, "permeability": 0.4}
    return [
        sampled("ice", "mean size on K4, one community: e = 1/2", close("ice", {}), 1, closeness),
        sampled("icep", "mean size on K4, one community: e = 1/2", close("icep", permeable), 1,
                closeness),
        sampled("icp", "mean size on K4, one community, p = .5",
                close("icp", {"probability": 0.5, "permeability": 0.0}), 1, _PERCOLATION),
        sampled("ice", "nothing passes where nobody is close", border("ice", {}, 0.0), 1,
                "e = 0 without a common listener"),
        sampled("icep", "a border is passed with p x permeability", border("icep", permeable, 0.24),
                1, "the model's equations"),
        sampled("icp", "a border is passed with p x permeability", border("icp", permeable, 0.24),
                1, "the model's equations"),
    ]  # fmt: skip


def _grouped(arcs: Any, agents: int, count: int, community: Sequence[int]) -> World:
    ends = np.array(arcs)
    shift = np.arange(count)[:, None] * agents
    labels = np.tile(np.array(community), count) + 2 * np.repeat(np.arange(count), agents)
    first, second = ((shift + ends[:, side]).ravel() for side in (0, 1))
    return World.from_edges(first, second, agents * count, False, seed=1, community=labels)


def _timed() -> list[ModelClaim]:
    """Return delays, fading attempts and fading novelty."""
    source = "the model's equations"
    left, exact = 1.0, {}
    for dt in range(1, 5):
        exact[f"tick {dt}"] = left * 0.5 * exp(-dt / 2.0)
        left *= 1 - 0.5 * exp(-dt / 2.0)
    exact["never"] = left

    def fading(story: Cascade) -> Mapping[str, Any]:
        at = story.adopted_at[1::2]
        return {f"tick {dt}": at == dt for dt in range(1, 5)} | {"never": at < 0}

    def arrives(story: Cascade) -> Mapping[str, Any]:
        at = story.adopted_at[1::2]
        return {"ever": at >= 0, "by tick 2": (at >= 0) & (at <= 2)}

    by_two = {"exponential": 1 - exp(-2 / 3), "weibull": 1 - exp(-((2 / 3) ** 2.5))}
    delays = [
        of_pairs("continuous-cascade", f"{law} delays: how many pass, and by tick 2",
                 {"ever": 0.7, "by tick 2": 0.7 * share}, arrives, source="the law of delays",
                 options={"probability": 0.7, "law": law, "scale": 3.0, "shape": 2.5})
        for law, share in by_two.items()
    ]  # fmt: skip
    return [
        *delays,
        of_pairs("time-decay", "first success of attempts that weaken, p = .5, tau = 2", exact,
                 fading, options={"probability": 0.5, "tau": 2.0, "attempts": 4}, source=source),
        mean_size("continuous-cascade", "mean size in the karate club, p = .1, seed 0", 3.4109,
                  karate(), 34, options={"probability": 0.1}, seed=7, margin=0.0018,
                  source=_KNOWN + "; delays change no final size", runs=5000, thorough=20_000),
        sampled("novelty-decay", "one who hears three times, p = .5, fading .4", _thrice, 3,
                source),
    ]  # fmt: skip


def _thrice(count: int) -> Sequence[Compared]:
    """Measure a chain 0 -> 1 -> 2 -> 3, the first three of whom reach a fifth."""
    p = 0.5
    chain = [(0, 1), (1, 2), (2, 3), (0, 4), (1, 4), (2, 4)]
    world = copies(chain, 5, count, 3, directed=True)
    options: Any = {"probability": p, "fading": 0.4}
    story = world.inject("x", seeds=seeds_of(world, 5), model="novelty-decay", **options)
    world.step(3)
    at = story.adopted_at.reshape(count, 5)[:, 4]
    third = (1 - p) * (p * (1 - 0.4 * p)) * p * (0.16 * p)
    exact = {1: p, 2: (1 - p) * p * (p * 0.4), 3: third}
    return [
        compared_share(float((at == tick).sum()), count, chance, label=f"tick {tick}")
        for tick, chance in exact.items()
    ]


def _triggering() -> list[ModelClaim]:
    return [
        mean_size("triggering", "mean size on K5, sets of one", 3.21875, complete(5), 5,
                  options={"sets": "several", "size": 1}, seed=4,
                  source="Kempe et al. 2003: linear thresholds"),
        mean_size("triggering", "mean size on K4, independent sets, p = .5", 3.25, complete(4), 4,
                  options={"sets": "independent", "probability": 0.5}, seed=4,
                  source=_PERCOLATION),
    ]  # fmt: skip


CLAIMS: tuple[ModelClaim, ...] = (
    *_independent(), *_large(), *_communities(), *_timed(), *_triggering(), *_extremes(),
)  # fmt: skip
