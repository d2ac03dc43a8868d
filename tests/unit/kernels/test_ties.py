"""Rows of ties against sets of pairs; arcs sorted into rows, against a dictionary of pairs."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.arrays import Array
from sim.network.graph import slab_kernels as slab
from sim.network.graph.arcs_kernels import count_blocks, scatter_blocks, sort_blocks
from sim.network.graph.slab import TieColumns
from sim.network.graph.ties_kernels import (
    check_rows,
    count_shared,
    count_targets,
    merge_rows,
    mirrors,
    quantise,
    row_starts,
    transpose_rows,
)
from sim.network.relations import blocklist_kernels as blocklist
from tests.unit.kernels.graphs import MOST, Small, arcs, spans
from tests.unit.kernels.networks import lent

NO_TRUST = lent(np.empty(0, np.uint16))


def trust_of(net: Small, salt: int, weighted: bool) -> np.ndarray:
    """A trust for each tie that tells it from every other."""
    values = [1000 * salt + MOST * a + b for a, b in net.arcs]
    return np.array(values if weighted else [], np.uint16)


def test_rows_start_where_others_end_and_trust_is_kept_to_65535_steps() -> None:
    rows = np.full((4, 2), 9, np.uint32)
    row_starts(np.array([2, 0, 3, 1]), rows)
    assert rows.tolist() == [[0, 0], [2, 0], [2, 0], [5, 0]]
    out = np.empty(5, np.uint16)
    assert quantise(np.array([0.0, 1.0, 0.5, 2.4 / 65535, 2.6 / 65535]), out) == -1
    assert out.tolist() == [0, 65535, 32768, 2, 3]


@given(arcs)
def test_in_degrees_count_who_is_a_target(pairs: list[tuple[int, int]]) -> None:
    net = Small(pairs)
    found = np.zeros(MOST, np.int64)
    for begin, end in spans(net.targets.size):
        count_targets(net.targets, begin, end, found)
    assert found.tolist() == [d for _, d in net.directed.in_degree()]


@given(arcs, st.booleans())
def test_transposed_rows_are_the_turned_ties_with_their_trust(
    pairs: list[tuple[int, int]], weighted: bool
) -> None:
    net, turned = Small(pairs), Small([(b, a) for a, b in pairs])
    trust = trust_of(net, 1, weighted)
    rows, targets = turned.rows.copy(), np.empty_like(net.targets)
    rows[:, 1] = 0
    out = np.empty_like(trust)
    for begin, end in spans(MOST):
        transpose_rows(*net.place, trust, begin, end, rows, targets, out)
    assert np.array_equal(rows, turned.rows)
    assert np.array_equal(targets, turned.targets)
    if weighted:
        assert out.tolist() == [1000 + MOST * b + a for a, b in turned.arcs]


@given(arcs, arcs, st.booleans())
def test_merged_rows_are_the_union_and_the_new_trust_stands(
    old_pairs: list[tuple[int, int]], new_pairs: list[tuple[int, int]], weighted: bool
) -> None:
    old, new = Small(old_pairs), Small(new_pairs)
    union = Small(old.arcs + new.arcs)
    shared = sum(count_shared(*old.place, *new.place, *span) for span in spans(MOST))
    assert shared == len({*old.arcs} & {*new.arcs}) == len(old.arcs + new.arcs) - len(union.arcs)
    trust = [trust_of(net, salt, weighted) for net, salt in ((old, 1), (new, 2))]
    rows, targets = np.zeros_like(union.rows), np.empty_like(union.targets)
    out = np.empty(targets.size if weighted else 0, np.uint16)
    for begin, end in spans(MOST):
        merge_rows(*old.place, trust[0], *new.place, trust[1], begin, end, rows, targets, out)
    assert np.array_equal(rows, union.rows)
    assert np.array_equal(targets, union.targets)
    known = {*new.arcs}
    expected = [1000 * (1 + ((a, b) in known)) + MOST * a + b for a, b in union.arcs]
    assert out.tolist() == (expected if weighted else [])


@pytest.mark.parametrize(
    ("row", "first_bad"),
    [([0, 2, 3], -1), ([], -1), ([2, 0], 1), ([2, 2], 1), ([0, 4], 1), ([0, 1], 1)],
    ids=["rising", "empty", "falling", "twice", "nobody", "itself"],
)
def test_a_row_that_is_not_rising_in_range_and_free_of_itself_is_found(
    row: list[int], first_bad: int
) -> None:
    lengths = [1, len(row), 0, 1]
    rows = np.stack([np.cumsum(lengths) - lengths, lengths], axis=1).astype(np.uint32)
    assert check_rows(rows, np.array([3, *row, 0], np.uint32)) == first_bad


@pytest.mark.parametrize("wrong", [-1e-9, 1.0000001, float("nan"), float("inf")])
def test_the_first_trust_outside_is_told(wrong: float) -> None:
    assert quantise(np.array([0.1, 0.2, wrong, wrong]), np.empty(4, np.uint16)) == 2


@given(arcs, st.booleans(), st.integers(0, 10**6))
def test_a_network_mirrors_itself_if_every_tie_has_its_reverse(
    pairs: list[tuple[int, int]], mutual: bool, lost: int
) -> None:
    net = Small(pairs, mutual=mutual)
    assert mirrors(*net.place) == all((b, a) in {*net.arcs} for a, b in net.arcs)
    if mutual and net.arcs:
        del net.arcs[lost % len(net.arcs)]
        assert not mirrors(*Small(net.arcs).place)


AGENTS, BITS = 27, 5

told = st.lists(st.tuples(st.integers(0, AGENTS - 1), st.integers(0, AGENTS - 1)), max_size=80)


def digits(bits: int, width: int) -> np.ndarray:
    return np.empty((-(-bits // width), 1 << width), np.int64)


def sorted_rows(
    arcs: list[tuple[int, int]], trust: np.ndarray, shift: int, part: int, *, both: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """(rows, targets, trust, loops) by blocks of 2**shift agents, ``part`` blocks at a time."""
    sources, targets = np.array(arcs, np.uint32).reshape(-1, 2).T.copy()
    counts = np.zeros(((AGENTS - 1) >> shift) + 1, np.int64)
    loops = 0
    for begin, end in spans(len(arcs), 9):
        loops += count_blocks(sources, targets, both, shift, begin, end, counts)
    starts = np.concatenate(([0], np.cumsum(counts)))
    rows, place = np.full((AGENTS, 2), 99, np.uint32), 0
    out, out_trust = np.empty(starts[-1], np.uint32), np.empty(starts[-1], np.uint16)
    out_trust = out_trust[: starts[-1] if trust.size else 0]
    spare, scratch = np.empty(counts.max(), np.uint64), digits(shift + BITS, 3)
    for first, last in spans(counts.size, part):
        records = np.empty(starts[last] - starts[first], np.uint64)
        cursor = starts[:-1] - starts[first]
        scattered = (sources, targets, trust, both, shift, BITS, first, last)
        for begin, end in spans(len(arcs), 9):
            scatter_blocks(*scattered, begin, end, cursor, records)
        for begin, end in spans(last - first, 2):
            place = sort_blocks(
                records, starts[1:], first, first + begin, first + end, shift, BITS, spare,
                scratch, place, rows, out, out_trust,
            )  # fmt: skip
    return rows, out[:place], out_trust[:place], loops


@pytest.mark.parametrize(("shift", "part"), [(0, 5), (2, 3), (5, 1)])
@given(arcs=told, both=st.booleans(), weighted=st.booleans())
def test_arcs_in_any_order_become_sorted_rows_in_which_the_last_trust_stands(
    shift: int, part: int, arcs: list[tuple[int, int]], both: bool, weighted: bool
) -> None:
    trust = np.arange(65535, 65535 - len(arcs), -1).astype(np.uint16) if weighted else np.empty(0)
    expected = {}
    for i, (a, b) in enumerate(arcs):
        for pair in ((a, b), (b, a))[: 1 + both] if a != b else ():
            expected[pair] = 65535 - i
    found = sorted_rows(arcs, trust.astype(np.uint16), shift, part, both=both)
    rows, targets, kept, loops = found
    lengths = np.bincount([a for a, _ in expected], minlength=AGENTS)
    assert loops == sum(a == b for a, b in arcs)
    assert rows.tolist() == np.stack([np.cumsum(lengths) - lengths, lengths], axis=1).tolist()
    assert targets.tolist() == [b for _, b in sorted(expected)]
    if weighted and arcs:
        assert kept.tolist() == [expected[pair] for pair in sorted(expected)]


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
