"""Rows of ties against sets of pairs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

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
