from itertools import permutations

import numpy as np
from scipy import stats

from sim.core.rng import Stream, key
from sim.network.generate.generators_kernels import bucket, count_pairs, mirror_pairs, shuffle
from sim.network.generate.planted_kernels import power_weights


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
