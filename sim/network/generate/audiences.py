"""Networks like those that retweet trees grew on: communities, and accounts that many hear."""

import math
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from sim.core.params import Field
from sim.core.progress import Report
from sim.core.rng import uniforms
from sim.errors import CapacityError
from sim.network.generate.generators import (
    AUDIENCES,
    HEARERS,
    MOST_DEGREE,
    PLACES,
    DrawnArcs,
    Words,
    network_key,
)
from sim.network.generate.planted import PlantedCommunities

__all__ = ["RetweetLike"]

Longs = npt.NDArray[np.int64]

_MOST_TIES = (1 << 32) - 1
_USUAL_SHARE = 0.03
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
        0, ge=0, le=1 << 31, description="median listeners of a root; 0: 3 % of the members"
    )
    audience_sd: float = Field(
        0.75, ge=0, le=3, description="sd of the logarithm of the audiences of roots"
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

    def _audiences(self, members: int, seed: int) -> Longs:
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

    def _heard(self, members: int, root: int, audiences: Longs, seed: int, report: Report) -> Words:
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


def _distinct(count: int, members: int, address: np.uint64, root: int) -> Words:
    """Return the first ``count`` different members of a stream of even draws."""
    tries = int(count * _SPARE) + 64
    while True:
        drawn = (uniforms(address, root, np.arange(tries)) * members).astype(np.uint32)
        _, firsts = np.unique(drawn, return_index=True)
        if firsts.size >= count:
            return drawn[np.sort(firsts)[:count]]
        tries *= 2
