"""Live worlds of the real simulator: listed, opened after a kill, swept, thrown away."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from textual.widgets import Button

from sim import World, open_live, save
from sim.runtime import SavedWorld, Simulation, discard, free_name, saved_worlds, sweep_untouched
from sim.runtime.journal.writer import JournalWriter
from sim.store import LeaseError
from sim.store.journal.journal import folder_of
from tests.screens.test_app import command, frame_of, keys, said, until, words
from tests.screens.test_app_real import hubbub
from tui.dialogs.dialog import ListDialog, Notice
from tui.dialogs.world import QuitDialog


def world(ticks: int = 0) -> World:
    made = World.create(agents=200, mean_degree=4, seed=3)
    made.inject("hello", seeds=[1], model="sir")
    made.step(ticks)
    return made


def kept(path: Path, ticks: int, *, is_closed: bool = True) -> None:
    """Leave a live world beside a file; one that was not closed is a copy of one that is open."""
    made = open_live(path).world if path.exists() else world()
    keeper = JournalWriter(made, path, author="screen")
    for _ in range(ticks):
        made.step()
        keeper.ticked(made)
    keeper.flush(made)
    keeper.wait()
    folder, copy = folder_of(path), path.with_name("copy")
    if not is_closed:
        shutil.copytree(folder, copy)
    keeper.close(made)
    if not is_closed:
        shutil.rmtree(folder)
        copy.rename(folder)


def lives(folder: Path) -> list[str]:
    return [each.name for each in folder.glob("*.live")]


def listed(folder: Path) -> dict[str, SavedWorld]:
    return {each.path.stem: each for each in saved_worlds(folder)}


def test_the_list_knows_files_and_what_lives_on_beside_them(tmp_path: Path) -> None:
    save(world(3), tmp_path / "a.hub")
    save(world(3), tmp_path / "b.hub")
    kept(tmp_path / "b.hub", 4)
    kept(tmp_path / "c.hub", 5, is_closed=False)
    (tmp_path / "d.hub").write_bytes(b"nothing")
    kept(tmp_path / "e.hub", 2)
    (tmp_path / "e.hub").write_bytes(b"nothing")
    found = listed(tmp_path)
    assert (found["a"].tick, found["a"].state, found["a"].live) == (3, "", "")
    assert (found["b"].tick, found["b"].state) == (7, "unsaved")
    assert (found["c"].tick, found["c"].state, found["c"].agents) == (5, "not closed", 200)
    assert found["c"].live == (
        "Not closed properly (recoverable). Opens at tick 5 (from its journal; never saved)."
    )
    assert "not a Hubbub world file" in found["d"].damage
    assert (found["e"].damage, found["e"].tick) == ("", 2)
    for checkpoint in folder_of(tmp_path / "c.hub").glob("checkpoint-*"):
        checkpoint.write_bytes(b"nothing")
    assert listed(tmp_path)["c"].agents == -1
    assert listed(tmp_path / "none") == {}


async def test_the_list_says_who_has_a_world_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.hub"
    save(world(3), path)
    async with Simulation(open_live(path).world, path=path, journal=True):
        assert listed(tmp_path)["a"].state == "open here"
        monkeypatch.setattr("os.getpid", lambda: 1)
        said = listed(tmp_path)["a"]
        assert (said.state, said.live[:17]) == ("in use", "In use by process")
        with pytest.raises(LeaseError):
            open_live(path)
        assert open_live(path, read_only=True).is_read_only


def test_a_working_name_is_free_and_what_was_never_touched_goes(tmp_path: Path) -> None:
    path = free_name(tmp_path, "demo")
    kept(path, 0)
    sweep_untouched(path)
    assert not folder_of(path).exists()
    kept(path, 1)
    sweep_untouched(path)
    assert folder_of(path).exists()
    assert free_name(tmp_path, "demo").stem == "demo-2"
    discard(path)
    assert not folder_of(path).exists()


async def test_a_killed_world_is_there_again_with_everything_that_was_shown(tmp_path: Path) -> None:
    async with hubbub(tmp_path) as (app, pilot):
        await command(pilot, "inject text=hello model=sir", lambda: frame_of(app).sessions)
        await command(pilot, "step 6", lambda: frame_of(app).durable_tick == 6)
        left = tmp_path.with_name(f"{tmp_path.name}-left")
        shutil.copytree(tmp_path, left)
        shown = frame_of(app).sessions
        await command(pilot, "save town", "Saved town.hub")
    assert lives(tmp_path) == ["town.hub.live"]
    async with hubbub(left) as (app, pilot):
        assert frame_of(app).tick == 0
        await keys(pilot, "o", then=(ListDialog, "not closed", "Opens at tick 6"))
        await keys(pilot, "enter", then=lambda: frame_of(app).tick == 6)
        await until(pilot, lambda: "Recovered completely" in said(app))
        assert [row.size for row in frame_of(app).sessions] == [row.size for row in shown]
        await command(pilot, "step", lambda: frame_of(app).durable_tick == 7)
        await keys(pilot, "q", then=lambda: not app.is_running)
    assert lives(left) == ["lastfm-asia.hub.live"]
    assert open_live(left / "lastfm-asia.hub").world.tick == 7


async def test_what_a_damaged_journal_lacks_is_shown_and_a_world_is_discarded(
    tmp_path: Path,
) -> None:
    path = tmp_path / "town.hub"
    save(world(3), path)
    for _ in range(3):
        kept(path, 1)
    with closing(sqlite3.connect(folder_of(path) / "journal", isolation_level=None)) as file:
        file.execute("DELETE FROM entries WHERE number > 1")
    async with hubbub(tmp_path, path=path) as (app, pilot):
        await until(pilot, lambda: isinstance(app.screen, Notice))
        assert "was acknowledged, but the journal ends at entry 1" in words(app)
        await pilot.press("enter")
        assert frame_of(app).tick == 4
        await command(pilot, "step", lambda: frame_of(app).durable_tick == 5)
        await command(pilot, "revert")
        await until(pilot, lambda: app.screen is not app.stage and app.screen.query("#yes"))
        app.screen.query_one("#yes", Button).press()
        await until(pilot, lambda: frame_of(app).tick == 3)
        assert (tmp_path / "town-damaged-1.hub.live").is_dir()


async def test_a_world_that_is_left_is_kept_and_it_says_where(tmp_path: Path) -> None:
    save(world(3), tmp_path / "town.hub")
    async with hubbub(tmp_path) as (app, pilot):
        await command(pilot, "step", lambda: frame_of(app).durable_tick == 1)
        await command(pilot, "open town", QuitDialog)
        told = "lastfm-asia was kept at tick 1. Press o to open it."
        await keys(pilot, "tab", "enter", then=lambda: told in str(list(app._notifications)))
        await keys(pilot, "o", then=(ListDialog, "unsaved", "Opens at tick 1"))
        await keys(pilot, "enter", then=lambda: frame_of(app).tick == 1)
        await command(pilot, "step", lambda: frame_of(app).durable_tick == 2)
        await command(pilot, "open town", lambda: frame_of(app).tick == 3)  # asks nothing
    assert listed(tmp_path)["lastfm-asia"].tick == 2
