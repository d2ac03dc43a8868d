"""What thresholds claim: sizes by live ties, who has heard enough, and how long adopters wait."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sim.lab.validation.claim import Compared, ModelClaim, compared_mean, compared_share, same
from sim.lab.validation.declared.build import (
    COPIES,
    THOROUGH,
    check_exactly,
    mean_size,
    of_pairs,
    sampled,
)
from sim.lab.validation.declared.cascades import THRESHOLDS
from sim.lab.validation.tiny_networks import (
    complete,
    copies,
    karate,
    lonely,
    pairs,
    run,
    seeds_of,
)
from sim.spread.cascade.cascade import Cascade
from sim.world.world import World

_LIVE = "Kempe, Kleinberg & Tardos 2003: one live tie an agent, all sets enumerated"
KARATE_THRESHOLDS = (((0,), 12.2436, 0.0048), ((33,), 13.0837, 0.005), ((0, 33), 22.6145, 0.0044))
"""(seeds, mean size, how far it is known) of linear thresholds in the karate club."""


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
    """Return who is convinced by the first of two words: 0 -> 1 -> 2 and 0 -> 2."""

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
"""Parameters with which an agent of five sources adopts once two of them have."""


def _enough() -> list[ModelClaim]:
    """Return who adopts of six that hear 0 to 5 adopters among five sources: it is >=, not >."""

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
    """Return complex contagion on a ring whose agents hear the two nearest on both sides."""

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
    """Return in which random networks single seeds set off global cascades."""

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
    """Return unprompted adoption, refusals and waiting times."""

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


CLAIMS: tuple[ModelClaim, ...] = (
    *_linear(), *_words(), *_enough(), *_rings(), *_window(), *_waiting(),
)  # fmt: skip
