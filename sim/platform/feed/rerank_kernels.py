"""Feeds built one place at a time: each choice affects the scores of the rest."""

from __future__ import annotations

import numpy as np

from sim.arrays import F32, I64, U8, U32, U64
from sim.jit.jit import kernel
from sim.jit.mix import ones
from sim.jit.words import LOW32, ZERO, Word

_FAR = np.float32(-1e30)


@kernel
def _alike(one: Word, other: Word) -> float:
    """Return shared tags / tags of either; 0 without any."""
    either = one | other
    if either == ZERO:
        return 0.0
    return float(ones(one & other)) / float(ones(either))


@kernel
def spread_out(
    stops: I64, scores: F32, draw: U64, tags: U64, author: U32, slots: int, variety: float,
    same_author: float, out: F32,
) -> None:  # fmt: skip
    """Write scores reduced by similarity to candidates chosen before, viewer by viewer.

    Chosen next is the highest of ``score - variety * (largest share of tags in common with one
    chosen) - same_author * (messages chosen of its author)``; sorting by ``out`` gives the order.
    Weights are at least 0; among equals the higher low half of ``draw`` is first.
    """
    for i in range(stops.size - 1):
        low, high = stops[i], stops[i + 1]
        taken = np.zeros(high - low, np.bool_)
        nearest = np.zeros(high - low, np.float64)
        times = np.zeros(high - low, np.float64)
        for c in range(low, high):
            out[c] = scores[c]
        for _ in range(min(slots, high - low)):
            top = np.int64(-1)
            for c in range(low, high):
                if taken[c - low]:
                    continue
                if (
                    top < 0
                    or out[c] > out[top]
                    or (out[c] == out[top] and (draw[c] & LOW32) > (draw[top] & LOW32))
                ):
                    top = np.int64(c)
            taken[top - low] = True
            for c in range(low, high):
                if taken[c - low]:
                    continue
                alike = _alike(tags[c], tags[top])
                if alike > nearest[c - low]:
                    nearest[c - low] = alike
                if author[c] == author[top]:
                    times[c - low] += 1.0
                lost = variety * nearest[c - low] + same_author * times[c - low]
                out[c] = np.float32(float(scores[c]) - lost)


@kernel
def mix_shares(
    stops: I64, scores: F32, draw: U64, kind: U8, ratio: float, out: F32
) -> None:  # fmt: skip
    """Write minus the place of each candidate if a share of places goes to those of kind 1.

    The k-th best of kind 1 (k from 0) has target place (k + 1/2) / ratio, the k-th best of kind 0
    (k + 1/2) / (1 - ratio); of equal places kind 1 is first.
    """
    for i in range(stops.size - 1):
        for c in range(stops[i], stops[i + 1]):
            above = 0
            for other in range(stops[i], stops[i + 1]):
                if kind[other] == kind[c] and (
                    scores[other] > scores[c]
                    or (scores[other] == scores[c] and (draw[other] & LOW32) > (draw[c] & LOW32))
                ):
                    above += 1
            share = ratio if kind[c] == 1 else 1.0 - ratio
            out[c] = _FAR - np.float32(above) * np.float32(1e26)
            if share > 0.0:
                out[c] = np.float32(-(above + 0.5) / share)
