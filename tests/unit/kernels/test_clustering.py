"""Triangles against networkx, drawn wedges against the same draws in plain Python."""

import networkx as nx
import numpy as np
import pytest
from hypothesis import given

from sim.core.rng import Stream, key
from sim.network.analysis.clustering_kernels import (
    closed_wedges,
    count_triangles,
    orient,
    sum_of_products,
)
from tests.unit.kernels.graphs import MOST, Small, arcs, drawn, spans
from tests.unit.kernels.networks import coin

KEY = key(4, Stream.SAMPLE)


def oriented(net: Small) -> tuple[np.ndarray, np.ndarray]:
    rows, targets = np.empty_like(net.rows), np.empty(net.targets.size // 2, np.uint32)
    orient(*net.place, rows, targets)
    return rows, targets


def triangles(net: Small) -> list[int]:
    marks, found = np.full(net.agents, -1, np.int32), np.zeros(net.agents, np.int64)
    for begin, end in spans(net.agents):
        count_triangles(*oriented(net), begin, end, marks, found)
    return list(found.tolist())


def naive_closed(net: Small, agents: list[int]) -> int:
    """Draw two different neighbours of each agent by the documented addresses."""
    closed = 0
    for i, u in enumerate(agents):
        near = net.row(u)
        if len(near) < 2:
            continue
        a = coin(KEY, i, 1) % len(near)
        b = coin(KEY, i, 2) % (len(near) - 1)
        closed += (near[a], near[b + (b >= a)]) in net.arcs
    return closed


@given(arcs)
def test_each_tie_is_kept_once_towards_the_better_known(pairs: list[tuple[int, int]]) -> None:
    net = Small(pairs, mutual=True)
    rows, targets = oriented(net)
    sources = np.repeat(np.arange(MOST), rows[:, 1])
    standing = [(int(net.degree[v]), v) for v in range(MOST)]
    kept = list(zip(sources.tolist(), targets.tolist(), strict=True))
    assert kept == [(a, b) for a, b in net.arcs if standing[a] < standing[b]]
    assert rows[:, 0].tolist() == (np.cumsum(rows[:, 1]) - rows[:, 1]).tolist()


@given(arcs)
def test_triangles_are_those_of_networkx(pairs: list[tuple[int, int]]) -> None:
    net = Small(pairs, mutual=True)
    assert triangles(net) == [k for _, k in sorted(nx.triangles(net.graph).items())]


def test_larger_networks_have_the_same_triangles() -> None:
    net = drawn(80, 600, mutual=True)
    assert triangles(net) == [k for _, k in sorted(nx.triangles(net.graph).items())]


def test_wedges_are_drawn_by_their_addresses() -> None:
    net = drawn(40, 45, mutual=True)
    agents = np.random.default_rng(1).integers(0, 30, 400)
    assert (net.degree < 2).any()
    found = closed_wedges(*net.place, agents.astype(np.uint32), KEY)
    assert found == naive_closed(net, agents.tolist())
    assert 0 < found < 400


def test_share_of_closed_wedges_is_the_mean_clustering() -> None:
    net = drawn(40, 200, mutual=True)
    agents = np.tile(np.arange(40, dtype=np.uint32), 100)
    share = closed_wedges(*net.place, agents, KEY) / 4000
    error = np.sqrt(share * (1 - share) / 4000)
    assert abs(share - nx.average_clustering(net.graph)) < 4 * error


def test_every_wedge_of_a_clique_is_closed_and_none_of_a_star() -> None:
    clique = Small([(a, b) for a in range(6) for b in range(a)], mutual=True)
    star = Small([(0, v) for v in range(1, MOST)], mutual=True)
    everybody = np.arange(MOST, dtype=np.uint32)
    assert closed_wedges(*clique.place, everybody, KEY) == 6  # the rest know nobody
    assert closed_wedges(*star.place, everybody, KEY) == 0


@pytest.mark.parametrize("ties", [0, 30, 200])
def test_degrees_at_both_ends_are_multiplied_and_summed(ties: int) -> None:
    net = drawn(25, ties, mutual=True)
    degree = net.degree.astype(int)
    assert sum_of_products(*net.place) == sum(degree[a] * degree[b] for a, b in net.arcs)
