"""The driver: a program is carried out on a world, tick after tick.

A program says what is done before the first tick and between ticks, and when it is over; it never
steps the world itself. Whoever steps it asks :func:`drive` when: a run of this process
(:func:`run_plan`), the lab on each replicate, a script.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple, Protocol

from sim.core.progress import Report, Tell, quiet, unheard
from sim.scenario.minds import deciding

if TYPE_CHECKING:
    from sim.runtime.journal.writer import JournalWriter
    from sim.scenario.minds import Decide
    from sim.scenario.plan import Command, RunPlan
    from sim.spread.cascade.cascade import Cascade
    from sim.world.world import World

__all__ = ["Program", "RunOutcome", "contacts_of", "drive", "run_plan"]


class Program(Protocol):
    """What one run does to a world, such as a :class:`~sim.scenario.plan.RunPlan`.

    It can be pickled, draws from the world alone and holds nothing of a run, so one program serves
    many worlds: for each, ``begin`` is called once, then :func:`drive` does the rest. A file of
    results (:mod:`sim.lab.runs`) tells programs apart by what ``facts()`` returns, fit for JSON;
    without one by the fields of a dataclass, else by their attributes. It may have
    ``watches(world)``, called once it has begun: ids of the messages that are measured, where it
    sends more than it is compared by.
    """

    @property
    def name(self) -> str:
        """What it is called; of those that are compared each has its own."""

    def begin(self, world: World) -> None:
        """Do what comes before the first tick: changes, messages."""

    def before(self, world: World, done: int) -> None:
        """Do what is due after ``done`` ticks of this run, from 0 on; also after the last one."""

    def is_over(self, world: World, done: int) -> bool:
        """Whether nothing more is awaited after ``done`` ticks of this run; it ends then."""


def drive(program: Program, world: World, ticks: int) -> Iterator[int]:
    """Carry out a program that has begun: yield each time that the world is to be stepped.

    Parameters
    ----------
    program
        Its ``begin`` was called with this world.
    world
        Whoever takes from the iterator steps it, once each time.
    ticks
        The most ticks, at least 0; fewer where the program is over.

    Yields
    ------
    int
        Ticks of the run that are done: 0, 1, 2 ... What is due after the last of them is done too,
        when the iterator is asked once more, as ``for`` does.

    Examples
    --------
    >>> from sim import World
    >>> from sim.scenario import MessageSpec, RunPlan, drive
    >>> world = World.create(agents=200, seed=3)
    >>> plan = RunPlan(messages=(MessageSpec("A word.", model="sir"),))
    >>> plan.begin(world)
    >>> sizes = []
    >>> for done in drive(plan, world, 3):
    ...     world.step()
    ...     sizes.append(world.cascades[0].size)
    >>> len(sizes), sizes == sorted(sizes)
    (3, True)
    """
    for done in range(ticks):
        program.before(world, done)
        if program.is_over(world, done):
            return
        yield done
    program.before(world, ticks)


# A run in this process


class RunOutcome(NamedTuple):
    """A world after its run, and what came of it.

    Attributes
    ----------
    world
        As the run left it.
    cascades
        The messages to report: those of the run, or all of the world where it sent none.
    seconds
        That the ticks took.
    contacts
        That its messages weighed.
    since
        The tick at which the run began.
    stopped
        Why it ended before its time, one sentence; empty: it did not.
    """

    world: World
    cascades: Sequence[Cascade]
    seconds: float
    contacts: int
    since: int = 0
    stopped: str = ""


def contacts_of(cascades: Iterable[Cascade]) -> int:
    """Return the contacts that cascades weighed in this process."""
    return sum(cascade.contacts_seen for cascade in cascades)


@dataclass(frozen=True, slots=True)
class _Journalled:
    """A plan whose commands go into a world's journal."""

    plan: RunPlan
    journal: JournalWriter | None

    @property
    def name(self) -> str:
        return self.plan.name

    def begin(self, world: World) -> None:
        self.plan.begin(world)

    def before(self, world: World, done: int) -> None:
        self.plan.before(world, done, self.journal)

    def is_over(self, world: World, done: int) -> bool:
        return self.plan.is_over(world, done)


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
        What is done.
    world
        As ``plan.prepare`` and ``plan.host`` left it.
    journal
        Of the world, if it has one.
    report
        Told the progress; may cancel by raising, between two ticks.
    tell
        Told remarks, a sentence each: the world's own, what plugins print, what was planned for
        later than the run lasted, why minds do not decide.
    step
        Runs a tick; None: ``world.step``.

    Raises
    ------
    HubbubError
        One sentence, for what the world cannot do.

    Examples
    --------
    >>> from sim import World
    >>> from sim.scenario import MessageSpec, RunPlan, Stop, run_plan
    >>> plan = RunPlan(messages=(MessageSpec("A word.", model="sir"),), stop=Stop(5))
    >>> found = run_plan(plan, World.create(agents=200, seed=3))
    >>> found.world.tick, len(found.cascades), found.stopped
    (5, 1, '')
    """
    since, made, told = world.tick, world.made, len(world.remarks)
    cascades = plan.send(world, journal) or list(world.cascades)
    told = _tell_remarks(world, told, tell)
    weighed = contacts_of(cascades)
    began = perf_counter()
    with deciding(world, plan.minds, journal, report, tell) as decide:
        stopped = _ticks(plan, world, journal, report, tell, step or world.step, decide)
    _tell_remarks(world, told, tell)
    _tell_late(plan.commands, plan.stop.limit, tell)
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
    """Run tick after tick to the end that is asked for.

    Returns why it ended before, one sentence; empty: it did not.
    """
    from sim.minds.deciding.thinker import ENOUGH
    from sim.runtime.engine.output_capture import OutputCapture

    limit, capture, run = plan.stop.limit, OutputCapture(tell), 0
    for done in drive(_Journalled(plan, journal), world, limit):
        report(f"running tick {world.tick + 1:,}", done / limit)
        with capture:
            step()
        run = done + 1
        if journal is not None:
            journal.ticked(world, wait=False)
        why = decide.after_tick(ENOUGH if run < limit else 1)
        if why:
            return f"The run stopped after tick {world.tick:,}. {why}"
    why = decide.at_end() if run < limit else ""
    return f"The run came to rest after tick {world.tick:,}. {why}" if why else ""


def _tell_late(commands: Sequence[Command], limit: int, tell: Tell) -> None:
    """Say what was to be done later than the run lasted."""
    for each in commands:
        if each.at > limit:
            where = "A command" if each.place is None else f"{each.place[0]}: {each.place[1]}"
            tell(f"{where}: {each.do} at {each.at:,} is not done; the run ends at {limit:,}.")


def _tell_remarks(world: World, told: int, tell: Tell) -> int:
    """Say what the world remarked beyond the first ``told``; returns how many there are."""
    for remark in world.remarks[told:]:
        tell(remark)
    return len(world.remarks)
