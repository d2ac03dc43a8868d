"""Random networks against the same draws in plain Python, exact cases and the laws of chance."""

import math
from collections.abc import Callable
from itertools import combinations, permutations
from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from sim.core.rng import Stream, key, words
from sim.jit.exact import exact_exp, exact_log, log1m, log_draw, power_draw
from sim.network.generate.generators_kernels import (
    attach,
    bucket,
    count_pairs,
    mirror_pairs,
    owners,
    relabel,
    rewire,
    ring,
    shuffle,
    skip_rows,
)
from sim.network.generate.planted_kernels import power_weights
from tests.unit.kernels.graphs import spans
from tests.unit.kernels.networks import coin, share

KEY = key(5, Stream.TIES)
Pairs = list[tuple[int, int]]


def collected(step: Callable[..., Any], rows: int, room: int) -> Pairs:
    """Run a kernel that stops where room ends, with a new array of ``room`` places each time."""
    found: Pairs = []
    start = 0
    while start < rows:
        sources, targets = np.zeros((2, room), np.uint32)
        reached, count = step(start, min(start + 7, rows), 0, sources, targets)
        found += zip(sources[:count].tolist(), targets[:count].tolist(), strict=True)
        assert reached > start or count == 0
        room = room if reached > start else 2 * room
        start = reached
    return found


# Growth


def grown(rate: float, agents: int, core: int, edges: int, span: int) -> Pairs:
    targets, sources, edge = np.zeros(edges, np.uint32), np.zeros(edges, np.uint32), 0
    for begin, end in spans(agents, span):
        edge = attach(KEY, rate, core, begin, end, edge, targets)
    assert edge == edges
    owners(rate, 0, sources)
    return list(zip(sources.tolist(), targets.tolist(), strict=True))


def naive_growth(rate: float, agents: int, core: int, edges: int) -> Pairs:
    """A draw is an earlier edge and one of its ends, until it is somebody new to the newcomer."""
    pairs: Pairs = []
    for v in range(agents):
        first, draw = len(pairs), 0
        own = [e for e in range(first, edges) if int((e + 0.5) * rate) == v]
        for e in own if v < core else []:
            pairs.append((v, (v + 1 + e - first) % core))
        while v >= core and len(pairs) < first + len(own):
            bits = coin(KEY, v, draw)
            draw += 1
            chosen = pairs[int(share(bits) * first)][0 if bits & 1 else 1]
            if (v, chosen) not in pairs[first:]:
                pairs.append((v, chosen))
    return pairs


@pytest.mark.parametrize(("mean", "agents"), [(2, 60), (6, 80), (7.5, 80)])
def test_newcomers_draw_as_in_plain_python(mean: float, agents: int) -> None:
    edges, core = round(agents * mean / 2), 2 * math.ceil(mean / 2) + 1
    rate = agents / edges
    pairs = grown(rate, agents, core, edges, 9)
    assert pairs == grown(rate, agents, core, edges, agents)
    assert pairs == naive_growth(rate, agents, core, edges)
    assert all(b < a for a, b in pairs if a >= core)
    assert len({frozenset(pair) for pair in pairs}) == edges


def test_popular_agents_are_chosen_in_proportion_to_degree() -> None:
    grew = nx.Graph(grown(0.5, 400, 5, 800, 400))
    assert sum(d for _, d in grew.degree()) == 2 * 800
    assert max(d for _, d in grew.degree()) > 30  # among 400 alike some 12


# Leaps


def leaps(chance: float, agents: int, room: int = 50) -> Pairs:
    scale = 1 / math.log1p(-chance) if chance < 1 else -0.0
    return collected(lambda *rest: skip_rows(KEY, scale, agents, *rest), agents, room)


def naive_leaps(chance: float, agents: int) -> Pairs:
    pairs: Pairs = []
    for u in range(agents):
        v, draw = u, 0
        while True:
            bits = np.uint64(coin(KEY, u, draw))
            v += 1 + int(log_draw(bits) / math.log1p(-chance))
            draw += 1
            if v >= agents:
                break
            pairs.append((u, v))
    return pairs


@pytest.mark.parametrize("chance", [0.01, 0.2, 0.9])
def test_pairs_are_found_by_leaps_whatever_the_room(chance: float) -> None:
    assert leaps(chance, 40) == leaps(chance, 40, 3) == naive_leaps(chance, 40)


def test_as_many_pairs_are_drawn_as_the_chance_says() -> None:
    assert leaps(1.0, 12) == list(combinations(range(12), 2))
    mean, spread = 4950 * 0.3, math.sqrt(4950 * 0.3 * 0.7)
    assert abs(len(leaps(0.3, 100, 5000)) - mean) < 4 * spread


def test_a_row_that_finds_no_room_counts_nothing() -> None:
    sources, targets = np.zeros((2, 20), np.uint32)
    assert skip_rows(KEY, -0.0, 12, 0, 12, 0, sources, targets) == (1, 11)
    assert skip_rows(KEY, -0.0, 12, 1, 12, 11, sources, targets) == (1, 11)


# Circles


def laid(half: float, agents: int) -> np.ndarray:
    targets = np.full(int(agents * half), 9999, np.uint32)
    ring(half, agents, targets)
    return targets


def owned(half: float, agents: int) -> list[int]:
    return [v for v in range(agents) for _ in range(int(v * half), int((v + 1) * half))]


def test_agents_on_a_circle_know_those_before_them_until_a_chance_moves_ties() -> None:
    assert laid(2, 5).tolist() == [1, 2, 2, 3, 3, 4, 4, 0, 0, 1]
    assert laid(1.5, 4).tolist() == [1, 2, 3, 3, 0, 1]
    circle = nx.Graph(zip(owned(3, 30), laid(3, 30).tolist(), strict=True))
    assert nx.utils.edges_equal(circle.edges, nx.watts_strogatz_graph(30, 6, 0).edges)
    assert rewired(2, 0.0, 20, 20) == laid(2, 20).tolist()
    assert rewired(2, 1.0, 5, 5) == laid(2, 5).tolist()


def rewired(half: float, chance: float, agents: int, span: int) -> list[int]:
    targets = laid(half, agents)
    for begin, end in spans(agents, span):
        rewire(KEY, half, chance, agents, begin, end, targets)
    return list(targets.tolist())


def naive_rewired(half: float, chance: float, agents: int) -> list[int]:
    targets, sources = laid(half, agents).tolist(), owned(half, agents)
    for v in range(agents):
        draw = 0
        for e in [e for e, owner in enumerate(sources) if owner == v]:
            draw += 1
            if share(coin(KEY, v, draw)) >= chance:
                continue
            while True:
                draw += 1
                u = int(share(coin(KEY, v, draw)) * agents)
                pairs = {*zip(sources, targets, strict=True)}
                if u != v and not {(u, v), (v, u)} & pairs:
                    targets[e] = u
                    break
    return list(targets)


@pytest.mark.parametrize(("half", "chance"), [(2, 0.3), (1.5, 0.5), (3, 1.0)])
def test_ties_are_rewired_as_in_plain_python(half: float, chance: float) -> None:
    targets = rewired(half, chance, 30, 4)
    assert targets == rewired(half, chance, 30, 30) == naive_rewired(half, chance, 30)
    pairs = {frozenset(pair) for pair in zip(owned(half, 30), targets, strict=True)}
    assert len(pairs) == 30 * half
    assert all(len(pair) == 2 for pair in pairs)


# Orders


def test_a_shuffle_is_that_of_fisher_and_yates_and_ids_are_replaced_by_labels() -> None:
    items, expected = np.arange(40, dtype=np.uint32), list(range(40))
    shuffle(KEY, 5, 40, items)
    for i in range(39, 5, -1):
        j = 5 + int(share(int(words(KEY, i)[0])) * (i - 5 + 1))
        expected[i], expected[j] = expected[j], expected[i]
    assert items.tolist() == expected
    ids = np.array([0, 1, 2, 1, 0], np.uint32)
    relabel(np.array([7, 8, 9], np.uint32), 1, 4, ids)
    assert ids.tolist() == [0, 8, 9, 8, 0]


@given(st.floats(1e-300, 1e300))
def test_logarithm_is_that_of_the_library(x: float) -> None:
    assert exact_log(x) == pytest.approx(math.log(x), rel=1e-15, abs=2e-16)


@given(st.floats(-600, 600))
def test_exponential_is_that_of_the_library(x: float) -> None:
    assert exact_exp(x) == pytest.approx(math.exp(x), rel=2e-15)


@given(st.floats(1e-300, 0.999_999))
def test_logarithm_of_the_rest_is_accurate_for_the_smallest_chances(p: float) -> None:
    assert log1m(p) == pytest.approx(math.log1p(-p), rel=1e-14)


PINNED = [
    "-0x1.34378fcbda721p+0", "0x1.2d79559791e31p+3", "0x1.7622c78a98a07p-3",
    "0x1.078401f5a3ec8p+48", "-0x1.ad7f2b1414ae8p-24",
]  # fmt: skip


def test_exact_means_these_very_bits() -> None:
    values = [exact_log(0.3), exact_log(12345.678), exact_exp(-1.7), exact_exp(33.3), log1m(1e-7)]
    assert [float(value).hex() for value in values] == PINNED
    assert log_draw(np.uint64(2**64 - 1)) == 0.0
    assert log_draw(np.uint64(0)) == pytest.approx(-53 * math.log(2))


@pytest.mark.parametrize("exponent", [0.0, 1.0, 2.0, 2.5])
def test_power_law_quantiles_follow_the_distribution_function(exponent: float) -> None:
    low, high = 5.0, 400.0
    drawn = [power_draw(u, low, high, exponent) for u in (0.0, 0.25, 0.5, 0.9)]
    xs = np.linspace(low, high, 400_001)
    mass = np.concatenate([[0.0], np.cumsum((xs[1:] ** -exponent + xs[:-1] ** -exponent) / 2)])
    expected = np.interp([0.0, 0.25, 0.5, 0.9], mass / mass[-1], xs)
    assert drawn == pytest.approx(expected, rel=1e-3)


def _keys(count: int) -> list[np.uint64]:
    return [key(seed, Stream.TIES) for seed in range(count)]


def test_every_order_of_four_is_equally_likely() -> None:
    seen = dict.fromkeys(permutations(range(4)), 0)
    for address in _keys(6_000):
        items = np.arange(4, dtype=np.uint32)
        shuffle(address, 0, 4, items)
        seen[tuple(items.tolist())] += 1
    assert stats.chisquare(list(seen.values())).pvalue > 1e-4


def test_buckets_hold_every_item_once_and_are_even() -> None:
    items = np.arange(51_200, dtype=np.uint32)
    out, stops = np.empty_like(items), np.empty(256, np.int64)
    bucket(key(5, Stream.TIES), items, out, stops)
    assert np.array_equal(np.sort(out), items)
    assert stats.chisquare(np.diff(stops, prepend=0)).pvalue > 1e-4


def test_mirrored_pairs_are_sorted_rows_of_both_ends() -> None:
    sources = np.array([0, 0, 1, 2], np.uint32)
    targets = np.array([2, 3, 2, 3], np.uint32)
    starts = np.zeros(5, np.int64)
    count_pairs(sources, targets, 0, 4, starts[1:])
    starts = np.cumsum(starts)
    rows = np.empty(8, np.uint32)
    places = starts[:-1].copy()
    for i in range(4):
        mirror_pairs(sources, targets, i, i + 1, places, rows)
    assert starts.tolist() == [0, 2, 3, 6, 8]
    assert rows.tolist() == [2, 3, 2, 0, 1, 3, 0, 2]


def test_weights_have_the_asked_mean_in_every_community() -> None:
    ends, highs = np.array([50, 1_000]), np.array([35.0, 200.0])
    weights, squares = np.empty(1_000), np.empty(2)
    power_weights(key(1, Stream.TIES), ends, highs, 20.0, 2.5, weights, squares)
    assert abs(weights[:50].mean() - 20) < 1e-9
    assert abs(weights[50:].mean() - 20) < 1e-9
    assert abs(squares[1] - (weights[50:] ** 2).sum()) < 1e-6
