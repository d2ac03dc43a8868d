"""The state and its tick: `World`, its phases, what it refuses."""

from sim.world.world import World

__all__ = ["World"]
