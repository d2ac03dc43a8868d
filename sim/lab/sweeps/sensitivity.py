"""Sensitivity: what a measure owes to each parameter, from the points of a design.

Pure functions over arrays. Intervals are percentiles of a bootstrap over what was drawn
independently (trajectories, base samples, points), by addressed draws, so that the same values have
the same interval.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sim.arrays import F64
from sim.lab.statistics.intervals import bootstrap


class Morris(NamedTuple):
    """Elementary effects of parameters: the change of a measure over a parameter's whole range.

    Attributes
    ----------
    mean, size, spread
        Of the effects: mu, mu* (mean of their sizes), and sigma, each float64 (parameters,).
    low, high
        Interval of mu*.
    """

    mean: F64
    size: F64
    spread: F64
    low: F64
    high: F64


class Sobol(NamedTuple):
    """Shares of the variance of a measure.

    Attributes
    ----------
    first, total
        Due to a parameter alone, and to it with whatever it acts together with; (parameters,).
    first_low, first_high, total_low, total_high
        Their intervals.
    """

    first: F64
    total: F64
    first_low: F64
    first_high: F64
    total_low: F64
    total_high: F64


class RankRegression(NamedTuple):
    """Standardised coefficients of a linear regression of ranks.

    Attributes
    ----------
    coefficients
        In about -1 to 1; float64 (parameters,).
    low, high
        Their intervals; NaN for too few points.
    explained
        Share of the variance of ranks that the regression explains: near 1 where the measure
        rises or falls with each parameter, and then the coefficients may be trusted.
    """

    coefficients: F64
    low: F64
    high: F64
    explained: float


def morris(shares: F64, values: F64, *, confidence: float = 0.95) -> Morris:
    """Return Morris' measures from trajectories.

    Examples
    --------
    >>> from sim.lab.sweeps.designs import morris_sample
    >>> shares = morris_sample(4, 2, seed=1).reshape(4, 3, 2)
    >>> morris(shares, 3 * shares[..., 0] - shares[..., 1]).mean.round(9).tolist()
    [3.0, -1.0]
    """
    steps = np.diff(shares, axis=1)
    changed = np.abs(steps).argmax(axis=2)
    effects = np.empty((len(values), shares.shape[2]))
    slopes = np.diff(values, axis=1) / np.take_along_axis(steps, changed[..., None], 2)[..., 0]
    np.put_along_axis(effects, changed, slopes, axis=1)
    sizes = np.abs(effects)
    low, high = bootstrap(len(values), lambda rows: sizes[rows].mean(axis=1), confidence)
    spread = effects.std(axis=0, ddof=1) if len(values) > 1 else np.full(effects.shape[1], np.nan)
    return Morris(effects.mean(axis=0), sizes.mean(axis=0), spread, low, high)


def sobol(values: F64, *, confidence: float = 0.95) -> Sobol:
    """Return Sobol's indices from Saltelli's sample."""
    centred = values - values[:, [0, -1]].mean()
    found = _indices(centred[None])[0]
    low, high = bootstrap(len(values), lambda rows: _indices(centred[rows]), confidence)
    return Sobol(found[0], found[1], low[0], high[0], low[1], high[1])


def _indices(values: F64) -> F64:
    """Return (resamples, 2, parameters) from (resamples, samples, parameters + 2)."""
    a, ab, b = values[..., :1], values[..., 1:-1], values[..., -1:]
    variance = values[..., [0, -1]].var(axis=(1, 2))[:, None]
    first = (b * (ab - a)).mean(axis=1)
    total = 0.5 * ((a - ab) ** 2).mean(axis=1)
    both = np.stack([first, total], axis=1)
    by = variance[:, None]
    shares: F64 = np.divide(both, by, out=np.zeros_like(both), where=by > 0)
    return shares


def rank_regression(places: F64, values: F64, *, confidence: float = 0.95) -> RankRegression:
    """Return standardised rank regression coefficients.

    Examples
    --------
    >>> grid = np.array([[a, b] for a in range(5) for b in range(5)], float)
    >>> rank_regression(grid, grid[:, 0] ** 3).coefficients.round(9).tolist()
    [1.0, 0.0]
    """
    ranks = np.column_stack([_ranks(column) for column in (*places.T, values)])
    coefficients, explained = _fit(ranks)
    many = places.shape[1]
    if len(values) < many + 3:
        nothing = np.full(many, np.nan)
        return RankRegression(coefficients, nothing, nothing, explained)

    def again(rows: npt.NDArray[np.int64]) -> F64:
        return np.array([_fit(ranks[each])[0] for each in rows])

    low, high = bootstrap(len(values), again, confidence)
    return RankRegression(coefficients, low, high, explained)


def _ranks(column: F64) -> F64:
    from scipy.stats import rankdata

    return np.asarray(rankdata(column), np.float64)


def _fit(ranks: F64) -> tuple[F64, float]:
    centred = ranks - ranks.mean(axis=0)
    spread = centred.std(axis=0)
    scaled = np.divide(centred, spread, out=np.zeros_like(centred), where=spread > 0)
    places, values = scaled[:, :-1], scaled[:, -1]
    coefficients = np.linalg.lstsq(places, values, rcond=None)[0]
    left = values - places @ coefficients
    explained = 1 - float(left @ left) / float(values @ values) if values.any() else 0.0
    return coefficients, explained
