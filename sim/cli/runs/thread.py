"""``hubbub run`` in this process: stepping with warden, metrics export and rescue when stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.cli.plugins.warden import Guard
from sim.cli.program.output import tell
from sim.core.progress import Report

if TYPE_CHECKING:
    from pathlib import Path

    from sim.runtime.journal.writer import JournalWriter
    from sim.scenario.driver import RunOutcome
    from sim.scenario.plan import RunPlan
    from sim.world.world import World


def run_here(
    world: World,
    plan: RunPlan,
    target: Path | None,
    keeper: JournalWriter | None,
    report: Report,
) -> RunOutcome:
    """Inject and step; what plugins print is a remark, and no part of a result.

    Parameters
    ----------
    world, plan
        As of :func:`~sim.scenario.driver.run_plan`.
    target
        Where the world is saved in the end, beside which it is kept when the run is stopped; None:
        nowhere.
    keeper
        Of the world's journal, if it has one.
    report
        Told the progress; may cancel by raising.
    """
    from sim.cli.runs.exporter import served
    from sim.cli.runs.interrupts import kept_when_stopped
    from sim.runtime.minds import asleep
    from sim.scenario.driver import run_plan

    if plan.minds is None and (said := asleep(world)):
        tell(f"{said} Wake them by --minds awake.")
    with kept_when_stopped(world, keeper, target), served(world, keeper):
        guard = Guard(world, keeper, target)
        return run_plan(plan, world, journal=keeper, report=report, tell=tell, step=guard.step)
