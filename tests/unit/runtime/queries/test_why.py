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
from tests.raising import raises_awaited


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
    kept: dict[str, Any] = {"journal": Pacing(ticks=4), "path": path, "undo_bytes": undo}
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
        await raises_awaited(InputError, "ticks 1 to 6; got 9", simulation.why(viewer, message, 9))
        await raises_awaited(OutOfReachError, "", simulation.why(viewer, message, 3))
        await raises_awaited(InputError, "was not shown", simulation.why(viewer, 10**6))
    async with Simulation(
        World.create(agents=20, mean_degree=2, seed=1), name="bare"
    ) as simulation:
        await raises_awaited(InputError, "bare has no platform", simulation.why(0, 0))


def test_a_saved_world_that_does_not_come_again_is_not_explained(path: Path) -> None:
    world = World.create(agents=20, mean_degree=2, seed=1)
    world.open_platform(policy=Passing())
    world.step(2)
    save(world, path)
    with pytest.raises(InputError, match=r"^Replaying tick 1 gives a different .* Act 1 .* cannot"):
        explain(path, 0, 0)


@pytest.mark.parametrize(
    "model",
    ["sir", "sis", "hoax", "viral", "linear-threshold", "watts", "hawkes", "voter",
     "sir-continuous", "competitive-cascade"],
)  # fmt: skip
async def test_an_adoption_is_told_back_to_a_seed_under_every_model(model: str) -> None:
    world = World.create(agents=300, mean_degree=8, seed=3)
    story = world.inject("The bridge is closed.", seeds=[1, 2, 3], model=model)
    async with Simulation(world) as simulation:
        await simulation.step(8)
        at, source = story.adopted_at, story.source
        for member in story.adopters[::7].tolist():
            chain = await simulation.why_adopted(member)
            assert chain == await simulation.why_adopted(member, story.id)
            steps = chain.steps
            assert [step.tick for step in steps] == [at[step.member] for step in steps]
            assert [step.source for step in steps] == [source[step.member] for step in steps]
            assert [step.member for step in steps] == [member, *(s.source for s in steps[:-1])]
            assert steps[-1].is_seed == (steps[-1].member in {1, 2, 3})
            assert steps[-1].source == -1
            for step in steps:
                followed = world.neighbours(step.member, "follows")
                before = (at[followed] >= 0) & (at[followed] < step.tick)
                assert (step.heard, step.follows) == (before.sum(), followed.size)
            assert chain.sentence.startswith(f"{world.agents.name(member)} adopted at tick ")
            assert chain.sentence.endswith((" as a seed.", " on its own."))
        if (rest := at < 0).any():
            member = int(rest.argmax())
            heard = [i for i in world.neighbours(member, "follows").tolist() if at[i] >= 0]
            told = f"{len(heard)} of .*adopted: .*tick {min(at[heard])}" if heard else "None of"
            with pytest.raises(InputError, match=f"has not adopted message #0. {told}"):
                await simulation.why_adopted(member, 0)


async def test_a_model_that_records_no_sources_says_so() -> None:
    world = World.create(agents=300, mean_degree=8, seed=3)
    story = world.inject("x", seeds=[1], model="degroot")
    async with Simulation(world) as simulation:
        await simulation.step(8)
        assert (await simulation.why_adopted(1)).sentence.endswith("at tick 0 as a seed.")
        with pytest.raises(InputError, match=r"^degroot does not record from whom members adopt"):
            await simulation.why_adopted(int(story.adopters[-1]))
        with pytest.raises(InputError, match=r"^There is no message #7\.$"):
            await simulation.why_adopted(1, 7)
