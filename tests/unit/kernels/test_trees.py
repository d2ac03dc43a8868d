"""The shape of cascades against networkx."""

import networkx as nx
import numpy as np
import pytest

from sim.jit.claims import NOBODY
from sim.spread.cascade.trees_kernels import caused, depths, fill_columns, wiener

Log = tuple[np.ndarray, np.ndarray, np.ndarray]


def forest(members: int, roots: int, seed: int) -> tuple[Log, nx.Graph]:
    """A random forest as a log (agents, ticks, sources), and as a graph."""
    draws = np.random.default_rng(seed)
    agents = draws.permutation(3 * members)[:members].astype(np.uint32)
    sources, ticks = np.full(members, NOBODY), np.zeros(members, np.int32)
    graph = nx.Graph()
    graph.add_nodes_from(agents.tolist())
    for i in range(roots, members):
        parent = int(draws.integers(0, i))
        sources[i], ticks[i] = agents[parent], ticks[parent] + 1
        graph.add_edge(int(agents[parent]), int(agents[i]))
    return (agents, ticks, sources), graph


def scratch(members: int) -> np.ndarray:
    return np.full(3 * members, -1, np.int32)


@pytest.mark.parametrize(("members", "roots"), [(1, 1), (2, 1), (40, 1), (60, 5), (9, 9)])
def test_distances_within_trees(members: int, roots: int) -> None:
    (agents, _, sources), graph = forest(members, roots, 1)
    paths, pairs = wiener(agents, sources, scratch(members), np.empty(members, np.int64))
    trees = [graph.subgraph(c) for c in nx.connected_components(graph)]
    assert paths == sum(nx.wiener_index(tree) for tree in trees)
    assert pairs == sum(len(tree) * (len(tree) - 1) / 2 for tree in trees)


def test_depth_is_the_distance_from_the_root_which_may_be_each_other_s_source() -> None:
    (agents, _, sources), graph = forest(60, 4, 2)
    out = np.empty(60, np.int32)
    depths(agents, sources, scratch(60), out)
    away = nx.multi_source_dijkstra_path_length(graph, agents[:4].tolist())
    assert out.tolist() == [away[int(v)] for v in agents]
    agents, sources = np.array([2, 5, 7], np.uint32), np.array([5, 2, 2], np.uint32)
    out = np.empty(3, np.int32)
    depths(agents, sources, scratch(3), out)
    assert out.tolist() == [0, 1, 1]
    assert wiener(agents, sources, scratch(3), np.empty(3, np.int64))[0] == 4


def test_a_source_may_stand_behind_those_it_convinced() -> None:
    (agents, ticks, sources), graph = forest(60, 4, 2)
    at = np.random.default_rng(5).permutation(60)
    mixed, by = agents[at], sources[at]
    out = np.empty(60, np.int32)
    depths(mixed, by, scratch(60), out)
    away = nx.multi_source_dijkstra_path_length(graph, agents[:4].tolist())
    assert out.tolist() == [away[int(v)] for v in mixed]
    size = np.empty(60, np.int64)
    assert wiener(mixed, by, scratch(60), size) == wiener(agents, sources, scratch(60), size)
    counts = np.zeros((2, int(ticks.max()) + 1), np.int64)
    caused(agents, ticks, sources, 0, scratch(60), counts[0])
    caused(mixed, ticks[at], by, 0, scratch(60), counts[1])
    assert counts[0].tolist() == counts[1].tolist()


def test_adopters_are_counted_where_their_source_adopted() -> None:
    (agents, ticks, sources), _ = forest(60, 4, 3)
    out = np.zeros(int(ticks.max()) + 1, np.int64)
    caused(agents, ticks + np.int32(7), sources, 7, scratch(60), out)
    at = dict(zip(agents.tolist(), ticks.tolist(), strict=True))
    expected = np.bincount([at[u] for u in sources.tolist() if u in at], minlength=out.size)
    assert out.tolist() == expected.tolist()
    assert out.sum() == 56


def test_a_log_becomes_columns() -> None:
    adopted_at, source = np.full(6, -1, np.int32), np.full(6, -1, np.int64)
    log = np.array([4, 1], np.uint32), np.array([0, 3], np.int32), np.array([NOBODY, 4], np.uint32)
    fill_columns(*log, adopted_at, source)
    assert adopted_at.tolist() == [-1, 3, -1, -1, 0, -1]
    assert source.tolist() == [-1, 4, -1, -1, -1, -1]
