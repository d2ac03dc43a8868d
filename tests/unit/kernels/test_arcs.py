"""Arcs sorted into rows, against a dictionary of pairs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.network.graph.arcs_kernels import count_blocks, scatter_blocks, sort_blocks
from tests.unit.kernels.graphs import spans

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
