"""The program through its keys, on a scripted simulation, at both sizes."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from textual.events import Key, Paste
from textual.pilot import Pilot
from textual.widgets import Button, Input, Select, Static

from sim.errors import InputError
from sim.settings import Settings
from tests.screens.fake import PATCH, FakeSimulation, FakeSimulator
from tui.actions.messages import _refuse_ended
from tui.actions.palette import ActionProvider
from tui.actions.table import ACTIONS
from tui.app import Hubbub
from tui.dialogs.dialog import Confirm, ErrorDialog, ListDialog, Notice
from tui.dialogs.form import FormDialog, TextLines
from tui.dialogs.messages import ModelField
from tui.dialogs.progress import Loading
from tui.dialogs.view import HelpDialog, act_of
from tui.dialogs.world import QuitDialog, SaveDialog
from tui.draw.curves import Curves
from tui.modes.live import ParametersPane

SIZES = [(80, 24), pytest.param((160, 48), marks=pytest.mark.slow)]
Hub = tuple[Hubbub, Pilot[int]]


@asynccontextmanager
async def hubbub(
    tmp_path: Path, size: tuple[int, int] = (80, 24), **given: Any
) -> AsyncIterator[Hub]:
    saves = tmp_path / "saves"
    saves.mkdir(exist_ok=True)
    app = recording(FakeSimulator(saves).hubbub(**given))
    async with app.run_test(size=size, notifications=True) as pilot:
        await until(pilot, lambda: app.stage is not None and app.stage.is_mounted)
        await settled(app, pilot)
        yield app, pilot
    await app.leave()


async def until(pilot: Pilot[int], holds: Any, seconds: float = 90.0) -> None:
    """Wait as long as a busy machine may need; only what never comes to pass fails.

    A dialog that is there by then is whole: what it is made of comes a little later than itself.
    """
    end, app = time.monotonic() + seconds, pilot.app
    while not (holds() and all(screen.is_mounted for screen in app.screen_stack)):
        assert time.monotonic() < end, seen(cast("Hubbub", pilot.app))
        await pilot.pause(0.02)


async def settled(app: Hubbub, pilot: Pilot[int]) -> None:
    """Wait until every key has done what it does, and what it began besides a dialog is over."""
    ahead = app.ahead
    await until(pilot, lambda: not (ahead.is_waiting or ahead._kept or app._quick))
    await pilot.pause()


def frame_of(app: Hubbub) -> Any:
    return app.frame


def made(app: Hubbub) -> FakeSimulation:
    return app.simulator.made[-1]  # type: ignore[attr-defined,no-any-return]


class Recorder(list[str]):
    """Every sentence said since the last command: the line itself forgets after a while."""

    def __init__(self, app: Hubbub) -> None:
        super().__init__()
        self._app, self._say = app, app.say

    def __call__(self, text: str, kind: str = "info") -> None:
        self._say(text, kind)
        stage = self._app.stage
        self.append(str(stage.query_one("#said", Static).content) if stage else "")


def recording(app: Hubbub) -> Hubbub:
    app.say = Recorder(app)  # type: ignore[method-assign]
    return app


def said(app: Hubbub) -> str:
    return "\n".join(cast("list[str]", app.say))


def seen(app: Hubbub) -> str:
    """Everything on the screen as text."""
    strips = app.screen._compositor.render_strips()
    return "\n".join(strip.text for strip in strips[: app.size.height])


def words(app: Hubbub) -> str:
    """Everything on the screen as one line: a sentence wraps where a path in it is long."""
    return " ".join(seen(app).split())


async def typed(pilot: Pilot[int], text: str) -> None:
    """Type a text into whatever has the focus, then Enter."""
    app = cast("Hubbub", pilot.app)
    await until(pilot, lambda: isinstance(app.focused, Input))
    cast("Input", app.focused).value = text
    await pilot.press("enter")
    await settled(app, pilot)


Then = str | type | Callable[[], Any]


async def command(pilot: Pilot[int], line: str, *then: Then) -> None:
    """Give a line, and wait in turn for words that are said then, a dialog, or what holds then."""
    app = cast("Hubbub", pilot.app)
    cast("list[str]", app.say).clear()
    await pilot.press("colon")
    await typed(pilot, line)
    for one in then:
        told = (lambda one=one: one in said(app)) if isinstance(one, str) else one
        await shows(pilot, told)


async def keys(pilot: Pilot[int], *pressed: str, then: Then | tuple[Then, ...]) -> None:
    """Press keys, and wait for what is shown then."""
    await pilot.press(*pressed)
    await shows(pilot, *(then if isinstance(then, tuple) else (then,)))


async def shows(pilot: Pilot[int], *then: Then) -> None:
    """Wait in turn for words on the screen, a dialog, or what holds then."""
    for one in then:
        await until(pilot, lambda one=one: comes(cast("Hubbub", pilot.app), one))


def comes(app: Hubbub, then: Then) -> Any:
    if isinstance(then, str):
        return then in seen(app)
    return isinstance(app.screen, then) if isinstance(then, type) else then()


async def filled(pilot: Pilot[int], dialog: type, *pressed: str) -> None:
    """Press keys, and wait until a dialog is there with the fields of its form."""
    await keys(pilot, *pressed, then=(dialog, lambda: pilot.app.screen.query("#form Row")))


async def inject(app: Hubbub, pilot: Pilot[int], text: str = "the bridge is closed") -> None:
    """Send a message, and wait until a frame has it; panes draw it when it is their turn."""
    shown = len(app.frame.sessions) if app.frame is not None else 0
    await command(pilot, f"inject text='{text}'")
    await until(pilot, lambda: app.frame is not None and len(app.frame.sessions) > shown)
    await settled(app, pilot)


async def test_a_plugin_named_for_this_run_is_chosen_in_the_dialog(tmp_path: Path) -> None:
    async with hubbub(tmp_path, preferences=Settings(model="viral")) as (app, pilot):
        await filled(pilot, FormDialog, "i")
        assert app.screen.query_one(ModelField).value == "viral"
        await pilot.press("escape")


LINES = "Flood in the north.\r\n  Stay at home.\n\nCall 112.\n"
LINE = "Flood in the north. Stay at home. Call 112."


async def test_all_lines_of_what_is_pasted_are_in_a_field_of_one_line(tmp_path: Path) -> None:
    async with hubbub(tmp_path) as (app, pilot):
        await filled(pilot, FormDialog, "i")
        lines = app.screen.query_one("#text", TextLines)
        app.post_message(Paste(LINES))
        await until(pilot, lambda: lines.value == LINES.replace("\r\n", "\n"))
        for field in app.screen.query(Input):
            if field.type == "text" and not field.restrict and field.display:
                field.value = ""
                field.focus()
                await pilot.pause()
                app.post_message(Paste(LINES))
                await until(pilot, lambda field=field: field.value == LINE)
        field.value = ""
        app.copy_to_clipboard(LINES)
        field.action_paste()
        assert field.value == LINE
        field.value = "Hello"
        app.post_message(Paste(" and more\n"))
        await until(pilot, lambda: field.value == "Hello and more")
        app.copy_to_clipboard(" too ")
        field.action_paste()
        assert field.value == "Hello and more too "
        await pilot.press("escape")
        app.copy_to_clipboard(LINES)
        app.set_focus(None)
        assert app.clipboard == LINES


@pytest.mark.parametrize("size", SIZES)
async def test_it_opens_paused_at_tick_0_and_says_what_to_press(tmp_path: Path, size: Any) -> None:
    async with hubbub(tmp_path, size) as (app, pilot):
        await until(pilot, lambda: "Press i" in said(app))
        text = seen(app)
        assert "PAUSED" in text
        assert "tick 0" in text
        assert "7,624 members" in text
        assert "lastfm-asia" in text


async def test_the_first_paint_is_the_loading_screen(tmp_path: Path) -> None:
    app = FakeSimulator(tmp_path).hubbub()
    assert isinstance(app.get_default_screen(), Loading)


async def test_a_world_that_cannot_be_opened_is_said_and_another_can_be_made(
    tmp_path: Path,
) -> None:
    app = FakeSimulator(tmp_path).hubbub(path=tmp_path / "broken.hub")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "cut off" in words(app))
        await filled(pilot, FormDialog, "n")
        await keys(pilot, "enter", then=lambda: app.stage is not None)


@pytest.mark.parametrize("size", SIZES)
async def test_space_runs_and_pauses(tmp_path: Path, size: Any) -> None:
    async with hubbub(tmp_path, size) as (app, pilot):
        await inject(app, pilot)
        await keys(pilot, "space", then="RUNNING")
        assert made(app).asked[-1] == ("play", 2.0)
        await until(pilot, lambda: "2.0/s, at 4.9/s" in seen(app))
        await keys(pilot, "space", then="PAUSED")
        assert made(app).asked[-1] == ("pause",)


async def test_faster_keeps_the_end_of_playing_and_the_bar_says_pausing_at_once(
    tmp_path: Path,
) -> None:
    async with hubbub(tmp_path) as (app, pilot):
        await inject(app, pilot)
        await keys(pilot, "space", then="RUNNING")
        await keys(pilot, "plus", then=lambda: made(app).asked[-1] == ("play", 5.0))
        assert made(app).until_quiet
        made(app).pause = never  # type: ignore[method-assign]
        await keys(pilot, "space", then="PAUSING")


async def never() -> None:
    """Pause as slowly as a long tick would."""
    await asyncio.sleep(60)


async def test_steps_one_and_many(tmp_path: Path) -> None:
    async with hubbub(tmp_path) as (app, pilot):
        await pilot.press("full_stop")
        await burst(app, pilot, "12>")
        await until(pilot, lambda: frame_of(app).tick == 13)
        assert app.situation().mode == "live"
        steps = [call for call in made(app).asked if call[0] == "step"]
        assert steps == [("step", 1), ("step", 12)]
        await command(pilot, "run 7", lambda: frame_of(app).tick == 20)
        assert ("play", 2.0) in made(app).asked
        await until(pilot, lambda: "tick 20" in seen(app))


async def test_speed_goes_up_down_and_to_what_is_typed(tmp_path: Path) -> None:
    async with hubbub(tmp_path) as (app, pilot):
        await keys(pilot, "space", then=lambda: "Nothing to run: send a message (i)" in said(app))
        assert not made(app).asked
        await keys(pilot, "plus", then=lambda: app.speed == 5)
        await keys(pilot, "minus", "minus", then=lambda: app.speed == 1)
        await command(pilot, "speed max", lambda: app.speed is None)
        await until(pilot, lambda: "speed max" in seen(app))
        await command(pilot, "speed fast", "'fast'")
        await inject(app, pilot)
        await keys(pilot, "space", "minus", then=lambda: made(app).asked[-1] == ("play", 500.0))


@pytest.mark.parametrize("size", SIZES)
async def test_a_message_is_sent_through_the_dialog(tmp_path: Path, size: Any) -> None:
    async with hubbub(tmp_path, size) as (app, pilot):
        await filled(pilot, FormDialog, "i")
        app.screen.query_one("#text", TextLines).value = "tea is served"
        await shows(pilot, "40 seeds with 3,104 followers", "Topics: jazz, tea.")
        await keys(pilot, "enter", then=lambda: not isinstance(app.screen, FormDialog))
        asked = made(app).asked[-1]
        assert asked[:4] == ("inject", "tea is served", "top:40:pagerank", "independent-cascade")
        assert asked[4]["probability"] == "0.1"
        await shows(pilot, lambda: "Message #0 sent" in said(app), "tea is served")


async def test_probability_above_1_is_said_in_a_sentence_and_nothing_is_sent(
    tmp_path: Path,
) -> None:
    async with hubbub(tmp_path) as (app, pilot):
        await filled(pilot, FormDialog, "i")
        app.screen.query_one("#text", TextLines).value = "x"
        app.screen.query_one("#form Input", Input).value = "1.5"
        await until(pilot, lambda: "must be in [0, 1], got '1.5'" in seen(app))
        await pilot.press("enter")
        await settled(app, pilot)
        assert isinstance(app.screen, FormDialog)
        app.screen.query_one("#form Input", Input).value = "abc"
        await until(pilot, lambda: "must be a number" in seen(app))
        assert not [call for call in made(app).asked if call[0] == "inject"]


async def test_the_preview_never_shows_the_figures_of_another_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with hubbub(tmp_path) as (app, pilot):
        await filled(pilot, FormDialog, "i")
        dialog, plan = app.screen, made(app).plan
        assert isinstance(dialog, FormDialog)
        preview, model = dialog.query_one("#preview", Static), dialog.query_one(ModelField)
        dialog.query_one("#text", TextLines).value = "news"
        await until(pilot, lambda: "2,310 adopters" in str(preview.render()))
        monkeypatch.setattr(FormDialog, "patience", 600)  # nothing is worked out any more
        second = model.value
        model.value = next(name for name in dialog.cards if name != second)
        await pilot.pause()
        assert "adopters" not in str(preview.render())

        async def late(*args: Any, **given: Any) -> Any:
            model.value = second  # chosen while the figures of the other are on their way
            monkeypatch.setattr(FormDialog, "patience", 600)
            return await plan(*args, **given)

        monkeypatch.setattr(made(app), "plan", late)
        monkeypatch.setattr(FormDialog, "patience", 0)
        dialog._look()
        await until(pilot, lambda: model.value == second)
        await pilot.pause()
        assert "adopters" not in str(preview.render())


async def test_seeds_can_be_chosen_in_every_way(tmp_path: Path) -> None:
    async with hubbub(tmp_path) as (app, pilot):
        await filled(pilot, FormDialog, "i")
        dialog: Any = app.screen
        dialog.query_one("#text", TextLines).value = "tea"
        found = []
        for kind in ("degree", "random", "community", "ids", "query"):
            dialog.query_one("#kind", Select).value = kind
            dialog.query_one("#community", Select).value = "Chad"
            dialog.query_one("#ids", Input).value = "0, 33"
            dialog.query_one("#query", Input).value = "openness>0.7"
            await pilot.pause()
            found.append(dialog.result().seeds)
        named = ["top:40:degree", "random:40", "community:Chad:40", "ids:0, 33", "openness>0.7"]
        assert found == named
        dialog.query_one("#kind", Select).value = "random"
        dialog.query_one("#amount", Input).value = "none"
        await keys(pilot, "enter", then="The number of seeds must be")


async def refused(*_: Any) -> None:
    raise InputError("It is refused.")


@pytest.mark.parametrize("size", SIZES)
async def test_parameters_change_while_it_spreads(tmp_path: Path, size: Any) -> None:
    async with hubbub(tmp_path, size) as (app, pilot):
        await keys(pilot, "p", then=lambda: "No message is shown" in said(app))
        await inject(app, pilot)
        await keys(pilot, "p", then=lambda: isinstance(app.focused, ParametersPane))
        await until(pilot, lambda: "probability  0.1" in seen(app))
        await keys(
            pilot, "right", then=lambda: ("set", 0, "probability", "0.15") in made(app).asked
        )
        assert [call for call in made(app).asked if call[0] == "set"] == [
            ("set", 0, "probability", "0.15")
        ]
        await command(pilot, "set patience 3")
        await until(pilot, lambda: ("set", 0, "patience", "3") in made(app).asked)
        await command(pilot, "set patients 3", "Did you mean 'patience'")
        await command(pilot, "undo", lambda: ("set", 0, "patience", 1) in made(app).asked)
        await keys(pilot, "p", then=lambda: isinstance(app.focused, ParametersPane))
        made(app).set_parameter = refused  # type: ignore[method-assign,assignment]
        await keys(pilot, "right", then="refused")
        await until(pilot, lambda: "probability  0.15" in seen(app))  # the slider moved back
        await keys(pilot, "escape", then=lambda: app.focused is app.stage.main_pane())
        await keys(pilot, "2", then=lambda: app.situation().mode == "groups")


async def test_messages_are_gone_through_shown_and_stopped(tmp_path: Path) -> None:
    async with hubbub(tmp_path) as (app, pilot):
        await inject(app, pilot, "one")
        await inject(app, pilot, "two")
        await keys(pilot, "f", then=lambda: made(app).asked[-1] == ("focus", 0))
        await command(pilot, "focus 9", "there are #0, #1")
        await keys(pilot, "x", then=Confirm)
        await pilot.press("escape")
        await keys(pilot, "x", then=Confirm)
        app.screen.query_one("#yes", Button).press()
        await until(pilot, lambda: made(app).asked[-1] == ("cancel", 0))
        await until(pilot, lambda: "was stopped" in said(app))


async def test_the_cursor_stays_on_its_message_when_another_comes(tmp_path: Path) -> None:
    async with hubbub(tmp_path) as (app, pilot):
        await inject(app, pilot, "one")
        await inject(app, pilot, "two")
        await until(pilot, lambda: "#1 two" in seen(app))
        app.screen.query_one("#stories").focus()
        await pilot.press("down")
        await inject(app, pilot, "three")
        await until(pilot, lambda: "#2 three" in seen(app))
        app.screen.query_one("#stories").focus()
        await keys(pilot, "enter", then=lambda: made(app).asked[-1] == ("focus", 0))


async def test_the_end_of_a_message_is_said(tmp_path: Path) -> None:
    async with hubbub(tmp_path) as (app, pilot):
        await inject(app, pilot)
        await command(pilot, "step 20", "died out", "7,624 adopters (100.0%)")


@pytest.mark.parametrize("size", SIZES)
async def test_a_new_world_is_made_and_entered(tmp_path: Path, size: Any) -> None:
    async with hubbub(tmp_path, size) as (app, pilot):
        await filled(pilot, FormDialog, "n")
        await until(pilot, lambda: "Needs about 38.1 MiB" in seen(app))
        app.screen.query_one("#agents", Input).value = "0"
        await until(pilot, lambda: "whole number from 1" in seen(app))
        await pilot.press("enter")
        await settled(app, pilot)
        assert isinstance(app.screen, FormDialog)
        app.screen.query_one("#agents", Input).value = "1,000,000,000"
        await until(pilot, lambda: " free" in seen(app) and "fewer members" in seen(app))
        await pilot.press("enter")
        await settled(app, pilot)
        assert "fewer members" in seen(app)
        app.screen.query_one("#agents", Input).value = "2,000"
        await keys(pilot, "enter", then=lambda: frame_of(app).agents == 2000)
        assert app.simulator.made[0].left  # type: ignore[attr-defined]
        assert app.simulator.orders[0].mean_degree == 20  # type: ignore[attr-defined]


async def test_long_work_shows_progress_keeps_keys_and_can_be_cancelled(tmp_path: Path) -> None:
    async with hubbub(tmp_path) as (app, pilot):
        app.simulator.slow = True  # type: ignore[attr-defined]
        await filled(pilot, FormDialog, "n")
        await keys(pilot, "enter", then="creating the world, 50% (esc cancels)")
        await keys(pilot, "escape", then=lambda: app.work.shown is None)
        await until(pilot, lambda: "nothing was changed" in said(app))
        assert frame_of(app).agents == 7624


async def test_saved_worlds_are_listed_and_the_damaged_one_says_why(tmp_path: Path) -> None:
    async with hubbub(tmp_path) as (app, pilot):
        for name in ("broken", "monday"):
            (tmp_path / "saves" / f"{name}.hub").write_text("x")
        await keys(pilot, "o", then=(ListDialog, "monday", lambda: "it is cut off" in words(app)))
        await pilot.press("enter")
        await settled(app, pilot)
        assert isinstance(app.screen, ListDialog)
        await keys(pilot, "down", "enter", then=(lambda: frame_of(app).agents == 500, "monday"))
        assert app.simulator.made[0].left  # type: ignore[attr-defined]


async def test_open_by_name_and_what_is_missing_or_broken(tmp_path: Path) -> None:
    async with hubbub(tmp_path) as (app, pilot):
        (tmp_path / "saves" / "broken.hub").write_text("x")
        await command(pilot, "open ../etc", "A name has")
        await command(pilot, "open nothing", ErrorDialog)
        await pilot.press("escape")
        await command(pilot, "open broken")
        await until(pilot, lambda: isinstance(app.screen, ErrorDialog) and "cut off" in words(app))
        assert frame_of(app).agents == 7624


@pytest.mark.parametrize("size", SIZES)
async def test_the_world_is_saved_under_an_allowed_name(tmp_path: Path, size: Any) -> None:
    async with hubbub(tmp_path, size) as (app, pilot):
        (tmp_path / "saves" / "old.hub").write_text("x")
        await keys(pilot, "w", then=(SaveDialog, lambda: isinstance(app.focused, Input)))
        assert cast("Input", app.focused).value == "lastfm-asia"
        await typed(pilot, "../evil")
        await until(pilot, lambda: "A name has" in seen(app))
        await typed(pilot, "old")
        await until(pilot, lambda: "again to overwrite" in seen(app))
        await pilot.pause(2 * SaveDialog.patience)
        assert "again to overwrite" in seen(app)
        await pilot.press("enter")
        await until(pilot, lambda: ("save", tmp_path / "saves" / "old.hub") in made(app).asked)
        await until(pilot, lambda: "Saved old.hub: 1.2 MiB" in said(app))


async def test_the_saves_folder_is_made_when_it_is_first_needed(tmp_path: Path) -> None:
    async with hubbub(tmp_path) as (app, pilot):
        app.saves = tmp_path / "not" / "there"
        await command(pilot, "save first", "Saved first.hub")
    assert (tmp_path / "not" / "there").is_dir()


async def test_a_network_file_is_imported(tmp_path: Path) -> None:
    async with hubbub(tmp_path) as (app, pilot):
        (tmp_path / "my graph.txt").write_text("0 1\n1 2\n")
        await pilot.press("colon")
        await typed(pilot, f"import '{tmp_path}/my graph.txt' direction=follows")
        await until(pilot, lambda: frame_of(app).agents == 2)
        await until(pilot, lambda: "Dropped 0 loops" in seen(app) and "follows" in seen(app))
        await pilot.press("enter")
        await command(pilot, "import /nowhere.txt")
        await shows(pilot, ErrorDialog, "no such file")


async def test_unsaved_changes_are_asked_about_before_the_world_is_left(tmp_path: Path) -> None:
    async with hubbub(tmp_path) as (app, pilot):
        await keys(pilot, "full_stop", then=(lambda: frame_of(app).dirty, "lastfm-asia*"))
        await keys(pilot, "q", then=(QuitDialog, "tick 1"))
        await keys(pilot, "escape", then=lambda: not isinstance(app.screen, QuitDialog))
        assert app.is_running
        await keys(pilot, "q", then=QuitDialog)
        await keys(pilot, "enter", then=(SaveDialog, lambda: isinstance(app.focused, Input)))
        await typed(pilot, "kept")
        await until(pilot, lambda: not app.is_running)
        assert ("save", tmp_path / "saves" / "kept.hub") in made(app).asked


async def test_a_path_is_shown_or_said_to_be_missing(tmp_path: Path) -> None:
    async with hubbub(tmp_path) as (_, pilot):
        await pilot.press("colon")
        await keys(
            pilot,
            *"path",
            "space",
            *"17",
            "space",
            *"4031",
            "enter",
            then=(Notice, "member 7 [/b]"),
        )
        await pilot.press("enter")
        await command(pilot, "path 1 nobody", "No path from")


async def test_the_network_is_measured_and_communities_are_looked_for(tmp_path: Path) -> None:
    async with hubbub(tmp_path) as (app, pilot):
        made(app).gate.clear()
        await command(pilot, "report", lambda: app.work.shown is not None)
        made(app).gate.set()
        await until(pilot, lambda: "mean path" in seen(app))
        await keys(pilot, "pagedown", "end", then="member 2 [/b]")
        await keys(pilot, "escape", then=lambda: app.screen is app.stage)
        made(app).gate.clear()
        await command(pilot, "detect", lambda: "finding communities, 40%" in seen(app))
        await keys(pilot, "escape", then=lambda: "nothing was changed" in said(app))
        made(app).gate.set()
        await command(pilot, "detect leiden", "12 communities")


@pytest.mark.parametrize("size", SIZES)
async def test_groups_turns_orders_and_comes_back(tmp_path: Path, size: Any) -> None:
    async with hubbub(tmp_path, size) as (app, pilot):
        await inject(app, pilot)
        await keys(pilot, "2", then=(lambda: app.situation().mode == "groups", "Iceland"))
        await command(pilot, "order onset", "Sorted by first adopted, earliest first")
        await command(pilot, "members", lambda: app.groups.view == "members")
        await keys(pilot, "escape", then=lambda: app.groups.view == "communities")
        await keys(pilot, "escape", then=lambda: app.situation().mode == "live")
        await keys(pilot, "2", then=lambda: app.groups.view == "communities")


async def test_themes_go_round_and_by_name_and_a_picture_is_written(tmp_path: Path) -> None:
    async with hubbub(tmp_path) as (app, pilot):
        before = app.theme
        await command(pilot, "theme", lambda: app.theme != before)
        await command(pilot, f"theme {before}", lambda: app.theme == before)
        await command(pilot, "theme pink", "No theme named")
        await command(pilot, f"export screenshot {tmp_path}/shot.svg")
        await shows(pilot, lambda: (tmp_path / "shot.svg").exists(), lambda: "Wrote" in said(app))
        assert "<svg" in (tmp_path / "shot.svg").read_text()
        await command(pilot, f"export pane {tmp_path}/pane.png", lambda: "pane.png" in said(app))
        assert (tmp_path / "pane.png").read_bytes().startswith(b"\x89PNG")
        await command(pilot, f"export cast {tmp_path}/a.cast", "Recording the screen")
        await until(pilot, lambda: len((tmp_path / "a.cast").read_text().splitlines()) > 3)
        await command(pilot, "export cast", "Wrote")
        head, _, first, *_ = map(json.loads, (tmp_path / "a.cast").read_text().splitlines())
        assert (head["version"], head["width"], first[1]) == (2, 80, "o")
        assert "lastfm-asia" in first[2]


async def test_help_lists_exactly_the_active_acts(tmp_path: Path) -> None:
    async with hubbub(tmp_path, (160, 48)) as (app, pilot):
        for mode in ("1", "2"):
            await pilot.press(mode)
            await settled(app, pilot)
            where = {"1": "live", "2": "groups"}[mode]
            await until(pilot, lambda where=where: app.situation().mode == where)
            active = {act_of(b.binding.action) for b in app.screen.active_bindings.values()} - {""}
            await keys(pilot, "question_mark", then=HelpDialog)
            told = " ".join(str(each.render()) for each in app.screen.query(".keys"))
            told = " ".join(told.split())
            listed = {a.id for a in ACTIONS if f"{a.help} :{a.command}" in told}
            assert listed == active
            assert listed == {a.id for a in ACTIONS if a.is_in(where)}
            await keys(pilot, "escape", then=lambda: app.screen is app.stage)


async def test_the_palette_offers_only_what_is_possible(tmp_path: Path) -> None:
    async with hubbub(tmp_path) as (app, pilot):
        before = {offer.action.id for offer in ActionProvider(app.screen).offers()}
        assert "inject" in before
        assert not {"params", "set", "cancel", "focus"} & before
        await inject(app, pilot)
        after = {offer.action.id for offer in ActionProvider(app.screen).offers()}
        assert {"params", "set", "cancel", "focus"} <= after
        await keys(pilot, "semicolon", then="Search")
        await pilot.press(*"ticks per second", "enter")
        await pilot.press("escape")


async def test_the_line_remembers_completes_and_explains(tmp_path: Path) -> None:
    async with hubbub(tmp_path) as (app, pilot):
        await command(pilot, "step 3")
        await command(pilot, "stpe 3", "Did you mean 'step'")
        await pilot.press("colon", "up", "up")
        line = app.screen.query_one("#command", Input)
        assert line.value == "step 3"
        line.value = "inj"
        line.cursor_position = 3
        await pilot.press("tab")
        assert line.value == "inject "
        line.value = "inject mod"
        await pilot.press("tab")
        assert line.value == "inject model="
        line.value = "speed 10"
        await pilot.press("tab", "tab", "tab")
        assert line.value == "speed 100"
        await pilot.press("ctrl+u")
        assert line.value == ""
        app.post_message(Paste("step 2\nrun 4\n"))
        await until(pilot, lambda: line.value == "step 2 ⏎ run 4")
        await keys(pilot, "enter", then=lambda: frame_of(app).tick == 9)
        await keys(pilot, "j", then="j does nothing here; ? lists the keys.")
        await keys(pilot, "colon", "escape", then=lambda: not line.has_focus)
        assert app.screen.query_one("#said").display


async def test_an_error_nobody_foresaw_is_shown_and_the_program_lives(tmp_path: Path) -> None:
    async with hubbub(tmp_path) as (app, pilot):

        async def broken(ticks: int = 1) -> None:
            raise RuntimeError("the [/b] engine \x1b]0;x\x07 tripped")

        made(app).step = broken  # type: ignore[method-assign]
        await keys(pilot, "full_stop", then=(ErrorDialog, "tripped"))
        app.screen.query_one("#copy", Button).press()
        await until(pilot, lambda: app.clipboard)
        assert "RuntimeError" in app.clipboard
        await pilot.press("escape")
        assert app.is_running


async def test_a_banner_and_changed_settings_are_announced(tmp_path: Path) -> None:
    async with hubbub(tmp_path) as (app, pilot):
        made(app).banner = "The engine stopped: disk full."
        made(app).changed()
        await until(pilot, lambda: "disk full" in seen(app))
        PATCH.setattr(app.upkeep.watch, "changed", lambda: ["theme is now hubbub-light"])
        wanted = Settings(theme="hubbub-light", symbols="ascii")
        PATCH.setattr("sim.settings.current", lambda: wanted)
        await app.upkeep.look_at_settings()
        await until(pilot, lambda: "theme is now hubbub-light" in seen(app))
        assert app.theme == "hubbub-light"
        assert app.screen.query_one("#curves", Curves).symbols == "ascii"


async def test_a_keymap_moves_a_key_and_its_conflict_is_said(tmp_path: Path) -> None:
    (tmp_path / "keys.toml").write_text('step = "j"\nquit = "i"\n')
    wanted = Settings(keymap=tmp_path / "keys.toml")
    async with hubbub(tmp_path, preferences=wanted) as (app, pilot):
        await until(pilot, lambda: "is assigned to both" in seen(app))
        await keys(pilot, "j", then=(lambda: ("step", 1) in made(app).asked, " j Step"))


async def test_nothing_is_redrawn_without_a_new_frame(tmp_path: Path) -> None:
    async with hubbub(tmp_path) as (app, pilot):
        shown: list[object] = []
        turns: list[bool] = []
        take = app._take
        app._take = lambda: turns.append(take()) or turns[-1]  # type: ignore[method-assign,func-returns-value]
        await until(pilot, lambda: turns[-2:] == [False, False])
        assert app.stage is not None
        app.stage.show = lambda frame, **_: shown.append(frame)
        turns.clear()
        await until(pilot, lambda: len(turns) >= 4)
        assert shown == []
        made(app).changed()
        made(app).changed()
        turns.clear()
        await until(pilot, lambda: turns[-2:] == [False, False])
        assert len(shown) == 1


HOSTILE = (
    "\x1b]0;owned\x07\x1b]52;c;aGk=\x07\x9b31m[/b][@click=app.bell]x[/] \u202egnp.exe "
    " 日本 ☁️ 👩‍👩‍👧 \x00"
)


@pytest.mark.parametrize("size", SIZES)
async def test_no_foreign_text_controls_the_terminal_or_the_program(
    tmp_path: Path, size: Any
) -> None:
    async with hubbub(tmp_path, size) as (app, pilot):
        simulation = made(app)
        simulation.name = HOSTILE
        await simulation.inject(HOSTILE, seeds="random:1", model="independent-cascade")
        simulation.events.append((0, HOSTILE))
        simulation.banner = HOSTILE
        simulation.parameters["probability"] = HOSTILE
        simulation.changed()
        await until(pilot, lambda: frame_of(app).banner and "owned" in seen(app))
        screens = [seen(app)]
        app.say(HOSTILE, "error")
        app.notify(HOSTILE, title=HOSTILE)
        await keys(pilot, "2", then="Most followed")
        screens.append(seen(app))
        for dialog in (
            Notice(HOSTILE, HOSTILE),
            ErrorDialog(RuntimeError(HOSTILE)),
            QuitDialog(replace(frame_of(app), name=HOSTILE), HOSTILE, HOSTILE),
            QuitDialog(replace(frame_of(app), name=HOSTILE), HOSTILE),
            Confirm(HOSTILE, HOSTILE, yes=HOSTILE, no="n"),
        ):
            await app.push_screen(dialog)
            await until(pilot, lambda: "owned" in seen(app))
            screens.append(seen(app))
            app.pop_screen()
        await pilot.press("p")  # the sliders, with a hostile value
        await settled(app, pilot)
        screens.append(seen(app))
        for key in ("i", "w"):
            await keys(pilot, key, then=lambda: app.screen is not app.stage)
            await settled(app, pilot)
            screens.append(seen(app))
            await keys(pilot, "escape", then=lambda: app.screen is app.stage)
        for text in screens:
            codes = {ord(c) for c in text if c != "\n"}
            assert not codes & {*range(32), *range(127, 160), 0x202E, 0x2066}
        assert app.is_running


@pytest.mark.parametrize("size", [(1, 1), (60, 16)])
async def test_every_size_is_survived(tmp_path: Path, size: Any) -> None:
    async with hubbub(tmp_path, size) as (app, pilot):
        await inject(app, pilot)
        for key in ("full_stop", *"2tt1", "question_mark", "escape", "i", "escape", "n", "escape"):
            await pilot.press(key)
            await settled(app, pilot)
        assert app.is_running
        await pilot.resize_terminal(100, 30)
        await until(pilot, lambda: "PAUSED" in seen(app))


async def test_forms_are_made_of_declared_parameters(tmp_path: Path) -> None:
    async with hubbub(tmp_path) as (app, pilot):
        await filled(pilot, FormDialog, "i")
        form: Any = app.screen
        declared = {"probability": "0.1", "patience": "1", "draws": "skips", "loud": "false"}
        assert form.parameters == declared
        app.screen.query_one(ModelField).value = "viral"
        await until(pilot, lambda: form.parameters == {"appeal": "0.3"})


async def burst(app: Hubbub, pilot: Pilot[int], text: str) -> None:
    """Let keys arrive all at once, as a paste into a slow terminal does."""
    names = {":": "colon", " ": "space", ">": "greater_than_sign", "\n": "enter", ".": "full_stop"}
    for letter in text:
        app.post_message(Key(names.get(letter, letter), letter if letter != "\n" else None))
    await pilot.pause()
    await settled(app, pilot)


async def test_letters_typed_in_one_burst_go_to_the_line_and_not_to_the_keys(
    tmp_path: Path,
) -> None:
    async with hubbub(tmp_path) as (app, pilot):
        await inject(app, pilot)
        asked = len(made(app).asked)
        await burst(app, pilot, ":speed max")
        assert app.screen.query_one("#command", Input).value == "speed max"
        assert len(made(app).asked) == asked
        await burst(app, pilot, "\n:step 3\n4>")
        await until(pilot, lambda: app.speed is None)
        steps = [one for one in made(app).asked[asked:] if one[0] == "step"]
        assert steps == [("step", 3), ("step", 4)]


async def test_a_terminal_that_is_too_small_says_to_enlarge_it(tmp_path: Path) -> None:
    async with hubbub(tmp_path) as (app, pilot):
        await pilot.resize_terminal(10, 3)
        await until(pilot, lambda: seen(app).split() == ["Enlarge", "to"])
        await pilot.resize_terminal(59, 15)
        await until(pilot, lambda: "Enlarge to 60x16 to see every pane." in seen(app))


def test_a_stopped_message_keeps_its_parameters() -> None:
    with pytest.raises(InputError, match="Message #0 was stopped"):
        _refuse_ended(0, "cancelled")
    with pytest.raises(InputError, match="Message #0 has failed"):
        _refuse_ended(0, "failed")


async def test_a_new_world_has_its_buttons_while_the_networks_are_sought(tmp_path: Path) -> None:
    async with hubbub(tmp_path) as (app, pilot):
        known = asyncio.Event()
        simulator: Any = app.simulator  # type: ignore[attr-defined]
        slow, loop = simulator.networks, asyncio.get_running_loop()

        def wait() -> Any:
            asyncio.run_coroutine_threadsafe(known.wait(), loop).result()
            return slow()

        simulator.networks = wait
        await keys(pilot, "n", then=FormDialog)
        await until(pilot, lambda: "Create" in seen(app) and "Loading networks" in seen(app))
        known.set()
        await until(pilot, lambda: " free" in seen(app))


async def test_keys_typed_in_one_burst_with_the_key_of_a_dialog_go_to_the_dialog(
    tmp_path: Path,
) -> None:
    async with hubbub(tmp_path) as (app, pilot):
        await burst(app, pilot, "iquiet tea")
        await until(pilot, lambda: isinstance(app.screen, FormDialog))
        assert app.screen.query_one("#text", TextLines).value == "quiet tea"
        assert not [one for one in made(app).asked if one[0] != "plan"]


async def test_a_burst_goes_through_a_dialog_and_on_to_the_stage(tmp_path: Path) -> None:
    async with hubbub(tmp_path) as (app, pilot):
        await burst(app, pilot, ".wtwo\n.:save three\n")
        await until(pilot, lambda: ("save", tmp_path / "saves" / "three.hub") in made(app).asked)
        asked = made(app).asked
        saved = ("save", tmp_path / "saves" / "two.hub")
        assert asked[:3] == [("step", 1), saved, ("step", 1)]


async def test_keys_after_an_act_that_opens_nothing_after_all_go_on(tmp_path: Path) -> None:
    async with hubbub(tmp_path) as (app, pilot):
        await burst(app, pilot, "p:path 1 nobody\n.")
        await until(pilot, lambda: ("step", 1) in made(app).asked)


async def test_q_right_after_saving_asks_nothing_though_no_new_frame_was_taken_yet(
    tmp_path: Path,
) -> None:
    async with hubbub(tmp_path) as (app, pilot):
        await keys(pilot, "full_stop", then=lambda: frame_of(app).dirty)
        app._take = lambda: False  # type: ignore[method-assign]
        await command(pilot, "save kept", "Saved kept.hub")
        assert frame_of(app).dirty
        await keys(pilot, "q", then=lambda: not app.is_running)


async def test_q_right_after_a_step_asks_though_no_new_frame_was_taken_yet(tmp_path: Path) -> None:
    async with hubbub(tmp_path) as (app, pilot):
        for timer in app._timers:
            timer.pause()
        await burst(app, pilot, ".q")
        await until(pilot, lambda: isinstance(app.screen, QuitDialog))


async def test_a_message_that_shows_nothing_is_refused(tmp_path: Path) -> None:
    texts = "\u200b\u2060", "\x1b\x07", "\u3164 \u2800", "\u202e"
    async with hubbub(tmp_path) as (app, pilot):
        for text in texts:
            await command(pilot, f"inject text='{text}'", "message is empty")
        await filled(pilot, FormDialog, "i")
        for text in texts:
            app.screen.query_one("#text", TextLines).value = "tea"
            await until(pilot, lambda: "message is empty" not in seen(app))
            app.screen.query_one("#text", TextLines).value = text
            await keys(pilot, "enter", then="message is empty")
        assert not [one for one in made(app).asked if one[0] == "inject"]


async def test_keys_typed_while_work_goes_on_act_and_press_no_button_of_what_it_opens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with hubbub(tmp_path) as (app, pilot):
        made(app).gate.clear()
        await burst(app, pilot, ":save slow\n...")
        await until(pilot, lambda: made(app).asked[-3:] == [("step", 1)] * 3)
        await until(pilot, lambda: "saving the world" in seen(app).splitlines()[0])
        made(app).gate.set()
        await until(pilot, lambda: "Saved slow.hub" in said(app))
        made(app).gate.clear()
        await command(pilot, "report", lambda: app.work.shown is not None)
        monkeypatch.setattr("tui.key_queue.DEAF_SECONDS", 600.0)
        monkeypatch.setattr("tui.key_queue.UNPROMPTED", 0.0)
        made(app).gate.set()
        await shows(pilot, Notice)
        await pilot.press("enter")
        assert isinstance(app.screen, Notice)
