"""What word of mouth claims: the chance of one exposure, and delays over ties."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import exp, expm1
from typing import Any

import numpy as np

from sim.lab.validation.claim import Compared, ModelClaim, compared_share
from sim.lab.validation.declared.build import check_exactly, mean_size, of_pairs, sampled
from sim.lab.validation.tiny_networks import complete, pairs
from sim.spread.cascade.cascade import Cascade
from sim.world.world import World

_EQUATIONS = "the model's equations"
_TRUST = 1e-4
"""Trust is kept in 65,536 levels."""


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
    """Return novelty over the first hour of a story, integrated by another rule."""
    minutes = np.linspace(0.0, 60.0, 600_001)
    middle = (minutes[1:] + minutes[:-1]) / 2
    hours = float(np.exp(-0.6 * middle**0.4).mean())
    options = {"base": 1.0, "fading": 0.6, "reinforcement": 0.0, "indifference": 1.0}
    return [
        _one_exposure("viral", "novelty of the first hour: mean of exp(-.6 t^.4)", hours, 1.0,
                      options),
    ]  # fmt: skip


def _further() -> list[ModelClaim]:
    """Return what further sources add: 0 and 1 speak to 2."""

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
    """Return where hearing moves opinions: once, twice, and of one who was moved."""

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


CLAIMS: tuple[ModelClaim, ...] = (
    *_diffusion(), *_exposures(), *_fading(), *_further(), *_hearing(),
)  # fmt: skip
