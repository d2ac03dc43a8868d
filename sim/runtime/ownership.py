"""Ownership of a world: one that an engine drives is nobody else's."""

from __future__ import annotations

from weakref import WeakSet

from sim.errors import InputError
from sim.world.world import World

__all__ = ["claim", "release"]

_driven: WeakSet[World] = WeakSet()


def claim(world: World) -> None:
    """Take a world for one engine.

    Raises
    ------
    InputError
        When another has it.
    """
    if world in _driven:
        raise InputError(
            "This world runs in a simulation already; use that one, close it first, or load the "
            "world again from its file."
        )
    _driven.add(world)


def release(world: World) -> None:
    """Give a world back: whoever asks next may have it."""
    _driven.discard(world)
