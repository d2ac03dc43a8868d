import gzip
from pathlib import Path
from typing import Any

import igraph
import networkx as nx
import pytest

from sim import World
from sim.errors import FileError, InputError
from sim.io import EdgeOptions, ImportedArcs, from_igraph, from_networkx, import_world, read_graph


def _made(folder: Path, kind: str, *, directed: bool) -> Path:
    """Write a small network with names and weights: ann -> bob -> eve, ann -> eve."""
    place = folder / f"graph.{kind}"
    if kind == "gexf":
        made = (nx.DiGraph if directed else nx.Graph)()
        for node, label in enumerate(["ann", "bob", "eve"]):
            made.add_node(node, label=label)
        made.add_weighted_edges_from([(0, 1, 0.5), (1, 2, 0.25), (0, 2, 1.0)])
        nx.write_gexf(made, place)
        return place
    graph = igraph.Graph([(0, 1), (1, 2), (0, 2)], directed=directed)
    graph.vs["name"] = ["ann", "bob", "eve"]
    graph.es["weight"] = [0.5, 0.25, 1.0]
    getattr(graph, f"write_{kind}")(str(place))
    return place


def _named(edges: ImportedArcs) -> set[tuple[str, str, float]]:
    assert edges.names is not None
    assert edges.weights is not None
    rows = zip(edges.sources, edges.targets, edges.weights.tolist(), strict=True)
    return {(edges.names[a], edges.names[b], w) for a, b, w in rows}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("directed", [True, False])
@pytest.mark.parametrize("kind", ["graphml", "gml", "gexf"])
def test_names_weights_and_direction_are_kept(kind: str, directed: bool, tmp_path: Path) -> None:
    place = _made(tmp_path, kind, directed=directed)
    edges = read_graph(place)
    assert _named(edges) == {("ann", "bob", 0.5), ("bob", "eve", 0.25), ("ann", "eve", 1.0)}
    assert edges.report.directed is directed
    assert edges.report.name == place.name
    world = import_world(place).world
    assert world.ties.count == (3 if directed else 6)
    assert world.agents.name(1) == "bob"


def test_follows_turns_the_arcs_of_files_and_libraries(tmp_path: Path) -> None:
    place = _made(tmp_path, "graphml", directed=True)
    world = import_world(place, options=EdgeOptions(direction="follows")).world
    assert world.ties.listeners(2).tolist() == [0, 1]
    for world in (
        from_networkx(nx.DiGraph([(0, 1)]), direction="follows"),
        from_igraph(igraph.Graph([(0, 1)], directed=True), direction="follows"),
    ):
        assert _arcs(world) == {(1, 0)}


@pytest.mark.parametrize("kind", ["graphml", "gexf"])
def test_packed_graphs_are_read_whatever_their_name(kind: str, tmp_path: Path) -> None:
    place = _made(tmp_path, kind, directed=True)
    packed = tmp_path / "download"
    packed.write_bytes(gzip.compress(place.read_bytes()))
    assert import_world(packed).report.arcs == 3


BOMB = """<?xml version="1.0"?>
<!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;&lol;&lol;">]>
<graphml><graph edgedefault="directed"><node id="&lol2;"/></graph></graphml>"""
OUTSIDE = """<?xml version="1.0"?>
<!DOCTYPE gexf [<!ENTITY file SYSTEM "file:///etc/passwd">]>
<gexf><graph><nodes><node id="&file;"/></nodes></graph></gexf>"""


def require_refused(folder: Path, text: str, said: str = "declares <!ENTITY") -> None:
    place = folder / "file.xml"
    place.write_text(text)
    with pytest.raises(FileError, match=said) as caught:
        import_world(place)
    assert "\n" not in str(caught.value)
    assert ".c" not in str(caught.value)


ODD = '<?xml version="1.0" encoding="UTF-7"?>\n<graphml></graphml>'
EMPTY = '<graphml><graph edgedefault="directed"></graph></graphml>'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (BOMB, "declares <!ENTITY"),
        (OUTSIDE, "declares <!ENTITY"),
        (BOMB.replace("!ENTITY", "!entity"), "declares <!ENTITY"),
        (ODD, "is encoded as UTF-7"),  # that could hide a declaration
        ("<graphml><graph><node id='a'></graph></graphml>", "cannot be parsed"),
        ("<gexf><graph><nodes><node></nodes></gexf>", "cannot be parsed|has a node without id"),
        ("graph [ node [ id 1 ] edge [ source 1 ]", "cannot be parsed"),
        (EMPTY, "no nodes|cannot be parsed"),
    ],
)
def test_a_hostile_or_broken_graph_is_a_sentence(text: str, said: str, tmp_path: Path) -> None:
    require_refused(tmp_path, text, said)


def test_a_document_type_that_declares_no_entity_is_read(tmp_path: Path) -> None:
    place = _made(tmp_path, "graphml", directed=True)
    plain, typed = place.read_text(), tmp_path / "typed.graphml"
    system = '<!DOCTYPE graphml SYSTEM "http://graphml.graphdrawing.org/dtds/1.0/graphml.dtd">'
    head, _, body = plain.partition("?>")
    typed.write_text(f"{head}?>\n{system}{body}" if body else f"{system}{plain}")
    assert import_world(typed).world.digest() == import_world(place).world.digest()


def test_a_declaration_across_two_blocks_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sim.io.importing.files._HEAD", 60)
    monkeypatch.setattr("sim.io.importing.graphs._BLOCK", 5)
    require_refused(tmp_path, "<graphml>" + " " * 51 + "<!ENT" + "ITY x></graphml>")


def test_an_edge_list_is_no_graph_file(tmp_path: Path) -> None:
    place = tmp_path / "graph.txt"
    place.write_text("1 2\n")
    with pytest.raises(FileError, match="is a table of ties; read it with read_edges"):
        read_graph(place)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (EdgeOptions(directed=False), "directed"),
        (EdgeOptions(ids="str", time_column=3), "time_column, ids"),
        (EdgeOptions(columns=(1, 0)), "columns"),
    ],
)
def test_options_of_edge_lists_that_would_do_nothing_are_refused(
    tmp_path: Path, options: EdgeOptions, named: str
) -> None:
    nx.write_graphml(nx.path_graph(3), tmp_path / "g.graphml")
    with pytest.raises(InputError, match=f"A GraphML file says itself .*; leave {named} out"):
        import_world(tmp_path / "g.graphml", options=options)
    usual = EdgeOptions(direction="follows", columns=(0, 1))
    assert import_world(tmp_path / "g.graphml", options=usual).world.ties.count == 4


def _arcs(world: World) -> set[tuple[int | str, int | str]]:
    ends = zip(world.ties.sources().tolist(), world.ties.targets.tolist(), strict=True)
    return {(world.agents.id(a), world.agents.id(b)) for a, b in ends}


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
    assert from_networkx(nx.MultiGraph([(0, 1), (0, 1), (1, 0)])).ties.count == 2
    tuples = from_networkx(nx.grid_2d_graph(2, 2))  # ids as they are written
    assert tuples.agents.index("(0, 1)") == 1


def test_weights_become_trust_and_missing_ones_count_one() -> None:
    graph = nx.DiGraph()
    graph.add_edge(0, 1, weight=0.5)
    graph.add_edge(1, 0)
    assert from_networkx(graph).ties.trust.tolist() == [32768, 65535]
    assert from_networkx(graph, weight=None).ties.trust.size == 0
    assert from_networkx(graph, weight="strength").ties.trust.size == 0


def _weighted(weight: object) -> nx.Graph:
    graph = nx.Graph()
    graph.add_edge(0, 1, weight=weight)
    return graph


@pytest.mark.parametrize(
    ("graph", "said"),
    [
        (nx.Graph([("1", 1)]), "written alike"),
        (nx.Graph(), "has no nodes"),
        (igraph.Graph(), "has no nodes"),
        (_weighted(float("inf")), "finite"),
        (_weighted("heavy"), "no number"),
    ],
)
def test_graphs_that_make_no_world_are_refused(graph: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        (from_igraph if isinstance(graph, igraph.Graph) else from_networkx)(graph)


def test_names_and_ids_of_igraph_are_ids_when_all_are_different() -> None:
    graph = igraph.Graph([(0, 1), (1, 2)], directed=True)
    graph.vs["name"] = ["ann", "bob", "eve"]
    assert _arcs(from_igraph(graph)) == {("ann", "bob"), ("bob", "eve")}
    graph.vs["name"] = ["ann", "bob", "bob"]
    world = from_igraph(graph)
    assert _arcs(world) == {(0, 1), (1, 2)}
    assert world.agents.name(2) == "bob"
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
