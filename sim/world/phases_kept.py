"""Saved phases of a world that a program changed, as a file keeps them: by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sim.core.text import one_line
from sim.errors import InputError
from sim.world.phases import Phase

if TYPE_CHECKING:
    from sim.world.world import World

__all__ = ["add_phase", "dump_phases", "is_lost", "restore_phases"]

_LONGEST = 200
_MOST = 1000


def dump_phases(world: World) -> list[list[Any]]:
    """Return [name, what it does, whether it is a program's own] of each phase, in order.

    Empty where the phases are those that every world like this has. What a program's phase does is
    code and stays with the program.
    """
    standard = _standard(world)
    back = {each.name for each in world.phases if not is_lost(each) and each not in standard}
    own = [phase for phase in world.phases if not (is_lost(phase) and phase.name in back)]
    if own == standard:
        return []
    return [[phase.name, phase.says, phase not in standard] for phase in own]


def restore_phases(world: World, told: Sequence[Sequence[Any]]) -> list[str]:
    """Give a world the phases of :func:`dump_phases`; returns what a person should know.

    Raises
    ------
    InputError
        For what no dump would say.
    """
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
                f"The phase {phase.name!r} ({phase.says}), which a program gave to this world, is "
                f"not here: ticks go on without it; world.add_phase gives it back in its place."
            )
        phases.append(phase)
    world.phases = phases
    return remarks


def is_lost(phase: Phase) -> bool:
    """Return whether this stands for a phase whose program is not here."""
    return phase.run is _nothing


def add_phase(world: World, phase: Phase, before: str = "") -> None:
    """Let ticks run a phase; see :meth:`World.add_phase`."""
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


def _nothing(world: World) -> None:
    """Stand for what is not here."""


def _standard(world: World) -> list[Phase]:
    from sim.platform.opening import phases_of  # it knows platforms, and these phases

    return phases_of(platform=world.platform is not None, metrics=world.metrics is not None)
