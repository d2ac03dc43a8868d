"""Overwrite checks of a save: what would be lost, and putting aside what lies at the target.

A file may hold the same world further on, or with more of it alive; or another world, which nobody
replaces without asking, and whose journal nobody throws away.
"""

from __future__ import annotations

import os
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from sim.errors import FileError, SnapshotError
from sim.runtime.saves.places import discard, held_by_another, place_of, put_aside
from sim.store.history.database import drop_history
from sim.store.journal.journal import folder_of
from sim.store.journal.lease import LeaseError
from sim.store.journal.reading import audit, saved_acts
from sim.store.snapshot.opened import info, under_way
from sim.world.state.placeholders import LostModel

if TYPE_CHECKING:
    from sim.world.log import LoggedAct
    from sim.world.world import World


def lost_by_saving(world: World, path: str | PathLike[str]) -> str:
    """Say what would be lost if a world were saved to a file, one clause."""
    file = Path(path)
    try:
        said = saved_acts(file)
        alive = under_way(file)
    except SnapshotError:
        return ""
    acts = world.trail.acts
    if not said.acts or not acts or said.acts[0].digest != acts[0].digest:
        return ""
    if (said.tick or 0) > world.tick:
        return f"holds this world at tick {said.tick:,}, and here it is at tick {world.tick:,}"
    for cascade in world.cascades:
        lacks = isinstance(cascade.model, LostModel) and cascade.status == "failed"
        if lacks and cascade.id in alive:
            return (
                f"holds message #{cascade.id} under way, which has stopped here because the plugin "
                f"{cascade.model_name!r} is missing"
            )
    return ""


def another_world(world: World, path: str | PathLike[str]) -> str:
    """Say which other world a file holds, one clause; "" where it is none, or an earlier state."""
    file = Path(path)
    try:
        said = saved_acts(file)
    except SnapshotError:
        return ""
    acts = world.trail.acts
    if not said.acts or not acts or _made(said.acts[0]) == _made(acts[0]):
        return ""
    return f"holds another world, at tick {said.tick or 0:,}"


def origin_of(path: Path) -> LoggedAct | None:
    """Return how the world of a file, or of the journal beside it, came about; None: unknown."""
    try:
        acts = (saved_acts(path) if path.is_file() else audit(path)).acts
    except SnapshotError:
        return None
    return _made(acts[0]) if acts else None


def _made(first: LoggedAct) -> LoggedAct:
    """Return how a world came about, whoever did it."""
    return replace(first, author="", digest="")


def require_free(path: Path, *, force: bool, ways: str = "") -> None:
    """Refuse to put a world where something is: a file, or a world that lives in its journal."""
    if holder := held_by_another(path):
        raise LeaseError(path, f"in use by {holder}; close it there first")
    found = "" if force else _there(path)
    if found:
        raise FileError(path, f"{found}; {ways or 'choose another name, or add --force'}")


def make_way(path: Path, *, drop: bool = True) -> str:
    """Put aside what lives beside a file that is about to be replaced; say where it is kept.

    The file goes along under that name, where the file system has hard links. Unless it is to
    ``drop`` that, the history of what members did stays beside the file too.
    """
    aside = cleared(path)
    if drop:
        drop_history(path)
    return "" if aside is None else f"What lived beside the world of before is kept: {aside.stem}."


def cleared(path: Path) -> Path | None:
    """Put aside what lives beside a file; return the file beside which it lies now, if it does."""
    if place_of(path) is not None:
        return put_aside(path, "before", link=True)
    if folder_of(path).is_dir():
        discard(path)
    return None


def _there(path: Path) -> str:
    """Say what is at a place, one clause; "" for nothing."""
    place = place_of(path)
    lives = place is not None and place.goes_on
    end = "" if place is None or place.acked is None else f" tick {place.acked.tick:,}"
    if os.path.lexists(path):
        try:
            held = f"exists, a world at tick {info(path).tick or 0:,}"
        except FileError:
            held = "exists"
        return f"{held}, and its journal goes on to{end or ' more'}" if lives else held
    if place is not None or folder_of(path).is_dir():
        return f"a world that was never saved lives there in its journal{end and f', at{end}'}"
    return ""
