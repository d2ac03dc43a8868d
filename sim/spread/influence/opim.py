"""OPIM-C: k seeds of largest expected spread, by greedy coverage of reverse reachable sets.

Tang, Tang, Xiao & Yuan, "Online processing algorithms for influence maximization", SIGMOD 2018.
Seeds are chosen greedily on one half of the reverse reachable sets and checked on the other; both
halves double until the check proves the ratio that is wanted, or so many sets are drawn that it
holds by IMM's bound (Tang, Shi & Xiao, SIGMOD 2015).

Nemhauser, Wolsey & Fisher 1978: a number of k seeds chosen so covers at least 1 - 1/e of what the
best k could. Under costs: the better of greedy by count and greedy by count / cost, at least
(1 - 1/e) / 2 of the best (Leskovec et al., KDD 2007).
"""

from __future__ import annotations

from math import ceil, e, exp, lgamma, log, log2, sqrt
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sim.core import rng
from sim.core.progress import Report, part, quiet
from sim.core.rng import Stream
from sim.spread.influence import coverage_kernels as kernels
from sim.spread.influence.live_edges import LiveNetwork
from sim.spread.influence.reverse_sets import ReverseSets

Ids = npt.NDArray[np.uint32]
Floats = npt.NDArray[np.float64]

FIRST_SETS = 64
"""Sets of a half at the beginning."""

LIKELY = 0.001
"""A guarantee fails at most so often, unless something else is asked for."""

LEAST_SETS, LEAST_AGENTS = 1 << 18, 1 << 22
"""As long as a half has fewer sets, and these fewer agents, more are drawn though the ratio is
proved: that costs a moment, and the seeds are the better for it."""

COVERED, MOST_AGENTS = 256, 1 << 25
"""So many sets are covered for each seed, or chance would choose among the later ones: more are
drawn for that while a half has fewer agents, some ten seconds of drawing."""

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
        is_sure = covered >= COVERED * choice.seeds.size or chosen_by.agents >= MOST_AGENTS
        is_cheap = sets < LEAST_SETS and chosen_by.agents < LEAST_AGENTS
        if needed > memory or (ratio >= wanted and is_sure and not is_cheap):
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


_NO_COSTS = np.empty(0)
_LOOKS = 32
"""Steps at which the best that others could do is bounded."""

_STALE = 64
"""Choices after which agents are put in order anew."""


class Choice(NamedTuple):
    """Who was chosen, in order, and what that covers.

    Attributes
    ----------
    seeds
        uint32, in the order of choice.
    covered
        Sets that hold one of them.
    most
        No choice of the same number, or cost, covers more sets.
    """

    seeds: Ids
    covered: int
    most: float


class _Cover:
    """Counts that fall while sets are covered."""

    def __init__(self, sets: ReverseSets) -> None:
        self.sets = sets
        self.counts = sets.counts.copy()
        members, ends, agents = sets.members, sets.ends, self.counts.size
        starts = np.zeros(agents + 1, np.uint32)
        for bits in sets.maps:  # the index holds lists alone
            kernels.count_bits(bits, self.counts, -1)
        np.cumsum(self.counts, out=starts[1:])
        self.counts[:] = sets.counts
        self.index = np.empty(members.size, np.uint32)
        self.starts = starts.copy()
        kernels.fill_index(members, ends, starts, self.index)
        self.is_covered = np.zeros(ends.size, np.uint8)
        self.is_map_covered = np.zeros(len(sets.maps), np.uint8)
        self.covered = 0

    def again(self) -> None:
        """Cover nothing."""
        self.counts[:] = self.sets.counts
        self.is_covered[:] = 0
        self.is_map_covered[:] = 0
        self.covered = 0

    def choose(self, agent: int) -> int:
        """Cover the sets of an agent; return how many were not covered."""
        sets, begin, end = self.sets, int(self.starts[agent]), int(self.starts[agent + 1])
        new = kernels.cover(
            begin, end, self.index, sets.members, sets.ends, self.is_covered, self.counts
        ) + kernels.cover_bits(agent, sets.maps, self.is_map_covered, self.counts)
        self.covered += int(new)
        return int(new)


def covering(sets: ReverseSets, k: int, among: Ids, key: np.uint64) -> Choice:
    """Choose ``k`` agents that cover most sets."""
    cover = _Cover(sets)
    taken = _all_but(among, cover.counts.size)
    looks = {int(step) for step in np.linspace(0, k, min(k, _LOOKS) + 1)}
    seeds, most = np.empty(k, np.uint32), float(sets.drawn)
    order, bounds = _ordered(cover.counts, among, _NO_COSTS)
    for step in range(k + 1):
        if step in looks:
            gains = float(kernels.largest_sum(order, bounds, cover.counts, k))
            most = min(most, cover.covered + gains)
        if step == k:
            break
        if step and step % _STALE == 0:
            order, bounds = _ordered(cover.counts, among, _NO_COSTS)
        agent, _ = kernels.best(order, bounds, cover.counts, _NO_COSTS, 0.0, taken, key)
        if agent < 0:  # all sets are covered: whoever is in most of all
            seeds[step:] = _fill(sets.counts, among, taken, k - step, key)
            break
        seeds[step] = agent
        taken[agent] = 1
        cover.choose(int(agent))
    return Choice(seeds, cover.covered, most)


def covering_within(
    sets: ReverseSets, costs: Floats, budget: float, among: Ids, key: np.uint64
) -> Choice:
    """Choose agents whose costs sum up to at most ``budget`` and that cover most sets."""
    cover = _Cover(sets)
    by_ratio, most = _greedy(cover, costs, budget, among, key, is_ratio=True)
    best, covered = by_ratio, cover.covered
    cover.again()
    by_count, bound = _greedy(cover, costs, budget, among, key, is_ratio=False)
    if cover.covered > covered:
        best, covered = by_count, cover.covered
    return Choice(best, covered, min(most, bound))


def _greedy(
    cover: _Cover, costs: Floats, budget: float, among: Ids, key: np.uint64, *, is_ratio: bool
) -> tuple[Ids, float]:
    """Choose by count / cost, or by count, while there is something to be had and paid."""
    taken, left = _all_but(among, cover.counts.size), budget
    weights = costs if is_ratio else _NO_COSTS
    most = float(cover.sets.drawn)
    seeds: list[int] = []
    while True:
        if len(seeds) % _STALE == 0:
            order, bounds = _ordered(cover.counts, among, weights)
            most = min(most, cover.covered + _fraction(cover.counts, costs, among, budget))
        if not is_ratio:
            taken[costs > left] = 1
        agent, _ = kernels.best(order, bounds, cover.counts, weights, left, taken, key)
        if agent < 0:
            break
        seeds.append(int(agent))
        taken[agent] = 1
        left -= float(costs[agent])
        cover.choose(int(agent))
    return np.array(seeds, np.uint32), min(
        most, cover.covered + _fraction(cover.counts, costs, among, budget)
    )


def _all_but(among: Ids, agents: int) -> npt.NDArray[np.uint8]:
    taken = np.ones(agents, np.uint8)
    taken[among] = 0
    return taken


def _ordered(counts: Ids, among: Ids, costs: Floats) -> tuple[Ids, Floats]:
    """Return who is worth anything and what it is worth, falling."""
    some = among[counts[among] > 0]
    worth = counts[some].astype(np.float64)
    if costs.size:
        worth /= costs[some]
    order = np.argsort(-worth, kind="stable")
    return np.ascontiguousarray(some[order]), np.ascontiguousarray(worth[order])


def _fill(
    counts: Ids, among: Ids, taken: npt.NDArray[np.uint8], missing: int, key: np.uint64
) -> Ids:
    """Return the ``missing`` agents that are in most sets, of equals by a draw."""
    left = among[taken[among] == 0]
    order = np.lexsort((rng.words(key, left), -counts[left].astype(np.int64)))
    return np.asarray(left[order[:missing]], np.uint32)


def _fraction(counts: Ids, costs: Floats, among: Ids, budget: float) -> float:
    """Return the most that gains could sum up to within a budget, were they divisible."""
    order, _ = _ordered(counts, among, costs)
    prices = costs[order]
    fits = prices <= budget
    prices, gains = prices[fits], counts[order[fits]].astype(np.float64)
    spent = np.cumsum(prices)
    whole = int(np.searchsorted(spent, budget, side="right"))
    total = float(gains[:whole].sum())
    if whole < prices.size:
        before = float(spent[whole - 1]) if whole else 0.0
        total += float(gains[whole]) * (budget - before) / float(prices[whole])
    return total
