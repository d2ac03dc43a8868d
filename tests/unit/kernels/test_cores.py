"""Peeling against networkx."""

import networkx as nx
import numpy as np
import pytest
from hypothesis import given

from sim.network.analysis.cores_kernels import peel, sort_by_degree
from tests.unit.kernels.graphs import MOST, Small, arcs, drawn, spans


def sorted_columns(net: Small) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    first = np.zeros(int(net.degree.max(initial=0)) + 2, np.int64)
    order, place = np.empty(net.agents, np.int32), np.empty(net.agents, np.int32)
    sort_by_degree(net.degree, first, order, place)
    return first, order, place


def cores(net: Small) -> list[int]:
    core, columns = net.degree, sorted_columns(net)
    for begin, end in spans(net.agents):
        peel(*net.place, begin, end, core, *columns)
    return list(core.tolist())


@given(arcs)
def test_agents_are_sorted_by_degree_then_by_id(pairs: list[tuple[int, int]]) -> None:
    net = Small(pairs, mutual=True)
    first, order, place = sorted_columns(net)
    assert order.tolist() == np.argsort(net.degree, kind="stable").tolist()
    assert order[place].tolist() == list(range(MOST))
    assert first.tolist() == [int((net.degree < d).sum()) for d in range(first.size)]


@given(arcs)
def test_cores_are_those_of_networkx(pairs: list[tuple[int, int]]) -> None:
    net = Small(pairs, mutual=True)
    assert cores(net) == [k for _, k in sorted(nx.core_number(net.graph).items())]


@pytest.mark.parametrize("ties", [100, 400, 900])
def test_larger_networks_have_the_same_cores(ties: int) -> None:
    net = drawn(120, ties, mutual=True)
    assert cores(net) == [k for _, k in sorted(nx.core_number(net.graph).items())]


def test_a_clique_with_a_tail_is_a_core_and_a_chain() -> None:
    net = Small([(a, b) for a in range(5) for b in range(a)] + [(4, 5), (5, 6)], 8, mutual=True)
    assert cores(net) == [4, 4, 4, 4, 4, 1, 1, 0]
