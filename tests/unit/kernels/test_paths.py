"""Searches against networkx."""

from itertools import pairwise, permutations

import networkx as nx
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sim.network.analysis.paths_kernels import expand, meet, settle_many, spread_many, trace
from tests.unit.kernels.graphs import MOST, Small, arcs, drawn, spans

agents = st.integers(0, MOST - 1)


class Side:
    """One side of a two-sided search."""

    def __init__(self, net: Small, start: int) -> None:
        self.place = net.place
        self.came_from = np.full(net.agents, -1, np.int32)
        self.queue = np.empty(net.agents, np.uint32)
        self.came_from[start], self.queue[0] = start, start
        self.begin, self.tail = 0, 1

    def grow(self, other: "Side") -> int:
        begin, self.begin = self.begin, self.tail
        self.tail, met = meet(
            *self.place, begin, self.tail, self.queue, self.tail, self.came_from, other.came_from
        )
        return int(met)

    def trail(self, agent: int) -> list[int]:
        out = np.empty(self.queue.size, np.uint32)
        return list(out[: trace(self.came_from, agent, out)].tolist())


def between(net: Small, start: int, goal: int) -> list[int] | None:
    """A way from start to goal, found from both ends in turn."""
    near, far = sides = [Side(net, start), Side(net.reverse, goal)]
    met = -1
    while met < 0:
        if near.begin == near.tail:
            return None
        met = near.grow(far)
        near, far = far, near
    return sides[0].trail(met)[::-1] + sides[1].trail(met)[1:]


@given(arcs, agents)
def test_distances_are_those_of_networkx(pairs: list[tuple[int, int]], start: int) -> None:
    net = Small(pairs)
    distance, queue = np.full(MOST, -1, np.int32), np.empty(MOST, np.uint32)
    distance[start], queue[0] = 0, start
    begin, tail = 0, 1
    while begin < tail:
        level = tail
        for first in range(begin, level, 3):  # a level is one call, or several
            tail = expand(*net.place, first, min(first + 3, level), queue, tail, distance)
        begin = level
    expected = nx.single_source_shortest_path_length(net.directed, start)
    assert distance.tolist() == [expected.get(v, -1) for v in range(MOST)]
    assert sorted(queue[:tail].tolist()) == sorted(expected)


def check_way(net: Small, start: int, goal: int) -> None:
    way = between(net, start, goal)
    if way is None:
        assert not nx.has_path(net.directed, start, goal)
    else:
        assert (way[0], way[-1]) == (start, goal)
        assert {*pairwise(way)} <= {*net.arcs}
        assert len(way) - 1 == nx.shortest_path_length(net.directed, start, goal)


@given(arcs, agents, agents)
def test_searches_from_both_ends_meet_on_a_shortest_path(
    pairs: list[tuple[int, int]], start: int, goal: int
) -> None:
    if start != goal:
        check_way(Small(pairs), start, goal)


def test_searches_meet_on_a_shortest_path_of_larger_networks_too() -> None:
    net = drawn(60, 130)
    for start, goal in permutations(range(0, 60, 4), 2):
        check_way(net, start, goal)


def test_a_trail_leads_back_to_the_agent_that_came_from_itself() -> None:
    out = np.zeros(5, np.uint32)
    assert trace(np.array([3, 0, 1, 3, -1], np.int32), 2, out) == 4
    assert out[:4].tolist() == [2, 1, 0, 3]
    assert trace(np.array([3, 0, 1, 3, -1], np.int32), 3, out) == 1


def test_sixty_four_searches_at_once_find_what_each_finds_alone() -> None:
    net = drawn(70, 110)
    front, seen, reached = (np.zeros(70, np.uint64) for _ in range(3))
    reached[:64] = np.uint64(1) << np.arange(64, dtype=np.uint64)
    counts = np.zeros((1, 64), np.int64)
    assert settle_many(reached, seen, front, counts[0]) == 64
    while front.any():
        for begin, end in spans(70):
            spread_many(*net.place, begin, end, front, reached)
        counts = np.vstack([counts, np.zeros(64, np.int64)])
        assert settle_many(reached, seen, front, counts[-1]) == np.count_nonzero(front)
        assert not reached.any()
    for start in range(64):
        alone = list(nx.single_source_shortest_path_length(net.directed, start).values())
        expected = np.bincount(alone, minlength=len(counts))
        assert counts[:, start].tolist() == expected.tolist()
