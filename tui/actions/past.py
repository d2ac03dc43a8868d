"""Actions through time: back, forward, to a tick or a bookmark, and off into another world."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.core import number_or_word
from sim.errors import InputError
from tui.actions.action import Words, does
from tui.actions.arguments import number
from tui.dialogs.progress import in_thread

if TYPE_CHECKING:
    from sim.runtime import Job, Travelled
    from tui.viewer import Viewer


@does("step-back")
async def back(app: Viewer, words: Words) -> None:
    """Go back one tick or several."""
    ticks = number(words, default=1)
    await _go(app, "going back", app.simulation.back(ticks))


@does("forward")
async def forward(app: Viewer, words: Words) -> None:
    """Go forward again to where the world was before it went back, or some ticks of that way."""
    ticks = number(words, default=0) or None
    await _go(app, "going forward", app.simulation.forward(ticks))


@does("goto")
async def go_to(app: Viewer, words: Words) -> None:
    """Go to a tick, or to a bookmark."""
    if not words:
        raise InputError("Type a tick or the name of a bookmark, such as `goto 120`.")
    place = " ".join(words)
    tick = place.replace(",", "").replace("_", "")
    goal = number_or_word(tick)
    goal = place if isinstance(goal, str) else goal
    await _go(app, f"going to {place}", app.simulation.go_to(goal))


async def _go(app: Viewer, title: str, job: Job[Travelled]) -> None:
    app.goal = 0
    with app.expecting(""):
        went = await app.work.job(title, job)
    app.say(went.sentence, "good")


@does("bookmark")
async def bookmark(app: Viewer, words: Words) -> None:
    """Give the tick that the world is at a name."""
    if not words:
        raise InputError("Type a name for this tick, such as `bookmark before the storm`.")
    marked = await app.simulation.bookmark(" ".join(words))
    app.say(
        f"Tick {marked.tick:,} is called {marked.name}; :goto {marked.name} comes back.", "good"
    )


@does("history")
async def history(app: Viewer, _words: Words) -> None:
    """List bookmarks and messages by tick, and go to the one that is chosen."""
    from tui.dialogs.history import HistoryDialog, entries

    simulation = app.simulation
    marks, reach = await simulation.bookmarks(), await simulation.reach()
    found = entries(marks, simulation.frame.sessions)
    chosen = await app.push_screen_wait(HistoryDialog(found, reach, simulation.frame.tick))
    if chosen is not None:
        await _go(app, "going there", simulation.go_to(chosen))


@does("branch")
async def branch(app: Viewer, words: Words) -> None:
    """Make another world from the tick that this one is at; this one stays open."""
    from tui.dialogs.save import saved_path

    if len(words) != 1:
        raise InputError("Type one name for the other world, such as `branch what-if`.")
    path = await in_thread(lambda: saved_path(app.backend.saves, words[0]), "saves")
    await in_thread(lambda: path.parent.mkdir(parents=True, exist_ok=True), "saves")
    made = await app.work.job("branching off", app.simulation.branch(path))
    app.upkeep.saved_words.append(path.stem)
    app.say(made.sentence, "good")
