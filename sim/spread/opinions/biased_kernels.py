"""Meetings with those who think alike: whom an agent hears is drawn by distance of opinion.

In sequence, and with the draws, of :mod:`sim.spread.opinions.pairs_kernels`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from sim.arrays import F64, U32, U64
from sim.jit.claims import is_open
from sim.jit.jit import kernel
from sim.jit.types import Number, Word
from sim.spread.opinions.pairs_kernels import (
    AHEAD,
    NEVER,
    OpinionTies,
    draw,
    place_in,
    rows_at,
    who_listens,
)

CELL_SHIFT = 47
"""Bits of a distance below its cell: exponent and five bits of mantissa remain."""

_SHIFT = np.uint64(CELL_SHIFT)
_NARROWEST = 32.0 / 33.0 - 1e-9
"""The least ratio of the lower to the upper edge of a cell."""


class Preference(NamedTuple):
    """By which power of distance whom an agent hears is drawn.

    Attributes
    ----------
    bias, least
        The weight of a distance d is max(d, least) ** -bias.
    most
        The greatest distance that the table knows; a strange opinion (NaN, or out of its range), as
        a faulty model makes, counts as that far away until the tick ends and it is refused.
    table, offset
        float64: the bound of each cell; the number of the first cell.
    gap, gap_bits
        float64 (longest row,), and the same memory as uint64.
    sums
        float64 (longest row,).
    """

    bias: float
    least: float
    most: float
    table: F64
    offset: int
    gap: F64
    gap_bits: U64
    sums: F64


@kernel
def weigh(rows: U32, sources: U32, absent: U64, i: Number, x: F64, near: Preference) -> float:
    """Write running sums of an upper bound of each heard agent's weight; returns the last.

    The bound of a weight is that of the lower edge of the cell which holds the distance: cells are
    told apart by the exponent and the five highest bits of the mantissa, so a look into a table
    replaces a power.
    """
    _, least, most, table, offset, gap, gap_bits, sums = near
    start = np.int64(rows[i, 0])
    length = np.int64(rows[i, 1])
    for e in range(length):
        apart = max(abs(x[sources[start + e]] - x[i]), least)
        gap[e] = min(most, apart)  # in this order: NaN is not smaller
    total = 0.0
    if absent.size == 0:
        for e in range(length):
            total += table[np.int64(gap_bits[e] >> _SHIFT) - offset]
            sums[e] = total
        return total
    for e in range(length):
        here = is_open(absent, np.uint64(sources[start + e]))
        total += here * table[np.int64(gap_bits[e] >> _SHIFT) - offset]
        sums[e] = total
    return total


@kernel
def prefer(length: Number, total: float, key: Word, turn: Number, near: Preference) -> Number:
    """Return a place in a row, drawn in proportion to weights, from the sums of :func:`weigh`.

    A place is drawn by the bounds and kept with the chance weight / bound, which is never below
    (32 / 33) ** bias, so that most draws need no power; the law is exact.
    """
    bias, _, _, table, offset, gap, gap_bits, sums = near
    attempt = 8
    surely = _NARROWEST**bias
    while True:
        aim = draw(key, turn, attempt) * total
        low, high = np.int64(0), length - 1
        while low < high:
            middle = (low + high) // 2
            if sums[middle] <= aim:
                low = middle + 1
            else:
                high = middle
        coin = draw(key, turn, attempt + 1)
        if coin < surely:
            return low
        bounded = table[np.int64(gap_bits[low] >> _SHIFT) - offset]
        if coin * bounded < gap[low] ** -bias:
            return low
        attempt += 2


@kernel
def medium_for(own: float, media: F64, bias: float, least: float, drawn: float) -> float:
    """Return the opinion of a medium, by a draw in proportion to max(distance, least) ** -bias."""
    total = 0.0
    for k in range(media.size):
        total += max(abs(media[k] - own), least) ** -bias
    aim = drawn * total
    for k in range(media.size - 1):
        aim -= max(abs(media[k] - own), least) ** -bias
        if aim < 0.0:
            return float(media[k])
    return float(media[media.size - 1])


@kernel
def meet_biased(
    formula: Any, p: F64, hearing: OpinionTies, key: Word, lo: int, hi: int, mutual: int, x: F64,
    near: Preference, media: F64, media_chance: float, media_bias: float,
) -> None:  # fmt: skip
    """As :func:`meet_one`, where an agent rather hears those whose opinion is near its own.

    Parameters
    ----------
    near
        The weights.
    media, media_chance, media_bias
        float64: opinions of media that never move; after each meeting the listener hears one of
        them with this chance, chosen by this bias.
    """
    rows, sources, trust, hearers, absent, fixed, traits = hearing
    count = hearers.size or rows.shape[0]
    who = np.empty(AHEAD, np.int64)
    seen = 0.0
    for first in range(lo, hi, AHEAD):
        size = min(AHEAD, hi - first)
        who_listens(hearers, count, key, first, who[:size])
        seen += rows_at(rows, sources, who[:size], x)
        for k in range(size):
            i = who[k]
            if absent.size and not is_open(absent, np.uint64(i)):
                continue
            length = np.int64(rows[i, 1])
            total = weigh(rows, sources, absent, i, x, near)
            if total > 0.0:
                tie = np.int64(rows[i, 0]) + prefer(length, total, key, first + k, near)
                j = np.int64(sources[tie])
                own, said = x[i], x[j]
                back = tie
                if mutual and (mutual == 2 or trust.size):
                    back = place_in(rows, sources, j, i)
                if not (fixed.size and fixed[i]):
                    share = trust[tie] / 65535.0 if trust.size else 1.0
                    coin = draw(key, first + k, 2)
                    x[i] = formula(own, said, coin, share, traits[i], traits[j], p)
                if mutual and back >= 0 and not (fixed.size and fixed[j]):
                    share = trust[back] / 65535.0 if trust.size else 1.0
                    coin = draw(key, first + k, 3)
                    x[j] = formula(said, own, coin, share, traits[j], traits[i], p)
            shown = media.size > 0 and draw(key, first + k, 4) < media_chance
            if shown and not (fixed.size and fixed[i]):
                said = medium_for(x[i], media, media_bias, near.least, draw(key, first + k, 5))
                coin = draw(key, first + k, 6)
                x[i] = formula(x[i], said, coin, 1.0, traits[i], traits[i], p)
    if seen == NEVER:
        x[0] = seen
