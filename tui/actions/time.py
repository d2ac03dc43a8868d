"""Time actions: run, pause, step, faster, slower."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from sim.errors import InputError
from tui.actions.arguments import choice, number

if TYPE_CHECKING:
    from tui.app import Hubbub

Words = tuple[str, ...]

SPEEDS = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, None)
"""Ticks a second that ``+`` and ``-`` go through; the last is as fast as it can."""


NOTHING_TO_RUN = "Nothing to run: send a message (i), or type :run N to let N ticks pass."


async def run(app: Hubbub, words: Words) -> None:
    """Run, or pause; with a number that many ticks.

    Time stops by itself once all messages have come to rest, so nothing runs while none is under
    way. One that is being sent counts: the engine takes commands in order. A platform lives on
    without any.
    """
    lives = app.frame is not None and app.frame.platform is not None
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
        app.hint()  # in place of a sentence that asks for what was done


def _alive(app: Hubbub) -> bool:
    """Return whether a message is under way, by the newest frame there is."""
    rows = app.simulation.frame.sessions
    return any(row.status in {"queued", "running"} for row in rows)


async def pause(app: Hubbub, _words: Words) -> None:
    """Pause after the running tick; the bar says so until it is true."""
    app.goal = 0
    with app.expecting("pausing"):
        await app.simulation.pause()


async def step(app: Hubbub, words: Words) -> None:
    """Advance one tick or several."""
    ticks = number(words, default=1)
    if ticks > 1 and app.frame is not None:
        app.goal = app.frame.tick + ticks
    with app.expecting("stepping" if ticks > 1 else ""):
        await app.simulation.step(ticks)


async def restart(app: Hubbub, words: Words) -> None:
    """Stop a plugin that does not come back, and go on; save what was completed, if wished."""
    from tui.actions.world import save_asking, save_to
    from tui.dialogs.stalled import StalledDialog

    frame = app.frame
    if frame is None or frame.stalled is None:
        return
    wish = choice("wish", words, ("save", "go")) or await app.push_screen_wait(
        StalledDialog(frame.stalled.sentence, frame.tick)
    )
    if not wish:
        return
    app.doing.is_rescuing = True
    # Asked before, so that nothing runs between the end of the stall and the save.
    pausing = [asyncio.ensure_future(app.simulation.pause())] if wish == "save" else []
    try:
        ended = await app.work.of_engine("stopping the plugin", app.simulation.restart())
        await asyncio.gather(*pausing, return_exceptions=True)
    finally:
        app.doing.is_rescuing = False
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


async def faster(app: Hubbub, _words: Words) -> None:
    """Take the next higher speed."""
    now = app.speed
    higher = [speed for speed in SPEEDS if speed is None or (now is not None and speed > now)]
    await _go(app, higher[0])


async def slower(app: Hubbub, _words: Words) -> None:
    """Take the next lower speed."""
    now = app.speed
    lower = [speed for speed in SPEEDS if speed is not None and (now is None or speed < now)]
    await _go(app, lower[-1] if lower else SPEEDS[0])


async def speed(app: Hubbub, words: Words) -> None:
    """Take the speed that was typed."""
    if len(words) != 1:
        raise InputError("Type one speed in ticks a second, such as `speed 10`, or `speed max`.")
    await _go(app, _speed(words[0]))


def _speed(text: str) -> float | None:
    if text == "max":
        return None
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.01 <= value <= 100_000:
        raise InputError(f"A speed is from 0.01 to 100,000 ticks a second or 'max', got {text!r}.")
    return value


async def _go(app: Hubbub, speed: float | None) -> None:
    app.speed = speed
    app.redraw()
    if app.running:
        goal = app.goal or None
        await app.simulation.play(ticks_per_second=speed, until_tick=goal, until_quiet=goal is None)
