"""The blocking interface without asyncio: runs a world and returns when it is done."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from sim.runtime.frames.frames import Frame
from sim.runtime.simulation import Simulation
from sim.world.world import World


def ignore(_frame: Frame) -> None:
    """Look at no frame."""


def run_blocking(
    world: World,
    ticks: int = 100_000,
    *,
    until_quiet: bool = False,
    progress: Callable[[Frame], object] = ignore,
    frames_per_second: float = 10.0,
    max_running: int | None = None,
) -> Frame:
    """Run a world as fast as possible, and return its last frame.

    Interrupted (ctrl+c) or cancelled by ``progress``, it stops after the running tick: the world
    is then at a whole tick and can be saved.

    Parameters
    ----------
    world
        The world; at ``world.tick + ticks`` afterwards, or earlier.
    ticks
        How many at most, at least 0.
    until_quiet
        Stop once no message is queued or running.
    progress
        Called with a frame some times a second, and with the last one; may raise to stop.
    frames_per_second
        How often, in (0, 60].
    max_running
        Messages that spread at once; None: as the world has it.

    Raises
    ------
    EngineError
        When the engine failed; and whatever ``progress`` raises.
    """
    return asyncio.run(_run(world, ticks, until_quiet, progress, frames_per_second, max_running))


async def _run(
    world: World,
    ticks: int,
    until_quiet: bool,
    progress: Callable[[Frame], object],
    frames_per_second: float,
    max_running: int | None,
) -> Frame:
    simulation = Simulation(
        world, frames_per_second=frames_per_second, max_running=max_running, undo_bytes=0
    )
    async with simulation:
        run = simulation.run_until_quiet(limit=ticks) if until_quiet else simulation.step(ticks)
        work = asyncio.create_task(run)
        work.add_done_callback(lambda _: watch.end())
        try:
            async with simulation.watch(size=1) as watch:
                async for frame in watch:
                    progress(frame)
            await work
        finally:
            work.cancel()
        progress(simulation.frame)
        return simulation.frame
