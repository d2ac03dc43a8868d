"""Seeds chosen one by one: CELF (lazy greedy by Monte Carlo means), and the degree discount.

Leskovec, Krause, Guestrin, Faloutsos, VanBriesen & Glance, "Cost-effective outbreak detection in
networks", KDD 2007: gains only fall, so that most need not be recomputed. With fixed live ties
(Cheng, Shen, Huang, Zhang & Cheng, "StaticGreedy", CIKM 2013) it is exact greedy for their mean.
For small networks, as a reference for the faster methods.

Chen, Wang & Yang, "Efficient influence maximization in social networks", KDD 2009: for independent
cascades of one small chance. If each listener has its own chance, the single discount of the
same paper: an agent that is a listener of a seed counts one listener less.
"""

from __future__ import annotations

import heapq

import numpy as np
import numpy.typing as npt

from sim.arrays import Ids
from sim.core import rng
from sim.core.progress import Report, quiet
from sim.core.rng import Stream
from sim.spread.influence import live_edges_kernels as kernels
from sim.spread.influence.live_edges import LiveNetwork

RUNS = 500
"""Default number of runs."""

_PORTION = 256
_NO_TIES = np.empty(0, np.uint8)
_NOTHING = np.empty(0, np.int64)


def celf(
    network: LiveNetwork,
    k: int,
    *,
    runs: int = RUNS,
    costs: npt.NDArray[np.float64] | None = None,
    budget: float = 0.0,
    report: Report = quiet,
) -> Ids:
    """Return seeds chosen one by one by the largest mean gain; equal ones by a draw.

    Examples
    --------
    >>> from sim.network.graph.ties import Ties
    >>> from sim.spread.influence.live_edges import LiveEdges
    >>> star = LiveNetwork(Ties.from_arcs([0, 0, 0], [1, 2, 3]), LiveEdges(1.0), seed=7)
    >>> celf(star, 1, runs=10)
    array([0], dtype=uint32)
    """
    search = _Search(network, runs, report)
    if costs is None:
        return search.chosen(k, None, 0.0)[0]
    ways = (search.chosen(k, costs, budget), search.chosen(k, costs, budget, by_ratio=True))
    return max(ways, key=lambda way: way[1])[0]


class _Search:
    """Gains in the same runs; those of single agents are computed once."""

    def __init__(self, network: LiveNetwork, runs: int, report: Report) -> None:
        self.network = network
        self.keys = rng.words(rng.key(network.seed, Stream.REHEARSALS), np.arange(runs))
        self.marks = np.tile(network.closed, (runs, 1))
        roots = network.roots
        self.first = np.empty(roots.size, np.int64)
        for at in range(0, roots.size, _PORTION):
            report("trying every member", 0.9 * at / roots.size)
            self.first[at : at + _PORTION] = self._gains(roots[at : at + _PORTION])

    def _gains(self, agents: Ids) -> npt.NDArray[np.int64]:
        network, out = self.network, np.empty(agents.size, np.int64)
        with network.scratch() as scratch:
            kernels.gains(
                *network.forwards, *network.backwards, network.chances, self.marks, _NO_TIES,
                agents, self.keys, scratch.queue, _NOTHING, out,
            )  # fmt: skip
        return out

    def _keep(self, agent: int) -> None:
        network = self.network
        with network.scratch() as scratch:
            kernels.kept(
                *network.forwards, *network.backwards, network.chances, self.marks, _NO_TIES,
                np.array([agent], np.uint32), self.keys, scratch.queue, _NOTHING,
            )  # fmt: skip

    def chosen(
        self,
        k: int,
        costs: npt.NDArray[np.float64] | None,
        budget: float,
        *,
        by_ratio: bool = False,
    ) -> tuple[Ids, int]:
        """Return seeds, and the number of agents they reached in all runs."""
        self.marks[:] = self.network.closed
        roots, left, total = self.network.roots, budget, 0
        lots = rng.words(rng.key(self.network.seed, Stream.EQUALS), roots)

        def price(agent: int) -> float:
            return 1.0 if costs is None else float(costs[agent])

        def worth(gain: int, agent: int) -> float:
            return gain / price(agent) if by_ratio else float(gain)

        heap = [
            (-worth(int(gain), int(agent)), int(lot), int(agent), 0, int(gain))
            for gain, agent, lot in zip(self.first, roots, lots, strict=True)
        ]
        heapq.heapify(heap)
        seeds: list[int] = []
        while heap and len(seeds) < k:
            _, lot, agent, known, gain = heapq.heappop(heap)
            if costs is not None and price(agent) > left:
                continue
            if known < len(seeds):
                gain = int(self._gains(np.array([agent], np.uint32))[0])
                heapq.heappush(heap, (-worth(gain, agent), lot, agent, len(seeds), gain))
                continue
            seeds.append(agent)
            left -= price(agent)
            total += gain
            self._keep(agent)
        return np.array(seeds, np.uint32), total


def degree_discount(network: LiveNetwork, k: int) -> npt.NDArray[np.uint32]:
    """Return k agents: uint32, in the order of choice, equal ones by a draw.

    Examples
    --------
    >>> from sim.network.graph.ties import Ties
    >>> from sim.spread.influence.live_edges import LiveEdges
    >>> ties = Ties.from_arcs([0, 0, 0, 1, 1, 4, 4], [1, 2, 3, 0, 2, 5, 6])
    >>> degree_discount(LiveNetwork(ties, LiveEdges(0.1), seed=7), 2)
    array([0, 4], dtype=uint32)
    """
    edges, ties = network.edges, network.ties
    is_constant = not edges.one_source and edges.scale == "none" and not edges.levels
    p = edges.chance if is_constant else 0.0
    listeners = ties.out_degree.astype(np.float64)
    lots = rng.words(rng.key(network.seed, Stream.EQUALS), np.arange(network.agents))
    heard = np.zeros(network.agents)
    worth = np.full(network.agents, -np.inf)
    worth[network.roots] = listeners[network.roots]
    seeds = np.empty(k, np.uint32)
    for turn in range(k):
        equal = np.flatnonzero(worth == worth.max())
        seeds[turn] = agent = equal[np.argmin(lots[equal])]
        worth[agent] = -np.inf
        others = ties.listeners(int(agent))
        others = others[worth[others] > -np.inf]
        heard[others] += 1
        d, t = listeners[others], heard[others]
        worth[others] = d - 2 * t - (d - t) * t * p if is_constant else d - t
    return seeds
