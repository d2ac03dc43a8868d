"""Worlds that keep a journal, on the screen: the bar, the copy, the full disk, leaving."""

from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from textual.widgets import Button, Input, Static

from sim.errors import FileError
from sim.runtime import Durability, SavedWorld
from sim.settings import Settings
from sim.store import LeaseError
from tests.screens.fake import FakeSimulation, FakeSimulator, World
from tests.screens.test_app import (
    SIZES,
    Hub,
    Then,
    command,
    frame_of,
    hubbub,
    keys,
    made,
    said,
    seen,
    settled,
    shows,
    until,
    words,
)
from tui.app import Hubbub
from tui.dialogs.dialog import Confirm, ErrorDialog, ListDialog, Notice
from tui.dialogs.progress import Loading
from tui.dialogs.world import QuitDialog, SaveDialog
from tui.modes.stage import durability_text, durable
from tui.world_session import JournalLocation


def simulator(app: Hubbub) -> Any:
    return app.simulator  # type: ignore[attr-defined]


async def opened(hub: Hub, name: str, *then: Then) -> None:
    """Open a world of the saves folder by its name."""
    app, pilot = hub
    (simulator(app).saves / f"{name}.hub").write_text("x")
    await command(pilot, f"open {name}", *then)


def test_little_room_is_used_well() -> None:
    kept = Durability(1204, 3, 1100, 7.0, 1 << 20, "town.hub.live")
    assert durable(kept, 30) == "saved to tick 1,204"
    assert durable(kept, 80) == "saved to tick 1,204, 3 ticks unsaved"


async def press(app: Hubbub, pilot: Any, button: str) -> None:
    await until(pilot, lambda: app.screen.query(f"#{button}"))
    app.screen.query_one(f"#{button}", Button).press()
    await pilot.pause()


@pytest.mark.parametrize("size", SIZES)
async def test_the_bar_says_how_far_the_world_is_durable(tmp_path: Path, size: Any) -> None:
    async with hubbub(tmp_path, size) as (app, pilot):
        await command(pilot, "step 7", lambda: "saved to tick 7" in seen(app))
        await command(pilot, "journal", Notice)
        facts = ["tick 7 (survives", "0 ticks not on disk", "tick 0, paused", "7 ms", "1.2 MiB"]
        assert [fact for fact in facts if fact not in seen(app)] == []


@pytest.mark.parametrize(("button", "for_good"), [("keep", False), ("drop", True)])
async def test_a_world_without_a_name_is_kept_under_a_working_name_or_thrown_away(
    tmp_path: Path, button: str, for_good: bool
) -> None:
    async with hubbub(tmp_path) as (app, pilot):
        assert made(app).journal_config.path == tmp_path / "saves" / "lastfm-asia.hub"
        assert made(app).path is None
        await command(pilot, "step")
        await keys(pilot, "q", then=QuitDialog)
        assert "under Open (o) as lastfm-asia; Discard deletes it." in words(app)
        await press(app, pilot, button)
        await until(pilot, lambda: not app.is_running)
    assert simulator(app).left == [(tmp_path / "saves" / "lastfm-asia.hub", for_good)]


async def test_a_world_that_was_not_left_after_all_is_not_thrown_away(tmp_path: Path) -> None:
    async with hubbub(tmp_path) as (app, pilot):
        await command(pilot, "step")
        await opened((app, pilot), "broken", QuitDialog, lambda: "Cancel" in seen(app))
        await press(app, pilot, "drop")
        await until(pilot, lambda: isinstance(app.screen, ErrorDialog))
        await pilot.press("enter")
        await settled(app, pilot)
        assert not app.homes.home.is_lost
    assert simulator(app).left == [(tmp_path / "saves" / "lastfm-asia.hub", False)]


async def test_what_is_durable_needs_no_question(tmp_path: Path) -> None:
    async with hubbub(tmp_path) as (app, pilot):
        await opened((app, pilot), "town", lambda: frame_of(app).agents == 500)
        await command(pilot, "step", lambda: frame_of(app).dirty)
        await keys(pilot, "q", then=lambda: not app.is_running)
    assert simulator(app).left == [(tmp_path / "saves" / "lastfm-asia.hub", False)]


async def test_once_saved_it_has_a_name_and_is_not_asked_about(tmp_path: Path) -> None:
    async with hubbub(tmp_path) as (app, pilot):
        await command(pilot, "save town", "Saved town.hub")
        assert app.homes.home == JournalLocation(tmp_path / "saves" / "town.hub", is_named=True)
        await command(pilot, "step")
        await keys(pilot, "q", then=lambda: not app.is_running)
    assert simulator(app).left == []


async def test_a_world_that_was_never_saved_is_not_replaced_unasked(tmp_path: Path) -> None:
    async with hubbub(tmp_path) as (app, pilot):
        saves = tmp_path / "saves"
        (saves / "old.hub.live").mkdir()
        (saves / "lastfm-asia.hub.live").mkdir()  # its own
        await command(pilot, "save old", "old.hub is another world")
        await keys(pilot, "w", then=SaveDialog)
        app.screen.query_one("#name", Input).value = "old"
        await keys(pilot, "enter", then="again to overwrite")
        app.screen.query_one("#name", Input).value = "lastfm-asia"
        await keys(pilot, "enter", then=lambda: "Saved lastfm-asia.hub" in said(app))


async def test_a_world_that_is_open_elsewhere_is_offered_as_a_copy(tmp_path: Path) -> None:
    async with hubbub(tmp_path) as (app, pilot):
        await opened((app, pilot), "held", Confirm)
        assert "in use by process 7 on there" in words(app)
        await keys(pilot, "escape", then=lambda: not isinstance(app.screen, Confirm))
        assert frame_of(app).agents == 7624
        await command(pilot, "open held", Confirm)
        await press(app, pilot, "yes")
        await shows(pilot, lambda: frame_of(app).agents == 500, "READ-ONLY")
        assert made(app).journal_config is None
        await command(pilot, "journal", lambda: "this is a copy" in seen(app))
        await pilot.press("escape")
        await command(pilot, "step")
        await keys(pilot, "q", then=QuitDialog)
        await keys(pilot, "enter", then=SaveDialog)
        assert app.screen.query_one("#name", Input).value == "held-copy"
        await pilot.press("escape")
        await command(pilot, "save mine", lambda: "READ-ONLY" not in seen(app))
        assert ("keep", tmp_path / "saves" / "mine.hub") in made(app).asked
        await until(pilot, lambda: "saved to tick 31" in seen(app))


@pytest.mark.parametrize("wanted", [True, False])
async def test_the_first_world_too_is_offered_as_a_copy(tmp_path: Path, wanted: bool) -> None:
    app = FakeSimulator(tmp_path).hubbub(path=tmp_path / "held.hub")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, Confirm))
        await press(app, pilot, "yes" if wanted else "no")
        if wanted:
            await until(pilot, lambda: app.stage is not None and "READ-ONLY" in seen(app))
        else:
            await shows(pilot, Loading, "held.hub is in use.")
    await app.leave()


async def test_what_was_recovered_is_told_and_what_is_missing_shown(tmp_path: Path) -> None:
    async with hubbub(tmp_path) as (app, pilot):
        simulator(app).told = "Recovered completely to tick 30."
        await opened((app, pilot), "town", "Recovered completely")
        assert not isinstance(app.screen, Notice)
        simulator(app).told = "Recovery incomplete: recovered to tick 30."
        lacks = "Entry 4 (tick 7) was acknowledged, but the journal ends at entry 2."
        simulator(app).findings = (lacks,)
        await opened((app, pilot), "village", Notice)
        assert "was acknowledged, but the journal ends" in words(app)


async def test_a_full_disk_shows_that_the_world_waits(tmp_path: Path) -> None:
    async with hubbub(tmp_path) as (app, pilot):
        simulation = made(app)
        await command(pilot, "inject text=hello")
        await keys(pilot, "space", then="RUNNING")
        simulation.is_held_up, simulation.banner = True, "Paused: the disk is full."
        simulation.changed()
        await until(pilot, lambda: "BLOCKED" in seen(app) and "the disk is full" in seen(app))

        async def refuse(*_: object, **__: object) -> None:
            raise FileError(tmp_path, "Paused: the disk is full")

        simulation.inject = refuse  # type: ignore[method-assign]
        await command(pilot, "inject text=again", "Paused: the disk is full")
        await settled(app, pilot)
        assert app.screen is app.stage
        await command(pilot, "journal", lambda: "blocked      Paused: the disk" in seen(app))
        await pilot.press("escape")
        simulation.dirty = True
        simulation.changed()
        await keys(pilot, "q", then=(QuitDialog, "its journal ends at tick 0."))
        await press(app, pilot, "drop")
        await until(pilot, lambda: not app.is_running)
    assert simulator(app).left == [(tmp_path / "saves" / "lastfm-asia.hub", False)]


async def test_a_world_whose_journal_cannot_be_begun_opens_without_one(tmp_path: Path) -> None:
    async with hubbub(tmp_path) as (app, pilot):
        simulator(app).refuses = FileError(tmp_path, "you may not write there")
        await opened((app, pilot), "town", "No journal:", lambda: "no journal" in seen(app))
        assert frame_of(app).agents == 500
        await command(pilot, "journal", lambda: "has no journal" in seen(app))
        await pilot.press("escape")
        with pytest.raises(FileError):
            simulator(app).journal_config(tmp_path)


async def test_a_world_that_another_took_in_the_same_instant_is_not_entered(tmp_path: Path) -> None:
    async with hubbub(tmp_path) as (app, pilot):
        simulator(app).refuses = LeaseError(tmp_path, "in use by process 7")
        await opened((app, pilot), "town", ErrorDialog)
        assert frame_of(app).agents == 7624


async def test_a_journal_that_cannot_be_begun_now_is_said(tmp_path: Path) -> None:
    async with hubbub(tmp_path, preferences=Settings(journal="off")) as (app, pilot):
        await command(pilot, "save town", "Saved town.hub")

        async def refuse(*_: object) -> None:
            raise FileError(tmp_path, "the disk is full")

        made(app).keep = refuse  # type: ignore[method-assign, assignment]
        await command(pilot, "journal on", "No journal:")


async def test_a_name_that_others_take_meanwhile_is_tried_no_more_than_thrice(
    tmp_path: Path,
) -> None:
    async with hubbub(tmp_path) as (app, pilot):
        simulator(app).refuses = LeaseError(tmp_path, "in use by process 7")
        (tmp_path / "graph.txt").write_text("0 1\n")
        await command(pilot, f"import {tmp_path}/graph.txt", Notice, "in use by process 7")
        assert frame_of(app).kept is None


async def test_discarding_goes_back_to_the_file_once_agreed_to(tmp_path: Path) -> None:
    async with hubbub(tmp_path) as (app, pilot):
        await opened((app, pilot), "town", lambda: frame_of(app).agents == 500)
        await command(pilot, "step 5")
        await command(pilot, "revert", Confirm)
        assert "Revert to town.hub as saved" in words(app)
        await keys(pilot, "escape", then=lambda: app.screen is app.stage)
        assert frame_of(app).tick == 35
        await command(pilot, "open town", "town is already open")
        await command(pilot, "revert", Confirm)
        await press(app, pilot, "yes")
        await until(pilot, lambda: frame_of(app).tick == 30)
    assert (tmp_path / "saves" / "town.hub", True) in simulator(app).left


async def test_discarding_a_world_that_was_never_saved_ends_in_the_demo(tmp_path: Path) -> None:
    async with hubbub(tmp_path) as (app, pilot):
        await command(pilot, "step")
        first = made(app)
        await command(pilot, "revert", Confirm)
        assert "Delete this world" in seen(app)
        await press(app, pilot, "yes")
        await until(pilot, lambda: made(app) is not first and frame_of(app).tick == 0)
    assert simulator(app).left[0] == (tmp_path / "saves" / "lastfm-asia.hub", True)


@pytest.mark.parametrize(("key", "keeps"), [("escape", True), ("yes", False)])
async def test_whether_to_keep_a_journal_can_be_asked(
    tmp_path: Path, key: str, keeps: bool
) -> None:
    app = FakeSimulator(tmp_path).hubbub(Settings(journal="ask"))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, Confirm))
        if key == "yes":
            await press(app, pilot, key)
        else:
            await pilot.press(key)
        await until(pilot, lambda: app.stage is not None and app.frame is not None)
        assert (made(app).journal_config is not None) == keeps
    await app.leave()


async def test_without_journals_the_world_is_asked_about_and_one_can_be_begun(
    tmp_path: Path,
) -> None:
    async with hubbub(tmp_path, preferences=Settings(journal="off")) as (app, pilot):
        await until(pilot, lambda: "no journal" in seen(app))
        await command(pilot, "journal on", "save the world first")
        await command(pilot, "save town", "Saved town.hub")
        assert made(app).journal_config is None
        await command(pilot, "journal on", Notice, lambda: "saved to" in seen(app))
        assert app.homes.home.is_named
        await pilot.press("escape")
        await command(pilot, "journal off", "on")


async def test_the_list_says_what_lives_on(tmp_path: Path) -> None:
    async with hubbub(tmp_path) as (app, pilot):
        path = tmp_path / "saves" / "night.hub"
        live = (
            "Not closed properly (recoverable). Opens at tick 1,204 (saved at 1,100, then 104 "
            "ticks)."
        )
        worlds = [
            SavedWorld(path, 1204, 500, "2026-11-20 10:00", 1200, "", live, "not closed"),
            SavedWorld(path, 7, -1, "2026-11-20 10:00", 1200, "", "Opens at tick 7.", "unsaved"),
        ]
        simulator(app).saved = Mock(return_value=worlds)
        await keys(pilot, "o", then=(ListDialog, "not closed", "Opens at tick 1,204"))
        assert all(len(line.rstrip()) <= 80 for line in seen(app).splitlines())
        await pilot.press("down")
        told = app.screen.query_one("#about", Static)
        await until(pilot, lambda: "Opens at tick 7." in str(told.content))


async def test_worlds_that_were_not_closed_are_named_at_the_start(tmp_path: Path) -> None:
    held = FakeSimulator(tmp_path)
    left = SavedWorld(tmp_path / "n.hub", 4, 5, "now", 1, "", "Opens at tick 4.", "not closed")
    held.saved = Mock(return_value=[left])  # type: ignore[method-assign]
    app = held.hubbub()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await until(pilot, lambda: "Recovered after a crash: n." in words(app))
    await app.leave()


def test_a_world_without_a_journal_says_what_to_do() -> None:
    frame = FakeSimulation(World(), "town", None).frame
    assert "Press w to save it, or type :journal on" in durability_text(frame, JournalLocation())


async def test_profiles_are_taken_out_of_a_saved_world_once_agreed_to(tmp_path: Path) -> None:
    async with hubbub(tmp_path) as (app, pilot):
        await command(pilot, "erase all", "Save the world first")
        await opened((app, pilot), "town", lambda: frame_of(app).agents == 500)
        await command(pilot, "erase", "Type which members")
        await command(pilot, "erase 99999", "No member has the id 99999")
        assert app.screen is app.stage
        path, first = tmp_path / "saves" / "town.hub", made(app)
        shown = Confirm, lambda: "interests" in seen(app)
        await command(pilot, "erase openness>0.7 pseudonymise", *shown)
        assert "2 members, openness>0.7" in words(app)
        await press(app, pilot, "no")
        assert simulator(app).erased == []
        for who in ("all", "nobody"):
            await command(pilot, f"erase {who}", Confirm)
            await press(app, pilot, "yes")
            if who == "all":  # what was done stays to be read
                await until(pilot, lambda: "The profiles of all are gone." in seen(app))
                await press(app, pilot, "yes")
            await until(pilot, lambda: app.screen is app.stage and app.frame is not None)
        await until(pilot, lambda: "That is nobody; name members." in said(app))
        assert made(app) is not first
    assert simulator(app).erased == [(path, "all", "erase"), (path, "nobody", "erase")]


async def test_a_save_that_would_lose_a_later_state_asks(tmp_path: Path) -> None:
    async with hubbub(tmp_path) as (app, pilot):
        await opened((app, pilot), "town", lambda: frame_of(app).agents == 500)
        simulator(app).lost = "holds this world at tick 90, later than the current tick 30"
        await command(pilot, "save town", Confirm, lambda: "this world at tick 90" in seen(app))
        await press(app, pilot, "no")
        await until(pilot, lambda: "Not saved" in said(app))
        await command(pilot, "save town", Confirm)
        await press(app, pilot, "yes")
        await until(pilot, lambda: "Saved town.hub" in said(app))
