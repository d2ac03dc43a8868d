"""Experiments: many runs of the current world or of a file, outside its engine."""

from __future__ import annotations

import asyncio
import os
import time
import weakref
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from sim import lab
from sim.core import plural
from sim.errors import HubbubError, InputError
from tui.dialogs.dialog import sentence_of
from tui.safe_text import line
from tui.text import seconds

if TYPE_CHECKING:
    from sim import World
    from sim.lab import Records, Result
    from sim.runtime import Simulation


AS_IT_IS = "baseline"
"""The condition that changes nothing."""

REPLICATES = 100
"""Default number of replicates."""
MOST_REPLICATES = 100_000

State = Literal["running", "done", "stopped", "failed"]
Said = Mapping[str, Any]

_LOOKS = 0.3
"""Seconds between two looks at finished runs; longer if a look itself takes long."""
_SHARE_OF_LOOKS = 5
_PATIENCE = 5.0
"""Seconds for workers to end when the program ends."""


@dataclass(frozen=True)
class ExperimentPlan:
    """A plan of runs of the world on the screen."""

    title: str
    replicates: int
    messages: tuple[Said, ...] = ()
    ticks: int | None = None
    seed: int | None = None
    arms: tuple[tuple[str, Said], ...] = ()

    @property
    def asked(self) -> dict[str, Any]:
        """The request to the lab, whatever is run."""
        return {"replicates": self.replicates, "ticks": self.ticks, "seed": self.seed}

    @property
    def total(self) -> int:
        """Number of requested runs."""
        return self.replicates * max(1, len(self.arms))

    @property
    def sends(self) -> bool:
        """Whether messages are sent in the runs."""
        return bool(self.messages)


@dataclass(frozen=True)
class FilePlan:
    """A plan of runs from a file: a study, a sweep, a calibration."""

    title: str
    begin: Callable[..., Awaitable[Result]]
    look: Callable[[Any], Result] | None = None
    into: Path | None = None
    total: int = 0
    needs_world: bool = False

    sends = True
    """Its runs send messages: series of messages come first."""


@dataclass(eq=False)
class Experiment:
    """One experiment of this session."""

    number: int
    plan: ExperimentPlan | FilePlan  # the request
    tick: int = 0  # of the world when it began
    agents: int = 0
    world: weakref.ref[Simulation] | None = None  # the running simulation that it belongs to
    under_way: tuple[int, ...] = ()
    made: int = 0
    found: Result | None = None  # results so far
    state: State = "running"  # its progress
    finished: int = 0
    total: int = 0
    stage: str = "preparing"
    seconds_left: float | None = None
    problem: str = ""
    remarks: list[str] = field(default_factory=list, repr=False)
    looked: float = field(default=0.0, repr=False)

    def __post_init__(self) -> None:
        """Set the number of requested runs."""
        self.total = self.total or self.plan.total

    @property
    def how_far(self) -> str:
        """How many runs are finished, and when the rest will be."""
        if self.state != "running":
            return self.state if self.finished == self.total else f"{self.state} at {self.finished}"
        if self.seconds_left is None or not self.finished:
            return self.stage
        return f"{self.finished} of {self.total}, {seconds(self.seconds_left)} left"

    def follow(self, progress: Any) -> None:
        """Take finished runs; called in the thread that waits for the workers."""
        self.finished, self.seconds_left = progress.finished, progress.seconds_left
        self.total = progress.total
        began = time.monotonic()
        if began < self.looked and progress.finished < progress.total:
            return
        if isinstance(self.plan, ExperimentPlan):
            self._take(self.plan, progress.records())
        elif self.plan.look is not None:
            self.found = self.plan.look(progress)
        spent = time.monotonic() - began
        self.looked = time.monotonic() + max(_LOOKS, _SHARE_OF_LOOKS * spent)

    def end(self, found: Result) -> None:
        """Take the final result."""
        self.found, self.finished = found, finished_of(found)
        self.total = max(self.total, self.finished)

    def _take(self, plan: ExperimentPlan, records: Any) -> None:
        if not plan.arms:
            self.found = lab.Ensemble(records)
        elif (whole := in_pairs(records)).finished:
            self.found = lab.Futures(whole, self.tick, "")


class ExperimentHost(Protocol):
    """The parts of the program that experiments use."""

    @property
    def simulation(self) -> Simulation:
        """The running simulation; raises ``InputError`` when no world is open."""

    @property
    def log(self) -> Any:
        """The log for errors."""

    def say(self, text: str, kind: str = "info") -> None:
        """Say a sentence on the line above the footer."""


class Experiments:
    """The experiments of this session, in the order in which they began; one runs at a time."""

    def __init__(self, app: ExperimentHost, workers: str) -> None:
        self._app, self._workers = app, workers
        self.all: list[Experiment] = []
        self._task: asyncio.Task[None] | None = None

    @property
    def running(self) -> Experiment | None:
        """The running experiment."""
        return next((each for each in self.all if each.state == "running"), None)

    def require_free(self) -> None:
        """Refuse a second experiment while one runs."""
        if self.running is not None:
            raise InputError(
                f"An experiment is already running ({self.running.how_far}); wait, or type "
                "`replicates stop`."
            )

    def begin(self, plan: ExperimentPlan | FilePlan) -> Experiment:
        """Run replicates of the world shown, from a copy of it now; or run a file."""
        made = self._new(Experiment(len(self.all) + 1, plan))
        self._begin(made, self._work(made, plan))
        return made

    def keep(self, title: str, found: Result, total: int, into: Path) -> Experiment:
        """Add the results of an earlier run, from its file."""

        async def never(**_how: Any) -> Result:
            return found

        made = Experiment(len(self.all) + 1, FilePlan(title, never, into=into, total=total))
        made.end(found)
        made.state = "done" if made.finished == made.total else "stopped"
        self.all.append(made)
        return made

    def _work(self, made: Experiment, plan: ExperimentPlan | FilePlan) -> Coroutine[Any, Any, None]:
        if isinstance(plan, FilePlan):
            return self._of_file(made, plan)
        return self._futures(made, plan) if plan.arms else self._ensemble(made, plan)

    def _new(self, made: Experiment) -> Experiment:
        self.require_free()
        self.all.append(made)
        return made

    def _begin(self, made: Experiment, work: Coroutine[Any, Any, None]) -> None:
        self._task = asyncio.create_task(self._carry_out(made, work))

    async def _carry_out(self, made: Experiment, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
            made.state, kind = "done", "good"
            said = f"{plural(made.total, 'run') if made.total else made.plan.title} finished"
        except asyncio.CancelledError:
            into = getattr(made.plan, "into", None)
            where = "" if into is None else f" in {into}"
            made.state, said, kind = (
                "stopped",
                f"Stopped; {plural(made.finished, 'finished run')} kept{where}",
                "info",
            )
        except Exception as error:
            made.state, made.problem = "failed", line(sentence_of(error), 400)
            said, kind = made.problem.rstrip("."), "error"
            if not isinstance(error, HubbubError):
                self._app.log.error(made.problem)
        self._app.say(f"{said}.", kind)

    async def _copied(self, made: Experiment) -> World:
        simulation = self._app.simulation
        world = await simulation.world()
        made.world, made.tick = weakref.ref(simulation), world.tick
        made.agents, made.made = len(world.agents), world.made
        made.under_way = tuple(each.id for each in world.cascades.loose if each.alive)
        return world

    async def _ensemble(self, made: Experiment, plan: ExperimentPlan) -> None:
        made.stage, world = "copying the world", await self._copied(made)
        program = lab.Messages(plan.messages, AS_IT_IS, until_quiet=plan.ticks is None)
        made.end(await lab.ensemble(
            world, program=program, **plan.asked, **self.workers(), follow=made.follow,
            report=_reporter(made),
        ))  # fmt: skip

    async def _futures(self, made: Experiment, plan: ExperimentPlan) -> None:
        made.stage, world = "copying the world", await self._copied(made)
        made.end(await lab.compare(
            world, dict(plan.arms), messages=plan.messages, **plan.asked, **self.workers(),
            follow=made.follow, report=_reporter(made),
        ))  # fmt: skip

    async def _of_file(self, made: Experiment, plan: FilePlan) -> None:
        how = {**self.workers(), "report": _reporter(made)}
        if plan.look is not None:
            how |= {"follow": made.follow, "tell": made.remarks.append}
        if plan.needs_world:
            how["world"] = await self._copied(made)
        made.end(await plan.begin(**how))

    def workers(self) -> dict[str, Any]:
        """Return the backend and workers: one fewer than there are processors, at least two."""
        return {"workers": max(2, (os.cpu_count() or 2) - 1), "backend": self._workers}

    async def stop(self) -> bool:
        """Stop the running experiment, keeping finished runs; return whether there was one."""
        if self._task is None or self._task.done():
            return False
        self._task.cancel()
        await asyncio.wait([self._task], timeout=_PATIENCE)
        return True


def _reporter(made: Experiment) -> Any:
    def report(stage: str, _share: float) -> None:
        made.stage = stage

    return report


def finished_of(found: Result) -> int:
    """Return the number of runs behind a result; 0 if unknown."""
    records = getattr(found, "records", ())
    return sum(each.finished for each in (records if isinstance(records, tuple) else (records,)))


def in_pairs(records: Records) -> Records:
    """Return records of only those replicates that are finished under every program."""
    arms = range(len(records.programs))
    whole = {
        number
        for number in range(len(records.seeds))
        if all((arm, number) in records.found for arm in arms)
    }
    return replace(records, found={k: v for k, v in records.found.items() if k[1] in whole})
