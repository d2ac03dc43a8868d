"""Random networks by name: their parameters, and how each draws its arcs.

A network is its validated parameters; ``draw`` creates the arcs. All randomness is addressed under
``Stream.TIES``, so that the same seed and parameters give the same network on any machine.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from statistics import NormalDist
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from sim.arrays import F64, I32, I64, U32
from sim.core.params import Field, Parameters, ParameterSpec, describe
from sim.core.progress import Report, quiet
from sim.core.rng import Stream, key, uniforms
from sim.core.text import plural
from sim.errors import CapacityError, InputError, ParameterError, UnknownNameError
from sim.jit.exact import log1m
from sim.network.generate import generators_kernels as kernels
from sim.network.generate import planted_kernels as planting
from sim.network.generate.planted_kernels import power_weights
from sim.network.graph.ties import Ties

Step = Callable[[int, int, int, U32, U32], tuple[int, int]]

_EDGES_A_CALL = 1 << 20  # about 20-40 ms a kernel call: a report can cancel between calls
LEAST_DEGREE = 1e-9
"""With smaller values, products with probabilities are no longer valid numbers."""
MOST_DEGREE = 100_000
EDGES, ORDER, BUCKETS, SIZES, WEIGHTS, ACROSS, ROUNDING, AUDIENCES, PLACES, HEARERS = range(10)
"""Salts, one per purpose of a draw."""


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

    def draw(self, agents: int, seed: int, report: Report) -> DrawnArcs:
        """Return the arcs of a network of ``agents`` members, or raise ParameterError."""
        raise NotImplementedError

    def expected_arcs(self, agents: int) -> float:
        """Return the approximate number of arcs of a network of ``agents`` members."""
        return agents * float(getattr(self, "mean_degree", 0.0))

    def refuse(self, sentence: str) -> ParameterError:
        """Return an error whose message states in one sentence what is wrong."""
        return ParameterError(f"{self.plugin_name}: {sentence}.")

    def check_density(self, agents: int, mean_degree: float) -> None:
        """Raise ParameterError if the requested mean degree is impossible."""
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
        """Draw the pairs by geometric skips over those that are not tied."""
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
        """Draw the circle, then rewire agent by agent; mutual ties."""
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
    """Return the key for one purpose of a network's draws."""
    return key(seed, Stream.TIES, salt=purpose)


def collect(
    step: Step, agents: int, expected: float, stage: str, report: Report
) -> tuple[U32, U32]:
    """Run a row kernel over all agents, growing the output arrays as needed."""
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
    """Yield ranges of agents of about a million edges each, with a report before each."""
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
        """Match the stubs of degree pairs, integers (n, 2); raise ParameterError if impossible."""
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
        """Draw integer degrees with the requested mean, up to the square root of all ties."""
        top = min(math.sqrt(agents * self.mean_degree), agents - 1.0)
        highs = np.array([max(top, self.mean_degree * 1.01)])
        weights = np.empty(agents)
        power_weights(
            network_key(seed, WEIGHTS), np.array([agents]), highs, self.mean_degree, self.exponent,
            weights, np.empty(1),
        )  # fmt: skip
        weights += uniforms(network_key(seed, ROUNDING), np.arange(agents))
        return np.minimum(weights.astype(np.int64), agents - 1)


_SMALLEST = 20
_LEAST_EXPONENT = 2.05  # below, the mean of a power law depends almost only on its upper end


@dataclass(frozen=True, slots=True)
class _Plan:
    """Communities, before any tie is drawn."""

    sizes: I64
    ends: I64  # first agent after each community
    labels: I32
    mixing: float  # share of ties; 0 if there is only one community


class PlantedCommunities(NetworkGenerator):
    """Known communities of power-law sizes, tied more within than between; hubs by default.

    A share ``mixing`` of the ties leaves its community. Expected degrees follow a power law of
    ``degree_exponent`` in each community, or are all equal with 0 (a stochastic block model:
    Holland, Laskey & Leinhardt 1983; with degrees: Karrer & Newman, Phys. Rev. E 83, 2011; sizes
    and mixing as in Lancichinetti, Fortunato & Radicchi, Phys. Rev. E 78, 2008). Members of a
    community have consecutive ids, the best known first. Mutual ties.
    """

    plugin_name = "planted-communities"
    title = "communities (planted, power-law sizes)"

    mean_degree: float = Field(
        20.0, gt=0, le=MOST_DEGREE, description="expected number of ties of an agent"
    )
    mixing: float = Field(
        0.2, ge=0, le=1, description="share of ties that lead to other communities"
    )
    communities: int = Field(
        0, ge=0, le=10_000_000, description="how many; 0: as many as the sizes give"
    )
    size_exponent: float = Field(
        2.0, ge=0, le=10, description="community sizes fall as s**-size_exponent"
    )
    smallest: int = Field(
        0, ge=0, description="members of the smallest; 0: twice the ties within, at least 20"
    )
    largest: int = Field(0, ge=0, description="members of the largest; 0: a tenth of all")
    degree_exponent: float = Field(
        2.5, ge=0, le=10, description="degrees fall as k**-degree_exponent; 0: all expect the same"
    )

    def draw(self, agents: int, seed: int, report: Report) -> DrawnArcs:
        """Draw the sizes, then the ties within and between."""
        if 0 < self.degree_exponent < _LEAST_EXPONENT:
            raise self.refuse(
                f"degree_exponent must be 0 or at least {_LEAST_EXPONENT}, "
                f"got {self.degree_exponent:g}"
            )
        self.check_density(agents, self.mean_degree)
        plan = self._plan(agents, seed)
        draw = self._draw_weighted if self.degree_exponent else self._draw_alike
        sources, targets = draw(plan, seed, report)
        alike = not self.degree_exponent
        return DrawnArcs(sources, targets, rising=alike, community=plan.labels)

    def _plan(self, agents: int, seed: int) -> _Plan:
        smallest, largest = self._limits(agents)
        sizes = np.empty(self.communities or agents // smallest, np.int64)
        address = network_key(seed, SIZES)
        if self.communities:
            planting.sizes_by_number(address, agents, smallest, largest, self.size_exponent, sizes)
        else:
            count = planting.sizes_by_total(
                address, agents, smallest, largest, self.size_exponent, sizes
            )
            sizes = sizes[:count]
        ends = np.cumsum(sizes)
        labels = np.repeat(np.arange(sizes.size, dtype=np.int32), sizes)
        return _Plan(sizes, ends, labels, self.mixing if sizes.size > 1 else 0.0)

    def _limits(self, agents: int) -> tuple[int, int]:
        """Return the allowed sizes; raise ParameterError if they do not fit each other."""
        within = (1 - self.mixing) * self.mean_degree
        least = math.ceil(within) + 1
        most = agents // max(self.communities, 1)
        smallest = self.smallest or max(1, min(max(_SMALLEST, 2 * least), most))
        if smallest < least or smallest > most:
            raise self.refuse(self._sizes_sentence(agents, smallest, least, most))
        largest = self.largest or max(smallest, agents // 10)
        if not smallest <= largest:
            raise self.refuse(
                f"largest must be at least {smallest:,}, the smallest community, got {largest:,}"
            )
        return smallest, min(largest, agents)

    def _sizes_sentence(self, agents: int, smallest: int, least: int, most: int) -> str:
        if least > most:
            return (
                f"{agents:,} agents in {max(self.communities, 1):,} communities leave {most:,} "
                f"members each, fewer than the {least:,} that {least - 1:,} ties within need; "
                "lower communities or mean_degree, or raise mixing"
            )
        return f"smallest must be in [{least:,}, {most:,}] here, got {smallest:,}"

    def _draw_alike(self, plan: _Plan, seed: int, report: Report) -> tuple[U32, U32]:
        agents = int(plan.ends[-1])
        inside = (1 - plan.mixing) * self.mean_degree / np.maximum(plan.sizes - 1, 1)
        outside = float(agents) ** 2 - float(np.dot(plan.sizes, plan.sizes))
        across = plan.mixing * self.mean_degree * agents / outside if plan.mixing else 0.0
        within = np.array([_leap_scale(float(chance)) for chance in inside])
        between = _leap_scale(across)
        address = network_key(seed, EDGES)

        def step(start: int, stop: int, count: int, heard: U32, hearing: U32) -> tuple[int, int]:
            return planting.planted_rows(
                address, plan.labels, plan.ends, within, between, start, stop, count, heard, hearing
            )

        return collect(step, agents, agents * self.mean_degree / 2, "drawing ties", report)

    def _draw_weighted(self, plan: _Plan, seed: int, report: Report) -> tuple[U32, U32]:
        weights, squares = self._weights(plan, seed)
        inside = self._within(plan, weights, squares, seed, report)
        if not plan.mixing:
            return inside
        across = self._between(plan, weights, seed, report)
        return np.concatenate([inside[0], across[0]]), np.concatenate([inside[1], across[1]])

    def _weights(self, plan: _Plan, seed: int) -> tuple[F64, F64]:
        """Draw expected degrees, decreasing within each community, and their sums of squares."""
        # The square root keeps the probability of a tie between the two top members at most 1.
        tops = np.sqrt(plan.sizes * self.mean_degree / max(1 - plan.mixing, 1e-3))
        highs = np.maximum(tops, self.mean_degree * 1.01)
        weights, squares = np.empty(int(plan.ends[-1])), np.empty(plan.sizes.size)
        planting.power_weights(
            network_key(seed, WEIGHTS), plan.ends, highs, self.mean_degree, self.degree_exponent,
            weights, squares,
        )  # fmt: skip
        order = np.lexsort((-weights, plan.labels))
        return weights[order], squares

    def _within(
        self, plan: _Plan, weights: F64, squares: F64, seed: int, report: Report
    ) -> tuple[U32, U32]:
        total = plan.sizes * self.mean_degree
        # There are no self-loops: their probability is distributed to the other pairs.
        factors = (1 - plan.mixing) * total / np.maximum(total * total - squares, 1e-3)
        if plan.mixing == 1:
            return np.empty(0, np.uint32), np.empty(0, np.uint32)
        address = network_key(seed, EDGES)

        def step(start: int, stop: int, count: int, heard: U32, hearing: U32) -> tuple[int, int]:
            return planting.weighted_within(
                address, plan.labels, plan.ends, weights, factors, start, stop, count, heard,
                hearing,
            )  # fmt: skip

        expected = weights.size * self.mean_degree / 2 * (1 - plan.mixing)
        return collect(step, weights.size, expected, "drawing ties within", report)

    def _between(self, plan: _Plan, weights: F64, seed: int, report: Report) -> tuple[U32, U32]:
        order = np.argsort(-weights, kind="stable").astype(np.uint32)
        falling = weights[order]
        agents = weights.size
        outside = float(agents) ** 2 - float(np.dot(plan.sizes, plan.sizes))
        factor = plan.mixing * agents / (outside * self.mean_degree)
        address = network_key(seed, ACROSS)

        def step(start: int, stop: int, count: int, heard: U32, hearing: U32) -> tuple[int, int]:
            return planting.weighted_between(
                address, plan.labels, order, falling, factor, start, stop, count, heard, hearing
            )

        expected = agents * self.mean_degree / 2 * plan.mixing
        return collect(step, agents, expected, "drawing ties between", report)


def _leap_scale(chance: float) -> float:
    """Return 1 / ln(1 - chance), as the skipping kernels expect it."""
    if chance >= 1:
        return -0.0
    return 1.0 / log1m(chance) if chance > 0 else -math.inf


_MOST_TIES = (1 << 32) - 1
_USUAL_SHARE = 0.027
_SPARE = 1.2  # draws per listener needed, before a second round


class RetweetLike(PlantedCommunities):
    """Planted communities of ordinary members, and root accounts outside them with audiences.

    The last ``roots`` ids are accounts in no community, which hear nobody; each is heard by its
    own members, drawn evenly from all. Audiences are lognormal: ``audience`` is their median,
    ``audience_sd`` the sd of their logarithm. Their quantiles are stratified (McKay, Beckman &
    Conover, Technometrics 21, 1979): one in each of ``roots`` equal parts, in random order, so that
    few roots spread as many would. Members are tied as by ``planted-communities``, mutually.
    """

    plugin_name = "retweet-like"
    title = "communities, and roots with audiences"

    mean_degree: float = Field(
        10.0, gt=0, le=MOST_DEGREE, description="expected number of ties of an ordinary member"
    )
    roots: int = Field(
        40, ge=1, le=1_000_000, description="accounts outside the communities, the last ids"
    )
    audience: int = Field(
        0, ge=0, le=1 << 31, description="median followers of a root; 0: 2.7 % of the members"
    )
    audience_sd: float = Field(
        0.85, ge=0, le=3, description="sd of the logarithm of the audiences of roots"
    )

    def draw(self, agents: int, seed: int, report: Report) -> DrawnArcs:
        """Draw the members' ties, then the followers of each root."""
        members = self._members(agents)
        audiences = self._audiences(members, seed)
        ties = super().draw(members, seed, report)
        heard = [self._heard(members, root, audiences, seed, report) for root in range(self.roots)]
        accounts = np.arange(members, agents, dtype=np.uint32)
        labels = np.full(agents, -1, np.int32)
        labels[:members] = np.asarray(ties.community)
        return DrawnArcs(
            np.concatenate([ties.sources, ties.targets, np.repeat(accounts, audiences)]),
            np.concatenate([ties.targets, ties.sources, *heard]),
            directed=True,
            community=labels,
        )

    def expected_arcs(self, agents: int) -> float:
        """Return the number of arcs among members plus the mean of all audiences."""
        members = max(agents - self.roots, 0)
        mean = self._median(members) * math.exp(self.audience_sd**2 / 2)
        return members * self.mean_degree + self.roots * min(mean, members)

    def _members(self, agents: int) -> int:
        if self.roots > agents // 2:
            raise self.refuse(
                f"roots must be at most half of the {agents:,} agents, got {self.roots:,}"
            )
        return agents - self.roots

    def _median(self, members: int) -> float:
        return float(self.audience or max(1, round(_USUAL_SHARE * members)))

    def _audiences(self, members: int, seed: int) -> I64:
        """Return the number of followers of each root, at most all members."""
        median = self._median(members)
        if median > members:
            raise self.refuse(
                f"audience must be at most {members:,}, the members, got {median:,.0f}"
            )
        places = np.argsort(uniforms(network_key(seed, PLACES), np.arange(self.roots)))
        within = uniforms(network_key(seed, AUDIENCES), np.arange(self.roots))
        normal = NormalDist().inv_cdf
        found = [
            min(members, round(median * math.exp(self.audience_sd * normal(max(share, 1e-12)))))
            for share in ((places + within) / self.roots).tolist()
        ]
        if sum(found) > _MOST_TIES:
            raise CapacityError(
                f"{self.roots:,} roots with {sum(found):,} followers are more than the "
                f"{_MOST_TIES:,} ties allowed; lower roots or audience."
            )
        return np.array(found, np.int64)

    def _heard(self, members: int, root: int, audiences: I64, seed: int, report: Report) -> U32:
        """Return the followers of a root: distinct members, all sets equally likely."""
        report("drawing audiences", root / self.roots)
        count = int(audiences[root])
        few = min(count, members - count)  # for a large audience, draw those that are not in it
        drawn = _distinct(few, members, network_key(seed, HEARERS), root)
        if few == count:
            return drawn
        mask = np.ones(members, np.bool_)
        mask[drawn] = False
        return np.flatnonzero(mask).astype(np.uint32)


def _distinct(count: int, members: int, address: np.uint64, root: int) -> U32:
    """Return the first ``count`` distinct members of a stream of uniform draws."""
    tries = int(count * _SPARE) + 64
    while True:
        drawn = (uniforms(address, root, np.arange(tries)) * members).astype(np.uint32)
        _, firsts = np.unique(drawn, return_index=True)
        if firsts.size >= count:
            return drawn[np.sort(firsts)[:count]]
        tries *= 2


_MOST_AGENTS = (1 << 31) - 1
_CHUNK = 1 << 21  # pairs a kernel call: about 30 ms


@dataclass(frozen=True, slots=True)
class NetworkSpec:
    """Description of a kind of network, for forms and flags."""

    name: str
    title: str
    description: str
    parameters: tuple[ParameterSpec, ...]
    cls: type[NetworkGenerator]


def _spec(cls: type[NetworkGenerator]) -> NetworkSpec:
    text = (cls.__doc__ or "").strip()
    return NetworkSpec(cls.plugin_name, cls.title, text, tuple(describe(cls)), cls)


NETWORKS: Mapping[str, NetworkSpec] = MappingProxyType(
    {
        cls.plugin_name: _spec(cls)
        for cls in (
            PreferentialAttachmentNetwork,
            PlantedCommunities,
            SmallWorld,
            ErdosRenyi,
            Configuration,
            RetweetLike,
        )
    }
)
"""All kinds of network by name, the default first."""


@dataclass(frozen=True, slots=True)
class GenerationReport:
    """How a network was generated."""

    network: str
    parameters: Mapping[str, Any]
    agents: int
    ties: int
    loops: int
    duplicates: int
    communities: int

    def describe(self) -> str:
        """Return a one-sentence description."""
        text = f"{self.network}: {plural(self.agents, 'member')}, {plural(self.ties, 'tie')}"
        if self.communities:
            text += f", {plural(self.communities, 'community', 'communities')}"
        dropped = [(self.loops, "loop"), (self.duplicates, "duplicate")]
        told = " and ".join(plural(many, one) for many, one in dropped if many)
        return text + (f"; dropped {told}." if told else ".")


@dataclass(frozen=True, slots=True)
class GeneratedNetwork:
    """A newly generated network."""

    ties: Ties
    community: npt.NDArray[np.int32] | None
    report: GenerationReport


def generate(
    name: str,
    agents: int | None = None,
    *,
    seed: int,
    mean_degree: float | None = None,
    degrees: npt.ArrayLike | None = None,
    report: Report = quiet,
    **parameters: Any,
) -> GeneratedNetwork:
    """Generate a random network; equal arguments give equal networks on any machine.

    Parameters
    ----------
    name
        A name of :data:`NETWORKS`.
    agents
        Number of members, at least 1. Optional with ``degrees``.
    seed
        Any integer.
    mean_degree
        Mean number of followers of an agent; 20 if omitted.
    degrees
        Integers (agents, 2), for ``"configuration"``: the number of followers of each agent, and
        the number it follows. ``mean_degree`` is then ignored.
    report
        Progress callback; may cancel.
    **parameters
        Parameters of the network, see its :class:`NetworkSpec`.

    Returns
    -------
    GeneratedNetwork

    Raises
    ------
    UnknownNameError
        For an unknown name; suggests the nearest.
    ParameterError, InputError
        For invalid arguments, explained in one sentence.

    Examples
    --------
    >>> generate("small-world", 100, seed=7, mean_degree=4, rewiring=0).report.ties
    400
    """
    if name not in NETWORKS:
        raise UnknownNameError("network", name, NETWORKS)
    if mean_degree is not None:
        parameters["mean_degree"] = mean_degree
    network = NETWORKS[name].cls(**parameters)
    if degrees is None:
        drawn = network.draw(_counted(agents), seed, report)
    else:
        drawn, agents = _matched(network, degrees, agents, seed, report)
    return _built(network, drawn, _counted(agents), report)


def _counted(agents: int | None) -> int:
    if agents is None:
        raise InputError("How many agents? Pass a number of at least 1.")
    if not 1 <= agents <= _MOST_AGENTS:
        raise InputError(f"A network has 1 to {_MOST_AGENTS:,} agents, got {agents:,}.")
    return int(agents)


def _matched(
    network: NetworkGenerator, degrees: npt.ArrayLike, agents: int | None, seed: int, report: Report
) -> tuple[DrawnArcs, int]:
    if not isinstance(network, Configuration):
        raise ParameterError(
            f"{network.plugin_name}: it takes no degrees; the network 'configuration' does."
        )
    if "exponent" in network.model_fields_set:
        raise network.refuse("exponent does nothing where degree pairs are given; leave it out")
    pairs = np.asarray(degrees)
    if agents is not None and len(pairs) != agents:
        raise ParameterError(
            f"configuration: {len(pairs):,} degree pairs make {plural(len(pairs), 'agent')}, "
            f"but {agents:,} were asked."
        )
    return network.match(pairs, seed, report), len(pairs)


def _built(
    network: NetworkGenerator, drawn: DrawnArcs, agents: int, report: Report
) -> GeneratedNetwork:
    build = _mirrored if drawn.rising else _sorted
    ties = build(drawn, agents, report)
    planted = 0 if drawn.community is None else int(drawn.community.max()) + 1
    told = GenerationReport(
        network.plugin_name,
        network.values(),
        agents,
        ties.count,
        ties.dropped.loops,
        ties.dropped.duplicates,
        planted,
    )
    return GeneratedNetwork(ties, drawn.community, told)


def _sorted(drawn: DrawnArcs, agents: int, report: Report) -> Ties:
    return Ties.from_arcs(
        drawn.sources, drawn.targets, agents, directed=drawn.directed, report=report
    )


def _mirrored(drawn: DrawnArcs, agents: int, report: Report) -> Ties:
    """Write the rows of pairs that need no sort: half the time of the general way."""
    pairs = (drawn.sources, drawn.targets)
    starts = np.zeros(agents + 1, np.int64)
    for start, stop in _chunks(pairs[0].size, "counting ties", report):
        kernels.count_pairs(*pairs, start, stop, starts[1:])
    np.cumsum(starts, out=starts)
    targets = np.empty(2 * pairs[0].size, np.uint32)
    places = starts[:-1].copy()
    for start, stop in _chunks(pairs[0].size, "laying rows", report):
        kernels.mirror_pairs(*pairs, start, stop, places, targets)
    return Ties.from_rows(starts, targets)


def _chunks(count: int, stage: str, report: Report) -> Iterator[tuple[int, int]]:
    for start in range(0, count, _CHUNK):
        report(stage, start / count)
        yield start, min(start + _CHUNK, count)
