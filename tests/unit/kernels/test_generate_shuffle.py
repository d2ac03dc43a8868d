from itertools import permutations

import numpy as np
import pytest
from scipy import stats

from sim.core.rng import Stream, key
from sim.network.generate.generators_kernels import bucket, count_pairs, mirror_pairs, shuffle
from sim.network.generate.planted_kernels import (
    power_low,
    power_weights,
    sizes_by_number,
    sizes_by_total,
)

# Uncompiled, numpy tells of each product of 64-bit words that wraps, as it should.
pytestmark = pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")


def _keys(count: int) -> list[np.uint64]:
    return [key(seed, Stream.TIES) for seed in range(count)]


def test_every_order_of_four_is_equally_likely() -> None:
    seen = dict.fromkeys(permutations(range(4)), 0)
    for address in _keys(6_000):
        items = np.arange(4, dtype=np.uint32)
        shuffle(address, 0, 4, items)
        seen[tuple(items.tolist())] += 1
    assert stats.chisquare(list(seen.values())).pvalue > 1e-4


def test_shuffle_leaves_what_is_outside_its_range() -> None:
    items = np.arange(10, dtype=np.uint32)
    shuffle(key(1, Stream.TIES), 3, 7, items)
    assert items[:3].tolist() == [0, 1, 2]
    assert items[7:].tolist() == [7, 8, 9]
    assert sorted(items[3:7].tolist()) == [3, 4, 5, 6]


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


def test_sizes_hold_everybody_and_keep_their_limits() -> None:
    sizes = np.empty(1_000, np.int64)
    count = sizes_by_total(key(3, Stream.TIES), 20_000, 20, 500, 2.0, sizes)
    assert sizes[:count].sum() == 20_000
    assert sizes[:count].min() >= 20
    assert sizes[:count].max() <= 501
    assert np.median(sizes[:count]) < sizes[:count].mean()


def test_a_number_of_sizes_holds_everybody() -> None:
    sizes = np.empty(18, np.int64)
    sizes_by_number(key(3, Stream.TIES), 7_624, 40, 1_500, 1.5, sizes)
    assert sizes.sum() == 7_624
    assert sizes.min() >= 40


def test_power_law_with_the_asked_mean_starts_where_calculus_says() -> None:
    low = power_low(20.0, 1_000.0, 2.5)
    xs = np.geomspace(low, 1_000.0, 200_001)
    mean = float(np.trapezoid(xs**-1.5, xs) / np.trapezoid(xs**-2.5, xs))
    assert abs(mean - 20.0) < 1e-3


def test_weights_have_the_asked_mean_in_every_community() -> None:
    ends, highs = np.array([50, 1_000]), np.array([35.0, 200.0])
    weights, squares = np.empty(1_000), np.empty(2)
    power_weights(key(1, Stream.TIES), ends, highs, 20.0, 2.5, weights, squares)
    assert abs(weights[:50].mean() - 20) < 1e-9
    assert abs(weights[50:].mean() - 20) < 1e-9
    assert abs(squares[1] - (weights[50:] ** 2).sum()) < 1e-6
