"""The program on the real simulator: send, run, pause, step, save, reopen, go on."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Select

from sim import Channel, ChannelView, Field, register
from sim.spread.influence import live_edges, opim
from tests.screens.test_app import (
    command,
    filled,
    frame_of,
    keys,
    recording,
    said,
    seen,
    settled,
    shows,
    until,
)
from tui.app import Hubbub
from tui.dialogs.dialog import ErrorDialog, ListDialog, Notice
from tui.dialogs.form import FormDialog, TextLines
from tui.dialogs.messages import ModelField
from tui.dialogs.world import SaveDialog

Hub = tuple[Hubbub, Pilot[int]]


@asynccontextmanager
async def hubbub(
    saves: Path, size: tuple[int, int] = (80, 24), path: Path | None = None
) -> AsyncIterator[Hub]:
    app = recording(Hubbub(saves, path=path))
    async with app.run_test(size=size, notifications=True) as pilot:
        await until(pilot, lambda: app.stage is not None and app.stage.is_mounted)
        await settled(app, pilot)
        yield app, pilot
    await app.leave()


async def test_the_best_seeds_are_found_beside_the_engine_and_their_reach_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opim, "LEAST_SETS", 1 << 10)
    monkeypatch.setattr(opim, "COVERED", 1)
    monkeypatch.setattr(live_edges, "MOST_RUNS", 100)
    async with hubbub(tmp_path) as (app, pilot):
        await until(pilot, lambda: "7,624 members" in seen(app))
        await filled(pilot, FormDialog, "i")
        app.screen.query_one("#text", TextLines).value = "The bridge is closed."
        app.screen.query_one("#amount", Input).value = "3"
        app.screen.query_one("#kind", Select).value = "best"
        await until(pilot, lambda: "the optimum" in seen(app))
        assert "3 seeds with" in seen(app)
        assert "Expected:" in seen(app)
        await keys(pilot, "enter", then=lambda: frame_of(app).focus is not None)


@pytest.mark.parametrize("size", [(80, 24), pytest.param((160, 48), marks=pytest.mark.slow)])
async def test_a_message_is_sent_runs_is_saved_and_goes_on_after_reopening(
    tmp_path: Path, size: Any
) -> None:
    async with hubbub(tmp_path, size) as (app, pilot):
        await until(pilot, lambda: "7,624 members" in seen(app))
        await filled(pilot, FormDialog, "i")
        app.screen.query_one(ModelField).value = "sir"
        app.screen.query_one("#text", TextLines).value = "The bridge is closed."
        await until(pilot, lambda: "40 seeds with" in seen(app))
        await keys(pilot, "enter", then=lambda: frame_of(app).focus is not None)
        await command(pilot, "speed 50")
        await keys(pilot, "space", then=lambda: frame_of(app).tick >= 5)
        await keys(pilot, "space", then="PAUSED")
        tick = frame_of(app).tick
        await keys(pilot, "full_stop", then=(lambda: frame_of(app).tick == tick + 1, "Country"))
        await keys(pilot, "w", then=SaveDialog)
        await keys(pilot, "enter", then=lambda: "Saved lastfm-asia.hub" in said(app))
        reached = frame_of(app).focus.reached
        await keys(pilot, "q", then=lambda: not app.is_running)
    async with hubbub(tmp_path, size, tmp_path / "lastfm-asia.hub") as (app, pilot):
        assert frame_of(app).tick == tick + 1
        assert frame_of(app).focus.reached == reached
        await command(pilot, "step 3", lambda: frame_of(app).tick == tick + 4)
        await keys(pilot, "2", then="Most followed")


async def test_a_message_goes_over_a_strangers_channel(tmp_path: Path) -> None:
    class Near(Channel):
        """Ties within a community."""

        least: float = Field(0.0, ge=0, le=1, description="trust from which a tie carries")

        def contacts(self, network: ChannelView) -> Any:
            return network.same_community & (network.trust >= self.least)

    register("screen-near")(Near)
    async with hubbub(tmp_path, (100, 30)) as (app, pilot):
        await filled(pilot, FormDialog, "i")
        app.screen.query_one(ModelField).value = "sir"
        app.screen.query_one("#text", TextLines).value = "The bridge is closed."
        app.screen.query_one("#channel", Input).value = "screen-near,least=3"
        await until(pilot, lambda: "least must be in [0, 1]" in seen(app))
        app.screen.query_one("#channel", Input).value = "screen-near,least=0.1"
        await until(pilot, lambda: "40 seeds with" in seen(app))
        await keys(pilot, "enter", then=lambda: frame_of(app).focus is not None)
        await command(pilot, "inject text=x model=viral channel=screen-nea")
        await until(pilot, lambda: "Did you mean 'screen-near'" in said(app))
        (tmp_path / "b.gif").write_bytes(b"GIF89a")
        more = f"image={tmp_path}/b.gif alt=Bridge"
        await command(pilot, f"inject text=x model=viral channel=screen-near {more}")
        await until(pilot, lambda: len(frame_of(app).sessions) == 2)
        assert frame_of(app).sessions[1].text == "x [picture: Bridge]"
        await command(pilot, "step 3", lambda: frame_of(app).tick == 3)
        assert {row.status for row in frame_of(app).sessions} <= {"running", "quiet"}
        assert getattr(app.last_order, "channel", "") == "screen-near"


MINE = """
from sim import Compartments, contact, register

version = "0.1"


@register("screen-mine")
class Mine(Compartments):
    states, seeded = ("open", "told"), "told"
    rules = (contact("open", "told", by="told", chance=1.0),)
"""


async def test_a_model_of_ones_own_comes_while_the_screen_is_open(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(MINE)
    async with hubbub(tmp_path) as (app, pilot):
        await until(pilot, lambda: "7,624 members" in seen(app))
        await command(pilot, f"plugin {tmp_path}/none.py", ErrorDialog)
        assert "no such plugin file" in seen(app)
        await pilot.press("enter")
        await command(pilot, f"plugin {tmp_path}/mine.py", "Loaded screen-mine 0.1; i sends")
        await keys(pilot, "i", then=FormDialog)
        assert app.screen.query_one(ModelField).value == "screen-mine"
        await until(pilot, lambda: "no parameters" in seen(app))
        await pilot.press(*"Hi")
        await keys(pilot, "enter", then=lambda: frame_of(app).focus is not None)
        assert frame_of(app).focus.model == "screen-mine"
        await keys(pilot, "i", then=FormDialog)
        await pilot.press(*"Again")  # in place of what was sent last
        await keys(pilot, "enter", then=lambda: len(frame_of(app).sessions) == 2)
        assert frame_of(app).sessions[-1].text == "Again"
        for words, told in (("pane", "pane.svg"), ("run html", "run.html"), ("run csv", "run")):
            await command(pilot, f"export {words} {tmp_path}/{told}", f"Wrote {tmp_path}/{told}")
        assert "A single run" in (tmp_path / "run.html").read_text()
        assert (tmp_path / "run" / "adoptions.csv").is_file()


async def test_bad_input_is_answered_by_the_engine_in_one_sentence(tmp_path: Path) -> None:
    async with hubbub(tmp_path) as (app, pilot):
        for line, answer in (
            ("inject text=x model=viril", "Did you mean 'viral'"),
            ("inject text=x model=sir beta=1.5", "beta must be in [0, 1], got '1.5'"),
            ("inject text=x model=sir seeds=ids:9999999", "9999999"),
            ("inject text=x model=sir seeds=community:Country:5", "Did you mean"),
            ("inject text=x model=sir author=Nobody", "Nobody"),
            ("path 1 9999999", "9999999"),
            ("run 0", "whole number from 1"),
        ):
            await command(pilot, line, answer)
        assert frame_of(app).sessions == ()
        (tmp_path / "broken.hub").write_bytes(b"not a world")
        (tmp_path / "words.csv").write_text("a,b\n1,2\n3\n")
        await command(pilot, "open broken", ErrorDialog)
        await pilot.press("enter")
        await command(pilot, f"import {tmp_path}/words.csv")
        await until(pilot, lambda: isinstance(app.screen, ErrorDialog) and "line 3" in seen(app))
        await pilot.press("enter")
        await keys(pilot, "o", then=(ListDialog, "damaged"))
        await pilot.press("escape")


async def test_a_new_world_is_made_and_its_network_measured(tmp_path: Path) -> None:
    async with hubbub(tmp_path, (160, 48)) as (app, pilot):
        await filled(pilot, FormDialog, "n")
        app.screen.query_one("#network", Select).focus()
        await keys(pilot, *"prefer", "enter", "tab", then="preferential-attachment  ")
        app.screen.query_one("#agents", Input).value = "1,000"
        await shows(pilot, lambda: len(app.screen.query("#form Row")) == 1, "Needs about")
        await keys(pilot, "enter", then=lambda: frame_of(app).agents == 1000)
        await command(pilot, "detect label-propagation")
        await until(pilot, lambda: frame_of(app).communities is not None)
        await command(pilot, "path 0 999", Notice)
        await pilot.press("enter")
        await command(pilot, "report", lambda: "Most influential" in seen(app))


async def test_the_screen_may_be_drawn_while_one_world_leaves_and_another_comes(
    tmp_path: Path,
) -> None:
    async with hubbub(tmp_path) as (app, pilot):
        await until(pilot, lambda: "7,624 members" in seen(app))
        await app.part()
        app.redraw(whole=False)
        assert "7,624 members" in seen(app)
