"""Prospects of friends against naive walks over sets."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.platform.feed.friends_kernels import Crossed, best, two_hop, walk
from tests.unit.kernels.networks import lent

KEY = np.uint64(5)


def rows_of(heard: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    lengths = np.array([len(row) for row in heard], np.uint32)
    starts = np.cumsum(lengths) - lengths
    ids = lent(np.array([other for row in heard for other in row], np.uint32))
    return lent(np.stack([starts, lengths], axis=1).astype(np.uint32)), ids


def crossed(size: int) -> Crossed:
    return Crossed(np.empty(size, np.uint32), *np.empty((3, size), np.float32))


networks = (
    st.integers(2, 9)
    .flatmap(lambda n: st.lists(st.sets(st.integers(0, n - 1), max_size=n), min_size=n, max_size=n))
    .map(lambda found: [sorted(row - {agent}) for agent, row in enumerate(found)])
)


@settings(max_examples=25)
@given(networks)
def test_two_hops_count_whom_they_cross(heard: list[list[int]]) -> None:
    rows, ids = rows_of(heard)
    n, cap = len(heard), 9
    viewers, stops = np.arange(n, dtype=np.uint32), np.zeros(n + 1, np.int64)
    at, work, pairs = np.zeros(n, np.int64), crossed(cap * cap + cap), crossed(n * cap * cap)
    done = two_hop(viewers, 0, rows, ids, cap, KEY, at, work, stops, pairs)
    others, *known = pairs
    assert done == n
    assert not at.any()
    for viewer in range(n):
        part = slice(int(stops[viewer]), int(stops[viewer + 1]))
        between: dict[int, list[int]] = {}
        for m in heard[viewer]:
            for other in heard[m]:
                if other != viewer and other not in heard[viewer]:
                    between.setdefault(other, []).append(m)
        assert set(others[part].tolist()) == set(between)
        for other, common, spread in zip(
            others[part].tolist(), known[0][part], known[2][part], strict=True
        ):
            assert common == len(between[other])
            assert abs(float(spread) - sum(1 / len(heard[m]) for m in between[other])) < 1e-5


@settings(max_examples=25)
@given(networks)
def test_walks_are_powers_of_the_step(heard: list[list[int]]) -> None:
    rows, ids = rows_of(heard)
    n = len(heard)
    step = np.zeros((n, n))
    for agent, row in enumerate(heard):
        step[agent, row] = 1 / max(len(row), 1)
    mass, fresh, total = (np.zeros(n) for _ in range(3))
    front, ahead, reached = (np.empty(n, np.uint32) for _ in range(3))
    marks = np.zeros(n, np.uint64)
    count = walk(0, rows, ids, 3, 9, 99, KEY, mass, fresh, total, front, ahead, reached, marks)
    expected = (step @ step + step @ step @ step)[0]
    assert np.allclose(total, expected, atol=1e-12)
    assert set(reached[:count].tolist()) == set(np.flatnonzero(expected > 0).tolist())
    assert not any(column.any() for column in (mass, fresh, marks))


@settings(max_examples=25)
@given(st.lists(st.integers(0, 3), max_size=12), st.integers(1, 5))
def test_the_best_are_the_highest(scores: list[int], count: int) -> None:
    stops, viewers = np.array([0, len(scores)], np.int64), np.array([7], np.uint32)
    counts, chosen = np.zeros(1, np.int64), np.zeros(count, np.int64)
    others = np.arange(len(scores), dtype=np.uint32)
    given_scores = np.array(scores, np.float32)
    best(stops, viewers, others, given_scores, KEY, count, counts, chosen)
    kept = min(count, len(scores))
    assert counts[0] == kept
    assert [scores[c] for c in chosen[:kept]] == sorted(scores, reverse=True)[:kept]
    assert len(set(chosen[:kept].tolist())) == kept
