"""Moves of life of a world under way, as people are told of them; for :meth:`Simulation.query`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.agents.lifecycle import Lifecycle

if TYPE_CHECKING:
    from sim.world.world import World

__all__ = ["moves_told"]

MOST = 200
"""Moves that are told, the newest."""

Told = tuple[int, str, str, str, str]


def moves_told(world: World, start: int = 0, stop: int | None = None) -> tuple[int, list[Told]]:
    """Return how many moves there are in some ticks, and the newest of them.

    Parameters
    ----------
    world
        Left as it is.
    start, stop
        Ticks, both included; None: up to now.

    Returns
    -------
    int, list of (tick, id, name, from, to)
        The newest first.

    Raises
    ------
    InputError
        For ticks that go back.
    """
    moves, agents = world.moves(start, stop), world.agents
    newest = zip(*(column[::-1][:MOST].tolist() for column in moves), strict=True)
    stage = [one.name.lower() for one in Lifecycle]
    return moves.tick.size, [
        (tick, str(agents.id(who)), agents.name(who), stage[before], stage[after])
        for tick, who, before, after in newest
    ]
