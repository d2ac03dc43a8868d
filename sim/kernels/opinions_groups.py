"""Opinions one gathering at a time: an agent and several that it hears, or a pair that persuades.

In sequence, as in :mod:`sim.kernels.opinions_pairs`, and with its draws: ``bits = word(key, k)``
chooses the agent, ``word2(bits, 2)`` is its coin; ``word2(bits, 8 + a)`` is the a-th attempt to
draw a member of its group.

A *rule* is a function of (own opinion, those heard as float64 (q,), coin in [0, 1), parameters as
float64) that returns the new opinion.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.kernels.claims import is_open
from sim.kernels.jit import kernel
from sim.kernels.mix import uniform, word, word2
from sim.kernels.opinions_pairs import AHEAD, choose, convert, looked_at, who_listens, whom
from sim.kernels.types import F64, I64, U8, U32, U64, Number, Word

__all__ = ["any_discord", "gather", "persuade"]


@kernel
def draw_group(
    rows: U32,
    sources: U32,
    i: Number,
    bits: Word,
    everybody: int,
    distinct: int,
    group: I64,
) -> bool:
    """Draw the agents that ``i`` hears in a gathering into ``group`` (int64 (q,)).

    Parameters
    ----------
    everybody
        1: from all agents but ``i``; 0: from its row.
    distinct
        1: no one twice; 0: with repetition.

    Returns
    -------
    bool
        False when there are too few to draw from.
    """
    start = np.int64(rows[i, 0])
    count = np.int64(rows[i, 1])
    if everybody:
        count = np.int64(rows.shape[0] - 1)
    if count < 1 or (distinct and count < group.size):
        return False
    attempt = 8
    filled = 0
    while filled < group.size:
        drawn = choose(word2(bits, attempt), count)
        attempt += 1
        # multi-ties of a listed channel would count as two; agents are compared, not places
        j = drawn + np.int64(drawn >= i) if everybody else np.int64(sources[start + drawn])
        new = True
        if distinct:
            for k in range(filled):
                new = new and group[k] != j
        if new:
            group[filled] = j
            filled += 1
        elif attempt > 1000 + 8 * group.size:
            return False
    return True


@kernel
def gather(
    rule: Any,
    p: F64,
    rows: U32,
    sources: U32,
    hearers: U32,
    everybody: int,
    distinct: int,
    all_move: int,
    absent: U64,
    fixed: U8,
    key: Word,
    lo: int,
    hi: int,
    group: I64,
    said: F64,
    x: F64,
    cut: float,
    done: U64,
    claim: U64,
    touched: U32,
    m: Number,
) -> Number:
    """Hold gatherings ``lo`` to ``hi - 1`` of a tick: an agent hears a group of ``group.size``.

    Parameters
    ----------
    rule, p
        See the module; float64 parameters for it.
    rows, sources, hearers, absent, fixed, key, lo, hi, x, cut, done, claim, touched, m
        As in :func:`sim.kernels.opinions_pairs.meet_one`. A gathering of which somebody is absent
        does not take place.
    everybody, distinct
        As in :func:`draw_group`.
    all_move
        0: the agent takes what the rule returns; 1: the whole group does.
    group, said
        int64 (q,) and float64 (q,) scratch.
    """
    count = rows.shape[0]
    if hearers.size and not everybody:
        count = hearers.size
    who = np.empty(AHEAD, np.int64)
    seen = 0.0
    for first in range(lo, hi, AHEAD):
        size = min(AHEAD, hi - first)
        who_listens(hearers[:0] if everybody else hearers, count, key, first, who[:size])
        for k in range(size):
            seen += x[who[k]] + np.float64(rows[who[k], 1])
        for k in range(size):
            i = who[k]
            bits = word(key, first + k)
            if not draw_group(rows, sources, i, bits, everybody, distinct, group):
                continue
            here = not absent.size or is_open(absent, np.uint64(i))
            for g in range(group.size):
                here = here and (not absent.size or is_open(absent, np.uint64(group[g])))
                said[g] = x[group[g]]
            if not here:
                continue
            new = rule(x[i], said, uniform(word2(bits, 2)), p)
            if not (fixed.size and fixed[i]):
                rises = new > x[i]
                x[i] = new
                if touched.size and rises and new > cut:
                    m = convert(i, group[0], done, claim, touched, m)
            for g in range(group.size if all_move else 0):
                j = group[g]
                if x[j] != new and not (fixed.size and fixed[j]):
                    x[j] = new
                    if touched.size and new > cut:
                        m = convert(j, i, done, claim, touched, m)
    if seen == -1.7976931348623157e308:  # never; else the reads would be dropped as useless
        m += 1
    return m


@kernel
def spread_to(
    rows: U32,
    targets: U32,
    speaker: Number,
    new: float,
    absent: U64,
    fixed: U8,
    x: F64,
    cut: float,
    done: U64,
    claim: U64,
    touched: U32,
    m: Number,
) -> Number:
    """Give all listeners of ``speaker`` the opinion ``new``."""
    start = np.int64(rows[speaker, 0])
    for e in range(start, start + np.int64(rows[speaker, 1])):
        v = np.int64(targets[e])
        if x[v] == new or (fixed.size and fixed[v]):
            continue
        if absent.size and not is_open(absent, np.uint64(v)):
            continue
        x[v] = new
        if touched.size and new > cut:
            m = convert(v, speaker, done, claim, touched, m)
    return m


@kernel
def persuade(
    rows: U32,
    sources: U32,
    out_rows: U32,
    targets: U32,
    hearers: U32,
    cross: int,
    absent: U64,
    fixed: U8,
    key: Word,
    lo: int,
    hi: int,
    x: F64,
    cut: float,
    done: U64,
    claim: U64,
    touched: U32,
    m: Number,
) -> Number:
    """Let pairs that agree persuade all who hear them.

    Parameters
    ----------
    rows, sources, hearers, absent, fixed, key, lo, hi, x, cut, done, claim, touched, m
        As in :func:`sim.kernels.opinions_pairs.meet_one`, and so are the draws of a pair.
    out_rows, targets
        uint32 (n, 2), uint32 (m,): who hears each agent.
    cross
        1: when they disagree, the listeners of each take the opinion of the other; 0: nothing.
    """
    count = hearers.size or rows.shape[0]
    who = np.empty(AHEAD, np.int64)
    tie = np.empty(AHEAD, np.int64)
    other = np.empty(AHEAD, np.int64)
    seen = 0.0
    for first in range(lo, hi, AHEAD):
        size = min(AHEAD, hi - first)
        who_listens(hearers, count, key, first, who[:size])
        whom(rows, sources, key, first, who[:size], tie, other)
        seen += looked_at(x, who[:size], other)
        for k in range(size):
            i, j = who[k], other[k]
            if absent.size and not (
                is_open(absent, np.uint64(i)) and is_open(absent, np.uint64(j))
            ):
                continue
            one, two = x[i], x[j]
            if one != two and not cross:
                continue
            told = (out_rows, targets)
            m = spread_to(*told, i, two, absent, fixed, x, cut, done, claim, touched, m)
            m = spread_to(*told, j, one, absent, fixed, x, cut, done, claim, touched, m)
    if seen == -1.7976931348623157e308:  # never; else the reads would be dropped as useless
        m += 1
    return m


@kernel
def any_discord(rows: U32, sources: U32, everybody: int, absent: U64, fixed: U8, x: F64) -> bool:
    """Return whether somebody that can move hears an opinion other than its own.

    Parameters
    ----------
    everybody
        1: each agent hears all others; 0: its row.
    """
    first: Number = np.int64(-1)
    for v in range(rows.shape[0]):
        if absent.size and not is_open(absent, np.uint64(v)):
            continue
        if everybody:
            first = v if first < 0 else first
            if x[v] != x[first]:
                return True
            continue
        if fixed.size and fixed[v]:
            continue
        start = np.int64(rows[v, 0])
        for e in range(start, start + np.int64(rows[v, 1])):
            j = sources[e]
            if x[j] != x[v] and (not absent.size or is_open(absent, np.uint64(j))):
                return True
    return False
