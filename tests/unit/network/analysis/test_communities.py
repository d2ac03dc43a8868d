"""Communities against igraph, planted ones, and themselves."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import igraph
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim import Ties, generate
from sim.errors import Cancelled, CapacityError, HubbubError, UnknownNameError
from sim.network.analysis import analysis, communities
from sim.network.generate.networks import GeneratedNetwork

METHODS = analysis.METHODS
OWN = ("louvain", "label-propagation")


@pytest.fixture(scope="module")
def planted() -> GeneratedNetwork:
    return generate("planted-communities", 4000, seed=2, mean_degree=16, mixing=0.4)


def graph_of(ties: Ties) -> igraph.Graph:
    sources = np.repeat(np.arange(ties.agents), ties.out_degree)
    arcs = np.column_stack((sources, ties.targets.astype(np.int64)))
    return igraph.Graph(ties.agents, arcs.tolist(), directed=True).as_undirected()


def agreement(a: np.ndarray, b: np.ndarray) -> float:
    return float(igraph.compare_communities(a.tolist(), b.tolist(), method="nmi"))


def two_cliques(size: int = 6) -> Ties:
    """Two cliques with one tie between them."""
    arcs = [(a + k, b + k) for k in (0, size) for a in range(size) for b in range(a)]
    return Ties.from_arcs(*np.array([*arcs, (0, size)]).T, directed=False)


@pytest.mark.parametrize("method", METHODS)
def test_two_cliques_are_two_communities(method: str) -> None:
    assert analysis.communities(two_cliques(), method).tolist() == [0] * 6 + [1] * 6


@pytest.mark.parametrize("method", METHODS)
def test_equal_seeds_give_equal_communities(method: str, planted: GeneratedNetwork) -> None:
    first, second, other = (
        analysis.communities(generate_again(), method, seed=seed) for seed in (1, 1, 2)
    )
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


def generate_again() -> Ties:
    return generate("preferential-attachment", 600, seed=2, mean_degree=6).ties


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("mixing", [0.2, 0.5, 0.6])
def test_louvain_is_as_good_as_igraph(mixing: float, seed: int) -> None:
    ties = generate("planted-communities", 4000, seed=2, mean_degree=16, mixing=mixing).ties
    graph = graph_of(ties)
    theirs = np.median([graph.community_multilevel().modularity for _ in range(5)])
    labels = analysis.communities(ties, "louvain", seed=seed)
    assert analysis.modularity(ties, labels) >= theirs - 0.005


@pytest.mark.parametrize("method", METHODS)
def test_planted_communities_are_found(method: str, planted: GeneratedNetwork) -> None:
    assert planted.community is not None
    assert agreement(analysis.communities(planted.ties, method), planted.community) > 0.85


def test_leiden_reaches_the_modularity_of_igraph(planted: GeneratedNetwork) -> None:
    found = graph_of(planted.ties).community_leiden("modularity", n_iterations=4).modularity
    labels = analysis.communities(planted.ties, "leiden")
    assert analysis.modularity(planted.ties, labels) >= found - 0.003


@pytest.mark.parametrize("method", OWN)
def test_communities_look_at_both_directions(method: str, planted: GeneratedNetwork) -> None:
    ties = planted.ties
    sources = np.repeat(np.arange(ties.agents), ties.out_degree)
    once = sources < ties.targets
    one_way = Ties.from_arcs(sources[once], ties.targets[once], ties.agents)
    assert np.array_equal(analysis.communities(ties, method), analysis.communities(one_way, method))


@pytest.mark.parametrize("method", OWN)
@pytest.mark.parametrize("budget", [1, 100])
def test_the_size_of_a_call_does_not_matter(
    method: str, budget: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = analysis.communities(generate_again(), method)
    monkeypatch.setattr(communities, "_BUDGET", budget)
    monkeypatch.setattr(communities, "_AGENTS", 17)
    assert np.array_equal(analysis.communities(generate_again(), method), whole)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 13), st.integers(0, 13)), max_size=60), st.sampled_from(OWN)
)
def test_labels_are_by_size_and_those_of_louvain_connected(
    arcs: list[tuple[int, int]], method: str
) -> None:
    ties = Ties.from_arcs([a for a, _ in arcs], [b for _, b in arcs], 15)
    labels = analysis.communities(ties, method)
    sizes = np.bincount(labels)
    assert (np.diff(sizes) <= 0).all()
    assert (sizes > 0).all()
    graph = graph_of(ties)
    for label in range(sizes.size if method == "louvain" else 0):
        assert graph.induced_subgraph(np.flatnonzero(labels == label).tolist()).is_connected()


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 13), st.integers(0, 13)), max_size=60))
def test_no_agent_gains_by_a_move_after_label_propagation(arcs: list[tuple[int, int]]) -> None:
    ties = Ties.from_arcs([a for a, _ in arcs], [b for _, b in arcs], 14)
    labels = analysis.communities(ties, "label-propagation")
    graph = graph_of(ties)
    for v in range(14):
        near = np.bincount(labels[graph.neighbors(v)], minlength=15)
        assert near[labels[v]] == near.max()


@pytest.mark.parametrize("method", METHODS)
def test_isolated_agents_are_communities_of_their_own(method: str) -> None:
    assert analysis.communities(Ties.from_arcs([], [], 3), method).tolist() == [0, 1, 2]
    assert analysis.communities(Ties.from_arcs([], []), method).size == 0


def test_labels_of_equal_size_rise_with_their_lowest_agent() -> None:
    labels = np.array([4, 4, 0, 3, 3, 0, 2, 2, 2], np.int32)
    assert communities.by_size(labels).tolist() == [1, 1, 2, 3, 3, 2, 0, 0, 0]


def test_unknown_methods_are_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"'louvian'\. Did you mean 'louvain'"):
        analysis.communities(two_cliques(), "louvian")


def test_leiden_refuses_large_worlds_and_names_louvain() -> None:
    with pytest.raises(CapacityError, match=r"up to 200,000 agents.*300,000; use louvain"):
        analysis.communities(Ties.from_arcs([], [], 300_000), "leiden")


def test_leiden_can_be_cancelled_while_it_works() -> None:
    calls = []

    def stop(stage: str, share: float) -> None:
        calls.append(stage)
        if len(calls) == 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        analysis.communities(two_cliques(), "leiden", report=stop)
    assert calls == ["leiden in igraph"] * 2


def test_a_failure_of_igraph_is_one_sentence(tmp_path: Path) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text("raise SystemExit('no igraph here')")
    with pytest.raises(HubbubError, match=r"Leiden failed in igraph: no igraph here\."):
        communities._answer(broken, b"", lambda stage, share: None)


def test_finding_communities_does_not_import_igraph_here() -> None:
    code = (
        "import sys; from sim.network.analysis import analysis;"
        "from sim.network.graph.ties import Ties;"
        f"[analysis.communities(Ties.from_arcs([0], [1]), method) for method in {METHODS}];"
        "assert not {'igraph', 'networkx'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=150)


def dense(network: communities.Network) -> np.ndarray:
    """The weights of a network as a square matrix."""
    rows, targets, weights = network
    out = np.zeros((len(rows), len(rows)), np.int64)
    sources = np.repeat(np.arange(len(rows)), rows[:, 1])
    out[sources, targets] = weights if weights.size else 1
    return out


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 13), st.integers(0, 13)), max_size=60),
    st.lists(st.integers(0, 5), min_size=14, max_size=14),
)
def test_merged_communities_keep_the_sums_of_ties_and_the_modularity(
    arcs: list[tuple[int, int]], given_labels: list[int]
) -> None:
    ties = Ties.from_arcs([a for a, _ in arcs], [b for _, b in arcs], 14, directed=False)
    _, first = np.unique(given_labels, return_inverse=True)
    second = np.arange(int(first.max()) + 1) % 3
    network = (ties.rows, ties.targets, np.empty(0, np.uint32))
    for labels in (first, second):  # the second merge sums weights
        members = np.equal.outer(np.arange(int(labels.max()) + 1), labels).astype(np.int64)
        expected = members @ dense(network) @ members.T
        np.fill_diagonal(expected, 0)
        network = communities._merged(
            network, labels.astype(np.int32), len(members), lambda stage, share: None
        )
        assert np.array_equal(dense(network), expected)
    strength = np.bincount(second[first], weights=ties.out_degree).astype(np.float64)
    alone = np.arange(len(strength), dtype=np.int32)
    merged = communities._quality(network, strength, alone, lambda stage, share: None)
    if ties.count:
        assert merged == pytest.approx(analysis.modularity(ties, second[first]))
