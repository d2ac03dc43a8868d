"""Going back on the real simulator: keys, lines, the list of ticks; and what is said beyond."""

from __future__ import annotations

from pathlib import Path

from tests.screens.test_app import burst, command, frame_of, keys, said, seen, shows, until
from tests.screens.test_app_real import hubbub
from tui.dialogs.dialog import ListDialog


async def test_keys_go_back_and_forward_and_lists_lead_to_ticks(tmp_path: Path) -> None:
    async with hubbub(tmp_path, (120, 30)) as (app, pilot):
        await command(pilot, "inject text='The bridge is closed.' model=sir")
        await until(pilot, lambda: frame_of(app).focus is not None)
        await command(pilot, "step 6")
        await until(pilot, lambda: frame_of(app).tick == 6)
        reached = frame_of(app).focus.reached
        await pilot.press("comma")
        await until(pilot, lambda: frame_of(app).tick == 5)
        await until(pilot, lambda: "Went back from tick 6 to 5" in said(app))
        await command(pilot, "back 3")
        await until(pilot, lambda: frame_of(app).tick == 2)
        assert frame_of(app).focus.reached < reached
        assert len(frame_of(app).focus.history) == 3
        await command(pilot, "bookmark before the storm")
        await until(pilot, lambda: "Bookmarked tick 2 as before the storm" in said(app))
        await burst(app, pilot, "4>")
        await until(pilot, lambda: frame_of(app).tick == 6)
        assert frame_of(app).focus.reached == reached
        await pilot.press("h")
        await until(pilot, lambda: isinstance(app.screen, ListDialog))
        await until(pilot, lambda: "Undo history in memory: ticks 0 to 6" in seen(app))
        assert "before the storm" in seen(app)
        await pilot.press("enter")
        await until(pilot, lambda: frame_of(app).tick == 2)
        await command(pilot, "goto 4")
        await until(pilot, lambda: frame_of(app).tick == 4)
        await command(pilot, "fork what-if")
        await until(pilot, lambda: 'Created branch "what-if"' in said(app))
        assert (tmp_path / "what-if.hub").is_file()
        await command(pilot, "goto before the rain")
        await until(pilot, lambda: "Did you mean 'before the storm'" in said(app))
        await command(pilot, "forward 9", lambda: frame_of(app).tick == 13)


async def test_branches_are_named_left_and_returned_to(tmp_path: Path) -> None:
    async with hubbub(tmp_path, (160, 48)) as (app, pilot):
        await command(pilot, "inject text=tea model=si beta=0.05 seeds=ids:0,33,100", "sent")
        await command(pilot, "step 6", lambda: frame_of(app).tick == 6)
        reached = frame_of(app).focus.reached
        await command(pilot, "back 3", lambda: frame_of(app).tick == 3)
        assert app.ghost is not None
        assert app.ghost[1][-1] == reached
        await command(pilot, "branch louder", "Branch louder begins at tick 3; main is kept to 6.")
        await command(pilot, "set beta 0.9", "beta = 0.9 (0.05")
        await command(pilot, "step 2", lambda: frame_of(app).tick == 5)
        louder = frame_of(app).focus.reached
        await keys(pilot, "left_square_bracket", then=lambda: frame_of(app).tick == 6)
        await shows(pilot, "lastfm-asia* > main", "louder 5")
        assert frame_of(app).focus.reached == reached
        await keys(pilot, "right_square_bracket", then="> louder")
        assert (frame_of(app).tick, frame_of(app).focus.reached) == (5, louder)
        await command(pilot, "bookmark loud end", "Bookmarked tick 5")
        await keys(pilot, "left_square_bracket", then="> main")
        await command(pilot, "goto loud end", lambda: "> louder" in seen(app))
        assert (frame_of(app).tick, frame_of(app).focus.reached) == (5, louder)
        await command(pilot, "back 2", lambda: frame_of(app).tick == 3)
        await command(pilot, "set beta 0.01", "beta = 0.01 (0.9")
        await command(pilot, "step 3", lambda: frame_of(app).tick == 6)
        await command(pilot, "back 1", lambda: frame_of(app).tick == 5)
        assert app.branches.names == ["main", "louder", "louder-2"]


async def test_beyond_its_reach_a_sentence_says_why_not(tmp_path: Path) -> None:
    async with hubbub(tmp_path, (120, 30)) as (app, pilot):
        await pilot.press("h")
        await until(pilot, lambda: isinstance(app.screen, ListDialog))
        await pilot.press("enter")
        await until(pilot, lambda: "Nothing selected" in seen(app))
        await pilot.press("escape")
        for line, answer in (
            ("back", "A world begins at tick 0"),
            ("goto", "Type a tick or the name of a bookmark"),
            ("goto 99", "Nothing to redo"),
            ("bookmark", "Type a name for this tick"),
            ("bookmark 12", "A bookmark is named by"),
            ("branch", "You are on main; branches: main."),
            ("fork", "Type one name for the copy"),
            ("back x", "must be a whole number from 1"),
        ):
            await command(pilot, line)
            await until(pilot, lambda answer=answer: answer in said(app))
