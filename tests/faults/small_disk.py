"""Runs a live world under a limit on the size of files; prints what it was told, in JSON.

python -m tests.faults.small_disk FILE.hub
"""

import asyncio
import json
import resource
import sys
from pathlib import Path
from typing import Any

from sim import World
from sim.errors import HubbubError
from sim.runtime import Simulation
from sim.runtime.journal.checkpoints import Pacing
from tests.unit.runtime.worlds import until

NEVER = Pacing(None, None, None)


def limited(size: int) -> None:
    """Let no file grow beyond a size; compiled modules would be cut, and kept so."""
    sys.dont_write_bytecode = True
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))


def meddle(world: World) -> None:
    """Do what nobody can do again."""
    world.agents.set_activity([0], 0.25)


async def held_up(simulation: Simulation, work: Any) -> str:
    """Begin what the disk does not take; return the banner, and let it end once there is room."""
    task = asyncio.create_task(work)
    await until(lambda: "Paused" in (simulation.frame.banner or ""))
    banner = simulation.frame.banner or ""
    assert not task.done()
    limited(resource.RLIM_INFINITY)
    await task
    await until(lambda: "Paused" not in (simulation.frame.banner or ""))
    return banner


async def main(path: Path) -> dict[str, Any]:
    """Step, and do what forces a checkpoint, each on a full disk and then with room."""
    said: dict[str, Any] = {}
    world = World.create(agents=300, mean_degree=6, seed=2)
    limited(2000)
    try:
        async with Simulation(world, path=path, journal=NEVER):
            pass
    except HubbubError as error:
        said["refused"] = str(error)
    said["left"] = [each.name for each in path.parent.rglob("*") if not each.stat().st_size]
    limited(resource.RLIM_INFINITY)
    async with Simulation(world, path=path, journal=NEVER) as simulation:
        await simulation.inject("News", seeds=[1], model="sir")
        await simulation.step(5)
        said["safe"] = simulation.frame.tick
        limited(sum(each.stat().st_size for each in path.parent.rglob("journal*")) // 2)
        said["step"] = await held_up(simulation, simulation.step(200))
        limited(10_000)
        said["checkpoint"] = await held_up(simulation, simulation.call(meddle))
        await simulation.step(3)
    said["digest"], said["tick"] = world.digest(), world.tick
    said["empty"] = [each.name for each in path.parent.rglob("*") if not each.stat().st_size]
    return said


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(Path(sys.argv[1])))))  # noqa: T201 - the test reads it
