"""Who might be a friend: members two steps away, and where short random walks end.

Rows list whom each agent hears. A step goes from an agent to somebody whom it hears, so two steps
lead from a viewer over those it hears to whom they hear. Every row is looked at in at most ``cap``
places, one of each equal part of it, drawn by (viewer, member, part): hubs cost no more than
others.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sim.arrays import F32, F64, I64, U32, U64
from sim.jit.jit import kernel
from sim.jit.mix import word, word2
from sim.jit.words import S32, Number, Word

_PART = 1 << 32
"""Second addresses of the draws of places in rows: far from those of members."""


@kernel
def _looked_at(length: Number, cap: int) -> Number:
    return length if length <= cap else np.int64(cap)


@kernel
def _place(rows: U32, agent: Number, part: Number, parts: Number, own: Word) -> Number:
    """Return the place in ``ids`` that one part of an agent's row is looked at in."""
    start, length = np.int64(rows[agent, 0]), np.int64(rows[agent, 1])
    if parts == length:
        return start + part
    low = part * length // parts
    width = np.uint64((part + 1) * length // parts - low)
    bits = word2(own, _PART + part)
    return start + low + np.int64(((bits >> S32) * width) >> S32)


class Crossed(NamedTuple):
    """Members two steps away, and those between: how many, and in sum.

    ``others`` (uint32); of the members m between, ``common`` (float32) counts them, ``adamic`` sums
    1 / ln(members that m hears, at least 2), ``spread`` sums 1 / (members that m hears).
    """

    others: U32
    common: F32
    adamic: F32
    spread: F32


@kernel
def two_hop(
    viewers: U32, low: int, rows: U32, ids: U32, cap: int, key: Word, at: I64, room: Crossed,
    stops: I64, found: Crossed,
) -> Number:  # fmt: skip
    """Write the members two steps from ``viewers[low:]``, as many viewers as there is room for.

    Neither a viewer itself nor whom it hears already is written.

    Parameters
    ----------
    viewers, low
        uint32 (k,), and which of them is the first.
    rows, ids
        Whom each agent hears: uint32 (n, 2) of start and length, uint32.
    cap
        Places of a row that are looked at, at most.
    key
        uint64 of the draws.
    at
        int64 (n,), all 0 before and after: room to work in.
    room
        Of length cap * cap + cap: room to work in.
    stops
        int64 (k - low + 1,), written: where each viewer's begin, and the end.
    found
        Of length ``cap * cap`` at least, written.

    Returns
    -------
    How many viewers are done.
    """
    touched, common, adamic, spread = room
    others, commons, adamics, spreads = found
    filled = np.int64(0)
    stops[0] = 0
    for i in range(low, viewers.size):
        viewer: Number = np.int64(viewers[i])
        own = word(key, viewer)
        heard = np.int64(rows[viewer, 1])
        parts = _looked_at(heard, cap)
        start = np.int64(rows[viewer, 0])
        if i > low and filled + np.int64(cap) * np.int64(cap) > others.size:
            return np.int64(i - low)
        for e in range(start, start + heard):
            at[ids[e]] = -1
        at[viewer] = -1
        count = np.int64(0)
        for j in range(parts):
            between: Number = np.int64(ids[_place(rows, viewer, j, parts, own)])
            known: Number = np.int64(rows[between, 1])
            share = np.float32(1.0 / max(known, 1))
            weight = np.float32(1.0 / np.log(float(max(known, 2))))
            inner = word2(own, between)
            looked = _looked_at(known, cap)
            for p in range(looked):
                other = ids[_place(rows, between, p, looked, inner)]
                place: Number = at[other]
                if place < 0:
                    continue
                if place == 0:
                    touched[count] = other
                    common[count] = adamic[count] = spread[count] = np.float32(0.0)
                    count += 1
                    at[other] = count
                    place = count
                common[place - 1] += np.float32(1.0)
                adamic[place - 1] += weight
                spread[place - 1] += share
        for c in range(count):
            at[touched[c]] = 0
            others[filled] = touched[c]
            commons[filled] = common[c]
            adamics[filled] = adamic[c]
            spreads[filled] = spread[c]
            filled += 1
        for e in range(start, start + heard):
            at[ids[e]] = 0
        at[viewer] = 0
        stops[i - low + 1] = filled
    return np.int64(viewers.size - low)


@kernel
def walk(
    viewer: int, rows: U32, ids: U32, steps: int, cap: int, most: int, key: Word, mass: F64,
    fresh: F64, total: F64, front: U32, ahead: U32, reached: U32, marks: U64,
) -> Number:  # fmt: skip
    """Write how likely a random walk from ``viewer`` stands on whom, over steps 2 to ``steps``.

    At each step the walker goes on to a member whom the one it stands on hears, each as likely; who
    hears nobody keeps it for good. Once it may be on more than ``most`` members, the walk goes on
    from one of each equal part of them, in whose place it stands; the chance lost is lost.

    Parameters
    ----------
    viewer
        Where it begins.
    rows, ids, cap, key
        As :func:`two_hop`.
    steps
        How many it takes.
    most
        Members from which it goes on.
    mass, fresh, total
        float64 (n,), all 0 before and after but for ``total``, written at ``reached``.
    front, ahead
        uint32 (n,): room to work in.
    reached
        uint32 (n,), written: whom it may have come to after two steps or more, the viewer too.
    marks
        uint64 (n,), all 0 before and after: room to work in.

    Returns
    -------
    How many are reached; the caller sets ``total`` there to 0 again.
    """
    own = word(key, viewer)
    front[0] = np.uint32(viewer)
    mass[viewer] = 1.0
    wide, found = np.int64(1), np.int64(0)
    for step in range(steps):
        parts = _looked_at(wide, most)
        ends = np.int64(0)
        for f in range(parts):
            here: Number = np.int64(front[f * wide // parts])
            length = np.int64(rows[here, 1])
            looked = _looked_at(length, cap)
            if looked == 0:
                continue
            share = mass[here] / looked
            inner = word2(own, here)
            for p in range(looked):
                other = ids[_place(rows, here, p, looked, inner)]
                if fresh[other] == 0.0:
                    ahead[ends] = other
                    ends += 1
                fresh[other] += share
        for f in range(wide):
            mass[front[f]] = 0.0
        for f in range(ends):
            other = ahead[f]
            if step > 0:
                if marks[other] == np.uint64(0):
                    marks[other] = np.uint64(1)
                    reached[found] = other
                    found += 1
                total[other] += fresh[other]
            mass[other] = fresh[other]
            fresh[other] = 0.0
            front[f] = other
        wide = ends
    for f in range(wide):
        mass[front[f]] = 0.0
    for f in range(found):
        marks[reached[f]] = np.uint64(0)
    return found


@kernel
def alike(
    viewer: int, rows: U32, ids: U32, fans: U32, fan_ids: U32, cap: int, key: Word, total: F64,
    reached: U32,
) -> Number:  # fmt: skip
    """Write whom those hear who hear whom ``viewer`` hears, and how likely a walk ends there.

    The walk goes from the viewer to somebody it hears, back to another who hears that one too, and
    on to somebody whom that other hears; each as likely. Who hears what few hear is likelier met.

    Parameters
    ----------
    viewer
        Where it begins.
    rows, ids
        Whom each agent hears: uint32 (n, 2) of start and length, uint32.
    fans, fan_ids
        Who hears each agent, as ``rows`` and ``ids``.
    cap, key
        As :func:`two_hop`.
    total
        float64 (n,), all 0 before; written at ``reached``.
    reached
        uint32 (n,), written: whom it may come to, the viewer and whom it hears too.

    Returns
    -------
    How many are reached; the caller sets ``total`` there to 0 again.
    """
    own = word(key, viewer)
    found = np.int64(0)
    heard = _looked_at(np.int64(rows[viewer, 1]), cap)
    for p in range(heard):
        between: Number = np.int64(ids[_place(rows, viewer, p, heard, own)])
        inner = word2(own, between)
        many = _looked_at(np.int64(fans[between, 1]), cap)
        for q in range(many):
            like: Number = np.int64(fan_ids[_place(fans, between, q, many, inner)])
            if like == viewer:
                continue
            theirs = word2(inner, like)
            looked = _looked_at(np.int64(rows[like, 1]), cap)
            for r in range(looked):
                other = ids[_place(rows, like, r, looked, theirs)]
                if total[other] == 0.0:
                    reached[found] = other
                    found += 1
                total[other] += 1.0 / (heard * many * looked)
    return found


@kernel
def best(
    stops: I64, viewers: U32, others: U32, scores: F32, key: Word, count: int, counts: I64,
    chosen: I64,
) -> None:  # fmt: skip
    """Write the places of the ``count`` highest scores of each viewer, best first.

    Equal scores stand in the order of draws by (viewer, other).

    Parameters
    ----------
    stops, viewers
        int64 (k + 1,), uint32 (k,).
    others, scores
        uint32, float32 (c,).
    key, count
        uint64 of the draws; how many at most.
    counts
        int64 (k,), written: how many there are.
    chosen
        int64 (k * count,), written: those of viewer i from ``i * count`` on.
    """
    bits = np.empty(count, np.uint64)
    for i in range(viewers.size):
        own = word(key, viewers[i])
        base, many = np.int64(i) * count, np.int64(0)
        for c in range(stops[i], stops[i + 1]):
            draw = word2(own, others[c])
            place = many
            while place > 0:
                above = chosen[base + place - 1]
                if scores[above] > scores[c] or (
                    scores[above] == scores[c] and bits[place - 1] >= draw
                ):
                    break
                place -= 1
            if place >= count:
                continue
            last = many if many < count else np.int64(count - 1)
            for p in range(last, place, -1):
                chosen[base + p] = chosen[base + p - 1]
                bits[p] = bits[p - 1]
            chosen[base + place] = c
            bits[place] = draw
            many = last + 1
        counts[i] = many
