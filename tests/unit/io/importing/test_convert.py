import igraph
import networkx as nx
import pytest

from sim import World
from sim.errors import InputError
from sim.io import from_igraph, from_networkx


def _arcs(world: World) -> set[tuple[int | str, int | str]]:
    return {
        (world.agents.id(a), world.agents.id(int(b)))
        for a in range(len(world.agents))
        for b in world.ties.listeners(a)
    }


def test_nodes_of_networkx_become_ids_and_attributes_names() -> None:
    graph = nx.DiGraph([("x", "y"), ("y", "z"), ("x", "x")])
    graph.nodes["y"]["label"] = "Yuki"
    graph.nodes["z"]["name"] = "Zoë"
    world = from_networkx(graph)
    assert _arcs(world) == {("x", "y"), ("y", "z")}
    assert [world.agents.name(i) for i in range(3)] == ["x", "Yuki", "Zoë"]


def test_undirected_graphs_tie_both_ways_and_keep_isolated_nodes() -> None:
    graph = nx.Graph([(10, 20)])
    graph.add_node(5)
    world = from_networkx(graph)
    assert _arcs(world) == {(10, 20), (20, 10)}
    assert world.agents.index(5) == 2


def test_weights_become_trust_and_missing_ones_count_one() -> None:
    graph = nx.DiGraph()
    graph.add_edge(0, 1, weight=0.5)
    graph.add_edge(1, 0)
    assert from_networkx(graph).ties.trust.tolist() == [32768, 65535]
    assert from_networkx(graph, weight=None).ties.trust.size == 0
    assert from_networkx(graph, weight="strength").ties.trust.size == 0


def test_parallel_ties_are_one() -> None:
    assert from_networkx(nx.MultiGraph([(0, 1), (0, 1), (1, 0)])).ties.count == 2


def test_tuples_are_ids_as_they_are_written() -> None:
    world = from_networkx(nx.grid_2d_graph(2, 2))
    assert world.agents.index("(0, 1)") == 1


def test_follows_turns_the_arcs_of_both_libraries() -> None:
    for world in (
        from_networkx(nx.DiGraph([(0, 1)]), direction="follows"),
        from_igraph(igraph.Graph([(0, 1)], directed=True), direction="follows"),
    ):
        assert _arcs(world) == {(1, 0)}


def test_nodes_that_are_written_alike_are_refused() -> None:
    with pytest.raises(InputError, match="written alike"):
        from_networkx(nx.Graph([("1", 1)]))


def test_empty_graphs_are_refused() -> None:
    for make, graph in ((from_networkx, nx.Graph()), (from_igraph, igraph.Graph())):
        with pytest.raises(InputError, match="has no nodes"):
            make(graph)


@pytest.mark.parametrize("weight", [float("inf"), "heavy"])
def test_weights_that_are_no_numbers_are_refused(weight: object) -> None:
    graph = nx.Graph()
    graph.add_edge(0, 1, weight=weight)
    with pytest.raises(InputError, match=r"finite|no number"):
        from_networkx(graph)


def test_names_of_igraph_are_ids_when_all_are_different() -> None:
    graph = igraph.Graph([(0, 1), (1, 2)], directed=True)
    graph.vs["name"] = ["ann", "bob", "eve"]
    assert _arcs(from_igraph(graph)) == {("ann", "bob"), ("bob", "eve")}
    graph.vs["name"] = ["ann", "bob", "bob"]
    world = from_igraph(graph)
    assert _arcs(world) == {(0, 1), (1, 2)}
    assert world.agents.name(2) == "bob"


def test_igraph_ids_labels_and_weights_are_kept() -> None:
    graph = igraph.Graph([(0, 1), (1, 2)], directed=True)
    graph.vs["id"] = [7.0, 8.0, 9.0]
    graph.vs["label"] = ["Ann", None, "Eve\u202e"]
    graph.es["weight"] = [2, 4]
    world = from_igraph(graph)
    assert _arcs(world) == {(7, 8), (8, 9)}
    assert world.agents.name(0) == "Ann"
    assert world.agents.name(1) not in {"", "None"}
    assert "\u202e" not in world.agents.name(2)
    assert world.ties.trust.tolist() == [32768, 65535]


def test_both_libraries_make_the_same_world() -> None:
    graph = nx.gnm_random_graph(50, 200, seed=1, directed=True)
    other = igraph.Graph(50, directed=True)
    other.add_edges(list(graph.edges))
    assert from_networkx(graph, seed=3).digest() == from_igraph(other, seed=3).digest()
