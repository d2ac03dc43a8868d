"""Branching-process (tree) approximation of cascades, from the degree distribution.

Gleeson & Cahalane, "Seed size strongly affects cascades on random networks", Physical Review E 75,
2007: tick by tick, for models in which an agent's adoption depends on how many of those it hears
have adopted, synchronous and for good. Exact in the limit of large networks of random mutual ties.
"""

from __future__ import annotations

from collections.abc import Callable
from math import log, sqrt

import numpy as np
import numpy.typing as npt

from sim.core.theory import Setting, Theory

Answer = Callable[[int, int, float], float]
_WIDE = 8.0
_DECIDED = 0.08
"""Of all agents. On random networks of 10,000 members and mean degree 2 to 12, of thresholds .12 to
.25 and 20 to 400 seeds, curves that move less were at most 0.07 off, those that move more up to 1.
"""


def tree_curves(setting: Setting, ticks: int, states: tuple[str, ...], answer: Answer) -> Theory:
    """Return the expected adopters in each tick, seeds at random.

    Parameters
    ----------
    setting
        Agents, seeds, and how many ties agents have; ties count as mutual.
    ticks
        How many.
    states
        The names of not having adopted and of having adopted.
    answer
        ``answer(n, k, q)``: the chance that an agent with k sources has adopted, when each of n of
        them (k, or all but one) did with chance q, and the others did not.

    Returns
    -------
    Theory
        Its name says where a few seeds decide: as many more or less as chance makes of their
        neighbours, a square root of them, would move the curve by 0.08 of all agents.
    """
    share = setting.seeds / max(setting.agents, 1)
    chance = share / max(setting.seeds, 1) ** 0.5
    low, reached, high = (
        _reached(setting, ticks, answer, max(min(share + more, 1.0), 0.0))
        for more in (-chance, 0.0, chance)
    )
    name = "tree approximation (Gleeson & Cahalane 2007)"
    if max(np.abs(reached - low).max(), np.abs(high - reached).max()) > _DECIDED:
        name += "; few seeds decide, as near the edge of cascades: may be far off"
    adopted = setting.agents * reached
    return Theory(name, states, np.stack([setting.agents - adopted, adopted], axis=1))


def _reached(setting: Setting, ticks: int, answer: Answer, share: float) -> npt.NDArray[np.float64]:
    """Return the share of adopters after each tick, from a share of seeds."""
    degrees = [(k, p) for k, p in enumerate(setting.degrees.tolist()) if k and p > 0]
    mean = max(sum(k * p for k, p in degrees), 1e-300)
    reached, over_tie = [share], share
    for _ in range(ticks):
        one = sum(p * answer(k, k, over_tie) for k, p in degrees)
        next_tie = sum(k * p / mean * answer(k - 1, k, over_tie) for k, p in degrees)
        reached.append(share + (1 - share) * one)
        over_tie = share + (1 - share) * next_tie
    return np.array(reached)


def binomial(trials: int, chance: float) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Return (numbers of successes, their probabilities), those beyond eight deviations left out.

    Examples
    --------
    >>> binomial(2, 0.5)[1].round(9).tolist()
    [0.25, 0.5, 0.25]
    """
    if trials == 0 or chance <= 0.0 or chance >= 1.0:
        return np.array([trials if chance >= 1.0 else 0]), np.ones(1)
    reach = _WIDE * sqrt(trials * chance * (1 - chance)) + 2
    low = max(0, int(trials * chance - reach))
    number = np.arange(low, min(trials, int(trials * chance + reach)) + 1)
    ratios = np.log((trials - number[:-1]) / (number[:-1] + 1.0)) + log(chance / (1 - chance))
    weight = np.concatenate([[0.0], np.cumsum(ratios)])
    weight = np.exp(weight - weight.max())
    return number, weight / weight.sum()
