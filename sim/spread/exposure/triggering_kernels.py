"""Triggering sets: pairs of an agent and a source, ranks of sources, and the triggering sources."""

from __future__ import annotations

import numpy as np

from sim.arrays import F64, I64, U8, U16, U32, U64
from sim.jit.claims import AHEAD, FREE, approach, is_open
from sim.jit.jit import kernel
from sim.jit.mix import uniform, word, word2
from sim.jit.words import S40, Number, Word


@kernel
def open_pairs(
    rows: U32, targets: U32, speakers: U32, i: Number, e: Number, closed: U64, viewer: U32,
    source: U32, tie: I64,
) -> tuple[Number, Number, Number]:  # fmt: skip
    """Fill a chunk with the next pairs of an open listener and a speaker; return rows, i, e.

    ``i, e``: the speaker's index, the place in its row. The chunk is one row longer than is filled.
    """
    filled: Number = np.int64(0)
    room = viewer.size - 1
    while i < speakers.size:
        if e == 0 and i % AHEAD == 0:
            tie[room] = np.int64(
                approach(rows, targets, speakers, i, min(i + AHEAD, speakers.size))
            )
        u = speakers[i]
        at = np.int64(rows[u, 0]) + e
        stop = np.int64(rows[u, 0]) + np.int64(rows[u, 1])
        last = min(stop, at + room - filled)
        for place in range(at, last):
            viewer[filled] = targets[place]
            source[filled] = u
            tie[filled] = place
            filled += is_open(closed, np.uint64(targets[place]))
        if last < stop:
            e = last - np.int64(rows[u, 0])
        else:
            e = np.int64(0)
            i += 1
        if filled == room:
            break
    return filled, i, e


@kernel
def trigger(
    viewer: U32, source: U32, chosen: U8, filled: Number, key: Word, claim: U64, touched: U32, m:
    Number,
) -> Number:  # fmt: skip
    """Let the ``chosen`` pairs (uint8) of a chunk claim; the lowest draw is the source.

    ``claim`` uint64 (n,), ``touched`` uint32 (n + 1,), ``m`` as in :mod:`sim.jit.claims`;
    returns the new number of touched agents.
    """
    for j in range(filled):
        if chosen[j]:
            v = np.uint64(viewer[j])
            bits = word2(word(key, int(source[j])), int(v))
            old = claim[v]
            claim[v] = min(old, (bits << S40) | np.uint64(source[j]))
            touched[m] = viewer[j]
            m += old == FREE
    return m


@kernel
def ranks(
    rows: U32, targets: U32, trust: U16, seen: I64, sums: I64, rank: U32, before: I64
) -> None:
    """Write each source's rank among its listener's sources, by id, and the trust of lower ranks.

    ``seen``, ``sums``: zeros; at the end the number of sources and their trust (empty: 1 each).
    """
    for u in range(rows.shape[0]):
        start = np.int64(rows[u, 0])
        for e in range(start, start + np.int64(rows[u, 1])):
            v = targets[e]
            rank[e] = np.uint32(seen[v])
            before[e] = sums[v]
            seen[v] += 1
            sums[v] += np.int64(trust[e]) if trust.size else 1


@kernel
def pair_draws(key: Word, sources: U32, listeners: U32, out: F64) -> None:
    """Write a draw in [0, 1) for each pair (uint32, uint32) into ``out``."""
    for i in range(sources.size):
        out[i] = uniform(word2(word(key, int(sources[i])), int(listeners[i])))
