"""Claims: who convinced whom this tick, whatever the order in which contacts are visited.

A claim is one uint64 an agent: ``draw << 40 | new_state << 32 | source`` (24 + 8 + 32 bits). Every
contact that succeeds writes the minimum, so among several successes the one whose draw fell lowest
wins, and nobody sees a half-written tick. ``claim`` holds ``FREE`` outside a tick.
"""

from __future__ import annotations

import numpy as np

from sim.kernels.jit import kernel
from sim.kernels.mix import mix, uniform, word, word2
from sim.kernels.types import F64, U16, U32, U64, Number, Word

__all__ = [
    "FREE",
    "NOBODY",
    "claim_coins",
    "claim_given",
    "claim_skips",
    "claim_trust",
    "claim_weighted",
    "commit_once",
    "mark",
]

FREE = np.uint64(0xFFFFFFFFFFFFFFFF)
"""No claim on this agent."""
NOBODY = np.uint32(0xFFFFFFFF)
"""The source of a seed, or of a spontaneous change."""

_S6 = np.uint32(6)
_M63 = np.uint32(63)
_ONE = np.uint64(1)
_S11 = np.uint64(11)
_S40 = np.uint64(40)
_LOW32 = np.uint64(0xFFFFFFFF)
_BLOCK = 64


@kernel
def mark(ids: U32, done: U64) -> None:
    """Set the bit of each id (uint32) in the bitmap ``done`` (uint64, one bit an agent)."""
    for i in range(ids.size):
        v = np.uint32(ids[i])
        done[v >> _S6] |= _ONE << np.uint64(v & _M63)


@kernel
def _is_open(done: U64, v: Number) -> bool:
    return bool((done[v >> _S6] >> np.uint64(v & _M63)) & _ONE == np.uint64(0))


@kernel
def _put(claim: U64, touched: U32, m: int, v: Number, bits: Word, u: Number) -> int:
    """Lower the claim on ``v``; returns how many agents are touched so far."""
    c = (bits << _S40) | np.uint64(u)
    old = claim[v]
    if c < old:
        claim[v] = c
        if old == FREE:
            touched[m] = v
            m += 1
    return m


@kernel
def claim_coins(
    rows: U32,
    targets: U32,
    speakers: U32,
    lo: int,
    hi: int,
    key: Word,
    gate: Word,
    done: U64,
    claim: U64,
    touched: U32,
    m: int,
) -> int:
    """Every tie of ``speakers[lo:hi]`` has its own coin: ``(word2(word(key, u), v) >> 11) < gate``.

    Parameters
    ----------
    rows
        uint32 (n, 2), start and length of each speaker's row.
    targets
        uint32 (m,), who hears.
    speakers
        uint32, who speaks; ``lo:hi`` is the part of this call.
    key, gate
        uint64, the draw's key and the threshold of its chance.
    done
        uint64 bitmap of agents that are closed to the message.
    claim, touched
        uint64 (n,) claims and uint32 (n,) list of the agents that hold one.
    m
        How many are touched so far.

    Returns
    -------
    int
        How many are touched now.
    """
    fell = np.empty(_BLOCK, np.uint8)
    for i in range(lo, hi):
        u = speakers[i]
        start = np.int64(rows[u, 0])
        stop = start + np.int64(rows[u, 1])
        key_u = word(key, u)
        while start < stop:
            size = min(stop - start, _BLOCK)
            for j in range(size):
                bits = word2(key_u, targets[start + j])
                fell[j] = (bits >> _S11) < gate
            for j in range(size):
                if fell[j]:
                    v = targets[start + j]
                    if _is_open(done, v):
                        m = _put(claim, touched, m, v, word2(key_u, v), u)
            start += size
    return m


@kernel
def claim_skips(
    rows: U32,
    targets: U32,
    speakers: U32,
    lo: int,
    hi: int,
    key: Word,
    scale: float,
    done: U64,
    claim: U64,
    touched: U32,
    m: int,
) -> int:
    """As :func:`claim_coins` by geometric gaps: only the ties that fall are visited.

    ``scale = 1 / log1p(-p)`` for a chance 0 < p < 1. The same law as coins, other draws.
    """
    for i in range(lo, hi):
        u = speakers[i]
        start = np.int64(rows[u, 0])
        stop = start + np.int64(rows[u, 1])
        key_u = word(key, u)
        k = 0
        bits = word2(key_u, k)
        e = start + np.int64(np.log(1.1102230246251565e-16 + uniform(bits)) * scale)
        while e < stop:
            v = targets[e]
            if _is_open(done, v):
                m = _put(claim, touched, m, v, bits, u)
            k += 1
            bits = word2(key_u, k)
            e += 1 + np.int64(np.log(1.1102230246251565e-16 + uniform(bits)) * scale)
    return m


@kernel
def claim_trust(
    rows: U32,
    targets: U32,
    trust: U16,
    speakers: U32,
    lo: int,
    hi: int,
    key: Word,
    p: float,
    done: U64,
    claim: U64,
    touched: U32,
    m: int,
) -> int:
    """As :func:`claim_coins` with chance ``p * trust`` of each tie (uint16, / 65535)."""
    scaled = p / 65535.0
    for i in range(lo, hi):
        u = speakers[i]
        start = np.int64(rows[u, 0])
        stop = start + np.int64(rows[u, 1])
        key_u = word(key, u)
        for e in range(start, stop):
            v = targets[e]
            bits = word2(key_u, v)
            if uniform(bits) < scaled * trust[e] and _is_open(done, v):
                m = _put(claim, touched, m, v, bits, u)
    return m


@kernel
def claim_weighted(
    rows: U32,
    targets: U32,
    degree: U32,
    speakers: U32,
    lo: int,
    hi: int,
    key: Word,
    p: float,
    done: U64,
    claim: U64,
    touched: U32,
    m: int,
) -> int:
    """As :func:`claim_coins` with chance ``p / degree[v]`` of the listener (uint32 in-degree)."""
    for i in range(lo, hi):
        u = speakers[i]
        start = np.int64(rows[u, 0])
        stop = start + np.int64(rows[u, 1])
        key_u = word(key, u)
        for e in range(start, stop):
            v = targets[e]
            if _is_open(done, v):
                bits = word2(key_u, v)
                if uniform(bits) * degree[v] < p:
                    m = _put(claim, touched, m, v, bits, u)
    return m


@kernel
def claim_given(
    rows: U32,
    targets: U32,
    chance: F64,
    coins: U64,
    speakers: U32,
    lo: int,
    hi: int,
    done: U64,
    claim: U64,
    touched: U32,
    m: int,
) -> int:
    """As :func:`claim_coins`; chance (float64) and coin (uint64 bits) are given for each tie."""
    for i in range(lo, hi):
        u = speakers[i]
        start = np.int64(rows[u, 0])
        stop = start + np.int64(rows[u, 1])
        for e in range(start, stop):
            v = targets[e]
            if uniform(coins[e]) < chance[e] and _is_open(done, v):
                m = _put(claim, touched, m, v, coins[e], u)
    return m


@kernel
def commit_once(touched: U32, m: int, done: U64, claim: U64, sources: U32) -> None:
    """Turn the claims on ``touched[:m]`` (uint32) into adoptions.

    Sets their bit in ``done``, writes who convinced them into ``sources`` (uint32) and frees the
    claims.
    """
    for i in range(m):
        v = touched[i]
        sources[i] = np.uint32(claim[v] & _LOW32)
        claim[v] = FREE
        done[v >> _S6] |= _ONE << np.uint64(v & _M63)


@kernel
def remix(bits: Word) -> Word:
    """Return a second word from one draw (uint64)."""
    return mix(bits + np.uint64(0x632BE59BD9B4E019))
