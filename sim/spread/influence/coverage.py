"""Greedy maximum coverage of reverse reachable sets, for k seeds or within a budget.

Nemhauser, Wolsey & Fisher 1978: a number of k seeds chosen so covers at least 1 - 1/e of what the
best k could. Under costs: the better of greedy by count and greedy by count / cost, at least
(1 - 1/e) / 2 of the best (Leskovec et al., KDD 2007).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sim.core import rng
from sim.spread.influence import coverage_kernels as kernels
from sim.spread.influence.reverse_sets import ReverseSets

__all__ = ["Choice", "covering", "covering_within"]

Ids = npt.NDArray[np.uint32]
Floats = npt.NDArray[np.float64]

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
    """Choose ``k`` agents that cover most sets.

    Parameters
    ----------
    sets
        With counts.
    k
        1 to ``among.size``.
    among
        uint32: who may be chosen.
    key
        Of the draws between equals.

    Returns
    -------
    Choice
        ``most`` is the least of the bounds of Tang, Tang, Xiao & Yuan (SIGMOD 2018, section 5):
        what is covered by some step, and what the k largest gains then would add.
    """
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
    """Choose agents whose costs sum up to at most ``budget`` and that cover most sets.

    Parameters
    ----------
    sets, among, key
        As in :func:`covering`.
    costs
        float64 (n,), positive.
    budget
        At least the least cost among them.

    Returns
    -------
    Choice
        ``most``: what is covered by some step, and what the largest gains a unit of cost would add
        if the last of them could be had in part.
    """
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
