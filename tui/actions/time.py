"""The actions of time: run, step, speed, back and forward, branch."""

from __future__ import annotations

import asyncio
from functools import partial
from itertools import count
from math import inf
from pathlib import Path

import numpy as np

from sim.core import number_or_word
from sim.errors import InputError
from sim.runtime import Frame, Job, Travelled
from tui.actions.command_line import SPEEDS, choice, number
from tui.actions.table import Words, does, way_to
from tui.actions.world import save_asking, save_to
from tui.app import Ghost
from tui.app import Hubbub as Viewer
from tui.dialogs.dialog import stalled_dialog
from tui.dialogs.progress import in_thread
from tui.dialogs.world import history_dialog, saved_path

NOTHING_TO_RUN = "Nothing to run: send a message (i), or type :run N to let N ticks pass."


@does("run")
async def run(app: Viewer, words: Words) -> None:
    lives, rows = _goes_on(app), app.simulation.frame.sessions
    spreads = any(row.status in {"queued", "running"} for row in rows)
    if words and words != ("quiet",):
        ticks = number(words, default=1)
        app.goal = app.frame.tick + ticks if app.frame else 0
        with app.expecting("playing"):
            await app.simulation.play(ticks_per_second=app.speed, until_tick=app.goal)
        app.hint()
    elif app.running and not words:
        await pause(app, ())
    elif not (app.sending or lives or spreads):
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


@does("pause")
async def pause(app: Viewer, _words: Words) -> None:
    app.goal = 0
    with app.expecting("pausing"):
        await app.simulation.pause()


@does("step")
async def step(app: Viewer, words: Words) -> None:
    ticks = number(words, default=1)
    if ticks > 1 and app.frame is not None:
        app.goal = app.frame.tick + ticks
    with app.expecting("stepping" if ticks > 1 else ""):
        await app.simulation.step(ticks)


@does("restart")
async def restart(app: Viewer, words: Words) -> None:
    frame = app.frame
    if frame is None or frame.stalled is None:
        return
    wish = choice("wish", words, ("save", "go")) or await app.push_screen_wait(
        stalled_dialog(frame.stalled.sentence, frame.tick)
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
        await (save_to(app, Path(now.path)) if now and now.path else save_asking(app))


async def _other_speed(app: Viewer, _words: Words, *, by: int) -> None:
    now, speeds = app.speed or inf, SPEEDS[::by]
    beyond = (speed for speed in speeds if ((speed or inf) - now) * by > 0)
    await _go(app, next(beyond, speeds[-1]))


does("faster")(partial(_other_speed, by=1))
does("slower")(partial(_other_speed, by=-1))


@does("speed")
async def speed(app: Viewer, words: Words) -> None:
    if len(words) != 1:
        raise InputError("Type a speed in ticks per second, such as `speed 10`, or `speed max`.")
    text = words[0]
    try:
        value = None if text == "max" else float(text)
    except ValueError:
        value = 0.0
    if value is not None and not 0.01 <= value <= 100_000:
        raise InputError(f"A speed is 0.01 to 100,000 ticks per second, or 'max'; got {text!r}.")
    await _go(app, value)


async def _go(app: Viewer, speed: float | None) -> None:
    app.speed = speed
    app.redraw()
    if app.running:
        goal = app.goal or None
        quiet = goal is None and not _goes_on(app)
        await app.simulation.play(ticks_per_second=speed, until_tick=goal, until_quiet=quiet)


@does("step-back")
async def back(app: Viewer, words: Words) -> None:
    ticks = number(words, default=1)
    await _travel(app, "going back", app.simulation.back(ticks))


@does("forward")
async def forward(app: Viewer, words: Words) -> None:
    ticks = number(words, default=1)
    again = (await app.simulation.reach()).last - app.simulation.frame.tick
    if again > 0:
        await _travel(app, "going forward", app.simulation.forward(min(ticks, again)))
    if ticks > again:
        await step(app, (str(ticks - max(0, again)),))


@does("goto")
async def go_to(app: Viewer, words: Words) -> None:
    if not words:
        raise InputError("Type a tick or the name of a bookmark, such as `goto 120`.")
    place = " ".join(words)
    tick = number_or_word(place.replace(",", "").replace("_", ""))
    await _go_to(app, place if isinstance(tick, str) else tick)


async def _go_to(app: Viewer, goal: int | str) -> None:
    await _travel(app, f"going to {goal}", app.simulation.go_to(goal))
    app.branches.reach(str(goal), app.simulation.frame.tick)
    app.redraw()


async def _travel(app: Viewer, title: str, job: Job[Travelled]) -> None:
    """Go to another tick; the future that is left stays a branch, and a ghost on the curves."""
    app.goal, branches = 0, app.branches
    await _keep_tip(app)
    with app.expecting(""):
        went = await app.work.job(title, job)
    if went.tick < went.before:
        branches.back_at = went.tick
    elif went.tick >= branches.left:
        branches.left, app.ghost = 0, None
    app.say(went.sentence, "good")


def _curve(frame: Frame) -> Ghost | None:
    """Return the ticks of the message shown, and how many had adopted it by each."""
    focus = frame.focus
    if focus is None:
        return None
    adopted = focus.new.cumsum()
    started = next((row.started_at for row in frame.sessions if row.id == focus.id), 0)
    return np.arange(len(adopted)) + started, adopted


def _has_diverged(app: Viewer) -> bool:
    """Return whether the world took another way since it went back."""
    now, ghost = _curve(app.simulation.frame), app.ghost
    if not app.branches.left or now is None or ghost is None:
        return False
    shared = min(len(now[0]), len(ghost[0]))
    return any(not np.array_equal(a[:shared], b[:shared]) for a, b in zip(now, ghost, strict=True))


async def _keep_tip(app: Viewer, name: str = "") -> None:
    """Bookmark the tip of the current branch if the world is at it, and remember its curve."""
    branches, frame = app.branches, app.simulation.frame
    if (await app.simulation.reach()).last > frame.tick:  # kept when it went back from there
        return
    if branches.is_cut and frame.tick <= branches.back_at:  # nothing is new since the bookmark
        return
    if branches.is_cut or _has_diverged(app):
        names = (f"{branches.name}-{number}" for number in count(2))
        new = name or next(each for each in names if each not in branches.names)
        branches.turn(new, branches.back_at)
    if frame.kept is not None:
        await app.simulation.bookmark(branches.title)
        await branches.learn(app.simulation)
    branches.left, app.ghost = frame.tick, _curve(frame)


@does("bookmark")
async def bookmark(app: Viewer, words: Words) -> None:
    if not words:
        raise InputError("Type a name for this tick, such as `bookmark before the storm`.")
    marked = await app.simulation.bookmark(" ".join(words))
    await app.branches.learn(app.simulation)
    app.branches.owners[marked.name] = app.branches.name
    app.redraw()
    app.say(
        f"Bookmarked tick {marked.tick:,} as {marked.name}; :goto {marked.name} returns.", "good"
    )


@does("history")
async def history(app: Viewer, _words: Words) -> None:
    chosen = await app.push_screen_wait(history_dialog(app.simulation))
    if chosen is not None:
        await _go_to(app, chosen)


@does("branch")
async def branch(app: Viewer, words: Words) -> None:
    branches, name = app.branches, " ".join(words)
    before, tick = branches.name, app.simulation.frame.tick
    if app.simulation.frame.kept is None:
        raise InputError("Branches are kept in the journal; type `journal on` to start one.")
    if not name or name == before:
        raise InputError(f"You are on {before}; branches: {', '.join(branches.names)}.")
    if name in branches.tips:
        await _switch(app, name)
        return
    await _keep_tip(app, name)
    if branches.name != name:
        branches.turn(name, tick)
        await app.simulation.bookmark(branches.title)
        await branches.learn(app.simulation)
    app.redraw()
    tip = branches.tips[before][1]
    app.say(f"Branch {name} begins at tick {branches.fork:,}; {before} is kept to {tip:,}.", "good")


async def _switch(app: Viewer, name: str) -> None:
    branches = app.branches
    await _keep_tip(app)
    fork, tip, _ = branches.tips[name]
    with app.expecting(""):
        going = app.simulation.go_to(f"branch {name} from {fork}")
        await app.work.job(f"going to branch {name}", going)
    branches.turn(name, fork)
    app.redraw()
    app.say(f"On branch {name}, tick {tip:,}.", "good")


async def _other_branch(app: Viewer, _words: Words, *, by: int) -> None:
    name, names = app.branches.name, app.branches.names
    if len(names) < 2:
        raise InputError(f"There is only {name}; press B to begin a branch.")
    await _switch(app, names[(names.index(name) + by) % len(names)])


does("previous-branch")(partial(_other_branch, by=-1))
does("next-branch")(partial(_other_branch, by=1))


@does("fork")
async def fork(app: Viewer, words: Words) -> None:
    if len(words) != 1:
        raise InputError("Type one name for the copy, such as `fork what-if`.")
    path = await in_thread(lambda: saved_path(app.saves, words[0]), "saves")
    await in_thread(lambda: path.parent.mkdir(parents=True, exist_ok=True), "saves")
    made = await app.work.job("copying the world", app.simulation.branch(path))
    app.upkeep.saved_words.append(path.stem)
    key = way_to("open", app.keymap)
    app.say(f"{made.sentence} Press {key} to open it.", "good")
