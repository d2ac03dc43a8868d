"""Opinions one meeting at a time: an agent hears another, and a formula moves its opinion.

Meetings run in sequence, each seeing the results of those before it. Pairs are drawn from
addresses (the number of the meeting within the tick), so the draws of a whole batch are made, and
their rows prefetched, before the first of them takes place.

A *formula* is a function of (own opinion, opinion heard, coin in [0, 1), trust in [0, 1], own
traits, the speaker's traits, parameters as float64) that returns the new opinion; the kernels take
it as a value, so that one compilation serves every model.

The draws of meeting k: ``word(key, k)`` chooses the listener; by number (:func:`draw`), 1 chooses
the speaker, 2 is the listener's coin and 3 the speaker's, 4 to 6 decide about media, 8 and above
are attempts at a biased choice.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from sim.arrays import F64, I64, U8, U16, U32, U64
from sim.jit.claims import FREE, is_open
from sim.jit.jit import kernel
from sim.jit.mix import uniform, word, word2
from sim.jit.words import Number, Word

AHEAD = 128
"""Meetings whose rows are prefetched together."""

MOST = 64
"""Ties of a row that are prefetched; a hub's own loop loads the others."""

NEVER = -1.7976931348623157e308
"""A value that no sum of opinions has: comparing with it keeps prefetching reads alive."""


class OpinionTies(NamedTuple):
    """The sources of agents, and the participants.

    Attributes
    ----------
    rows, sources, trust
        uint32 (n, 2), uint32 (m,), uint16 (m,) or (0,): the sources of each agent.
    hearers
        uint32: agents with a nonempty row; or (0,) if all have one.
    absent, fixed
        uint64 bitmap of non-participants or (0,); uint8 (n,) of agents that never move or (0,).
    traits
        float64 (n, k): the traits of agents for the formula.
    """

    rows: U32
    sources: U32
    trust: U16
    hearers: U32
    absent: U64
    fixed: U8
    traits: F64


class Conversions(NamedTuple):
    """Agents that rise above ``cut`` for the first time, as recorded by :func:`convert`.

    With ``touched`` of size 0 nothing is recorded.
    """

    cut: float
    done: U64
    claim: U64
    touched: U32


@kernel
def draw(key: Word, turn: Number, number: Number) -> float:
    """Return a draw of the update ``turn``, by its number: float64 in [0, 1)."""
    return uniform(word2(word(key, turn), number))


@kernel
def place_in(rows: U32, sources: U32, v: Number, u: Number) -> Number:
    """Return the place of ``u`` in the sorted row of ``v``, or -1."""
    low = np.int64(rows[v, 0])
    stop = low + np.int64(rows[v, 1])
    high = stop
    while low < high:
        middle = (low + high) // 2
        if np.int64(sources[middle]) < u:
            low = middle + 1
        else:
            high = middle
    return low if low < stop and np.int64(sources[low]) == u else np.int64(-1)


@kernel
def convert(i: Number, by: Number, done: U64, claim: U64, touched: U32, m: Number) -> Number:
    """Record that agent ``i`` adopted the opinion of ``by`` for the first time.

    Its source is ``by``, or the source of ``by`` if that adopted in this same tick: a source adopts
    in an earlier tick than those it convinces. ``claim`` holds sources, ``FREE`` for all others.
    """
    if not is_open(done, np.uint64(i)) or claim[i] != FREE:
        return m
    claim[i] = claim[by] if claim[by] != FREE else np.uint64(by)
    touched[m] = np.uint32(i)
    return m + 1


@kernel
def who_listens(hearers: U32, count: Number, key: Word, first: Number, who: I64) -> None:
    """Draw the listeners of meetings ``first``, ``first + 1``, ... into ``who`` (int64)."""
    for k in range(who.size):
        i = np.int64(uniform(word(key, first + k)) * count)
        who[k] = np.int64(hearers[i]) if hearers.size else i


@kernel
def whom(rows: U32, sources: U32, key: Word, first: Number, who: I64, tie: I64, other: I64) -> None:
    """Draw a source for each of ``who``: the place of the tie, and the agent (both int64)."""
    for k in range(who.size):
        start = np.int64(rows[who[k], 0])
        tie[k] = start + np.int64(draw(key, first + k, 1) * np.int64(rows[who[k], 1]))
    for k in range(who.size):
        other[k] = np.int64(sources[tie[k]])


@kernel
def looked_at(x: F64, traits: F64, who: I64, other: I64) -> float:
    """Prefetch opinions and traits of a batch of meetings."""
    seen = 0.0
    for k in range(who.size):
        seen += x[who[k]] + x[other[k]]
    if traits.shape[1]:
        for k in range(who.size):
            seen += traits[who[k], 0] + traits[other[k], 0]
    return seen


@kernel
def rows_at(rows: U32, sources: U32, who: I64, x: F64) -> float:
    """Prefetch the rows of agents and the opinions of those in them."""
    seen = np.uint64(0)
    for k in range(who.size):  # a separate loop, so that many rows are fetched at once
        seen ^= np.uint64(rows[who[k], 1])
    for k in range(who.size):
        start = np.int64(rows[who[k], 0])
        last = start + np.int64(rows[who[k], 1]) - 1
        seen ^= np.uint64(sources[start]) ^ np.uint64(sources[last])
    thought = np.float64(seen)
    for k in range(who.size):
        start = np.int64(rows[who[k], 0])
        length: Number = np.int64(rows[who[k], 1])
        for e in range(start, start + min(length, MOST)):
            thought += x[sources[e]]
    return thought


@kernel
def meet_one(
    formula: Any, p: F64, hearing: OpinionTies, key: Word, lo: int, hi: int, mutual: int, x: F64,
    into: Conversions, m: Number,
) -> Number:  # fmt: skip
    """Hold meetings ``lo`` to ``hi - 1`` of a tick: a random agent hears a random source.

    ``mutual`` 0: the listener moves; 1: both do; 2: both do if each hears the other.
    """
    rows, sources, trust, hearers, absent, fixed, traits = hearing
    cut, done, claim, touched = into
    count = hearers.size or rows.shape[0]
    who = np.empty(AHEAD, np.int64)
    tie = np.empty(AHEAD, np.int64)
    other = np.empty(AHEAD, np.int64)
    seen = 0.0
    for first in range(lo, hi, AHEAD):
        size = min(AHEAD, hi - first)
        who_listens(hearers, count, key, first, who[:size])
        whom(rows, sources, key, first, who[:size], tie, other)
        seen += looked_at(x, traits, who[:size], other)
        for k in range(size):
            i, j = who[k], other[k]
            if absent.size and not (
                is_open(absent, np.uint64(i)) and is_open(absent, np.uint64(j))
            ):
                continue
            own, said = x[i], x[j]
            back = tie[k]
            if mutual and (mutual == 2 or trust.size):
                back = place_in(rows, sources, j, i)
            if not (fixed.size and fixed[i]):
                share = trust[tie[k]] / 65535.0 if trust.size else 1.0
                coin = draw(key, first + k, 2)
                x[i] = formula(own, said, coin, share, traits[i], traits[j], p)
                if touched.size and x[i] > cut:
                    m = convert(i, j, done, claim, touched, m)
            if mutual and back >= 0 and not (fixed.size and fixed[j]):
                share = trust[back] / 65535.0 if trust.size else 1.0
                coin = draw(key, first + k, 3)
                x[j] = formula(said, own, coin, share, traits[j], traits[i], p)
                if touched.size and x[j] > cut:
                    m = convert(j, i, done, claim, touched, m)
    if seen == NEVER:
        m += 1
    return m


@kernel
def near_to(
    rows: U32, sources: U32, trust: U16, absent: U64, i: Number, bound: float, x: F64
) -> tuple[float, Number]:
    """Return (sum of opinion times trust, number) of sources within ``bound`` of ``i``."""
    total = 0.0
    near: Number = np.int64(0)
    own = x[i]
    start = np.int64(rows[i, 0])
    stop = start + np.int64(rows[i, 1])
    if trust.size + absent.size == 0:
        for e in range(start, stop):
            said = x[sources[e]]
            close = np.int64(abs(said - own) <= bound)
            total += close * said
            near += close
        return total, near
    for e in range(start, stop):
        said = x[sources[e]]
        close = np.int64(abs(said - own) <= bound)
        if absent.size:
            close &= np.int64(is_open(absent, np.uint64(sources[e])))
        share = trust[e] / 65535.0 if trust.size else 1.0
        total += close * share * said
        near += close
    return total, near


@kernel
def meet_all(
    formula: Any, p: F64, hearing: OpinionTies, key: Word, lo: int, hi: int, bound: float, x: F64
) -> None:
    """As :func:`meet_one`, but an agent hears all sources within ``bound`` (<=) of it at once.

    The formula receives the sum of their opinions, each times the trust in it, divided by their
    number; agents without such sources do not move. Nothing is recorded.
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
            if fixed.size and fixed[i]:
                continue
            total, near = near_to(rows, sources, trust, absent, i, bound, x)
            if near:
                coin = draw(key, first + k, 2)
                x[i] = formula(x[i], total / near, coin, 1.0, traits[i], traits[i], p)
    if seen == NEVER:
        x[0] = seen


@kernel
def any_move(formula: Any, p: F64, hearing: OpinionTies, x: F64, tolerance: float) -> bool:
    """Return whether there is a tie over which a meeting would still move a listener.

    Parameters as in :func:`meet_one`; coins are 0, so that anything possible happens. Moves
    up to ``tolerance`` do not count.
    """
    rows, sources, trust, _, absent, fixed, traits = hearing
    for v in range(rows.shape[0]):
        if absent.size and not is_open(absent, np.uint64(v)):
            continue
        if fixed.size and fixed[v]:
            continue
        start = np.int64(rows[v, 0])
        for e in range(start, start + np.int64(rows[v, 1])):
            j = sources[e]
            if absent.size and not is_open(absent, np.uint64(j)):
                continue
            share = trust[e] / 65535.0 if trust.size else 1.0
            new = formula(x[v], x[j], 0.0, share, traits[v], traits[j], p)
            if not abs(new - x[v]) <= tolerance:
                return True
    return False


@kernel
def any_move_all(
    formula: Any, p: F64, hearing: OpinionTies, x: F64, tolerance: float, bound: float
) -> bool:
    """As :func:`any_move` for the meetings of :func:`meet_all`."""
    rows, sources, trust, _, absent, fixed, traits = hearing
    for v in range(rows.shape[0]):
        if absent.size and not is_open(absent, np.uint64(v)):
            continue
        if fixed.size and fixed[v]:
            continue
        total, near = near_to(rows, sources, trust, absent, v, bound, x)
        if near:
            new = formula(x[v], total / near, 0.0, 1.0, traits[v], traits[v], p)
            if not abs(new - x[v]) <= tolerance:
                return True
    return False


CELL_SHIFT = 47
"""Bits of a distance below its cell: the exponent and five bits of the mantissa remain."""

_SHIFT = np.uint64(CELL_SHIFT)
_NARROWEST = 32.0 / 33.0 - 1e-9
"""The smallest ratio of the lower to the upper edge of a cell."""


class Preference(NamedTuple):
    """The preference for near opinions: weights are a power of the distance.

    Attributes
    ----------
    bias, least
        The weight of a distance d is max(d, least) ** -bias.
    most
        The largest distance in the table; an invalid opinion (NaN, or out of its range), as a
        faulty model produces, counts as that far away until the tick ends and it is refused.
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
    """Write running sums of upper bounds of the sources' weights; return the total.

    The bound of a weight is that of the lower edge of the cell that contains the distance: cells
    are the exponent and the five highest bits of the mantissa, so a table lookup
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

    A place is drawn by the bounds and accepted with the chance weight / bound, which is never below
    (32 / 33) ** bias, so that most draws need no power; the distribution is exact.
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
    """As :func:`meet_one`, but an agent prefers sources whose opinion is near its own.

    With ``media_chance`` the listener then hears one of the media, whose opinions never move.
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
