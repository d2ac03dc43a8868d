"""The network report, and what it says against theory."""

import json

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim import Setting, Theory, Ties, World, generate, make
from sim.core.cards import with_doubts
from sim.errors import Cancelled, InputError
from sim.network import induced, network_report, with_caveats
from sim.network.analysis import analysis, report
from sim.network.analysis.report import degree_summary


def test_a_report_agrees_with_its_parts() -> None:
    ties = generate("planted-communities", 500, seed=1, mean_degree=8).ties
    page = network_report(ties, members=3)
    assert (page.agents, page.ties, page.is_symmetric) == (500, ties.count, True)
    assert page.density == pytest.approx(ties.count / (500 * 499))
    assert page.clustering == analysis.clustering(ties)
    assert page.path_length == analysis.path_length(ties, 64)
    labels = analysis.communities(ties)
    assert (page.communities, page.largest_community) == (labels.max() + 1, (labels == 0).sum())
    assert page.modularity == analysis.modularity(ties, labels)
    rank = analysis.pagerank(ties)
    assert [m.agent for m in page.influential] == analysis.top(rank, 3).tolist()
    assert page.influential[0].pagerank == rank.max()
    assert page.influential[0].listeners == ties.out_degree[page.influential[0].agent]


def test_clustering_of_large_networks_is_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "_EXACT", 10)
    page = network_report(generate("small-world", 500, seed=1, mean_degree=8).ties)
    exact = network_report(generate("small-world", 500, seed=1, mean_degree=8).ties)
    assert page.clustering.sampled == 100_000
    assert abs(page.clustering.value - exact.clustering.value) < 5 * page.clustering.error


@pytest.mark.parametrize("agents", [0, 1, 4])
def test_a_report_of_nearly_nothing_is_a_report(agents: int) -> None:
    page = network_report(Ties.from_arcs([], [], agents))
    assert (page.components, page.communities, page.density) == (agents, agents, 0.0)
    assert len(page.influential) == agents


def test_a_report_goes_through_json() -> None:
    page = network_report(Ties.from_arcs([0, 1, 2], [1, 2, 0])).as_dict()
    again = json.loads(json.dumps(page, allow_nan=False))
    assert again["path_length"] == {"value": 1.5, "error": 0.0, "sampled": 0}
    assert again["strong_components"] == 1
    assert again["influential"][0]["agent"] == 0


def test_a_report_can_be_cancelled() -> None:
    def stop(stage: str, share: float) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        network_report(Ties.from_arcs([0], [1]), report=stop)


@given(st.lists(st.integers(0, 70), min_size=1))
def test_bins_of_degrees_cover_all_who_have_any(degree: list[int]) -> None:
    found = degree_summary(np.array(degree, np.uint32))
    assert found.none + sum(count for _, _, count in found.bins) == len(degree)
    for low, high, count in found.bins:
        assert count == sum(low <= d < high for d in degree)
    assert (found.most, found.none) == (max(degree), degree.count(0))
    assert found.mean == pytest.approx(np.mean(degree))


def test_degrees_of_nobody_are_zero_and_a_part_may_be_one() -> None:
    assert degree_summary(np.empty(0, np.uint32)).bins == ()
    ties = Ties.from_arcs([0, 1], [1, 2], 4)
    assert network_report(induced(ties, [3])[0]).components == 1
    for who, said in (([], "No member matches"), ([4], "Agents are 0 to 3"), ([-1, 2], "got -1")):
        with pytest.raises(InputError, match=said):
            induced(ties, who)


def test_a_part_of_a_network_is_measured_as_networkx_does() -> None:
    sources, targets = np.random.default_rng(4).integers(0, 40, (2, 300))
    ties = Ties.from_arcs(sources, targets, 40)
    who = np.arange(3, 40, 2)
    part, kept = induced(ties, who[::-1])
    graph = nx.DiGraph()
    graph.add_nodes_from(range(40))
    graph.add_edges_from(zip(ties.sources().tolist(), ties.targets.tolist(), strict=True))
    theirs = graph.subgraph(who.tolist())
    ours = zip(kept[part.sources()].tolist(), kept[part.targets].tolist(), strict=True)
    assert set(ours) == set(theirs.edges)
    found = network_report(part)
    assert (found.agents, found.ties) == (who.size, theirs.number_of_edges())
    assert found.density == pytest.approx(nx.density(theirs))
    assert found.components == nx.number_weakly_connected_components(theirs)
    assert found.clustering.value == pytest.approx(nx.average_clustering(theirs.to_undirected()))


def predicted(world: World, model: str = "sir") -> list[str]:
    counts = np.bincount(world.ties.out_degree)
    theories = make(model).theory(Setting(len(world.agents), 2, counts / counts.sum()), 20)
    found = with_caveats(theories, world.ties)
    assert all((a.expected == b.expected).all() for a, b in zip(theories, found, strict=True))
    return [one.name for one in found]


@pytest.mark.parametrize(
    ("network", "doubtful"),
    [("small-world", True), ("erdos-renyi", False), ("preferential-attachment", False)],
)
def test_clustered_networks_are_named(network: str, doubtful: bool) -> None:
    names = predicted(World.create(agents=2000, network=network, mean_degree=10, seed=1))
    assert len(names) > 1
    assert all(("left out: may be far off" in name) == doubtful for name in names)


def test_what_knows_no_network_or_is_as_dense_as_chance_is_not_doubted() -> None:
    world = World.create(agents=500, network="small-world", mean_degree=10, seed=1)
    assert not any("clustering" in name for name in predicted(world, "bass"))
    sources, targets = np.triu_indices(12, 1)
    world = World.from_edges(sources, targets, 12, directed=False)
    assert not any("clustering" in name for name in predicted(world))


def test_one_way_ties_are_named_first() -> None:
    world = World.from_edges([0, 1, 2], [1, 2, 3])
    assert all("one-way ties taken as mutual" in name for name in predicted(world))
    assert with_caveats((), world.ties) == ()
    one = Theory("closed form", ("a",), np.zeros((1, 1)))
    assert "mutual" in with_caveats([one], world.ties)[0].name


@pytest.mark.parametrize(
    ("model", "degree", "doubted"),
    [
        ("maki-thompson", 4, {"pair", "homogeneous"}), ("maki-thompson", 8, {"homogeneous"}),
        ("maki-thompson", 60, set()), ("bass", 4, set()), ("majority-rule", 4, set()),
    ],
)  # fmt: skip
def test_degrees_that_are_low_for_a_curve_are_named(
    model: str, degree: int, doubted: set[str]
) -> None:
    degrees = np.eye(degree + 1)[-1]
    found = with_doubts(make(model).theory(Setting(1000, 10, degrees), 5), degrees)
    assert {one.name.split()[0] for one in found if "may be far off" in one.name} == doubted
