"""Rows of ties against sets of pairs; arcs sorted into rows, against a dictionary of pairs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.network.graph.arcs_kernels import count_blocks, scatter_blocks, sort_blocks
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
