"""Chunks of exposures: fill rows of (viewer, source, tie), then settle them by a chance each."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from sim.kernels.claims import FREE
from sim.kernels.jit import kernel
from sim.kernels.mix import uniform, word, word2
from sim.kernels.types import F64, I64, U32, U64, Number, Word

__all__ = ["count_heard", "fill", "heard_before", "settle", "shared_interests", "tie_between"]

Counts = npt.NDArray[Any]
_S6 = np.uint32(6)
_M63 = np.uint32(63)
_ONE = np.uint64(1)
_S40 = np.uint64(40)


@kernel
def fill(
    rows: U32,
    targets: U32,
    speakers: U32,
    i: int,
    e: int,
    done: U64,
    viewer: U32,
    source: U32,
    tie: I64,
) -> tuple[int, int, int]:
    """Write the next exposures of open viewers into a chunk.

    Parameters
    ----------
    rows, targets
        The network: uint32 (n, 2), uint32 (m,).
    speakers
        uint32, who speaks.
    i, e
        The cursor: the speaker's position and the offset inside its row; hubs exceed any chunk.
    done
        uint64 bitmap of agents that are closed to the message.
    viewer, source, tie
        uint32, uint32, int64 columns of the chunk, overwritten.

    Returns
    -------
    (rows filled, next i, next e)
    """
    filled = 0
    size = viewer.size
    while i < speakers.size:
        u = speakers[i]
        start = np.int64(rows[u, 0])
        length = np.int64(rows[u, 1])
        while e < length:
            if filled == size:
                return filled, i, e
            v = targets[start + e]
            if (done[v >> _S6] >> np.uint64(v & _M63)) & _ONE == np.uint64(0):
                viewer[filled] = v
                source[filled] = u
                tie[filled] = start + e
                filled += 1
            e += 1
        e = 0
        i += 1
    return filled, i, e


@kernel
def settle(
    viewer: U32, source: U32, chance: F64, filled: int, key: Word, claim: U64, touched: U32, m: int
) -> int:
    """Let each exposure convince by its own coin; writes claims.

    ``chance`` is float64, clipped to [0, 1] by comparison with a draw in [0, 1). Returns how many
    agents are touched now.
    """
    for j in range(filled):
        bits = word2(word(key, source[j]), viewer[j])
        if uniform(bits) < chance[j]:
            v = viewer[j]
            c = (bits << _S40) | np.uint64(source[j])
            old = claim[v]
            if c < old:
                claim[v] = c
                if old == FREE:
                    touched[m] = v
                    m += 1
    return m


@kernel
def heard_before(viewer: U32, filled: int, heard: Counts, out: F64) -> None:
    """Copy how often each viewer heard the message in earlier ticks to float64 ``out``."""
    for j in range(filled):
        out[j] = heard[viewer[j]]


@kernel
def count_heard(
    rows: U32, targets: U32, speakers: U32, done: U64, most: int, heard: Counts
) -> None:
    """Count one more hearing (unsigned integers, up to ``most``) for every open listener."""
    for i in range(speakers.size):
        u = speakers[i]
        start = np.int64(rows[u, 0])
        for e in range(start, start + np.int64(rows[u, 1])):
            v = targets[e]
            closed = (done[v >> _S6] >> np.uint64(v & _M63)) & _ONE
            if closed == np.uint64(0) and heard[v] < most:
                heard[v] += 1


@kernel
def shared_interests(interests: U64, viewer: U32, filled: int, tags: Word, out: F64) -> None:
    """Write the share of a message's tags (uint64) that each viewer shares; 1.0 without tags."""
    total = _bits(tags)
    for j in range(filled):
        out[j] = 1.0 if total == 0 else _bits(interests[viewer[j]] & tags) / total


@kernel
def _bits(x: Word) -> Number:
    """Return the number of set bits of a uint64."""
    x = x - ((x >> np.uint64(1)) & np.uint64(0x5555555555555555))
    x = (x & np.uint64(0x3333333333333333)) + ((x >> np.uint64(2)) & np.uint64(0x3333333333333333))
    x = (x + (x >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((x * np.uint64(0x0101010101010101)) >> np.uint64(56))


@kernel
def tie_between(rows: U32, targets: U32, sources: U32, listeners: U32, out: I64) -> None:
    """Write the place of each tie ``sources[i] -> listeners[i]`` into ``out`` (int64), else -1."""
    for i in range(sources.size):
        low = np.int64(rows[sources[i], 0])
        stop = low + np.int64(rows[sources[i], 1])
        high = stop
        while low < high:
            middle = (low + high) // 2
            if targets[middle] < listeners[i]:
                low = middle + 1
            else:
                high = middle
        out[i] = low if low < stop and targets[low] == listeners[i] else -1
