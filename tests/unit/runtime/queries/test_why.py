"""A living world says why somebody was shown something, of earlier ticks too."""

from pathlib import Path
from typing import Any

import pytest

from sim import RulePolicy, World, explain
from sim.errors import InputError
from sim.platform import Why
from sim.runtime import Simulation
from sim.runtime.journal.checkpoints import Pacing
from sim.runtime.undo_history import OutOfReachError
from sim.store import save


class Passing(RulePolicy):
    """Rules that nothing is registered under."""

    plugin_name = "passing"


def town(**more: Any) -> World:
    return World.create(agents=200, mean_degree=6, seed=3, platform={"posting": 0.3} | more)


async def walked(simulation: Simulation, world: World) -> tuple[Why, int, int]:
    """Run six ticks; return why one message was shown in the third, as it was told then."""
    await simulation.step(3)
    assert world.platform is not None
    shown = world.platform.exposures
    viewer, message = int(shown.viewer[4]), int(shown.message[4])
    then = await simulation.why(viewer, message)
    await simulation.step(3)
    return then, viewer, message


@pytest.mark.parametrize("undo", [None, 0], ids=["memory", "journal"])
async def test_an_earlier_exposure_is_explained_as_it_lives(path: Path, undo: int | None) -> None:
    world = town()
    kept: dict[str, Any] = {
        "journal": Pacing(ticks=4),
        "path": path,
        "undo_bytes": undo,
    }
    async with Simulation(world, **kept) as simulation:
        then, viewer, message = await walked(simulation, world)
        before = world.digest()
        assert await simulation.why(viewer, message, 3) == then
        assert (then.tick, then.viewer, then.message) == (3, viewer, message)
        assert (world.digest(), world.tick) == (before, 6)


async def test_feeds_that_were_not_kept_are_made_again() -> None:
    world = town()
    async with Simulation(world) as kept:
        then, viewer, message = await walked(kept, world)
    spare = town(keep_feeds=False)
    async with Simulation(spare) as simulation:
        await simulation.step(3)
        assert await simulation.why(viewer, message) == then
        await simulation.step(3)
        assert await simulation.why(viewer, message, 3) == then
        assert spare.digest() == world.digest()


async def test_what_a_living_world_cannot_explain_is_one_sentence() -> None:
    world = town()
    async with Simulation(world, undo_bytes=0) as simulation:
        _, viewer, message = await walked(simulation, world)
        with pytest.raises(InputError, match="ticks 1 to 6; got 9"):
            await simulation.why(viewer, message, 9)
        with pytest.raises(OutOfReachError):
            await simulation.why(viewer, message, 3)
        with pytest.raises(InputError, match="was not shown"):
            await simulation.why(viewer, 10**6)
    async with Simulation(
        World.create(agents=20, mean_degree=2, seed=1), name="bare"
    ) as simulation:
        with pytest.raises(InputError, match="bare has no platform"):
            await simulation.why(0, 0)


def test_a_saved_world_that_does_not_come_again_is_not_explained(path: Path) -> None:
    world = World.create(agents=20, mean_degree=2, seed=1)
    world.open_platform(policy=Passing())
    world.step(2)
    save(world, path)
    with pytest.raises(InputError, match=r"^Replaying tick 1 gives a different .* Act 1 .* cannot"):
        explain(path, 0, 0)
