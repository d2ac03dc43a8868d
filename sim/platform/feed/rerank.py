"""Rerankers that look at the whole of a feed, for recommenders to call."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from sim.arrays import F32
from sim.platform.feed import rerank_kernels as kernels
from sim.platform.feed.candidates import Candidates


def varied(
    candidates: Candidates,
    scores: npt.NDArray[Any],
    slots: int,
    *,
    variety: float,
    same_author: float,
) -> F32:
    """Return scores under which feeds repeat themselves less.

    The best candidate comes first, then again and again the best after taking off ``variety`` times
    its largest share of tags in common with one above it, and ``same_author`` for each message
    above it of the same author. Carbonell & Goldstein, SIGIR 1998 (maximal marginal relevance).

    Parameters
    ----------
    candidates
        Of many viewers.
    scores
        float32 (candidates,).
    slots
        Places of a feed.
    variety, same_author
        Weights, not below 0.
    """
    out = np.empty(len(candidates), np.float32)
    tags = np.ascontiguousarray(candidates.tags)
    kernels.spread_out(
        candidates.stops, np.ascontiguousarray(scores, np.float32), candidates.bits, tags,
        candidates.author, slots, variety, same_author, out,
    )  # fmt: skip
    return out


def mixed(
    candidates: Candidates,
    scores: npt.NDArray[Any],
    first: npt.NDArray[np.bool_],
    ratio: float,
) -> F32:
    """Return scores under which a share of every feed goes to some candidates, in order of scores.

    Parameters
    ----------
    candidates, scores
        As :func:`varied`.
    first
        bool (candidates,): which the share is for.
    ratio
        The share of places, in [0, 1]; the others fill what either leaves empty.
    """
    out = np.empty(len(candidates), np.float32)
    kernels.mix_shares(
        candidates.stops, np.ascontiguousarray(scores, np.float32), candidates.bits,
        np.ascontiguousarray(first).view(np.uint8), ratio, out,
    )  # fmt: skip
    return out
