"""What agents make of what they hear: draws, claims, and the states that come of them.

A claim is one uint64 an agent: ``new_state << 32 | source``, ``FREE`` outside a tick. A state byte
holds the state in its low 7 bits and, in bit 7, whether the agent ever adopted.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.arrays import F64, I64, U8, U32, U64
from sim.jit.claims import BLOCK, FREE, NOBODY, is_open
from sim.jit.jit import kernel
from sim.jit.mix import uniform, word
from sim.jit.sparse import VACANT, slot, take_slot
from sim.jit.types import Number, Word
from sim.jit.words import BYTE, CODE, EVER, LOW32, ONE, ONE32, S32


@kernel
def uniforms(key: Word, ids: U32, out: F64) -> None:
    """Write a draw in [0, 1) of each id (uint32) into ``out``."""
    for i in range(ids.size):
        out[i] = uniform(word(key, ids[i]))


@kernel
def drawn(ids: U32, chances: F64, key: Word, who: U32, what: U8) -> Number:
    """Let each id draw one of several outcomes, or none; list those that drew one.

    ``chances`` float64 (outcomes, ids); an agent's draw in [0, 1) falls on the first outcome whose
    cumulated chance it is below. ``who`` uint32 takes the agents, ``what`` uint8 the numbers of
    their outcomes; both have room for one more than there are ids. Returns how many. In blocks, and
    without a branch that a processor could guess wrong.
    """
    outcomes = chances.shape[0]
    share, below = np.empty(BLOCK), np.empty(BLOCK)
    drew = np.empty(BLOCK, np.int64)
    n: Number = np.int64(0)
    for first in range(0, ids.size, BLOCK):
        size = min(BLOCK, ids.size - first)
        for j in range(size):
            share[j] = uniform(word(key, ids[first + j]))
            below[j] = 0.0
            drew[j] = outcomes
        for o in range(outcomes):
            for j in range(size):
                below[j] += chances[o, first + j]
                drew[j] = o if (drew[j] == outcomes) & (share[j] < below[j]) else drew[j]
        for j in range(size):
            who[n] = ids[first + j]
            what[n] = drew[j]
            n += drew[j] < outcomes
    return n


@kernel
def propose(
    ids: U32, code: Number, voice_keys: U32, voice: U32, claim: U64, touched: U32, m: Number
) -> Number:
    """Claim that each id (uint32) enters the state ``code``, told by its voice.

    ``claim`` uint64 (n,), ``code << 32 | source``; ``touched``, ``m`` as elsewhere. Returns how
    many claims there are now.
    """
    for i in range(ids.size):
        v = np.uint64(ids[i])
        who = voice[slot(voice_keys, v)]
        claim[v] = (np.uint64(code) << S32) | np.uint64(who - ONE32 if who else NOBODY)
        touched[m] = ids[i]
        m += 1
    return m


@kernel
def alone(
    state_keys: U32,
    state: U8,
    first: I64,
    below: F64,
    becomes: U8,
    key: Word,
    absent: U64,
    voice_keys: U32,
    voice: U32,
    claim: U64,
    touched: U32,
    m: Number,
) -> Number:
    """Claim what happens by itself, to agents without a claim.

    Outcomes ``first[s]:first[s + 1]`` are those of state ``s``: cumulated chances ``below``
    (float64), new states ``becomes`` (uint8). Who leaves the first state does so of its own accord;
    others name their voice (:func:`propose`). Returns how many claims there are now.
    """
    for i in range(state.size):
        s = np.int64(state[i] & CODE)
        if first[s + 1] == first[s] or (state_keys.size and state_keys[i] == VACANT):
            continue
        v = np.uint64(state_keys[i]) if state_keys.size else np.uint64(i)
        if claim[v] != FREE or (absent.size and not is_open(absent, v)):
            continue
        share = uniform(word(key, int(v)))
        for o in range(first[s], first[s + 1]):
            if share < below[o]:
                who = voice[slot(voice_keys, v)] if s else np.uint32(0)
                claim[v] = (np.uint64(becomes[o]) << S32) | np.uint64(
                    who - ONE32 if who else NOBODY
                )
                touched[m] = np.uint32(v)
                m += 1
                break
    return m


@kernel
def commit(
    touched: U32,
    m: Number,
    state_keys: U32,
    state: U8,
    claim: U64,
    adopting: U8,
    number: U8,
    final: U8,
    deaf: U64,
    tally: I64,
    adopted: U32,
    sources: U32,
    was: U8,
    listens: U8,
    roused: U32,
) -> tuple[Any, Any, Any]:
    """Turn the claims on ``touched[:m]``, ascending, into states and free them.

    Parameters
    ----------
    touched, m, claim
        Who is claimed; those whose heard state changed take the place of the first ones.
    state_keys, state
        A sparse column, with room.
    adopting, number, final
        uint8, for each state: whether its first entry is an adoption; the number of the heard
        state, or :data:`NONE`; whether nobody leaves it.
    deaf
        uint64 bitmap: who enters a final state is marked.
    tally
        int64, agents in each state.
    adopted, sources
        uint32, take the first adoptions and who told them.
    was
        uint8, takes the number of the heard state left, beside ``touched``.
    listens, roused
        uint8, 1 for the states that listen; uint32, takes who entered one.

    Returns
    -------
    (first adoptions, agents whose heard state changed, agents roused)
    """
    rousing: Number = np.int64(0)
    fresh: Number = np.int64(0)
    changed: Number = np.int64(0)
    for i in range(m):
        v = np.uint64(touched[i])
        c = claim[v]
        claim[v] = FREE
        at = take_slot(state_keys, v)
        old: Number = np.int64(state[at] & CODE)
        new: Number = np.int64((c >> S32) & BYTE)
        ever: Number = state[at] & EVER
        if adopting[new] and not ever:
            ever = EVER
            adopted[fresh] = np.uint32(v)
            sources[fresh] = np.uint32(c & LOW32)
            fresh += 1
        state[at] = ever | np.uint8(new)
        tally[old] -= 1
        tally[new] += 1
        if final[new]:
            deaf[v >> np.uint64(6)] |= ONE << (v & np.uint64(63))
        touched[changed] = np.uint32(v)
        was[changed] = number[old]
        changed += number[old] != number[new]
        roused[rousing] = np.uint32(v)
        rousing += listens[new] and not listens[old]
    return fresh, changed, rousing
