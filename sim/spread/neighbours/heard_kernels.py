"""Sums over what agents hear from their neighbours: counters updated only by changes.

``keys, sums`` is a sparse table of rows (:mod:`sim.jit.sparse`): uint64 (slots, width), or
(n, width) with ``keys`` empty. Word 0 of a row packs the number of sources in each heard state,
``bits`` bits each, the first one lowest; its top bits tell whether this tick touched the agent, and
which heard states a source entered. Words 1, 2, ... sum up trust, one for each heard state.

A state byte holds the state in its low 7 bits and, in bit 7, whether the agent has ever adopted. A
claim is one uint64 per agent: ``new_state << 32 | source``, ``FREE`` outside a tick.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from sim.arrays import F64, I64, U8, U16, U32, U64
from sim.jit.claims import AHEAD, BATCH, BLOCK, FREE, NOBODY, approach, is_open
from sim.jit.jit import kernel
from sim.jit.mix import C1, mix, uniform, word
from sim.jit.sparse import VACANT, slot, take_slot, take_slots
from sim.jit.words import BYTE, CODE, EVER, LOW32, ONE, ONE32, S32, ZERO, Number, Word

BITS = 59
"""Bits of word 0 for all counters together."""
MOST = 4
"""Maximum number of heard states."""
NONE = np.uint8(255)
"""The number of a state that is not heard."""

_TOUCHED = np.uint64(1 << 63)
_LOUD = np.uint64(1 << BITS)
_COUNTS = np.uint64((1 << BITS) - 1)
_EVER, _NEVER = np.uint8(0x80), np.uint8(0)
_MANY = 16


@kernel
def rehash_rows(keys: U32, rows: U64, into: U32, out: U64) -> None:
    """Copy a hash table of rows into a larger one, or into a dense one (``into`` empty)."""
    for i in range(keys.size):
        if keys[i] != VACANT:
            at = take_slot(into, np.uint64(keys[i]))
            for j in range(rows.shape[1]):
                out[at, j] = rows[i, j]


class ToldColumns(NamedTuple):
    """The columns written when a state is entered.

    Attributes
    ----------
    keys, sums
        The rows, allocated as needed.
    voice_keys, voice
        A sparse column, uint32: the last agent to enter the state, plus one; or empty.
    state_keys, state
        A sparse column of states, uint8: voices are kept only for agents that never adopted, since
        only a first adoption records its source. Or empty: voices are kept for all.
    """

    keys: U32
    sums: U64
    voice_keys: U32
    voice: U32
    state_keys: U32
    state: U8


@kernel
def tell(
    rows: U32, targets: U32, trust: U16, speakers: U32, was: U8, now: Number, lo: int, hi: int,
    bits: Number, key: Word, deaf: U64, told: ToldColumns, touched: U32, m: Number,
) -> Number:  # fmt: skip
    """Update the listeners of ``speakers[lo:hi]``, which moved from one heard state to another.

    Of several that entered in one tick the lowest draw under ``key`` is the voice. ``was``, ``now``
    may be :data:`NONE`; ``trust`` empty: not summed; the slot after the last ``touched`` is
    overwritten.
    """
    batch = np.empty(BATCH + 1, np.uint64)
    gain = np.empty(BATCH + 1, np.uint64)
    drawn = np.empty(BATCH + 1, np.uint64)
    weight = np.empty(BATCH + 1, np.uint64)
    left = np.empty(BATCH + 1, np.uint8)
    heard = np.empty(BATCH + 1, np.uint32)
    places = np.empty(BATCH, np.uint64)
    spoken = np.empty(BATCH, np.uint64)
    entered = ZERO if now == NONE else ONE << np.uint64(bits * now)
    n: Number = np.int64(0)
    for i in range(lo, hi):
        if (i - lo) % AHEAD == 0:
            batch[BATCH] = approach(rows, targets, speakers, i, min(i + AHEAD, hi))
        u = np.uint64(speakers[i])
        draw = word(key, int(u))
        delta = entered
        if was[i] != NONE:
            delta = entered - (ONE << np.uint64(bits * np.int64(was[i])))
        at = np.int64(rows[u, 0])
        stop = at + np.int64(rows[u, 1])
        while at < stop:
            last = min(stop, at + BATCH - n)
            for e in range(at, last):
                v = np.uint64(targets[e])
                heard[n] = targets[e]
                batch[n] = u
                gain[n] = delta
                drawn[n] = draw
                if trust.size:
                    weight[n] = np.uint64(trust[e])
                    left[n] = was[i]
                n += is_open(deaf, v)
            at = last
            if n == BATCH:
                m = _take(
                    batch, gain, drawn, left, weight, n, now, key, trust.size > 0, heard, places,
                    spoken, told, touched, m,
                )  # fmt: skip
                n = np.int64(0)
    return _take(
        batch, gain, drawn, left, weight, n, now, key, trust.size > 0, heard, places, spoken, told,
        touched, m,
    )  # fmt: skip


@kernel
def _take(
    batch: U64, gain: U64, drawn: U64, left: U8, weight: U64, n: Number, now: Number, key: Word,
    trusted: bool, heard: U32, places: U64, spoken: U64, told: ToldColumns, touched: U32, m: Number,
) -> Number:  # fmt: skip
    """Add a batch of changes; list the agents that this tick touches for the first time."""
    keys, sums, voice_keys, voice, state_keys, state = told
    take_slots(keys, heard[:n], places)
    seen = ZERO  # independent reads that overlap: the next loop finds its rows in the cache
    for j in range(n):
        seen ^= sums[places[j], 0]
    if trusted:
        _weigh(left, weight, now, n, places, sums)
    if now == NONE or voice.size == 0:
        drawn[BATCH] = seen
        for j in range(n):
            old = sums[places[j], 0]
            sums[places[j], 0] = (
                (((old & _COUNTS) + gain[j]) & _COUNTS) | (old & ~_COUNTS) | _TOUCHED
            )
            touched[m] = heard[j]
            m += old & _TOUCHED == ZERO
        return m
    loud = _LOUD << np.uint64(now)
    k: Number = np.int64(0)
    for j in range(n):
        old = sums[places[j], 0]
        rest = (old & ~_COUNTS) | _TOUCHED | loud
        sums[places[j], 0] = (((old & _COUNTS) + gain[j]) & _COUNTS) | rest
        touched[m] = heard[j]
        m += old & _TOUCHED == ZERO
        gain[k], drawn[k], batch[k], heard[k] = old & loud, drawn[j], batch[j], heard[j]
        k += not state.size or state[slot(state_keys, np.uint64(heard[j]))] & _EVER == _NEVER
    take_slots(voice_keys, heard[:k], spoken)
    for j in range(k):
        seen ^= np.uint64(voice[spoken[j]])
    drawn[BATCH] = seen
    for j in range(k):
        other = voice[spoken[j]]
        keeps = (gain[j] != ZERO) & (_draw(key, other) <= drawn[j])
        mine = np.uint32(batch[j]) + ONE32
        voice[spoken[j]] = other if keeps else mine
    return m


@kernel
def _draw(key: Word, voice: Number) -> Word:
    """Return the draw of a voice, which is an agent plus one; meaningless for 0."""
    return mix(key + (np.uint64(voice) - ONE) * C1)


@kernel
def _weigh(left: U8, weight: U64, now: Number, n: Number, places: U64, sums: U64) -> None:
    """Move the trust of a batch from one heard state to another."""
    for j in range(n):
        if left[j] != NONE:
            sums[places[j], 1 + left[j]] -= weight[j]
        if now != NONE:
            sums[places[j], 1 + now] += weight[j]


@kernel
def listed(
    touched: U32, m: Number, keys: U32, sums: U64, state_keys: U32, state: U8, listens: U8,
    absent: U64,
) -> Number:  # fmt: skip
    """Keep those of ``touched[:m]`` that hear something and listen; clear the touched marks.

    ``touched`` has room for one more; ``listens`` is uint8, 1 for listening states; ``absent`` a
    uint64 bitmap or empty. For a large part of a dense table the table is scanned in order, as
    that is faster. Returns the number of agents kept.
    """
    if keys.size or m * _MANY <= sums.shape[0]:
        return recalled(touched, m, keys, sums, state_keys, state, listens, absent)
    kept: Number = np.int64(0)
    for v in range(sums.shape[0]):
        old = sums[v, 0]
        sums[v, 0] = old & _COUNTS
        touched[kept] = np.uint32(v)
        kept += (old & _TOUCHED != ZERO) & (old & _COUNTS != ZERO)
    return _who_listen(touched, kept, state_keys, state, listens, absent)


@kernel
def recalled(
    ids: U32, m: Number, keys: U32, sums: U64, state_keys: U32, state: U8, listens: U8, absent: U64
) -> Number:
    """As :func:`listed` for any ``ids[:m]`` (uint32), touched or not."""
    kept: Number = np.int64(0)
    for i in range(m):
        at = slot(keys, np.uint64(ids[i]))
        old = sums[at, 0] & _COUNTS
        sums[at, 0] = old
        ids[kept] = ids[i]
        kept += old != ZERO
    return _who_listen(ids, kept, state_keys, state, listens, absent)


@kernel
def remind(ids: U32, keys: U32, sums: U64, touched: U32, m: Number) -> Number:
    """Add to ``touched[:m]``, the agents touched, those of ``ids`` (uint32) that hear anything.

    ``touched`` has room for one more than both. Returns the new number of touched agents.
    """
    for i in range(ids.size):
        at = slot(keys, np.uint64(ids[i]))
        old = sums[at, 0]
        new = (old & _TOUCHED == ZERO) & (old & _COUNTS != ZERO)
        if new:
            sums[at, 0] = old | _TOUCHED
        touched[m] = ids[i]
        m += new
    return m


@kernel
def audience(
    keys: U32, sums: U64, state_keys: U32, state: U8, listens: U8, absent: U64, out: U32
) -> Number:
    """List in ``out`` (uint32) all agents that hear something and listen; clear the touched marks.

    As :func:`listed`, over all rows. Returns their number.
    """
    m: Number = np.int64(0)
    if keys.size == 0 and state_keys.size == 0:
        for i in range(sums.shape[0]):
            old = sums[i, 0] & _COUNTS
            sums[i, 0] = old
            out[m] = np.uint32(i)
            m += (old != ZERO) & (listens[state[i] & CODE] > 0)
        return _who_listen(out, m, state_keys, state, listens, absent) if absent.size else m
    for i in range(sums.shape[0]):
        old = sums[i, 0] & _COUNTS
        sums[i, 0] = old
        out[m] = keys[i] if keys.size else np.uint32(i)
        m += old != ZERO
    return _who_listen(out, m, state_keys, state, listens, absent)


@kernel
def _who_listen(
    ids: U32, m: Number, state_keys: U32, state: U8, listens: U8, absent: U64
) -> Number:
    """Keep those of ``ids[:m]`` that are present and in a listening state; return their number."""
    kept: Number = np.int64(0)
    if state_keys.size == 0:
        for i in range(m):
            ids[kept] = ids[i]
            kept += listens[state[ids[i]] & CODE]
    else:
        for i in range(m):
            ids[kept] = ids[i]
            kept += listens[state[slot(state_keys, np.uint64(ids[i]))] & CODE]
    if absent.size:
        m, kept = kept, np.int64(0)
        for i in range(m):
            ids[kept] = ids[i]
            kept += is_open(absent, np.uint64(ids[i]))
    return kept


@kernel
def forget(sums: U64) -> None:
    """Clear the touched marks."""
    for i in range(sums.shape[0]):
        sums[i, 0] &= _COUNTS


@kernel
def count_of(keys: U32, sums: U64, ids: U32, which: int, bits: int, out: F64) -> None:
    """Write the number of sources of each id (uint32) in heard state ``which`` into ``out``."""
    shift = np.uint64(bits * which)
    mask = (ONE << np.uint64(bits)) - ONE
    for i in range(ids.size):
        out[i] = np.float64((sums[slot(keys, np.uint64(ids[i])), 0] >> shift) & mask)


@kernel
def share_of(keys: U32, sums: U64, ids: U32, which: int, bits: int, degree: U32, out: F64) -> None:
    """As :func:`count_of`, divided by the number of sources (``degree`` uint32 (n,)); at most 1."""
    shift = np.uint64(bits * which)
    mask = (ONE << np.uint64(bits)) - ONE
    for i in range(ids.size):
        number = np.float64((sums[slot(keys, np.uint64(ids[i])), 0] >> shift) & mask)
        out[i] = min(number / np.float64(max(degree[ids[i]], ONE32)), 1.0)


@kernel
def trust_of(keys: U32, sums: U64, ids: U32, which: int, out: F64) -> None:
    """Write the total trust of each id (uint32) in its sources in heard state ``which``."""
    for i in range(ids.size):
        out[i] = np.float64(sums[slot(keys, np.uint64(ids[i])), 1 + which])


@kernel
def uniforms(key: Word, ids: U32, out: F64) -> None:
    """Write a draw in [0, 1) for each id (uint32) into ``out``."""
    for i in range(ids.size):
        out[i] = uniform(word(key, ids[i]))


@kernel
def drawn(ids: U32, chances: F64, key: Word, who: U32, what: U8) -> Number:
    """Let each id draw one of several outcomes, or none; list those that drew one.

    ``chances`` float64 (outcomes, ids); an agent's draw in [0, 1) selects the first outcome whose
    cumulative chance is above it. ``who`` uint32 takes the agents, ``what`` uint8 the numbers of
    their outcomes; both have room for one more than there are ids. Returns their number. In blocks,
    and without a branch that a processor could mispredict.
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
    """Claim that each id (uint32) enters the state ``code``, with its voice as the source.

    ``claim`` uint64 (n,), ``code << 32 | source``; ``touched``, ``m`` as elsewhere. Returns the
    new number of claims.
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
    state_keys: U32, state: U8, first: I64, below: F64, becomes: U8, key: Word, absent: U64,
    voice_keys: U32, voice: U32, claim: U64, touched: U32, m: Number,
) -> Number:  # fmt: skip
    """Claim spontaneous changes for agents without a claim.

    Outcomes ``first[s]:first[s + 1]`` are those of state ``s``: cumulative chances ``below``
    (float64), new states ``becomes`` (uint8). An agent that leaves the first state has no source;
    others use their voice (:func:`propose`). Returns the new number of claims.
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


_LOST = ONE << np.uint64(40)
"""Marks a claim whose source is in the heard state no more."""


@kernel
def lost(
    touched: U32, m: Number, claim: U64, state_keys: U32, state: U8, adopting: U8, voiced: U8,
    found: U32, sources: U32,
) -> Number:  # fmt: skip
    """Mark the adoptions claimed in ``touched[:m]`` whose source left the state that they heard.

    ``voiced`` is uint8: for each state, the one that its sources are in. ``found``, ``sources``
    (uint32, m) take the agents and their former sources; returns their number.
    """
    n: Number = np.int64(0)
    for i in range(m):
        v = np.uint64(touched[i])
        c = claim[v]
        new: Number = np.int64((c >> S32) & BYTE)
        source = np.uint32(c & LOW32)
        if not adopting[new] or adopting[state[slot(state_keys, v)] & CODE] or source == NOBODY:
            continue
        if state[slot(state_keys, np.uint64(source))] & CODE != voiced[new]:
            found[n], sources[n] = touched[i], source
            claim[v] = (c & ~LOW32) | _LOST | np.uint64(NOBODY)
            n += 1
    return n


@kernel
def find_again(
    rows: U32, targets: U32, speakers: U32, code: Number, voiced: U8, key: Word, claim: U64
) -> None:
    """Make one of ``speakers``, in the state ``code``, the source of each marked claim it reaches.

    Of several the one with the lowest draw.
    """
    for i in range(speakers.size):
        u = np.uint64(speakers[i])
        draw = word(key, int(u))
        at = np.int64(rows[u, 0])
        for e in range(at, at + np.int64(rows[u, 1])):
            c = claim[targets[e]]
            if c == FREE or c & _LOST == ZERO or voiced[np.int64((c >> S32) & BYTE)] != code:
                continue
            source = np.uint32(c & LOW32)
            if source == NOBODY or draw < word(key, int(source)):
                claim[targets[e]] = (c & ~LOW32) | u


@kernel
def unmark(found: U32, sources: U32, claim: U64) -> None:
    """Clear the marks; an agent that nobody reaches keeps its former source."""
    for i in range(found.size):
        c = claim[found[i]] & ~_LOST
        if np.uint32(c & LOW32) == NOBODY:
            c = (c & ~LOW32) | np.uint64(sources[i])
        claim[found[i]] = c


@kernel
def commit(
    touched: U32, m: Number, state_keys: U32, state: U8, claim: U64, adopting: U8, number: U8,
    final: U8, deaf: U64, tally: I64, adopted: U32, sources: U32, was: U8, listens: U8, roused: U32,
) -> tuple[Any, Any, Any]:  # fmt: skip
    """Turn the claims on ``touched[:m]``, ascending, into states and clear them.

    Those whose heard state changed are moved to the front of ``touched``. Returns the numbers of
    first adoptions, of these agents, and of agents roused. ``state`` has room; the slots of ``was``
    and ``roused`` after the last are overwritten.
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
