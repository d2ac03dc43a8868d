"""Degree discount: listeners, less those whom earlier seeds will have reached.

Chen, Wang & Yang, "Efficient influence maximization in social networks", KDD 2009: for independent
cascades of one small chance. Where each listener's chance is its own, the single discount of the
same paper: an agent that a seed speaks to counts one listener less.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sim.core import rng
from sim.core.rng import Stream
from sim.spread.influence.live_edges import LiveNetwork

__all__ = ["degree_discount"]


def degree_discount(network: LiveNetwork, k: int) -> npt.NDArray[np.uint32]:
    """Return k agents: uint32, in the order of choice, of equals by a draw.

    Parameters
    ----------
    network
        With its model; a constant chance p gives ``d - 2 t - (d - t) t p`` (d listeners, t seeds
        that it hears), any other ``d - t``.
    k
        1 to as many as take part.

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
