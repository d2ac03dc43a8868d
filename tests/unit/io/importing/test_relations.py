import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import igraph
import networkx as nx
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sim import World, info, load, replay, save
from sim.errors import FileError, FormatError, HubbubError, InputError
from sim.io import EdgeOptions, export, from_igraph, from_networkx, import_world, read_edges
from sim.network.relations.types import LONGEST_NAME, LONGEST_TEXT, MOST_FIELDS, TieRecords
from sim.runtime.queries.members import about, member_of
from sim.runtime.saves.erasing import without_profiles
from sim.store.snapshot.schema import from_json
from tests.raising import raises

Told = dict[tuple[int, int], tuple[str, Mapping[str, Any]]]

VALUES = st.one_of(
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.text(max_size=12),
    st.sampled_from(("=1+1", 'a, "b"', "<&>", "\x1b[2J", "true", "007", "{}", "e\u0301", "\ud800")),
)
NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=9)
TYPES = st.one_of(st.none(), st.sampled_from(("friend", "boss, once", '"x"', "<y>", "5")), NAMES)
ARCS = st.dictionaries(
    st.tuples(st.integers(0, 5), st.integers(0, 5)).filter(lambda ends: ends[0] != ends[1]),
    st.tuples(TYPES, st.dictionaries(NAMES, VALUES, max_size=3)),
    min_size=1, max_size=8,
)  # fmt: skip


def told(world: World) -> Told:
    """Return what is known of ties by the ids of their ends."""
    records, ids = world.tie_records, world.agents.id
    pairs = zip(*(ends.tolist() for ends in records.ends), strict=True)
    found = ((ids(one), ids(other), records[at]) for at, (one, other) in enumerate(pairs))
    return {(int(a), int(b)): (said.type, said.properties) for a, b, said in found}


def office() -> nx.DiGraph:
    graph = nx.DiGraph()
    graph.add_edge(0, 1, type="friend", since=2010, close=0.5, kin=False, note='at "work", <then>')
    graph.add_edge(1, 2, type="boss")
    graph.add_edge(2, 3)
    graph.add_edge(3, 0, note="x")
    return graph


KNOWN: Told = {
    (0, 1): ("friend", {"close": 0.5, "kin": False, "note": 'at "work", <then>', "since": 2010}),
    (1, 2): ("boss", {}),
    (3, 0): ("", {"note": "x"}),
}


def again(world: World, folder: Path) -> dict[str, World]:
    """Return a world as it comes back from its file, and from every export that can be read."""
    path = folder / "world.hub"
    save(world, path)
    found = {"hub": load(path)}
    export(found["hub"], folder / "csv", to="csv", force=True)
    options = EdgeOptions(
        columns=("source", "target"), relations="type", properties=("properties",)
    )
    if len(world.tie_records):
        found["csv"] = import_world(folder / "csv" / "ties.csv", options=options).world
    for to in ("graphml", "gexf"):
        export(found["hub"], folder / f"graph.{to}", to=to, force=True)
        found[to] = import_world(folder / f"graph.{to}").world
    return found


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(arcs=ARCS)
def test_whatever_ties_are_said_to_be_comes_back_from_every_format(
    arcs: dict[tuple[int, int], Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    graph = nx.DiGraph()
    for (one, other), (kind, properties) in arcs.items():
        said = {f"_{name}": value for name, value in properties.items()}
        graph.add_edge(one, other, **said, **({} if kind is None else {"type": kind}))
    world = from_networkx(graph)
    for back in again(world, tmp_path_factory.mktemp("office")).values():
        assert told(back) == told(world)


def test_types_and_properties_come_through_saving_and_exports(tmp_path: Path) -> None:
    world = from_networkx(office())
    assert told(world) == KNOWN
    for name, back in again(world, tmp_path).items():
        assert told(back) == KNOWN, name
    assert load(tmp_path / "world.hub").digest() == world.digest()
    assert info(tmp_path / "world.hub").relations == {"boss": 1, "friend": 1}
    bare = office()
    for *_, data in bare.edges(data=True):
        data.clear()
    assert from_networkx(bare).digest() != world.digest()
    assert from_networkx(office(), relations="none").digest() == from_networkx(bare).digest()


def test_lines_of_objects_parquet_and_sqlite_tell_them(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    from pyarrow.parquet import read_table

    world = from_networkx(office())
    world.befriend([1], [0])
    for to in ("jsonl", "parquet"):
        export(world, tmp_path / to, to=to)
    lines = [from_json(x) for x in (tmp_path / "jsonl" / "ties.jsonl").read_text().splitlines()]
    assert lines == read_table(tmp_path / "parquet" / "ties.parquet").to_pylist()
    kept = {(x["source"], x["target"]): (x["type"] or "", from_json(x["properties"] or "{}"))
            for x in lines if x["type"] or x["properties"]}  # fmt: skip
    assert kept == KNOWN
    export(world, tmp_path / "office.db", to="sqlite")
    rows = sqlite3.connect(tmp_path / "office.db").execute(
        "SELECT source_agent_id, target_agent_id, relationship_type, properties "
        "FROM agent_relationships"
    )
    classical = {(int(a), int(b)): (kind, from_json(said)) for a, b, kind, said in rows}
    assert classical[0, 1] == ("friend", {**KNOWN[0, 1][1], "kind": "friend"})
    assert classical[1, 2] == ("boss", {})
    assert classical[2, 3] == ("follow", {})
    assert classical[3, 0] == ("follow", {"note": "x"})


def test_a_type_that_a_row_of_its_own_has_takes_no_place_of_it(tmp_path: Path) -> None:
    world = from_networkx(nx.DiGraph([(0, 1, {"type": "mute"}), (1, 0, {"type": "mute"})]))
    world.mute([0], [1])
    export(world, tmp_path / "mute.db", to="sqlite")
    rows = sqlite3.connect(tmp_path / "mute.db").execute(
        "SELECT relationship_type FROM agent_relationships ORDER BY 1"
    )
    assert [kind for (kind,) in rows] == ["mute", "mute (imported)"]


def test_queries_know_types_of_ties_that_there_are() -> None:
    world = from_networkx(office())
    said = world.relation(0, 1)
    assert said is not None
    assert (said.type, said.properties["since"]) == ("friend", 2010)
    assert world.relation(2, 3) is None
    assert world.relation(1, 0) is None
    assert [ends.tolist() for ends in world.tie_records.pairs("boss")] == [[1], [2]]
    assert [ends.size for ends in world.tie_records.pairs("foe")] == [0, 0]
    assert repr(world.tie_records) == "<TieRecords: 3 ties, 2 types>"
    world.unfollow([1], [0])
    assert world.relation(0, 1) is None
    world.create_agents(2)
    assert world.relation(1, 2) is not None
    raises(InputError, "No agent 6: the world has 6 agents", world.relation, 0, 6)


def test_igraph_and_gml_say_them_too(tmp_path: Path) -> None:
    graph = igraph.Graph([(0, 1), (1, 2)], directed=True)
    graph.es["relation"] = ["friend", ""]
    graph.es["since"] = [2010.0, float("nan")]
    wanted = {(0, 1): ("friend", {"since": 2010})}
    assert told(from_igraph(graph)) == wanted
    assert told(from_igraph(graph, properties=[])) == {(0, 1): ("friend", {})}
    graph.write_gml(str(tmp_path / "graph.gml"))
    assert told(import_world(tmp_path / "graph.gml").world) == wanted
    only = EdgeOptions(relations="relation", properties=("relation",))
    assert told(import_world(tmp_path / "graph.gml", options=only).world) == {
        (0, 1): ("friend", {"relation": "friend"})
    }


def test_columns_of_a_table_are_read_when_they_are_named(tmp_path: Path) -> None:
    path = tmp_path / "ties.csv"
    path.write_text(
        "source,target,kind,since,note,sure\n"
        "1,2,foe,2011,,\n2,1,,1.5,007,no\n1,2,friend,2010,'=1+1,true\n3,3,self,1,,\n2,3\n"
    )
    bare = import_world(path)
    assert told(bare.world) == {(1, 2): ("friend", {})}
    assert "1 tie with a type or properties: friend 1." in bare.report.notes
    assert "1 duplicate of these; the last one was used." in bare.report.notes
    given_all = read_edges(path, relations="kind", properties=("since", 4, "sure"))
    assert told(given_all) == {
        (1, 2): ("friend", {"since": 2010, "note": "=1+1", "sure": True}),
        (2, 1): ("", {"since": 1.5, "note": "007", "sure": "no"}),
    }
    assert told(read_edges(path, relations="none")) == {}
    follows = read_edges(path, direction="follows", relations="kind")
    assert told(follows) == {(2, 1): ("friend", {})}
    both = read_edges(path, directed=False, relations="kind", repeats="weight")
    assert told(both) == {(1, 2): ("friend", {}), (2, 1): ("friend", {})}
    plain = tmp_path / "plain.txt"
    plain.write_text("a b friend 3\nb c foe 4\n")
    numbered = read_edges(plain, relations=2, properties=(3,), header=False)
    assert sorted(numbered.tie_records.counts) == ["foe", "friend"]
    assert numbered.tie_records[0].properties == {"column 3": 3}


def test_a_world_made_again_from_its_log_and_the_inspector_know_them(tmp_path: Path) -> None:
    path = tmp_path / "ties.csv"
    path.write_text("source,target,how,since\n0,1,friend,2010\n1,2,,2011\n")
    world = read_edges(path, relations="how", properties=("since",))
    assert replay(world.trail.acts).world.digest() == world.digest()
    followed = {kind: names for kind, _, names in member_of(about(world, 1)).ties}
    name = world.agents.name
    assert followed == {"follows": (f"{name(0)} (friend)",), "followers": (name(2),)}


@pytest.mark.parametrize(
    ("cell", "sentence"),
    [
        ('"{""a"":[1]}"', "no JSON object of numbers, truths and texts"),
        ("{" * 900, "no JSON object of numbers, truths and texts"),
        ('"{' + ",".join(f'""k{i}"":{i}' for i in range(MOST_FIELDS + 1)) + '}"', "at most 64"),
    ],
)
def test_properties_that_cannot_be_kept_are_refused_with_their_line(
    tmp_path: Path, cell: str, sentence: str
) -> None:
    path = tmp_path / "ties.csv"
    path.write_text(f"source,target,properties\n1,2,{cell}\n")
    with pytest.raises(FormatError, match=sentence) as caught:
        read_edges(path, properties=("properties",))
    assert "line 2" in str(caught.value).lower()


def test_what_there_is_not_is_said(tmp_path: Path) -> None:
    path = tmp_path / "ties.csv"
    path.write_text("source,target,empty\n1,2,\n")
    raises(FileError, "nothing in the columns of types", read_edges, path, relations="empty")
    raises(FileError, "has no column 'gone'", read_edges, path, properties=("gone",))
    with pytest.raises(InputError, match="No edge has the attribute 'gone'; there are close"):
        from_networkx(office(), relations="gone")
    raises(InputError, "leave them out", EdgeOptions, adjacency=True, relations="type")
    many = [f"t{i}" for i in range(65_537)]
    with pytest.raises(InputError, match="at most 65,536 different types"):
        TieRecords.of(np.arange(65_537, dtype=np.uint64), many, [""] * 65_537)


def test_what_nobody_named_keeps_no_graph_from_being_read(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = nx.DiGraph()
    graph.add_edge(0, 1, label="one", properties="{odd")
    graph.add_edge(1, 2, label="two")
    monkeypatch.setattr("sim.io.importing.worlds.MOST_TYPES", 1)
    assert told(from_networkx(graph)) == {(0, 1): ("", {"properties": "{odd"})}
    monkeypatch.setattr("sim.network.relations.types.MOST_TYPES", 1)
    raises(InputError, "at most 1 different types", from_networkx, graph, relations="label")
    with pytest.raises(InputError, match="no JSON object"):
        from_networkx(graph, relations="none", properties=["properties"])
    wide = nx.DiGraph()
    wide.add_edge(0, 1, **{f"k{i}": i for i in range(MOST_FIELDS + 9)})
    said = from_networkx(wide).relation(0, 1)
    assert said is not None
    assert len(said.properties) == MOST_FIELDS


def test_texts_are_cleaned_and_cut_and_what_is_no_value_is_left_out() -> None:
    graph = nx.DiGraph()
    said = {"type": "\x1b[2Jfr\niend" + "x" * 200, "note": "y" * 5000, "far": float("inf")}
    graph.add_edge(0, 1, **said, many=[1], huge=10**400, small=np.float32(0.5), no=None)
    world = from_networkx(graph)
    found = world.relation(0, 1)
    assert found is not None
    assert "\x1b" not in found.type
    assert len(found.type) == LONGEST_NAME
    assert len(str(found.properties["note"])) == LONGEST_TEXT
    assert found.properties["far"] == "inf"
    assert found.properties["small"] == 0.5
    assert not {"many", "no"} & set(found.properties)


def read_all(meta: dict[str, Any], columns: dict[str, Any]) -> None:
    """Restore a world, and read what is said of each tie."""
    told(World.restore(meta, columns))


@pytest.mark.parametrize("part", ["source", "target", "type", "offsets", "text"])
def test_a_forged_column_is_refused(part: str) -> None:
    world = from_networkx(office())
    meta, columns = world.dump()
    name = f"relations.{part}"
    for forged in (columns[name][::-1] - 1, columns[name][:-1], columns[name].astype(np.float32)):
        with pytest.raises(InputError):
            read_all(meta, {**columns, name: forged.copy()})
    less = {key: column for key, column in columns.items() if key != name}
    raises(HubbubError, "columns are missing", World.restore, meta, less)


def test_nothing_is_said_of_ties_of_erased_members() -> None:
    graph = office()
    graph.add_edge(1, 3, type="friend of Ada Lovelace", note="met Ada Lovelace", since=5)
    nx.set_node_attributes(graph, {0: "Ada Lovelace", 1: "Bo", 2: "Cy", 3: "Di"}, "name")
    world = from_networkx(graph)
    gone, *_ = without_profiles(world, np.array([0]), "erase")
    friend = ("friend of (erased)", {"note": "met (erased)", "since": 5})
    assert told(gone) == {(1, 2): ("boss", {}), (1, 3): friend}
    hidden, *_ = without_profiles(world, np.array([0]), "pseudonymise")
    kept = hidden.relation(0, 1)
    assert kept is not None
    assert (kept.type, kept.properties) == ("friend", {"close": 0.5, "kin": False, "since": 2010})
