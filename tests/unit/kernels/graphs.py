"""Small networks as kernels of analysis take them, and as networkx and numpy know them."""

from collections.abc import Iterable, Iterator
from typing import Any

import networkx as nx
import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from tests.unit.kernels.networks import lent

MOST = 14


class Small:
    """Rows of distinct ties without loops; ``mutual`` adds the reverse of each.

    Attributes
    ----------
    arcs
        The ties in order of (source, target).
    """

    def __init__(
        self, arcs: Iterable[tuple[int, int]], agents: int = MOST, *, mutual: bool = False
    ) -> None:
        told = {(int(a), int(b)) for a, b in arcs if a != b}
        self.arcs = sorted(told | {(b, a) for a, b in told} if mutual else told)
        self.agents = agents
        lengths = np.bincount([a for a, _ in self.arcs], minlength=agents)
        starts = np.cumsum(lengths) - lengths
        rows = np.stack([starts, lengths], axis=1)
        self.rows: npt.NDArray[np.uint32] = lent(rows.astype(np.uint32))
        self.targets = lent(np.array([b for _, b in self.arcs], np.uint32))

    @property
    def place(self) -> tuple[Any, Any]:
        """The first arguments of a kernel."""
        return self.rows, self.targets

    @property
    def degree(self) -> npt.NDArray[np.int32]:
        return self.rows[:, 1].astype(np.int32)

    @property
    def reverse(self) -> "Small":
        return Small([(b, a) for a, b in self.arcs], self.agents)

    @property
    def directed(self) -> Any:
        graph = nx.DiGraph()
        graph.add_nodes_from(range(self.agents))
        graph.add_edges_from(self.arcs)
        return graph

    @property
    def graph(self) -> Any:
        return self.directed.to_undirected()

    def row(self, u: int) -> list[int]:
        return [b for a, b in self.arcs if a == u]

    def matrix(self, values: npt.ArrayLike = 1) -> npt.NDArray[np.int64]:
        """A square matrix with a value for each tie."""
        square = np.zeros((self.agents, self.agents), np.int64)
        sources = np.repeat(np.arange(self.agents), self.rows[:, 1])
        square[sources, self.targets] = values
        return square


def drawn(agents: int, ties: int, seed: int = 1, *, mutual: bool = False) -> Small:
    """A random network of about so many ties."""
    arcs = np.random.default_rng(seed).integers(0, agents, (ties, 2))
    return Small(arcs.tolist(), agents, mutual=mutual)


arcs = st.lists(st.tuples(st.integers(0, MOST - 1), st.integers(0, MOST - 1)), max_size=60)
"""Ties of networks of :data:`MOST` agents."""


def spans(stop: int, size: int = 5) -> Iterator[tuple[int, int]]:
    """Ranges that cover 0 to ``stop``, as a caller gives them to a kernel."""
    for begin in range(0, stop, size):
        yield begin, min(begin + size, stop)
