"""Eviction of ended messages from memory: their records move to scratch files.

A record that grows lies there too once those of all running messages are large: what was written
is seldom read. Nothing of this can be seen in a world, but in its memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.core.scratch import let_go
from sim.core.threads import Stalled, interruptible
from sim.platform.channel import FeedChannel
from sim.spread.cascade.contacts import Broadcast
from sim.spread.cascade.faults import is_interruption, said_by
from sim.spread.cascade.model import NO_NETWORK, PropagationModel
from sim.spread.cascade.sparse_column import SparseColumn
from sim.spread.compartments.compartments import Compartments
from sim.spread.exposure.exposures import PerExposure

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from sim.spread.cascade.cascade import Cascade

from sim.world.cascades import Stirs, contest_of
from sim.world.contract import WorldState

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
            if contest_of(each) not in busy:
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
    """Pack messages away that ended; the newest stay at hand, and rivals of those that run."""
    cascades = world.cascades
    over = [each for each in cascades.loose if not each.alive]
    busy = _busy(cascades.loose) if len(over) > AT_HAND else set()
    for each in over[: -AT_HAND or None]:
        is_calm = cascades.is_calm(each, world.tick)
        if not is_calm or contest_of(each) in busy or not _is_plain(each):
            continue
        try:
            stirs = _stirred_by(world, each)
        except BaseException as error:  # whatever an author's code raises
            if is_interruption(error):
                raise
            continue
        if stirs is not None:
            cascades.pack(each, world.pile, stirs)


def _is_plain(cascade: Cascade) -> bool:
    """Return whether all that its model keeps can be saved."""
    return all(isinstance(c, np.ndarray | SparseColumn) for c in cascade.held.values())


def _stirred_by(world: WorldState, cascade: Cascade) -> Stirs | None:
    """Return what may change a message that ended; None: it may be changing now."""
    model, kind, found = cascade.model, type(cascade.model), Stirs.NOTHING
    topic = getattr(model, "topic", "")
    if kind.unsettle not in _UNSETTLED or kind.reweigh not in _REWEIGHED or _knows_ties(cascade):
        found |= Stirs.SUMS
    if kind.welcome is not PropagationModel.welcome:
        found |= Stirs.NEWCOMERS
    if cascade.status != "quiet":
        return found
    if not topic and cascade.rested != world.rested_as:
        return None
    if topic or not _nobody_speaks(world, cascade):
        found |= Stirs.SURROUNDINGS
    elif not cascade.tally[0] and not model.well_mixed:
        found |= Stirs.NEWCOMERS  # else they are as others whom it never reached
    return found


def _knows_ties(cascade: Cascade) -> bool:
    """Return whether it holds sums over ties that :meth:`PropagationModel.unsettle` forgets."""
    basis, near = cascade.held.get("_basis"), cascade.held.get("_near")
    return (basis is not None and 0 <= basis[0] < NO_NETWORK) or (near is not None and near[1] >= 0)


def _nobody_speaks(world: WorldState, cascade: Cascade) -> bool:
    """Return whether nothing can change it but newcomers, whoever comes back or is tied to whom."""
    model, kind = cascade.model, type(cascade.model)
    if type(cascade.channel) is FeedChannel:
        number = None if world.platform is None else world.platform.injected.get(cascade.id)
        if number is None or world.platform is None or number >= world.platform.posts.first:
            return False  # a feed may show it again
        absent, cascade.absent = cascade.absent, np.empty(0, np.uint64)
        try:
            with interruptible():
                return cascade.is_at_rest(world.silence())
        except Stalled as error:
            cascade.fail(f"{cascade.model_name}: {said_by(error)}")
            return False
        finally:
            cascade.absent = absent
    if type(cascade.channel) is not Broadcast:
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
    """Return the contests that still run: their messages write into one another's columns."""
    return {contest_of(each) for each in cascades if each.alive} - {None}
