"""Worlds out, read back by independent readers: sqlite3, csv, json, networkx, pyarrow."""

import builtins
import csv
import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest

from sim import World, save
from sim.errors import Cancelled, FileError, InputError, UnknownNameError
from sim.io import EXPORTS, EdgeOptions, export, import_world
from sim.io.exporting import tables
from sim.store.snapshot import files
from tests.raising import raises

HOSTILE = '=HYPERLINK("http://x")'
IDS = ["=1+1", "+ann", "-2", '@cem,"d"']


@pytest.fixture(scope="module")
def world() -> World:
    """Four members whose ids a spreadsheet would calculate; the first is heard by two."""
    world = World.from_edges(
        [0, 0, 1], [1, 2, 3], trust=[1.0, 0.5, 0.25], seed=7, ids=IDS, names=["\t=a", "b<&", "", ""]
    )
    world.agents.set_community([0, 0, 1, -1], ["=north", "south"])
    world.inject(HOSTILE, seeds=[0], author=0, model="independent-cascade", probability=1.0)
    world.step(3)
    world.inject("-桥", seeds=[3], model="independent-cascade", probability=1.0)
    return world


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_csv_texts_never_begin_as_formulas(world: World, tmp_path: Path) -> None:
    export(world, tmp_path / "a", to="csv")
    agents, messages = (rows(tmp_path / "a" / f"{name}.csv") for name in ("agents", "messages"))
    assert [row["id"] for row in agents] == [f"'{name}" for name in IDS]
    assert [row["text"] for row in messages] == [f"'{HOSTILE}", "'-桥"]
    assert agents[0]["community"] == "'=north"
    assert agents[3]["community"] == ""
    every = [value for row in agents + messages for value in row.values()]
    assert not [value for value in every if value.startswith(("=", "+", "-", "@", "\t", "\r"))]


def test_csv_numbers_stay_numbers(world: World, tmp_path: Path) -> None:
    export(world, tmp_path / "a", to="csv")
    ties = rows(tmp_path / "a" / "ties.csv")
    assert [float(row["trust"]) for row in ties] == pytest.approx([1, 0.5, 0.25], abs=1e-5)
    agents = rows(tmp_path / "a" / "agents.csv")
    found = [float(row["openness"]) for row in agents]
    assert found == pytest.approx(world.agents.personality[:, 0] / 255, abs=1e-4)
    activity = [float(row["activity"]) for row in agents]
    assert activity == pytest.approx(world.agents.activity, abs=1e-6)
    first = [r for r in rows(tmp_path / "a" / "adoptions.csv") if r["message"] == "0"]
    heard = [("'=1+1", ""), ("'+ann", "'=1+1"), ("'-2", "'=1+1"), ('\'@cem,"d"', "'+ann")]
    assert [(row["agent"], row["source"]) for row in first] == heard
    assert [int(row["tick"]) for row in first] == world.cascades[0].log.ticks.tolist()


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        ("text", "", ""),
        ("text", "\r=1", '"\'\n=1"'),
        ("text", "\tx", "'\tx"),
        ("text", "\uff1d1", "'\uff1d1"),
        ("text", 'a "b", c', '"a ""b"", c"'),
        ("text", "a\x1b[2J", "a\ufffd[2J"),
        ("words", ["=a", "b"], "'=a;b"),
        ("number", -0.5, "-0.5"),
        ("integer", None, ""),
    ],
)
def test_a_cell_is_safe(kind: Any, value: Any, said: str) -> None:
    assert tables.cell(kind, value) == said


def test_exported_ties_come_back_as_they_were(tmp_path: Path) -> None:
    before = World.create(200, mean_degree=6, seed=3, trust="uniform")
    export(before, tmp_path / "a", to="csv")
    options = EdgeOptions(weight_column="trust", columns=("source", "target"))
    after = import_world(tmp_path / "a" / "ties.csv", options=options).world
    who = [after.agents.index(i) for i in range(200)]
    for agent, place in enumerate(who):
        found = sorted(int(after.agents.id(each)) for each in after.ties.listeners(place))
        assert found == before.ties.listeners(agent).tolist()
    assert int(after.ties.trust.astype(int).sum()) == int(before.ties.trust.astype(int).sum())


def test_batches_join_without_a_seam(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World.create(50, mean_degree=4, seed=3)
    export(world, tmp_path / "a", to="csv")
    monkeypatch.setattr(tables, "BATCH", 7)
    export(world, tmp_path / "b", to="csv")
    for name in ("agents", "ties", "adoptions", "messages"):
        pair = [(tmp_path / folder / f"{name}.csv").read_bytes() for folder in "ab"]
        assert pair[0] == pair[1]


def test_ties_say_when_they_began_their_sign_and_their_kind(tmp_path: Path) -> None:
    world = World.from_edges([0, 1], [1, 2], seed=7, times=[5, 9], sign=[1, -1])
    export(world, tmp_path / "a", to="csv")
    found = [(row["time"], row["sign"]) for row in rows(tmp_path / "a" / "ties.csv")]
    assert found == [("0", "1"), ("4", "-1")]
    export(world, tmp_path / "a.gexf", to="gexf")
    edges = nx.read_gexf(tmp_path / "a.gexf").edges(data=True)
    assert [(a, b, said["time"], said["sign"]) for a, b, said in edges] == [
        ("0", "1", 0, 1), ("1", "2", 4, -1),
    ]  # fmt: skip
    world = World.from_edges([0, 0], [1, 2], 3)
    world.befriend(1, 0)
    export(world, tmp_path / "b", to="csv")
    ties = rows(tmp_path / "b" / "ties.csv")
    assert [row["kind"] for row in ties] == ["friend", "follow", "friend"]


def test_json_lines_hold_everything_as_it_is(world: World, tmp_path: Path) -> None:
    export(world, tmp_path / "a", to="jsonl")

    def read(name: str) -> list[Any]:
        text = (tmp_path / "a" / f"{name}.jsonl").read_text(encoding="ascii")
        return [json.loads(line) for line in text.splitlines()]

    assert [row["id"] for row in read("agents")] == IDS
    assert [row["name"] for row in read("agents")] == [world.agents.name(i) for i in range(4)]
    masks = [world.agents.vocabulary.names(int(mask)) for mask in world.agents.interests]
    assert [tuple(row["interests"]) for row in read("agents")] == masks
    assert [row["text"] for row in read("messages")] == [HOSTILE, "-桥"]
    assert read("messages")[0]["started"] == 0
    assert read("adoptions")[0]["source"] is None


@pytest.mark.parametrize(("to", "read"), [("graphml", "read_graphml"), ("gexf", "read_gexf")])
def test_graphs_are_read_by_networkx(world: World, tmp_path: Path, to: str, read: str) -> None:
    export(world, tmp_path / "a", to=to)
    graph = getattr(nx, read)(tmp_path / "a")
    assert graph.is_directed()
    assert list(graph.nodes) == IDS
    found = {(a, b): said["weight"] for a, b, said in graph.edges(data=True)}
    ends = [(IDS[0], IDS[1]), (IDS[0], IDS[2]), (IDS[1], IDS[3])]
    assert list(found) == ends
    assert list(found.values()) == pytest.approx([1, 0.5, 0.25], abs=1e-5)
    said = graph.nodes[IDS[1]]
    assert said["label" if to == "gexf" else "name"] == "b<&"
    assert said["openness"] == pytest.approx(world.agents.personality[1, 0] / 255, abs=1e-4)
    assert said["community"] == "=north"


@pytest.mark.parametrize("to", ["graphml", "gexf"])
def test_exported_graphs_come_back_as_they_were(tmp_path: Path, to: str) -> None:
    before = World.create(60, mean_degree=4, seed=3, trust="uniform")
    export(before, tmp_path / f"a.{to}", to=to)
    after = import_world(tmp_path / f"a.{to}").world
    np.testing.assert_array_equal(after.ties.targets, before.ties.targets)
    np.testing.assert_allclose(after.ties.trust, before.ties.trust, atol=1)


def test_ids_that_xml_would_make_alike_become_numbers(tmp_path: Path) -> None:
    world = World.from_edges([0], [1], seed=1, ids=["a\x01", "a\x02"])
    export(world, tmp_path / "a", to="graphml")
    assert list(nx.read_graphml(tmp_path / "a").edges) == [("n0", "n1")]


def test_sqlite_holds_the_classical_tables_with_indexes(world: World, tmp_path: Path) -> None:
    done = export(world, tmp_path / "a.db", to="sqlite")
    with closing(sqlite3.connect(tmp_path / "a.db")) as file:
        names = file.execute("SELECT name FROM sqlite_master WHERE type='table'")
        tables = {name for (name,) in names}
        counts = {t: file.execute(f"SELECT count(*) FROM {t}").fetchone()[0] for t in tables}  # noqa: S608
        query = "SELECT sender_id, content, properties ->> 'priority' FROM messages"
        messages = file.execute(query).fetchall()
        plan = file.execute(
            "EXPLAIN QUERY PLAN SELECT * FROM agent_relationships WHERE source_agent_id = 'x'"
        ).fetchall()
        assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    adoptions = sum(cascade.size for cascade in world.cascades)
    assert counts == {
        "agents": 4, "agent_states": 8, "agent_relationships": 3, "messages": 2,
        "propagation_sessions": 2, "propagation_events": adoptions,
    }  # fmt: skip
    assert done.rows == sum(counts.values())
    assert messages == [("=1+1", HOSTILE, 0), (None, "-桥", 0)]
    assert "USING INDEX ties_of_source" in plan[0][3]


def test_parquet_is_read_by_pyarrow(world: World, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    export(world, tmp_path / "a", to="parquet")
    tables = {
        name: parquet.read_table(tmp_path / "a" / f"{name}.parquet").to_pydict()
        for name in ("agents", "ties", "adoptions", "messages")
    }
    assert tables["agents"]["id"] == IDS
    assert tables["agents"]["community"] == ["=north", "=north", "south", None]
    assert tables["ties"]["target"] == [IDS[1], IDS[2], IDS[3]]
    assert tables["ties"]["trust"] == pytest.approx([1, 0.5, 0.25], abs=1e-5)
    assert tables["adoptions"]["source"][:2] == [None, IDS[0]]
    assert tables["messages"]["text"] == [HOSTILE, "-桥"]


def test_parquet_without_its_library_is_one_sentence(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def missing(name: str, *rest: Any, **more: Any) -> Any:
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(InputError, match=r"pip install 'hubbub\[parquet\]'"):
        export(world, tmp_path / "a", to="parquet")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("to", sorted(EXPORTS))
@pytest.mark.parametrize("when", [1, 2, 3])
def test_cancelled_exports_leave_nothing(world: World, tmp_path: Path, to: str, when: int) -> None:
    if to == "parquet":
        pytest.importorskip("pyarrow")
    told: list[str] = []

    def report(stage: str, share: float) -> None:
        assert 0 <= share <= 1
        told.append(stage)
        if len(told) >= when:
            raise Cancelled

    raises(Cancelled, "", export, world, tmp_path / "a", to=to, report=report)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_replaced_unasked(world: World, tmp_path: Path) -> None:
    (tmp_path / "a.db").write_text("mine")
    with pytest.raises(FileError, match="exists; choose another name, or replace it with --force"):
        export(world, tmp_path / "a.db", to="sqlite")
    assert (tmp_path / "a.db").read_text() == "mine"
    export(world, tmp_path / "a.db", to="sqlite", force=True)
    assert (tmp_path / "a.db").read_bytes().startswith(b"SQLite")
    assert [path.name for path in tmp_path.iterdir()] == ["a.db"]


def test_one_file_in_a_folder_keeps_all_from_being_written(world: World, tmp_path: Path) -> None:
    (tmp_path / "messages.csv").write_text("mine")
    (tmp_path / "other.txt").write_text("mine")
    raises(FileError, r"messages\.csv: exists", export, world, tmp_path, to="csv")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["messages.csv", "other.txt"]
    export(world, tmp_path, to="csv", force=True)
    assert len(list(tmp_path.iterdir())) == 5
    assert (tmp_path / "other.txt").read_text() == "mine"


def _link(path: Path) -> None:
    (path.parent / "led").write_text("mine")
    path.symlink_to(path.parent / "led")


@pytest.mark.parametrize(
    ("there", "to", "sentence"),
    [
        (lambda path: save(World.from_edges([0], [1], 2), path), "sqlite", "a world, which"),
        (Path.mkdir, "sqlite", "not a regular file"),
        (_link, "sqlite", "not a regular file"),
        (Path.touch, "csv", "a file, and this format is a folder"),
    ],
)
def test_worlds_links_and_folders_are_never_replaced(
    world: World, tmp_path: Path, there: Callable[[Path], object], to: str, sentence: str
) -> None:
    there(tmp_path / "a")
    before = sorted(tmp_path.iterdir())
    raises(FileError, sentence, export, world, tmp_path / "a", to=to, force=True)
    assert sorted(tmp_path.iterdir()) == before


def test_a_file_that_appears_meanwhile_is_kept(world: World, tmp_path: Path) -> None:
    def report(stage: str, share: float) -> None:
        if stage == "writing rows":
            (tmp_path / "a").write_text("mine")

    raises(FileError, "exists by now", export, world, tmp_path / "a", to="graphml", report=report)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_text() == "mine"


def test_a_file_system_without_links_will_do(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unable(*_: Any, **__: Any) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "link", unable)
    export(world, tmp_path / "a", to="graphml")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_full_disk_is_said(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "flush", full)
    raises(FileError, "not exported: the disk is full", export, world, tmp_path / "a", to="csv")
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_format_is_named(world: World, tmp_path: Path) -> None:
    raises(UnknownNameError, "Did you mean 'parquet'", export, world, tmp_path / "a", to="parket")
