"""The random networks: what each may be told, and how it draws its arcs.

A network is its parameters, checked; ``draw`` makes the arcs. All randomness is addressed under
``Stream.TIES``, so that the same seed and parameters give the same network on any machine.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from sim.arrays import U32
from sim.core.params import Field, Parameters
from sim.core.progress import Report
from sim.core.rng import Stream, key, uniforms
from sim.errors import CapacityError, ParameterError
from sim.jit.exact import log1m
from sim.network.generate import generators_kernels as kernels
from sim.network.generate.planted_kernels import power_weights

Step = Callable[[int, int, int, U32, U32], tuple[int, int]]

_EDGES_A_CALL = 1 << 20  # some 20-40 ms a kernel call: a report can cancel between calls
LEAST_DEGREE = 1e-9
"""Below lie numbers whose products with chances are no numbers any more."""
MOST_DEGREE = 100_000
EDGES, ORDER, BUCKETS, SIZES, WEIGHTS, ACROSS, ROUNDING, AUDIENCES, PLACES, HEARERS = range(10)
"""Salts: what a draw is for."""


@dataclass(frozen=True, slots=True)
class DrawnArcs:
    """Arcs of a new network."""

    sources: U32
    targets: U32
    directed: bool = False
    rising: bool = False
    community: npt.NDArray[np.int32] | None = None


class NetworkGenerator(Parameters):
    """A kind of random network, with its parameters."""

    title: ClassVar[str] = ""
    needs_degrees: ClassVar[bool] = False

    def draw(self, agents: int, seed: int, report: Report) -> DrawnArcs:
        """Return the arcs of a network of ``agents`` members; ParameterError when there is none."""
        raise NotImplementedError

    def expected_arcs(self, agents: int) -> float:
        """Return about how many arcs a network of ``agents`` members has."""
        return agents * float(getattr(self, "mean_degree", 0.0))

    def refuse(self, sentence: str) -> ParameterError:
        """Return the error that says in one sentence what does not fit."""
        return ParameterError(f"{self.plugin_name}: {sentence}.")

    def check_density(self, agents: int, mean_degree: float) -> None:
        """Raise ParameterError when so many ties an agent, or so few, are not to be had."""
        if 0 < mean_degree < LEAST_DEGREE:
            raise self.refuse(
                f"mean_degree must be 0 or at least {LEAST_DEGREE:g}, got {mean_degree:g}"
            )
        if mean_degree > agents - 1:
            raise self.refuse(
                f"mean_degree must be at most {agents - 1:,} among {agents:,} agents, "
                f"got {mean_degree:g}"
            )


class PreferentialAttachmentNetwork(NetworkGenerator):
    """Growth in which newcomers prefer the popular: a few hubs, degrees as k**-3.

    Each newcomer brings mean_degree / 2 mutual ties to distinct earlier agents, chosen in
    proportion to degree; the first ones know each other around a circle. Agents are then
    renumbered at random, so that hubs are found at any id. Barabasi & Albert, Science 286, 1999.
    """

    plugin_name = "preferential-attachment"
    title = "hubs that grow (Barabasi-Albert)"

    mean_degree: float = Field(
        20.0, ge=2, le=MOST_DEGREE, description="mean number of ties of an agent"
    )

    def draw(self, agents: int, seed: int, report: Report) -> DrawnArcs:
        """Grow the network one agent at a time; mutual ties."""
        half = self.mean_degree / 2
        core = 2 * math.ceil(half) + 1
        if core > agents:
            raise self.refuse(
                f"mean_degree must be at most {max(agents - 1, 0) // 2 * 2:,} "
                f"among {agents:,} agents, got {self.mean_degree:g}"
            )
        edges = round(agents * half)
        rate = agents / edges
        targets = np.empty(edges, np.uint32)
        address = network_key(seed, EDGES)
        edge = 0
        for start, stop in spans(agents, half, "growing ties", report):
            edge = kernels.attach(address, rate, core, start, stop, edge, targets)
        sources = np.empty(edges, np.uint32)
        kernels.owners(rate, 0, sources)
        _renumber(agents, seed, sources, targets, report)
        return DrawnArcs(sources, targets)


class ErdosRenyi(NetworkGenerator):
    """Pure chance: every two agents are tied with the same probability.

    G(n, p) with p = mean_degree / (n - 1), mutual ties. Erdos & Renyi 1959; Gilbert 1959.
    """

    plugin_name = "erdos-renyi"
    title = "pure chance (Erdos-Renyi)"

    mean_degree: float = Field(
        20.0, ge=0, le=MOST_DEGREE, description="expected number of ties of an agent"
    )

    def draw(self, agents: int, seed: int, report: Report) -> DrawnArcs:
        """Draw the pairs by geometric leaps over those that are not tied."""
        self.check_density(agents, self.mean_degree)
        if self.mean_degree == 0:
            return DrawnArcs(np.empty(0, np.uint32), np.empty(0, np.uint32))
        chance = self.mean_degree / (agents - 1)
        scale = 1.0 / log1m(chance) if chance < 1 else -0.0
        address = network_key(seed, EDGES)

        def step(start: int, stop: int, count: int, heard: U32, hearing: U32) -> tuple[int, int]:
            return kernels.skip_rows(address, scale, agents, start, stop, count, heard, hearing)

        expected = agents * self.mean_degree / 2
        return DrawnArcs(*collect(step, agents, expected, "drawing ties", report), rising=True)


class SmallWorld(NetworkGenerator):
    """Neighbours on a circle, and a few ties that go anywhere: clustered, yet short paths.

    Each agent is tied to the mean_degree nearest on a circle; each tie then moves its far end
    with the chance ``rewiring`` to an agent drawn evenly. Watts & Strogatz, Nature 393, 1998.
    """

    plugin_name = "small-world"
    title = "neighbours and short cuts (Watts-Strogatz)"

    mean_degree: float = Field(
        20.0, ge=2, le=MOST_DEGREE, description="mean number of ties of an agent"
    )
    rewiring: float = Field(0.1, ge=0, le=1, description="share of ties that go anywhere")

    def draw(self, agents: int, seed: int, report: Report) -> DrawnArcs:
        """Lay the circle, then rewire agent by agent; mutual ties."""
        half = self.mean_degree / 2
        if 2 * math.ceil(half) > agents - 1:
            raise self.refuse(
                f"mean_degree must be at most {max(agents - 1, 0) // 2 * 2:,} "
                f"among {agents:,} agents, got {self.mean_degree:g}"
            )
        targets = np.empty(int(agents * half), np.uint32)
        report("laying the circle", 0.0)
        kernels.ring(half, agents, targets)
        address = network_key(seed, EDGES)
        for start, stop in spans(agents, half, "rewiring ties", report):
            kernels.rewire(address, half, self.rewiring, agents, start, stop, targets)
        firsts = (np.arange(agents + 1) * half).astype(np.int64)
        sources = np.repeat(np.arange(agents, dtype=np.uint32), np.diff(firsts))
        return DrawnArcs(sources, targets)


def network_key(seed: int, purpose: int) -> np.uint64:
    """Return the key of one purpose of a network's draws."""
    return key(seed, Stream.TIES, salt=purpose)


def collect(
    step: Step, agents: int, expected: float, stage: str, report: Report
) -> tuple[U32, U32]:
    """Run a row kernel over all agents, with room that grows when chance needs more."""
    room = int(expected + 6 * math.sqrt(expected)) + 64
    sources, targets = np.empty(room, np.uint32), np.empty(room, np.uint32)
    count = 0
    for start, stop in spans(agents, expected / agents, stage, report):
        row = start
        while row < stop:
            row, count = step(row, stop, count, sources, targets)
            if row < stop:
                room += room // 8 + agents
                sources, targets = _with_room(sources, room), _with_room(targets, room)
    return sources[:count], targets[:count]


def _with_room(column: U32, room: int) -> U32:
    grown = np.empty(room, np.uint32)
    grown[: column.size] = column
    return grown


def spans(agents: int, edges_each: float, stage: str, report: Report) -> Iterator[tuple[int, int]]:
    """Yield ranges of agents of about a million edges each, and report before each."""
    size = max(1, int(_EDGES_A_CALL / (1 + edges_each)))
    for start in range(0, agents, size):
        report(stage, start / agents)
        yield start, min(start + size, agents)


def _renumber(agents: int, seed: int, sources: U32, targets: U32, report: Report) -> None:
    """Give the agents of an edge list new ids in random order, in place."""
    labels = np.arange(agents, dtype=np.uint32)
    kernels.shuffle(network_key(seed, ORDER), 0, agents, labels)
    for ids in (sources, targets):
        for start in range(0, ids.size, _EDGES_A_CALL):
            kernels.relabel(labels, start, min(start + _EDGES_A_CALL, ids.size), ids)
            report("numbering agents", start / ids.size)


class Configuration(NetworkGenerator):
    """Given degrees, otherwise chance: agent i is heard by ``degrees[i, 0]`` and hears ``[i, 1]``.

    Out-stubs meet in-stubs in random order; loops and duplicates are dropped and counted. Without
    degree pairs, every agent hears as many as hear it, and that number follows a power law.
    Molloy & Reed, Random Structures & Algorithms 6, 1995; directed: Newman, Strogatz & Watts 2001.
    """

    plugin_name = "configuration"
    title = "given degrees (configuration model)"
    needs_degrees = True

    mean_degree: float = Field(
        20.0, gt=0, le=MOST_DEGREE, description="mean degree, where no degree pairs are given"
    )
    exponent: float = Field(
        2.5, ge=2.05, le=10, description="degrees fall as k**-exponent, where none are given"
    )

    def draw(self, agents: int, seed: int, report: Report) -> DrawnArcs:
        """Draw power-law degrees and match their stubs."""
        self.check_density(agents, self.mean_degree)
        degrees = self._power_degrees(agents, seed)
        return self.match(np.column_stack([degrees, degrees]), seed, report)

    def match(self, degrees: npt.ArrayLike, seed: int, report: Report) -> DrawnArcs:
        """Match the stubs of degree pairs, integers (n, 2); ParameterError when they do not fit."""
        pairs = self._vetted(degrees)
        agents = np.arange(len(pairs), dtype=np.uint32)
        report("shuffling stubs", 0.0)
        stubs = np.repeat(agents, pairs[:, 1])
        targets = np.empty_like(stubs)
        stops = np.empty(256, np.int64)
        kernels.bucket(network_key(seed, BUCKETS), stubs, targets, stops)
        del stubs
        start = 0
        for place, stop in enumerate(stops.tolist()):
            kernels.shuffle(network_key(seed, ORDER), start, stop, targets)
            report("shuffling stubs", (place + 1) / 256)
            start = stop
        return DrawnArcs(np.repeat(agents, pairs[:, 0]), targets, directed=True)

    def _vetted(self, degrees: npt.ArrayLike) -> npt.NDArray[np.int64]:
        pairs = np.asarray(degrees)
        if pairs.ndim != 2 or pairs.shape[1] != 2 or pairs.dtype.kind not in "iu":
            raise self.refuse("degrees must be whole numbers in two columns, (agents, 2)")
        if pairs.size and int(pairs.min()) < 0:
            row = int(np.argmax((pairs < 0).any(axis=1)))
            raise self.refuse(f"degrees must be at least 0, got {pairs[row].tolist()} in row {row}")
        out_total, in_total = (int(total) for total in pairs.sum(axis=0, dtype=np.uint64))
        if out_total != in_total:
            raise self.refuse(
                "both columns of degrees must have the same sum, "
                f"got {out_total:,} and {in_total:,}"
            )
        if out_total >= 1 << 32:
            raise CapacityError(f"{out_total:,} ties are more than the {(1 << 32) - 1:,} allowed.")
        return pairs.astype(np.int64, copy=False)

    def _power_degrees(self, agents: int, seed: int) -> npt.NDArray[np.int64]:
        """Draw whole degrees with the asked mean, up to the square root of all ties."""
        top = min(math.sqrt(agents * self.mean_degree), agents - 1.0)
        highs = np.array([max(top, self.mean_degree * 1.01)])
        weights = np.empty(agents)
        power_weights(
            network_key(seed, WEIGHTS), np.array([agents]), highs, self.mean_degree, self.exponent,
            weights, np.empty(1),
        )  # fmt: skip
        weights += uniforms(network_key(seed, ROUNDING), np.arange(agents))
        return np.minimum(weights.astype(np.int64), agents - 1)
