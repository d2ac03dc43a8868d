"""Actions through time: back, forward, to a tick or a bookmark, and off into another world."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.errors import InputError
from tui.actions.arguments import number

if TYPE_CHECKING:
    from sim import Travelled
    from sim.runtime import Job, Simulation
    from tui.app import Hubbub

Words = tuple[str, ...]


async def back(app: Hubbub, words: Words) -> None:
    """Go back one tick or several."""
    ticks = number(words, default=1)
    await _go(app, "going back", _travelling(app).back(ticks))


async def forward(app: Hubbub, words: Words) -> None:
    """Go forward again to where the world was before it went back, or some ticks of that way."""
    ticks = number(words, default=0) or None
    await _go(app, "going forward", _travelling(app).forward(ticks))


async def go_to(app: Hubbub, words: Words) -> None:
    """Go to a tick, or to a bookmark."""
    if not words:
        raise InputError("Type a tick or the name of a bookmark, such as `goto 120`.")
    place = " ".join(words)
    tick = place.replace(",", "").replace("_", "")
    goal = int(tick) if tick.isdecimal() else place
    await _go(app, f"going to {place}", _travelling(app).go_to(goal))


async def _go(app: Hubbub, title: str, job: Job[Travelled]) -> None:
    app.goal = 0
    with app.expecting(""):
        went = await app.work.job(title, job)
    app.say(went.sentence, "good")


async def bookmark(app: Hubbub, words: Words) -> None:
    """Give the tick that the world is at a name."""
    if not words:
        raise InputError("Type a name for this tick, such as `bookmark before the storm`.")
    marked = await _travelling(app).bookmark(" ".join(words))
    app.say(
        f"Tick {marked.tick:,} is called {marked.name}; :goto {marked.name} comes back.", "good"
    )


async def history(app: Hubbub, _words: Words) -> None:
    """List bookmarks and messages by tick, and go to the one that is chosen."""
    from tui.dialogs.history import HistoryDialog, entries

    simulation = _travelling(app)
    marks, reach = await simulation.bookmarks(), await simulation.reach()
    found = entries(marks, simulation.frame.sessions)
    chosen = await app.push_screen_wait(HistoryDialog(found, reach, simulation.frame.tick))
    if chosen is not None:
        await _go(app, "going there", simulation.go_to(chosen))


async def branch(app: Hubbub, words: Words) -> None:
    """Make another world from the tick that this one is at; this one stays open."""
    from tui.dialogs.save import saved_path

    if len(words) != 1:
        raise InputError("Type one name for the other world, such as `branch what-if`.")
    path = saved_path(app.backend.saves, words[0])
    path.parent.mkdir(parents=True, exist_ok=True)
    made = await app.work.job("branching off", _travelling(app).branch(path))
    app.upkeep.saved_words.append(path.stem)
    app.say(made.sentence, "good")


def _travelling(app: Hubbub) -> Simulation:
    simulation = app.simulation
    if not hasattr(simulation, "go_to"):
        raise InputError(
            "This world's engine runs in a process of its own, which goes only forward; open the "
            "world without --isolated."
        )
    return simulation
