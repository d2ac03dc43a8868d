"""OPIM-C: k seeds of largest expected spread, within a stated approximation of the best.

Tang, Tang, Xiao & Yuan, "Online processing algorithms for influence maximization", SIGMOD 2018.
Seeds are chosen greedily on one half of the reverse reachable sets and checked on the other; both
halves double until the check proves the ratio that is wanted, or so many sets are drawn that it
holds by IMM's bound (Tang, Shi & Xiao, SIGMOD 2015).
"""

from __future__ import annotations

from math import ceil, e, exp, lgamma, log, log2, sqrt
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sim.core import rng
from sim.core.progress import Report, part, quiet
from sim.core.rng import Stream
from sim.spread.influence.coverage import Choice, covering, covering_within
from sim.spread.influence.live_edges import LiveNetwork
from sim.spread.influence.reverse_sets import ReverseSets

__all__ = ["Guarantee", "Optimum", "best_seeds"]

Ids = npt.NDArray[np.uint32]
Floats = npt.NDArray[np.float64]

FIRST_SETS = 64
"""Sets of a half at the beginning."""

LIKELY = 0.001
"""A guarantee fails at most so often, unless something else is asked for."""

LEAST_SETS, LEAST_AGENTS = 1 << 18, 1 << 22
"""As long as a half has fewer sets, and these fewer agents, more are drawn though the ratio is
proved: that costs a moment, and the seeds are the better for it."""

MEMORY = 1 << 30
"""Bytes that sets and their index may take."""


class Guarantee(NamedTuple):
    """How near the best a choice is, and how sure that is.

    Attributes
    ----------
    ratio
        The expected spread is at least so much of the best possible, in [0, 1].
    probability
        That the statement is true, over the draws.
    wanted
        The ratio at which no more sets were drawn; above :attr:`ratio` when memory ended it.
    sets
        Reverse reachable sets of both halves.
    """

    ratio: float
    probability: float
    wanted: float
    sets: int

    def __str__(self) -> str:
        short = "" if self.ratio >= self.wanted else f"; memory ended it before {self.wanted:.3f}"
        return (
            f"at least {self.ratio:.3f} of the best, with probability {self.probability:.6g} "
            f"({self.sets:,} reverse reachable sets{short})"
        )


class Optimum(NamedTuple):
    """Seeds, and what is known of them.

    Attributes
    ----------
    seeds
        uint32, in the order of choice.
    spread
        Their expected spread by the sets that checked them.
    guarantee
        How near the best that is.
    """

    seeds: Ids
    spread: float
    guarantee: Guarantee


def best_seeds(
    network: LiveNetwork,
    k: int,
    *,
    costs: Floats | None = None,
    budget: float = 0.0,
    epsilon: float = 0.1,
    delta: float | None = None,
    among: Ids | None = None,
    memory: int = MEMORY,
    report: Report = quiet,
) -> Optimum:
    """Return seeds of largest expected spread.

    Parameters
    ----------
    network
        With its model.
    k
        How many, 1 to as many as take part. With costs: at most how many are bought.
    costs, budget
        float64 (n,), positive, and what seeds may cost together; None: each costs one, and the
        budget is ``k``.
    epsilon
        In (0, 1): the ratio that is wanted is 1 - 1/e - epsilon, (1 - 1/e) / 2 - epsilon under
        costs. It is never less than 0.
    delta
        In (0, 1): how likely the guarantee may fail. None: 0.001.
    among
        uint32: who may be chosen; None: all who take part.
    memory
        Bytes for sets; where they do not suffice the guarantee says what was reached.
    report
        Told of progress; may cancel.

    Returns
    -------
    Optimum

    Examples
    --------
    >>> from sim.network.graph.ties import Ties
    >>> from sim.spread.influence.live_edges import LiveEdges
    >>> star = LiveNetwork(Ties.from_arcs([0, 0, 0], [1, 2, 3]), LiveEdges(chance=1.0), seed=7)
    >>> best_seeds(star, 1).seeds
    array([0], dtype=uint32)
    """
    people = network.roots if among is None else among
    n = int(network.roots.size)
    risk = LIKELY if delta is None else delta
    share = (1 - 1 / e) * (0.5 if costs is not None else 1.0)
    wanted = max(share - epsilon, 0.0)
    most_sets = _enough(n, k, epsilon, risk)
    rounds = ceil(log2(max(most_sets, LEAST_SETS) / FIRST_SETS))
    surely = log(2 * rounds / risk)
    chosen_by = ReverseSets(network, Stream.CHOOSING)
    checked_by = ReverseSets(network, Stream.CHECKING, is_counted=False)
    key = rng.key(network.seed, Stream.EQUALS)
    for turn in range(rounds):
        sets = FIRST_SETS << turn
        done = turn / rounds
        chosen_by.grow(sets, part(report, done, 0.5 / rounds))
        checked_by.grow(sets, part(report, done + 0.5 / rounds, 0.4 / rounds))
        report("choosing seeds", done + 0.95 / rounds)
        if costs is None:
            choice = covering(chosen_by, k, people, key)
        else:
            choice = covering_within(chosen_by, costs, budget, people, key)
        covered = checked_by.covered(choice.seeds)
        ratio = _ratio(choice, covered, sets, n, surely)
        # Lists, their index and the other half: what doubling all of them would take.
        needed = 4 * chosen_by.nbytes + 2 * checked_by.nbytes
        is_cheap = sets < LEAST_SETS and chosen_by.agents < LEAST_AGENTS
        if needed > memory or (ratio >= wanted and not is_cheap):
            break
    guarantee = Guarantee(ratio, 1.0 - risk, wanted, 2 * sets)
    return Optimum(choice.seeds, n * covered / sets, guarantee)


def _enough(n: int, k: int, epsilon: float, risk: float) -> float:
    """Return how many sets prove the ratio whatever they are (their equation 13)."""
    choices = lgamma(n + 1) - lgamma(k + 1) - lgamma(max(n - k, 0) + 1)
    doubt, share = log(6 / risk), 1 - exp(-1)
    root = share * sqrt(doubt) + sqrt(share * (choices + doubt))
    return 2 * n * root * root / (epsilon * epsilon * k)


def _ratio(choice: Choice, covered: int, sets: int, n: int, surely: float) -> float:
    """Return the ratio that holds, but for a chance of 2 exp(-surely).

    How many sets hold one of given seeds has a binomial law: its exact bounds (Clopper & Pearson,
    Biometrika 26, 1934) take the place of the inequalities of the paper, which hold for sets that
    are drawn until something happens too. For the seeds, the sets that check them; for the best
    ones, as many of the others as any choice could cover. And what is known without draws: seeds
    reach themselves, nobody more than all.
    """
    from scipy.special import betaincinv

    risk, most = exp(-surely), min(int(choice.most), sets)
    low = float(betaincinv(covered, sets - covered + 1, risk)) if covered else 0.0
    high = float(betaincinv(most + 1, sets - most, 1.0 - risk)) if most < sets else 1.0
    return min(max(low * n, float(choice.seeds.size)) / (high * n), 1.0)
