"""What laws of popularity claim: closed forms, total sizes, and half-lives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import gamma, sqrt
from typing import Any

import numpy as np

from sim.lab.validation.claim import Compared, ModelClaim, compared_mean, compared_share
from sim.lab.validation.declared.build import check_exactly, sampled
from sim.world.world import World

_BOREL = {1: 0.606531, 2: 0.183940, 3: 0.083674}
_WU = "Wu & Huberman 2007: r(t) = exp(-.4 t^.4)"


def _ring(agents: int, tick_minutes: float, seed: int) -> World:
    """Return agents each of whom is heard by the next two: equal audiences."""
    ids = np.arange(agents)
    sources, targets = np.tile(ids, 2), np.concatenate([(ids + 1) % agents, (ids + 2) % agents])
    return World.from_edges(sources, targets, agents, tick_minutes=tick_minutes, seed=seed)


def _bass() -> list[ModelClaim]:
    def measure(agents: int) -> Sequence[Compared]:
        world = _ring(agents, 60.0, 0)
        story = world.inject("x", seeds=[0], model="bass", innovation=0.03, imitation=0.38)
        world.step(10)
        # the linearised equation amplifies chance of the first ticks about five times
        error = 5 * sqrt(0.25 / agents)
        peak = int(np.argmax(story.new_adopters[1:]))
        return [
            Compared(story.size / agents, 0.812803, error, label="F(10)"),
            Compared(peak, 6.0, label="the tick that holds the peak, 6.192619"),
        ]

    return [sampled("bass", "F(10) and the peak for p = .03, q = .38", measure, 0,
                    "Bass 1969: the closed form", 100_000, 1_000_000,
                    how="{runs} agents, seed 0")]  # fmt: skip


def _hawkes() -> list[ModelClaim]:
    def sizes(runs: int) -> Sequence[Compared]:
        """Measure one-seed processes that hardly ever come back to one of their own."""
        world = _ring(100_000, 1e5, 0)
        world.max_running = runs
        options: Any = {"branching": 0.5, "audience": "everybody", "weights": "equal", "theta": 2.0}
        stories = [world.inject("x", seeds=[n], model="hawkes", **options) for n in range(runs)]
        world.step(16)
        found = np.array([story.size for story in stories])
        shares = [
            compared_share(float((found == size).sum()), runs, chance, label=f"size {size}")
            for size, chance in _BOREL.items()
        ]
        return [*shares, compared_mean(found, 2.0, 0.01, "mean")]

    def memory() -> Mapping[str, tuple[float, float]]:
        from sim.core.registry import make

        model: Any = make("hawkes")
        tail = (1 - (60 / 5) ** -0.242) / 0.242
        whole = 1 + 1 / 0.242
        return {
            "5 minutes": (float(model.memory(5.0)), 1 / whole),
            "60 minutes": (float(model.memory(60.0)), (1 + tail) / whole),
            "for good": (float(model.memory(1e30)), 1.0),
        }

    return [
        sampled("hawkes", "sizes from one seed are Borel, branching .5", sizes, 0,
                "Otter 1949: total progeny of Poisson offspring", 2000, 8000,
                how="{runs} single seeds among 100,000 agents, seed 0"),
        check_exactly("hawkes", "share of its memory by 5 and 60 minutes", memory, margin=1e-7,
                      source="Zhao et al. 2015: s0 = 5 min, theta = .242", how="no runs"),
    ]  # fmt: skip


def _novelty() -> list[ModelClaim]:
    whole = gamma(2.5) / (0.4 * 0.4**2.5)  # the integral of r(t) over all minutes

    def half(agents: int) -> Sequence[Compared]:
        world = World.from_edges([0], [1], agents, tick_minutes=69.0)
        seeds = range(agents // 10)
        story = world.inject("x", seeds=seeds, model="novelty", mean=0.05, noise=0.0)
        world.step()
        grown = np.log(story.size / len(seeds))
        return [Compared(float(grown) / (0.05 * whole), 0.5, 0.0, 0.001, 0.001)]

    def totals(runs: int) -> Sequence[Compared]:
        minutes = np.linspace(0.0, 60.0, 600_001)
        middle = (minutes[1:] + minutes[:-1]) / 2
        mean = 0.05 * 60 * float(np.exp(-0.4 * middle**0.4).mean())
        variance = 0.05**2 * 60 * float(np.exp(-0.8 * middle**0.4).mean())
        world = World.from_edges([0], [1], 20_000, seed=9)
        world.max_running = runs
        options: Any = {"mean": 0.05, "noise": 0.05}
        stories = [
            world.inject("x", seeds=range(2000), model="novelty", **options) for _ in range(runs)
        ]
        world.step()
        logs = np.log([story.size / 2000 for story in stories])
        return [
            compared_mean(logs, mean, 1e-3, "mean of log"),
            compared_mean((logs - mean) ** 2, variance, 1e-4, "variance of log"),
        ]

    return [
        ModelClaim("novelty", "half of log growth in the first 69 minutes", half, "exact", _WU,
                   "{runs} agents, a tick of 69 minutes, within .001", 200_000, 200_000),
        sampled("novelty", "log of the size after an hour: mean and variance", totals, 9, _WU,
                300, 1000, how="{runs} messages, seed 9"),
    ]  # fmt: skip


def _attention() -> list[ModelClaim]:
    def found(**options: Any) -> Any:
        def measure() -> Mapping[str, tuple[float, float]]:
            world = _ring(60, 60.0, 1)
            story = world.inject("x", seeds=[0, 20], model="limited-attention", **options)
            world.step(20)
            return {"adopters": (story.size, 2.0)}

        return measure

    how, source = "60 agents, 2 seeds, 20 ticks", "Weng et al. 2012: who never scans or reposts"
    return [
        check_exactly("limited-attention", "originality 1: the seeds alone",
                      found(originality=1.0), source=source, how=how),
        check_exactly("limited-attention", "repost 0: the seeds alone", found(repost=0.0),
                      source=source, how=how),
    ]  # fmt: skip


CLAIMS: tuple[ModelClaim, ...] = (*_bass(), *_hawkes(), *_novelty(), *_attention())
