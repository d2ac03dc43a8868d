"""The HTTP interface of a running world (extra ``server``): ``hubbub serve WORLD --api``.

Here is the application and its server: loopback, unless TLS and tokens are given. ``orders`` are
what callers order, ``reading`` what they read; ``guard`` knows the callers, and refuses what none
may send.
"""

from __future__ import annotations

import asyncio
import base64
import logging
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from importlib import resources
from ipaddress import ip_address
from pathlib import Path
from ssl import SSLError
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp

import sim
from sim.api import orders, reading
from sim.api.guard import Caller, Callers, Guard, Role, create_tokens, problem, read_tokens
from sim.api.routes import Problem
from sim.core.progress import quiet
from sim.errors import InputError
from sim.runtime import JournalConfig, Simulation, SimulationSource, exported, free_name, open_live
from sim.runtime.journal.checkpoints import Pacing
from sim.scenario.worlds import is_recipe, named_world, saved_path
from sim.settings.settings import current

__all__ = [
    "ApiOptions", "Caller", "Callers", "Role", "application", "create_tokens", "opening_of",
    "read_tokens", "serve_api", "server_of",
]  # fmt: skip

Opening = Callable[[], AbstractAsyncContextManager[Simulation]]

_EXPOSED = (
    "Other machines reach {host}; to serve it there, give --expose, --certificate and --key (TLS), "
    "and a --tokens file."
)
_ABOUT = "Commands, queries, frames and studies of a running world. Roles: observe, drive, own."
_PARTS = {"script-src": "script", "style-src": "style"}


@dataclass(frozen=True, slots=True)
class ApiOptions:
    """Where and how a world is served.

    Parameters
    ----------
    tokens
        The file of tokens.
    host, port
        Where to listen; 0: any free port.
    certificate, key
        Files for TLS.
    is_exposed
        Whether an address that other machines reach is meant.
    names
        Further hosts by which the server is reached.
    """

    tokens: Path
    host: str = "127.0.0.1"
    port: int = 8000
    certificate: Path | None = None
    key: Path | None = None
    is_exposed: bool = False
    names: tuple[str, ...] = ()

    def check(self) -> None:
        """Raise InputError if it would serve others without TLS, or half of it."""
        if (self.certificate is None) != (self.key is None):
            raise InputError("TLS needs both --certificate and --key.")
        if not is_local(self.host) and not (self.is_exposed and self.certificate):
            raise InputError(_EXPOSED.format(host=self.host))

    @property
    def hosts(self) -> frozenset[str]:
        """The hosts that requests may name."""
        own = f"[{self.host}]" if ":" in self.host else self.host
        return frozenset({"localhost", "127.0.0.1", "[::1]", own, *self.names})


def is_local(host: str) -> bool:
    """Return whether only this machine reaches an address."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def opening_of(
    where: str, *, author: str, isolated: bool = False, tell: Callable[[str], object] = lambda _: 0
) -> Opening:
    """Prepare a world that a person names; return what opens its simulation.

    What its journal holds is there, and goes on. A world without a file has a journal in the folder
    of saves; if the settings say that there are none, what was changed is saved there at the end.

    Raises
    ------
    HubbubError
        If there is no such world, it is refused, or in use.
    """
    now, path, name = current(), None, "demo" if where == "demo" else "new"
    if is_recipe(where):
        world = named_world(where, quiet, tell=tell, author=author)
        now.saves_folder.mkdir(parents=True, exist_ok=True)
        config = JournalConfig(free_name(now.saves_folder, name), Pacing.chosen(), author)
    else:
        opened = open_live(saved_path(where))
        for said in filter(None, (opened.told, *opened.findings)):
            tell(said)
        world, path, name = opened.world, opened.path, opened.path.stem
        config = opened.journal_config(author=author)
    keeps = now.journal != "off"

    @asynccontextmanager
    async def opening() -> AsyncIterator[Simulation]:
        async with Simulation(
            world, name=name, path=path, journal=config if keeps else False, author=author,
            isolated=isolated, frames_per_second=now.frames_per_second,
        ) as simulation:  # fmt: skip
            with exported(SimulationSource(lambda: simulation), now.metrics_port):
                yield simulation
            if not simulation.frame.dirty or (keeps and path is not None):
                return
            kept = config.path if path is None else free_name(now.saves_folder, name)
            if not keeps:
                await simulation.save(kept)
            tell(f"Its changes are in {kept}; hubbub open {kept.stem} resumes there.")

    return opening


def application(opening: Opening, callers: Callers, hosts: frozenset[str]) -> ASGIApp:
    """Return the application of a world, which is open while the server runs.

    Parameters
    ----------
    opening
        Opens the simulation, in the server's event loop.
    callers
        Who may ask.
    hosts
        What requests may call the server.
    """
    return Guard(inner_application(opening), callers, hosts)


def inner_application(opening: Opening) -> FastAPI:
    """Return the application without its guard: a request's state has its caller."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with opening() as simulation:
            app.state.simulation, app.state.watchers = simulation, reading.Watchers(simulation)
            app.state.board = board = orders.Board()
            yield
            await board.close()

    app = FastAPI(
        title="Hubbub", version=sim.__version__, description=_ABOUT, lifespan=lifespan,
        docs_url=None, redoc_url=None, exception_handlers={HTTPException: _refused},
        redirect_slashes=False,
    )  # fmt: skip
    for part in (
        orders.commands(),
        reading.observing,
        reading.time,
        reading.keeping,
        orders.jobs,
        reading.watching,
    ):
        app.include_router(part)
    app.add_api_websocket_route("/watch/socket", reading.socket)
    app.add_api_route("/", _dashboard(), include_in_schema=False)
    described = app.openapi
    app.openapi = lambda: _schema(app, described)  # type: ignore[method-assign]
    return app


async def _refused(_: Request, error: Exception) -> Response:
    """Answer for addresses and methods that no route has."""
    assert isinstance(error, HTTPException)  # noqa: S101 - it is registered for that
    return problem(error.status_code, f"{error.detail}; see /openapi.json.", error.headers)


def _schema(app: FastAPI, described: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return the OpenAPI document: with bearer tokens, and one form of refusals."""
    if app.openapi_schema is not None:
        return app.openapi_schema
    found = described()
    parts = found.setdefault("components", {})
    schemas = parts.setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas["Problem"] = Problem.model_json_schema()
    parts["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    parts["responses"] = {
        "Problem": {
            "description": "A refusal (RFC 9457).",
            "content": {
                "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
            },
        }
    }
    for path in found["paths"].values():
        for operation in path.values():
            operation["security"] = [{"token": []}]
            operation["responses"].pop("422", None)
            operation["responses"]["default"] = {"$ref": "#/components/responses/Problem"}
    return found


def _dashboard() -> Callable[..., Any]:
    page = resources.files("sim.api").joinpath("dashboard.html").read_text(encoding="utf-8")
    allowed = ["default-src 'none'", "connect-src 'self'", "base-uri 'none'", "form-action 'none'"]
    allowed += ["frame-ancestors 'none'"]
    for policy, tag in _PARTS.items():
        inline = re.findall(f"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        hashes = (base64.b64encode(sha256(each.encode()).digest()).decode() for each in inline)
        allowed.append(" ".join([policy, *(f"'sha256-{each}'" for each in hashes)]))
    headers = {"Content-Security-Policy": "; ".join(allowed)}

    async def dashboard() -> Response:
        return Response(page, headers=headers, media_type="text/html")

    return dashboard


def server_of(opening: Opening, options: ApiOptions) -> uvicorn.Server:
    """Return the server of a world, not started; a missing file of tokens is written.

    Raises
    ------
    InputError, FileError
        One sentence: what is missing, or would let strangers in.
    """
    options.check()
    if not options.tokens.exists() and is_local(options.host):
        create_tokens(options.tokens)
    config = uvicorn.Config(
        application(opening, read_tokens(options.tokens), options.hosts),
        host=options.host, port=options.port, ssl_certfile=options.certificate,
        ssl_keyfile=options.key, log_config=None, log_level="error",  # no line for each bad request
        access_log=False, server_header=False,
        proxy_headers=False, lifespan="on", http="h11", ws="wsproto", loop="asyncio",
        ws_max_size=4096, h11_max_incomplete_event_size=16_384, limit_concurrency=256,
        timeout_keep_alive=5, timeout_graceful_shutdown=2,
    )  # fmt: skip
    try:
        config.load()
    except OSError as error:
        why = "not a PEM certificate and its key" if isinstance(error, SSLError) else error.strerror
        pair = f"{options.certificate} and {options.key}"
        raise InputError(f"{pair} cannot be used for TLS: {why}.") from None
    return uvicorn.Server(config)


def serve_api(opening: Opening, options: ApiOptions, tell: Callable[[str], object]) -> None:
    """Serve a world until Ctrl+C, and say where; errors as of :func:`server_of`."""
    faults: list[Exception] = []
    scheme = "https" if options.certificate else "http"
    where = f"{options.host}:{options.port}"

    @asynccontextmanager
    async def noting() -> AsyncIterator[Simulation]:
        try:
            async with opening() as simulation:
                yield simulation
        except Exception as error:
            faults.append(error)
            raise

    server = server_of(noting, options)

    async def serving() -> None:
        server.config.callback_notify = None  # told once
        tell(f"Dashboard: {scheme}://{where}/ (tokens are in {options.tokens})")
        tell("Ctrl+C ends it. Whoever has a token of the role own controls the world.")

    server.config.callback_notify = serving
    uvicorns = logging.getLogger("uvicorn.error")
    uvicorns.addFilter(is_up := lambda _: server.started)  # why it does not start is raised here
    try:
        asyncio.run(server.serve())
    except SystemExit as error:
        why = getattr(error.__context__, "strerror", None) or "address not available"
        why = why.rpartition(": ")[2].rpartition("] ")[2].lower()  # "...: [errno 98] in use"
        faults.append(InputError(f"{where} cannot be served: {why}; choose another --port."))
    finally:
        uvicorns.removeFilter(is_up)
    if faults:  # uvicorn may end without SystemExit
        raise faults[0]
