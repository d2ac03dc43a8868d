"""Small worlds are also rows: agents, ties and adoptions, for anybody's SELECT."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim import World
from sim.errors import InputError
from sim.store import info, load, save
from sim.store import relational as relational
from tests.unit.store.fake import FakeWorld


@pytest.fixture(scope="module")
def world() -> World:
    """Four members known by name; ann is heard by bob and cem, bob by dia."""
    world = World.from_edges(
        [0, 0, 1], [1, 2, 3], trust=[1.0, 0.5, 0.25], seed=7, ids=["ann", "bob", "cem", "dia"]
    )
    world.inject("Hi", seeds=[0], author=0, model="independent-cascade", probability=1.0)
    world.step(5)
    world.inject("桥", seeds=[3], model="independent-cascade", probability=1.0)
    return world


@pytest.fixture(scope="module")
def file(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    path = save(world, tmp_path_factory.mktemp("rows") / "a.hub").path
    with closing(sqlite3.connect(path)) as connection:
        yield connection


def test_agents_are_rows_under_their_foreign_ids(file: sqlite3.Connection, world: World) -> None:
    rows = file.execute("SELECT agent_id, name, status, updated_at FROM agents").fetchall()
    assert [row[0] for row in rows] == ["ann", "bob", "cem", "dia"]
    assert [row[1] for row in rows] == [world.agents.name(i) for i in range(4)]
    assert {row[2:] for row in rows} == {("active", 0)}


def test_properties_are_json_that_sql_can_look_into(file: sqlite3.Connection, world: World) -> None:
    query = "SELECT properties ->> 'activity', properties -> 'interests' FROM agents"
    for index, (activity, interests) in enumerate(file.execute(query).fetchall()):
        assert activity == pytest.approx(world.agents.activity[index], abs=1e-6)
        names = world.agents.vocabulary.names(world.agents.interests[index])
        assert json.loads(interests) == list(names)


def test_traits_are_states(file: sqlite3.Connection, world: World) -> None:
    rows = file.execute(
        "SELECT state_data FROM agent_states WHERE state_type = 'personality' ORDER BY agent_id"
    ).fetchall()
    shares = [list(json.loads(row[0]).values()) for row in rows]
    np.testing.assert_allclose(shares, world.agents.personality / 255, atol=1e-4)


ROWS: dict[str, list[tuple[Any, ...]]] = {
    "source_agent_id, target_agent_id, strength FROM agent_relationships": [
        ("ann", "bob", 1.0),
        ("ann", "cem", pytest.approx(0.5, abs=1e-5)),
        ("bob", "dia", pytest.approx(0.25, abs=1e-5)),
    ],
    "message_id, sender_id, content FROM messages": [(0, "ann", "Hi"), (1, None, "桥")],
    "source_agent_id, target_agent_id, event_type FROM propagation_events"
    " WHERE message_id = 0 ORDER BY event_id": [
        ("ann", None, "sent"), ("ann", "bob", "received"), ("ann", "cem", "received"),
        ("bob", "dia", "received"),
    ],
}  # fmt: skip


@pytest.mark.parametrize("query", ROWS)
def test_ties_messages_and_adoptions_are_rows(file: sqlite3.Connection, query: str) -> None:
    assert file.execute(f"SELECT {query}").fetchall() == ROWS[query]


def test_sessions_are_rows(file: sqlite3.Connection, world: World) -> None:
    query = (
        "SELECT message_id, seed_agents, propagation_model, model_parameters ->> 'probability',"
        " status, started_at, completed_at, total_influenced FROM propagation_sessions"
    )
    first, second = file.execute(query).fetchall()
    ended = len(world.cascades[0].new_adopters) - 1
    assert first == (0, '["ann"]', "independent-cascade", 1.0, "quiet", 0, ended, 4)
    assert (second[1], second[4], second[6]) == ('["dia"]', world.cascades[1].status, None)


def test_a_world_with_rows_loads_like_any(world: World, tmp_path: Path) -> None:
    with_rows = save(world, tmp_path / "a.hub", relational=True).path
    without = save(world, tmp_path / "b.hub", relational=False).path
    assert info(with_rows).relational
    assert not info(without).relational
    assert load(with_rows).digest() == load(without).digest() == world.digest()


def test_few_rows_by_itself(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert info(save(world, tmp_path / "a.hub").path).relational
    monkeypatch.setattr(relational, "MOST_ROWS", 10)
    assert not info(save(world, tmp_path / "a.hub").path).relational
    monkeypatch.undo()
    monkeypatch.setattr(relational, "MOST_AGENTS", 3)
    assert not info(save(world, tmp_path / "a.hub").path).relational


def test_all_batches_written(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[float] = []
    monkeypatch.setattr(relational, "BATCH", 2)
    path = save(
        world,
        tmp_path / "a.hub",
        report=lambda stage, share: told.append(share) if stage == "writing rows" else None,
    ).path
    with closing(sqlite3.connect(path)) as file:
        assert file.execute("SELECT count(*) FROM agents").fetchone() == (4,)
        assert file.execute("SELECT count(*) FROM agent_relationships").fetchone() == (3,)
    assert len(told) >= 9
    assert told == sorted(told)


def test_a_world_in_which_all_trust_fully_has_strength_1(tmp_path: Path) -> None:
    path = save(World.from_edges([0, 1], [1, 2], seed=1), tmp_path / "a.hub").path
    with closing(sqlite3.connect(path)) as file:
        query = "SELECT source_agent_id, target_agent_id, strength FROM agent_relationships"
        assert file.execute(query).fetchall() == [("0", "1", 1.0), ("1", "2", 1.0)]


def test_rows_of_something_without_agents_cannot_be_asked_for(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="A FakeWorld has no agents to write as rows"):
        save(FakeWorld.create(), tmp_path / "a.hub", relational=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, ["{}", "{}"]),
        ({"times": [5, 9]}, ['{"time": 0}', '{"time": 4}']),
        ({"sign": [1, -1]}, ['{"sign": 1}', '{"sign": -1}']),
        ({"times": [5, 9], "sign": [1, -1]}, ['{"time": 0, "sign": 1}', '{"time": 4, "sign": -1}']),
    ],
)
def test_ties_say_start_and_side(tmp_path: Path, given: dict[str, Any], said: list[str]) -> None:
    world = World.from_edges([0, 1], [1, 2], seed=7, **given)
    path = save(world, tmp_path / "a.hub").path
    with closing(sqlite3.connect(path)) as file:
        rows = file.execute("SELECT properties FROM agent_relationships ORDER BY relationship_id")
        assert [row[0] for row in rows] == said
    assert info(path).interactions == (2 if "times" in given else None)


def test_friends_mutes_and_blocks_are_rows_of_their_own_kind(tmp_path: Path) -> None:
    world = World.from_edges([0, 0], [1, 2], 5, ids=["ann", "bob", "cem", "dia", "eve"])
    world.befriend(0, 1)
    world.mute(2, 3)
    world.block([2, 4], [3, 0])
    path = save(world, tmp_path / "a.hub").path
    query = (
        "SELECT relationship_id, source_agent_id, target_agent_id, relationship_type "
        "FROM agent_relationships ORDER BY 1"
    )
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute(query).fetchall()
    assert rows == [
        (0, "ann", "bob", "friend"),
        (1, "ann", "cem", "follow"),
        (2, "bob", "ann", "friend"),
        (3, "cem", "dia", "mute"),
        (4, "cem", "dia", "block"),
        (5, "eve", "ann", "block"),
    ]
