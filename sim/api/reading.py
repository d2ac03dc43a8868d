"""What callers read: queries, and frames and events as they come, over a WebSocket or as SSE.

A watcher is never waited for: of frames it misses some, of events the oldest, and one that takes
nothing for ten seconds is let go. A frame is written down once for all watchers.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import fields, replace
from time import monotonic
from typing import Annotated, Any, Literal

import numpy as np
from fastapi import Path as InPath
from fastapi import Query, Request, WebSocket, WebSocketDisconnect
from pydantic import Field
from starlette.responses import Response, StreamingResponse

from sim import World as State
from sim import names
from sim.api.guard import PROTOCOL
from sim.api.routes import (
    DRIVE,
    OBSERVE,
    OWN,
    Asking,
    Body,
    World,
    answer,
    encoded,
    frame_facts,
    member_within,
    router,
)
from sim.core.events import Event
from sim.errors import HubbubError, InputError
from sim.runtime import Frame, FrameWatch, Simulation, free_name
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
_PICTURE = re.compile(r"(data:image/[\w.+-]{1,40};)base64,([\w+/]+)=*")


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
    """Return the newest acts: tick, author, command, arguments (no pictures) and result."""
    acts = simulation.audit(last)
    return answer({"acts": [replace(act, said=_PICTURE.sub(_size, act.said)) for act in acts]})


def _size(picture: re.Match[str]) -> str:
    return f"{picture[1]}..., {len(picture[2]) * 3 // 4} bytes"


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


watching = router("watching")

MOST_WATCHERS = 32
_MOST_EVENTS = 1000
_PATIENCE_SECONDS = 10.0
_BEAT_SECONDS = 15.0
_NOT_TOLD = {"id", "time", "source"}

What = Annotated[Literal["frames", "events", "all"], Query(description="what is sent")]
Rate = Annotated[float, Query(ge=0.1, le=10, description="frames per second, at most")]
Item = tuple[str, str]


class Watchers:
    """Who watches a world; and the newest frame, as all of them get it."""

    def __init__(self, simulation: Simulation) -> None:
        self.count = 0
        self._simulation = simulation
        self._written = (-1, "")
        self._queues: list[deque[Item]] = []
        simulation.subscribe(Event, self._on_event)

    def _on_event(self, event: Event) -> None:
        if self._queues:
            facts = {each.name: getattr(event, each.name) for each in fields(event)}
            told = {name: value for name, value in facts.items() if name not in _NOT_TOLD}
            item = "event", encoded({"event": type(event).__name__, **told})
            for queue in self._queues:
                queue.append(item)

    def _frame(self, frame: Frame) -> Item:
        if frame.revision != self._written[0]:
            self._written = frame.revision, encoded(frame_facts(frame))
        return "frame", self._written[1]

    @asynccontextmanager
    async def watch(self, what: str, rate: float) -> AsyncIterator[AsyncIterator[Item]]:
        """Give what comes to a watcher, who counts as one inside the block.

        Raises
        ------
        HubbubError
            If enough watch already.
        """
        if self.count >= MOST_WATCHERS:
            raise HubbubError(f"{MOST_WATCHERS} watch already; try again when one has left.")
        queue: deque[Item] = deque(maxlen=_MOST_EVENTS)
        self.count += 1
        if what != "frames":
            self._queues.append(queue)
        try:
            async with (
                self._simulation.watch(1) as frames,
                aclosing(self._items(frames, queue, what != "events", rate)) as items,
            ):
                yield items
        finally:
            self.count -= 1
            self._queues = [each for each in self._queues if each is not queue]

    async def _items(
        self, frames: FrameWatch, queue: deque[Item], has_frames: bool, rate: float
    ) -> AsyncGenerator[Item]:
        said = monotonic()
        while True:
            began, frame = monotonic(), None
            with suppress(TimeoutError):
                try:
                    frame = await asyncio.wait_for(anext(frames), 1 / rate)
                except StopAsyncIteration:
                    return
            items = [self._frame(frame)] if frame is not None and has_frames else []
            while queue:
                items.append(queue.popleft())
            if not items and began - said > _BEAT_SECONDS:
                items.append(("beat", "{}"))
            for item in items:
                said = began
                yield item
            await asyncio.sleep(max(began + 1 / rate - monotonic(), 0.0))


@watching.get("/watch", **OBSERVE)
async def stream(request: Request, what: What = "all", rate: Rate = 4.0) -> Response:
    """Send frames and events as server-sent events named `frame`, `event` and `beat`."""
    watchers: Watchers = request.app.state.watchers
    watch = watchers.watch(what, rate)
    items = await watch.__aenter__()

    async def lines() -> AsyncIterator[str]:
        try:
            async for kind, text in items:
                yield f"event: {kind}\ndata: {text}\n\n"
        finally:
            await watch.__aexit__(None, None, None)

    return StreamingResponse(lines(), media_type="text/event-stream")


async def socket(browser: WebSocket, what: What = "all", rate: Rate = 4.0) -> None:
    """Send frames and events as `{"frame": ...}`, `{"event": ...}` and `{"beat": {}}`."""
    watchers: Watchers = browser.app.state.watchers
    offered = browser.scope.get("subprotocols", ())
    try:
        async with watchers.watch(what, rate) as items:
            await browser.accept(PROTOCOL if PROTOCOL in offered else None)
            leaving = asyncio.create_task(_left(browser))
            try:
                async for kind, text in items:
                    sending = browser.send_text(f'{{"{kind}":{text}}}')
                    await asyncio.wait_for(sending, _PATIENCE_SECONDS)
                    if leaving.done():
                        return
            finally:
                leaving.cancel()
            await browser.close()
    except HubbubError as error:
        await browser.close(1013, str(error))
    except (TimeoutError, WebSocketDisconnect, RuntimeError, OSError):
        return  # it left, or takes nothing


async def _left(browser: WebSocket) -> None:
    """Return once a watcher has left; what it sends is not read."""
    while (await browser.receive())["type"] != "websocket.disconnect":
        pass
