"""Numbers of simulated messages as smooth functions of parameters, from the points that were tried.

A quadratic surface for each number, fitted to the points nearest to what was observed (an emulator
in the sense of history matching: Vernon, Goldstein & Bower, Bayesian Analysis 5, 2010). What it
does not follow counts as a further error of each number.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Surfaces", "enough_points", "misses"]

Floats = npt.NDArray[np.float64]

_RIDGE = 1e-8


def enough_points(free: int) -> int:
    """Return how many points surfaces of so many parameters take at least."""
    return (free + 1) * (free + 2) // 2 + 4


def misses(values: Floats, aimed: Floats, covariance: Floats) -> Floats:
    """Return squared distances in standard errors, float64 (points,).

    Parameters
    ----------
    values
        float64 (points, p).
    aimed, covariance
        float64 (p,) and (p, p).
    """
    whitened = np.linalg.solve(np.linalg.cholesky(covariance), (values - aimed).T)
    return np.asarray((whitened**2).sum(axis=0))


@dataclass(frozen=True, slots=True)
class Surfaces:
    """Quadratic surfaces over shares of ranges.

    Attributes
    ----------
    centre, width
        float64 (d,): about where, and on what scale, they were fitted.
    factors
        float64 (terms, p).
    lack
        float64 (p, p): covariance of what they miss.
    """

    centre: Floats
    width: Floats
    factors: Floats
    lack: Floats

    @classmethod
    def through(cls, points: Floats, values: Floats, weights: Floats) -> Surfaces:
        """Fit surfaces by weighted least squares.

        Parameters
        ----------
        points
            float64 (n, d), n above the number of terms.
        values
            float64 (n, p).
        weights
            float64 (n,), above 0.
        """
        share = weights / weights.sum()
        centre = share @ points
        width: Floats = np.sqrt(share @ (points - centre) ** 2) + 1e-9
        terms = _terms((points - centre) / width)
        root = np.sqrt(weights)[:, None]
        left = terms * root
        square = left.T @ left
        square[np.diag_indices_from(square)] += _RIDGE * np.trace(square) / len(square)
        factors = np.asarray(np.linalg.solve(square, left.T @ (values * root)), np.float64)
        rest = (values - terms @ factors) * np.sqrt(share)[:, None]
        freedom = max(len(points) - terms.shape[1], 1) / len(points)
        return cls(centre, width, factors, np.asarray(rest.T @ rest / freedom, np.float64))

    def at(self, points: Floats) -> Floats:
        """Return the numbers at points, float64 (n, p)."""
        return np.asarray(_terms((points - self.centre) / self.width) @ self.factors)


def _terms(points: Floats) -> Floats:
    first, second = np.triu_indices(points.shape[1])
    ones = np.ones((len(points), 1))
    return np.hstack([ones, points, points[:, first] * points[:, second]])
