"""``hubbub run`` in this process: messages, ticks, and what is done between them."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter
from typing import TYPE_CHECKING

from sim.cli.plugins.warden import Guard
from sim.cli.program.output import tell
from sim.cli.runs.results import Ran, contacts_of
from sim.cli.scenario.acts import do_due
from sim.core.progress import Report

if TYPE_CHECKING:
    from sim.cli.minds.run import Decide
    from sim.cli.runs.run import Order
    from sim.cli.scenario.acts import Deed
    from sim.runtime.journal.writer import JournalWriter
    from sim.world.world import World

__all__ = ["run_here"]


def _tell_late(deeds: Sequence[Deed], limit: int) -> None:
    """Say what was to be done later than the run lasted."""
    for deed in deeds:
        if deed.at > limit:
            where = "A command" if deed.place is None else f"{deed.place[0]}: {deed.place[1]}"
            tell(f"{where}: {deed.do} at {deed.at:,} is not done; the run ends at {limit:,}.")


def _tell_remarks(world: World, told: int) -> int:
    """Say what the world remarked beyond the first ``told``; returns how many there are."""
    for remark in world.remarks[told:]:
        tell(remark)
    return len(world.remarks)


def run_here(
    world: World, order: Order, max_running: int, keeper: JournalWriter | None, report: Report
) -> Ran:
    """Inject and step; what plugins print is a remark, and no part of a result."""
    from sim.cli.minds.run import minding
    from sim.cli.runs.exporter import served
    from sim.cli.runs.interrupts import kept_when_stopped, settled_in

    settled_in(world, keeper, max_running)
    since, made, told = world.tick, world.made, len(world.remarks)
    cascades = [saying.inject(world, keeper) for saying in order.sayings] or list(world.cascades)
    told = _tell_remarks(world, told)
    before = contacts_of(cascades)
    began = perf_counter()
    with (
        kept_when_stopped(world, keeper, order.outputs.save),
        served(world, keeper),
        minding(world, order.minded, keeper, report) as decide,
    ):
        stopped = _tick(world, order, keeper, report, decide)
    _tell_remarks(world, told)
    _tell_late(order.deeds, order.stop.limit)
    seconds = perf_counter() - began
    known = {cascade.id for cascade in cascades}
    fresh = [each for each in world.cascades if each.id >= made and each.id not in known]
    every = [*cascades, *fresh]  # interventions send messages too
    return Ran(world, every, seconds, contacts_of(every) - before, since, stopped)


def _tick(
    world: World,
    order: Order,
    keeper: JournalWriter | None,
    report: Report,
    decide: Decide,
) -> str:
    """Run tick after tick, with what is done between them, to the end that is asked for.

    Returns why it ended before, one sentence; empty: it did not.
    """
    from sim.minds.deciding.thinker import ENOUGH
    from sim.runtime.engine.output_capture import OutputCapture

    limit, hush = order.stop.limit, OutputCapture(tell)
    guard = Guard(world, keeper, order.outputs.save)
    for done in range(limit):
        waits = do_due(order.deeds, world, done, keeper)
        if order.stop.reached(world) and not waits:
            why = decide.at_end()
            return f"The run came to rest after tick {world.tick:,}. {why}" if why else ""
        report(f"running tick {world.tick + 1:,}", done / limit)
        with hush:
            guard.step()
        if keeper is not None:
            keeper.ticked(world, wait=False)
        why = decide.after_tick(ENOUGH if done < limit - 1 else 1)
        if why:
            return f"The run stopped after tick {world.tick:,}. {why}"
    do_due(order.deeds, world, limit, keeper)
    return ""
