"""What a save would lose: a file may hold the same world further on, or with more of it alive."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from sim.errors import SnapshotError
from sim.store.audit_reading import saved_acts
from sim.store.inspect import under_way
from sim.world.lost import LostModel

if TYPE_CHECKING:
    from sim.world.world import World

__all__ = ["lost_by_saving"]


def lost_by_saving(world: World, path: str | PathLike[str]) -> str:
    """Say what would be lost if a world were saved to a file, one clause.

    Parameters
    ----------
    world
        As it is now.
    path
        The file; only its tables for people are read.

    Returns
    -------
    str
        Empty when nothing would: there is no world, or another one, which is no business of this
        question; or an earlier state of this one.
    """
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
