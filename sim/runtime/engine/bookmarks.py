"""Bookmarks (named ticks) of a running world, and the reachable range of ticks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sim.core.checks import whole_number
from sim.errors import InputError, UnknownNameError
from sim.store.journal.lineage import Bookmark, bookmarks, keep_bookmarks
from sim.store.journal.recovery import earliest

if TYPE_CHECKING:
    from sim.runtime.engine.live import LiveWorld


class Reach(NamedTuple):
    """From where to where a world can go.

    Parameters
    ----------
    first, last
        The earliest tick in memory, and the latest that can be gone forward to.
    journal
        The earliest tick that a journal leads back to; None without one.
    """

    first: int
    last: int
    journal: int | None

    @property
    def sentence(self) -> str:
        """What a person is told."""
        said = f"In memory from tick {self.first:,} to {self.last:,}"
        if self.journal is None:
            return f"{said}; a journal (:journal) would reach back from then on."
        return f"{said}; the journal reaches back to tick {self.journal:,}."


def file_of(live: LiveWorld) -> Path | None:
    """Return the world's file where it keeps a journal; else None."""
    keeper = live.custody.keeper
    if keeper is None:
        return None
    return keeper.folder.with_name(keeper.folder.name.removesuffix(".live"))


def marks_of(live: LiveWorld) -> list[Bookmark]:
    """Return the bookmarks: of the journal, or else of the simulation."""
    path = file_of(live)
    return live.custody.past.bookmarks if path is None else bookmarks(path)


def reach_of(live: LiveWorld) -> Reach:
    """Return from where to where the world can go."""
    path, past = file_of(live), live.custody.past
    return Reach(past.first, past.last, None if path is None else earliest(path))


def marked(live: LiveWorld, name: str) -> Bookmark:
    """Return the bookmark of a name."""
    known = marks_of(live)
    for each in known:
        if each.name == name:
            return each
    raise UnknownNameError("bookmark", name, [each.name for each in known])


def _keep(live: LiveWorld, marks: list[Bookmark]) -> None:
    path = file_of(live)
    live.custody.past.bookmarks = marks
    if path is not None:
        keep_bookmarks(path, marks)


def mark(live: LiveWorld, name: str, tick: int | None) -> Bookmark:
    """Give a tick a name."""
    keeper, now = live.custody.keeper, live.world.tick
    tick = now if tick is None else whole_number(tick, "A tick", low=0)
    if tick > now:
        raise InputError(f"The world is at tick {now:,}; tick {tick:,} is still to come.")
    if keeper is not None:
        keeper.flush(live.world)
    named = Bookmark(name, tick, 0 if keeper is None else keeper.number)
    _keep(live, [*(each for each in marks_of(live) if each.name != name), named])
    live.note(f"tick {tick:,} is called {name}")
    return named


def forget(live: LiveWorld, name: str) -> None:
    """Remove a bookmark."""
    gone = marked(live, name)
    _keep(live, [each for each in marks_of(live) if each.name != gone.name])
