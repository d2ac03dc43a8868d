"""The same table for an assistant (extra ``mcp``): ``hubbub serve WORLD --mcp``.

A tool is a route of the application, called in this process: what the HTTP interface describes,
checks and refuses, an assistant reads, too. It speaks the Model Context Protocol on standard input
and output, is no other than the user, and may open one world after another.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from time import monotonic
from typing import Any, NamedTuple

import anyio
import httpx
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.types import TextContent, Tool, ToolAnnotations
from starlette.types import Receive, Scope, Send

import sim
from sim.api import Opening, inner_application
from sim.api.guard import Caller, Role
from sim.api.routes import SECONDS
from sim.errors import HubbubError, InputError, UnknownNameError

Named = Callable[[str], Opening]
"""Prepares, in a thread, the world that a word names; its simulation is opened in the loop."""

_ABOUT = (
    "Hubbub simulates a social network whose members pass messages on. Open or make a world "
    "(open_world), send messages (inject), let time pass (step), then read frame, message, metrics "
    "or why_adopted; compare runs futures of the world under several conditions. The same seed "
    "gives the same run. A refusal says what is allowed."
)
_WORLD = (
    "demo; the name or file of a saved world; or one to make, such as "
    "new:20000,network=small-world,mean_degree=12,seed=3,platform=blend"
)
_OPEN = Tool(
    name="open_world",
    description="Open another world in place of the one that is open.",
    inputSchema={
        "type": "object",
        "properties": {"world": {"type": "string", "description": _WORLD}},
        "required": ["world"],
    },
)
_ASSISTANT = Caller("assistant", Role.OWN)
_NO_TOOLS = frozenset({"/watch", "/me"})
_PATIENCE_SECONDS = 40.0
_MOST_CHARACTERS = 60_000


class _Route(NamedTuple):
    """A route as a tool."""

    method: str
    path: str
    tool: Tool

    def request(self, given: dict[str, Any]) -> dict[str, Any]:
        """Return the request that a call makes: a body, or words of the address."""
        known = self.tool.inputSchema["properties"]
        if self.method != "post" and (strange := given.keys() - known.keys()):
            raise UnknownNameError("argument", min(strange), known)
        try:
            where = {"method": self.method, "url": self.path.format(**given)}
        except KeyError as error:
            raise InputError(f"{self.tool.name} needs {error.args[0]}.") from None
        return {**where, "json" if self.method == "post" else "params": given}


def _routes(document: dict[str, Any]) -> dict[str, _Route]:
    """Return the tools that an OpenAPI document describes, by name."""

    def whole(part: Any) -> Any:
        if isinstance(part, list):
            return [whole(each) for each in part]
        if not isinstance(part, dict):
            return part
        if "$ref" in part:
            return whole(document["components"]["schemas"][part["$ref"].rpartition("/")[2]])
        return {key: whole(each) for key, each in part.items()}

    found = {}
    for path, methods in document["paths"].items():
        for method, told in methods.items() if path not in _NO_TOOLS else ():
            sent = told.get("requestBody", {}).get("content", {}).get("application/json", {})
            asked = told.get("parameters", [])
            takes = {"type": "object", "properties": {}, **whole(sent.get("schema", {}))}
            takes["properties"] |= {each["name"]: whole(each["schema"]) for each in asked}
            needed = [each["name"] for each in asked if each["required"]]
            takes["required"] = [*takes.get("required", ()), *needed]
            *_, above, last = path.split("/")
            name = above.removesuffix("s") if last.startswith("{") else last.replace("-", "_")
            name = f"cancel_{name}" if method == "delete" else name
            tool = Tool(
                name=name, description=told["description"], inputSchema=takes,
                annotations=ToolAnnotations(readOnlyHint=method == "get"),
            )  # fmt: skip
            found[name] = _Route(method, path, tool)
    return found


class Desk:
    """The world that tools are about, opened when the first of them is called."""

    def __init__(self, named: Named, where: str) -> None:
        self._named, self._where = named, where
        self._opening: Opening = lambda: named(where)()
        self._app = inner_application(lambda: self._opening())
        self._served: asyncio.Task[None] | None = None
        self._leaving, self._turn = asyncio.Event(), asyncio.Lock()
        self._client = httpx.AsyncClient(
            transport=httpx.ASGITransport(self._heard), base_url="http://world", timeout=2 * SECONDS
        )
        self.routes = _routes(self._app.openapi())

    async def _heard(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["state"] = {"caller": _ASSISTANT}
        await self._app(scope, receive, send)

    async def call(self, name: str, given: dict[str, Any]) -> str:
        """Call a tool; return its answer as JSON, or raise the sentence of a refusal."""
        if name == _OPEN.name:
            if given.keys() != {"world"}:
                raise InputError("open_world takes world, such as demo or new:20000.")
            await self._open(str(given["world"]))
            name, given = "frame", {}
        if name not in self.routes:
            raise UnknownNameError("tool", name, [_OPEN.name, *self.routes])
        if self._served is None:
            await self._open(self._where)
        found = await self._client.request(**self.routes[name].request(given))
        if "location" in found.headers:
            found = await self._ended(found.headers["location"])
        if found.is_error:
            raise HubbubError(found.json()["detail"])
        if len(found.text) > _MOST_CHARACTERS:
            raise HubbubError(
                f"The answer has {len(found.text):,} characters; ask for less, with most or query."
            )
        return found.text

    async def _ended(self, job: str) -> httpx.Response:
        """Return a job once it has ended, or as it is after some patience."""
        until = monotonic() + _PATIENCE_SECONDS
        while True:
            found = await self._client.get(job)
            if found.json()["state"] != "running" or monotonic() > until:
                return found
            await asyncio.sleep(0.1)

    async def _open(self, where: str) -> None:
        async with self._turn:
            if self._served is not None and where == self._where:
                return
            opening = await asyncio.to_thread(self._named, where)
            await self.close()
            self._where, self._opening, is_open = where, opening, asyncio.Event()
            self._leaving.clear()
            served = asyncio.create_task(self._serve(is_open))
            waiting = asyncio.create_task(is_open.wait())
            await asyncio.wait({served, waiting}, return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()
            if served.done():
                await served
            self._served = served

    async def _serve(self, is_open: asyncio.Event) -> None:
        """Hold a world open: it is opened and closed by one task."""
        async with self._app.router.lifespan_context(self._app):
            is_open.set()
            await self._leaving.wait()

    async def close(self) -> None:
        """Close the world."""
        served, self._served = self._served, None
        if served is not None:
            self._leaving.set()
            await served


def serve_tools(named: Named, where: str) -> None:
    """Serve an assistant on standard input and output, until it leaves."""
    asyncio.run(_serve(Desk(named, where)))


async def _serve(desk: Desk) -> None:
    server: Server[object] = Server("hubbub", sim.__version__, _ABOUT)

    @server.list_tools()  # type: ignore[no-untyped-call, untyped-decorator]
    async def listed() -> list[Tool]:
        return [_OPEN, *(each.tool for each in desk.routes.values())]

    @server.call_tool(validate_input=False)  # type: ignore[untyped-decorator]
    async def called(name: str, given: dict[str, Any]) -> list[TextContent]:
        return [TextContent(type="text", text=await desk.call(name, given))]

    asked = os.fdopen(os.dup(0), encoding="utf-8")
    told = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a plugin prints goes to the errors
    async with stdio_server(anyio.wrap_file(asked), anyio.wrap_file(told)) as (heard, said):
        try:
            await server.run(heard, said, server.create_initialization_options())
        finally:
            await desk.close()
