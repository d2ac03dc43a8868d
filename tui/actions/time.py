"""The actions of time: run, step, speed, back and forward, branch."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from sim.core import number_or_word
from sim.errors import InputError
from tui.actions.command_line import SPEEDS, choice, number
from tui.actions.table import Words, does, way_to
from tui.actions.world import save_asking, save_to
from tui.dialogs.dialog import StalledDialog
from tui.dialogs.progress import in_thread
from tui.dialogs.world import HistoryDialog, entries, saved_path

if TYPE_CHECKING:
    from sim.runtime import Job, Travelled
    from tui.viewer import Viewer


NOTHING_TO_RUN = "Nothing to run: send a message (i), or type :run N to let N ticks pass."


@does("run")
async def run(app: Viewer, words: Words) -> None:
    """Run or pause; with a number, run that many ticks."""
    lives = _goes_on(app)
    if words and words != ("quiet",):
        ticks = number(words, default=1)
        app.goal = app.frame.tick + ticks if app.frame else 0
        with app.expecting("playing"):
            await app.simulation.play(ticks_per_second=app.speed, until_tick=app.goal)
        app.hint()
    elif app.running and not words:
        await pause(app, ())
    elif not (app.sending or lives or _alive(app)):
        app.say(NOTHING_TO_RUN, "warning")
    else:
        with app.expecting("playing"):
            await app.simulation.play(ticks_per_second=app.speed, until_quiet=not lives)
        app.hint()  # replaces a sentence that asked for this


def _goes_on(app: Viewer) -> bool:
    """Return whether anything can happen without a spreading message: a platform or a scenario."""
    frame = app.frame
    if frame is None:
        return False
    plays = frame.program is not None and frame.program.ended is None
    return plays or frame.platform is not None


def _alive(app: Viewer) -> bool:
    """Return whether a message is spreading, by the newest frame."""
    rows = app.simulation.frame.sessions
    return any(row.status in {"queued", "running"} for row in rows)


@does("pause")
async def pause(app: Viewer, _words: Words) -> None:
    """Pause after the current tick; the bar shows PAUSING until then."""
    app.goal = 0
    with app.expecting("pausing"):
        await app.simulation.pause()


@does("step")
async def step(app: Viewer, words: Words) -> None:
    """Advance by one or more ticks."""
    ticks = number(words, default=1)
    if ticks > 1 and app.frame is not None:
        app.goal = app.frame.tick + ticks
    with app.expecting("stepping" if ticks > 1 else ""):
        await app.simulation.step(ticks)


@does("restart")
async def restart(app: Viewer, words: Words) -> None:
    """Stop a plugin that hangs, and continue; save the completed ticks if wanted."""
    frame = app.frame
    if frame is None or frame.stalled is None:
        return
    wish = choice("wish", words, ("save", "go")) or await app.push_screen_wait(
        StalledDialog(frame.stalled.sentence, frame.tick)
    )
    if not wish:
        return
    app.is_rescuing = True
    # Asked first, so that nothing runs between the end of the stall and the save.
    pausing = [asyncio.ensure_future(app.simulation.pause())] if wish == "save" else []
    try:
        ended = await app.work.of_engine("stopping the plugin", app.simulation.restart())
        await asyncio.gather(*pausing, return_exceptions=True)
    finally:
        app.is_rescuing = False
        for one in pausing:
            one.cancel()
    app.goal = 0
    app.say(ended.sentence, "good")
    now = await app.settled()
    if wish == "save":
        await app.simulation.pause()
    if wish == "save" and now is not None and now.path:
        await save_to(app, Path(now.path))
    elif wish == "save":
        await save_asking(app)


@does("faster")
async def faster(app: Viewer, _words: Words) -> None:
    """Take the next higher speed."""
    now = app.speed
    higher = [speed for speed in SPEEDS if speed is None or (now is not None and speed > now)]
    await _go(app, higher[0])


@does("slower")
async def slower(app: Viewer, _words: Words) -> None:
    """Take the next lower speed."""
    now = app.speed
    lower = [speed for speed in SPEEDS if speed is not None and (now is None or speed < now)]
    await _go(app, lower[-1] if lower else SPEEDS[0])


@does("speed")
async def speed(app: Viewer, words: Words) -> None:
    """Set the speed that was typed."""
    if len(words) != 1:
        raise InputError("Type a speed in ticks per second, such as `speed 10`, or `speed max`.")
    await _go(app, _speed(words[0]))


def _speed(text: str) -> float | None:
    if text == "max":
        return None
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.01 <= value <= 100_000:
        raise InputError(f"A speed is 0.01 to 100,000 ticks per second, or 'max'; got {text!r}.")
    return value


async def _go(app: Viewer, speed: float | None) -> None:
    app.speed = speed
    app.redraw()
    if app.running:
        goal = app.goal or None
        quiet = goal is None and not _goes_on(app)
        await app.simulation.play(ticks_per_second=speed, until_tick=goal, until_quiet=quiet)


@does("step-back")
async def back(app: Viewer, words: Words) -> None:
    """Go back by one or more ticks."""
    ticks = number(words, default=1)
    await _travel(app, "going back", app.simulation.back(ticks))


@does("forward")
async def forward(app: Viewer, words: Words) -> None:
    """Go forward again after going back, or otherwise step."""
    ticks = number(words, default=1)
    again = (await app.simulation.reach()).last - app.simulation.frame.tick
    if again > 0:
        await _travel(app, "going forward", app.simulation.forward(min(ticks, again)))
    if ticks > again:
        await step(app, (str(ticks - max(0, again)),))


@does("goto")
async def go_to(app: Viewer, words: Words) -> None:
    """Go to a tick, or to a bookmark."""
    if not words:
        raise InputError("Type a tick or the name of a bookmark, such as `goto 120`.")
    place = " ".join(words)
    tick = place.replace(",", "").replace("_", "")
    goal = number_or_word(tick)
    goal = place if isinstance(goal, str) else goal
    await _travel(app, f"going to {place}", app.simulation.go_to(goal))


async def _travel(app: Viewer, title: str, job: Job[Travelled]) -> None:
    app.goal = 0
    with app.expecting(""):
        went = await app.work.job(title, job)
    app.say(went.sentence, "good")


@does("bookmark")
async def bookmark(app: Viewer, words: Words) -> None:
    """Bookmark the current tick."""
    if not words:
        raise InputError("Type a name for this tick, such as `bookmark before the storm`.")
    marked = await app.simulation.bookmark(" ".join(words))
    app.say(
        f"Bookmarked tick {marked.tick:,} as {marked.name}; :goto {marked.name} returns.", "good"
    )


@does("history")
async def history(app: Viewer, _words: Words) -> None:
    """List bookmarks and messages by tick, and go to the chosen one."""
    simulation = app.simulation
    marks, reach = await simulation.bookmarks(), await simulation.reach()
    found = entries(marks, simulation.frame.sessions)
    chosen = await app.push_screen_wait(HistoryDialog(found, reach, simulation.frame.tick))
    if chosen is not None:
        await _travel(app, "going there", simulation.go_to(chosen))


@does("branch")
async def branch(app: Viewer, words: Words) -> None:
    """Branch: copy the world at its current tick; this one stays open."""
    if len(words) != 1:
        raise InputError("Type one name for the branch, such as `branch what-if`.")
    path = await in_thread(lambda: saved_path(app.simulator.saves, words[0]), "saves")
    await in_thread(lambda: path.parent.mkdir(parents=True, exist_ok=True), "saves")
    made = await app.work.job("branching", app.simulation.branch(path))
    app.upkeep.saved_words.append(path.stem)
    key = way_to("open", app.keymap)
    app.say(f"{made.sentence} Press {key} to open it.", "good")
