"""Friend candidates: members two ties away, and the ends of short random walks.

Rows list the sources of each agent. A step goes from an agent to one of its sources, so two steps
lead from a viewer to the sources of its sources. At most ``cap`` places of a row are sampled, one
of each equal part, drawn by (viewer, member, part), so that hubs cost no more than other members.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sim.arrays import F32, F64, I64, U32, U64
from sim.jit.jit import kernel
from sim.jit.mix import word, word2
from sim.jit.words import S32, Number, Word

_PART = 1 << 32
"""Base of the second addresses of draws of places in rows, disjoint from those of members."""


@kernel
def _looked_at(length: Number, cap: int) -> Number:
    return length if length <= cap else np.int64(cap)


@kernel
def _place(rows: U32, agent: Number, part: Number, parts: Number, own: Word) -> Number:
    """Return the sampled place in ``ids`` of one part of an agent's row."""
    start, length = np.int64(rows[agent, 0]), np.int64(rows[agent, 1])
    if parts == length:
        return start + part
    low = part * length // parts
    width = np.uint64((part + 1) * length // parts - low)
    bits = word2(own, _PART + part)
    return start + low + np.int64(((bits >> S32) * width) >> S32)


class Crossed(NamedTuple):
    """Members two ties away, with counts and sums over the members between.

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
    """Write the members two steps from ``viewers[low:]``, for as many as fit; return viewers done.

    ``cap``: maximum sampled places per row; ``at``, int64 (n,): all 0 before and after; ``room``:
    of length cap * cap + cap, ``found``: at least cap * cap. Viewer and sources are left out.
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
    """Write each member's visit probability of a random walk from ``viewer``, steps 2 to ``steps``.

    Once more than ``most`` members are possible, one of each equal part of them stands for its
    part. Returns the number of ``reached``, where the caller resets ``total`` to 0; ``mass``,
    ``fresh`` and ``marks`` are all 0 before and after.
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
    """Write the sources of members that share sources with ``viewer``, with walk probabilities.

    The walk: viewer, a source of it, another listener of that (``fans``), a source of that
    listener. Returns the number of ``reached``; the viewer and its sources may be among them.
    ``total`` is all 0 before; the caller must reset it to 0 there.
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
    """Write the indices of the ``count`` highest scores of each viewer, best first.

    Equal scores are ordered by draws of (viewer, other); viewer i's indices begin at ``i * count``.
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
