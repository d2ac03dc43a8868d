"""Custom phases of a tick: faults disable the phase, not the tick; files store their names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sim.core.text import one_line
from sim.core.threads import interruptible
from sim.errors import InputError
from sim.platform.opening import phases_of
from sim.spread.cascade.faults import is_interruption, said_by
from sim.world.base import Phase, WorldState


def fenced(phase: Phase, *, strikes: int = 3) -> Phase:
    """Return a phase that never raises; after ``strikes`` faults it does nothing.

    Each fault adds a sentence to ``world.remarks``, which a running simulation shows.

    Parameters
    ----------
    phase
        The phase to run in each tick.
    strikes
        Number of faults after which it is skipped, at least 1.

    Examples
    --------
    >>> from hubbub import Phase, World
    >>> world = World.create(agents=100, mean_degree=4, seed=1)
    >>> world.phases.append(fenced(Phase("fragile", "divides by zero", lambda _: 1 / 0)))
    >>> world.step(5)
    >>> len(world.remarks), world.tick
    (3, 5)
    """
    faults = 0

    def run(world: WorldState) -> None:
        nonlocal faults
        if faults >= strikes:
            return
        try:
            with interruptible():
                phase.run(world)
        except BaseException as error:  # the phase's own code
            if is_interruption(error):
                raise
            faults += 1
            end = "; it is left out from now on" if faults >= strikes else ""
            said = said_by(error).rstrip(".")
            world.remarks += (
                f"The phase {phase.name!r} failed in tick {world.tick}: {said}{end}.",
            )

    return Phase(phase.name, phase.says, run)


_LONGEST = 200
_MOST = 1000


def dump_phases(world: WorldState) -> list[list[Any]]:
    """Return [name, description, whether a program added it] of each phase, in order."""
    standard = _standard(world)
    back = {each.name for each in world.phases if not is_lost(each) and each not in standard}
    own = [phase for phase in world.phases if not (is_lost(phase) and phase.name in back)]
    if own == standard:
        return []
    return [[phase.name, phase.says, phase not in standard] for phase in own]


def restore_phases(world: WorldState, told: Sequence[Sequence[Any]]) -> list[str]:
    """Give a world the phases of :func:`dump_phases`; return remarks for people."""
    if not told:
        return []
    if len(told) > _MOST:
        raise InputError(f"A tick has at most {_MOST:,} phases.")
    known = {phase.name: phase for phase in _standard(world)}
    phases, remarks = [], []
    for name, says, is_own in told:
        phase = None if is_own else known.get(str(name))
        if phase is None:
            phase = Phase(one_line(str(name), _LONGEST), one_line(str(says), _LONGEST), _nothing)
            remarks.append(
                f"The phase {phase.name!r} ({phase.says}), which a program added to this world, is "
                f"missing: ticks continue without it; add it again with world.add_phase."
            )
        phases.append(phase)
    world.phases = phases
    return remarks


def is_lost(phase: Phase) -> bool:
    """Return whether this is a placeholder for a phase whose program is missing."""
    return phase.run is _nothing


def add_phase(world: WorldState, phase: Phase, before: str = "") -> None:
    """Add a phase to the tick; see :meth:`World.add_phase`."""
    names = [each.name for each in world.phases]
    places = [k for k, each in enumerate(world.phases) if is_lost(each) and each.name == phase.name]
    if places:
        world.phases[places[0]] = phase
    elif not before:
        world.phases.append(phase)
    elif before in names:
        world.phases.insert(names.index(before), phase)
    else:
        raise InputError(f"There is no phase {before!r} to come before; there are {names}.")


def _nothing(world: WorldState) -> None:
    """Do nothing, in place of a missing phase."""


def _standard(world: WorldState) -> list[Phase]:
    return phases_of(platform=world.platform is not None, metrics=world.metrics is not None)
