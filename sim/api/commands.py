"""The table of commands as routes: each by its name, its arguments as the keys of an object."""

from __future__ import annotations

import asyncio
import inspect
import keyword
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, JsonValue, create_model, model_validator
from starlette.responses import Response

from sim import World as State
from sim.api.routes import DRIVE, OWN, Asking, Body, Index, Whole, World, answer, router
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

    model_config = ConfigDict(extra="allow")
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
