"""Eviction of ended messages from memory: their records move to scratch files.

A record that grows lies there too once those of all running messages are large: what was written
is seldom read. Nothing of this can be seen in a world, but in its memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.core.scratch import let_go
from sim.platform.channel import FeedChannel
from sim.spread.cascade.contacts import Broadcast
from sim.spread.cascade.faults import is_interruption
from sim.spread.cascade.model import PropagationModel
from sim.spread.cascade.sparse_column import SparseColumn
from sim.spread.compartments.compartments import Compartments
from sim.spread.exposure.exposures import PerExposure

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from sim.spread.cascade.cascade import Cascade

from sim.world.contract import WorldState

__all__ = ["lay_by"]

AT_HAND = 16
"""Of messages that ended, so many of the newest are not packed away."""

ENOUGH_BYTES = 4 << 20
"""Ended records wait in memory until they are so many: a small world makes no file."""

RUNNING_BYTES = 256 << 20
"""Records of running messages up to this size in sum stay in memory."""

LARGE_RECORD = 1 << 20
_LOOK_TICKS = 16
_UNSETTLED = {PropagationModel.unsettle, PerExposure.unsettle}
_REWEIGHED = {PropagationModel.reweigh, PerExposure.reweigh}


def lay_by(world: WorldState) -> None:
    """Move what is seldom looked at into scratch files; called between two ticks."""
    _pack(world)
    cascades = world.cascades.loose
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


def _pack(world: WorldState) -> None:
    """Pack messages away that can never change again; the newest stay at hand."""
    cascades = world.cascades
    over = [each for each in cascades.loose if not each.alive]
    for each in over[: -AT_HAND or None]:
        if _is_final(world, each):
            cascades.pack(each, world.pile)


def _is_final(world: WorldState, cascade: Cascade) -> bool:
    """Return whether nothing can ever change a message again, but a command that names it.

    Of one at rest: nobody's turn is to come, whoever comes back, joins, or is tied to whom. Others
    are asked in every tick in which agents or ties changed.
    """
    try:
        return _rests_alone(cascade) and (
            cascade.status != "quiet"
            or (cascade.rested == world.rested_as and _nobody_speaks(world, cascade))
        )
    except BaseException as error:  # whatever an author's code raises
        if is_interruption(error):
            raise
        return False


def _rests_alone(cascade: Cascade) -> bool:
    """Return whether its record is no longer written into by peers, ties or newcomers."""
    kind = type(cascade.model)
    return (
        cascade.group is None
        and not getattr(cascade.model, "topic", "")
        and kind.welcome is PropagationModel.welcome
        and kind.unsettle in _UNSETTLED
        and kind.reweigh in _REWEIGHED
        and not {"_basis", "_near", "_waiting"} & cascade.held.keys()
        and all(isinstance(c, np.ndarray | SparseColumn) for c in cascade.held.values())
    )


def _nobody_speaks(world: WorldState, cascade: Cascade) -> bool:
    """Return whether all had their turn, and the channel brings it to nobody any more."""
    model, kind = cascade.model, type(cascade.model)
    if type(cascade.channel) is FeedChannel:
        number = None if world.platform is None else world.platform.injected.get(cascade.id)
        if number is None or world.platform is None or number >= world.platform.posts.first:
            return False  # a feed may show it again
    elif type(cascade.channel) is not Broadcast:
        return False
    if kind.is_quiet is PropagationModel.is_quiet:
        return cascade.yet_to_speak.size == 0
    if isinstance(model, Compartments) and kind.is_quiet is Compartments.is_quiet:
        return model.is_spent(cascade)
    if not isinstance(model, PerExposure) or kind.is_quiet is not PerExposure.is_quiet:
        return False
    ticks = model.ticks_spoken(world.tick_minutes)
    return type(model).ticks_spoken is PerExposure.ticks_spoken and not (
        ticks > 0 and cascade.new_adopters[-ticks:].any()
    )


def _busy(cascades: Iterable[Cascade]) -> set[Hashable]:
    """Return the groups that still run: their messages may write into one another's columns."""
    return {_group(each) for each in cascades if each.alive} - {None}


def _group(cascade: Cascade) -> Hashable | None:
    """Return a message's group; a plugin that cannot say it is at fault where it is stepped."""
    try:
        return cascade.group
    except BaseException as error:  # whatever an author's code raises
        if is_interruption(error):
            raise
        return None
