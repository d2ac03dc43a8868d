"""Measures of opinions: mean, polarisation, number of clusters."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sim.arrays import F64
from sim.spread.opinions.averaging_kernels import count_bins

Span = tuple[float, float]

_BINS = 200
_LEAST_SHARE = 0.05


def clusters(opinions: F64, span: Span, *, least: float = _LEAST_SHARE) -> list[tuple[float, int]]:
    """Return the groups of like opinions: (mean opinion, members), ascending.

    A group is a run of opinions without a gap of 1/200 of the range or more; counted are those
    with at least the share ``least`` of all agents.

    Examples
    --------
    >>> clusters(np.array([0.25, 0.25, 0.75, 0.25, 0.75]), (0.0, 1.0))
    [(0.25, 3), (0.75, 2)]
    """
    ordered = np.sort(opinions[~np.isnan(opinions)])
    gap = (span[1] - span[0]) / _BINS
    parts = np.split(ordered, np.flatnonzero(np.diff(ordered) >= gap) + 1)
    kept = [part for part in parts if part.size and part.size >= least * ordered.size]
    return [(float(part.mean()), part.size) for part in kept]


def measured(opinions: F64, span: Span) -> dict[str, float]:
    """Return what a chart of opinions is summed up by."""
    known = opinions[~np.isnan(opinions)]
    if not known.size:
        return {
            "mean": float("nan"),
            "variance": float("nan"),
            "clusters": 0.0,
            "polarisation": 0.0,
        }
    variance = float(known.var())
    tally = np.zeros(_BINS, np.int64)
    count_bins(known, *span, span[1] - span[0], tally)
    return {
        "mean": float(known.mean()),
        "variance": variance,
        "clusters": float(_groups(tally)),
        "polarisation": 4 * variance / (span[1] - span[0]) ** 2,
    }


def _groups(tally: npt.NDArray[np.int64]) -> int:
    """Count runs of filled bins that hold enough."""
    filled = np.concatenate([[False], tally > 0, [False]])
    ends = np.flatnonzero(filled[1:] != filled[:-1])
    summed = np.concatenate([[0], np.cumsum(tally)])
    sizes = summed[ends[1::2]] - summed[ends[::2]]
    return int((sizes >= _LEAST_SHARE * tally.sum()).sum())
