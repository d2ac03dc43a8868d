import gzip
import io as streams
import json
import re
from pathlib import Path
from typing import Any

import igraph
import networkx as nx
import numpy as np
import pytest
import scipy.io
import scipy.sparse

from sim import World, io
from sim.core import quiet
from sim.errors import FileError, FormatError, HubbubError, InputError
from sim.io import EdgeOptions, ImportOutcome
from sim.io.importing.formats import READ, REFUSED
from sim.scenario import ImportedWorld
from tests.raising import raises

Ties = dict[tuple[Any, Any], float]


def made(folder: Path, text: str | bytes, name: str = "net.txt", **options: Any) -> ImportOutcome:
    """Import a text as a file of that name."""
    (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return io.import_world(folder / name, options=EdgeOptions(**options))


def ties(world: World) -> Ties:
    """Return the trust of each tie by the ids of its ends, rounded to hundredths."""
    ids, trust = world.agents.id, world.ties.trust
    ends = zip(world.ties.sources().tolist(), world.ties.targets.tolist(), strict=True)
    levels = (trust / 65535).round(2).tolist() if trust.size else [1.0] * world.ties.count
    return {(ids(a), ids(b)): level for (a, b), level in zip(ends, levels, strict=True)}


def names(world: World) -> dict[Any, str]:
    return {world.agents.id(at): world.agents.name(at) for at in range(len(world.agents))}


NET = '*Vertices 4\n1 "Ann"\n2 "Bob"\n3 "Cid Lee"\n4 "Dan"\n'
PEOPLE = {1: "Ann", 2: "Bob", 3: "Cid Lee", 4: "Dan"}


@pytest.mark.parametrize(
    ("net", "text", "wanted"),
    [
        (NET, "*Arcs 2\n1 2 1\n2 3 0.5\n*Edges 1\n3 4 1\n",
         {(1, 2): 1, (2, 3): 0.5, (3, 4): 1, (4, 3): 1}),
        (NET, "*Edges 2\n1 2\n2 3\n", {(1, 2): 1, (2, 1): 1, (2, 3): 1, (3, 2): 1}),
        (NET, "*Arcslist\n1 2 3\n*Edgeslist\n3 4\n", {(1, 2): 1, (1, 3): 1, (3, 4): 1, (4, 3): 1}),
        (NET, "*Matrix\n0 1 0 0\n0 0 .5 0\n0 0 0 0\n0 0 0 0\n", {(1, 2): 1, (2, 3): 0.5}),
        ("% made by hand\r\n*Network a b\r\n" + NET.replace("\n", "\r\n"),
         "*arcs\r\n1 2 1 c Red\r\n", {(1, 2): 1}),
        (NET.replace("\n2", ' 0.1 0.2 0.5 ic "Pink"\n2'), '*Arcs :2 "likes"\n1 2 1 l "old"\n',
         {(1, 2): 1}),
    ],
)  # fmt: skip
def test_pajek_has_arcs_one_way_and_edges_both_ways(
    net: str, text: str, wanted: Ties, tmp_path: Path
) -> None:
    world = made(tmp_path, net + text, "a.net").world
    assert ties(world) == wanted
    assert names(world) == PEOPLE


def test_what_else_a_project_of_pajek_holds_is_left_out_and_said(tmp_path: Path) -> None:
    text = NET + "*Arcs\n1 2\n*Partition sex\n*Vertices 4\n1\n2\n1\n2\n"
    found = made(tmp_path, text, "a.paj")
    assert (names(found.world), ties(found.world)) == (PEOPLE, {(1, 2): 1})
    assert "Left out: *partition." in found.report.describe()
    for more, said in (
        ("*Network two\n*Vertices 1\n1 x\n", "several networks"),
        ("*States\n1 2\n", r"line 8: \*States of Pajek is not read"),
        ("Ann Bob\n", "line 8 is no tie of two vertices: Ann Bob"),
    ):
        raises(FileError, said, made, tmp_path, NET + "*Arcs\n1 2\n" + more, "a.net")
    with pytest.raises(FileError, match="is not UTF-8 text; save it as UTF-8"):
        made(tmp_path, NET.replace("Ann", "José").encode("latin-1"), "a.net")


def test_pajek_is_read_as_igraph_and_networkx_read_one_kind_of_ties(tmp_path: Path) -> None:
    graph = nx.gnm_random_graph(30, 60, seed=3, directed=True)
    nx.write_pajek(nx.relabel_nodes(graph, lambda n: f"m {n}"), tmp_path / "a.net")
    world = io.read_world(tmp_path / "a.net")
    called = names(world)
    found = {(called[a], called[b]) for a, b in ties(world)}
    assert found == {(f"m {a}", f"m {b}") for a, b in graph.edges}
    read = igraph.Graph.Read_Pajek(str(tmp_path / "a.net"))
    assert (len(world.agents), world.ties.count) == (read.vcount(), read.ecount())


LINKS: list[dict[str, Any]] = [
    {"source": "ann", "target": "bob", "weight": 0.5}, {"source": "bob", "target": "cid"},
]  # fmt: skip
MIXED = [LINKS[0], {**LINKS[1], "undirected": True}]
OWN = [
    {"source": "ann", "target": "bob", "undirected": False, "attributes": {"weight": 0.5}},
    {"source": "bob", "target": "cid", "undirected": False, "attributes": {"weight": 1}},
]
NODES: list[dict[str, Any]] = [
    {"id": "ann"}, {"id": "bob"}, {"id": "cid"}, {"id": "eve", "label": "Eve"},
]  # fmt: skip
BY_NAME: dict[str, Any] = {n["id"]: {} for n in NODES}
ELEMENTS = {"nodes": [{"data": n} for n in NODES], "edges": [{"data": e} for e in LINKS]}
ONE_WAY: Ties = {("ann", "bob"): 0.5, ("bob", "cid"): 1}
BOTH_WAYS: Ties = {**ONE_WAY, ("bob", "ann"): 0.5, ("cid", "bob"): 1}


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ({"directed": True, "multigraph": False, "nodes": NODES, "links": LINKS}, ONE_WAY),
        ({"directed": True, "graph": {}, "nodes": NODES, "edges": LINKS}, ONE_WAY),
        ({"directed": False, "nodes": NODES, "links": LINKS}, BOTH_WAYS),
        ({"nodes": NODES, "links": LINKS}, BOTH_WAYS),
        ({"graph": {"directed": True, "nodes": NODES, "edges": LINKS}}, ONE_WAY),
        ({"options": {"type": "directed"}, "nodes": NODES, "edges": LINKS}, ONE_WAY),
        ({"options": {"type": "undirected"}, "nodes": NODES, "edges": LINKS}, BOTH_WAYS),
        ({"options": {"type": "mixed"}, "nodes": NODES, "edges": MIXED},
         {**ONE_WAY, ("cid", "bob"): 1}),
        ({"directed": True, "nodes": NODES, "links": []}, {}),
        ({"graph": {"directed": True, "nodes": BY_NAME, "edges": LINKS}}, ONE_WAY),
        ({"directed": True, "elements": ELEMENTS}, ONE_WAY),
        ({"nodes": [{"key": name} for name in BY_NAME], "edges": OWN}, ONE_WAY),
    ],
)  # fmt: skip
def test_json_of_nodes_and_links_is_a_network(
    body: dict[str, Any], wanted: Ties, tmp_path: Path
) -> None:
    found = made(tmp_path, json.dumps(body), "a.json")
    assert ties(found.world) == wanted
    assert len(found.world.agents) == 4


def test_json_of_d3_names_members_by_their_places(tmp_path: Path) -> None:
    nodes = [{"name": "Myriel", "group": 1}, {"name": "Napoleon", "group": 1}]
    body = {"nodes": nodes, "links": [{"source": 1, "target": 0, "value": 1}]}
    found = made(tmp_path, json.dumps(body), "miserables.json")
    assert ties(found.world) == {(0, 1): 1, (1, 0): 1}
    assert names(found.world) == {0: "Myriel", 1: "Napoleon"}
    assert "does not say whether ties are directed" in found.report.describe()
    assert "Attributes of members that were not read: group." in found.report.describe()


def test_json_is_read_as_networkx_wrote_it(tmp_path: Path) -> None:
    graph = nx.karate_club_graph()
    for edges in ("links", "edges"):
        body = json.dumps(nx.node_link_data(graph, edges=edges))
        world = made(tmp_path, body, f"{edges}.json").world
        assert {*ties(world)} == {*graph.edges} | {(b, a) for a, b in graph.edges}


@pytest.mark.parametrize(
    ("head", "rows", "wanted"),
    [
        ("pattern symmetric", "2 1\n3 1\n4 3\n",
         {(2, 1): 1, (1, 2): 1, (3, 1): 1, (1, 3): 1, (4, 3): 1, (3, 4): 1}),
        ("pattern general", "2 1\n3 1\n4 3\n", {(2, 1): 1, (3, 1): 1, (4, 3): 1}),
        ("real general", "2 1 1\n3 1 0.5\n4 3 0.25\n", {(2, 1): 1, (3, 1): 0.5, (4, 3): 0.25}),
        ("integer symmetric", "2 1 4\n3 1 2\n5 5 1\n",
         {(2, 1): 1, (1, 2): 1, (3, 1): 0.5, (1, 3): 0.5}),
    ],
)  # fmt: skip
def test_the_head_of_matrix_market_says_how_many_and_which_way(
    head: str, rows: str, wanted: Ties, tmp_path: Path
) -> None:
    text = f"%%MatrixMarket matrix coordinate {head}\n% comment\n5 5 3\n{rows}"
    world = made(tmp_path, text, "a.mtx").world
    assert ties(world) == wanted
    assert list(names(world)) == [1, 2, 3, 4, 5]


def test_matrix_market_is_read_as_scipy_reads_it(tmp_path: Path) -> None:
    graph = nx.gnm_random_graph(40, 90, seed=5)
    raw = streams.BytesIO()
    scipy.io.mmwrite(raw, nx.to_scipy_sparse_array(graph), symmetry="symmetric")
    world = made(tmp_path, raw.getvalue(), "a.mtx").world
    read = scipy.sparse.coo_array(scipy.io.mmread(tmp_path / "a.mtx"))
    rows, columns = (each.tolist() for each in read.coords)
    assert {*ties(world)} == {(a + 1, b + 1) for a, b in zip(rows, columns, strict=True)}


def test_lgl_is_read_as_igraph_wrote_it(tmp_path: Path) -> None:
    graph = igraph.Graph([(0, 1), (0, 2), (1, 2)])
    graph.vs["name"], graph.es["weight"] = ["ann", "bob", "cid"], [0.5, 1.0, 0.25]
    graph.write_lgl(str(tmp_path / "a.lgl"))
    wanted = {("ann", "bob"): 0.5, ("ann", "cid"): 1.0, ("bob", "cid"): 0.25}
    for name in ("a.lgl", "a.txt"):
        world = made(tmp_path, (tmp_path / "a.lgl").read_text(), name).world
        assert ties(world) == wanted | {(b, a): trust for (a, b), trust in wanted.items()}


def _metis(agents: int) -> str:
    """Return a ring in which each member has six friends."""
    steps = (-3, -2, -1, 1, 2, 3)
    rows = (" ".join(str((at + step) % agents + 1) for step in steps) for at in range(agents))
    return f"{agents} {3 * agents}\n" + "\n".join(rows) + "\n"


def _square(size: int, own: float, *, named: bool = False) -> str:
    """Return a matrix of weights with these on its diagonal."""
    drawn = np.random.default_rng(3).random((size, size)).round(3)
    np.fill_diagonal(drawn, own)
    rows = [" ".join(map(str, row)) for row in drawn.tolist()]
    if named:
        head = " ".join(f"m{at}" for at in range(size))
        rows = [head, *(f"m{at} {row}" for at, row in enumerate(rows))]
    return "\n".join(rows) + "\n"


ODD = [
    ("nodedef> name VARCHAR,label VARCHAR\na,Ann\nedgedef> node1,node2\na,b\n", "GDF"),
    ("nodedef>name VARCHAR\r\na\r\nedgedef>node1 VARCHAR,node2 VARCHAR\r\na,a\r\n", "GDF"),
    ("digraph G {\n  a -> b;\n}\n", "Graphviz DOT"),
    ("strict graph {\n a -- b\n}\n", "Graphviz DOT"),
    ('// made by hand\n/* twice */\ndigraph "my net"{\na -> b [label="x"]\n}\n', "Graphviz DOT"),
    ("*Node data\nID sex\nann f\n*Tie data\nfrom to strength\nann bob 1\n", "VNA"),
    ("*node properties\nID x y\nann 1 2\n*tie data\nfrom to\nann bob\n", "VNA"),
    ("*Tie data\nFROM TO friends\nann bob 1\nbob cid 1\n", "VNA"),
    ("1 Ann\n2 Bob\n3 Cid\n#\n1 2 knows\n2 3\n", "TGF"),
    ("a\nb\n#\na b\n", "TGF"),
    ("1 Ann Lee\n2 Bob\n#\n1 2\n", "TGF"),
    ("0 1 0\n1 0 1\n0 1 0\n", "matrix"),
    ("0,1,0,1\n1,0,0,0\n0,0,0,1\n1,0,1,0\n", "matrix"),
    (";A;B;C\nA;0;1;0\nB;1;0;2\nC;0;2;0\n", "matrix"),
    ("0 2.5 0 1\n2.5 0 0 0\n0 0 0 7\n1 0 7 0\n", "matrix"),
    ("dl n = 3\nformat = edgelist1\ndata:\n1 2\n2 3\n", "DL of UCINET"),
    ("DL N=2 FORMAT=FULLMATRIX\nLABELS:\na,b\nDATA:\n0 1\n1 0\n", "DL of UCINET"),
    ("dl nr=2, nc=2\ndata:\n0 1\n1 0\n", "DL of UCINET"),
    ("c a graph\np edge 3 2\ne 1 2\ne 2 3\n", "DIMACS"),
    ("p sp 3 2\na 1 2 5\na 2 3 4\n", "DIMACS"),
    ("c\np col 3 2\ne 1 2\ne 2 3\n", "DIMACS"),
    ("3 3\n2 3\n1 3\n1 2\n", "METIS"),
    ("% made\n4 4\n2 3\n1 4\n1 4\n2 3\n", "METIS"),
    ("3 3 1\n2 9 3 8\n1 9 3 7\n1 8 2 7\n", "METIS"),
    (_metis(30_000), "METIS"),
    ("".join(f"{at} Person {at}\n" for at in range(20_000)) + "#\n0 1\n", "TGF"),
    (_square(300, 0), "matrix"),
    (_square(300, 1), "matrix"),
    (_square(6, 1), "matrix"),
    (_square(300, 0.5), "matrix"),
    (_square(300, 0.5, named=True), "matrix"),
    ("LEDA.GRAPH\nstring\nint\n-1\n2\n|{ann}|\n|{bob}|\n1\n1 2 0 |{4}|\n", "LEDA"),
    (">>graph6<<A_\n", "graph6"),
    ('(tlp "2.3"\n(nodes 0..2)\n(edge 0 0 1)\n', "TLP"),
    ("<http://a.org/x> <http://a.org/knows> <http://a.org/y> .\n", "RDF"),
    ("@prefix a: <http://a.org/> .\na:x a:knows a:y .\n", "RDF"),
    ("<!DOCTYPE html>\n<html><body>404</body></html>\n", "a web page"),
    ("<html><head></head></html>\n", "a web page"),
    ('<?xml version="1.0"?>\n<graph xmlns="http://www.cs.rpi.edu/XGMML">\n</graph>', "XGMML"),
    ("<?xml version='1.0'?>\n<gxl><graph/></gxl>\n", "XML of another kind"),
    ("<mxfile host='draw'><diagram/></mxfile>\n", "XML of another kind"),
    ('[["ann", "bob"], ["bob", "cid"]]', "JSON without nodes and links"),
    ('{"directed": true, "nodes": [{"id": 1}], "adjacency": [[{"id": 1}]]}', "JSON without nodes"),
    ('{"source": "a", "target": "b"}\n{"source": "b", "target": "c"}\n', "is no whole JSON"),
    ("%%MatrixMarket matrix coordinate pattern general\n2 3 1\n1 3\n", "two kinds of members"),
    ("*Vertices 4 2\n1 a\n2 b\n3 x\n4 y\n*Edges\n1 3\n", "two kinds of vertices"),
    ("% bip unweighted\n1 1\n1 2\n2 1\n", "two kinds of members"),
    (b"\x93NUMPY\x01\x00v\x00{'descr'", "NumPy"),
    (b"PAR1\x15\x04\x15\x00", "Parquet"),
]


@pytest.mark.parametrize(("text", "named"), ODD)
@pytest.mark.parametrize("packed", [False, True])
def test_a_format_that_is_not_read_is_refused_by_its_name(
    text: str | bytes, named: str, packed: bool, tmp_path: Path
) -> None:
    raw = text if isinstance(text, bytes) else text.encode()
    with pytest.raises(FileError, match=re.escape(named)) as caught:
        made(tmp_path, gzip.compress(raw) if packed else raw)
    assert ";" in str(caught.value)  # what to do instead
    raises(HubbubError, "", io.read_arcs, tmp_path / "net.txt")


@pytest.mark.parametrize("text", ["ann pp bob\nbob pd cid\n", "ann\tpp\tbob\n", "ann pp bob cid\n"])
def test_sif_is_refused_and_read_as_the_sentence_says(text: str, tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"SIF of Cytoscape.*--columns 0,2 --relations 1"):
        made(tmp_path, text, "a.sif")
    world = made(tmp_path, text, "a.sif", columns=(0, 2), relations=1).world
    assert ("ann", "bob") in ties(world)


@pytest.mark.parametrize(
    "text",
    [
        "0 1 1\n1 2 0\n2 0 1\n0 3 1\n",  # no square
        "1 2\n2 3\n3 1\n#\n1 3\n",  # a comment of a sign alone
        "# section\n1 2\n2 3\n# section\n1 3\n",
        "3 2\n1 2\n2 3\n1 3\n",
        "graph theory\ntheory proof\n",
        "dl ul\nul dl\n",
        "p q\nq r\n",
        "nodes edges\nedges nodes\n",
        "0 1 5\n2 0 7\n1 2 0\n",
        "# one\n\n1 2\n3 4\n",
        "# directed\nann bob\nbob 2.5\n",
    ],
)
def test_a_table_of_ties_that_looks_like_another_format_is_read(text: str, tmp_path: Path) -> None:
    rows = [line.split() for line in text.splitlines() if line[:1] not in {"", "#"}]
    wanted = {(row[0], row[1]) for row in rows}
    assert {(str(a), str(b)) for a, b in ties(made(tmp_path, text).world)} == wanted


@pytest.mark.parametrize(
    "rows",
    [
        [f"{at % 9_000} {at * 7 % 9_001}" for at in range(40_000)],  # sizes on top, one might think
        [f"{at} m{at % 50}" for at in range(9_000)] * 4,
        [f"{at}\tm{at % 50}" for at in range(40_000)],
        [" ".join(map(str, (at, at + 1, *range(100, 220)))) for at in range(900)],
    ],
)
def test_a_long_table_of_ties_is_read(rows: list[str], tmp_path: Path) -> None:
    pairs = {tuple(row.split()[:2]) for row in rows}
    wanted = {(a, b) for a, b in pairs if a != b}
    text = "\n".join(rows) + "\n"
    assert {(str(a), str(b)) for a, b in ties(made(tmp_path, text, ids="str").world)} == wanted


def test_a_table_that_was_said_to_be_one_is_read_whatever_it_looks_like(tmp_path: Path) -> None:
    world = made(tmp_path, "0 1 0\n1 0 1\n0 1 0\n", header=False).world
    assert {*ties(world)} == {(0, 1), (1, 0)}
    raises(FileError, "GDF", made, tmp_path, "nodedef> name\na\nedgedef> a,b\na,b\n", header=False)


TYPED = "Source,Target,Type,Id,Label,timeset,Weight\n1,2,{},0,,,2.0\n2,3,{},1,,,1.0\n"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (TYPED.format("Undirected", "Directed"), {(1, 2), (2, 1), (2, 3)}),
        (TYPED.format("Undirected", "Undirected"), {(1, 2), (2, 1), (2, 3), (3, 2)}),
        (TYPED.format("Directed", "Directed"), {(1, 2), (2, 3)}),
        (TYPED.format("mutual", "directed").replace(",", "\t"), {(1, 2), (2, 1), (2, 3)}),
        ("source,target,directed\n1,2,false\n2,3,true\n", {(1, 2), (2, 1), (2, 3)}),
        ("% sym unweighted\n% 2 3 3\n1 2\n2 3\n", {(1, 2), (2, 1), (2, 3), (3, 2)}),
        ("% asym unweighted\n1 2\n2 3\n", {(1, 2), (2, 3)}),
        ("% sym positive\n1 2 5\n2 3 4\n", {(1, 2), (2, 1), (2, 3), (3, 2)}),
        ("# Undirected graph: ../../output/x.txt\n# Nodes: 3 Edges: 2\n1\t2\n", {(1, 2), (2, 1)}),
        ("# Directed graph (each unordered pair of nodes is saved once): x.txt\n1\t2\n", {(1, 2)}),
        ("# made from an undirected list by hand\n1 2\n", {(1, 2)}),
        ("# The graph is undirected\n1 2\n", {(1, 2), (2, 1)}),
        ("# This is an undirected network\n1 2\n", {(1, 2), (2, 1)}),
        ("# Nodes: 2 Edges: 1 (undirected)\n1 2\n", {(1, 2), (2, 1)}),
        ("# The graph is directed, not undirected\n1 2\n", {(1, 2)}),
        ("# undirected: no\n1 2\n", {(1, 2)}),
        ("# source: data/undirected.txt\n1 2\n", {(1, 2)}),
        (TYPED.format("U", "D"), {(1, 2), (2, 1), (2, 3)}),
        ("source,target,type\n1,2,D\n2,3,A\n", {(1, 2), (2, 3)}),
    ],
)
def test_what_a_table_says_of_direction_holds(text: str, wanted: set[Any], tmp_path: Path) -> None:
    assert {*ties(made(tmp_path, text).world)} == wanted


def test_directions_among_other_words_are_asked_about(tmp_path: Path) -> None:
    text = TYPED.format("Undirected", "friend")
    with pytest.raises(HubbubError, match=r"'Undirected', a direction, and .?friend.*--relations"):
        made(tmp_path, text)
    typed = made(tmp_path, text, relations="Type").world
    assert typed.tie_records.counts == {"Undirected": 1, "friend": 1}
    edges = filled("ab", "t", "undirected") + filled("bc", "t", "friend")
    keys = '<key id="t" for="edge" attr.name="type"/>'
    with pytest.raises(HubbubError, match="'undirected', a direction, and"):
        made(tmp_path, GRAPHML.format(keys, "directed", edges), "a.graphml")
    late = "source,target,type\n" + "".join(f"{at},{at + 1},undirected\n" for at in range(1_000))
    assert len(ties(made(tmp_path, late).world)) == 2_000
    with pytest.raises(FormatError, match=r"line 1,?002.*'mutal' is no direction"):
        made(tmp_path, late + "7,9,mutal\n")


def test_a_direction_that_is_asked_for_is_the_one_that_holds(tmp_path: Path) -> None:
    text = TYPED.format("Undirected", "Directed")
    assert {*ties(made(tmp_path, text, directed=True).world)} == {(1, 2), (2, 3)}
    assert len(ties(made(tmp_path, text, directed=False).world)) == 4
    typed = made(tmp_path, text, relations="Type").world
    assert typed.tie_records.counts == {"Directed": 1, "Undirected": 1}


def test_ties_both_ways_keep_weight_time_and_type(tmp_path: Path) -> None:
    text = (
        "source,target,type,weight,relation,when\n"
        "ann,bob,Undirected,2,friend,5\nbob,cid,Directed,1,boss,9\ncid,cid,Undirected,1,self,9\n"
    )
    world = made(tmp_path, text, time_column="when").world
    assert ties(world) == {("ann", "bob"): 1.0, ("bob", "ann"): 1.0, ("bob", "cid"): 0.5}
    assert world.interactions is not None
    assert len(world.interactions) == 3
    kinds = {pair: world.tie_records.find(*pair) for pair in ((0, 1), (1, 0), (1, 2))}
    assert [kind and kind.type for kind in kinds.values()] == ["friend", "friend", "boss"]


GRAPHML = """<?xml version="1.0" encoding="UTF-8"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
{}<graph edgedefault="{}">
<node id="a"/><node id="b"/><node id="c"/>
{}
</graph></graphml>"""
GEXF = """<gexf{}><graph{}>
<nodes><node id="a" label="Ann"/><node id="b" label="Bob"/><node id="c" label="Cid"/></nodes>
<edges>{}</edges></graph></gexf>"""
NS13 = ' xmlns="http://gexf.net/1.3" version="1.3"'


def edge(pair: str, more: str = "") -> str:
    return f'<edge source="{pair[0]}" target="{pair[1]}"{more}/>'


def filled(pair: str, key: str, said: str) -> str:
    return edge(pair)[:-2] + f'><data key="{key}">{said}</data></edge>'


TYPE = '<key id="t" for="edge" attr.name="Type"/>'
NESTED = f'<graph edgedefault="undirected">{edge("bc")}</graph></graphml>'
NS12 = ' xmlns="http://www.gexf.net/1.2draft" version="1.2"'
DIRECTED = ' defaultedgetype="directed"'


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (GRAPHML.format("", "directed", edge("ab", ' directed="false"') + edge("bc")), "ab ba bc"),
        (GRAPHML.format("", "undirected", edge("ab", ' directed="true"') + edge("bc")), "ab bc cb"),
        (GRAPHML.format("", "undirected", edge("ab")), "ab ba"),
        (GRAPHML.format(TYPE, "directed", filled("ab", "t", "Undirected")), "ab ba"),
        (GRAPHML.format("", "directed", edge("ab")).replace("</graphml>", NESTED), "ab bc cb"),
        (GEXF.format("", "", edge("ab")), "ab ba"),
        (GEXF.format("", DIRECTED, edge("ab")), "ab"),
        (GEXF.format(NS13, DIRECTED, edge("ab", ' type="undirected"') + edge("bc")), "ab ba bc"),
        (GEXF.format(NS12, "", edge("ab", ' type="mutual"') + edge("bc", ' type="directed"')),
         "ab ba bc"),
    ],
)  # fmt: skip
def test_each_edge_of_a_graph_file_may_have_a_direction_of_its_own(
    text: str, wanted: str, tmp_path: Path
) -> None:
    world = made(tmp_path, text, "a.xml").world
    assert {"".join(pair) for pair in ties(world)} == {*wanted.split()}
    assert len(world.agents) == 3


YED = """<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns" xmlns:y="http://www.yworks.com/xml/graphml">
<key for="port" id="d0" yfiles.type="portgraphics"/>
<key attr.name="url" attr.type="string" for="node" id="d4"/>
<key for="node" id="d6" yfiles.type="nodegraphics"/>
<key attr.name="weight" attr.type="double" for="edge" id="d9"/>
<key for="edge" id="d10" yfiles.type="edgegraphics"/>
<graph edgedefault="directed" id="G">
<node id="n0"><data key="d6"><y:ShapeNode><y:NodeLabel a="1">Ann
<y:LabelModel/></y:NodeLabel></y:ShapeNode></data></node>
<node id="n1" yfiles.foldertype="group"><data key="d6"><y:ProxyAutoBoundsNode><y:Realizers>
<y:GroupNode><y:NodeLabel>Team</y:NodeLabel></y:GroupNode>
<y:GroupNode><y:NodeLabel>Folder</y:NodeLabel></y:GroupNode></y:Realizers>
</y:ProxyAutoBoundsNode></data>
<graph edgedefault="directed" id="n1:">
<node id="n1::n0"><data key="d6"><y:ShapeNode><y:NodeLabel>Bob</y:NodeLabel></y:ShapeNode></data>
<port name="p"/></node>
<node id="n1::n1"><graph id="n1::n1:" edgedefault="undirected"><node id="n1::n1::n0"/>
<edge source="n1::n1::n0" target="n1::n0"/></graph></node>
<edge id="n1::e0" source="n1::n0" target="n1::n1" sourceport="p"><data key="d9">0.5</data>
<data key="d10"><y:PolyLineEdge><y:EdgeLabel>knows</y:EdgeLabel></y:PolyLineEdge></data></edge>
</graph></node>
<edge id="e0" source="n0" target="n1::n0"><data key="d9">0.25</data></edge>
</graph></graphml>"""


def test_groups_labels_and_ports_of_yed_lose_no_member_and_no_tie(tmp_path: Path) -> None:
    world = made(tmp_path, YED, "teams.graphml").world
    assert ties(world) == {
        ("n1::n0", "n1::n1"): 0.5, ("n0", "n1::n0"): 0.25, ("n1::n1::n0", "n1::n0"): 1,
        ("n1::n0", "n1::n1::n0"): 1,
    }  # fmt: skip
    called = {"n0": "Ann", "n1": "Team", "n1::n0": "Bob", "n1::n1": "n1::n1"}
    assert names(world) == called | {"n1::n1::n0": "n1::n1::n0"}
    assert world.tie_records.counts == {"knows": 1}


def test_what_ports_and_groups_are_called_names_no_member(tmp_path: Path) -> None:
    keys = '<key id="l" for="all" attr.name="label"/>'
    text = GRAPHML.format(keys, "directed", edge("ab")).replace(
        '<node id="a"/>',
        '<node id="a"><data key="l">Ann</data><port name="p"><data key="l">left</data></port>'
        '<graph><data key="l">inner</data><node id="d"><data key="l">Dan</data></node></graph>'
        "</node>",
    )
    called = {"a": "Ann", "b": "b", "c": "c", "d": "Dan"}
    assert names(made(tmp_path, text, "a.graphml").world) == called


WEIGHTED = filled("ab", "w", "2") + edge("bc")


@pytest.mark.parametrize(
    "keys",
    [
        '<key id="w" for="edge" attr.name="weight" attr.type="double"><default>1.0</default></key>',
        '<key id="w" for="all" attr.name="weight" attr.type="string"><default>1</default></key>',
        '<key id="w" for="edge" attr.name="Edge Weight" attr.type="int"><default>1</default></key>',
        '<key id="w" for="edge" attr.name="Weight" attr.type="double"><default>1</default></key>',
        '<key id="w" for="edge" attr.name="edge_weight"><default>1</default></key>',
        '<key id="w" for="edge" attr.name="value" attr.type="integer"><default> 1 </default></key>',
    ],
)
def test_weights_stand_under_other_words_too(keys: str, tmp_path: Path) -> None:
    world = made(tmp_path, GRAPHML.format(keys, "directed", WEIGHTED), "a.graphml").world
    assert ties(world) == {("a", "b"): 1.0, ("b", "c"): 0.5}


def test_a_comma_in_a_weight_that_may_mean_two_things_is_said(tmp_path: Path) -> None:
    found = made(tmp_path, "a\tb\t1,234\nb\tc\t2,468\n", weight_column=2)
    assert ties(found.world)["a", "b"] == 0.5
    assert "Weights such as 1,234 were read as 1.234." in found.report.describe()
    plain = made(tmp_path, "a\tb\t1,5\nb\tc\t3,0\n", weight_column=2)
    assert "such as" not in plain.report.describe()
    late = "".join(f"{at};{at + 1};1.5\n" for at in range(1_100)) + "7;9;1,5\n"
    with pytest.raises(FormatError, match=r"line 1,?101.*has a decimal comma.*write all of them"):
        made(tmp_path, late, weight_column=2)


def test_one_tie_without_a_weight_is_said_as_one(tmp_path: Path) -> None:
    keys = '<key id="w" for="edge" attr.name="weight" attr.type="double"/>'
    found = made(tmp_path, GRAPHML.format(keys, "directed", WEIGHTED), "a.graphml")
    assert "1 tie without a weight counts 1." in found.report.describe()


@pytest.mark.parametrize("asked", [{"weight_column": "none"}, {"weight_column": "strength"}])
def test_the_attribute_of_weights_may_be_named(asked: dict[str, Any], tmp_path: Path) -> None:
    key = '<key id="{}" for="edge" attr.name="{}"/>'
    keys = key.format("w", "weight") + key.format("s", "strength")
    edges = filled("ab", "w", '4</data><data key="s">1')
    edges += filled("bc", "w", '1</data><data key="s">4')
    world = made(tmp_path, GRAPHML.format(keys, "directed", edges), "a.graphml", **asked).world
    assert ties(world)["a", "b"] == (1.0 if asked["weight_column"] == "none" else 0.25)
    with pytest.raises(InputError, match=r"No edge has the attribute 'much'; there are s.*weight"):
        made(tmp_path, (tmp_path / "a.graphml").read_text(), weight_column="much")


CYTOSCAPE = """<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
<key id="shared name" for="node" attr.name="shared name" attr.type="string"/>
<key id="name" for="node" attr.name="Name" attr.type="string"/>
<key id="selected" for="all" attr.name="selected" attr.type="boolean"/>
<key id="age" for="node" attr.name="age" attr.type="int"/>
<key id="interaction" for="edge" attr.name="interaction" attr.type="string"/>
<graph id="net" edgedefault="directed">
<node id="62"><data key="name">Ann</data><data key="age">old</data></node>
<node id="64"><data key="name">Bob</data><data key="nobody">declared this</data></node>
<edge id="66" source="62" target="64"><data key="interaction">pp</data><data key="selected">0</data>
</edge><hyperedge><endpoint node="62"/></hyperedge>
<edge source="64" target="70"/>
</graph></graphml>"""


def test_attributes_that_nobody_needs_block_no_file_and_what_goes_is_said(tmp_path: Path) -> None:
    found = made(tmp_path, CYTOSCAPE, "a.graphml")
    assert names(found.world) | {70: ""} == {62: "Ann", 64: "Bob", 70: ""}
    assert {*ties(found.world)} == {(62, 64), (64, 70)}
    said = found.report.describe()
    assert "Attributes of members that were not read: age, nobody." in said
    assert "Members that appear only in ties: 1." in said
    assert "Ties of more than two members, left out: 1." in said


@pytest.mark.parametrize("version", ["1.1draft", "1.2draft"])
def test_gexf_is_read_as_networkx_wrote_it(version: str, tmp_path: Path) -> None:
    graph = nx.DiGraph()
    graph.add_node("x", label="Xi", age=4)
    graph.add_edge("x", "y", weight=0.5, kind="friend")
    graph.add_edge("y", "z", weight=1.0)
    nx.write_gexf(graph, tmp_path / "a.gexf", version=version)
    world = io.read_world(tmp_path / "a.gexf")
    assert ties(world) == {("x", "y"): 0.5, ("y", "z"): 1.0}
    assert names(world) == {"x": "Xi", "y": "y", "z": "z"}
    assert world.tie_records.counts == {"friend": 1}


def test_groups_of_gexf_are_members_too(tmp_path: Path) -> None:
    inner = '<node id="c"><nodes><node id="d"/></nodes></node>'
    text = GEXF.format(NS13, "", edge("ba")).replace('<node id="c" label="Cid"/>', inner)
    assert len(made(tmp_path, text, "a.gexf").world.agents) == 4


GML = 'Creator "x"\ngraph [\n directed 1\n {}\n]\n'


@pytest.mark.parametrize(
    ("body", "wanted", "called"),
    [
        ('node [ id 5 label "Jos&#233;" ] node [ id 7 label "A &amp; B" ]\n'
         "edge [ source 5 target 7 ]", {(5, 7): 1}, ["José", "A & B"]),
        ('node [ id 1 label "&Auml;da" ]\nnode [ id 2 label "&#26446;&#38647;" ]\n'
         "edge [ source 1 target 2 value 4 ] edge [ source 2 target 1 value 1 ]",
         {(1, 2): 1, (2, 1): 0.25}, ["Äda", "李雷"]),
        ('node [ id 1 label "Ann" graphics [ x 1.5 y 2 ] age 3 ]\n'
         'node [ id 2 label "Ann" age "old" ]\n'
         "edge [ source 1 target 2 weight 0.5 graphics [ width 1 ] ]",
         {(1, 2): 0.5}, ["Ann", "Ann"]),
        ('node [ id 1 label "node [ edge [" ]\nnode [ id 2 name "Zoë" label "Zoë" ]\n'
         "edge [ source 1 target 2 ]", {(1, 2): 1}, ["node [ edge [", "Zoë"]),
    ],
)  # fmt: skip
def test_gml_has_entities_graphics_and_values(
    body: str, wanted: Ties, called: list[str], tmp_path: Path
) -> None:
    found = made(tmp_path, GML.format(body), "a.gml")
    assert ties(found.world) == wanted
    assert list(names(found.world).values()) == called
    assert "were read" not in found.report.describe()


def test_gml_that_igraph_refuses_is_read_by_networkx(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: str) -> None:
        raise ValueError(path)

    nodes = 'node [ id 1 label "Jos&#233;" ] node [ id 2 ]'
    text = GML.format(f"{nodes} edge [ source 1 target 2 weight 2.0 ]")
    monkeypatch.setattr(igraph.Graph, "Read_GML", refuse)
    found = made(tmp_path, text, "a.gml").world
    assert names(found)[1] == "José"
    assert {*ties(found)} == {(1, 2)}
    less = igraph.Graph(1, vertex_attrs={"id": [1]}, directed=True)
    monkeypatch.setattr(igraph.Graph, "Read_GML", lambda path: less)
    assert {*ties(made(tmp_path, text, "a.gml").world)} == {(1, 2)}


@pytest.mark.parametrize(
    ("text", "weights"),
    [
        ("Quelle;Ziel;Gewicht\na;b;1,5\nb;c;0,5\n", "Gewicht"),
        ("a;b;1,5\nb;c;0,5\n", 2),
        ("a\tb\t1,5\nb\tc\t0,5\n", 2),
        ("a|b|1,5\nb|c|0,5\n", 2),
        ("a b 1,5\nb c 0,5\n", 2),
        ("origen;destino;peso\na;b;1,5\nb;c;0,5\n", "peso"),
        ("a,b,1.5\nb,c,0.5\n", 2),
        ('"a";"b";"1,5"\n"b";"c";"0,5"\n', 2),
        ("wer;wen;wie sehr\na;b;1,5\nb;c;0,5\n", "wie sehr"),
        ("wer;wen;wie sehr\na;b;1,5\nb;c;0,5\n", 2),
    ],
)
def test_a_decimal_comma_divides_no_columns(text: str, weights: str | int, tmp_path: Path) -> None:
    assert {*ties(made(tmp_path, text).world)} == {("a", "b"), ("b", "c")}
    trust = ties(made(tmp_path, text, weight_column=weights).world)
    assert trust == {("a", "b"): 1.0, ("b", "c"): 0.33}
    named = "1;2;1,5\n2;3;0,5\n"
    numbered = text.translate(str.maketrans("abc", "123")) if weights == 2 else named
    trust = ties(made(tmp_path, numbered, weight_column=2).world)
    assert trust == {(1, 2): 1.0, (2, 3): 0.33}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("(0, 1);(0, 2)\n(0, 2);(1, 2)\n", [("(0, 1)", "(0, 2)"), ("(0, 2)", "(1, 2)")]),
        ("(0, 1)\t(0, 2)\n", [("(0, 1)", "(0, 2)")]),
        ('"(0, 1)","(0, 2)"\n', [("(0, 1)", "(0, 2)")]),
        ("a b {'weight': 1, 'since': 3}\nb c {'weight': 1}\n", [("a", "b"), ("b", "c")]),
        ("a,b,x;y\nb,c,y;z\n", [("a", "b"), ("b", "c")]),
        ("Smith, J;Doe, A\nDoe, A;Roe, B\n", [("Smith, J", "Doe, A"), ("Doe, A", "Roe, B")]),
        ("Meier, A;Huber, B\n", [("Meier, A", "Huber, B")]),
        ("Ann, PhD|Bob, MD\nBob, MD|Cid, MD\n", [("Ann, PhD", "Bob, MD"), ("Bob, MD", "Cid, MD")]),
        ("Lee, A\tRoe, B\n", [("Lee, A", "Roe, B")]),
        ("a;b;1.234,50\nb;c;2.000,50\n", [("a", "b"), ("b", "c")]),
        ("a;b;12,5%\nb;c;3,5%\n", [("a", "b"), ("b", "c")]),
        ('"a;x","b;y"\n"b;y","c;z"\n', [("a;x", "b;y"), ("b;y", "c;z")]),
        ("ann,bob,NA\nbob,cid,0.5\n", [("ann", "bob"), ("bob", "cid")]),
        ("ann,bob,unknown\ncid,dan,1\n", [("ann", "bob"), ("cid", "dan")]),
        ("ann,bob,-\ncid,dan,1\n", [("ann", "bob"), ("cid", "dan")]),
        ("ann,bob,never\nbob,cid,1\n", [("ann", "bob"), ("bob", "cid")]),
        ("wer,wen,oft\nann,bob,1\n", [("ann", "bob")]),
    ],
)
def test_brackets_and_what_networkx_writes_hold_together(
    text: str, wanted: list[tuple[str, str]], tmp_path: Path
) -> None:
    assert {*ties(made(tmp_path, text).world)} == {*wanted}


@pytest.mark.parametrize("sign", [" ", ", ", ","])
def test_tuples_that_blanks_or_commas_divide_are_refused(sign: str, tmp_path: Path) -> None:
    text = "".join(f"({a}, {b}){sign}({b}, {a + 3})\n" for a, b in [(0, 1), (1, 2)])
    raises(FormatError, "members contain the delimiter; quote them", made, tmp_path, text)


def test_a_pair_in_two_lines_has_trust_and_type_of_the_last(tmp_path: Path) -> None:
    text = "source,target,weight,type\na,b,0.5,friend\nc,d,1,boss\na,b,0.25,rival\n"
    for directed in (True, False):
        world = made(tmp_path, text, directed=directed).world
        assert ties(world)["a", "b"] == 0.25
        kind = world.tie_records.find(0, 1)
        assert kind is not None
        assert kind.type == "rival"
    turned = "source,target,weight,type\na,b,0.5,friend\nb,a,0.25,rival\n"
    world = made(tmp_path, turned, directed=False).world
    assert ties(world) == {("a", "b"): 0.25, ("b", "a"): 0.25}
    assert world.tie_records.counts == {"rival": 2}


@pytest.mark.parametrize(("times", "unit"), [(10**3, "milli"), (10**6, "micro"), (10**9, "nano")])
def test_times_that_are_finer_than_seconds_are_told_by_their_digits(
    times: int, unit: str, tmp_path: Path
) -> None:
    first = 1_300_000_000
    text = "".join(f"a b {(first + at) * times}\n" for at in (0, 60, 86_400))
    found = made(tmp_path, text, time_column=2)
    met = found.world.interactions
    assert met is not None
    assert (met.origin, met.span) == (first, 86_400)
    assert f"Times are in {unit}seconds and were divided by {times:,}." in found.report.describe()
    with pytest.raises(InputError, match=r"some times are seconds and some mi|has the time"):
        made(tmp_path, text + f"b c {first}\n", time_column=2)


@pytest.mark.parametrize("sign", ["#", "%", "//"])
def test_a_row_below_a_header_is_no_comment_where_it_is_as_wide(sign: str, tmp_path: Path) -> None:
    text = f"source,target\nann,bob\n{sign}rust,bob\n{sign} a remark\nbob,{sign}rust\n"
    found = made(tmp_path, text)
    assert {*ties(found.world)} == {("ann", "bob"), (f"{sign}rust", "bob"), ("bob", f"{sign}rust")}
    assert found.report.comments == 1
    (tmp_path / "labels.csv").write_text(f"id,label\nann,1\n{sign}rust,2\n{sign} a remark\n")
    assert io.read_labels(tmp_path / "labels.csv").of == {"ann": "1", f"{sign}rust": "2"}


def test_comments_that_declare_other_counts_are_said(tmp_path: Path) -> None:
    snap = "# Directed graph: x\n# Nodes: 3 Edges: {}\n# FromNodeId\tToNodeId\n1\t2\n2\t3\n"
    assert "declares" not in made(tmp_path, snap.format(2)).report.describe()
    said = made(tmp_path, snap.format(5)).report.describe()
    assert "declares 3 members and 5 ties, but 3 and 2 were read." in said
    konect = "% asym unweighted\n% 4 3 3\n1 2\n2 3\n"
    assert "declares 3 members and 4 ties" in made(tmp_path, konect).report.describe()


def test_a_column_of_the_name_of_weights_is_read_where_it_holds_numbers(tmp_path: Path) -> None:
    text = "source,target,{}\na,b,{}\nb,c,1\n"
    assert ties(made(tmp_path, text.format("Weight", 4)).world)["b", "c"] == 0.25
    assert ties(made(tmp_path, text.format("edge weight", 4)).world)["b", "c"] == 0.25
    assert not made(tmp_path, text.format("weight", "much")).world.ties.trust.size
    for column in (None, "none"):
        bare = made(tmp_path, text.format("weight", 4), weight_column=column).world
        assert not bare.ties.trust.size


@pytest.mark.parametrize("sign", [";", ",", "\t"])
@pytest.mark.parametrize("head", ["source{0}target\n", ""])
def test_the_separator_that_excel_states_is_no_row(sign: str, head: str, tmp_path: Path) -> None:
    body = f"1{sign}2\n2{sign}3\n"
    world = made(tmp_path, f"sep={sign}\n{head.format(sign)}{body}").world
    assert {*ties(world)} == {(1, 2), (2, 3)}
    named = body.translate(str.maketrans("123", "abc"))
    assert len(made(tmp_path, f"sep={sign}\n{head.format(sign)}{named}").world.agents) == 3


def test_a_table_of_members_is_no_table_of_ties(tmp_path: Path) -> None:
    for text in ("Id,Label\n1,Ann\n", "id,name,age\n1,Ann,4\n"):
        raises(FileError, r"is a table of members, .*--labels", made, tmp_path, text)
    assert made(tmp_path, "id,label\n1,Ann\n", columns=(0, 1)).world.ties.count == 1


def test_weights_that_are_no_numbers_are_said(tmp_path: Path) -> None:
    said = made(tmp_path, "source,target,weight\na,b,much\n").report.describe()
    assert "Column 'weight' does not contain only numbers and was not read as weights." in said
    keys = '<key id="w" for="edge" attr.name="weight" attr.type="string"/>'
    text = GRAPHML.format(keys, "directed", filled("ab", "w", "much"))
    said = made(tmp_path, text).report.describe()
    assert "Column 'weight' does not contain only numbers and was not read as weights." in said


def _digests(folder: Path, graph: Any) -> dict[str, str]:
    """Write a graph of networkx in all ways, and return the digest of each world."""
    way = "directed" if graph.is_directed() else "undirected"
    rows = [(a, b, data["weight"]) for a, b, data in graph.edges(data=True)]
    plain = "".join(f"{a},{b},{w}\n" for a, b, w in rows)
    (folder / "a.csv").write_text(f"# {way}\nsource,target,weight\n{plain}")
    typed = "".join(f"{a};{b};{way};{w}\n".replace(".", ",") for a, b, w in rows)
    (folder / "typed.csv").write_text(f"Source;Target;Type;Weight\n{typed}")
    nx.write_graphml(graph, folder / "a.graphml")
    nx.write_gexf(graph, folder / "a.gexf")
    (folder / "a.json").write_text(json.dumps(nx.node_link_data(graph, edges="links")))
    read = igraph.Graph.TupleList(rows, directed=graph.is_directed(), weights=True)
    read.vs["name"] = [str(name) for name in read.vs["name"]]
    read.write_graphml(str(folder / "igraph.graphml"))
    return {path.name: io.read_world(path).digest() for path in sorted(folder.iterdir())}


@pytest.mark.parametrize("kind", [nx.DiGraph, nx.Graph])
@pytest.mark.parametrize("name", [int, lambda n: f"m{(n * 7) % 23}"])
def test_one_network_is_one_world_in_whatever_file(kind: Any, name: Any, tmp_path: Path) -> None:
    drawn = np.random.default_rng(4)
    graph = kind()
    graph.add_nodes_from(name(n) for n in range(20))
    for a, b in drawn.integers(0, 20, (60, 2)).tolist():
        if a != b:
            graph.add_edge(name(a), name(b), weight=round(float(drawn.random()), 3))
    graph.remove_nodes_from([*nx.isolates(graph)])
    found = _digests(tmp_path, graph)
    assert found == dict.fromkeys(found, found["a.csv"])


def test_the_screen_imports_with_the_options_of_the_command_line(tmp_path: Path) -> None:
    (tmp_path / "a.sif").write_text("ann pp bob\nbob pd cid\n")
    asked = {"columns": "0,2", "relations": "1", "directed": "no"}
    made = ImportedWorld.typed(tmp_path / "a.sif", asked).make(quiet)
    world, told = made.world, made.report.describe()
    assert {*ties(world)} == {("ann", "bob"), ("bob", "ann"), ("bob", "cid"), ("cid", "bob")}
    assert (world.tie_records.counts, told[:5]) == ({"pp": 2, "pd": 2}, "a.sif")
    raises(InputError, "option of import", ImportedWorld.typed, tmp_path / "a.sif", {"weight": "2"})


def test_the_guide_names_every_format() -> None:
    guide = (Path(__file__).parents[4] / "sim/io/README.md").read_text()
    assert set(READ.values()) <= set(re.findall(r"^\| ([^|]*) \|", guide, re.MULTILINE))
    named = {"matrix": "matrices of zeros and ones", "html": "web pages", "xml": "other XML"}
    for kind, (name, _) in REFUSED.items():
        assert named.get(kind, name.split(" of ")[0].split(" or ")[0]) in guide
