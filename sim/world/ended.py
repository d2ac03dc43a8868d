"""Messages that ended leave memory: their records lie in scratch files, where all find them.

A record that grows lies there too once those of all running messages are large: what was written
is seldom read. Nothing of this can be seen in a world, but in its memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.core.spill import let_go

if TYPE_CHECKING:
    from collections.abc import Hashable

    from sim.spread.cascade import Cascade
    from sim.world.world import World

__all__ = ["lay_by"]

ENOUGH_BYTES = 4 << 20
"""Ended records wait in memory until they are so many: a small world makes no file."""

RUNNING_BYTES = 256 << 20
"""Records of running messages up to this size in sum stay in memory."""

LARGE_RECORD = 1 << 20
_LOOK_TICKS = 16


def lay_by(world: World) -> None:
    """Move what is seldom looked at into scratch files; called between two ticks."""
    cascades = world.cascades
    ended = [each for each in cascades if not each.laid and not each.alive]
    if ended and sum(each.nbytes for each in ended) >= ENOUGH_BYTES:
        busy = _busy(cascades)
        for each in ended:
            if _group(each) not in busy:
                each.lay_by(world.spill.moved)
        let_go()
    growing = [each for each in cascades if each.status == "running"]
    if sum(each.log.nbytes for each in growing) >= RUNNING_BYTES:
        for each in growing:
            if each.log.nbytes >= LARGE_RECORD:
                each.log.moved(world.spill.moved, whole=False)
    if world.platform is not None:
        world.platform.log.lay_by(world.tick - 2)
    if world.spill.bytes and world.tick % _LOOK_TICKS == 0:
        let_go()


def _busy(cascades: list[Cascade]) -> set[Hashable]:
    """Return the groups that still run: their messages may write into one another's columns."""
    return {_group(each) for each in cascades if each.alive} - {None}


def _group(cascade: Cascade) -> Hashable | None:
    """Return a message's group; a plugin that cannot say it is at fault where it is stepped."""
    try:
        return cascade.group
    except Exception:  # whatever an author's code raises
        return None
