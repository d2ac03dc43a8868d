"""Components against networkx."""

import networkx as nx
import numpy as np
import pytest
from hypothesis import given

from sim.network.analysis.components_kernels import flatten, join_ends, strong_search
from tests.unit.kernels.graphs import Small, arcs, drawn, spans


def joined(net: Small) -> list[int]:
    """The lowest agent of each one's component: two ties a row first, then the rest."""
    parent = np.arange(net.agents, dtype=np.int32)
    for first, most in ((0, 2), (2, net.agents)):
        for begin, end in spans(net.agents):
            join_ends(*net.place, first, most, begin, end, parent)
    flatten(parent)
    return list(parent.tolist())


def search(net: Small, budget: int) -> tuple[list[int], int, int]:
    """(label of each agent, components, calls) of the search for strong components."""
    n = net.agents
    state, calls = np.zeros(5, np.int64), 1
    order, low, label = np.zeros(n, np.int32), np.zeros(n, np.int32), np.full(n, -1, np.int32)
    cursor, path, pending = (np.zeros(n, np.uint32) for _ in range(3))
    while not strong_search(*net.place, budget, state, order, low, cursor, path, pending, label):
        calls += 1
    return list(label.tolist()), int(state[4]), calls


def lowest(groups: list[set[int]]) -> list[int]:
    """The lowest agent of each one's group."""
    return [min(group) for _, group in sorted((v, group) for group in groups for v in group)]


@given(arcs)
def test_ties_join_their_ends_whatever_the_direction(pairs: list[tuple[int, int]]) -> None:
    net = Small(pairs)
    assert joined(net) == lowest(list(nx.weakly_connected_components(net.directed)))


def test_a_chain_told_backwards_is_one_component() -> None:
    net = Small([(v + 1, v) for v in range(299)], 300)
    assert joined(net) == [0] * 300


@pytest.mark.parametrize("ties", [40, 120, 300])
def test_larger_networks_fall_into_the_same_components(ties: int) -> None:
    net = drawn(150, ties)
    assert joined(net) == lowest(list(nx.weakly_connected_components(net.directed)))


@given(arcs)
def test_strong_components_reach_each_other_and_are_numbered_as_they_are_left(
    pairs: list[tuple[int, int]],
) -> None:
    net = Small(pairs)
    label, count, _ = search(net, 7)
    groups = [{v for v, own in enumerate(label) if own == c} for c in range(count)]
    assert lowest(groups) == lowest(list(nx.strongly_connected_components(net.directed)))
    assert all(label[a] >= label[b] for a, b in net.arcs)


def test_a_search_in_parts_ends_as_one_in_whole() -> None:
    net = drawn(150, 250)
    whole, parts = search(net, 10**9), search(net, 10)
    assert whole[:2] == parts[:2]
    assert whole[2] == 1
    assert parts[2] > 20


def test_a_long_way_needs_no_recursion() -> None:
    there = [(v, v + 1) for v in range(2999)]
    assert search(Small(there, 3000), 10**9)[1] == 3000
    assert search(Small([*there, (2999, 0)], 3000), 10**9)[1] == 1
