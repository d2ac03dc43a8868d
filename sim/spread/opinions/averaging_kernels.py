"""Simultaneous opinion updates: means over what each agent hears, and bins of opinions.

Rows here are reversed: row ``v`` of ``rows`` and ``sources`` lists the sources of agent ``v``. Sums
run along a row in order, so a result does not depend on how the agents are partitioned.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.arrays import F64, I8, I64, U8, U16, U32, U64
from sim.jit.claims import is_open
from sim.jit.jit import kernel
from sim.jit.mix import word, word2
from sim.jit.words import S11, Number, Word


@kernel
def means(
    rows: U32, sources: U32, trust: U16, absent: U64, lo: int, hi: int, x: F64, out: F64
) -> None:
    """Write the mean opinion of the sources of agents ``lo`` to ``hi - 1`` into ``out``.

    Weights are ``trust``, or empty: equal; an agent without sources (present ones) gets its own.
    ``absent`` empty, here and below: all are present.
    """
    for v in range(lo, hi):
        start = np.int64(rows[v, 0])
        stop = start + np.int64(rows[v, 1])
        total = 0.0
        weight = 0.0
        if trust.size + absent.size == 0:
            for e in range(start, stop):
                total += x[sources[e]]
            weight = np.float64(stop - start)
        else:
            for e in range(start, stop):
                w = np.float64(trust[e]) if trust.size else 1.0
                if absent.size and not is_open(absent, np.uint64(sources[e])):
                    w = 0.0
                total += w * x[sources[e]]
                weight += w
        out[v] = total / weight if weight > 0.0 else x[v]


@kernel
def means_within(
    rows: U32, sources: U32, absent: U64, lo: int, hi: int, bound: float, itself: int, x: F64, out:
    F64,
) -> None:  # fmt: skip
    """As :func:`means`, over sources within ``bound`` (<=) of the agent's own opinion.

    ``itself`` is the weight of the agent's own opinion, 1 or 0.
    """
    for v in range(lo, hi):
        start = np.int64(rows[v, 0])
        own = x[v]
        total = itself * own
        near: Number = np.int64(itself)
        for e in range(start, start + np.int64(rows[v, 1])):
            said = x[sources[e]]
            close = np.int64(abs(said - own) <= bound)
            if absent.size:
                close &= np.int64(is_open(absent, np.uint64(sources[e])))
            total += close * said
            near += close
        out[v] = total / near if near > 0 else own


@kernel
def signed_means(
    rows: U32, sources: U32, signs: I8, absent: U64, lo: int, hi: int, x: F64, out: F64
) -> None:
    """As :func:`means`, with a sign per tie (int8 (m,), 1 or -1) that multiplies the opinion."""
    for v in range(lo, hi):
        start = np.int64(rows[v, 0])
        total = 0.0
        heard: Number = np.int64(0)
        for e in range(start, start + np.int64(rows[v, 1])):
            here = np.int64(1)
            if absent.size:
                here = np.int64(is_open(absent, np.uint64(sources[e])))
            total += here * signs[e] * x[sources[e]]
            heard += here
        out[v] = total / heard if heard > 0 else x[v]


@kernel
def shares_at(
    rows: U32, sources: U32, absent: U64, lo: int, hi: int, value: float, x: F64, out: F64
) -> None:
    """Write the share of sources whose opinion is ``value``; 0 without sources."""
    for v in range(lo, hi):
        start = np.int64(rows[v, 0])
        equal: Number = np.int64(0)
        heard: Number = np.int64(0)
        for e in range(start, start + np.int64(rows[v, 1])):
            here = np.int64(1)
            if absent.size:
                here = np.int64(is_open(absent, np.uint64(sources[e])))
            equal += here * np.int64(x[sources[e]] == value)
            heard += here
        out[v] = np.float64(equal) / heard if heard > 0 else 0.0


@kernel
def draw_signs(
    rows: U32, sources: U32, lo: int, hi: int, key: Word, negative: Word, out: I8
) -> None:
    """Draw a sign for each tie, equal in both directions: -1 by the gate ``negative``, else 1."""
    for v in range(lo, hi):
        start = np.int64(rows[v, 0])
        for e in range(start, start + np.int64(rows[v, 1])):
            u: Number = np.int64(sources[e])
            low: Number = min(u, v)
            high: Number = max(u, v)
            bits = word2(word(key, low), high)
            out[e] = -1 if (bits >> S11) < negative else 1


@kernel
def count_bins(x: F64, low: float, high: float, slack: float, tally: I64) -> Number:
    """Add opinions to equal bins, which include their lower edge; return how many are outside.

    The last bin includes its upper edge too. What is outside by at most ``slack``, for rounding,
    counts in the nearest bin; NaN is outside.
    """
    bins = tally.size
    scale = bins / (high - low)
    wrong: Number = np.int64(0)
    for i in range(x.size):
        if not (x[i] >= low - slack and x[i] <= high + slack):
            wrong += 1
            continue
        place: Number = np.int64((x[i] - low) * scale)
        tally[min(max(place, 0), bins - 1)] += 1
    return wrong


@kernel
def crossings(x: F64, cut: float, side: U8, done: U64, touched: U32) -> Number:
    """List the agents newly on the other side than where they started; return their number.

    Side 1 is above ``cut``; the slot of ``touched`` after the last is overwritten.
    """
    m: Number = np.int64(0)
    for i in range(x.size):
        touched[m] = np.uint32(i)
        m += np.int64((x[i] > cut) != (side[i] != 0)) & np.int64(is_open(done, np.uint64(i)))
    return m


@kernel
def sway(
    rows: U32, targets: U32, speakers: U32, absent: U64, stance: float, left: F64, low: float, high:
    float, x: F64, hearings: Any,
) -> Number:  # fmt: skip
    """Move the opinions of listeners of ``speakers`` to a message's stance; return how many moved.

    Hearing it k times in a tick leaves the share ``left[k]`` of the distance (the last entry for
    all higher k), whatever the order. ``hearings`` is all 0 before and after. An agent
    whose ``x`` is NaN has no opinion.
    """
    moved: Number = np.int64(0)
    for turn in range(2):
        for i in range(speakers.size):
            start = np.int64(rows[speakers[i], 0])
            for e in range(start, start + np.int64(rows[speakers[i], 1])):
                v = targets[e]
                if turn == 0:
                    hearings[v] += 1
                elif hearings[v] > 0:
                    times: Number = min(np.int64(hearings[v]), left.size - 1)
                    hearings[v] = 0
                    if absent.size and not is_open(absent, np.uint64(v)):
                        continue
                    aim = stance + (x[v] - stance) * left[times]
                    if aim != x[v] and not np.isnan(aim):
                        x[v] = min(max(aim, low), high)
                        moved += 1
    return moved


_FARTHEST = 255


@kernel
def distances(rows: U32, sources: U32, lo: int, hi: int, queue: U32, out: U8) -> None:
    """Write how many ties lead to agents ``lo`` to ``hi - 1`` from each agent.

    ``out[v, u]``, initially 0: ties from u to v, at most 255; 0 for none and for v itself.
    """
    for v in range(lo, hi):
        queue[0] = v
        head, tail = 0, 1
        while head < tail:
            u = queue[head]
            head += 1
            far: Number = min(np.int64(out[v, u]) + 1, _FARTHEST)
            start = np.int64(rows[u, 0])
            for e in range(start, start + np.int64(rows[u, 1])):
                w = sources[e]
                if out[v, w] == 0 and w != v:
                    out[v, w] = np.uint8(far)
                    queue[tail] = w
                    tail += 1


@kernel
def impacts(
    apart: U8, near: F64, persuasive: F64, supportive: F64, root: int, absent: U64, lo: int, hi:
    int, x: F64, out: F64,
) -> None:  # fmt: skip
    """Write, for agents ``lo`` to ``hi - 1``, the impact to change minus the impact to stay.

    ``near`` (256,) is the factor of strength at each distance. ``root`` 0: impacts add up; 1: the
    mean of each kind times the square root of its number.
    """
    for v in range(lo, hi):
        against, staying = 0.0, 0.0
        others, same = 0, 0
        for u in range(x.size):
            if apart[v, u] == 0 or (absent.size and not is_open(absent, np.uint64(u))):
                continue
            if x[u] != x[v]:
                against += persuasive[u] * near[apart[v, u]]
                others += 1
            else:
                staying += supportive[u] * near[apart[v, u]]
                same += 1
        if root:
            against /= max(np.sqrt(others), 1.0)
            staying /= max(np.sqrt(same), 1.0)
        out[v] = against - staying
