"""Blocking: which members, or ties, to silence so that a rumour reaches the fewest.

Greedy: always the one whose removal costs the most reach, computed in all runs at once
by dominator trees (the advanced greedy of Xie, Zhang, Wang, Lin & Zhang, "Minimizing the
influence of misinformation via vertex blocking", ICDE 2023; here also for ties). The loss is
not submodular in the blocked set: there is no approximation guarantee.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Literal

import numpy as np
import numpy.typing as npt

from sim.arrays import I64, U8, Ids
from sim.core import rng
from sim.core.progress import Report, quiet
from sim.core.rng import Stream
from sim.core.threads import workers
from sim.spread.influence.coverage_kernels import add_losses, set_bits
from sim.spread.influence.live_edges import LiveNetwork
from sim.spread.influence.live_edges_kernels import followed

Blocked = Literal["agents", "ties"]

RUNS = 200
"""Default number of runs of the rumour."""

_NO_AGENTS = np.empty(0, np.int64)
_NO_LOSSES = np.empty(0, np.uint32)
_ROOM = 1 << 12


def block(
    network: LiveNetwork,
    rumour: Ids,
    k: int,
    what: Blocked = "agents",
    *,
    runs: int = RUNS,
    report: Report = quiet,
) -> I64:
    """Return what to block, in the order of choice; fewer than ``k`` if the rest has no effect.

    Parameters
    ----------
    network
        The network with its model. A blocked tie carries nothing, a blocked member neither
        adopts nor passes on; their weight is not redistributed.
    rumour
        uint32: the agents that have the rumour, never blocked.
    k
        Number of members or ties to block.
    what
        ``"agents"``, or ``"ties"``.
    runs
        Number of live-edge graphs, the same in every round.
    report
        Progress callback; may cancel.

    Returns
    -------
    int64
        Agents, or places of ties in ``network.ties.targets``.

    Examples
    --------
    >>> from sim.network.graph.ties import Ties
    >>> from sim.spread.influence.live_edges import LiveEdges
    >>> ties = Ties.from_arcs([0, 0, 1, 2], [1, 2, 3, 4])
    >>> path = LiveNetwork(ties, LiveEdges(1.0), seed=7)
    >>> sorted(block(path, np.array([0], np.uint32), 2).tolist())
    [1, 2]
    """
    rounds = _Rounds(network, np.unique(rumour).astype(np.uint32), what, runs)
    found: list[int] = []
    for turn in range(k):
        report("looking for whom to block", turn / k)
        best = rounds.best()
        if best < 0:
            break
        found.append(best)
        rounds.take(best)
    return np.array(found, np.int64)


class _Rounds:
    """Losses in the same runs, given what was blocked before."""

    def __init__(self, network: LiveNetwork, rumour: Ids, what: Blocked, runs: int) -> None:
        self.network, self.rumour, self.is_ties = network, rumour, what == "ties"
        self.keys = rng.words(rng.key(network.seed, Stream.REHEARSALS), np.arange(runs))
        self.closed = network.closed.copy()
        self.dead: U8 = np.zeros(network.ties.count if self.is_ties else 0, np.uint8)
        lots = rng.key(network.seed, Stream.EQUALS)
        size = network.ties.count if self.is_ties else network.agents
        self._lots = rng.words(lots, np.arange(size))

    def best(self) -> int:
        """Return the choice with the largest loss, equal ones by a draw; -1 if there is none."""
        threads = min(workers(), self.keys.size)
        portions = np.array_split(self.keys, threads)
        with ThreadPoolExecutor(threads, thread_name_prefix="blocking") as pool:
            parts = list(pool.map(self._losses, portions))
        losses: npt.NDArray[np.int64] = np.sum(parts, axis=0)
        if not losses.size or not losses.max():
            return -1
        equal = np.flatnonzero(losses == losses.max())
        return int(equal[np.argmin(self._lots[equal])])

    def take(self, place: int) -> None:
        """Block a member or tie."""
        if self.is_ties:
            self.dead[place] = 1
        else:
            set_bits(np.array([place], np.uint32), self.closed)

    def _losses(self, keys: npt.NDArray[np.uint64]) -> I64:
        """Return the losses of some runs with each agent or tie, int64."""
        network = self.network
        agents = _NO_AGENTS if self.is_ties else np.zeros(network.agents, np.int64)
        ties = np.zeros(network.ties.count, np.uint32) if self.is_ties else _NO_LOSSES
        place, live = np.full(network.agents, -1, np.int32), np.empty(_ROOM, np.int64)
        queue, seen = np.empty(network.agents, np.uint32), self.closed.copy()
        dead = self.dead if self.dead.any() else self.dead[:0]
        for key in keys:
            while True:
                reached, met = followed(
                    *network.forwards, *network.backwards, network.chances, seen, dead, False,
                    self.rumour, key, queue, live, False,
                )  # fmt: skip
                if 2 * met <= live.size:
                    break
                live = np.empty(3 * met, np.int64)
            seeds = int(np.isin(queue[: self.rumour.size], self.rumour).sum())
            add_losses(queue, reached, seeds, network.ties.targets, live, met, place, agents, ties)
        return ties.astype(np.int64) if self.is_ties else agents
