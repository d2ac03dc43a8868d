"""Networks of given degrees: stubs that meet at random."""

import math

import numpy as np
import numpy.typing as npt

from sim.core.params import Field
from sim.core.progress import Report
from sim.core.rng import uniforms
from sim.errors import CapacityError
from sim.network.generate import generators_kernels as kernels
from sim.network.generate.generators import (
    BUCKETS,
    MOST_DEGREE,
    ORDER,
    ROUNDING,
    WEIGHTS,
    DrawnArcs,
    NetworkGenerator,
    network_key,
)
from sim.network.generate.planted_kernels import power_weights

__all__ = ["Configuration"]


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
