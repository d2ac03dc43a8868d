"""What callers order: commands of the world, each by its name, and long work as jobs.

The arguments of a command are the keys of an object. Jobs are begun by a request, followed by
others, and cancelled.
"""

from __future__ import annotations

import asyncio
import inspect
import itertools
import keyword
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi import Path as InPath
from pydantic import BaseModel, ConfigDict, Field, JsonValue, create_model, model_validator
from starlette.responses import Response

from sim import World as State
from sim import lab
from sim.api.guard import problem
from sim.api.routes import DRIVE, OBSERVE, OWN, Asking, Body, Index, Whole, World, answer, router
from sim.errors import Cancelled, FileError, HubbubError, InputError, UnknownNameError
from sim.lab.tables import Result
from sim.network.analysis.analysis import METHODS
from sim.runtime import DetectedCommunities, Job, start
from sim.runtime.journal.acts import COMMANDS
from sim.world.commands import Command
from sim.world.seeding import is_best

_INNER = frozenset({"go_to", "decide", "keep_minds", "wake_minds", "assign"})
"""Commands by which the program records its own work."""

_OWNERS = frozenset({"take_profiles", "reseed"})
_DRIVERS = "sim.world.commands"
"""Where the commands are that change what happens; those of rooms above change who is there."""

_MOST_TICKS = 10_000
_STEP_SECONDS = 20.0
"""How long steps go on: other commands wait for their end."""

_MOST = 100_000

Text = Annotated[str, Field(max_length=10_000)]
Members = Annotated[list[Index], Field(max_length=_MOST)]
Chosen = Annotated[Index | Members | Text, Field(description="indices, or a query")]
Ticks = Annotated[int, Field(strict=True, ge=0, le=_MOST_TICKS)]
Trust = Annotated[float, Field(ge=0, le=1)]

_BY_NAME: dict[str, Any] = {
    "agents": Members, "others": Members, "sources": Members, "targets": Members,
    "ids": Index | Members | Text, "members": Chosen, "ticks": Ticks, "agent": Index,
    "member": Index, "trust": Trust | Annotated[list[Trust], Field(max_length=_MOST)],
    "good": bool | Annotated[list[bool], Field(max_length=_MOST)],
    "what": Text, "recommender": Text, "policy": Text, "match": Text, "interests": Text,
    "language": Text, "names": Annotated[list[Text], Field(max_length=100)],
    "count": Annotated[int, Field(strict=True, ge=1, le=1_000_000)],
    "settings": dict[str, JsonValue], "properties": dict[str, JsonValue],
    "profiles": Annotated[list[dict[str, JsonValue]], Field(max_length=_MOST)],
    "gain": Trust, "loss": Trust,
}  # fmt: skip
_BY_TYPE: dict[str, Any] = {
    "int": Whole, "str": Text, "bool": bool, "float": float, "object": JsonValue,
    "int | str": Whole | Text, "int | None": Whole, "str | None": Text,
}  # fmt: skip
_OTHERWISE: dict[tuple[str, str], Any] = {
    ("change_agents", "agents"): Chosen, ("note", "agents"): Members,
}  # fmt: skip


class Named(BaseModel):
    """Arguments of a command that takes others by name, such as a model's parameters."""

    model_config = ConfigDict(extra="allow", strict=True)
    __pydantic_extra__: dict[str, JsonValue]

    @model_validator(mode="after")
    def _are_names(self) -> Named:
        for name in self.__pydantic_extra__ or ():
            if not name.isidentifier() or keyword.iskeyword(name) or name in {"report", "world"}:
                raise ValueError("other arguments have names, such as beta")
        return self


class InjectArguments(Named):
    """A message; other keys are parameters of the model."""

    text: Text
    seeds: Chosen = Field(description="members, or an expression such as top:40:pagerank")
    model: Text = Field(description="a propagation model of GET /models")
    author: Index | Text | None = None
    tags: list[Text] | None = None
    kind: Text = "post"
    at: Index | None = None
    priority: Whole = 0
    channel: Text | None = None
    draws: Text | None = None
    image: Annotated[str, Field(max_length=750_000)] | None = Field(None, description="a data URL")
    alt: Text | None = Field(None, description="alt text of the image")


def arguments_of(row: Command) -> type[BaseModel]:
    """Return the arguments of a command as a type."""
    if row.name == "inject":
        return InjectArguments
    known: dict[str, Any] = {}
    base: type[BaseModel] = Body
    for name, each in row.arguments.parameters.items():
        if each.kind is inspect.Parameter.VAR_KEYWORD:
            base = Named
            continue
        of = _OTHERWISE.get((row.name, name)) or _BY_NAME.get(name) or _BY_TYPE.get(each.annotation)
        if each.default is inspect.Parameter.empty:
            known[name] = (of or JsonValue, ...)
        else:
            known[name] = ((of or JsonValue) | None, each.default)
    made: type[BaseModel] = create_model(
        f"{row.name.title().replace('_', '')}", __base__=base, **known
    )
    return made


def commands() -> APIRouter:
    """Return a route for each command that callers may give."""
    found = router("commands")
    for name, row in sorted(COMMANDS.items()):
        if name in _INNER:
            continue
        drives = row.apply.__module__ == _DRIVERS and name not in _OWNERS
        found.add_api_route(
            f"/commands/{name}", _carry_out(row), methods=["POST"], name=name,
            description=(inspect.getdoc(row.apply) or "").split("\n\n")[0].replace("``", "`"),
            **(DRIVE if drives else OWN),
        )  # fmt: skip
    return found


def _carry_out(row: Command) -> Callable[..., Awaitable[Response]]:
    kind = arguments_of(row)

    async def carry_out(said: BaseModel, simulation: World, asking: Asking) -> Response:
        given = {name: getattr(said, name) for name in said.model_fields_set}
        given = {name: value for name, value in given.items() if value is not None}
        args: tuple[Any, ...] = ()
        if row.name == "inject":
            args = (given.pop("text"),)
            if isinstance(given["seeds"], str) and is_best(given["seeds"]):
                await simulation.best_seeds(**given)  # beside the engine, which then knows them
        began = await simulation.query(_tick)
        try:
            async with asyncio.timeout(_STEP_SECONDS if row.name == "step" else None):
                found = await simulation.do_as(asking.name, row.name, *args, **given)
        except TimeoutError:  # it ends with the running tick
            found = await simulation.query(_tick) - began
        return answer({"command": row.name, "tick": simulation.frame.tick, "result": found})

    carry_out.__annotations__ = {**carry_out.__annotations__, "said": kind}
    return carry_out


def _tick(world: State) -> int:
    return world.tick


jobs = router("jobs")

KEPT = 50
_PATIENCE_SECONDS = 3.0
_MOST_RUNS, _MOST_ROWS = 10_000, 1000
_FILES = frozenset({"file", "labels", "degrees", "data"})
_OURS = {"world": "demo", "scenario": "gallery:", "image": "data:"}
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


@jobs.get("/jobs/{number:int}", **OBSERVE)
async def job(request: Request, number: Number) -> Response:
    """Return a job; once it is done, with its result."""
    return _or_none(request, number, lambda work: answer(work.facts(whole=True)))


@jobs.delete("/jobs/{number:int}", status_code=202, **OWN)
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
