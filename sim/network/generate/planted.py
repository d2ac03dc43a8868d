"""Networks with communities that are known beforehand, and those that retweet trees grew on."""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from sim.arrays import F64, I32, I64, U32
from sim.core.params import Field
from sim.core.progress import Report
from sim.core.rng import uniforms
from sim.errors import CapacityError
from sim.jit.exact import log1m
from sim.network.generate import planted_kernels as kernels
from sim.network.generate.generators import (
    ACROSS,
    AUDIENCES,
    EDGES,
    HEARERS,
    MOST_DEGREE,
    PLACES,
    SIZES,
    WEIGHTS,
    DrawnArcs,
    NetworkGenerator,
    collect,
    network_key,
)

_SMALLEST = 20
_LEAST_EXPONENT = 2.05  # below, the mean of a power law hangs on its top alone


@dataclass(frozen=True, slots=True)
class _Plan:
    """Communities before any tie is drawn."""

    sizes: I64
    ends: I64  # first agent after each community
    labels: I32
    mixing: float  # of ties; 0 where there is one community alone


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
            kernels.sizes_by_number(address, agents, smallest, largest, self.size_exponent, sizes)
        else:
            count = kernels.sizes_by_total(
                address, agents, smallest, largest, self.size_exponent, sizes
            )
            sizes = sizes[:count]
        ends = np.cumsum(sizes)
        labels = np.repeat(np.arange(sizes.size, dtype=np.int32), sizes)
        return _Plan(sizes, ends, labels, self.mixing if sizes.size > 1 else 0.0)

    def _limits(self, agents: int) -> tuple[int, int]:
        """Return the sizes allowed; ParameterError when they do not fit each other."""
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
            return kernels.planted_rows(
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
        """Draw expected degrees, falling within each community, and the sums of their squares."""
        # The square root keeps the chance of a tie between the two best known at most 1.
        tops = np.sqrt(plan.sizes * self.mean_degree / max(1 - plan.mixing, 1e-3))
        highs = np.maximum(tops, self.mean_degree * 1.01)
        weights, squares = np.empty(int(plan.ends[-1])), np.empty(plan.sizes.size)
        kernels.power_weights(
            network_key(seed, WEIGHTS), plan.ends, highs, self.mean_degree, self.degree_exponent,
            weights, squares,
        )  # fmt: skip
        order = np.lexsort((-weights, plan.labels))
        return weights[order], squares

    def _within(
        self, plan: _Plan, weights: F64, squares: F64, seed: int, report: Report
    ) -> tuple[U32, U32]:
        total = plan.sizes * self.mean_degree
        # An agent has no tie to itself: what that chance would add goes to the others.
        factors = (1 - plan.mixing) * total / np.maximum(total * total - squares, 1e-3)
        if plan.mixing == 1:
            return np.empty(0, np.uint32), np.empty(0, np.uint32)
        address = network_key(seed, EDGES)

        def step(start: int, stop: int, count: int, heard: U32, hearing: U32) -> tuple[int, int]:
            return kernels.weighted_within(
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
            return kernels.weighted_between(
                address, plan.labels, order, falling, factor, start, stop, count, heard, hearing
            )

        expected = agents * self.mean_degree / 2 * plan.mixing
        return collect(step, agents, expected, "drawing ties between", report)


def _leap_scale(chance: float) -> float:
    """Return 1 / ln(1 - chance), as the leaping kernels take it."""
    if chance >= 1:
        return -0.0
    return 1.0 / log1m(chance) if chance > 0 else -math.inf


_MOST_TIES = (1 << 32) - 1
_USUAL_SHARE = 0.027
_SPARE = 1.2  # draws for each listener wanted, before a second round


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
        0, ge=0, le=1 << 31, description="median listeners of a root; 0: 2.7 % of the members"
    )
    audience_sd: float = Field(
        0.85, ge=0, le=3, description="sd of the logarithm of the audiences of roots"
    )

    def draw(self, agents: int, seed: int, report: Report) -> DrawnArcs:
        """Draw the members' ties, then who hears each root."""
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
        """Return the arcs of members, and the mean of all audiences together."""
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
        """Return how many hear each root; more than all members nobody has."""
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
                f"{self.roots:,} roots with {sum(found):,} listeners are more than the "
                f"{_MOST_TIES:,} ties allowed; lower roots or audience."
            )
        return np.array(found, np.int64)

    def _heard(self, members: int, root: int, audiences: I64, seed: int, report: Report) -> U32:
        """Return the listeners of a root: distinct members, every set as likely."""
        report("drawing audiences", root / self.roots)
        count = int(audiences[root])
        few = min(count, members - count)  # of a large audience, those who are not in it
        drawn = _distinct(few, members, network_key(seed, HEARERS), root)
        if few == count:
            return drawn
        mask = np.ones(members, np.bool_)
        mask[drawn] = False
        return np.flatnonzero(mask).astype(np.uint32)


def _distinct(count: int, members: int, address: np.uint64, root: int) -> U32:
    """Return the first ``count`` different members of a stream of even draws."""
    tries = int(count * _SPARE) + 64
    while True:
        drawn = (uniforms(address, root, np.arange(tries)) * members).astype(np.uint32)
        _, firsts = np.unique(drawn, return_index=True)
        if firsts.size >= count:
            return drawn[np.sort(firsts)[:count]]
        tries *= 2
