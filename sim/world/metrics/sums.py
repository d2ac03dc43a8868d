"""Sums behind metrics: inequality, camps, and how far ties stay within groups."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sim.arrays import F64
from sim.core import rng
from sim.core.rng import Stream
from sim.world.contract import WorldState
from sim.world.metrics import sums_kernels as kernels

SAMPLE = 4096
"""Agents whose ties are looked at, and draws for clustering."""

_NAN = float("nan")


def gini(values: npt.ArrayLike) -> float:
    """Return how unequally a good is shared, in [0, 1): 0 when all have the same.

    Sample Gini coefficient, sum (2 i - n - 1) x_i / (n sum x) of the values in rising order; NaN
    where there is nothing to share.

    Examples
    --------
    >>> gini([1, 1, 1]), gini([0, 0, 4])
    (0.0, 0.6666666666666666)
    """
    ordered = np.sort(np.asarray(values, np.float64))
    total = float(ordered.sum())
    if not total > 0:
        return _NAN
    weights = 2.0 * np.arange(1, ordered.size + 1) - ordered.size - 1
    return float(weights @ ordered) / (ordered.size * total)


def bimodality(values: npt.ArrayLike) -> float:
    """Return Sarle's bimodality coefficient in (0, 1]; above 5/9, the uniform law's, two camps.

    With sample skewness g and excess kurtosis k, (g^2 + 1) / (k + 3 (n-1)^2 / ((n-2)(n-3))); NaN
    for fewer than four values or where all are the same (Pfister et al., Front. Psychol. 2013).

    Examples
    --------
    >>> round(bimodality([-1, 1] * 500), 2), round(bimodality(np.linspace(0, 1, 1000)), 2)
    (1.0, 0.55)
    """
    x = np.asarray(values, np.float64)
    x = x[~np.isnan(x)]
    n = x.size
    spread = float(x.std()) if n > 3 else 0.0
    if not spread > 0:
        return _NAN
    z = (x - x.mean()) / spread
    skew = float((z**3).mean()) * np.sqrt(n * (n - 1)) / (n - 2)
    flat = float((z**4).mean()) - 3
    excess = (n - 1) / ((n - 2) * (n - 3)) * ((n + 1) * flat + 6)
    return float((skew**2 + 1) / (excess + 3 * (n - 1) ** 2 / ((n - 2) * (n - 3))))


def opinion_measures(opinions: F64, span: tuple[float, float]) -> dict[str, float]:
    """Return the variance, polarisation and bimodality of opinions, NaN ones left out.

    Polarisation is the variance as a share of the largest that the range allows.
    """
    known = opinions[~np.isnan(opinions)]
    if not known.size:
        return {}
    variance, width = float(known.var()), span[1] - span[0]
    return {
        "opinion_mean": float(known.mean()),
        "variance": variance,
        "polarisation": 4 * variance / width**2,
        "bimodality": bimodality(known),
    }


def tie_mixing(world: WorldState, label: npt.NDArray[np.int32]) -> tuple[float, float]:
    """Return the share of ties that join equal labels, and its standard error.

    Over at most 4,096 agents drawn at random (all, error 0, in smaller worlds); the error is that
    of a ratio of means (Cochran, "Sampling Techniques", 1977). NaN without labelled ties.
    """
    n = len(world.agents)
    chosen = np.arange(n, dtype=np.uint32)
    if n > SAMPLE:
        drawn = rng.words(rng.key(world.seed, Stream.MIXING, world.tick), np.arange(SAMPLE))
        chosen = (drawn % np.uint64(n)).astype(np.uint32)
    live = world.ties.live
    total, within = np.empty((2, chosen.size), np.int64)
    kernels.mixed(live.rows, live.ids, label, chosen, total, within)
    if not total.any():
        return _NAN, _NAN
    share = float(within.sum()) / float(total.sum())
    if n <= SAMPLE:
        return share, 0.0
    off = within - share * total
    spread = np.sqrt(float((off**2).sum()) / (chosen.size * (chosen.size - 1)))
    return share, float(spread / total.mean())
