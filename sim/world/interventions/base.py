""":class:`Intervention`: the base class of interventions."""

from __future__ import annotations

from typing import Any, ClassVar

from sim.arrays import Ids
from sim.core import rng
from sim.core.params import Parameters
from sim.core.plugin_files import API_VERSION
from sim.core.rng import Stream
from sim.errors import InputError
from sim.world.contract import PlatformState, WorldState
from sim.world.seeding import choose_seeds

AGENTS = "whom: ids, or an expression as for seeds"
OPENS = "open-platform"
MESSAGE = "the injected message that it is about, by its number from 0"


class Intervention(Parameters):
    """Something that is done to a world at a tick, or when a condition holds.

    Its fields are the keys of a scenario and the fields of a form; it is made by name wherever an
    intervention is planned. What it draws, it draws from :class:`~sim.core.rng.Lots` by its name
    and ``number``.

    Examples
    --------
    >>> from sim import Field, Intervention, World, register
    >>> @register("curfew")
    ... class Curfew(Intervention):
    ...     says = "let everybody be less active"
    ...     share: float = Field(0.5, ge=0, le=1, description="what is left of activity")
    ...
    ...     def do(self, world, number):
    ...         world.agents.set_activity(range(len(world.agents)), self.share)
    ...         return f"activity is {self.share}"
    >>> world = World.create(agents=20, mean_degree=4)
    >>> planned = world.at(1, "curfew", share=0.25)
    >>> world.step(2)
    >>> float(world.agents.activity.max()), world.interventions[0].result
    (0.25, 'activity is 0.25')
    """

    plugin_kind: ClassVar[str] = "intervention"
    version: ClassVar[str] = "1"
    api: ClassVar[int] = API_VERSION
    requires: ClassVar[tuple[str, ...]] = ()
    says: ClassVar[str] = ""
    """What it does, in a few words."""

    def check_in(self, world: Any) -> None:
        """Refuse now what could never be done in this world."""

    def do(self, world: Any, number: int) -> str:
        """Do it; returns what came of it. ``number`` is its own, for its draws."""
        raise NotImplementedError


def members_of(world: WorldState, expression: str, number: int, *, others: bool = False) -> Ids:
    """Return whom an intervention means; what it draws is its own, each side apart."""
    key = rng.key(world.seed, Stream.CHOSEN, world.tick, 2 * number + others)
    return choose_seeds(world, expression, key=key)


class OnPlatform(Intervention):
    """One that needs a platform."""

    def check_in(self, world: Any) -> None:
        """Refuse a world without one, unless one is to be opened."""
        if not opens_later(world):
            platform_of(world, self.plugin_name)


def opens_later(world: WorldState) -> bool:
    """Whether a platform is to be opened that is not there yet."""
    return any(each.does.plugin_name == OPENS and not each.is_over for each in world.interventions)


def platform_of(world: WorldState, name: str) -> PlatformState:
    """Return a world's platform, or say that ``name`` needs one."""
    if world.platform is None:
        raise InputError(f"{name} needs a platform, and this world has none; open one first.")
    return world.platform
