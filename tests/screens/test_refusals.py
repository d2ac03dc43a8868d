"""What is said where nothing can be done, and what the mouse and rarer keys do."""

import asyncio
import os
import pty
import signal
import termios
import threading
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
from textual.geometry import Offset
from textual.widgets import Button, Input, Select, Static

from sim.core import Parameters, quiet
from sim.errors import HubbubError, InputError
from sim.runtime import PluginChoice, choices, warm
from sim.scenario import ImportedWorld
from sim.settings import Settings
from tests.raising import raises_awaited
from tests.screens.fake import PATCH, FakeSimulation, FakeSimulator, World, card, communities
from tests.screens.showing import picture, shown
from tests.screens.test_app import (
    burst,
    command,
    filled,
    frame_of,
    hubbub,
    inject,
    keys,
    made,
    said,
    seen,
    settled,
    shows,
    until,
    words,
)
from tests.screens.test_terminal import Child
from tui import terminal
from tui.actions.table import ScreenState, has_focus, has_message, is_held_up
from tui.dialogs.dialog import Confirm, Dialog, ListDialog, Notice
from tui.dialogs.form import FormDialog, TextLines
from tui.dialogs.messages import PickModel
from tui.dialogs.progress import in_thread
from tui.dialogs.world import QuitDialog
from tui.draw.community_table import CommunityTable
from tui.draw.curves import Curves
from tui.draw.panes import StripPane
from tui.draw.table import ColumnTable
from tui.key_queue import Pulse
from tui.text import broken, count, counted, ended, hint_for, percent, seconds, titled_count

LACKING = {
    "set probability": "Type a parameter and its value",
    "cancel 7": "There is no message #7; there are #0.",
    "speed": "Type a speed in ticks per second",
    "import": "Type a file, such as `import graph.txt.gz`",
    "path 1": "Type two members by id",
    "export movie": "screenshot",
    "focus one": "whole number from 0",
    "theme dusk": "No theme named 'dusk'",
    "inject seeds=random:4": "A message needs a text",
    "inject text=tea seeds=": "seeds= is empty; type some, such as",
    "inject text=tea model=": "model= is empty; press m for a list.",
    "save other": "press w to replace it",
}


async def test_a_line_that_lacks_something_or_its_message_says_what(tmp_path: Path) -> None:
    async with hubbub(tmp_path) as (app, pilot):
        (tmp_path / "saves" / "other.hub").write_text("x")
        await inject(app, pilot)
        for line, answer in LACKING.items():
            await command(pilot, line, answer)
        await command(pilot, "cancel 0", lambda: frame_of(app).sessions[0].status == "cancelled")
        await command(pilot, "cancel 0", "only a running one can be stopped")
        await command(pilot, "set probability 0.2", "its parameters can no longer be changed")


async def test_a_world_with_a_file_is_saved_there_before_it_is_left(tmp_path: Path) -> None:
    async with hubbub(tmp_path, preferences=Settings(journal="off")) as (app, pilot):
        await command(pilot, "save mine")
        await command(pilot, "step 1")
        await burst(app, pilot, "q")
        await until(pilot, lambda: isinstance(app.screen, QuitDialog))
        await keys(pilot, "enter", then=lambda: not app.is_running)
        assert made(app).asked.count(("save", tmp_path / "saves" / "mine.hub")) == 2


async def test_a_world_is_left_unsaved_where_that_is_wished_and_stays_where_not(
    tmp_path: Path,
) -> None:
    async with hubbub(tmp_path) as (app, pilot):
        await command(pilot, "step 1")
        graph = tmp_path / "g.txt"
        graph.write_text("0 1\n1 2\n2 0\n")
        await command(pilot, f"import {graph}", QuitDialog)
        app.screen.query_one("#no", Button).press()
        await until(pilot, lambda: app.screen is app.stage)
        assert frame_of(app).agents == 7624
        await command(pilot, f"import {graph}", QuitDialog)
        app.screen.query_one("#drop", Button).press()
        await until(pilot, lambda: frame_of(app).agents == 3)


async def test_a_picture_never_replaces_what_is_none(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    async with hubbub(tmp_path) as (app, pilot):
        await command(
            pilot, f"export screenshot {tmp_path}/notes.txt", lambda: "exists" in seen(app)
        )
    assert (tmp_path / "notes.txt").read_text() == "mine"


async def test_panes_are_gone_through_both_ways_filled_and_copied(tmp_path: Path) -> None:
    async with hubbub(tmp_path) as (app, pilot):
        await inject(app, pilot)
        await keys(pilot, "y", then=lambda: "Nothing to copy" in said(app))
        await keys(pilot, "z", then=lambda: app.screen.maximized is not None)
        assert "PAUSED" in seen(app)
        await keys(pilot, "z", then=lambda: app.screen.maximized is None)
        await pilot.press("tab")
        first = app.screen.focused
        await keys(pilot, "tab", "shift+tab", then=lambda: app.screen.focused is first)
        await keys(pilot, "z", then=lambda: app.screen.maximized is not None)
        await keys(pilot, "2", then=lambda: app.situation().mode == "groups")
        await until(pilot, lambda: app.screen.maximized is None)
        await keys(pilot, "1", "z", then=lambda: app.screen.maximized is not None)
        await keys(pilot, "escape", then=lambda: app.screen.maximized is None)
        app.screen.query_one("#stories").focus()
        await keys(pilot, "y", then=lambda: "Copied" in said(app))
        assert "the bridge" in app.clipboard
        await keys(pilot, "escape", "escape", then=lambda: "advances one tick" in said(app))
        await command(pilot, "command", lambda: isinstance(app.focused, Input))
        await keys(pilot, "down", "enter", then=lambda: not isinstance(app.focused, Input))


async def test_bars_and_messages_can_be_clicked(tmp_path: Path) -> None:
    async with hubbub(tmp_path) as (app, pilot):
        await inject(app, pilot)
        await pilot.click("#modes", Offset(12, 0))
        await until(pilot, lambda: app.situation().mode == "groups")
        await pilot.click("#modes", Offset(3, 0))
        await until(pilot, lambda: app.situation().mode == "live")
        await pilot.click("#modes", Offset(60, 0))
        await pilot.click("#footer", Offset(14, 0))
        await until(pilot, lambda: ("step", 1) in made(app).asked)
        await pilot.click("#stories", Offset(5, 1))
        await until(pilot, lambda: made(app).asked[-1] == ("focus", 0))
        await keys(pilot, "2", then=lambda: app.situation().mode == "groups")


async def test_a_community_chosen_on_the_map_is_shown_in_groups(tmp_path: Path) -> None:
    async with hubbub(tmp_path, (160, 48)) as (app, pilot):
        await inject(app, pilot)
        await keys(pilot, "2", then=lambda: app.groups.query_one("#table").has_focus)
        await keys(pilot, "down", "down", then=lambda: app.groups.community == 2)
        await until(pilot, lambda: "3 of 5 " in seen(app))
        await command(pilot, "live", lambda: app.situation().mode == "live")
        app.screen.query_one("LiveMode #map").focus()
        await keys(pilot, "right", "enter", then=lambda: app.situation().mode == "groups")


async def test_the_totals_of_communities_are_the_same_in_every_pane(tmp_path: Path) -> None:
    async with hubbub(tmp_path, (160, 48)) as (app, pilot):
        many = communities(0, live=False)
        many = replace(many, total=802, labels=np.array([0, 1, 2, 3, -1]))
        simulation = made(app)
        frame = simulation._frame
        simulation._frame = lambda: replace(frame(), communities=many)  # type: ignore[method-assign]
        simulation.changed()
        await shows(pilot, "7,624 members in 802 communities.", "Ever adopted (4 of 802)")
        await shows(pilot, "Ever adopted (4 of 802)", "the 4 largest of 802 known communities")
        await keys(pilot, "2", then="1 of 802 ")
        app.groups.choose(4)
        await shows(pilot, "several communities", "none yet")
        app.groups.choose(9)
        await until(pilot, lambda: "No community selected." in seen(app))


def test_long_spans_and_shares_are_short_and_no_communities_none() -> None:
    assert titled_count(None) == ""
    assert counted(1, 1) == "1 community"
    assert seconds(0.04) == "40 ms"
    assert seconds(180) == "3 min"
    assert (count(1204.4), percent(0.413)) == ("1,204", "41.3%")


async def test_seeds_that_are_not_told_are_asked_for(tmp_path: Path) -> None:
    async with hubbub(tmp_path) as (app, pilot):
        await filled(pilot, FormDialog, "i")
        app.screen.query_one("#text", TextLines).value = "tea"
        for kind, answer in (
            ("ids", "No seeds; type ids such as 0, 33."),
            ("query", "The query is empty"),
            ("community", "Choose a community first."),
        ):
            app.screen.query_one("#kind", Select).value = kind
            await keys(pilot, then=answer)


async def test_dialogs_say_to_wait_while_their_lists_are_sought(tmp_path: Path) -> None:
    async with hubbub(tmp_path) as (app, pilot):
        wait, loop = asyncio.Event(), asyncio.get_running_loop()

        def slow() -> Any:
            asyncio.run_coroutine_threadsafe(wait.wait(), loop).result()
            return []

        simulator: Any = app.simulator  # type: ignore[attr-defined]
        before = simulator.models, simulator.networks, simulator.saved
        simulator.models = simulator.networks = slow
        simulator.saved = lambda _: slow()
        for key, dialog, answer in (
            *((key, FormDialog, "The form is still loading") for key in "in"),
            ("o", ListDialog, "Nothing to open yet"),
        ):
            await keys(pilot, key, then=dialog)
            app.screen.query_one("#yes", Button).press()
            await keys(pilot, then=answer)
            await keys(pilot, "escape", then=lambda: app.screen is app.stage)
        simulator.models, simulator.networks, simulator.saved = before
        wait.set()
        await keys(pilot, "o", then="No saved worlds in")


class Required(Parameters):
    plugin_name = "preferential-attachment"
    mean_degree: float


async def test_a_field_that_must_be_filled_is_named(tmp_path: Path) -> None:
    async with hubbub(tmp_path) as (app, pilot):
        await filled(pilot, FormDialog, "n")
        form: Any = app.screen
        await form.ask_parameters(card(Required))
        await keys(pilot, "enter", then="mean_degree is required")
        assert isinstance(app.screen, FormDialog)
        await form.ask_parameters(PluginChoice("plain", "nothing to choose", Parameters))
        await until(pilot, lambda: "There are no parameters." in seen(app))


async def test_no_is_a_button_too_and_a_dialog_without_a_result_stays(tmp_path: Path) -> None:
    async with hubbub(tmp_path) as (app, pilot):
        answers: list[bool | None] = []
        app.push_screen(Confirm("Sure?", "It is gone then.", yes="Do", no="Keep"), answers.append)
        await until(pilot, lambda: "It is gone then." in seen(app))
        app.screen.query_one("#no", Button).press()
        await until(pilot, lambda: answers == [None])
        bare: Dialog[bool] = Dialog("Bare")
        app.push_screen(bare)
        await until(pilot, lambda: "Bare" in seen(app))
        await pilot.press("enter")
        await settled(app, pilot)
        assert app.screen is bare


async def test_help_without_keys_of_its_own_and_the_palette_run_acts(tmp_path: Path) -> None:
    async with hubbub(tmp_path) as (app, pilot):
        await inject(app, pilot)
        await keys(pilot, "semicolon", then="Search")
        await keys(pilot, *"Speed max", then=":speed max")
        await keys(pilot, "enter", then=lambda: app.speed is None or app.screen is not app.stage)
        if app.speed is not None:
            await pilot.press("enter")
        await until(pilot, lambda: app.speed is None)


async def test_settings_that_name_no_theme_are_said_and_symbols_are_taken(tmp_path: Path) -> None:
    wanted = Settings(theme="pink", symbols="block")
    async with hubbub(tmp_path, preferences=wanted) as (app, pilot):
        await until(pilot, lambda: "No theme named 'pink'" in seen(app))
        assert app.screen.query_one(Curves).symbols == "block"


async def test_before_a_world_is_open_the_loading_screen_says_what_is_wrong(tmp_path: Path) -> None:
    app = FakeSimulator(tmp_path).hubbub(path=tmp_path / "broken.hub")
    with pytest.raises(InputError, match="No world is open yet"):
        _ = app.simulation
    app.redraw()
    app.go("groups")
    app.ask_command("")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "cut off" in words(app))
        await keys(pilot, "space", then="No world is open yet")
    await app.leave()
    for when in (has_message, has_focus, is_held_up):
        assert "No world is open yet" in when(ScreenState())


async def test_a_pulse_that_was_lost_holds_up_no_key(tmp_path: Path) -> None:
    async with hubbub(tmp_path) as (app, pilot):
        app.ahead._rounds, app.ahead._newest = 1, 10**6
        app.ahead._bearer = Static()
        app.ahead._begin()
        await keys(pilot, "full_stop", then=lambda: ("step", 1) in made(app).asked)
        await app.ahead.back(Pulse(-1))


async def test_keys_go_on_after_a_while_though_an_act_opens_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.key_queue.LONGEST", 0.0)
    async with hubbub(tmp_path) as (app, pilot):
        app.ahead.opens(object())
        await keys(pilot, "full_stop", then=lambda: ("step", 1) in made(app).asked)


async def test_leaving_does_not_wait_for_a_step_that_does_not_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.app.PATIENCE", 0.01)
    async with hubbub(tmp_path) as (app, pilot):
        forever = asyncio.Event()

        async def step(ticks: int = 1) -> None:
            await forever.wait()

        made(app).step = step  # type: ignore[method-assign]
        await keys(pilot, "full_stop", "q", then=lambda: not app.is_running)


async def test_work_that_ends_by_an_exit_or_a_stop_iteration_is_an_error() -> None:
    def leave() -> None:
        raise SystemExit(3)

    await raises_awaited(RuntimeError, "SystemExit: 3", in_thread(leave))
    with pytest.raises(RuntimeError, match=r"^StopIteration: nothing left$"):
        await asyncio.wait_for(in_thread(partial(_stops, "nothing left")), 30)


# -- figures and sentences ----------------------------------------------------------------------


def test_hints_fit_the_moment() -> None:
    frame = FakeSimulation(World(), "w", None).frame
    assert hint_for(None, {}) == ""
    sent = FakeSimulation(World(), "w", None)
    asyncio.run(sent.inject("a", seeds="top:1", model="viral"))
    playing = replace(sent.frame, state="playing")
    assert hint_for(playing, {}).startswith("space pauses")
    assert hint_for(replace(playing, state="paused", communities=None), {}).startswith(
        ":detect finds"
    )
    assert hint_for(frame, {}).startswith("Press i")
    assert ended(3, "failed", 1, 2, None) == (
        "Message #3 failed: unknown reason", "error",
    )  # fmt: skip
    assert "unknown error" in broken(None)


# -- widgets ------------------------------------------------------------------------------------


async def test_panes_without_anything_to_draw_are_blank_or_say_so() -> None:
    pane = StripPane()
    async with shown(pane, (20, 5)):
        pane.placeholder = "Nothing."
        assert "Nothing." in picture(pane.paint(20, 5))
        assert pane.render_line(99).text.strip() == ""
    table = ColumnTable()
    async with shown(table, (20, 5)) as pilot:
        table.sort(3, descending=True)
        await pilot.press("down", "enter")
        assert "No rows." in picture(table.paint(20, 5))


async def test_a_row_clicked_twice_opens_its_members(tmp_path: Path) -> None:
    async with hubbub(tmp_path, (160, 48)) as (app, pilot):
        await keys(pilot, "2", then="Iceland")
        table = app.groups.query_one(CommunityTable)
        await pilot.click(table, Offset(4, 4))
        await until(pilot, lambda: app.groups.community == 2)
        table.select(0)
        assert table.selected == 0
        assert not app.groups.back()


async def test_lists_forget_their_communities_with_the_world() -> None:
    frame = replace(FakeSimulation(World(), "w", None).frame, communities=None)
    table, curves = CommunityTable(), Curves()
    async with shown(table, (40, 6)):
        table.show(frame)
        assert "No communities are known" in picture(table.paint(40, 6))
    async with shown(curves, (40, 6)):
        curves.show(frame)
        assert "No message yet" in picture(curves.paint(40, 6))


# -- the rooms ----------------------------------------------------------------------------------


def test_rooms_refuse_options_that_they_do_not_know(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="'colour'"):
        ImportedWorld.typed(tmp_path / "g.txt", {"colour": "red"})
    (tmp_path / "g.txt").write_text("0 1\n1 2\n")
    found = ImportedWorld.typed(tmp_path / "g.txt", {"directed": "no"}).make(quiet)
    assert len(found.world.agents) == 3
    assert "imported 3 members and 4 ties (two per pair)" in found.report.describe()
    card = choices.networks()[0]
    assert card.check(card.parameters[0].name, "many") != ""


async def test_settings_that_are_wrong_are_said(tmp_path: Path) -> None:
    async with hubbub(tmp_path) as (app, pilot):
        error = HubbubError("theme must be a text.")
        PATCH.setattr(app.upkeep.watch, "changed", Mock(side_effect=error))
        await app.upkeep.look_at_settings()
        await until(pilot, lambda: "theme must be a text." in seen(app))


def test_a_model_that_does_not_exist_is_not_prepared(tmp_path: Path) -> None:
    told: list[str] = []
    for _ in range(2):
        warm(("no-such-model",), lambda stage, _: told.append(stage))
    assert told == ["preparing no-such-model", "ready"] * 2


# -- the terminal -------------------------------------------------------------------------------


def test_a_terminal_is_given_back_cooked_with_its_cursor() -> None:
    ours, theirs = pty.openpty()
    try:
        mode = termios.tcgetattr(theirs)
        mode[3] &= ~(termios.ICANON | termios.ECHO)
        termios.tcsetattr(theirs, termios.TCSANOW, mode)
        terminal.restore(theirs)
        assert termios.tcgetattr(theirs)[3] & (termios.ICANON | termios.ECHO)
        assert b"\x1b[?25h" in os.read(ours, 4096)
        assert not terminal.hung_up(theirs)
    finally:
        os.close(ours)
    assert terminal.hung_up(theirs)
    os.close(theirs)
    terminal.restore(-1)


def test_a_second_signal_does_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    forced: list[int] = []
    monkeypatch.setattr(terminal, "GRACE_SECONDS", 3600.0)  # or it ends the tests themselves
    monkeypatch.setattr(terminal, "restore", lambda: forced.append(0))
    monkeypatch.setattr("tui.terminal.os._exit", forced.append)
    received: dict[int, threading.Timer] = {}
    terminal._signalled(lambda: forced.append(-1), signal.SIGTERM, received)
    assert (forced, list(received)) == ([-1], [15])
    terminal._signalled(lambda: None, signal.SIGTERM, received)
    assert forced[:3] == [-1, 0, 128 + 15]


class Standing:
    """A stream with a number."""

    def fileno(self) -> int:
        return 2


async def test_a_terminal_that_vanishes_ends_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "WATCH_SECONDS", 0.0)
    monkeypatch.setattr(terminal, "hung_up", lambda _: True)
    monkeypatch.setattr("tui.terminal.sys.__stdin__", Standing())
    monkeypatch.setattr(terminal, "GRACE_SECONDS", 3600.0)
    ends: list[int] = []
    received: dict[int, threading.Timer] = {}
    await terminal._watch_terminal(lambda: ends.append(1), received)
    assert (ends, list(received)) == ([1], [signal.SIGHUP])


def test_the_program_begins_on_a_terminal_with_the_colours_asked_for(tmp_path: Path) -> None:
    more = """
from tui.app import main
sys.exit(main(saves=None, fps=4, theme="hubbub-light"))
"""
    with closing(Child(tmp_path, more)) as child:
        child.read_until(b"RUNNING")
        os.write(child.master, b"q")
        assert child.end() == 0


async def test_a_list_of_models_can_be_empty_of_families(tmp_path: Path) -> None:
    async with hubbub(tmp_path) as (app, pilot):
        picker = PickModel([PluginChoice("plain", "nothing to choose", Parameters)])
        app.push_screen(picker)
        await until(pilot, lambda: "nothing to choose" in seen(app))
        app.push_screen(Notice("Above", "x"))
        picker.fit(3)
        await until(pilot, lambda: "Above" in seen(app))


def _stops(why: str) -> None:
    raise StopIteration(why)
