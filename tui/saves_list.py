"""The list of saved worlds: what it says of each file, and of what lives on beside it."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sim.errors import HubbubError
from tui.backend import SavedWorld

if TYPE_CHECKING:
    from sim.runtime import LivePlace
    from sim.store import Info


def seen(path: Path, place: LivePlace | None, said: Info | HubbubError) -> SavedWorld:
    """Return what a file and its journal say of themselves, or why it cannot be opened."""
    stat = path.stat()
    live, state = _live(place)
    when = _when(max(stat.st_mtime, _written(place)))
    if isinstance(said, HubbubError):
        damage = "" if live else str(said)  # the journal alone is enough
        return SavedWorld(path, _tick(place, -1), -1, when, stat.st_size, damage, live, state)
    tick = _tick(place, said.tick or 0)
    return SavedWorld(path, tick, said.agents or 0, when, stat.st_size, "", live, state)


def is_here(place: LivePlace) -> bool:
    """Return whether this very program has a live world open."""
    pid = place.signature.pid if place.signature is not None else ""
    return bool(place.holder) and pid == str(os.getpid())


def never_saved(place: LivePlace) -> SavedWorld:
    """Return what a journal says of a world that has no file."""
    live, state = _live(place)
    when = _when(_written(place))
    agents = _agents(place)
    return SavedWorld(place.path, _tick(place, 0), agents, when, place.bytes, "", live, state)


def _live(place: LivePlace | None) -> tuple[str, str]:
    """Return (what opening it gives, how it was left)."""
    from sim.runtime import describe_opening

    if place is None:
        return "", ""
    if is_here(place):
        return "It is on the screen.", "open here"
    if place.holder:
        return f"In use by {place.holder}; a copy of it can be opened.", "in use"
    said = describe_opening(place)
    if not place.was_closed:
        return f"It was not closed. {said}", "not closed"
    return said, "unsaved" if place.goes_on else ""


def _tick(place: LivePlace | None, tick: int) -> int:
    return tick if place is None or place.acked is None else place.opens_at


def _agents(place: LivePlace) -> int:
    """Return how many members a world had at its last checkpoint; -1: that does not say."""
    from sim import info
    from sim.runtime import newest_checkpoint

    try:
        checkpoint = newest_checkpoint(place.path)
        said = info(checkpoint).agents if checkpoint is not None else None
    except (HubbubError, OSError):
        said = None
    return -1 if said is None else said


def _written(place: LivePlace | None) -> float:
    return 0.0 if place is None else place.written_at


def _when(time: float) -> str:
    return datetime.fromtimestamp(time).astimezone().strftime("%Y-%m-%d %H:%M")
