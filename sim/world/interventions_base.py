"""What every intervention is."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from sim.core.params import Parameters
from sim.errors import InputError

if TYPE_CHECKING:
    from sim.world.platform import Platform
    from sim.world.world import World

__all__ = [
    "AGENTS", "MESSAGE", "OPENS", "Intervention", "OnPlatform", "opens_later", "platform_of",
]  # fmt: skip

AGENTS = "whom: ids, or an expression as for seeds"
OPENS = "open-platform"
MESSAGE = "the injected message that it is about, by its number from 0"


class Intervention(Parameters):
    """Something that is done to a world at a tick, or when a condition holds."""

    says: ClassVar[str] = ""
    """What it does, in a few words."""

    def check_in(self, world: World) -> None:
        """Refuse now what could never be done in this world."""

    def do(self, world: World, number: int) -> str:
        """Do it; returns what came of it. ``number`` is its own, for its draws."""
        raise NotImplementedError


class OnPlatform(Intervention):
    """One that needs a platform."""

    def check_in(self, world: World) -> None:
        """Refuse a world without one, unless one is to be opened."""
        if not opens_later(world):
            platform_of(world, self.plugin_name)


def opens_later(world: World) -> bool:
    """Whether a platform is to be opened that is not there yet."""
    return any(each.does.plugin_name == OPENS and not each.is_over for each in world.interventions)


def platform_of(world: World, name: str) -> Platform:
    """Return a world's platform, or say that ``name`` needs one."""
    if world.platform is None:
        raise InputError(f"{name} needs a platform, and this world has none; open one first.")
    return world.platform
