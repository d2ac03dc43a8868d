"""Error guard of custom tick phases: an exception disables the phase, not the tick."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.core.text import one_line
from sim.spread.cascade.faults import is_interruption
from sim.world.phases import Phase

if TYPE_CHECKING:
    from sim.world.world import World

__all__ = ["fenced"]


def fenced(phase: Phase, *, strikes: int = 3) -> Phase:
    """Return a phase that never raises; after some faults it does nothing any more.

    Each fault is a sentence in ``world.remarks``, which a running simulation shows.

    Parameters
    ----------
    phase
        What to run in each tick.
    strikes
        Faults after which it is left out, at least 1.

    Examples
    --------
    >>> from sim import Phase, World
    >>> world = World.create(agents=100, mean_degree=4, seed=1)
    >>> world.phases.append(fenced(Phase("fragile", "divides by zero", lambda _: 1 / 0)))
    >>> world.step(5)
    >>> len(world.remarks), world.tick
    (3, 5)
    """
    faults = 0

    def run(world: World) -> None:
        nonlocal faults
        if faults >= strikes:
            return
        try:
            phase.run(world)
        except BaseException as error:  # somebody else's code
            if is_interruption(error):
                raise
            faults += 1
            end = "; it is left out from now on" if faults >= strikes else ""
            said = one_line(f"{type(error).__name__}: {error}").rstrip(".")
            world.remarks += (
                f"The phase {phase.name!r} failed in tick {world.tick}: {said}{end}.",
            )

    return Phase(phase.name, phase.says, run)
