"""What rival messages claim: alone they are the plain model, together they share by their rule."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sim.lab.validation.claim import Compared, ModelClaim, compared_share, same
from sim.lab.validation.declared.build import mean_size, sampled
from sim.lab.validation.tiny_networks import complete, run
from sim.world.world import World


def _alone() -> list[ModelClaim]:
    percolation = "Kempe et al. 2003: live ties enumerated; alone it is an independent cascade"
    live = "Kempe et al. 2003; alone it is a linear threshold"
    return [
        mean_size("competitive-cascade", "alone: mean size on K4, p = .5", 3.25, complete(4), 4,
                  options={"probability": 0.5}, seed=1, source=percolation),
        mean_size("competitive-continuous", "alone: mean size on K4, p = .5", 3.25, complete(4), 4,
                  options={"probability": 0.5}, seed=1, source=percolation),
        *(
            mean_size("competitive-threshold", f"alone, {rule}: mean size on K5", 3.21875,
                      complete(5), 5, options={"rule": rule}, seed=2, source=live)
            for rule in ("proportional", "separate")
        ),
    ]  # fmt: skip


def _contest(model: str, count: int, trust: Sequence[float] | None, **options: Any) -> int:
    """Return how often the first message wins agent 3, whom 0 and 1 tell it and 2 the other."""
    sources = np.arange(4 * count).reshape(-1, 4)[:, :3]
    targets = np.repeat(np.arange(3, 4 * count, 4), 3)
    weights = None if trust is None else np.tile(np.asarray(trust), count)
    world = World.from_edges(sources.ravel(), targets, trust=weights, seed=5)
    base = 4 * np.arange(count)
    camps = (np.sort(np.concatenate([base, base + 1])), base + 2)
    ranks: list[dict[str, Any]] = [
        {"priority": rank} if options.get("tie") == "priority" else {} for rank in (0, 1)
    ]
    first, second = (
        world.inject("x", seeds=camp, model=model, **options, **rank)
        for camp, rank in zip(camps, ranks, strict=True)
    )
    world.step()
    if first.size + second.size != 4 * count:  # chance 1: somebody must win each
        return -count
    return int(first.size - 2 * count)


def _shares() -> list[ModelClaim]:
    def ties(tie: str, exact: float) -> Any:
        def measure(count: int) -> Sequence[Compared]:
            won = _contest("competitive-cascade", count, None, tie=tie, probability=1.0)
            return [compared_share(won, count, exact)]

        return measure

    def weighed(trust: Sequence[float] | None, exact: float) -> Any:
        def measure(count: int) -> Sequence[Compared]:
            weights = "uniform" if trust is None else "trust"
            won = _contest("competitive-threshold", count, trust, weights=weights)
            return [compared_share(won, count, exact, 1e-4)]

        return measure

    rules = (("proportional", 2 / 3), ("random", 1 / 2), ("priority", 0.0), ("first", 1.0))
    trusts: tuple[tuple[Sequence[float] | None, float], ...] = (
        (None, 2 / 3), ([0.5, 0.25, 0.25], 3 / 4), ([0.0, 0.2, 0.8], 1 / 5),
    )  # fmt: skip
    return [
        *(
            sampled("competitive-cascade", f"2 adopters of one against 1: {tie} gives {exact:.3g}",
                    ties(tie, exact), 5, "Bharathi et al. 2007, Budak et al. 2011; the tie rule")
            for tie, exact in rules
        ),
        *(
            sampled("competitive-threshold", f"shares follow weights: {exact:.3g} of the first",
                    weighed(trust, exact), 5, "Borodin et al. 2010: proportional to weight")
            for trust, exact in trusts
        ),
    ]  # fmt: skip


def _races() -> list[ModelClaim]:
    """Return who wins an agent that two messages reach over one tie each, at rates alike."""

    def measure(count: int) -> Sequence[Compared]:
        base = 3 * np.arange(count)
        world = World.from_edges(
            np.concatenate([base, base + 1]), np.tile(base + 2, 2), 3 * count, seed=6
        )
        options: Any = {"model": "competitive-continuous", "probability": 1.0}
        first, second = (world.inject("x", seeds=base + who, **options) for who in (0, 1))
        for _ in range(2000):
            if not (first.alive or second.alive):
                break
            world.step()
        return [
            compared_share(first.size - count, count, 0.5, label="won by the first"),
            Compared(first.size + second.size, 3.0 * count, label="everybody"),
        ]

    return [sampled("competitive-continuous", "two messages over one tie each win alike", measure,
                    6, "two exponential delays of one rate")]  # fmt: skip


def _together() -> list[ModelClaim]:
    """Return that rivals in all reach whom one message of all seeds would."""

    def measure(_: int) -> Sequence[Compared]:
        from sim.testing import tiny_world

        found = []
        for seed in range(5):
            one = run(tiny_world(seed=seed), range(0, 60, 4), "linear-threshold")
            world = tiny_world(seed=seed)
            camps = (range(0, 60, 8), range(4, 60, 8))
            rivals = [world.inject("x", seeds=c, model="competitive-threshold") for c in camps]
            world.step(60)
            at = np.stack([story.adopted_at for story in rivals]).max(axis=0)
            found.append(same(f"seed {seed}: agents at another tick", at, one.adopted_at))
        return found

    return [ModelClaim("competitive-threshold", "rivals in all adopt as one message would",
                       measure, "reference", "linear-threshold with all seeds",
                       "60 agents, seeds 0 to 4")]  # fmt: skip


CLAIMS: tuple[ModelClaim, ...] = (*_alone(), *_shares(), *_races(), *_together())
