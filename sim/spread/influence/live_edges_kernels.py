"""Live edges: which ties of a network would carry a message, drawn on demand.

A model whose final reach is that of a random subgraph (Kempe, Kleinberg & Tardos, "Maximizing the
spread of influence through a social network", KDD 2003) is traversed without time: backwards from
one agent to all that would have reached it (a reverse reachable set: Borgs, Brautbar, Chayes &
Lucier, "Maximizing social influence in nearly optimal time", SODA 2014), or forwards from seeds.
Ties of equal chance are skipped in geometric jumps (Guo, Wang, Wei & Chen, "Influence
maximization revisited", SIGMOD 2020).

Every set and every run draws under its own key, by places counted within it: the result does not
depend on the number of threads.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sim.arrays import F64, I32, I64, U8, U16, U32, U64
from sim.jit.jit import kernel
from sim.jit.mix import uniform, word, word2
from sim.jit.prefetch import ahead
from sim.jit.words import LOW6, ONE, S6, Number, Word

CONSTANT, DEGREE, TRUST, LEVELS, BORDER, ONE_OF, ONE_BY_TRUST = 0, 1, 2, 3, 4, 5, 6
"""The rules for a tie's chance: one for all; 1 / the listener's sources; times trust; times one of
some levels; times a share between communities. Or one live tie per listener, any or by trust."""

_AHEAD = 4
_TRIES = 16
_WHOLE = 65535.0
_FAR = 1e18


class Chances(NamedTuple):
    """The parameters that decide whether a tie is live.

    Attributes
    ----------
    kind
        One of the constants above.
    p
        The largest chance of a tie, in [0, 1].
    across
        Its share between communities (:data:`BORDER`).
    levels
        float64: shares of it, equally likely (:data:`LEVELS`).
    level_key
        Key of the draws of levels.
    labels
        int32 (n,): communities, -1 none; or empty.
    """

    kind: int
    p: float
    across: float
    levels: F64
    level_key: Word
    labels: I32


@kernel
def _is_set(bits: U64, v: Number) -> bool:
    """Return whether the bit of an agent is set."""
    return bool((bits[v >> 6] >> (np.uint64(v) & LOW6)) & ONE != np.uint64(0))


@kernel
def _set(bits: U64, v: Number) -> None:
    """Set the bit of an agent."""
    bits[v >> 6] |= ONE << (np.uint64(v) & LOW6)


@kernel
def _clear(bits: U64, members: U32, begin: Number, end: Number) -> None:
    """Clear the bits of ``members[begin:end]``."""
    for i in range(begin, end):
        v = np.uint64(members[i])
        bits[np.int64(v >> S6)] &= ~(ONE << (v & LOW6))


@kernel
def _jump(bits: Word, inverse: float) -> Number:
    """Return the number of failures before the next success; ``inverse``: 1 / log(1 - chance)."""
    return np.int64(min(np.log1p(-uniform(bits)) * inverse, _FAR))


@kernel
def _share(chances: Chances, trust: U16, e: Number, u: Number, v: Number) -> Number:
    """Return the share of the largest chance for the tie u -> v, at place ``e``."""
    if chances.kind == TRUST:
        return np.float64(trust[e]) / _WHOLE if trust.size else 1.0
    if chances.kind == LEVELS:
        drawn = uniform(word2(word(chances.level_key, u), v))
        return chances.levels[int(drawn * chances.levels.size)]
    if chances.kind == BORDER:
        own = chances.labels[u]
        return 1.0 if own >= 0 and chances.labels[v] == own else chances.across
    return 1.0


@kernel
def _chosen(rows: U32, trust: U16, kind: int, v: Number, key: Word) -> Number:
    """Return the place of the only live tie to ``v`` in the reversed rows; -1 if there is none.

    By trust, a place is drawn and accepted in proportion to its trust; after some rejections
    trust is summed up instead, which gives the same law and terminates.
    """
    start, count = np.int64(rows[v, 0]), np.int64(rows[v, 1])
    if count == 0:
        return np.int64(-1)
    own = word(key, v)
    if kind == ONE_OF or trust.size == 0:
        return start + np.int64(uniform(own) * count)
    e: Number = start
    for i in range(_TRIES):
        e = start + np.int64(uniform(word2(own, 2 * i)) * count)
        if uniform(word2(own, 2 * i + 1)) * _WHOLE < np.float64(trust[e]):
            return e
    total: Number = np.int64(0)
    for e in range(start, start + count):
        total += np.int64(trust[e])
    if total == 0:
        return np.int64(-1)
    left: Number = np.int64(uniform(word2(own, 2 * _TRIES)) * total)
    for e in range(start, start + count):
        left -= np.int64(trust[e])
        if left < 0:
            return np.int64(e)
    return start + count - 1


@kernel
def reverse_sets(
    rows: U32, sources: U32, trust: U16, chances: Chances, seen: U64, roots: U32, key: Word,
    first: int, last: int, large: int, out: U32, lengths: U32,
) -> tuple[Number, Number]:  # fmt: skip
    """Draw the reverse reachable sets ``first`` to ``last - 1``, as many as fit.

    Returns their number and size in all. ``out`` takes each with its root first; a set that does
    not fit is drawn again by the next call; one of more than ``large`` agents ends it. ``seen``, a
    bitmap of agents that take no part, is restored afterwards. ``rows`` list sources.
    """
    used = np.int64(0)
    for s in range(first, last):
        if used == out.size:
            return np.int64(s - first), used
        own = word(key, s)
        root = roots[np.int64(uniform(own) * roots.size)]
        _set(seen, np.int64(root))
        out[used] = root
        end = used + 1
        if chances.kind >= ONE_OF:
            end = _walked(rows, sources, trust, chances.kind, own, seen, out, end)
        else:
            end = _spread(rows, sources, trust, chances, own, seen, out, used, end)
        _clear(seen, out, used, abs(end))
        if end < 0:
            return np.int64(s - first), used
        lengths[s - first] = np.uint32(end - used)
        if end - used > large:
            return np.int64(s - first + 1), end
        used = end
    return np.int64(last - first), used


@kernel
def _walked(
    rows: U32, sources: U32, trust: U16, kind: int, own: Word, seen: U64, out: U32, end: Number
) -> Number:  # fmt: skip
    """Follow the one live tie of each agent backwards; return the set's end, negative if full."""
    v = np.int64(out[end - 1])
    while True:
        e = _chosen(rows, trust, kind, v, own)
        if e < 0:
            return end
        v = np.int64(sources[e])
        if _is_set(seen, v):
            return end
        if end == out.size:
            return -end
        _set(seen, v)
        out[end] = np.uint32(v)
        end += 1


@kernel
def _spread(
    rows: U32, sources: U32, trust: U16, chances: Chances, own: Word, seen: U64, out: U32,
    at: Number, end: Number,
) -> Number:  # fmt: skip
    """Follow all live ties backwards; return the set's end, negative if full."""
    draw: Number = np.int64(0)
    p = chances.p
    if p <= 0.0:
        return end
    inverse = 0.0
    if p < 1.0:
        inverse = 1.0 / np.log1p(-p)
    while at < end:
        v: Number = np.int64(out[at])
        at += 1
        if at + _AHEAD < end:
            ahead(sources, np.int64(rows[out[at + _AHEAD], 0]))
        e: Number = np.int64(rows[v, 0])
        stop: Number = e + np.int64(rows[v, 1])
        if chances.kind == DEGREE:
            p = 1.0 / max(stop - e, 1)
            if p < 1.0:
                inverse = 1.0 / np.log1p(-p)
        while True:
            if p < 1.0:
                e += _jump(word2(own, draw), inverse)
                draw += 1
            if e >= stop:
                break
            u = np.int64(sources[e])
            if not _is_set(seen, u):
                is_live = True
                if chances.kind >= TRUST:
                    share = _share(chances, trust, e, u, v)
                    is_live = uniform(word2(own, draw)) < share
                    draw += 1
                if is_live:
                    if end == out.size:
                        return -end
                    _set(seen, u)
                    ahead(rows, 2 * u)
                    out[end] = np.uint32(u)
                    end += 1
            e += 1
    return end


@kernel
def followed(
    rows: U32, targets: U32, trust: U16, back_rows: U32, back: U32, back_trust: U16,
    chances: Chances, seen: U64, dead: U8, skips: bool, seeds: U32, key: Word, queue: U32,
    live: I64, keeps: bool,
) -> tuple[Number, Number]:  # fmt: skip
    """Follow one run from seeds to its end; return the number of agents reached, and of live ties.

    ``skips``: ties of equal chance are skipped in jumps; else coins are the same for all seeds.
    ``live`` takes places in ``queue`` and ``targets`` in turn; ties over half its size did not fit.
    Empty: none recorded; ``dead`` empty: none is. ``seen`` marks who takes no part; it is restored
    unless ``keeps``.
    """
    end, at, met = np.int64(0), np.int64(0), np.int64(0)
    for s in range(seeds.size):
        v: Number = np.int64(seeds[s])
        if not _is_set(seen, v):
            _set(seen, v)
            queue[end] = np.uint32(v)
            end += 1
    p = chances.p
    is_jumping = skips and chances.kind < ONE_OF and chances.kind != DEGREE and 0.0 < p < 1.0
    inverse = 0.0
    if is_jumping:
        inverse = 1.0 / np.log1p(-p)
    if p <= 0.0 and chances.kind < ONE_OF:
        at = end
    while at < end:
        u: Number = np.int64(queue[at])
        if at + _AHEAD < end:
            ahead(targets, np.int64(rows[queue[at + _AHEAD], 0]))
        e: Number = np.int64(rows[u, 0])
        stop: Number = e + np.int64(rows[u, 1])
        own = word(key, u)
        leap = word(own, u)
        jumps: Number = np.int64(0)
        while True:
            if is_jumping:
                e += _jump(word2(leap, jumps), inverse)
                jumps += 1
            if e >= stop:
                break
            v = np.int64(targets[e])
            if live.size or not _is_set(seen, v):
                is_live = dead.size == 0 or not dead[e]
                if not is_live:
                    pass
                elif chances.kind >= ONE_OF:
                    place = _chosen(back_rows, back_trust, chances.kind, v, key)
                    is_live = place >= 0 and np.int64(back[place]) == u
                else:
                    chance: Number = p
                    if chances.kind == DEGREE:
                        sources: Number = np.int64(back_rows[v, 1])
                        chance = 1.0 / max(sources, 1)
                    elif chances.kind >= TRUST:
                        chance = _share(chances, trust, e, u, v)
                        if not is_jumping:
                            chance *= p
                    elif is_jumping:
                        chance = 1.0
                    is_live = chance >= 1.0 or uniform(word2(own, v)) < chance
                if is_live:
                    if live.size:
                        if 2 * met + 1 < live.size:
                            live[2 * met] = at
                            live[2 * met + 1] = e
                        met += 1
                    if not _is_set(seen, v):
                        _set(seen, v)
                        ahead(rows, 2 * v)
                        queue[end] = np.uint32(v)
                        end += 1
            e += 1
        at += 1
    if not keeps:
        _clear(seen, queue, 0, end)
    return end, met


@kernel
def crossed(
    rows: U32, targets: U32, trust: U16, back_rows: U32, back_trust: U16, seen: U64, dead: U8,
    seeds: U32, key: Word, queue: U32, left: I64, touched: U32,
) -> Number:  # fmt: skip
    """Follow one run of linear thresholds from seeds to its end; return the number reached.

    Its law is one live tie per listener. ``left``, zeros before and after: missing weight plus one.
    ``trust`` empty: all sources weigh the same. ``seen`` is restored afterwards.
    """
    end, at, heard = np.int64(0), np.int64(0), np.int64(0)
    total: Number
    for s in range(seeds.size):
        v: Number = np.int64(seeds[s])
        if not _is_set(seen, v):
            _set(seen, v)
            queue[end] = np.uint32(v)
            end += 1
    while at < end:
        u: Number = np.int64(queue[at])
        if at + _AHEAD < end:
            ahead(targets, np.int64(rows[queue[at + _AHEAD], 0]))
        start = np.int64(rows[u, 0])
        for e in range(start, start + np.int64(rows[u, 1])):
            v = np.int64(targets[e])
            if _is_set(seen, v) or (dead.size and dead[e]):
                continue
            weight = np.int64(trust[e]) if trust.size else np.int64(1)
            missing: Number = left[v]
            if missing == 0:
                total = np.int64(back_rows[v, 1])
                if trust.size:
                    first = np.int64(back_rows[v, 0])
                    total = np.int64(0)
                    for b in range(first, first + np.int64(back_rows[v, 1])):
                        total += np.int64(back_trust[b])
                missing = 2 + np.int64(uniform(word(key, v)) * total)
                touched[heard] = np.uint32(v)
                heard += 1
            left[v] = max(missing - weight, 1)
            if left[v] == 1:
                _set(seen, v)
                queue[end] = np.uint32(v)
                end += 1
        at += 1
    for i in range(heard):
        left[touched[i]] = 0
    _clear(seen, queue, 0, end)
    return end


@kernel
def gains(
    rows: U32, targets: U32, trust: U16, back_rows: U32, back: U32, back_trust: U16,
    chances: Chances, marks: U64, dead: U8, agents: U32, keys: U64, queue: U32, live: I64,
    out: I64,
) -> None:  # fmt: skip
    """Write how many agents each candidate would add, summed over runs with one coin per tie.

    ``marks``: for each run, a bitmap of agents that take no part or are already reached.
    """
    for i in range(agents.size):
        total = np.int64(0)
        for r in range(keys.size):
            found, _ = followed(
                rows, targets, trust, back_rows, back, back_trust, chances, marks[r], dead, False,
                agents[i : i + 1], keys[r], queue, live, False,
            )  # fmt: skip
            total += found
        out[i] = total


@kernel
def kept(
    rows: U32, targets: U32, trust: U16, back_rows: U32, back: U32, back_trust: U16,
    chances: Chances, marks: U64, dead: U8, agents: U32, keys: U64, queue: U32, live: I64,
) -> None:  # fmt: skip
    """Mark the agents that some agents reach in each run; see :func:`gains`."""
    for r in range(keys.size):
        followed(
            rows, targets, trust, back_rows, back, back_trust, chances, marks[r], dead, False,
            agents, keys[r], queue, live, True,
        )  # fmt: skip
