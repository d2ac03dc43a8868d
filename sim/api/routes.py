"""What all routes share: a role that is asked first, a deadline, and answers as JSON."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Callable, Coroutine, Mapping, Set
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Depends, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.responses import Response

from sim.api.guard import Caller, Role, caller_of, problem, refusal
from sim.core.text import clean, one_line
from sim.errors import HubbubError, InputError
from sim.runtime import Communities, Focus, Frame, Simulation
from sim.settings.logging import log

SECONDS = 60.0
"""How long a request may take; longer work is a job."""

_MOST_FAULTS = 5

MOST_POINTS = 400
"""Most ticks of a curve in a frame; of a longer one as many are chosen, evenly spread."""

MOST_ROWS = 100
_OF_FRAME = (
    "revision", "tick", "day", "hour", "state", "name", "dirty", "agents", "ties", "seed",
    "asked_rate", "achieved_rate", "contacts_per_second", "tick_ms", "memory_bytes", "banner",
    "sessions_total", "durable_tick", "interventions", "stalled", "minds", "program",
)  # fmt: skip
_OF_FOCUS = (
    "id", "text", "model", "parameters", "states", "speed", "depth", "breadth", "virality",
    "reached", "seeds", "now", "started_at", "status", "error", "metrics", "panel",
)  # fmt: skip
_OF_COMMUNITIES = (
    "names", "sizes", "adopted", "spreading", "new", "onset", "opinion", "positions", "flows",
    "label", "total",
)  # fmt: skip
_LARGE = ("heat", "heat_ticks", "links", "top", "labels", "impressions", "opinion_heat")


class Problem(BaseModel):
    """A refusal, as in RFC 9457; ``detail`` is one sentence."""

    type: str
    title: str
    status: int
    detail: str
    error: str | None = Field(None, description="class of the error in the Python interface")


class Body(BaseModel):
    """What a request tells; unknown keys are refused, and other types than those described."""

    model_config = ConfigDict(extra="forbid", strict=True)


Index = Annotated[int, Field(strict=True, ge=0, lt=2**32)]
Whole = Annotated[int, Field(strict=True, ge=-(2**63), lt=2**63)]


class Door(APIRoute):
    """A route that asks for its role before it reads a request, and refuses in one sentence."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return what answers a request."""
        answered = super().get_route_handler()
        role = Role[(self.openapi_extra or {})["x-role"].upper()]

        async def handled(request: Request) -> Response:
            refused = forbidden(caller_of(request.scope), role)
            if refused is not None:
                return refused
            try:
                async with asyncio.timeout(SECONDS):
                    return await answered(request)
            except HubbubError as error:
                return refusal(error)
            except RequestValidationError as error:
                return problem(422, _sentence(error), error="InputError")
            except HTTPException as error:
                return problem(error.status_code, str(error.detail))
            except TimeoutError:
                late = f"This takes longer than {SECONDS:g} s; frames tell what comes of it."
                return problem(503, late, {"Retry-After": "5"})
            except Exception as error:
                log("api failed", path=request.url.path, error=f"{type(error).__name__}: {error}")
                return problem(500, "This failed unexpectedly; the log of the server has details.")

        return handled


def forbidden(caller: Caller, role: Role) -> Response | None:
    """Refuse a caller whose role does not suffice."""
    if caller.role >= role:
        return None
    has, needs = caller.role.name.lower(), role.name.lower()
    return problem(403, f"{caller.name} has the role {has}; this needs {needs}.")


def _sentence(error: RequestValidationError) -> str:
    faults = []
    for each in error.errors()[:_MOST_FAULTS]:
        where = ".".join(str(part) for part in each["loc"][1:]) or str(each["loc"][0])
        what = each["msg"].removeprefix("Value error, ")
        faults.append(f"{one_line(where, 80)}: {one_line(what, 200)}")
    return f"{'; '.join(faults)}."


def router(tag: str) -> APIRouter:
    """Return a new group of routes."""
    return APIRouter(route_class=Door, tags=[tag])


def needs(role: Role, **more: Any) -> dict[str, Any]:
    """Return the arguments of a route for a role."""
    return {"openapi_extra": {"x-role": role.name.lower()}, "response_model": None, **more}


OBSERVE, DRIVE, OWN = needs(Role.OBSERVE), needs(Role.DRIVE), needs(Role.OWN)


def simulation_of(connection: HTTPConnection) -> Simulation:
    """Return the world that is served."""
    simulation: Simulation = connection.app.state.simulation
    return simulation


def _caller(connection: HTTPConnection) -> Caller:
    return caller_of(connection.scope)


World = Annotated[Simulation, Depends(simulation_of)]
Asking = Annotated[Caller, Depends(_caller)]


def member_within(simulation: Simulation, agent: int) -> int:
    """Return the index of a member; raise if there is none."""
    if agent > (last := simulation.frame.agents - 1):
        raise InputError(f"There is no member {agent}; they are 0 to {last:,}.")
    return agent


def plain(value: Any) -> Any:
    """Return what JSON can hold: records become objects, numbers that are not finite null."""
    if isinstance(value, Enum):
        return value.name.lower()
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        return value if value.isascii() and value.isprintable() else clean(value, len(value) + 1)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, np.ndarray | np.generic):
        is_whole = value.dtype.kind in "biu" or (
            value.dtype.kind == "f" and np.isfinite(value).all()
        )
        return value.tolist() if is_whole else plain(value.tolist())
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return plain(value._asdict())
    if isinstance(value, list | tuple | range | Set):
        return [plain(each) for each in value]
    return clean(str(value))


def encoded(value: Any) -> str:
    """Return a value as JSON."""
    return json.dumps(plain(value), ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def answer(value: Any, status: int = 200) -> Response:
    """Return a value as the answer to a request."""
    return Response(encoded(value), status, media_type="application/json")


def frame_facts(frame: Frame, *, whole: bool = False) -> dict[str, Any]:
    """Return a frame: its numbers, newest messages, curve and communities.

    ``whole``: also the heat of communities over time, and the ties between them.
    """
    facts = _taken(frame, _OF_FRAME)
    facts["phase_ms"] = dict(frame.phase_ms)
    facts["sessions"] = frame.sessions[-MOST_ROWS:]
    facts["events"] = frame.events[-MOST_ROWS:]
    facts["focus"] = None if frame.focus is None else _focus_facts(frame.focus)
    facts["communities"] = None
    if frame.communities is not None:
        facts["communities"] = _communities_facts(frame.communities, whole=whole)
    return facts


def _focus_facts(focus: Focus) -> dict[str, Any]:
    facts = _taken(focus, _OF_FOCUS)
    many = len(focus.new)
    rows = np.unique(np.linspace(0, many - 1, min(many, MOST_POINTS)).astype(np.int64))
    ever = np.cumsum(focus.new)
    facts["parameters"], facts["metrics"] = dict(focus.parameters), dict(focus.metrics)
    facts["curve"] = {
        "ticks": rows + focus.started_at, "ever": ever[rows], "new": focus.new[rows],
        "r": focus.r[rows], "states": focus.history[rows],
    }  # fmt: skip
    return facts


def _communities_facts(communities: Communities, *, whole: bool) -> dict[str, Any]:
    return _taken(communities, (*_OF_COMMUNITIES, *(_LARGE if whole else ())))


def _taken(record: object, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: getattr(record, name) for name in names}
