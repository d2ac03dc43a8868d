"""What can be asked of a running world, and how time is moved."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from fastapi import Path as InPath
from fastapi import Query
from pydantic import Field
from starlette.responses import Response

from sim import World as State
from sim import names
from sim.api.routes import (
    DRIVE,
    OBSERVE,
    OWN,
    Asking,
    Body,
    World,
    answer,
    frame_facts,
    member_within,
    router,
)
from sim.errors import InputError
from sim.runtime import free_name
from sim.runtime.queries import members as people
from sim.runtime.queries import messages as stories
from sim.settings.settings import current

observing, time, keeping = router("queries"), router("time"), router("world")

Index = Annotated[int, Query(ge=0, lt=2**32)]
Number = Annotated[int, Query(ge=0, lt=2**31)]
Tick = Annotated[int | None, Query(ge=0, lt=2**31)]
Most = Annotated[int, Query(ge=1, le=1000)]
Member = Annotated[int, InPath(ge=0, lt=2**32)]
MessageNumber = Annotated[int, InPath(ge=0, lt=2**31)]


@observing.get("/me", **OBSERVE)
async def who_asks(asking: Asking) -> Response:
    """Return the caller's name and role."""
    return answer(asking)


@observing.get("/frame", **OBSERVE)
async def newest_frame(simulation: World, whole: bool = False) -> Response:
    """Return the newest frame; `whole`: with the communities over time, and ties between them."""
    return answer(frame_facts(simulation.frame, whole=whole))


@observing.get("/models", **OBSERVE)
async def models() -> Response:
    """Return the names of propagation models, and of the other plugins by kind."""
    kinds = ("propagation", "recommender", "policy", "channel", "opinion", "metric")
    return answer({kind: names(kind) for kind in kinds})


@observing.get("/members", **OBSERVE)
async def members(
    simulation: World,
    query: Annotated[str, Query(max_length=1000)] = "",
    message: Annotated[int | None, Query(ge=0, lt=2**31)] = None,
    first: Number = 0,
    most: Most = 100,
) -> Response:
    """Return members that match a query, such as `interest:music openness>0.7`, or a name."""
    many, listed, known = await simulation.query(_members, query, message, first, most)
    rows = [
        {"index": index, "id": own, "name": name, "interests": interests}
        for index, (own, name, interests) in zip(listed, known, strict=True)
    ]
    return answer({"total": many, "members": rows})


def _members(
    world: State, query: str, message: int | None, first: int, most: int
) -> tuple[int, list[int], list[tuple[str, str, str]]]:
    ids = people.found(world, query, message) if query.strip() else np.arange(len(world.agents))
    listed = ids[first : first + most].tolist()
    return int(ids.size), listed, people.named(world, listed)


@observing.get("/members/{member}", **OBSERVE)
async def member(simulation: World, member: Member) -> Response:
    """Return a member: traits, ties, what it adopted, its feed and its history."""
    agent = member_within(simulation, member)
    found = await simulation.query(people.inspected, agent, then=people.inspected_of)
    return answer({"member": found.member, "feed": found.feed, "inner": found.inner})


@observing.get("/messages", **OBSERVE)
async def messages(simulation: World) -> Response:
    """Return the messages that were sent, at most 1,000: queued and running ones, newest ended."""
    return answer({"total": simulation.frame.sessions_total, "messages": simulation.frame.sessions})


@observing.get("/messages/{message}", **OBSERVE)
async def message(simulation: World, message: MessageNumber) -> Response:
    """Return a message that was sent: its facts, its tree, the communities that it reached."""
    return answer(await simulation.query(stories.cascade, message, then=stories.story_of))


@observing.get("/groups", **OBSERVE)
async def groups(simulation: World, most: Most = 100) -> Response:
    """Return the groups, and the newest frame's communities."""
    communities = frame_facts(simulation.frame)["communities"]
    return answer({"groups": await simulation.query(_groups, most), "communities": communities})


def _groups(world: State, most: int) -> list[dict[str, Any]]:
    every = world.groups
    return [
        {"number": number, "name": name, "members": len(every.members(number)),
         "limit": every.limit(number)}
        for number, name in enumerate(every.names[:most])
    ]  # fmt: skip


@observing.get("/why", **OBSERVE)
async def why(simulation: World, member: Index, message: Number, tick: Tick = None) -> Response:
    """Return why a member was shown a message of the platform, now or in an earlier tick."""
    return answer(await simulation.why(member_within(simulation, member), message, tick))


@observing.get("/why-adopted", **OBSERVE)
async def why_adopted(simulation: World, member: Index, message: Tick = None) -> Response:
    """Return through whom a member adopted a message, tie by tie up to a seed."""
    found = await simulation.why_adopted(member_within(simulation, member), message)
    return answer({"sentence": found.sentence, "chain": found})


@observing.get("/history", **OBSERVE)
async def history(
    simulation: World, member: Index, other: Tick = None, first: Tick = None, last: Tick = None
) -> Response:
    """Return what a member did and what happened to it, between two ticks; at most 1,000 events."""
    who = member_within(simulation, member)
    whom = None if other is None else member_within(simulation, other)
    found = await simulation.history(who, whom, first=first, last=last)
    return answer({"total": len(found), "events": found[-1000:]})


@observing.get("/metrics", **OBSERVE)
async def metrics(simulation: World) -> Response:
    """Return the world's metrics and alerts, the platform's state, and how fast it runs."""
    frame = simulation.frame
    told = {"metrics": frame.metrics, "platform": frame.platform}
    return answer({**told, "performance": simulation.performance()})


@observing.get("/health", **OBSERVE)
async def health(simulation: World) -> Response:
    """Return every check of the running program."""
    return answer(simulation.health())


@observing.get("/audit", **OBSERVE)
async def audit(simulation: World, last: Most = 100) -> Response:
    """Return the newest acts on the world: tick, author, command, arguments and result."""
    return answer({"acts": simulation.audit(last)})


class Play(Body):
    """How time runs; without a rate as fast as possible."""

    ticks_per_second: float | None = Field(None, ge=0.01, le=100_000)
    until_tick: Annotated[int, Field(strict=True, ge=0, lt=2**31)] | None = None
    until_quiet: bool = False


class Ticks(Body):
    """A number of ticks; without one all."""

    ticks: Annotated[int, Field(strict=True, ge=0, lt=2**31)] | None = None


@time.post("/time/play", **DRIVE)
async def play(simulation: World, asking: Asking, said: Play) -> Response:
    """Let time run until it is paused."""
    await simulation.do_as(asking.name, "step", 0)  # ticks are this caller's from now on
    await simulation.play(**said.model_dump())
    return answer({"tick": simulation.frame.tick})


@time.post("/time/pause", **DRIVE)
async def pause(simulation: World) -> Response:
    """Stop after the running tick."""
    await simulation.pause()
    return answer({"tick": simulation.frame.tick})


@time.post("/time/back", **DRIVE)
async def back(simulation: World, said: Ticks) -> Response:
    """Take the world back, by one tick if no number is given."""
    return answer(await simulation.back(1 if said.ticks is None else said.ticks))


@time.post("/time/forward", **DRIVE)
async def forward(simulation: World, said: Ticks) -> Response:
    """Take the world forward again to where it was before it went back."""
    return answer(await simulation.forward(said.ticks))


class Save(Body):
    """A name in the folder of saves; without one the world's own file."""

    name: str | None = Field(None, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")


@keeping.post("/save", **OWN)
async def save(simulation: World, said: Save) -> Response:
    """Save the world to its own file, or under a name that no saved world has."""
    path = None
    if said.name is not None:
        folder, stem = current().saves_folder, said.name.removesuffix(".hub")
        folder.mkdir(parents=True, exist_ok=True)
        path = free_name(folder, stem)
        if path.stem != stem:
            raise InputError(f"There is a world named {stem} already; choose another name.")
    await simulation.save(path)
    return answer({"path": simulation.frame.path, "tick": simulation.frame.tick})
