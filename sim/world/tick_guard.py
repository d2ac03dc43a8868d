"""The guard of a tick: no re-entrant ticks, read-only access within, and notes on tick length."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sim.core.clock import TickWarning
from sim.errors import InputError

if TYPE_CHECKING:
    from sim.spread.cascade.model import PropagationModel

from sim.world.contract import WorldState

_HOUR = 60.0


def tell_ticks(world: WorldState, model: PropagationModel) -> None:
    """Say once a model and world that its parameters are per tick, where a tick is no hour.

    In ``world.remarks``, which the command line and the screen show, and as a warning.
    """
    first = per_tick(model, world.tick_minutes)
    said = f"{first}: what was fitted to ticks of another length means another speed here."
    if first and said not in world.remarks:
        warnings.warn(said, TickWarning, stacklevel=4)
        world.remarks += (said,)


def per_tick(model: PropagationModel | type[PropagationModel], minutes: float) -> str:
    """Say that parameters of a model are per tick; nothing where it counts by hours."""
    if model.by_hours or minutes == _HOUR:
        return ""
    length = "1 minute" if minutes == 1 else f"{minutes:g} minutes"
    return f"The parameters of {model.plugin_name} are per tick of {length}"


@contextmanager
def running(world: WorldState) -> Iterator[None]:
    """Mark the world as within a tick; refuse a tick inside it."""
    world.trail.refuse_reader("step")
    if world.is_ticking:
        raise InputError(
            "world.step() was called within a tick; an intervention, a metric, a phase and a model "
            "leave the clock alone."
        )
    world.is_ticking = True
    try:
        yield
    finally:
        world.is_ticking = False


@contextmanager
def only_reads(world: WorldState, who: str) -> Iterator[None]:
    """Let somebody look at a world who may change nothing.

    Commands are refused at once; what is changed without one is noticed afterwards.
    """
    before, outer = _condition(world), world.trail.reader
    world.trail.reader = who
    try:
        yield
    finally:
        world.trail.reader = outer
    if _condition(world) != before:
        raise InputError(f"{who} changes the world, and may only read it")


def _condition(world: WorldState) -> tuple[object, ...]:
    """Return what is quick to compare and changes with most of what can be done to a world."""
    agents = world.agents
    counts = len(agents), agents.edition, len(agents.lore.moves), len(world.interventions)
    states = [(cascade.id, cascade.status, cascade.size) for cascade in world.cascades]
    names = [phase.name for phase in world.phases]
    return (
        world.tick,
        world.seed,
        world.made,
        id(world.ties),
        world.ties.count,
        counts,
        states,
        names,
    )
