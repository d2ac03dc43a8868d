"""Chunks of exposures: fill rows of (viewer, source, tie), then decide each by its chance."""

from __future__ import annotations

import numpy as np

from sim.arrays import F64, I64, U32, U64, Array
from sim.jit.claims import AHEAD, BATCH, BLOCK, FREE, approach, is_open
from sim.jit.jit import kernel
from sim.jit.mix import ones, uniform, word, word2
from sim.jit.sparse import take_slots
from sim.jit.words import S40, Number, Word


@kernel
def fill(
    rows: U32, targets: U32, speakers: U32, i: int, e: int, closed: U64, viewer: U32, source: U32,
    tie: I64, filled: Number,
) -> tuple[Number, Number, Number]:  # fmt: skip
    """Write exposures of open viewers after the first ``filled`` rows; return rows, next i, next e.

    ``i, e``: the speaker's index, the place in its row (hubs exceed any chunk). Chunks are one row
    longer than can be filled.
    """
    room = viewer.size - 1
    while i < speakers.size:
        if e == 0 and i % AHEAD == 0:
            tie[room] = approach(rows, targets, speakers, i, min(i + AHEAD, speakers.size))
        u = speakers[i]
        start = np.int64(rows[u, 0])
        stop = start + np.int64(rows[u, 1])
        place = start + e
        while place < stop:
            if filled == room:
                return filled, i, place - start
            last = min(stop, place + room - filled)
            for at in range(place, last):
                v = targets[at]
                viewer[filled] = v
                source[filled] = u
                tie[filled] = at
                filled += is_open(closed, np.uint64(v))
            place = last
        e = 0
        i += 1
    return filled, i, e


@kernel
def settle(
    viewer: U32, source: U32, chance: F64, filled: int, key: Word, claim: U64, touched: U32, m: int
) -> int:
    """Let each exposure convince by its own coin; write claims.

    ``chance`` is float64, clipped to [0, 1] by comparison with a draw in [0, 1). Returns the new
    number of touched agents. Works in batches, as in :mod:`sim.jit.claims`.
    """
    won = np.empty(BATCH + 1, np.int64)
    drawn = np.empty(BATCH, np.uint64)
    for first in range(0, filled, BATCH):
        size = min(filled - first, BATCH)
        n = 0
        for j in range(size):
            drawn[j] = word2(word(key, source[first + j]), viewer[first + j])
        for j in range(size):
            won[n] = j
            n += uniform(drawn[j]) < chance[first + j]
        for k in range(n):
            j = won[k]
            v = np.uint64(viewer[first + j])
            old = claim[v]
            claim[v] = min(old, (drawn[j] << S40) | np.uint64(source[first + j]))
            touched[m] = np.uint32(v)
            m += old == FREE
    return m


@kernel
def count_heard(
    rows: U32, targets: U32, speakers: U32, closed: U64, most: int, keys: U32, heard: Array,
) -> None:  # fmt: skip
    """Add one hearing, up to ``most``, to every open listener.

    ``keys, heard`` are a sparse column of unsigned integers (:mod:`sim.jit.sparse`).
    """
    places = np.empty(BLOCK + 1, np.uint64)
    for i in range(speakers.size):
        if i % AHEAD == 0:
            seen = approach(rows, targets, speakers, i, min(i + AHEAD, speakers.size))
            places[BLOCK] = np.uint64(seen)
        stop = np.int64(rows[speakers[i], 0]) + np.int64(rows[speakers[i], 1])
        for first in range(np.int64(rows[speakers[i], 0]), stop, BLOCK):
            listeners = targets[first : min(first + BLOCK, stop)]
            take_slots(keys, listeners, places)
            for j in range(listeners.size):
                times = heard[places[j]]
                heard[places[j]] = times + (
                    is_open(closed, np.uint64(listeners[j])) & (times < most)
                )


@kernel
def shared_interests(interests: U64, viewer: U32, filled: int, tags: Word, out: F64) -> None:
    """Write the share of a message's tags (uint64) that each viewer shares; 1.0 without tags."""
    total = ones(tags)
    for j in range(filled):
        out[j] = 1.0 if total == 0 else ones(interests[viewer[j]] & tags) / total
