"""Planted communities: their sizes, the members' expected degrees, ties within and between them.

Members of a community have consecutive ids. Pairs are drawn independently, so none repeats.
Draws are addressed; long loops take a range and stop when the output is full, as in
:mod:`sim.network.generate.generators_kernels`.
"""

from __future__ import annotations

import numpy as np

from sim.arrays import F64, I32, I64, U32
from sim.jit.exact import exact_exp, exact_log, log1m, log_draw, power_draw
from sim.jit.jit import kernel
from sim.jit.mix import uniform, word, word2


@kernel
def sizes_by_total(
    key: np.uint64, total: int, smallest: int, largest: int, exponent: float, sizes: I64
) -> int:
    """Draw power-law sizes until they hold ``total`` members; return their number.

    ``sizes`` int64 (at least total // smallest,) gets them, each ``smallest`` to ``largest``; the
    density falls as size**-``exponent``. A remainder too small for a last community
    is spread over the others.
    """
    count = 0
    left = int(total)
    while left >= smallest and count < sizes.size:
        x = power_draw(uniform(word(key, count)), float(smallest), largest + 1.0, exponent)
        size = min(int(x), largest, left)
        sizes[count] = size
        left -= size
        count += 1
    for i in range(left):
        sizes[i % count] += 1
    return count


@kernel
def sizes_by_number(
    key: np.uint64, total: int, smallest: int, largest: int, exponent: float, sizes: I64
) -> None:
    """Draw as many power-law sizes as ``sizes`` int64 (c,) has entries, with sum ``total``.

    Each gets ``smallest`` and a share of the rest in proportion to its draw; c * smallest <= total.
    """
    raw = 0.0
    for i in range(sizes.size):
        raw += power_draw(uniform(word(key, i)), float(smallest), largest + 1.0, exponent)
    spare = total - smallest * sizes.size
    done = 0.0
    given = 0
    for i in range(sizes.size):
        done += power_draw(uniform(word(key, i)), float(smallest), largest + 1.0, exponent)
        until = min(int(spare * (done / raw) + 0.5), spare)
        sizes[i] = smallest + until - given
        given = until


@kernel
def planted_rows(
    key: np.uint64,
    labels: I32,
    ends: I64,
    within: F64,
    between: float,
    start: int,
    stop: int,
    count: int,
    sources: U32,
    targets: U32,
) -> tuple[int, int]:
    """Draw pairs u < v, u in ``start..stop``, with one chance within a community, one between.

    ``labels`` int32 (n,), ascending; ``ends`` int64 (c,): first agent after each community;
    ``within`` float64 (c,) and ``between``: 1 / ln(1 - chance). Skips, room and return value as in
    ``skip_rows`` (stochastic block model: Holland, Laskey & Leinhardt, Social Networks 5, 1983).
    """
    room = sources.size
    for u in range(start, stop):
        key_u = word(key, u)
        at = count
        draw = 0
        end = ends[labels[u]]
        for outside in range(2):
            scale = between if outside else within[labels[u]]
            limit = labels.size if outside else end
            v = end - 1 if outside else np.int64(u)
            while True:
                leap = log_draw(word2(key_u, draw)) * scale
                draw += 1
                if not leap < limit - 1 - v:
                    break
                v += 1 + np.int64(leap)
                if at == room:
                    return u, count
                sources[at] = u
                targets[at] = v
                at += 1
        count = at
    return stop, count


@kernel
def _power_integral(low: float, high: float, exponent: float) -> float:
    """Return the integral of x**-exponent from ``low`` to ``high``, over low**(1 - exponent)."""
    ratio = exact_log(high / low)
    a = 1.0 - exponent
    return ratio if abs(a) < 1e-9 else (exact_exp(a * ratio) - 1.0) / a


@kernel
def power_low(mean: float, high: float, exponent: float) -> float:
    """Return the lower end at which a power law up to ``high`` has this mean; mean < high."""
    below = mean * 1e-6
    above = mean
    for _ in range(60):
        low = 0.5 * (below + above)
        value = low * _power_integral(low, high, exponent - 1.0)
        if value < mean * _power_integral(low, high, exponent):
            below = low
        else:
            above = low
    return 0.5 * (below + above)


@kernel
def power_weights(
    key: np.uint64,
    ends: I64,
    highs: F64,
    mean: float,
    exponent: float,
    weights: F64,
    squares: F64,
) -> None:
    """Draw expected degrees from a power law of a given mean, capped per community.

    ``ends`` int64 (c,), ``highs`` float64 (c,), above ``mean``; ``weights`` float64 (n,) gets
    them, scaled to the mean exactly; ``squares`` float64 (c,) gets the sums of their squares.
    """
    start = np.int64(0)
    for c in range(ends.size):
        low = power_low(mean, highs[c], exponent)
        total = 0.0
        for i in range(start, ends[c]):
            weights[i] = power_draw(uniform(word(key, i)), low, highs[c], exponent)
            total += weights[i]
        scale = mean * (ends[c] - start) / max(total, 1e-300)
        squares[c] = 0.0
        for i in range(start, ends[c]):
            weights[i] *= scale
            squares[c] += weights[i] * weights[i]
        start = ends[c]


@kernel
def weighted_within(
    key: np.uint64,
    labels: I32,
    ends: I64,
    weights: F64,
    factors: F64,
    start: int,
    stop: int,
    count: int,
    sources: U32,
    targets: U32,
) -> tuple[int, int]:
    """Draw pairs inside communities with chance ``weights[u] * weights[v] * factors[c]``.

    ``weights`` float64 (n,) decreases within a community; ``factors`` float64 (c,). A skip uses the
    chance at its start, and the pair it lands on is thinned (Miller & Hagberg, WAW 2011). Room and
    return value as in ``skip_rows``.
    """
    room = sources.size
    for u in range(start, stop):
        key_u = word(key, u)
        at = count
        draw = 0
        end = ends[labels[u]]
        strength = weights[u] * factors[labels[u]]
        v = np.int64(u) + 1
        while v < end:
            chance = min(strength * weights[v], 1.0)
            if chance < 1.0:
                leap = log_draw(word2(key_u, draw)) / log1m(chance)
                draw += 1
                if not leap < end - v:
                    break
                v += np.int64(leap)
            kept = uniform(word2(key_u, draw)) * chance < strength * weights[v]
            draw += 1
            if kept:
                if at == room:
                    return u, count
                sources[at] = u
                targets[at] = v
                at += 1
            v += 1
        count = at
    return stop, count


@kernel
def weighted_between(
    key: np.uint64,
    labels: I32,
    order: U32,
    weights: F64,
    factor: float,
    start: int,
    stop: int,
    count: int,
    sources: U32,
    targets: U32,
) -> tuple[int, int]:
    """Draw pairs of different communities with chance ``weights[a] * weights[b] * factor``.

    ``order`` uint32 (n,): agents by decreasing weight; ``weights`` float64 (n,): theirs, in that
    order. Agents of rank ``start..stop`` draw among the lighter ones; otherwise as
    :func:`weighted_within`.
    """
    room = sources.size
    for a in range(start, stop):
        key_a = word(key, a)
        at = count
        draw = 0
        own = labels[order[a]]
        strength = weights[a] * factor
        b = np.int64(a) + 1
        while b < order.size:
            chance = min(strength * weights[b], 1.0)
            if chance < 1.0:
                leap = log_draw(word2(key_a, draw)) / log1m(chance)
                draw += 1
                if not leap < order.size - b:
                    break
                b += np.int64(leap)
            kept = uniform(word2(key_a, draw)) * chance < strength * weights[b]
            draw += 1
            if kept and labels[order[b]] != own:
                if at == room:
                    return a, count
                sources[at] = order[a]
                targets[at] = order[b]
                at += 1
            b += 1
        count = at
    return stop, count
