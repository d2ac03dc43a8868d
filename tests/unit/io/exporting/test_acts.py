import csv
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest

from sim import Act, World, io, load, save
from sim.io.exporting import acts as doings
from sim.runtime import recorded
from sim.store import record_of

REPLY = [3, 2, 0, "ab", "like 1", "", "here", "m", 0.5, 10, 2, 7, 0, "model", 1, 12, 7]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, Path]:
    """A world of 60 ticks of which it remembers 5 itself."""
    path = tmp_path_factory.mktemp("doings") / "a.hub"
    told = {"posting": 0.3, "log_ticks": 5, "newcomers": 0.5}
    world = World.create(agents=150, mean_degree=8, seed=7, platform=told)
    with recorded(world, path) as recording:
        assert recording is not None
        world.inject("The bridge is closed.", seeds=[3], model="si", beta=0.2, author=3)
        world.platform.act(4, "post", text="=1+1")  # type: ignore[union-attr]
        world.platform.act(5, "create-group", text="Bakers")  # type: ignore[union-attr]
        world.step(3)
        acts = [{"act": "like", "message": 1}]
        row = {"member": 2, "source": "model", "acts": acts, "faults": ["failed"]}
        recording.asked("ab", [("user", "What now?")])
        recording.decided(world, [row | {"spent": [1, 12, 7], "replies": [REPLY]},
                                  {"member": 3, "source": "rule"}])  # fmt: skip
        world.agents.set_status([7], "banned")
        world.step(57)
    save(world, path)
    return world, path


def tables(folder: Path, to: str) -> dict[str, list[dict[str, Any]]]:
    found = {}
    for path in folder.iterdir():
        if to == "csv":
            with path.open(newline="") as file:
                found[path.stem] = [*csv.DictReader(file)]
        elif to == "jsonl":
            found[path.stem] = [json.loads(line) for line in path.read_text().splitlines()]
        else:
            from pyarrow import parquet

            found[path.stem] = parquet.read_table(path).to_pylist()
    return found


@pytest.mark.parametrize("to", ["csv", "jsonl", "parquet"])
def test_every_act_post_and_decision_is_a_row(
    kept: tuple[World, Path], tmp_path: Path, to: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if to == "parquet":
        pytest.importorskip("pyarrow")
    monkeypatch.setattr("sim.io.exporting.tables.BATCH", 17)
    world, path = kept
    made = io.export(load(path), tmp_path / to, to=to, history=path)
    found, platform = tables(tmp_path / to, to), world.platform
    assert platform is not None
    assert {p.stem for p in made.paths} == {*found}
    counts = platform.log.counted[1].sum(axis=0)
    told = [row["act"] for row in found["acts"]]
    assert [told.count(act.says) for act in Act] == counts.tolist()
    posts = found["posts"]
    assert [int(row["id"]) for row in posts] == [*range(platform.posts.next)]
    last = posts[-len(platform.posts) :]
    for name in ("author", "likes", "shares", "replies"):
        assert [int(row[name]) for row in last[:40]] == getattr(platform.posts, name)[:40].tolist()
    texts = [row["text"].lstrip("'") for row in posts]
    assert [text for text in texts if "=1+1" in text] == ["=1+1"]
    told = [platform.text_of(platform.posts.first + i) for i in range(40)]
    assert texts[-len(platform.posts) :][:40] == told
    assert sum(str(row["message"]) == "0" for row in posts) == 1
    assert [str(row["group"]) for row in found["acts"] if row["act"] == "create group"] == ["0"]
    assert [str(row["member"]) for row in found["decisions"]] == ["2", "3"]
    (reply,) = found["replies"]
    assert (reply["reply"], reply["model"], str(reply["nano_dollars"])) == ("like 1", "m", "7")
    assert json.loads(reply["prompt"]) == [["user", "What now?"]]


def test_a_database_has_all_of_it_and_its_references_hold(
    kept: tuple[World, Path], tmp_path: Path
) -> None:
    world, path = kept
    made = io.export(load(path), tmp_path / "a.db", to="sqlite", history=path)
    with closing(sqlite3.connect(tmp_path / "a.db")) as file:
        every = file.execute("SELECT name FROM sqlite_master WHERE type='table'")
        names = [name for (name,) in every.fetchall()]
        assert file.execute("PRAGMA foreign_key_check").fetchall() == []
        rows = sum(file.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in names)  # noqa: S608
        assert made.rows == rows
        messages = file.execute("SELECT count(*) FROM messages").fetchone()[0]
        assert messages == world.platform.posts.next  # type: ignore[union-attr]
        joined = "SELECT count(*) FROM acts JOIN agents ON agent_id = agent"
        assert file.execute(joined).fetchone()[0] == record_of(world, path).sizes[0]
        parents = (
            "SELECT count(*) FROM messages AS m LEFT JOIN messages AS p ON p.message_id ="
            " m.properties ->> 'parent' WHERE m.properties ->> 'parent' > 1000000000"
            " AND p.message_id IS NULL"
        )
        assert file.execute(parents).fetchone()[0] <= 1  # but for answers to the injected one
        prompt = file.execute("SELECT prompt, reply FROM replies").fetchall()
        assert prompt == [('[["user", "What now?"]]', "like 1")]


def test_a_life_is_told_with_its_ticks(kept: tuple[World, Path], tmp_path: Path) -> None:
    world, path = kept
    io.export(load(path), tmp_path / "a.db", to="sqlite", history=path)
    with closing(sqlite3.connect(tmp_path / "a.db")) as file:
        states = file.execute(
            "SELECT state_data, timestamp, version FROM agent_states"
            " WHERE agent_id = '7' AND state_type = 'lifecycle' ORDER BY version"
        ).fetchall()
        assert states == [('{"status": "active"}', 0, 1), ('{"status": "banned"}', 3, 2)]
        query = "SELECT status, created_at, updated_at, version FROM agents WHERE agent_id = ?"
        assert file.execute(query, ("7",)).fetchone() == ("banned", 0, 3, 2)
        assert file.execute(query, ("8",)).fetchone() == ("active", 0, 0, 1)
        joined = file.execute("SELECT created_at FROM agents WHERE created_at > 0").fetchall()
    every = [(tick, act) for tick, acts in record_of(world, path).acts() for act in acts.act]
    signed = sorted(tick for tick, act in every if act == Act.SIGN_UP)
    assert sorted(tick for (tick,) in joined) == signed != []


def test_who_was_made_later_is_told_by_the_trail(tmp_path: Path) -> None:
    world = World.create(agents=20, mean_degree=4, seed=7)
    world.step(4)
    world.create_agents(3)
    world.step(2)
    io.export(world, tmp_path / "a.db", to="sqlite")
    with closing(sqlite3.connect(tmp_path / "a.db")) as file:
        found = file.execute("SELECT agent_id FROM agents WHERE created_at = 4").fetchall()
    assert sorted(int(each) for (each,) in found) == [20, 21, 22]


@pytest.mark.parametrize(("to", "read"), [("graphml", nx.read_graphml), ("gexf", nx.read_gexf)])
def test_a_graph_says_in_what_state_each_is_since_when(tmp_path: Path, to: str, read: Any) -> None:
    world = World.create(agents=60, mean_degree=6, seed=7)
    story = world.inject("Hi", seeds=[0], model="sir", beta=0.3, gamma=0.3)
    other = world.inject("Ho", seeds=[1], model="independent-cascade", probability=0.3)
    world.step(6)
    io.export(world, tmp_path / f"a.{to}", to=to)
    nodes = dict(read(tmp_path / f"a.{to}").nodes(data=True))
    at = np.array([nodes[str(i)]["message_0_adopted_at"] for i in range(60)])
    assert (at == story.adopted_at).all()
    assert [nodes[str(i)]["message_0_source"] for i in range(60)] == story.source.tolist()
    told = [nodes[str(i)]["message_0_state"] for i in range(60)]
    assert {name: told.count(name) for name in story.states} == story.counts
    told = [nodes[str(i)]["message_1_state"] for i in range(60)]
    assert {name: told.count(name) for name in other.states} == other.counts


def test_who_heard_a_message_and_left_it_is_told_where_that_is_known(tmp_path: Path) -> None:
    world = World.from_edges([0, 0, 1, 1, 3], [1, 2, 2, 3, 4], ids=[*"abcde"])
    story = world.inject("Hi", seeds=[0, 1], model="independent-cascade", probability=0.0)
    world.run_until_quiet(story)
    save(world, tmp_path / "a.hub")
    query = (
        "SELECT source_agent_id, target_agent_id, timestamp FROM propagation_events"
        " WHERE event_type = 'ignored' ORDER BY event_id"
    )
    with closing(sqlite3.connect(tmp_path / "a.hub")) as file:
        assert file.execute(query).fetchall() == [("a", "c", 1), ("b", "d", 1)]
        assert file.execute("PRAGMA foreign_key_check").fetchall() == []
    world.mute(0, 4)
    save(world, tmp_path / "b.hub")
    with closing(sqlite3.connect(tmp_path / "b.hub")) as file:
        assert file.execute(query).fetchall() == []


def test_ties_say_when_they_were_made(tmp_path: Path) -> None:
    world = World.from_edges([0], [1], 5, ids=[*"abcde"])
    world.step(3)
    world.follow(2, 0)
    world.step(2)
    world.befriend(3, 4)
    world.mute(1, 2)
    save(world, tmp_path / "a.hub")
    query = (
        "SELECT source_agent_id, target_agent_id, relationship_type, created_at"
        " FROM agent_relationships ORDER BY 1, 2"
    )
    with closing(sqlite3.connect(tmp_path / "a.hub")) as file:
        assert file.execute(query).fetchall() == [
            ("a", "b", "follow", 0), ("a", "c", "follow", 3), ("b", "c", "mute", 5),
            ("d", "e", "friend", 5), ("e", "d", "friend", 5),
        ]  # fmt: skip


def test_rows_can_be_asked_for_again_from_the_beginning() -> None:
    flow = doings._Flow(lambda: iter([(np.arange(3), "abc"), (np.arange(3, 5), "de")]))
    first, second = doings._Cells(flow, 0), doings._Cells(flow, 1)
    for _ in range(2):
        assert (first[0:2], second[0:2]) == ([0, 1], ["a", "b"])
        assert (first[2:4], second[2:4]) == ([2, 3], ["c", "d"])
        assert (first[4:5], second[4:5]) == ([4], ["e"])


def test_acts_of_a_database_name_the_messages_that_they_are_about(tmp_path: Path) -> None:
    path = tmp_path / "two.hub"
    told = {"posting": 0.3, "rhythm": "flat"}
    world = World.create(agents=80, mean_degree=8, seed=7, platform=told)
    platform = world.platform
    assert platform is not None
    world.step(2)
    for text, seed in (("The bridge is closed.", 3), ("It is open again.", 9)):
        world.inject(text, seeds=[seed], model="si", beta=0.3, author=seed)
        world.step(2)
        platform.act(seed, "quote", message=platform.posts.first + 3, text="See this.")
        platform.act(4, "reply", message=platform.injected[0], text="Is it?")
        world.step(2)
    save(world, path)
    io.export(world, tmp_path / "two.db", to="sqlite", history=path)
    with closing(sqlite3.connect(tmp_path / "two.db")) as file:
        acts = file.execute("SELECT tick, agent, act, message FROM acts").fetchall()
        texts = dict(file.execute("SELECT message_id, content FROM messages"))
        told_of = file.execute("SELECT properties FROM messages")
        parents = [json.loads(said).get("parent") for (said,) in told_of]
        assert {message for *_, message in acts if message is not None} <= {*texts}
    assert {parent for parent in parents if parent is not None} <= {*texts}
    assert texts[0] == "The bridge is closed."
    assert 0 in parents
    named = [(act, texts[message]) for _, _, act, message in acts if message is not None]
    every = [platform.log.at(tick) for tick in range(1, world.tick + 1)]
    pairs = ((a, m) for one in every for a, m in zip(one.act, one.message, strict=True))
    told_by = [(Act(a).says, platform.text_of(int(m))) for a, m in pairs if m != 2**32 - 1]
    assert sorted(named) == sorted(told_by)


def test_who_has_yet_to_sign_up_moves_no_other_sign_up(tmp_path: Path) -> None:
    told = {"posting": 0.3, "newcomers": 0.5}
    world = World.create(agents=150, mean_degree=8, seed=7, platform=told)
    world.step(5)
    world.create_agents(3)
    io.export(world, tmp_path / "a.db", to="sqlite")
    assert world.platform is not None
    new = [(tick, acts.agent[acts.act == Act.SIGN_UP]) for tick, acts in world.platform.log]
    signed = {who: tick for tick, agents in new for who in agents.tolist()}
    assert len(signed) == len(world.agents) - 153 > 10
    late = dict.fromkeys(range(len(world.agents) - 3, len(world.agents)), 5)
    with closing(sqlite3.connect(tmp_path / "a.db")) as file:
        rows = file.execute("SELECT agent_id, created_at FROM agents").fetchall()
    assert {int(who): tick for who, tick in rows if tick} == signed | late


@pytest.mark.parametrize("opened", [None, 6])
def test_whom_an_intervention_let_in_came_at_its_time(tmp_path: Path, opened: int | None) -> None:
    world = World.create(agents=20, mean_degree=4, seed=7)
    world.at(4, "newcomers", count=2)
    world.at(2, "newcomers", count=3)
    world.at(99, "newcomers", count=5)
    if opened is not None:
        world.at(opened, "open-platform")
        world.at(8, "newcomers", count=1)
    world.step(3)
    world.create_agents(1)
    world.step(7)
    io.export(world, tmp_path / "a.db", to="sqlite")
    with closing(sqlite3.connect(tmp_path / "a.db")) as file:
        rows = file.execute("SELECT agent_id, created_at FROM agents").fetchall()
    when = [tick for _, tick in sorted((int(who), tick) for who, tick in rows)]
    assert when == [0] * 20 + [2] * 3 + [3] + [4] * 2 + ([] if opened is None else [8])


@pytest.mark.parametrize("window", [1_000, 10])
def test_what_feeds_hold_is_told_without_a_history_and_with_all_votes(
    tmp_path: Path, window: int
) -> None:
    path = tmp_path / "a.hub"
    told = {"posting": 0.3, "log_ticks": 5, "window": window}
    world = World.create(agents=150, mean_degree=8, seed=7, platform=told)
    world.inject("The bridge is closed.", seeds=[3], model="si", beta=0.2, author=3)
    world.at(2, "vote", message=0, likes=7, dislikes=4)
    with recorded(world, path):
        world.step(30)
    platform, gap = world.platform, 30 - min(window, 5)
    assert platform is not None
    posts = platform.posts
    held = io.export(world, tmp_path / "held", to="jsonl")
    whole = io.export(world, tmp_path / "whole", to="jsonl", history=path)
    assert (held.missing, whole.missing) == (((1, gap),), ())
    some, every = tables(tmp_path / "held", "jsonl"), tables(tmp_path / "whole", "jsonl")
    by_rules = {"to", "text"}  # what is answered may have left the feeds
    assert [{k: v for k, v in row.items() if k not in by_rules} for row in some["posts"]] == [
        {k: v for k, v in row.items() if k not in by_rules} for row in every["posts"][posts.first :]
    ]
    assert [row["id"] for row in every["posts"]] == [*range(posts.next)]
    for name in ("likes", "shares", "replies", "reports", "dislikes"):
        assert [row[name] for row in some["posts"]] == getattr(posts, name).tolist()
    first = every["posts"][0]
    given = [row["act"] for row in every["acts"] if row["message"] == 0]
    assert first["likes"] == given.count("like") - given.count("unlike") + 7
    assert first["dislikes"] == given.count("dislike") - given.count("undo dislike") + 4


def test_counts_are_nobodys_guess_where_acts_are_missing(tmp_path: Path) -> None:
    path = tmp_path / "a.hub"
    told = {"posting": 0.3, "log_ticks": 3, "window": 8}
    world = World.create(agents=150, mean_degree=8, seed=7, platform=told)
    with recorded(world, path):
        world.step(5)
    world.step(10)
    with recorded(world, path):
        world.step(20)
    made = io.export(world, tmp_path / "a", to="jsonl", history=path)
    assert made.missing == ((6, 12),)  # the last three are in memory when it goes on
    found = tables(tmp_path / "a", "jsonl")["posts"]
    blank = {row["tick"] for row in found if row["likes"] is None}
    assert blank == {row["tick"] for row in found if row["tick"] <= 5} != set()
    assert 13 in {row["tick"] for row in found}


def test_acts_name_an_injected_message_of_which_the_post_is_not_kept(tmp_path: Path) -> None:
    told = {"posting": 0.3, "log_ticks": 3, "window": 4}
    world = World.create(agents=80, mean_degree=8, seed=7, platform=told)
    world.step(2)
    world.inject("The bridge is closed.", seeds=[3], model="si", beta=0.3, author=3)
    world.step(3)
    platform = world.platform
    assert platform is not None
    number = platform.injected[0]
    platform.act(4, "reply", message=number, text="Is it?")
    world.step(2)
    assert number < platform.posts.first
    io.export(world, tmp_path / "a.db", to="sqlite")
    with closing(sqlite3.connect(tmp_path / "a.db")) as file:
        acts = file.execute("SELECT message FROM acts WHERE act = 'reply' AND agent = '4'")
        assert (0,) in acts.fetchall()
        said = file.execute("SELECT properties FROM messages WHERE content = 'Is it?'").fetchone()
    assert json.loads(said[0])["parent"] == 0


@pytest.mark.parametrize(("to", "read"), [("graphml", nx.read_graphml), ("gexf", nx.read_gexf)])
@pytest.mark.parametrize("ids", [[*"dcba"], ["x\x00", "x\x01", "b", "a"]])
def test_a_graph_names_sources_by_nodes(tmp_path: Path, to: str, read: Any, ids: list[Any]) -> None:
    world = World.from_edges([0, 1, 2], [1, 2, 3], ids=ids)
    world.inject("Hi", seeds=[0], model="si", beta=1.0)
    world.step(2)
    io.export(world, tmp_path / f"a.{to}", to=to)
    graph = read(tmp_path / f"a.{to}")
    nodes = [*graph]
    told = [graph.nodes[node].get("message_0_source", "") for node in nodes]
    assert told == ["", nodes[0], nodes[1], ""]


@pytest.mark.parametrize("to", ["csv", "jsonl", "parquet"])
def test_moves_silences_and_groups_are_tables_where_there_are_any(tmp_path: Path, to: str) -> None:
    if to == "parquet":
        pytest.importorskip("pyarrow")
    world = World.create(agents=60, mean_degree=4, seed=1)
    first = io.export(world, tmp_path / "plain", to=to)
    names = ["agents", "ties", "adoptions", "messages"]
    assert [path.stem for path in first.paths] == names
    world.step(2)
    world.mute([1, 3], [2, 4])
    world.block([3], [4])
    world.agents.set_status([5], "banned")
    world.groups.create("Bakers", limit=5)
    world.groups.create("Millers")
    world.groups.join([1, 2, 3], "Bakers")
    world.agents.set_status([2], "destroyed")
    io.export(world, tmp_path / to, to=to)
    found = tables(tmp_path / to, to)
    assert sorted(found) == sorted([*names, "moves", "silences", "groups", "group_members"])
    told = {name: [[*map(str, row.values())] for row in rows] for name, rows in found.items()}
    assert told["moves"] == [["2", "5", "active", "banned"], ["2", "2", "active", "destroyed"]]
    assert told["silences"] == [["3", "4", "mute"], ["3", "4", "block"]]
    none = "" if to == "csv" else "None"
    assert told["groups"] == [["0", "Bakers", "5"], ["1", "Millers", none]]
    assert told["group_members"] == [["0", "1"], ["0", "3"]]


def test_groups_are_in_a_database_with_and_without_a_platform(tmp_path: Path) -> None:
    for name, platform in (("plain", None), ("open", True)):
        world = World.create(agents=60, mean_degree=4, seed=1, platform=platform)
        world.groups.create("Bakers", limit=5)
        world.groups.join([1, 3], "Bakers")
        made = io.export(world, tmp_path / f"{name}.db", to="sqlite")
        with closing(sqlite3.connect(tmp_path / f"{name}.db")) as file:
            assert file.execute("SELECT * FROM groups").fetchall() == [(0, "Bakers", 5)]
            found = file.execute('SELECT "group", agent FROM group_members').fetchall()
        assert found == [(0, "1"), (0, "3")]
        assert made.rows == 60 * 3 + world.ties.count + 3


def test_messages_say_when_they_ended_and_with_which_numbers(tmp_path: Path) -> None:
    world = World.create(agents=60, mean_degree=4, seed=1)
    world.max_running = 1
    over = world.inject("Hi", seeds=[1], model="independent-cascade", probability=0.1)
    late = world.inject("Ho", seeds=[2], model="si", beta=0.5)
    before = world.tick
    while over.alive:
        before = world.tick
        world.step()
    world.step(2)
    io.export(world, tmp_path / "a", to="jsonl")
    first, second = tables(tmp_path / "a", "jsonl")["messages"]
    assert (first["ended"], second["ended"]) == (before + 1, None)
    assert second["started"] == late.started_at >= before
    assert json.loads(first["parameters"])["probability"] == 0.1
    assert json.loads(second["parameters"])["beta"] == 0.5
