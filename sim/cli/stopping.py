"""A run from the command line: how it begins, and how it ends before its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.cli.worlds import AUTHOR

if TYPE_CHECKING:
    from sim.run.keeper import Keeper
    from sim.world.world import World

__all__ = ["settled_in"]


def settled_in(world: World, keeper: Keeper | None, max_running: int) -> None:
    """Let the command line be who does what comes next, and so many messages run at once."""
    from sim.run.keeper import done

    world.trail.by(world, AUTHOR)
    if world.max_running != max_running:
        with done(keeper, world, "limit", (max_running,)):
            world.max_running = max_running
