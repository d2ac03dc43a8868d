"""Measures of networks against igraph and networkx."""

from itertools import pairwise

import igraph
import networkx as nx
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim import Ties, generate
from sim.errors import Cancelled, InputError, ParameterError
from sim.network.analysis import analysis
from tests.raising import raises

steady = settings(deadline=None, max_examples=60)  # the first example compiles
AGENTS = 14
ARCS = st.lists(st.tuples(st.integers(0, AGENTS - 2), st.integers(0, AGENTS - 2)), max_size=70)
Arcs = list[tuple[int, int]]


def network(arcs: Arcs) -> Ties:
    return Ties.from_arcs([a for a, _ in arcs], [b for _, b in arcs], AGENTS)


def pairs(ties: Ties) -> npt.NDArray[np.int64]:
    sources = np.repeat(np.arange(ties.agents), ties.out_degree)
    return np.column_stack((sources, ties.targets.astype(np.int64)))


def directed(ties: Ties) -> igraph.Graph:
    return igraph.Graph(ties.agents, pairs(ties).tolist(), directed=True)


def simple(ties: Ties) -> igraph.Graph:
    return directed(ties).as_undirected(mode="collapse")


def scale_free(agents: int = 3000, *, one_way: bool = True) -> Ties:
    """A network with hubs; one way: a third of the ties lose their reverse."""
    arcs = pairs(generate("preferential-attachment", agents, seed=3, mean_degree=8).ties)
    if one_way:
        arcs = arcs[(arcs.sum(axis=1) % 3 > 0) | (arcs[:, 0] < arcs[:, 1])]
    return Ties.from_arcs(arcs[:, 0], arcs[:, 1], agents + 5)


def groups(labels: npt.ArrayLike) -> set[frozenset[int]]:
    given = np.asarray(labels)
    return {frozenset(np.flatnonzero(given == label).tolist()) for label in np.unique(given)}


@steady
@given(ARCS)
def test_neighbours_are_tied_in_either_direction(arcs: Arcs) -> None:
    rows, targets = analysis.undirected(network(arcs))
    view = Ties.from_rows(np.append(rows[:, 0], targets.size), targets)
    expected = {(a, b) for a, b in arcs if a != b} | {(b, a) for a, b in arcs if a != b}
    assert set(map(tuple, pairs(view).tolist())) == expected
    assert analysis.degrees(network(arcs)).tolist() == rows[:, 1].tolist()


def test_neighbours_are_the_same_where_the_reverse_is_built_or_is_itself() -> None:
    ties = scale_free(200)
    without = analysis.undirected(ties)
    assert ties.reverse.count == ties.count
    for a, b in zip(without, analysis.undirected(ties), strict=True):
        assert np.array_equal(a, b)
    ties = scale_free(200, one_way=False)
    assert np.shares_memory(analysis.undirected(ties)[1], ties.targets)


@steady
@given(ARCS, st.sampled_from([0.0, 0.5, 0.85, 0.99]))
def test_pagerank_equals_igraph_on_the_arcs_turned_round(arcs: Arcs, damping: float) -> None:
    ties = network(arcs)
    expected = directed(ties.reverse).pagerank(damping=damping)
    np.testing.assert_allclose(analysis.pagerank(ties, damping=damping), expected, atol=1e-8)


@pytest.mark.parametrize("one_way", [True, False])
def test_pagerank_equals_igraph_on_a_network_with_hubs(one_way: bool) -> None:
    ties = scale_free(one_way=one_way)
    rank = analysis.pagerank(ties)
    np.testing.assert_allclose(rank, directed(ties.reverse).pagerank(), rtol=1e-6)
    assert rank.sum() == pytest.approx(1.0, abs=1e-12)


def test_pagerank_of_those_who_hear_nobody_is_even() -> None:
    assert analysis.pagerank(Ties.from_arcs([], [], 4)).tolist() == [0.25] * 4
    assert analysis.pagerank(Ties.from_arcs([], [])).size == 0


@pytest.mark.parametrize("damping", [1.0, -0.1, np.nan])
def test_pagerank_refuses_other_dampings(damping: float) -> None:
    with pytest.raises(ParameterError, match=r"damping must be in \[0, 1\)"):
        analysis.pagerank(network([(0, 1)]), damping=damping)


@steady
@given(ARCS)
def test_components_equal_igraph(arcs: Arcs) -> None:
    ties = network(arcs)
    graph = directed(ties).connected_components
    assert groups(analysis.components(ties)) == groups(graph("weak").membership)
    assert groups(analysis.strong_components(ties)) == groups(graph("strong").membership)


def test_components_of_a_large_network_equal_igraph() -> None:
    rng = np.random.default_rng(5)
    sources, targets = rng.integers(0, 4000, (2, 4400))
    ties = Ties.from_arcs(sources, targets, 4000)
    for mode, find in (("weak", analysis.components), ("strong", analysis.strong_components)):
        sizes = sorted(directed(ties).connected_components(mode).sizes(), reverse=True)
        assert np.bincount(find(ties)).tolist() == sizes


def test_a_search_over_many_calls_equals_one(monkeypatch: pytest.MonkeyPatch) -> None:
    ties, again = scale_free(300), scale_free(300)
    labels, far = analysis.strong_components(ties), analysis.distances(ties, 0)
    monkeypatch.setattr("sim.network.analysis.analysis._BUDGET", 16)
    assert np.array_equal(analysis.strong_components(again), labels)
    assert np.array_equal(analysis.distances(again, 0), far)


def test_a_deep_chain_needs_no_recursion() -> None:
    ties = Ties.from_arcs(np.arange(200_000), np.arange(1, 200_001))
    assert int(analysis.strong_components(ties).max()) == 200_000
    assert int(analysis.components(ties).max()) == 0
    assert int(analysis.distances(ties, 0)[-1]) == 200_000
    assert analysis.shortest_path(ties, 3, 150_000) == tuple(range(3, 150_001))


def test_labels_fall_in_size_and_mutual_components_are_strong() -> None:
    ties = scale_free(200, one_way=False)
    assert analysis.strong_components(ties) is analysis.components(ties)
    ties = Ties.from_arcs([1, 2, 4, 6], [2, 3, 5, 7], 9)
    assert analysis.components(ties).tolist() == [3, 0, 0, 0, 1, 1, 2, 2, 4]


@steady
@given(ARCS, st.integers(0, AGENTS - 1))
def test_distances_equal_igraph(arcs: Arcs, start: int) -> None:
    ties = network(arcs)
    expected = [-1 if d == np.inf else d for d in directed(ties).distances(start)[0]]
    assert analysis.distances(ties, start).tolist() == expected


@steady
@given(ARCS, st.integers(0, AGENTS - 1), st.integers(0, AGENTS - 1))
def test_a_shortest_path_is_a_path_and_none_is_shorter(arcs: Arcs, start: int, goal: int) -> None:
    ties = network(arcs)
    path = analysis.shortest_path(ties, start, goal)
    distance = int(analysis.distances(ties, start)[goal])
    if path is None:
        assert distance == -1
        return
    assert (path[0], path[-1], len(path)) == (start, goal, distance + 1)
    assert all(b in ties.listeners(a) for a, b in pairwise(path))


def test_paths_between_far_agents_of_a_network_with_hubs_are_shortest() -> None:
    ties = scale_free()
    graph = directed(ties)
    rng = np.random.default_rng(1)
    for a, b in rng.integers(0, ties.agents, (60, 2)).tolist():
        path = analysis.shortest_path(ties, a, b)
        assert (np.inf if path is None else len(path) - 1) == graph.distances(a, b)[0][0]


@pytest.mark.parametrize("agent", [-1, AGENTS])
def test_unknown_agents_are_refused(agent: int) -> None:
    ties = network([(0, 1)])
    for ask in (
        lambda: analysis.distances(ties, agent),
        lambda: analysis.shortest_path(ties, 0, agent),
        lambda: analysis.shortest_path(ties, agent, 0),
    ):
        raises(InputError, f"No agent {agent}: the network has 14 agents", ask)


@steady
@given(ARCS)
def test_cores_equal_igraph(arcs: Arcs) -> None:
    assert analysis.core_numbers(network(arcs)).tolist() == simple(network(arcs)).coreness()


def test_cores_of_a_network_with_hubs_equal_igraph(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sim.network.analysis.analysis._SLICE", 100)
    assert analysis.core_numbers(scale_free()).tolist() == simple(scale_free()).coreness()


@steady
@given(ARCS)
def test_triangles_and_clustering_equal_networkx(arcs: Arcs) -> None:
    ties = network(arcs)
    graph = nx.Graph(simple(ties).get_edgelist())
    graph.add_nodes_from(range(AGENTS))
    inside = nx.triangles(graph)
    assert analysis.triangles(ties).tolist() == [inside[v] for v in range(AGENTS)]
    local = [one for _, one in sorted(nx.clustering(graph).items())]
    assert analysis.local_clustering(ties).tolist() == pytest.approx(local)
    assert analysis.clustering(ties).value == pytest.approx(nx.average_clustering(graph))
    assert analysis.transitivity(ties) == pytest.approx(nx.transitivity(graph))


def test_clustering_of_a_network_with_hubs_equals_igraph() -> None:
    ties = scale_free()
    graph = simple(ties)
    assert analysis.clustering(ties).value == pytest.approx(
        graph.transitivity_avglocal_undirected(mode="zero"), abs=1e-12
    )
    assert analysis.clustering(ties).error == 0
    assert int(analysis.triangles(ties).sum()) == 3 * len(graph.list_triangles())


def test_sampled_clustering_errs_as_it_says() -> None:
    ties = generate("planted-communities", 2000, seed=1, mean_degree=10).ties
    exact = analysis.clustering(ties).value
    found = [analysis.clustering(ties, 2000, seed=seed) for seed in range(200)]
    off = np.array([(f.value - exact) / f.error for f in found])
    assert abs(off.mean()) < 4 / np.sqrt(200)
    assert 0.8 < off.std() < 1.2
    assert found[0].sampled == 2000


@steady
@given(ARCS)
def test_mean_path_length_equals_igraph(arcs: Arcs) -> None:
    ties = network(arcs)
    exact = analysis.path_length(ties, None)
    expected = directed(ties).average_path_length(directed=True, unconn=True)
    assert exact.value == pytest.approx(0.0 if np.isnan(expected) else expected)
    assert (exact.error, exact.sampled) == (0.0, 0)


def test_paths_are_measured_in_turns_and_one_search_tells_no_error() -> None:
    ties = scale_free(300)
    exact = analysis.path_length(ties, None).value
    assert exact == pytest.approx(directed(ties).average_path_length(directed=True, unconn=True))
    found = analysis.path_length(scale_free(50, one_way=False), 1)
    assert (found.error, found.sampled) == (np.inf, 1)


def test_sampled_path_length_errs_as_it_says() -> None:
    ties = scale_free(600)
    exact = analysis.path_length(ties, None).value
    found = [analysis.path_length(ties, 450, seed=seed) for seed in range(150)]
    off = np.array([(f.value - exact) / f.error for f in found])
    assert abs(off.mean()) < 4 / np.sqrt(150)
    assert 0.8 < off.std() < 1.2


@pytest.mark.parametrize("sample", [0, -5])
def test_empty_samples_are_refused(sample: int) -> None:
    ties = network([(0, 1)])
    for ask in (analysis.clustering, analysis.path_length):
        raises(InputError, f"at least 1 draw, got {sample}", ask, ties, sample)


@steady
@given(ARCS)
def test_reciprocity_equals_igraph(arcs: Arcs) -> None:
    expected = directed(network(arcs)).reciprocity()
    assert analysis.reciprocity(network(arcs)) == pytest.approx(np.nan_to_num(expected))


@steady
@given(ARCS)
def test_assortativity_equals_igraph(arcs: Arcs) -> None:
    expected = simple(network(arcs)).assortativity_degree(directed=False)
    found = analysis.assortativity(network(arcs))
    assert found == pytest.approx(np.nan_to_num(expected), abs=1e-9)


@steady
@given(ARCS, st.lists(st.integers(0, 4), min_size=AGENTS, max_size=AGENTS))
def test_modularity_equals_igraph(arcs: Arcs, labels: list[int]) -> None:
    expected = simple(network(arcs)).modularity(labels)
    assert analysis.modularity(network(arcs), labels) == pytest.approx(np.nan_to_num(expected))


def test_agents_outside_communities_are_each_on_their_own() -> None:
    ties = scale_free(50)
    labels = np.arange(ties.agents) % 4 - 1
    alone = np.where(labels < 0, 1000 + np.arange(ties.agents), labels)
    assert analysis.modularity(ties, labels) == pytest.approx(analysis.modularity(ties, alone))


@pytest.mark.parametrize("labels", [[0], [0.5] * AGENTS, [[0] * AGENTS]])
def test_labels_that_do_not_fit_are_refused(labels: npt.ArrayLike) -> None:
    with pytest.raises(InputError, match=r"one integer an agent \(14\)"):
        analysis.modularity(network([(0, 1)]), labels)


@given(st.lists(st.integers(0, 5)), st.integers(-1, 40))
def test_top_is_a_stable_sort(values: list[int], k: int) -> None:
    expected = sorted(range(len(values)), key=lambda v: (-values[v], v))[: max(0, k)]
    assert analysis.top(np.array(values, np.int64), k).tolist() == expected
    assert analysis.top(np.array(values, np.uint32), k).tolist() == expected
    assert analysis.top(np.array(values, float), k).dtype == np.uint32


def test_results_are_kept_until_the_ties_change_and_read_only() -> None:
    ties = scale_free(100)
    rank, cores = analysis.pagerank(ties), analysis.core_numbers(ties)
    assert analysis.pagerank(ties) is rank
    assert not rank.flags.writeable
    assert not analysis.triangles(ties).flags.writeable
    ties.add([0], [99])
    assert analysis.pagerank(ties) is not rank
    assert analysis.core_numbers(ties) is not cores
    assert analysis.pagerank(ties, damping=0.5) is not analysis.pagerank(ties)


@pytest.mark.parametrize(
    "work",
    [
        analysis.pagerank, analysis.components, analysis.strong_components, analysis.core_numbers,
        analysis.triangles, analysis.path_length, analysis.degrees, analysis.communities,
    ],
)  # fmt: skip
def test_long_work_can_be_cancelled_and_leaves_nothing_behind(work: object) -> None:
    ties = scale_free(100)

    def stop(stage: str, share: float) -> None:
        assert 0 <= share <= 1, stage
        raise Cancelled

    with pytest.raises(Cancelled):
        work(ties, report=stop)  # type: ignore[operator]
    assert not ties.memo


def test_empty_networks_can_be_measured() -> None:
    for ties in (Ties.from_arcs([], []), Ties.from_arcs([], [], 3)):
        n = ties.agents
        assert analysis.components(ties).tolist() == list(range(n))
        assert analysis.strong_components(ties).tolist() == list(range(n))
        assert analysis.core_numbers(ties).tolist() == [0] * n
        assert analysis.triangles(ties).tolist() == [0] * n
        assert analysis.clustering(ties).value == analysis.clustering(ties, 10).value == 0
        assert analysis.path_length(ties).value == analysis.transitivity(ties) == 0
        assert analysis.reciprocity(ties) == analysis.assortativity(ties) == 0
        assert analysis.modularity(ties, np.zeros(n, int)) == 0
