"""Run a plan on a world: :func:`drive` decides when to step, and minds decide after ticks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple

from sim.core.progress import Report, Tell, named_by, quiet, unheard
from sim.errors import HubbubError
from sim.minds.deciding.thinker import ENOUGH
from sim.runtime.engine.metrics_tracker import deliver
from sim.runtime.engine.output_capture import OutputCapture
from sim.runtime.engine.run_control import drive
from sim.runtime.journal.writer import journalled
from sim.scenario.minds import deciding
from sim.settings.durations import timed

if TYPE_CHECKING:
    from sim.runtime.journal.writer import JournalWriter
    from sim.scenario.minds import Decide
    from sim.scenario.plan import RunPlan
    from sim.spread.cascade.cascade import Cascade
    from sim.world.world import World


class RunOutcome(NamedTuple):
    """A world after its run, and the results.

    Attributes
    ----------
    world
        The world after the run.
    cascades
        The messages to report: those of the run, or all of the world if it sent none.
    seconds
        Time of the ticks.
    contacts
        Contacts evaluated by its messages.
    since
        The tick at which the run started.
    stopped
        Why it ended early, one sentence; empty: it did not.
    """

    world: World
    cascades: Sequence[Cascade]
    seconds: float
    contacts: int
    since: int = 0
    stopped: str = ""


def contacts_of(cascades: Iterable[Cascade]) -> int:
    """Return the number of contacts that cascades evaluated in this process."""
    return sum(cascade.contacts_seen for cascade in cascades)


def run_plan(
    plan: RunPlan,
    world: World,
    *,
    journal: JournalWriter | None = None,
    report: Report = quiet,
    tell: Tell = unheard,
    step: Callable[[], object] | None = None,
) -> RunOutcome:
    """Send a plan's messages and step the world to its end; minds decide after each tick.

    Parameters
    ----------
    plan
        The plan to carry out.
    world
        A world prepared by ``plan.prepare`` and ``plan.host``.
    journal
        The journal of the world, if it has one.
    report
        Called with the progress; may raise between two ticks to cancel.
    tell
        Called with remarks, a sentence each: the world's own, what plugins print, what was planned
        for after the end of the run, why minds do not decide.
    step
        Function that runs a tick; None: ``world.step``.

    Raises
    ------
    HubbubError
        One sentence, for what the world cannot do.

    Examples
    --------
    >>> from hubbub import World
    >>> from hubbub.scenario import MessageSpec, RunPlan, Stop, run_plan
    >>> plan = RunPlan(messages=(MessageSpec("A word.", model="sir"),), stop=Stop(5))
    >>> found = run_plan(plan, World.create(agents=200, seed=3))
    >>> found.world.tick, len(found.cascades), found.stopped
    (5, 1, '')
    """
    since, made, told = world.tick, world.made, len(world.remarks)
    with journalled(world, journal):
        cascades = plan.send(world) or list(world.cascades)
        told = _tell_remarks(world, told, tell)
        weighed = contacts_of(cascades)
        began = perf_counter()
        with deciding(world, plan.minds, report, tell) as decide:
            stopped = _ticks(plan, world, journal, report, tell, step or world.step, decide)
    _tell_remarks(world, told, tell)
    for said in plan.late():
        tell(said)
    seconds = perf_counter() - began
    known = {cascade.id for cascade in cascades}
    fresh = [each for each in world.cascades if each.id >= made and each.id not in known]
    every = [*cascades, *fresh]  # interventions send messages too
    return RunOutcome(world, every, seconds, contacts_of(every) - weighed, since, stopped)


def _ticks(
    plan: RunPlan,
    world: World,
    journal: JournalWriter | None,
    report: Report,
    tell: Tell,
    step: Callable[[], object],
    decide: Decide,
) -> str:
    """Run tick by tick; return why the run ended early, as a sentence, or an empty string."""
    limit, capture, run = plan.stop.limit, OutputCapture(tell), 0
    raised = 0 if world.metrics is None else world.metrics.alerts.raised

    @contextmanager
    def naming(what: str) -> Iterator[None]:
        with suppress(HubbubError):  # cancelling takes effect after the tick
            report(what, run / limit)
        yield

    for done in drive(plan, world, limit):
        report(f"running tick {world.tick + 1:,}", done / limit)
        with capture, named_by(naming), timed("tick", tick=world.tick):
            step()
        run = done + 1
        if journal is not None:
            journal.ticked(world, wait=False)
        raised = _deliver_alerts(world, raised, tell)
        why = decide.after_tick(ENOUGH if run < limit else 1)
        if why:
            return f"The run stopped after tick {world.tick:,}. {why}"
    why = decide.at_end() if run < limit else ""
    return f"The run came to rest after tick {world.tick:,}. {why}" if why else ""


def _deliver_alerts(world: World, raised: int, tell: Tell) -> int:
    """Pass alerts after the first ``raised`` to the alert command; return their total number."""
    if world.metrics is None or world.metrics.alerts.raised == raised:
        return raised
    if said := deliver(world.metrics.alerts.since(raised)):
        tell(said)
    return world.metrics.alerts.raised


def _tell_remarks(world: World, told: int, tell: Tell) -> int:
    """Report the remarks of the world after the first ``told``; return their total number."""
    for remark in world.remarks[told:]:
        tell(remark)
    return len(world.remarks)
