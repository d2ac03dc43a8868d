"""Claims of cascades: sizes by percolation, delays by their laws, extremes by reachability."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import exp, expm1
from typing import Any

import numpy as np

from sim.lab.validation.claim import Compared, ModelClaim, compared_mean, compared_share, same
from sim.lab.validation.declared.build import (
    COPIES,
    THOROUGH,
    check_exactly,
    complete,
    copies,
    karate,
    lonely,
    mean_size,
    of_pairs,
    outbreak,
    pairs,
    regular,
    run,
    sampled,
    seeds_of,
    single_seeds,
)
from sim.spread.cascade.cascade import Cascade
from sim.testing import tiny_world
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
    """Return claims on large outbreaks in large networks."""

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
    world = tiny_world(isolated=5)
    return run(world, [0, 5, 9], name, **options)


def _levels() -> Any:
    """Return the level of each agent by breadth-first search over the ties."""
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
"""By model: parameters with which only the seeds adopt, and parameters with which all agents
adopt in the tick in which breadth-first search reaches them; None: there are none."""


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
    """Return claims on delays, fading attempts and fading novelty."""
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
    """Measure a chain 0 -> 1 -> 2 -> 3 whose first three agents all reach a fifth agent."""
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


_CASCADES_CLAIMS: tuple[ModelClaim, ...] = (
    *_independent(), *_large(), *_communities(), *_timed(), *_triggering(), *_extremes(),
)  # fmt: skip


_LIVE = "Kempe, Kleinberg & Tardos 2003: one live tie an agent, all sets enumerated"
KARATE_THRESHOLDS = (((0,), 12.2436, 0.0048), ((33,), 13.0837, 0.005), ((0, 33), 22.6145, 0.0044))
"""(seeds, mean size, its uncertainty) of linear thresholds in the karate club."""


def _linear() -> list[ModelClaim]:
    found = []
    for n, exact in THRESHOLDS:
        runs = (1000, 3000) if n == 100 else (COPIES, THOROUGH)
        found.append(
            mean_size("linear-threshold", f"mean size on K{n}, weights 1/{n - 1}", exact,
                      complete(n), n, options={}, seed=2, source=_LIVE, runs=runs[0],
                      thorough=runs[1])
        )  # fmt: skip
    found += [
        mean_size("linear-threshold", f"mean size in the karate club, seeds {list(seeds)}", exact,
                  karate(), 34, seeds=seeds, options={}, seed=8, margin=known, runs=10_000,
                  thorough=100_000, source=f"live ties, sampled: known to {known:g}")
        for seeds, exact, known in KARATE_THRESHOLDS
    ]  # fmt: skip
    found.append(
        mean_size("general-threshold", "mean size on K5, power 1", 3.21875, complete(5), 5,
                  options={"power": 1.0}, seed=4, source=_LIVE)
    )  # fmt: skip
    return found


def _words() -> list[ModelClaim]:
    """Return claims on the effect of the first of two messages: 0 -> 1 -> 2 and 0 -> 2."""

    def first(power: float) -> Any:
        def measure(count: int) -> Sequence[Compared]:
            world = copies([(0, 1), (1, 2), (0, 2)], 3, count, 5, directed=True)
            story = run(world, seeds_of(world, 3), "general-threshold", power=power)
            at = story.adopted_at.reshape(count, 3)[:, 2]
            return [
                compared_share(float((at == 1).sum()), count, 0.5**power, label="by the first"),
                compared_share(float((at >= 0).sum()), count, 1.0, label="by both"),
            ]

        return measure

    return [
        sampled("general-threshold", f"one of two words convinces with (1/2)^{power:g}",
                first(power), 5, "the model's equations")
        for power in (0.5, 2.0)
    ]  # fmt: skip


ENOUGH: dict[str, Mapping[str, Any]] = {
    "watts": {"phi": 0.4},
    "centola-macy": {"needed": 2},
    "kertesz": {"threshold": 0.4, "rate": 0.0, "blocked": 0.0},
    "profile-threshold": {"threshold": 0.4, "profile": 1.0, "blocked": 0.0},
    "generalised-threshold": {"threshold": 0.4, "tau": 1.0, "mu": 0.0},
}
"""Parameters with which an agent with five sources adopts once two of them have adopted."""


def _enough() -> list[ModelClaim]:
    """Return claims on agents with 0 to 5 adopters among five sources: the test is >=, not >."""

    def numbers(model: str, options: Mapping[str, Any]) -> Any:
        def found() -> Mapping[str, tuple[float, float]]:
            star = [(source, 5) for source in range(5)]
            world = copies(star, 6, 6, 1, directed=True)
            seeds = [6 * copy + source for copy in range(6) for source in range(copy)]
            story = run(world, seeds, model, **options)
            hears = story.adopted_at[5::6] >= 0
            return {f"{k} of 5": (float(hears[k]), float(k >= 2)) for k in range(6)}

        return found

    return [
        check_exactly(model, "adopts once 2 of 5 sources have, not at 1", numbers(model, options),
                      source="the card: compared with >=", how="stars of 5 sources, 0 to 5 seeds")
        for model, options in ENOUGH.items()
    ]  # fmt: skip


def _rings() -> list[ModelClaim]:
    """Return claims on complex contagion in a ring with ties to the two nearest on both sides."""

    def sizes(needed: int) -> list[int]:
        ring, step = np.meshgrid(np.arange(40), [-2, -1, 1, 2])
        world = World.from_edges(ring.ravel(), (ring + step).ravel() % 40, 40)
        story = world.inject("x", seeds=[10, 11], model="centola-macy", needed=needed)
        found = [story.size]
        for _ in range(4):
            world.step()
            found.append(story.size)
        return found

    def measure(_: int) -> Sequence[Compared]:
        return [
            same("sizes, two needed", sizes(2), [2, 4, 6, 8, 10]),
            same("sizes, three needed", sizes(3), [2] * 5),
        ]

    return [
        ModelClaim("centola-macy", "a ring: two neighbours win one more at each end a tick",
                   measure, "exact", "Centola & Macy 2007", "40 agents, 4 ticks"),
    ]  # fmt: skip


def _window() -> list[ModelClaim]:
    """Return claims on the random networks in which single seeds start global cascades."""

    def measure(seeds: int) -> Sequence[Compared]:
        found = []
        for z, is_global in ((0.8, False), (3, True), (5, True), (8, False)):
            world = World.create(10_000, "erdos-renyi", mean_degree=z, seed=4)
            world.max_running = seeds
            firsts = range(0, 10_000, 10_000 // seeds)
            stories = [world.inject("x", seeds=[v], model="watts") for v in firsts]
            world.step(200)
            largest = max(story.size for story in stories)
            found.append(Compared(float(largest > 1000), float(is_global), label=f"z = {z:g}"))
        return found

    return [
        ModelClaim("watts", "global cascades at z = 3, 5, none at 0.8, 8 (phi .18)", measure,
                   "theory", "Watts 2002: the window is (1.0207, 5.7647)",
                   "{runs} single seeds among 10,000 agents each, seed 4", 40, 100),
    ]  # fmt: skip


def _waiting() -> list[ModelClaim]:
    """Return claims on unprompted adoption, refusals and waiting times."""

    def alone(count: int) -> Sequence[Compared]:
        p, r = 0.1, 0.3
        world = lonely(count, 5)
        options: Any = {"rate": p, "blocked": r, "threshold": 1.0}
        story = world.inject("x", seeds=[0], model="kertesz", **options)
        blocked = story.counts["blocked"]
        free = count - 1 - blocked
        world.step(3)
        share = 1 - (1 - p) ** 3
        return [
            compared_share(blocked, count, r, label="blocked"),
            compared_share(story.size - 1, free, share, label="adopted by tick 3"),
        ]

    def waits(count: int) -> Sequence[Compared]:
        world = pairs(count, 3)
        story = run(world, np.arange(0, 2 * count, 2), "generalised-threshold", tau=3.0)
        delays = story.adopted_at[1::2]
        return [compared_mean(delays, 4.0), compared_share((delays == 2).sum(), count, 1 / 3)]

    def adopts(story: Cascade) -> Mapping[str, Any]:
        return {"adopted": story.adopted_at[1::2] >= 0}

    refusals = [
        of_pairs(model, "adopts in the end with q / (q + (1 - q) b)",
                 {"adopted": 0.2 / (0.2 + 0.8 * 0.3)}, adopts,
                 options={"profile": 0.2, "blocked": 0.3},
                 source="Milli et al. 2018: a race of two chances")
        for model in ("profile", "profile-threshold")
    ]  # fmt: skip
    return [
        *refusals,
        sampled("kertesz", "blocked r, adopted unprompted 1 - (1 - p)^3", alone, 5,
                "Ruan et al. 2015", how="{runs} agents without ties, seed 5"),
        sampled("generalised-threshold", "hears for a tick, then waits tau = 3 on average", waits,
                3, "the model's equations", how="{runs} pairs, seed 3"),
    ]  # fmt: skip


_THRESHOLDS_CLAIMS: tuple[ModelClaim, ...] = (
    *_linear(), *_words(), *_enough(), *_rings(), *_window(), *_waiting(),
)  # fmt: skip


_EQUATIONS = "the model's equations"
_TRUST = 1e-4
"""Trust has a resolution of 65,536 levels."""


def _by_tick(*ticks: int) -> Any:
    def found(story: Cascade) -> Mapping[str, Any]:
        at = story.adopted_at[1::2]
        return {f"by tick {tick}": (at >= 0) & (at <= tick) for tick in ticks}

    return found


def _diffusion() -> list[ModelClaim]:
    h, f = -expm1(-0.2), -expm1(-1 / 3)
    delay = -expm1(-0.5) * 0.4
    ever = h / (1 - (1 - h) * (1 - f))
    thin = {"rate": 0.01, "span": 100.0}
    markov = "Kermack & McKendrick 1927: Markov SIR, in ticks of 1/100"
    by = {f"by tick {tick}": 1 - (1 - delay) ** tick for tick in (1, 2, 3)}
    return [
        of_pairs("diffusion", "the delay over a tie is geometric (rate .5, trust .4)", by,
                 _by_tick(1, 2, 3), options={"rate": 0.5, "span": 1e6}, trust=0.4, ticks=3,
                 source=_EQUATIONS),
        of_pairs("diffusion", "one who falls silent attempts once more", {"by tick 999": ever},
                 _by_tick(999), options={"rate": 0.2, "span": 3.0}, seed=4, source=_EQUATIONS),
        mean_size("diffusion", "mean size on K3 in thin ticks", 13 / 6, complete(3), 3,
                  options=thin, seed=4, margin=0.005, source=markov),
        mean_size("diffusion", "mean size on K5 in thin ticks", 3.898611, complete(5), 5,
                  options=thin, seed=5, margin=0.01, source=markov),
    ]  # fmt: skip


def _one_exposure(model: str, what: str, chance: float, trust: float, options: Any) -> ModelClaim:
    def measure(count: int) -> Sequence[Compared]:
        world = pairs(count, 3, trust)
        story = world.inject("x", seeds=range(0, 2 * count, 2), model=model, **options)
        world.step()
        won = float((story.adopted_at[1::2] == 1).sum())
        return [compared_share(won, count, chance, _TRUST)]

    return sampled(model, what, measure, 3, _EQUATIONS, how="{runs} pairs, seed 3, one tick")


def _exposures() -> list[ModelClaim]:
    plain = {"fading": 0.0, "reinforcement": 0.0, "indifference": 1.0}
    by_trust = {"strong": "trust", "cut": 0.5, "fading": 0.0}
    held = {"initial": "uniform:0.2:0.2", "stance": 1.0, "base": 0.5, "taste": 1.0}
    return [
        _one_exposure("viral", "an exposure convinces with base x trust = .4", 0.4, 0.5,
                      {"base": 0.8, **plain}),
        _one_exposure("hybrid", "a strong tie convinces with base x trust = .48", 0.48, 0.8,
                      {"base": 0.6, **by_trust}),
        _one_exposure("hybrid", "a weak tie passes it on with 1 - exp(-rate)", 1 - exp(-0.5), 0.2,
                      {"rate": 0.5, **by_trust}),
        _one_exposure("persuasion", "who agrees to .6 is convinced with base x .6", 0.3, 1.0, held),
        _one_exposure("persuasion", "without taste the chance is base x trust", 0.35, 0.7,
                      {"base": 0.5, "taste": 0.0}),
    ]  # fmt: skip


def _fading() -> list[ModelClaim]:
    """Return claims on novelty in the first hour of a story, integrated by another rule."""
    minutes = np.linspace(0.0, 60.0, 600_001)
    middle = (minutes[1:] + minutes[:-1]) / 2
    hours = float(np.exp(-0.6 * middle**0.4).mean())
    options = {"base": 1.0, "fading": 0.6, "reinforcement": 0.0, "indifference": 1.0}
    return [
        _one_exposure("viral", "novelty of the first hour: mean of exp(-.6 t^.4)", hours, 1.0,
                      options),
    ]  # fmt: skip


def _further() -> list[ModelClaim]:
    """Return claims on the effect of further sources: 0 and 1 speak to 2."""

    def measure(count: int) -> Sequence[Compared]:
        base = 3 * np.arange(count)
        sources = np.concatenate([base, base + 1])
        world = World.from_edges(sources, np.tile(base + 2, 2), 3 * count, seed=4)
        options: Any = {"base": 0.2, "fading": 0.0, "reinforcement": 0.5, "indifference": 1.0}
        story = world.inject("x", seeds=np.sort(sources), model="viral", **options)
        world.step()
        won = float((story.adopted_at[2::3] == 1).sum())
        return [compared_share(won, count, 1 - (1 - 0.2 * 1.5) ** 2, _TRUST)]

    return [sampled("viral", "two sources at once: 1 - (1 - 1.5 base)^2", measure, 4,
                    _EQUATIONS)]  # fmt: skip


def _hearing() -> list[ModelClaim]:
    """Return claims on how exposure moves opinions: once, twice, and from a moved agent."""

    def found() -> Mapping[str, tuple[float, float]]:
        world = World.from_edges([0, 1, 0, 1, 2], [2, 2, 3, 4, 5], 6)
        world.opinions.hold("t", [0.0, 0.0, -0.5, -0.5, 0.5, 0.0])
        options: Any = {"topic": "t", "pull": 0.2, "base": 1.0, "taste": 0.0, "stance": 1.0}
        world.inject("x", seeds=[0, 1], model="persuasion", **options)
        world.step(2)
        exact = {2: 1 - 1.5 * 0.8**2, 3: 1 - 1.5 * 0.8, 4: 1 - 0.5 * 0.8, 5: 0.2}
        return {f"agent {v}": (world.opinions["t"][v], x) for v, x in exact.items()}

    return [check_exactly("persuasion", "k hearings leave (1 - pull)^k of a gap", found,
                          source=_EQUATIONS, how="6 agents, 2 ticks", margin=1e-12)]  # fmt: skip


_WORDS_CLAIMS: tuple[ModelClaim, ...] = (
    *_diffusion(), *_exposures(), *_fading(), *_further(), *_hearing(),
)  # fmt: skip

CLAIMS = (*_CASCADES_CLAIMS, *_THRESHOLDS_CLAIMS, *_WORDS_CLAIMS)
