"""Who may do what, and what stands before every route; refusals as problems.

Callers have bearer tokens of three roles, from a file that only the user reads. Before a request is
read come host, origin, rate, token and size. A refusal is a Problem Details object (RFC 9457) whose
detail is the sentence that the command line and the screen show, too.
"""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from hashlib import sha256
from hmac import compare_digest
from http import HTTPStatus
from pathlib import Path
from typing import Any

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sim.core.files import PRIVATE, read_private, write_whole
from sim.errors import Cancelled, CapacityError, FileError, HubbubError, InputError
from sim.runtime import EngineError, ReplacedError

MOST_BYTES = 1 << 20
BODY_SECONDS = 10.0
PUBLIC = frozenset({"/", "/openapi.json"})
PROTOCOL = "hubbub"
"""Subprotocol of the WebSocket; a page, which cannot set headers, adds ``bearer.TOKEN`` to it."""

_RATE, _BURST = 100.0, 200.0
_STRANGE_RATE, _STRANGE_BURST = 1.0, 20.0
_MOST_ADDRESSES = 1024
_HEADERS = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)
_STATUSES: tuple[tuple[type[HubbubError], int], ...] = (
    (InputError, 422), (CapacityError, 413), (ReplacedError, 503), (EngineError, 503),
    (Cancelled, 409), (FileError, 409), (HubbubError, 409),
)  # fmt: skip

_LINE = re.compile(
    r"(observe|drive|own)\s+([A-Za-z0-9][\w.@-]{0,39})\s+([\w.~+/=-]{24,200})", re.ASCII
)
_MOST_OF_FILE = 1 << 16
_HEAD = "# role (observe, drive or own), name of the caller, token; one a line\n"


class Role(IntEnum):
    """What a caller may do; each includes the one before."""

    OBSERVE = 1
    DRIVE = 2
    OWN = 3


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: the name that journal and audit log have, and its role."""

    name: str
    role: Role


class Callers:
    """Callers by token; of a token only its hash is kept."""

    def __init__(self, known: Iterable[tuple[str, Caller]]) -> None:
        self._known = [(_hashed(token), caller) for token, caller in known]

    def of(self, token: str) -> Caller | None:
        """Return whose token it is, in a time that does not depend on it."""
        given, found = _hashed(token), None
        for known, caller in self._known:
            if compare_digest(given, known):
                found = caller
        return found


def _hashed(token: str) -> bytes:
    return sha256(token.encode("utf-8", "surrogatepass")).digest()


def read_tokens(path: Path) -> Callers:
    """Read the file of tokens.

    Parameters
    ----------
    path
        Lines of role, name and token. It must be the user's own regular file of mode 0600.

    Raises
    ------
    FileError
        One sentence, which quotes no token.
    """
    text = read_private(path, "tokens", _MOST_OF_FILE)
    return Callers(_pairs(path, text.splitlines()))


def _pairs(path: Path, lines: list[str]) -> list[tuple[str, Caller]]:
    found: dict[str, Caller] = {}
    for place, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        fits = _LINE.fullmatch(line.strip())
        if fits is None:
            rule = (
                "has a role (observe, drive or own), a name, and a token of 24 characters or more"
            )
            raise FileError(path, f"line {place} {rule}")
        role, name, token = fits.groups()
        if token in found:
            raise FileError(path, f"line {place} has the token of {found[token].name}")
        found[token] = Caller(name, Role[role.upper()])
    if not found:
        raise FileError(path, "has no token; delete it, and hubbub serve --api writes three")
    return list(found.items())


def create_tokens(path: Path) -> None:
    """Write a file with a new token of each role, readable by the user alone."""
    rows = [
        f"{role.name.lower()} {role.name.lower()} {secrets.token_urlsafe(32)}\n" for role in Role
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        path.touch(PRIVATE, exist_ok=False)
        write_whole(path, _HEAD + "".join(rows), is_private=True)
    except OSError as error:
        reason = (error.strerror or "cannot be written").lower()
        raise FileError(path, f"tokens cannot be written: {reason}") from None


def problem(
    status: int, detail: str, headers: Mapping[str, str] | None = None, **more: Any
) -> Response:
    """Return a refusal."""
    told = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
    body = json.dumps({**told, "detail": detail, **more}, ensure_ascii=True)
    return Response(body, status, headers, "application/problem+json")


def refusal(error: HubbubError) -> Response:
    """Return what the simulator refused, in its own sentence."""
    status = next(status for kind, status in _STATUSES if isinstance(error, kind))
    headers = {"Retry-After": "1"} if status == HTTPStatus.SERVICE_UNAVAILABLE else None
    return problem(status, str(error), headers, error=type(error).__name__)


class Buckets:
    """Requests that each caller or address may still send; at most ``burst`` at once."""

    def __init__(self, rate: float, burst: float) -> None:
        self._rate, self._burst = rate, burst
        self._left: dict[str, tuple[float, float]] = {}

    def wait(self, key: str, cost: float = 1.0) -> float:
        """Take from a bucket; return the seconds to wait if it is empty, else 0."""
        now = time.monotonic()
        left, at = self._left.pop(key, (self._burst, now))
        left = min(self._burst, left + (now - at) * self._rate)
        enough = left >= cost
        self._left[key] = (left - cost if enough else left, now)
        if len(self._left) > _MOST_ADDRESSES:
            del self._left[next(iter(self._left))]
        return 0.0 if enough else max((cost - left) / self._rate, 0.001)


class TooLarge(Exception):  # noqa: N818 - a signal between the guard and itself
    """The body of a request has more bytes than are taken."""


class Guard:
    """Lets a request pass to the application, with its caller, or answers it."""

    def __init__(self, app: ASGIApp, callers: Callers, hosts: Collection[str]) -> None:
        self._app, self._callers = app, callers
        self._hosts = frozenset(host.lower() for host in hosts)
        self._known, self._strange = Buckets(_RATE, _BURST), Buckets(_STRANGE_RATE, _STRANGE_BURST)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        headers = [(name, value.decode("latin-1")) for name, value in scope["headers"]]
        refused = self._foreign(headers) or self._unknown(scope, headers)
        if refused is not None:
            await _answer(refused, scope, receive, send)
        elif scope["type"] == "websocket":
            await self._app(scope, receive, send)
        else:
            await self._bounded(scope, headers, receive, send)

    def _foreign(self, headers: list[tuple[bytes, str]]) -> Response | None:
        """Refuse other hosts (DNS rebinding), and pages of other origins."""
        hosts = [value for name, value in headers if name == b"host"]
        if len(hosts) != 1 or _host_of(hosts[0]) not in self._hosts:
            return problem(421, "This server does not answer for that host; see --name.")
        origins = [value for name, value in headers if name == b"origin"]
        if any(each.lower().partition("://")[2] != hosts[0].lower() for each in origins):
            return problem(403, "Pages of other origins may not use this server.")
        return None

    def _unknown(self, scope: Scope, headers: list[tuple[bytes, str]]) -> Response | None:
        """Refuse who has no token, or asks too often; note in the scope who asks."""
        client = scope.get("client")
        address = client[0] if client else ""
        if scope["path"] in PUBLIC and scope["type"] == "http":
            return _slow_down(self._known.wait(f" {address}"))
        token = _token_of(scope, headers)
        caller = None if token is None else self._callers.of(token)
        if caller is None:
            seconds = self._strange.wait(address)
            says = {"WWW-Authenticate": 'Bearer realm="hubbub"'}
            return _slow_down(seconds) or problem(401, "A valid bearer token is needed.", says)
        scope.setdefault("state", {})["caller"] = caller
        return _slow_down(self._known.wait(caller.name))

    async def _bounded(
        self, scope: Scope, headers: list[tuple[bytes, str]], receive: Receive, send: Send
    ) -> None:
        """Pass a request on with its body, which has come in time and is small enough."""
        length = next((value for name, value in headers if name == b"content-length"), "0")
        is_small = length.isascii() and length.isdigit() and int(length[:12]) <= MOST_BYTES
        try:
            body = await asyncio.wait_for(
                _whole(receive, MOST_BYTES if is_small else -1), BODY_SECONDS
            )
        except TooLarge:
            refused = problem(413, f"A request has at most {MOST_BYTES:,} bytes.")
            await _answer(refused, scope, receive, send)
            return
        except TimeoutError:
            await _answer(problem(408, "The request came too slowly."), scope, receive, send)
            return
        if body is None:
            return
        waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def taken() -> Message:
            return waiting.pop() if waiting else await receive()

        headed, is_begun = _with_headers(send), False

        async def told(message: Message) -> None:
            nonlocal is_begun
            is_begun = True
            await headed(message)

        try:
            await self._app(scope, taken, told)
        except asyncio.CancelledError:  # the server ends; what escapes it would print
            if is_begun:
                await send({"type": "http.response.body"})
            else:
                await _answer(problem(503, "The server is shutting down."), scope, receive, send)


async def _whole(receive: Receive, most: int) -> bytes | None:
    """Return the body, of at most so many bytes; None if the client has left."""
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > most:
            raise TooLarge
        if not message.get("more_body", False):
            return b"".join(parts)


def _host_of(host: str) -> str:
    """Return a host without its port."""
    name, colon, port = host.lower().rpartition(":")
    return name if colon and port.isdigit() else host.lower()


def _token_of(scope: Scope, headers: list[tuple[bytes, str]]) -> str | None:
    """Return the token of a request: never from its address, which logs and histories keep."""
    given = [value for name, value in headers if name == b"authorization"]
    if not given and scope["type"] == "websocket":
        told = (each for each in scope.get("subprotocols", ()) if each.startswith("bearer."))
        return next((each.removeprefix("bearer.") for each in told), None)
    if len(given) != 1:
        return None
    kind, _, token = given[0].partition(" ")
    return token.strip() if kind.lower() == "bearer" else None


def _slow_down(seconds: float) -> Response | None:
    if not seconds:
        return None
    return problem(429, "Too many requests; slow down.", {"Retry-After": str(int(seconds) + 1)})


async def _answer(response: Response, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008, "reason": "refused"})
        return
    await response(scope, receive, _with_headers(send))


def _with_headers(send: Send) -> Send:
    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), *_HEADERS]
        await send(message)

    return sent


def caller_of(scope: Scope) -> Caller:
    """Return who asks, as the guard noted it."""
    caller: Caller = scope["state"]["caller"]
    return caller
