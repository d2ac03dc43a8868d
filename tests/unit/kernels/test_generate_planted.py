"""Planted communities: exact cases, the same draws in plain Python, numbers of ties expected."""

import math
from collections.abc import Callable
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.core.rng import Stream, key
from sim.jit.exact import log1m, log_draw
from sim.network.generate.planted_kernels import (
    planted_rows,
    power_low,
    sizes_by_number,
    sizes_by_total,
    weighted_between,
    weighted_within,
)
from tests.unit.kernels.networks import coin, share

KEY = key(5, Stream.TIES)
SIZES = np.array([5, 9, 1, 12])
ENDS = np.cumsum(SIZES)
AGENTS = int(ENDS[-1])
LABELS = np.repeat(np.arange(4, dtype=np.int32), SIZES)
INSIDE = [(u, v) for u, v in combinations(range(AGENTS), 2) if LABELS[u] == LABELS[v]]
ACROSS = [(u, v) for u, v in combinations(range(AGENTS), 2) if LABELS[u] != LABELS[v]]
Pairs = list[tuple[int, int]]


def collected(step: Callable[..., Any], room: int = 500) -> Pairs:
    """All pairs of a kernel that stops where room ends; it goes on with more."""
    found: Pairs = []
    start = 0
    while start < AGENTS:
        sources, targets = np.zeros((2, room), np.uint32)
        reached, count = step(start, AGENTS, 0, sources, targets)
        found += zip(sources[:count].tolist(), targets[:count].tolist(), strict=True)
        room += reached == start  # not one row found room
        start = reached
    return found


# Sizes


@given(st.integers(0, 10**6), st.integers(40, 3000), st.sampled_from([0.0, 1.0, 2.0, 3.5]))
def test_sizes_hold_everybody_and_are_no_smaller_than_asked(
    seed: int, total: int, exponent: float
) -> None:
    sizes = np.empty(total // 20, np.int64)
    count = sizes_by_total(key(seed, Stream.TIES), total, 20, 90, exponent, sizes)
    assert sizes[:count].sum() == total
    assert sizes[:count].min() >= 20
    assert sizes[:count].max() <= 90 + 19  # and what was left over


def test_what_is_left_over_is_spread_over_the_others() -> None:
    sizes = np.zeros(3, np.int64)
    assert sizes_by_total(KEY, 35, 10, 10, 2.0, sizes) == 3
    assert sizes.tolist() == [12, 12, 11]


@pytest.mark.parametrize("exponent", [0.0, 1.0, 2.5])
def test_a_number_of_sizes_has_shares_of_what_is_spare(exponent: float) -> None:
    sizes = np.empty(12, np.int64)
    sizes_by_number(KEY, 1000, 30, 400, exponent, sizes)
    assert sizes.sum() == 1000
    assert sizes.min() >= 30
    sizes_by_number(KEY, 360, 30, 400, exponent, sizes)
    assert sizes.tolist() == [30] * 12


@pytest.mark.parametrize("exponent", [1.0, 1.5, 2.0, 2.5, 3.0])
def test_a_power_law_from_the_low_end_found_has_the_mean(exponent: float) -> None:
    xs = np.geomspace(power_low(20.0, 300.0, exponent), 300.0, 20_001)
    mean = np.trapezoid(xs ** (1 - exponent), xs) / np.trapezoid(xs**-exponent, xs)
    assert mean == pytest.approx(20.0, rel=1e-5)


# Pairs of one chance inside, another outside


def planted(within: float, between: float, room: int = 500) -> Pairs:
    scales, across = np.full(4, scale(within)), scale(between)
    return collected(lambda *rest: planted_rows(KEY, LABELS, ENDS, scales, across, *rest), room)


def scale(chance: float) -> float:
    """1 / ln(1 - chance), as the kernels take it."""
    if chance in {0, 1}:
        return -0.0 if chance else -math.inf
    return 1 / math.log1p(-chance)


def test_chances_of_one_or_none_and_the_room_decide_no_other_pairs() -> None:
    assert planted(1, 0) == INSIDE
    assert planted(0, 1) == ACROSS
    assert planted(1, 1) == sorted(INSIDE + ACROSS)
    assert planted(0, 0) == []
    pairs = planted(0.6, 0.1)
    assert pairs == planted(0.6, 0.1, room=12) == sorted({*pairs})
    sources, targets = np.zeros((2, 10), np.uint32)
    full = planted_rows(KEY, LABELS, ENDS, np.full(4, -0.0), -0.0, 0, 5, 0, sources, targets)
    assert full == (0, 0)  # agent 0 has 26 ties


def test_as_many_pairs_are_planted_as_the_chances_say() -> None:
    inside = outside = 0
    for seed in range(40):
        address = key(seed, Stream.TIES)
        within, across = np.full(4, scale(0.6)), scale(0.1)
        step = (address, LABELS, ENDS, within, across)
        pairs = collected(lambda *rest, step=step: planted_rows(*step, *rest))
        inside += sum(LABELS[u] == LABELS[v] for u, v in pairs)
        outside += sum(LABELS[u] != LABELS[v] for u, v in pairs)
    for count, trials, chance in ((inside, INSIDE, 0.6), (outside, ACROSS, 0.1)):
        expected = 40 * len(trials) * chance
        assert abs(count - expected) < 4 * math.sqrt(expected * (1 - chance))


# Pairs of agents with weights

WEIGHTS = np.concatenate([np.linspace(9, 2, size) for size in SIZES])
ORDER = np.argsort(-WEIGHTS, kind="stable").astype(np.uint32)


def within(factors: np.ndarray, room: int = 500, address: np.uint64 = KEY) -> Pairs:
    arguments = (address, LABELS, ENDS, WEIGHTS, factors)
    return collected(lambda *rest: weighted_within(*arguments, *rest), room)


def between(factor: float, room: int = 500, address: np.uint64 = KEY) -> Pairs:
    arguments = (address, LABELS, ORDER, WEIGHTS[ORDER], factor)
    return collected(lambda *rest: weighted_between(*arguments, *rest), room)


def naive_thinned(row: int, chances: list[float]) -> list[int]:
    """Places of a row that are kept: leap by the chance at the start, thin what is landed on."""
    kept, draw, place = [], 0, 0
    while place < len(chances):
        bound = min(chances[place], 1.0)
        if bound < 1:
            place += math.floor(log_draw(np.uint64(coin(KEY, row, draw))) / log1m(bound))
            draw += 1
        if place >= len(chances):
            break
        if share(coin(KEY, row, draw)) * bound < chances[place]:
            kept.append(place)
        draw += 1
        place += 1
    return kept


def test_weighted_pairs_inside_are_drawn_as_in_plain_python() -> None:
    factors = np.array([0.02, 0.01, 0.5, 0.004])
    expected = []
    for u in range(AGENTS):
        strength = WEIGHTS[u] * factors[LABELS[u]]
        near = range(u + 1, int(ENDS[LABELS[u]]))
        expected += [(u, near[i]) for i in naive_thinned(u, [strength * WEIGHTS[v] for v in near])]
    assert within(factors) == within(factors, room=8) == expected
    assert 0 < len(expected) < len(INSIDE)


def test_weighted_pairs_across_are_drawn_as_in_plain_python() -> None:
    expected = []
    for rank, a in enumerate(ORDER.tolist()):
        lighter = ORDER[rank + 1 :].tolist()
        kept = naive_thinned(rank, [WEIGHTS[a] * 0.006 * WEIGHTS[b] for b in lighter])
        expected += [(a, lighter[i]) for i in kept if LABELS[a] != LABELS[lighter[i]]]
    assert between(0.006) == between(0.006, room=20) == expected
    assert 0 < len(expected) < len(ACROSS)


def test_weights_large_enough_tie_everybody() -> None:
    assert within(np.full(4, 9.0)) == INSIDE
    assert sorted(tuple(sorted(pair)) for pair in between(9.0)) == ACROSS
    sources, targets = np.zeros((2, 4), np.uint32)
    arguments = (KEY, LABELS, ORDER, WEIGHTS[ORDER], 9.0)
    assert weighted_between(*arguments, 0, AGENTS, 0, sources, targets) == (0, 0)
    inside = (KEY, LABELS, ENDS, WEIGHTS, np.full(4, 9.0))
    assert weighted_within(*inside, 0, AGENTS, 0, sources, targets) == (1, 4)


def test_weighted_pairs_are_as_many_as_the_products_say() -> None:
    factors, runs = np.array([0.005, 0.01, 0.5, 0.003]), 60
    keys = [key(seed, Stream.TIES) for seed in range(runs)]
    inside = [WEIGHTS[u] * WEIGHTS[v] * factors[LABELS[u]] for u, v in INSIDE]
    across = [WEIGHTS[u] * WEIGHTS[v] * 0.004 for u, v in ACROSS]
    counts = [
        (sum(len(within(factors, 500, k)) for k in keys), inside),
        (sum(len(between(0.004, 500, k)) for k in keys), across),
    ]
    for count, chances in counts:
        p = np.minimum(chances, 1)
        assert abs(count - runs * p.sum()) < 4 * math.sqrt(runs * (p * (1 - p)).sum())
