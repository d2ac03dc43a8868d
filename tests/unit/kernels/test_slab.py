"""Rows in a slab, against sorted lists."""

from typing import Any

import numpy as np
import pytest

from sim.arrays import Array
from sim.network.graph import slab_kernels as slab
from sim.network.graph.slab import TieColumns
from sim.network.relations import blocklist_kernels as blocklist

kernels: Any = slab  # arguments are handed over as lists of columns


def serialize(lists: list[list[int]], slack: int = 1) -> dict[str, Array]:
    """Return a slab of rows, trust ten times and kind once the id."""
    size = sum(len(row) + len(row) // 8 + slack for row in lists) + 40
    rows, capacity = np.zeros((len(lists), 2), np.uint32), np.zeros(len(lists), np.uint32)
    ids, place = np.zeros(size, np.uint32), 0
    for u, row in enumerate(lists):
        rows[u], capacity[u] = (place, len(row)), len(row) + len(row) // 8 + slack
        ids[place : place + len(row)] = row
        place += int(capacity[u])
    trust, kind, time = (ids * 10).astype(np.uint16), ids.astype(np.uint8), ids.astype(np.int64)
    held = {"rows": rows, "capacity": capacity, "state": np.array([place]), "ids": ids}
    return held | {"trust": trust, "kind": kind, "time": time, "sign": np.ones(size, np.int8)}


def lists_of(held: dict[str, Array], name: str = "ids") -> list[list[int]]:
    return [held[name][a : a + n].tolist() for a, n in held["rows"].tolist()]


def changed(held: dict[str, Array], batch: list[tuple[int, int, bool]]) -> list[int]:
    """Carry out a batch that is sorted and names each pair once; return the fates."""
    keys = np.array([(u << 32) | v for u, v, _ in batch], np.uint64)
    adds = np.array([add for *_, add in batch], np.uint8)
    places, fate = np.zeros(keys.size, np.int64), np.zeros(keys.size, np.uint8)
    slab.find(held["rows"], held["ids"], keys, adds, places, fate)
    needed = slab.room_needed(held["rows"], held["capacity"], keys, fate)
    assert held["state"][0] + needed <= held["ids"].size
    trust = np.array([v * 10 for _, v, _ in batch], np.uint16)
    kind = np.array([v for _, v, _ in batch], np.uint8)
    kernels.change(*held.values(), keys, fate, places, trust, kind)
    return fate.tolist()


def test_a_batch_adds_removes_and_leaves_alone() -> None:
    held = serialize([[1, 3, 5], [], [0, 4]])
    batch = [(0, 2, True), (0, 3, False), (0, 5, True), (1, 7, True), (2, 1, False), (2, 4, False)]
    fates = changed(held, batch)
    assert fates == [slab.ADDED, slab.REMOVED, slab.KNOWN, slab.ADDED, slab.UNKNOWN, slab.REMOVED]
    assert lists_of(held) == [[1, 2, 5], [7], [0]]
    assert lists_of(held, "trust") == [[10, 20, 50], [70], [0]]
    assert lists_of(held, "kind") == [[1, 2, 5], [7], [0]]
    assert lists_of(held, "time") == [[1, -1, 5], [-1], [0]]


def test_a_row_that_fills_moves_to_the_tail() -> None:
    held = serialize([[5, 9], [1]])
    changed(held, [(0, v, True) for v in (1, 6, 7, 12)])
    assert lists_of(held) == [[1, 5, 6, 7, 9, 12], [1]]
    assert held["rows"][0, 0] > held["rows"][1, 0]
    assert held["capacity"][0] == 8
    assert lists_of(held, "sign") == [[1] * 6, [1]]


@pytest.mark.parametrize("seed", range(6))
def test_random_batches_agree_with_sets(seed: int) -> None:
    rng = np.random.default_rng(seed)
    sets = [set(rng.integers(0, 20, 6).tolist()) for _ in range(4)]
    held = serialize([sorted(row) for row in sets])
    pairs = sorted({(int(u), int(v)) for u, v in rng.integers(0, (4, 20), (25, 2))})
    batch = [(u, v, bool(rng.integers(2))) for u, v in pairs]
    changed(held, batch)
    for u, v, add in batch:
        (sets[u].add if add else sets[u].discard)(v)
    assert lists_of(held) == [sorted(row) for row in sets]
    assert lists_of(held, "trust") == [[v * 10 for v in sorted(row)] for row in sets]


@pytest.mark.parametrize("count", [0, 1, 20, 500])
def test_pairs_are_sorted_and_stay_in_order_where_equal(count: int) -> None:
    rng = np.random.default_rng(count)
    keys = rng.integers(0, 1 << 40, count).astype(np.uint64) // np.uint64(1 << 33) * np.uint64(977)
    order = np.arange(count, dtype=np.uint32)
    given = keys.copy()
    spare = np.zeros_like(keys), np.zeros_like(order)
    if count and slab.sort_pairs(keys, order, *spare):
        keys, order = spare
    assert np.array_equal(keys, np.sort(given))
    assert np.array_equal(order, np.argsort(given, kind="stable"))


def test_laying_out_keeps_rows_and_leaves_room() -> None:
    held = serialize([[1, 3, 5], [], list(range(16))])
    columns = TieColumns(*(held[name] for name in TieColumns._fields))
    into = TieColumns(*(np.zeros(60, column.dtype) for column in columns))
    rows, capacity = np.zeros((3, 2), np.uint32), np.zeros(3, np.uint32)
    stop = kernels.lay_out(held["rows"], 0, 3, 2, 0, columns, rows, capacity, into)
    assert (rows.tolist(), capacity.tolist()) == ([[0, 3], [5, 0], [7, 16]], [5, 2, 20])
    assert stop == 27
    tight = TieColumns(*(np.zeros(19, column.dtype) for column in columns))
    assert kernels.lay_out(rows, 0, 3, -1, 0, into, rows.copy(), capacity[:0], tight) == 19
    assert tight[0].tolist() == [1, 3, 5, *range(16)]
    assert tight[1].tolist() == [v * 10 for v in tight[0]]


def test_turning_rows_round_and_their_trust_after() -> None:
    held = serialize([[1, 2], [2], [0, 1]])
    columns = TieColumns(*(held[name] for name in TieColumns._fields))
    counts = np.zeros(3, np.int64)
    slab.count_ids(held["rows"], held["ids"], 0, 3, counts)
    assert counts.tolist() == [1, 2, 2]
    rows = np.array([[0, 0], [1, 0], [3, 0]], np.uint32)
    into = TieColumns(*(np.zeros(5, column.dtype) for column in columns))
    kernels.transpose(held["rows"], 0, 3, columns, rows, into)
    assert into[0].tolist() == [2, 0, 2, 0, 1]
    assert into[1].tolist() == [0, 10, 10, 20, 20]
    assert into[2].tolist() == [0, 1, 1, 2, 2]
    found, again, seen = np.zeros(2, np.uint8), np.zeros(5, np.uint16), np.zeros(3, np.uint32)
    pairs = np.array([0, 2], np.uint32), np.array([2, 2], np.uint32)
    values = np.array([7, 8], np.uint16)
    slab.write_values(held["rows"], held["ids"], *pairs, values, held["trust"], found)
    assert found.tolist() == [1, 0]
    slab.transpose_trust(held["rows"], held["ids"], held["trust"], rows, again, seen)
    assert again.tolist() == [0, 10, 10, 7, 20]


def test_ears_are_closed_to_those_that_are_named() -> None:
    rows = np.array([[0, 0], [0, 2], [2, 1]], np.uint32)
    ids, kind = np.array([0, 2, 1], np.uint32), np.array([1, 2, 4], np.uint8)
    closed = np.array([0b110], np.uint64)
    pairs = np.array([0, 1, 1, 1, 2], np.uint32), np.array([1, 0, 1, 2, 1], np.uint32)
    out = np.zeros(5, np.uint8)
    blocklist.shut(closed, rows, ids, *pairs, out)
    assert out.tolist() == [0, 1, 0, 1, 1]
    blocklist.look_up(rows, ids, kind, *pairs, out)
    assert out.tolist() == [0, 1, 0, 2, 4]
    blocklist.shut(closed[:0], rows, ids, *pairs, out)
    assert out.tolist() == [0] * 5
