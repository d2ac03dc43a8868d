"""Studies and other long work as jobs: begun by a request, followed by others, cancelled."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Path as InPath
from fastapi import Request
from pydantic import Field, JsonValue
from starlette.responses import Response

from sim import lab
from sim.api.guard import problem
from sim.api.routes import OBSERVE, OWN, Asking, Body, World, answer, router
from sim.errors import Cancelled, FileError, HubbubError, InputError, UnknownNameError
from sim.lab.tables import Result
from sim.network.analysis.analysis import METHODS
from sim.runtime import DetectedCommunities, Job, start

jobs = router("jobs")

KEPT = 50
_PATIENCE_SECONDS = 3.0
_MOST_RUNS, _MOST_ROWS = 10_000, 1000
_FILES = frozenset({"file", "labels", "degrees", "data"})
_OURS = {"world": "demo", "scenario": "gallery:"}
"""What keys of a study that name files may begin with instead."""


@dataclass(frozen=True, slots=True)
class Work:
    """A job, and who began it."""

    number: int
    kind: str
    by: str
    job: Job[Any]

    def facts(self, *, whole: bool = False) -> dict[str, Any]:
        """Return it as an object; ``whole``: with its result."""
        task, progress = self.job.task, self.job.progress
        told: dict[str, Any] = {
            "id": self.number, "kind": self.kind, "by": self.by, "state": "running",
            "stage": progress.stage, "share": progress.share, "error": None,
        }  # fmt: skip
        if not self.job.is_done:
            return told
        error = Cancelled("Cancelled.") if task.cancelled() else task.exception()
        if error is None:
            told |= {"state": "done", "share": 1.0}
            if whole:
                told["result"] = _result(task.result())
        elif isinstance(error, HubbubError):
            told["state"] = "cancelled" if isinstance(error, Cancelled) else "failed"
            told["error"] = str(error)
        else:
            told |= {"state": "failed", "error": f"It failed: {type(error).__name__}."}
        return told


class Board:
    """The jobs of a server; the oldest that have ended are forgotten."""

    def __init__(self) -> None:
        self.works: dict[int, Work] = {}
        self._numbers = itertools.count(1)

    def require_room(self) -> None:
        """Raise if a job runs: each takes all cores that there are."""
        running = [each for each in self.works.values() if not each.job.is_done]
        if running:
            number = running[0].number
            raise HubbubError(f"Job {number} runs; wait for its end, or cancel it.")

    def add(self, kind: str, by: str, job: Job[Any]) -> Response:
        """List a job that was begun; return the answer to who began it."""
        work = Work(next(self._numbers), kind, by, job)
        self.works[work.number] = work
        ended = [number for number, each in self.works.items() if each.job.is_done]
        for number in ended[: max(len(self.works) - KEPT, 0)]:
            del self.works[number]
        found = answer(work.facts(), 202)
        found.headers["Location"] = f"/jobs/{work.number}"
        return found

    async def close(self) -> None:
        """Ask all to stop, and wait a little for those that run."""
        running = [each.job for each in self.works.values() if not each.job.is_done]
        for job in running:
            job.cancel()
        if running:
            await asyncio.wait([job.task for job in running], timeout=_PATIENCE_SECONDS)


def board_of(request: Request) -> Board:
    """Return the jobs of the server."""
    board: Board = request.app.state.board
    return board


Object = dict[str, JsonValue]
Runs = Annotated[int, Field(strict=True, ge=1, le=_MOST_RUNS)]
Number = Annotated[int, InPath(ge=0, lt=2**31)]


class FuturesSent(Body):
    """Futures of this world, run from its tick; the first is the baseline of the others."""

    arms: dict[str, Object] = Field(
        description="name: changes, as of lab.compare", min_length=1, max_length=20
    )
    messages: list[Object] = Field(default_factory=list, max_length=100)
    replicates: Runs = 20
    ticks: Annotated[int, Field(strict=True, ge=1, le=10_000)] | None = None
    measure: Annotated[str, Field(max_length=200)] = ""


class StudySent(Body):
    """A study: its sections, or ``gallery:NAME``. It reads no other file, and writes none."""

    study: Object | Annotated[str, Field(pattern=r"^gallery:[a-z0-9-]{1,60}$")]
    replicates: Runs | None = None
    agents: Annotated[int, Field(strict=True, ge=1, le=10_000_000)] | None = None


class Detect(Body):
    """A method by which communities are found."""

    method: Annotated[str, Field(max_length=40)] = "louvain"


@jobs.get("/jobs", **OBSERVE)
async def listed(request: Request) -> Response:
    """Return the jobs, oldest first."""
    return answer({"jobs": [each.facts() for each in board_of(request).works.values()]})


@jobs.get("/jobs/{number}", **OBSERVE)
async def job(request: Request, number: Number) -> Response:
    """Return a job; once it is done, with its result."""
    return _or_none(request, number, lambda work: answer(work.facts(whole=True)))


@jobs.delete("/jobs/{number}", status_code=202, **OWN)
async def cancel(request: Request, number: Number) -> Response:
    """Ask a job to stop; it does so at its next report of progress."""

    def stopped(work: Work) -> Response:
        work.job.cancel()
        return answer(work.facts(), 202)

    return _or_none(request, number, stopped)


def _or_none(request: Request, number: int, found: Callable[[Work], Response]) -> Response:
    work = board_of(request).works.get(number)
    return problem(404, f"There is no job {number}.") if work is None else found(work)


@jobs.post("/jobs/compare", status_code=202, **OWN)
async def compare(
    request: Request, simulation: World, asking: Asking, said: FuturesSent
) -> Response:
    """Compare what would become of this world under several conditions."""
    board = board_of(request)
    board.require_room()
    world = await simulation.world()
    work = start(
        lab.compare_now, world, said.arms, messages=said.messages, replicates=said.replicates,
        ticks=said.ticks, measure=said.measure,
    )  # fmt: skip
    return board.add("compare", asking.name, work)


@jobs.post("/jobs/study", status_code=202, **OWN)
async def study(request: Request, asking: Asking, said: StudySent) -> Response:
    """Run a study: its conditions, each with the same seeds."""
    board = board_of(request)
    board.require_room()
    if isinstance(said.study, dict):
        _refuse_files(said.study)
    try:
        checked = lab.study_of(said.study, replicates=said.replicates, agents=said.agents)
    except FileError as error:
        raise InputError(str(error)) from None  # no file: what was sent
    return board.add("study", asking.name, start(lab.run_study_now, checked))


@jobs.post("/jobs/communities", status_code=202, **OWN)
async def communities(
    request: Request, simulation: World, asking: Asking, said: Detect
) -> Response:
    """Find communities in the network, and assign them to members."""
    if said.method not in METHODS:
        raise UnknownNameError("method", said.method, METHODS)
    board = board_of(request)
    board.require_room()
    work = simulation.detect_communities(said.method)
    return board.add("communities", asking.name, work)


def _refuse_files(value: JsonValue, key: str = "") -> None:
    """Refuse a study that names files of this machine."""
    if isinstance(value, dict):
        for name, each in value.items():
            _refuse_files(each, name)
    elif isinstance(value, list):
        for each in value:
            _refuse_files(each, key)
    elif key in _FILES or not str(value).startswith(_OURS.get(key, "")):
        raise InputError(
            f"A study that is sent reads no files here; leave out {key} = {value!r:.60}."
        )


def _result(found: Result | DetectedCommunities) -> dict[str, Any]:
    """Return what a job found: its conclusion, and its tables by row."""
    if isinstance(found, DetectedCommunities):
        return {name: getattr(found, name) for name in ("method", "count", "modularity")}
    tables = {name: list(table.rows())[:_MOST_ROWS] for name, table in found.tables.items()}
    return {"conclusion": found.conclusion(), "tables": tables}
