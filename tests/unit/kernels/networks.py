"""Small random networks as kernels take them, and their coins in plain Python."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from sim.core.rng import words
from sim.jit.claims import FREE


def lent(array: Any) -> Any:
    """The array as the world hands it out: not to be written, a type of its own to the compiler.

    A test that hands over what a world would has the kernel that the world compiles.
    """
    array.setflags(write=False)
    return array


@dataclass
class Net:
    """Rows of a random directed network with a hub, and fresh working columns."""

    agents: int = 80
    ties: int = 500
    seed: int = 1
    hub: int = 3

    def __post_init__(self) -> None:
        draws = np.random.default_rng(self.seed)
        pairs = {(int(a), int(b)) for a, b in draws.integers(0, self.agents, (self.ties, 2))}
        pairs |= {(self.hub, v) for v in range(self.agents)}
        self.arcs = sorted((a, b) for a, b in pairs if a != b)
        lengths = np.bincount([a for a, _ in self.arcs], minlength=self.agents)
        rows = np.stack([np.cumsum(lengths) - lengths, lengths], axis=1)
        self.rows = lent(rows.astype(np.uint32))
        self.targets = lent(np.array([b for _, b in self.arcs], np.uint32))
        trust = draws.integers(0, 65536, len(self.arcs)).astype(np.uint16)
        trust[::9] = 0
        self.trust = lent(trust)
        degree = np.bincount(self.targets, minlength=self.agents)
        self.degree = lent(degree.astype(np.uint32))
        self.done = np.zeros(self.agents // 64 + 1, np.uint64)
        self.claim = np.full(self.agents, FREE)
        self.touched = np.empty(self.agents + 1, np.uint32)

    def close(self, *agents: int) -> None:
        """Set the bit of agents."""
        for v in agents:
            self.done[v // 64] |= np.uint64(1 << v % 64)

    def is_closed(self, v: int) -> bool:
        """Whether the bit of an agent is set."""
        return bool(int(self.done[v // 64]) >> v % 64 & 1)

    def row(self, u: int) -> list[tuple[int, int]]:
        """(place, listener) of every tie of an agent."""
        start, length = (int(x) for x in self.rows[u])
        return [(e, int(self.targets[e])) for e in range(start, start + length)]

    def claims(self) -> dict[int, int]:
        """Who is claimed, by what."""
        return {v: int(c) for v, c in enumerate(self.claim) if c != FREE}

    def place(self) -> tuple[Any, ...]:
        """The network as the first arguments of a kernel."""
        return self.rows, self.targets


def call(kernel: Any, *arguments: Any) -> Any:
    """Call a kernel with arguments that are gathered from several places."""
    return kernel(*arguments)


def ids(*agents: int) -> Any:
    """Agents as kernels take them."""
    return np.array(agents, np.uint32)


def coin(key: Any, u: int, v: int) -> int:
    """The 64 bits at an address, as a Python int."""
    return int(words(key, u, v)[0])


def share(bits: int) -> float:
    return (bits >> 11) * 2.0**-53


def claimed(bits: int, source: int, state: int = 0) -> int:
    """A claim: the draw's low 24 bits, the new state, who convinces."""
    return (bits & 0xFFFFFF) << 40 | state << 32 | source
