"""``hubbub run --isolated``: the engine is another process, so plugins cannot crash this one."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING, Any

from sim.cli.exits import rescue_path, said_of_rescue
from sim.cli.output import safe, tell
from sim.core.progress import Report
from sim.errors import HubbubError, PluginError, StuckError
from sim.runtime.engine.engine import ReplacedError
from sim.runtime.engine.warden import patience_for
from sim.runtime.simulation import IsolatedSimulation
from sim.scenario.driver import RunOutcome, contacts_of
from sim.settings.settings import current

if TYPE_CHECKING:
    from pathlib import Path

    from sim.runtime.simulation import Simulation
    from sim.scenario.plan import RunPlan
    from sim.world.world import World


_LOOK_SECONDS = 0.1
_TRIES = 3
_PRINTED = "a plugin printed: "


def run_isolated(
    world: World,
    plan: RunPlan,
    target: Path | None,
    report: Report,
    *,
    beside: Path | None = None,
) -> RunOutcome:
    """Inject and step in a separate process; return the outcome, read back into this process."""
    return asyncio.run(_run(world, plan, target, report, beside))


async def _run(
    world: World, plan: RunPlan, target: Path | None, report: Report, beside: Path | None
) -> RunOutcome:
    report("starting the engine", 0.0)
    simulation = IsolatedSimulation(
        world,
        path=beside,
        max_running=plan.most_running,
        patience=patience_for(world),
        author=plan.author,
        memory_mb=current().memory_hard_mb,
    )
    async with simulation:
        made, since = world.made, world.tick
        await _begun(simulation, plan)
        before = await simulation.call(_weighed)
        began = perf_counter()
        await _tick(simulation, since + plan.stop.limit, target, report)
        seconds = perf_counter() - began
        after = await simulation.call(_weighed)
        for said in plan.late():
            tell(said)
        for _, line in simulation.frame.events:
            if line.startswith(_PRINTED):
                tell(safe(line))
        faults, unmeasured = await simulation.call(_faults)
        done = await simulation.world()
    if done.platform is not None:  # faults are no part of a world's state
        done.platform.faults = faults
    if done.metrics is not None:
        done.metrics.faults = unmeasured
    every = list(done.cascades)
    cascades = [c for c in every if c.id >= made] if plan.messages else every
    return RunOutcome(done, cascades, seconds, max(after - before, 0), since)


def _weighed(world: World) -> int:
    return contacts_of(world.cascades)


def _faults(world: World) -> tuple[list[str], list[str]]:
    """Return the failures of the platform's plugins, and of metrics."""
    return (
        [] if world.platform is None else world.platform.faults,
        [] if world.metrics is None else world.metrics.faults,
    )


async def _begun(simulation: Simulation, plan: RunPlan) -> None:
    """Begin a plan in a world that has been prepared for it."""
    try:
        await simulation.begin(replace(plan, setup=None, platform=""))
    except ReplacedError:
        await simulation.ready()
        ended = simulation.ended
        plugin = plan.messages[0].named_model if ended is None or not ended.plugin else ended.plugin
        reason = "took the engine's process down before its message had begun"
        raise PluginError(plugin, reason) from None


async def _tick(simulation: Simulation, end: int, target: Path | None, report: Report) -> None:
    """Run until the plan is over, in a new process whenever a plugin ends one."""
    stuck = 0
    while (now := simulation.frame.program) is not None and now.ended is None:
        began = simulation.frame.tick
        run = simulation.step(end - began)
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
                # It is not a message's model: a new process would run it again.
                where = f" ({ended.place})" if ended.place else ""
                reason = f"{ended.how}{where}; {await _kept(simulation, target)}"
                raise StuckError(ended.plugin, reason) from None
            if stuck == _TRIES:
                kept = await _kept(simulation, target)
                raise HubbubError(f"The run gets no further: {said.rstrip('.')}; {kept}.") from None
    if now is None:
        kept = await _kept(simulation, target)
        raise HubbubError(f"The run was cut short, for nothing carries its plan on; {kept}.")
    if now.error:
        raise HubbubError(now.error)


async def _kept(simulation: Simulation, target: Path | None) -> str:
    """Save the last completed tick; return a clause saying where."""
    path = rescue_path(target)
    await simulation.save(path, note="rescued when the run was stopped")
    return said_of_rescue(simulation.frame.tick, path)


async def _followed(
    simulation: Simulation, run: Coroutine[Any, Any, int], end: int, report: Report
) -> None:
    """Wait for ticks and report their progress; an error raised by the report stops them."""
    first = simulation.frame.tick
    work = asyncio.create_task(run)
    try:
        while not work.done():
            tick, stalled = simulation.frame.tick, simulation.frame.stalled
            stage = stalled.what if stalled else f"running tick {tick + 1:,}"
            report(stage, (tick - first) / max(end - first, 1))
            await asyncio.wait([work], timeout=_LOOK_SECONDS)
        await work
    finally:
        work.cancel()
