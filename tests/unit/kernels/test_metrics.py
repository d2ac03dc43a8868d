"""Sums behind metrics, against plain Python."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sim import Ties
from sim.world.metrics.sums_kernels import mixed, variety


@settings(max_examples=25)
@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=40),
    st.lists(st.integers(-1, 2), min_size=10, max_size=10),
)
def test_ties_within_labels_are_counted(pairs: list[tuple[int, int]], labels: list[int]) -> None:
    arcs = np.array(pairs, np.uint32).reshape(-1, 2)
    ties = Ties.from_arcs(arcs[:, 0], arcs[:, 1], 10)
    total, within = np.full((2, 10), 99, np.int64)
    who = np.arange(10, dtype=np.uint32)
    mixed(ties.live.rows, ties.live.ids, np.array(labels, np.int32), who, total, within)
    known = [(u, v) for u, v in {*pairs} if u != v and labels[u] >= 0 and labels[v] >= 0]
    assert total.tolist() == [sum(u == k for u, _ in known) for k in range(10)]
    same = [u for u, v in known if labels[u] == labels[v]]
    assert within.tolist() == [same.count(k) for k in range(10)]


def test_a_feed_is_as_varied_as_two_of_its_messages_differ() -> None:
    counts = np.array([4, 1, 0, 2, 3], np.uint8)
    topic = np.array([1, 1, 2, 2, 7, 5, 255, 3, 3, 3], np.uint8)
    tally, out = np.zeros(256, np.int64), np.empty(5)
    variety(counts, topic, tally, out)
    # of the six pairs of (1, 1, 2, 2) two are alike
    assert np.allclose(out, [4 / 6, np.nan, np.nan, 1.0, 0.0], equal_nan=True)
    assert not tally.any()
