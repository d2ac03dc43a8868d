"""The kernels on groups against plain loops."""

from collections import deque

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim import Ties
from sim.jit.claims import NOBODY
from sim.network.analysis import groups_kernels as groups

arcs = st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=60)
labels = st.lists(st.integers(0, 3), min_size=12, max_size=12)


def network(pairs: list[tuple[int, int]]) -> Ties:
    sources, targets = zip(*pairs, strict=True) if pairs else ((), ())
    return Ties.from_arcs(np.array(sources, int), np.array(targets, int), 12)


@given(arcs, labels)
@settings(deadline=None, max_examples=50)
def test_links_count_the_ties_between_groups(pairs: list[tuple[int, int]], rows: list[int]) -> None:
    ties, row_of = network(pairs), np.array(rows, np.int32)
    links = np.zeros((4, 4), np.int64)
    groups.count_links(ties.rows, ties.targets, row_of, 0, 5, links)
    groups.count_links(ties.rows, ties.targets, row_of, 5, 12, links)
    expected = np.zeros((4, 4), np.int64)
    for source, target in {pair for pair in pairs if pair[0] != pair[1]}:
        expected[rows[source], rows[target]] += 1
    np.testing.assert_array_equal(links, expected)


@given(labels, st.lists(st.integers(0, 5), min_size=12, max_size=12))
@settings(deadline=None, max_examples=50)
def test_best_members_come_by_degree_then_by_index(rows: list[int], degrees: list[int]) -> None:
    best = np.full((4, 3), -1, np.int64)
    groups.pick_best(np.array(rows, np.int32), np.array(degrees, np.uint32), best)
    for row in range(4):
        members = [v for v in range(12) if rows[v] == row]
        members.sort(key=lambda v: (-degrees[v], v))
        assert best[row].tolist() == (members + [-1] * 3)[:3]


AGENTS = np.array([4, 7, 1, 2, 9, 3, 0], np.uint32)
TICKS = np.array([5, 5, 6, 6, 7, 8, 8], np.int32)
SOURCES = np.array([NOBODY, NOBODY, 4, 7, 2, 9, 4], np.uint32)
LOG = (AGENTS, TICKS, SOURCES)


@pytest.mark.parametrize("cut", [0, 2, 5, 7])
def test_following_a_log_in_parts_gives_depths_and_causes(cut: int) -> None:
    when, level = np.full(10, -1, np.int32), np.zeros(10, np.int32)
    caused, levels = np.zeros(4, np.int64), np.zeros(8, np.int64)
    first = groups.follow(*LOG, 0, cut, 5, when, level, caused, levels)
    assert max(first, groups.follow(*LOG, cut, 7, 5, when, level, caused, levels)) == 3
    assert caused.tolist() == [3, 1, 1, 0]
    assert levels.tolist() == [2, 3, 1, 1, 0, 0, 0, 0]
    assert when.tolist() == [3, 1, 1, 3, 0, -1, -1, 0, -1, 2]


def test_what_does_not_fit_goes_into_the_last_place() -> None:
    when, level = np.full(10, -1, np.int32), np.zeros(10, np.int32)
    caused, levels = np.zeros(2, np.int64), np.zeros(2, np.int64)
    assert groups.follow(*LOG, 0, 7, 5, when, level, caused, levels) == 3
    assert (caused.tolist(), levels.tolist()) == ([3, 2], [2, 5])
    heat, onset = np.zeros((1, 2), np.int64), np.full(1, -1, np.int64)
    groups.spread_out(AGENTS, TICKS, 0, 7, 5, 1, np.zeros(10, np.int32), heat, onset)
    assert heat.tolist() == [[2, 5]]


def test_adopters_are_spread_out_over_groups_and_time_but_for_those_without() -> None:
    row_of = np.array([0, 0, 0, 0, 0, 1, 1, 1, 1, 1], np.int32)
    heat, onset = np.zeros((2, 5), np.int64), np.full(2, -1, np.int64)
    groups.spread_out(AGENTS, TICKS, 0, 7, 5, 2, row_of, heat, onset)
    assert heat.tolist() == [[3, 2, 0, 0, 0], [1, 1, 0, 0, 0]]
    assert onset.tolist() == [5, 5]
    heat, onset = np.zeros((1, 5), np.int64), np.full(1, -1, np.int64)
    groups.spread_out(AGENTS, TICKS, 0, 7, 5, 1, np.zeros(3, np.int32), heat, onset)
    assert heat.tolist() == [[0, 2, 0, 1, 0]]  # agents 1 and 2, then 0


@given(arcs, st.sets(st.integers(0, 11), min_size=1, max_size=4))
@settings(deadline=None, max_examples=80)
def test_reach_finds_whom_chains_of_ties_lead_to(
    pairs: list[tuple[int, int]], chosen: set[int]
) -> None:
    ties, seeds = network(pairs), np.array(sorted(chosen), np.uint32)
    ring = np.empty(12, np.uint32)
    direct, found, followed = groups.reach(
        ties.rows, ties.targets, seeds, 10**6, np.zeros(12, np.uint8), ring
    )
    hearing = {int(v) for u in chosen for v in ties.listeners(u)} - chosen
    seen, queue = set(chosen), deque(chosen)
    while queue:
        for v in ties.listeners(queue.popleft()).tolist():
            if v not in seen:
                seen.add(v)
                queue.append(v)
    assert (direct, found) == (len(hearing), len(seen))
    assert followed == sum(len(ties.listeners(u)) for u in seen)


def test_reach_stops_after_enough_ties_but_hears_every_seed() -> None:
    chain = Ties.from_arcs(np.arange(11), np.arange(1, 12))
    ring, marks = np.empty(12, np.uint32), np.zeros(12, np.uint8)
    seeds = np.array([0, 6], np.uint32)
    assert groups.reach(chain.rows, chain.targets, seeds, 0, marks, ring)[0] == 2
    marks[:] = 0
    assert groups.reach(chain.rows, chain.targets, seeds, 3, marks, ring)[1:] == (6, 4)


def test_gathering_takes_the_nearest_and_leaves_out_the_marked() -> None:
    ties = Ties.from_arcs([0, 0, 1, 2, 3, 4], [1, 2, 3, 4, 5, 5])
    ring = np.empty(4, np.uint32)
    assert groups.gather(ties.rows, ties.targets, 0, np.zeros(6, np.uint8), ring) == 4
    assert ring.tolist() == [0, 1, 2, 3]
    marks = np.array([0, 1, 0, 0, 0, 0], np.uint8)
    assert groups.gather(ties.rows, ties.targets, 0, marks, ring) == 4
    assert ring.tolist() == [0, 2, 4, 5]
