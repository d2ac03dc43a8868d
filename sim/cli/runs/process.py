"""``hubbub run --isolated``: the engine is another process, where plugins break what they break."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from time import perf_counter
from typing import TYPE_CHECKING, Any

from sim.cli.program.output import safe, tell
from sim.cli.runs.results import Ran, contacts_of
from sim.cli.worlds.names import AUTHOR
from sim.core.progress import Report
from sim.errors import HubbubError, PluginError, StuckError

if TYPE_CHECKING:
    from pathlib import Path

    from sim.cli.runs.run import Order, Saying
    from sim.runtime.process.simulation import IsolatedSimulation
    from sim.world.world import World

__all__ = ["run_isolated"]

_LOOK_SECONDS = 0.1
_TRIES = 3
_PRINTED = "a plugin printed: "


def run_isolated(
    world: World, order: Order, max_running: int, report: Report, *, beside: Path | None = None
) -> Ran:
    """Inject and step in a process of its own; returns what came of it, read here again.

    What members do is written by that process, beside the file ``beside``; None: nowhere.

    Raises
    ------
    PluginError
        When a plugin takes the process down as soon as its message is sent.
    EngineError
        When no process gets any further.
    """
    return asyncio.run(_run(world, order, max_running, report, beside))


async def _run(
    world: World, order: Order, max_running: int, report: Report, beside: Path | None
) -> Ran:
    from sim.runtime.engine.warden import patience_for
    from sim.runtime.process.simulation import IsolatedSimulation
    from sim.settings.settings import current

    report("starting the engine", 0.0)
    simulation = IsolatedSimulation(
        world,
        path=beside,
        max_running=max_running,
        patience=patience_for(world),
        author=AUTHOR,
        memory_mb=current().memory_hard_mb,
    )
    async with simulation:
        made, since = world.made, world.tick
        numbers = [await _sent(simulation, saying) for saying in order.sayings]
        before = await simulation.call(_weighed)
        began = perf_counter()
        await _tick(simulation, order, report)
        seconds = perf_counter() - began
        after = await simulation.call(_weighed)
        for _, line in simulation.frame.events:
            if line.startswith(_PRINTED):
                tell(safe(line))
        faults, unmeasured = await simulation.call(_faults)
        done = await simulation.world()
    if done.platform is not None:  # they are no part of its state
        done.platform.faults = faults
    if done.metrics is not None:
        done.metrics.faults = unmeasured
    every = list(done.cascades)
    cascades = [c for c in every if c.id in numbers or c.id >= made] if numbers else every
    return Ran(done, cascades, seconds, max(after - before, 0), since)


def _injected(world: World, saying: Saying) -> int:
    return saying.inject(world).id


def _weighed(world: World) -> int:
    return contacts_of(world.cascades)


def _faults(world: World) -> tuple[list[str], list[str]]:
    """Return what failed of the platform's plugins, and of metrics."""
    return (
        [] if world.platform is None else world.platform.faults,
        [] if world.metrics is None else world.metrics.faults,
    )


async def _sent(simulation: IsolatedSimulation, saying: Saying) -> int:
    from sim.runtime.engine.requests import ReplacedError

    try:
        return await simulation.call(_injected, saying)
    except ReplacedError:
        await simulation.ready()
        reason = "took the engine's process down before its message had begun"
        raise PluginError(saying.named_model, reason) from None


async def _tick(simulation: IsolatedSimulation, order: Order, report: Report) -> None:
    """Run the ticks that were asked for, in one process after another where a plugin ends one."""
    from sim.runtime.engine.requests import ReplacedError

    end, stuck = simulation.frame.tick + order.stop.limit, 0
    while True:
        began = simulation.frame.tick
        left = end - began
        quiet = order.stop.waits_for_quiet
        run = simulation.run_until_quiet(limit=left) if quiet else simulation.step(left)
        try:
            await _followed(simulation, run, end, report)
        except ReplacedError:
            tell(safe(str(simulation.frame.banner)))  # at once: another process takes a while
            await simulation.ready()
            said = str(simulation.frame.banner)
            tell(safe(said))
            stuck = 0 if simulation.frame.tick > began else stuck + 1
            ended = simulation.ended
            if ended is not None and ended.plugin and not ended.sessions:
                # It is no message's model: a new process would run it again.
                where = f" ({ended.place})" if ended.place else ""
                reason = f"{ended.how}{where}; {await _kept(simulation, order)}"
                raise StuckError(ended.plugin, reason) from None
            if stuck == _TRIES:
                kept = await _kept(simulation, order)
                raise HubbubError(f"The run gets no further: {said.rstrip('.')}; {kept}.") from None
        else:
            return


async def _kept(simulation: IsolatedSimulation, order: Order) -> str:
    """Save the last completed tick; returns where, as a clause."""
    from sim.cli.runs.interrupts import rescue_path, said_of_rescue

    path = rescue_path(order.outputs.save)
    await simulation.save(path, note="rescued when the run was stopped")
    return said_of_rescue(simulation.frame.tick, path)


async def _followed(
    simulation: IsolatedSimulation, run: Coroutine[Any, Any, int], end: int, report: Report
) -> None:
    """Wait for ticks and say how far they are; what the report raises stops them."""
    first = simulation.frame.tick
    work = asyncio.create_task(run)
    try:
        while not work.done():
            tick = simulation.frame.tick
            report(f"running tick {tick + 1:,}", (tick - first) / max(end - first, 1))
            await asyncio.wait([work], timeout=_LOOK_SECONDS)
        await work
    finally:
        work.cancel()
