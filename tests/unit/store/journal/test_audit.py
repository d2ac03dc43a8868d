"""The log of acts in a world's file: all of it, and every change to it is named."""

import asyncio
import hashlib
import json
import operator
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from sim import World
from sim.errors import SnapshotError
from sim.runtime.journal.writer import JournalWriter
from sim.store import Audit, load, read_audit, save
from sim.store.journal import audit as rows
from sim.store.journal import reading
from sim.store.journal.journal import folder_of
from sim.store.journal.reading import checked, journal_checked
from sim.world import log as trail_acts
from tests.raising import raises
from tests.unit.store.fake import FakeWorld, edit, edited, reseal
from tests.unit.store.fake import saved as fake_saved


@pytest.fixture
def path(tmp_path: Path) -> Path:
    world = World.create(agents=50, mean_degree=4, seed=3)
    world.trail.by(world, "screen")
    world.inject("hi", seeds=[0], model="si", beta=0.5)
    world.step(2)
    world.create_agents(1)
    world.step()
    save(world, tmp_path / "a.hub")
    return tmp_path / "a.hub"


def audit(path: Path) -> Audit:
    """Return the acts, which are the same when read from asyncio."""
    found = reading.audit(path)
    assert asyncio.run(read_audit(path)) == found
    return found


def tampered(path: Path, change: Callable[[list[Any]], object]) -> None:
    """Change the acts of a file, and seal it as if it had been saved so."""

    def act(file: sqlite3.Connection) -> None:
        text = file.execute("SELECT value FROM world WHERE key = 'acts 0'").fetchone()[0]
        acts = json.loads(text)
        change(acts)
        file.execute("UPDATE world SET value = ? WHERE key = 'acts 0'", (json.dumps(acts),))

    with_rows(path, act)


def with_rows(path: Path, act: Callable[[sqlite3.Connection], object]) -> None:
    edit(path, seal=False)
    with closing(sqlite3.connect(path)) as file, file:
        act(file)
    reseal(path)


def test_a_file_tells_all_that_was_done(path: Path) -> None:
    found = audit(path)
    assert [act.kind for act in found.acts] == ["create", "inject", "step", "create_agents", "step"]
    assert {act.author for act in found.acts} == {"screen"}
    assert (found.tick, found.digest) == (3, load(path).digest())
    assert found.is_whole
    assert checked(path) == 5


def test_a_loaded_world_goes_on_behind_what_was_done(path: Path) -> None:
    world = load(path)
    world.step(4)
    save(world, path)
    assert [act.kind for act in audit(path).acts][-2:] == ["step", "step"]
    assert audit(path).acts[5].tick == 3
    assert checked(path) == 6


put = operator.setitem


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda acts: acts.pop(2), "act 2 of the log is missing or out of its place"),
        (lambda acts: acts.insert(1, acts.pop(2)),
         "act 1 of the log is missing or out of its place"),
        (lambda acts: put(acts[1], 4, acts[1][4].replace("[0]", "[9]")),
         "act 1 of the log .'inject' at tick 0 by 'screen'. is not as it was noted"),
        (lambda acts: put(acts[3], 2, "nobody"),
         "act 3 of the log .'create_agents' at tick 2 by 'nobody'. is not as"),
        (lambda acts: acts.pop(),
         "acts of the log are missing at its end: 5 were written, 4 are there"),
        (lambda acts: acts.insert(2, acts[1]), "act 2 of the log is missing or out of its place"),
    ],
)  # fmt: skip
def test_a_changed_row_is_named(
    path: Path, change: Callable[[list[Any]], object], match: str
) -> None:
    tampered(path, change)
    before = hashlib.sha256(path.read_bytes()).digest()
    raises(SnapshotError, match.capitalize(), checked, path)
    assert not audit(path).is_whole
    assert hashlib.sha256(path.read_bytes()).digest() == before


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("acts 0", "7"), ("acts 0", "[7]"), ("acts 0", "[[1, 2]]"), ("acts 0", "not JSON"),
        ("acts head", "not JSON"), ("acts head", "7"),
    ],
)  # fmt: skip
def test_a_log_that_is_none_is_said(path: Path, key: str, value: str) -> None:
    with_rows(path, lambda file: file.execute("UPDATE world SET value=? WHERE key=?", (value, key)))
    found = audit(path)
    assert found.findings[0].startswith("The log of acts cannot be read")
    assert found.acts == () or key == "acts head"


def test_a_malformed_log_makes_no_world(path: Path) -> None:
    with_rows(path, lambda file: file.execute("UPDATE world SET value='7' WHERE key='acts 0'"))
    raises(SnapshotError, "cannot be restored", load, path)


def test_a_file_without_a_log_has_none_and_is_opened(path: Path) -> None:
    with_rows(path, lambda file: file.execute("DELETE FROM world WHERE key LIKE 'acts%'"))
    assert audit(path).acts == ()
    assert checked(path) == 0
    assert load(path).trail.acts[0].kind == "given"


def test_what_has_no_trail_has_no_log(tmp_path: Path) -> None:
    assert audit(fake_saved(tmp_path / "fake.hub")).acts == ()
    assert dict(rows.rows_of(FakeWorld.create())) == {}


def test_a_tick_that_is_no_number_is_not_told(path: Path) -> None:
    with_rows(path, lambda file: file.execute("UPDATE world SET value='x' WHERE key='tick'"))
    assert audit(path).tick is None


def test_long_logs_are_many_rows(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(trail_acts, "OPEN_BYTES", 200)
    world = World.create(agents=50, mean_degree=4, seed=3)
    for number in range(40):
        world.inject(f"story {number}", seeds=[number], model="si")
    made = dict(rows.rows_of(world))
    assert len(made) > 10
    assert rows.acts_in(made | {"acts x": "", "agents": "5"}) == world.trail.acts
    assert rows.broken(made) == ""
    monkeypatch.setattr(rows, "MOST_ACTS", 5)
    assert "is no list" in rows.broken(made)


def kept(path: Path) -> World:
    """Let a world run with a journal, and leave before its end is a checkpoint."""
    world = load(path)
    world.trail.by(world, "script")
    keeper = JournalWriter(world, path)
    world.step()
    keeper.ticked(world)
    keeper.flush(world)
    world.inject("more", seeds=[3], model="si")
    keeper.did(world, "inject", (), {"text": "more", "seeds": [3], "model": "si"})
    keeper.close(world)
    return world


def test_acts_go_on_in_the_journal(path: Path) -> None:
    world = kept(path)
    found = audit(path)
    assert [act.kind for act in found.acts][5:] == ["step", "inject"]
    assert found.acts[5].tick == 3
    assert found.acts[5].result == f"tick 4, {world.cascades[0].size} adoptions"
    assert (found.tick, found.digest) == (None, None)
    assert found.is_whole
    assert journal_checked(folder_of(path)) == 2


def test_a_journal_without_entries_ends_where_its_checkpoint_does(path: Path) -> None:
    JournalWriter(load(path), path).close()
    assert audit(path).tick == 3


def test_a_changed_entry_of_the_journal_is_named(path: Path) -> None:
    kept(path)
    edited(folder_of(path), "UPDATE entries SET author = 'nobody' WHERE number = 2")
    raises(SnapshotError, "entry 2 does not match its digest", journal_checked, folder_of(path))
    assert "entry 2 does not match its digest" in audit(path).findings[0]
    assert len(audit(path).acts) == 6


def test_an_older_checkpoint_is_read_where_the_newest_cannot_be(path: Path) -> None:
    world = kept(path)
    keeper = JournalWriter(world, path)
    world.step()
    keeper.ticked(world)
    keeper.checkpoint(world).result()
    keeper.close(world)
    newest = max(folder_of(path).glob("checkpoint-*.hub"), key=lambda file: file.stat().st_mtime_ns)
    newest.write_bytes(b"gone")
    assert audit(path).acts[-1].kind == "step"


def test_a_journal_without_any_checkpoint_is_refused(path: Path) -> None:
    kept(path)
    edited(folder_of(path), "UPDATE checkpoints SET file = '../a.hub'")
    raises(SnapshotError, "no checkpoint can be read", audit, path)
    raises(SnapshotError, "no checkpoint can be read", asyncio.run, read_audit(path))
