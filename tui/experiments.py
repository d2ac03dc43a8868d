"""Experiments: many runs of the current world or of a file, outside its engine."""

from __future__ import annotations

import asyncio
import os
import time
import weakref
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from sim import lab
from sim.arrays import F64
from sim.core import plural
from sim.errors import FileError, HubbubError, InputError
from tui.dialogs.dialog import sentence_of
from tui.safe_text import line
from tui.text import seconds

if TYPE_CHECKING:
    from sim.lab import Outcome, Records, Result, Study
    from sim.runtime import Frame, Simulation

AS_IT_IS = "baseline"
"""The condition that changes nothing."""

REPLICATES = 100
"""Default number of replicates."""
MOST_REPLICATES = 100_000

WORKERS = "loky"
"""Runs are made in processes, so that no key waits for them."""

State = Literal["running", "done", "stopped", "failed"]
Said = Mapping[str, Any]
Arms = Mapping[str, Said]

_LOOKS = 0.3
"""Seconds between two looks at finished runs; longer if a look itself takes long."""
_SHARE_OF_LOOKS = 5
_PATIENCE = 5.0
"""Seconds for workers to end when the program ends."""


@dataclass(frozen=True)
class ExperimentPlan:
    """What an experiment runs: replicates of the world, a comparison, a study, a sweep, a fit."""

    title: str
    begin: Callable[..., Awaitable[Result]]
    look: Callable[[Any], Result] | None = None  # reads what is finished so far
    total: int = 0  # requested runs; 0: known once it has begun
    into: Path | None = None  # where finished runs are kept
    again: str = ""  # the command that runs it again
    of_world: bool = False  # whether it runs in copies of the world shown
    sends: bool = True  # whether its runs send messages, whose series then come first
    texts: tuple[str, ...] | None = None  # of these messages; None: it has no course of its own
    done: Callable[[Result], None] | None = None  # told of the final result


def world_plan(
    title: str, replicates: int, messages: tuple[Said, ...] = (), *, ticks: int | None = None,
    seed: int | None = None, arms: Arms | None = None,
) -> ExperimentPlan:  # fmt: skip
    """Return a plan of replicates of the world on the screen, alone or under conditions."""
    asked: dict[str, Any] = {"replicates": replicates, "ticks": ticks, "seed": seed}

    async def begin(*, world: Any, tell: Any, **how: Any) -> Result:
        del tell
        if arms:
            return await lab.compare(world, dict(arms), messages=messages, **asked, **how)
        program = lab.Messages(messages, AS_IT_IS, until_quiet=ticks is None)
        return await lab.ensemble(world, program=program, **asked, **how)

    def look(progress: Any) -> Result:
        records: Records = progress.records()
        return lab.Futures(records.complete, 0, "") if arms else lab.Ensemble(records)

    return ExperimentPlan(
        title, begin, look, replicates * max(1, len(arms or ())), of_world=True,
        sends=bool(messages), texts=tuple(str(each["text"]) for each in messages),
    )  # fmt: skip


def study_plan(study: Study, into: Path | None, again: str) -> ExperimentPlan:
    """Return a plan that runs a study, and resumes its results file."""
    begin = partial(lab.run_study, study, into=into, resume=into is not None)
    total = len(study.arms) * study.said.replicates
    return ExperimentPlan(
        f"study {study.name}", begin, lambda now: lab.StudyFindings(study, now.records()),
        total, into, again,
    )  # fmt: skip


def sweep_plan(
    where: str, how: Mapping[str, Any], into: Path | None, message: Mapping[str, Any] | None = None
) -> ExperimentPlan:
    """Return a plan that runs a sweep, and resumes its results file."""
    said: dict[str, Any] = {**how, "into": into, "resume": into is not None}
    begin: Any = partial(lab.sweep, where, **said)
    if message is not None:
        begin = lambda world, **more: lab.sweep(world, messages=message, **said, **more)  # noqa: E731
    return ExperimentPlan(
        f"sweep of {where}", begin, lambda now: now.sweep(), into=into, again=f"sweep {where} ...",
        of_world=message is not None,
    )  # fmt: skip


def calibration_plan(data: Path, how: Mapping[str, Any]) -> ExperimentPlan:
    """Return a plan that fits parameters to observed messages."""

    async def begin(*, workers: int, report: Any, **_others: Any) -> Result:
        return await lab.calibrate(data, **how, workers=workers, report=report)

    return ExperimentPlan(f"calibration on {data.name}", begin)


@dataclass(eq=False)
class Experiment:
    """One experiment of this session."""

    number: int
    plan: ExperimentPlan
    tick: int = 0  # of the world when it began
    agents: int = 0
    world: weakref.ref[Simulation] | None = None  # the running simulation that it belongs to
    under_way: tuple[int, ...] = ()  # messages
    found: Any = None  # results so far
    state: State = "running"
    finished: int = 0
    total: int = 0
    stage: str = "preparing"
    seconds_left: float | None = None
    problem: str = ""
    remarks: list[str] = field(default_factory=list, repr=False)
    looked: float = field(default=0.0, repr=False)

    def __post_init__(self) -> None:
        self.total = self.total or self.plan.total

    @property
    def how_far(self) -> str:
        if self.state != "running":
            return self.state if self.finished == self.total else f"{self.state} at {self.finished}"
        if self.seconds_left is None or not self.finished:
            return self.stage
        return f"{self.finished} of {self.total}, {seconds(self.seconds_left)} left"

    @property
    def series(self) -> tuple[str, ...]:
        """Names of its series, those of messages first if its runs send any."""
        return lab.series_of(self.found, sends=self._sends)

    @property
    def _sends(self) -> bool:
        return self.plan.sends or bool(self.under_way)

    def outcome(self, series: str, axes: tuple[str, ...] = ()) -> Outcome | None:
        """Return what can be drawn and said of the finished runs; None: there are none."""
        found = lab.outcome_of(self.found, series, axes, sends=self._sends)
        if found is None:
            return None
        tick = self.tick if found.arms else 0
        return replace(found, tick=tick, sentences=(*found.sentences, *self.remarks))

    def live(self, frame: Frame | None, series: str) -> F64:
        """Return the course of the world itself since the experiment began; empty: it left it."""
        focus = frame.focus if frame else None
        texts, none = self.plan.texts, np.zeros(0)
        if focus is None or focus.started_at < 0 or texts is None:
            return none
        sent = (self.tick, (focus.text,)) == (focus.started_at, texts)
        if not (sent if texts else self.under_way == (focus.id,)):
            return none
        if series in {"ever", "new"}:
            own = focus.new.cumsum() if series == "ever" else focus.new
        elif (name := series.removeprefix("in_")) in focus.states:
            own = focus.history[:, focus.states.index(name)]
        else:
            return none
        return own[max(0, self.tick - focus.started_at) :].astype(np.float64)

    def report(self, stage: str, _share: float) -> None:
        self.stage = stage

    def follow(self, progress: Any) -> None:
        """Take finished runs; called in the thread that waits for the workers."""
        self.finished, self.seconds_left = progress.finished, progress.seconds_left
        self.total = progress.total
        began = time.monotonic()
        if self.plan.look is None or (began < self.looked and progress.finished < progress.total):
            return
        found = self.plan.look(progress)
        if lab.finished_of(found):
            self.found = found
        spent = time.monotonic() - began
        self.looked = time.monotonic() + max(_LOOKS, _SHARE_OF_LOOKS * spent)

    def end(self, found: Result) -> None:
        self.found, self.finished = found, lab.finished_of(found)
        self.total = max(self.total, self.finished)


class Experiments:
    """The experiments of this session, in the order in which they began; one runs at a time."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self.all: list[Experiment] = []
        self._task: asyncio.Task[None] | None = None

    @property
    def running(self) -> Experiment | None:
        return next((each for each in self.all if each.state == "running"), None)

    def require_free(self) -> None:
        if self.running is not None:
            raise InputError(
                f"An experiment is already running ({self.running.how_far}); wait, or type "
                "`replicates stop`."
            )

    def begin(self, plan: ExperimentPlan) -> Experiment:
        """Begin an experiment, in copies of the world as it is now or from a file."""
        self.require_free()
        made = Experiment(len(self.all) + 1, plan)
        self.all.append(made)
        self._task = asyncio.create_task(self._carry_out(made))
        return made

    def keep(self, title: str, found: Result, total: int, into: Path) -> Experiment:
        """Add the results of an earlier run, from its file."""

        async def never(**_how: Any) -> Result:
            return found

        made = Experiment(len(self.all) + 1, ExperimentPlan(title, never, total=total, into=into))
        made.end(found)
        made.state = "done" if made.finished == made.total else "stopped"
        self.all.append(made)
        return made

    async def _carry_out(self, made: Experiment) -> None:
        plan = made.plan
        try:
            made.end(await plan.begin(**await self._how(made)))
            made.state, kind = "done", "good"
            said = f"{plural(made.total, 'run') if made.total else plan.title} finished"
            if plan.done is not None:
                plan.done(made.found)
        except asyncio.CancelledError:
            where = "" if plan.into is None else f" in {plan.into}"
            made.state, kind = "stopped", "info"
            said = f"Stopped; {plural(made.finished, 'finished run')} kept{where}"
        except Exception as error:
            made.state, made.problem = "failed", line(_problem(error, plan), 400)
            said, kind = made.problem.rstrip("."), "error"
            if not isinstance(error, HubbubError):
                self._app.log.error(made.problem)
        self._app.say(f"{said}.", kind)

    async def _how(self, made: Experiment) -> dict[str, Any]:
        """Return what a plan is begun with; workers: one fewer than processors, at least two."""
        how: dict[str, Any] = {
            "workers": max(2, (os.cpu_count() or 2) - 1), "backend": WORKERS,
            "report": made.report, "follow": made.follow, "tell": made.remarks.append,
        }  # fmt: skip
        if made.plan.of_world:
            made.stage, simulation = "copying the world", self._app.simulation
            world = how["world"] = await simulation.world()
            made.world, made.tick = weakref.ref(simulation), world.tick
            made.agents = len(world.agents)
            made.under_way = tuple(each.id for each in world.cascades.loose if each.alive)
        return how

    async def stop(self) -> bool:
        """Stop the running experiment, keeping finished runs; return whether there was one."""
        if self._task is None or self._task.done():
            return False
        self._task.cancel()
        await asyncio.wait([self._task], timeout=_PATIENCE)
        return True


def _problem(error: Exception, plan: ExperimentPlan) -> str:
    """Return an error as a sentence; of a file of other runs, also how to start over."""
    if isinstance(error, FileError) and plan.into and error.reason.endswith("to start over"):
        return f"{sentence_of(error).rstrip('.')} (into=FILE), or type `{plan.again} anew`."
    return sentence_of(error)
