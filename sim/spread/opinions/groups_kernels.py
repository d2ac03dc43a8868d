"""Opinions one gathering at a time: an agent and several of its sources, or a pair that persuades.

Sequential, as in :mod:`sim.spread.opinions.pairs_kernels`, and with its draws: 2 is the agent's
coin, 8 and above are attempts to draw a member of its group.

A *rule* is a function of (own opinion, opinions heard as float64 (q,), coin in [0, 1), parameters
as float64) that returns the new opinion.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from sim.arrays import F64, I64, U8, U32, U64
from sim.jit.claims import is_open
from sim.jit.jit import kernel
from sim.jit.words import Number, Word
from sim.spread.opinions.pairs_kernels import (
    AHEAD,
    NEVER,
    Conversions,
    convert,
    draw,
    looked_at,
    who_listens,
    whom,
)


class GroupKind(NamedTuple):
    """The kind of group: 1 or 0 each.

    ``everybody``: drawn from all agents, or else from the agent's sources; ``distinct``: without
    repetition; ``all_move``: the whole group takes the result of the rule, or else only the agent.
    """

    everybody: int
    distinct: int
    all_move: int


@kernel
def draw_places(
    count: Number, own: Number, key: Word, turn: Number, distinct: int, places: I64
) -> bool:
    """Draw places below ``count`` but ``own`` (-1: any); return False if there are too few."""
    if count < 1 or (distinct and count < places.size):
        return False
    attempt = 8
    filled = 0
    while filled < places.size:
        drawn = np.int64(draw(key, turn, attempt) * count)
        attempt += 1
        drawn += np.int64(own >= 0 and drawn >= own)
        new = True
        if distinct:
            for k in range(filled):
                new = new and places[k] != drawn
        places[filled] = drawn
        filled += new
    return True


@kernel
def all_here(absent: U64, i: Number, group: I64) -> bool:
    """Return whether neither ``i`` nor any member of its group is absent."""
    if absent.size == 0:
        return True
    here = is_open(absent, np.uint64(i))
    for g in range(group.size):
        here = here and is_open(absent, np.uint64(group[g]))
    return here


@kernel
def gather(
    rule: Any, p: F64, rows: U32, sources: U32, hearers: U32, kind: GroupKind, absent: U64,
    fixed: U8, key: Word, lo: int, hi: int, said: F64, x: F64, into: Conversions, m: Number,
) -> Number:  # fmt: skip
    """Hold gatherings ``lo`` to ``hi - 1`` of a tick: an agent hears a group of ``said.size``.

    One with an absent member does not take place. ``said`` is scratch.
    """
    everybody, distinct, all_move = kind
    cut, done, claim, touched = into
    count = rows.shape[0]
    if hearers.size and not everybody:
        count = hearers.size
    who = np.empty(AHEAD, np.int64)
    formed = np.empty(AHEAD, np.bool_)
    groups = np.empty((AHEAD, said.size), np.int64)
    seen = 0.0
    for first in range(lo, hi, AHEAD):
        size = min(AHEAD, hi - first)
        who_listens(hearers[:0] if everybody else hearers, count, key, first, who[:size])
        for k in range(size):  # a separate loop, so that many rows are fetched at once
            seen += rows[who[k], 1]
        for k in range(size):
            able = np.int64(rows.shape[0] - 1 if everybody else rows[who[k], 1])
            own = who[k] if everybody else np.int64(-1)
            formed[k] = draw_places(able, own, key, first + k, distinct, groups[k])
        if not everybody:
            for k in range(size):
                start = np.int64(rows[who[k], 0])
                for g in range(said.size if formed[k] else 0):
                    groups[k, g] = np.int64(sources[start + groups[k, g]])
        for k in range(size):
            seen += x[who[k]]
            for g in range(said.size if formed[k] else 0):
                seen += x[groups[k, g]]
        for k in range(size):
            if not formed[k] or not all_here(absent, who[k], groups[k]):
                continue
            i, group = who[k], groups[k]
            for g in range(said.size):
                said[g] = x[group[g]]
            new = rule(x[i], said, draw(key, first + k, 2), p)
            if new != x[i] and not (fixed.size and fixed[i]):
                rises = new > x[i]
                x[i] = new
                if touched.size and rises and new > cut:
                    m = convert(i, group[0], done, claim, touched, m)
            for g in range(said.size if all_move else 0):
                j = group[g]
                if x[j] != new and not (fixed.size and fixed[j]):
                    x[j] = new
                    if touched.size and new > cut:
                        m = convert(j, i, done, claim, touched, m)
    if seen == NEVER:
        m += 1
    return m


@kernel
def spread_to(
    rows: U32, targets: U32, speaker: Number, new: float, absent: U64, fixed: U8, x: F64,
    into: Conversions, m: Number,
) -> Number:  # fmt: skip
    """Give all listeners of ``speaker`` the opinion ``new``."""
    cut, done, claim, touched = into
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
    rows: U32, sources: U32, out_rows: U32, targets: U32, hearers: U32, cross: int, absent: U64,
    fixed: U8, key: Word, lo: int, hi: int, x: F64, into: Conversions, m: Number,
) -> Number:  # fmt: skip
    """Let pairs that agree persuade all of their listeners.

    If they disagree: with ``cross``, the listeners of each take the opinion of the other.
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
        seen += looked_at(x, x[:0].reshape(0, 0), who[:size], other)
        for k in range(size):
            i, j = who[k], other[k]
            if absent.size and not (
                is_open(absent, np.uint64(i)) and is_open(absent, np.uint64(j))
            ):
                continue
            one, two = x[i], x[j]
            if one != two and not cross:
                continue
            m = spread_to(out_rows, targets, i, two, absent, fixed, x, into, m)
            m = spread_to(out_rows, targets, j, one, absent, fixed, x, into, m)
    if seen == NEVER:
        m += 1
    return m


@kernel
def any_discord(rows: U32, sources: U32, everybody: int, absent: U64, fixed: U8, x: F64) -> bool:
    """Return whether any movable agent hears (``everybody``, or its row) an opinion not its own."""
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
