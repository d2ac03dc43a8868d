"""Where parameters may lie: a sample in proportion to how well they fit, and its regions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Posterior", "sobol"]

Floats = npt.NDArray[np.float64]
Miss = Callable[[Floats], Floats]

_DRAWS = 4096
_ROUNDS = 5
_WIDER = 1.6


def sobol(count: int, dimensions: int, seed: int) -> Floats:
    """Return points spread evenly over the unit cube, float64 (count, dimensions).

    Scrambled Sobol points (Owen, Journal of Complexity 14, 1998); the same seed, the same points.
    """
    from scipy.stats import qmc

    power = max(int(np.ceil(np.log2(count))), 0)
    draws = qmc.Sobol(dimensions, scramble=True, rng=seed).random_base2(power)
    return np.asarray(draws[:count])


@dataclass(frozen=True, slots=True)
class Posterior:
    """A weighted sample.

    Attributes
    ----------
    points
        float64 (n, d): shares of ranges, in [0, 1].
    weights
        float64 (n,), of sum 1.
    best
        float64 (d,): the likeliest point.
    least
        The squared distance there, in standard errors.
    """

    points: Floats
    weights: Floats
    best: Floats
    least: float

    @classmethod
    def of(cls, miss: Miss, dimensions: int, seed: int) -> Posterior:
        """Sample ``exp(-miss(points) / 2)`` over the unit cube.

        Importance sampling in five rounds, each drawn from a normal law about the last (Cappe et
        al., Journal of Computational and Graphical Statistics 13, 2004).

        Parameters
        ----------
        miss
            Takes float64 (n, d), returns twice the negative logarithm of a likelihood.
        dimensions
            Of the cube.
        seed
            The same seed, the same sample.
        """
        from scipy.special import ndtri

        points = sobol(_DRAWS, dimensions, seed)
        found, drawn = np.asarray(miss(points)), np.zeros(_DRAWS)
        for turn in range(_ROUNDS):
            weights = _weights(found, drawn)
            # flat at first, so that no round begins from a single point
            flat = _flattened(weights)
            centre = flat @ points
            spread = (points - centre).T @ ((points - centre) * flat[:, None])
            spread = _WIDER * spread + 1e-12 * np.eye(dimensions)
            root = np.linalg.cholesky(spread)
            shares = np.clip(sobol(_DRAWS, dimensions, seed + 1 + turn), 1e-9, 1 - 1e-9)
            normal = ndtri(shares)
            points = centre + normal @ root.T
            inside = ((points >= 0) & (points <= 1)).all(axis=1)
            drawn = -0.5 * (normal**2).sum(axis=1)
            points, drawn = points[inside], drawn[inside]
            found = np.asarray(miss(points))
        place = int(np.argmin(found))
        return cls(points, _weights(found, drawn), points[place], float(found[place]))

    @property
    def mean(self) -> Floats:
        """float64 (d,)."""
        return np.asarray(self.weights @ self.points)

    @property
    def sd(self) -> Floats:
        """float64 (d,)."""
        return np.asarray(np.sqrt(self.weights @ (self.points - self.mean) ** 2))

    @property
    def correlations(self) -> Floats:
        """float64 (d, d)."""
        off = (self.points - self.mean) / np.maximum(self.sd, 1e-12)
        return np.asarray(off.T @ (off * self.weights[:, None]))

    def between(self, level: float) -> tuple[Floats, Floats]:
        """Return the ends of central intervals, each of the level, float64 (d,) and (d,)."""
        lows: list[float] = []
        highs: list[float] = []
        for column in self.points.T:
            order = np.argsort(column, kind="stable")
            reached = np.cumsum(self.weights[order])
            for ends, share in ((lows, (1 - level) / 2), (highs, (1 + level) / 2)):
                place = min(int(np.searchsorted(reached, share)), column.size - 1)
                ends.append(column[order[place]])
        return np.array(lows), np.array(highs)


def _weights(found: Floats, drawn: Floats) -> Floats:
    logs = -0.5 * found - drawn
    weights = np.exp(logs - logs.max())
    return np.asarray(weights / weights.sum())


def _flattened(weights: Floats) -> Floats:
    """Raise weights to a power at which at least a fiftieth of the points count."""
    power = 1.0
    while True:
        flat = weights**power
        flat /= flat.sum()
        if 1 / float((flat**2).sum()) >= weights.size / 50 or power < 1e-3:
            return np.asarray(flat)
        power *= 0.7
