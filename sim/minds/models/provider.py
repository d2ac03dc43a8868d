""":class:`Provider`, an OpenAI-compatible server as plain data, and the connection to one."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import math
import os
import re
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from email.utils import parsedate_to_datetime
from itertools import chain
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit, urlunsplit

import numpy as np

from sim.arrays import F32
from sim.core.text import one_line
from sim.errors import InputError
from sim.minds.models.asks import MOST_WRITTEN, Ask, Fault, ModelError, Usage
from sim.minds.models.replies import Reply, reply_of, unstreamed, usage_in
from sim.settings.durations import timed

if TYPE_CHECKING:
    import httpx2


MASK = "[secret]"
_LOOKS_SECRET = re.compile(
    r"(?:\b(?:sk|pk|rk|xai|gsk|hf|AIza)[-_][\w-]{8,}|(?<=Bearer )[\w.~+/=-]{8,})", re.ASCII
)


class Secret:
    """A key; ``str``, ``repr`` and pickles do not show it.

    Examples
    --------
    >>> key = Secret("sk-canary-0123456789")
    >>> key, f"{key}"
    (Secret([secret]), '[secret]')
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the key itself: only for the line that sends it."""
        return self._value

    def hidden_in(self, text: str) -> str:
        """Return a text with the key masked."""
        return text.replace(self._value, MASK) if self._value else text

    def __bool__(self) -> bool:
        return bool(self._value)

    def __str__(self) -> str:
        return MASK

    def __repr__(self) -> str:
        return f"Secret({MASK})"

    def __reduce__(self) -> tuple[type[Secret], tuple[str]]:
        return Secret, ("",)


def redact(text: str, secrets: Iterable[Secret] = ()) -> str:
    """Return a text without the given keys, and without anything else that looks like one.

    Examples
    --------
    >>> redact("Incorrect API key provided: sk-canary-0123456789.")
    'Incorrect API key provided: [secret].'
    """
    for secret in secrets:
        text = secret.hidden_in(text)
    return _LOOKS_SECRET.sub(MASK, text)


OPENAI = "https://api.openai.com/v1"
_HEADER = re.compile(r"[A-Za-z0-9-]{1,100}")
_HOST = re.compile(r"[\w-]+(\.[\w-]+)*\.?|[0-9a-f:.]+(%\w+)?")
"""A name or number, or an IPv6 address without its brackets."""
_NOWHERE = re.compile(r"[\s\x00-\x20\x7f\"<>\\^`{|}]")
"""What no address contains."""
_HIDDEN = 12
"""Number of characters from which a value may be a secret."""
_KEYS = ("HUBBUB_LLM_KEY", "OPENAI_API_KEY")


@dataclass(frozen=True, slots=True)
class Provider:
    """One server and model.

    Parameters
    ----------
    model
        The model's name at the server.
    base_url
        Its address, ``/v1`` included; a query after it is sent with every request
        (``...?api-version=2024-10-21``). Never taken silently from the environment: it decides
        where every prompt goes. No ``repr`` shows it: some servers take keys in it.
    key
        The key; empty for a server without keys.
    name
        Its name here; default: the server's host.
    at_once
        Concurrent calls, at most 256.
    requests_per_minute, tokens_per_minute
        The account's limits; None: none.
    seconds
        Time limit of a call, retries and waiting included.
    most_bytes
        Size limit of an answer.
    headers
        Additional headers of every request; ``{key}`` in a value stands for the key, as in
        ``{"api-key": "{key}"}``.
    """

    model: str
    base_url: str = field(default=OPENAI, repr=False)
    key: Secret = field(default_factory=lambda: Secret(""))
    name: str = ""
    at_once: int = 32
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    seconds: float = 30.0
    most_bytes: int = 1 << 20
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        _check_address(self.base_url)
        if not self.model.strip():
            raise InputError("A provider needs the name of a model, such as 'gpt-4o-mini'.")
        for name, value in self.headers.items():
            if not _HEADER.fullmatch(name) or not value.isprintable() or not value.isascii():
                raise InputError(
                    f"A header has a name of letters, digits and dashes, and one line of ASCII as "
                    f"its value; {name[:40]!r} has not."
                )
        if not 1 <= self.at_once <= 256:
            raise InputError(f"1 to 256 calls run at once, got {self.at_once}.")
        if not 0 < self.seconds <= 3600:
            raise InputError(f"A call takes up to 3,600 seconds, got {self.seconds:g}.")

    @property
    def address(self) -> tuple[str, str]:
        """Its address without the query, and the query as written, including ``?``."""
        parts = urlsplit(self.base_url)
        query = f"?{parts.query}" if parts.query else ""
        return urlunsplit(parts._replace(query="", fragment="")), query

    @property
    def own_headers(self) -> dict[str, str]:
        """The headers with the key filled in."""
        return {
            name: value.replace("{key}", self.key.reveal()) for name, value in self.headers.items()
        }

    @property
    def secrets(self) -> list[Secret]:
        """Values that must not be shown: the key, and values of headers and the query."""
        said = (value for _, value in parse_qsl(urlsplit(self.base_url).query))
        values = [v for v in (*self.own_headers.values(), *said) if len(v) >= _HIDDEN]
        return [self.key, *map(Secret, values)]

    @property
    def host(self) -> str:
        """Host that prompts are sent to, for the screen."""
        return urlsplit(self.base_url).hostname or ""

    @property
    def called(self) -> str:
        """Its name."""
        return self.name or self.host

    @property
    def is_local(self) -> bool:
        """Whether the server is on this machine."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


def _check_address(address: str) -> None:
    """Raise for an address to which no request can be sent."""
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:  # brackets without an IPv6 address, or a port that is no number
        parts, port = urlsplit("http://"), 0
    if parts.scheme not in {"http", "https"}:
        raise InputError(
            f"A model server's address begins with http:// or https://, got {shown_of(address)!r}."
        )
    if parts.username or parts.password:
        raise InputError("A model server's address holds no password; give the key apart.")
    if port == 0 or _NOWHERE.search(address) or not _HOST.fullmatch(parts.hostname or ""):
        raise InputError(
            f"A model server's address is of a host, and a port of 1 to 65,535 where it needs one, "
            f"without spaces, such as 'http://127.0.0.1:8080/v1', got {shown_of(address)!r}."
        )


def shown_of(address: str) -> str:
    """Return the part of a wrong address that may be shown: no password, no query."""
    bare, asked, _ = address.partition("?")
    return "..." if asked and "@" in address else bare.rpartition("@")[2][:80]


def key_in(environment: Mapping[str, str] = os.environ) -> Secret:
    """Return the key in the environment; empty without one."""
    found = (environment.get(name, "").strip() for name in _KEYS)
    return Secret(next(filter(None, found), ""))


_KEPT = 4096
_LARGEST = 16_384


class Vectors:
    """The newest 4,096 vectors of texts; each text is sent once, as memories live long."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, F32] = OrderedDict()

    def lacks(self, ask: Ask) -> list[str]:
        """Return the texts of a question without a vector, each once."""
        texts = (ask.turns[-1].text, *ask.alike)
        return [text for text in dict.fromkeys(texts) if text not in self._kept]

    def reply(self, ask: Ask, lacked: Sequence[str], body: bytes) -> Reply:
        """Return the reply to a question, given the answer for the texts it lacked."""
        usage = Usage(0, 0)
        if lacked:
            vectors, said = vectors_of(body, len(lacked))
            known = next(iter(self._kept.values()), vectors[0])
            if known.size != vectors[0].size:
                self._kept.clear()  # another model answers now; others come next time
            self._kept.update(zip(lacked, vectors, strict=True))
            usage = said or usage
        texts = [ask.turns[-1].text, *ask.alike]
        if any(text not in self._kept for text in texts):
            raise ModelError(Fault.MALFORMED, "vectors have become of another length")
        about, *others = (self._kept[text] for text in texts)
        cosines = [round(float(about @ other), 4) for other in others]
        for text in texts:
            self._kept.move_to_end(text)
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return Reply(json.dumps(cosines), usage if usage.read or not lacked else None)


def vectors_of(body: bytes, many: int) -> tuple[list[F32], Usage | None]:
    """Return ``many`` vectors of length 1 from an answer, in order, and its usage."""
    try:
        said = json.loads(body)
        rows = {row["index"]: row["embedding"] for row in said["data"]}
        found = [_unit(rows[at]) for at in range(many)]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        why = f"no embeddings ({type(error).__name__})"
        raise ModelError(Fault.MALFORMED, why) from None
    if len({vector.size for vector in found}) != 1 or len(rows) != many:
        raise ModelError(Fault.MALFORMED, "embeddings of several lengths, or too many")
    usage = said.get("usage")
    count = usage.get("prompt_tokens") if isinstance(usage, dict) else None
    return found, usage_in({"prompt_tokens": count, "completion_tokens": 0})


def _unit(row: Any) -> F32:
    if not isinstance(row, list) or not 0 < len(row) <= _LARGEST:
        raise ValueError("no vector")
    vector = np.array(row, np.float64)
    length = float(np.linalg.norm(vector))
    if vector.ndim != 1 or not np.isfinite(length) or length == 0:
        raise ValueError("no direction")
    return (vector / length).astype(np.float32)


_BY_STATUS = {
    401: Fault.UNAUTHORIZED,
    403: Fault.FORBIDDEN,
    404: Fault.NOT_FOUND,
    408: Fault.SERVER,
    409: Fault.SERVER,
    429: Fault.RATE_LIMITED,
}
_BY_CODE = {
    "insufficient_quota": Fault.QUOTA,
    "context_length_exceeded": Fault.TOO_LONG,
    "content_filter": Fault.FILTERED,
    "content_policy_violation": Fault.FILTERED,
    "model_not_found": Fault.NOT_FOUND,
    "invalid_api_key": Fault.UNAUTHORIZED,
}
_REFUSING = {400, 422, 500, 501}
"""Status codes of refusals; a chat template that fails on a system message gives a 500."""
_OTHERS = {Fault.TOO_LONG, Fault.FILTERED, Fault.NOT_FOUND, Fault.UNAUTHORIZED, Fault.QUOTA}
"""Faults that no other form of the request would change."""
_TOO_LONG = re.compile(r"context.?(?:length|window|size)|too many (?:input )?tokens", re.IGNORECASE)
_DETAIL = 160
_READ = 4096
_LONGEST_WAIT = 86_400.0
_MOST_TRIED = 16
"""Attempts with other forms; there are fewer forms, but concurrent calls may learn and forget."""
State = tuple[str, str, bool, bool, bool, str]


class ProviderConnection:
    """The connection to one provider; created and used in one event loop."""

    def __init__(self, provider: Provider) -> None:
        try:
            import httpx2
            import openai
        except ImportError as error:
            raise ModelError(
                Fault.MISSING, "install it by: pip install 'openai[aiohttp]'"
            ) from error
        self._provider = provider
        self._response, self._timeout = httpx2.Response, httpx2.Timeout
        self._broken = httpx2.HTTPError
        self._openai = openai
        self.manners = ServerQuirks()
        self._vectors = Vectors()
        address, self._query = provider.address
        self._client = openai.AsyncOpenAI(
            api_key=provider.key.reveal() or "none",
            base_url=address,
            max_retries=0,
            timeout=2 * provider.seconds,  # our timeout comes first, and covers a slow drip too
            default_headers={"Accept-Encoding": "identity", **provider.own_headers},
            http_client=_http(openai, self._watch, provider.at_once),
        )

    async def ask(self, ask: Ask, seconds: float) -> Reply:
        """Send one request and return the reply, within ``seconds``."""
        try:
            with timed("model call", model=self._provider.model):
                async with asyncio.timeout(seconds):
                    if ask.alike:
                        return await self._alike(ask)
                    reply = self._read(await self._posted(ask, seconds))
        except ModelError:
            raise
        except Exception as error:
            raise self._named(error) from None
        self.manners.saw(ask, 0 if reply.usage is None else reply.usage.written)
        return replace(reply, text=self._hidden(reply.text))

    def _read(self, body: bytes) -> Reply:
        """Return the reply; a refusal that a router passed on as a success counts as a refusal."""
        try:
            return reply_of(body)
        except ModelError:
            passed_on = _passed_on(body)
            if passed_on is None:
                raise
        status, said = passed_on
        text = redact(one_line(said), self._provider.secrets)[:_DETAIL].rstrip(".")
        detail = f"HTTP {status}, passed on as a success: {text}".rstrip(": ")
        raise ModelError(_fault_of(status), detail)

    async def _posted(self, ask: Ask, seconds: float) -> bytes:
        """Return the answer's bytes; retry a refused request in another form, if there is one."""
        timeout = self._timeout(2 * self._provider.seconds, connect=seconds / 2)
        tried: list[tuple[State, str]] = []
        while True:
            state, body = self.manners.state, self.manners.body(ask, self._provider.model)
            try:
                response = await self._client.post(
                    f"/chat/completions{self._query}", cast_to=self._response, body=body,
                    options={"timeout": timeout},
                )  # fmt: skip
            except self._openai.APIStatusError as error:
                if error.status_code not in _REFUSING or self._refused(error).fault in _OTHERS:
                    raise
                tried.append((state, _all_said(error)))
                if not self._learned(tried, body, error.status_code):
                    raise
            else:
                content = unstreamed(bytes(response.content))
                status, said = _passed_on(content) or (0, "")
                tried.append((state, said))
                if status not in _REFUSING or not self._learned(tried, body, status):
                    return content

    def _learned(
        self, tried: Sequence[tuple[State, str]], body: Mapping[str, Any], status: int
    ) -> bool:
        """Return whether there is another form to try; forget what was learned in vain."""
        (first, why), (last, refusal) = tried[0], tried[-1]
        if len(tried) < _MOST_TRIED and (
            last != self.manners.state or self.manners.learn(body, refusal, status)
        ):
            return True
        if len(tried) > 1 and (status >= 500 or refusal == why):
            self.manners.restore(first)
        return False

    def known(self, ask: Ask) -> str | None:
        """Return the similarity of texts without a request; None if one is new."""
        return None if self._vectors.lacks(ask) else self._vectors.reply(ask, (), b"").text

    async def _alike(self, ask: Ask) -> Reply:
        """Return the similarity of texts; those with a known vector are not sent."""
        lacked, body = self._vectors.lacks(ask), b""
        if lacked:
            said = {"model": self._provider.model, "input": lacked, "encoding_format": "float"}
            response = await self._client.post(
                f"/embeddings{self._query}", cast_to=self._response, body=said
            )
            body = bytes(response.content)
        return self._vectors.reply(ask, lacked, body)

    def _hidden(self, text: str) -> str:
        for secret in self._provider.secrets:
            text = secret.hidden_in(text)
        return text

    async def close(self) -> None:
        """Close its connections."""
        with suppress(Exception):
            await self._client.close()

    def _named(self, error: Exception) -> ModelError:
        """Translate an exception of the package into a fault."""
        if isinstance(error, TimeoutError):
            return ModelError(Fault.TIMEOUT)
        if isinstance(error, self._openai.APIStatusError):
            return self._refused(error)
        if isinstance(error, self._openai.APIConnectionError | self._broken):
            # aiohttp's broken connections come as timeouts of the package
            names, is_aiohttp, cause = set(), False, error.__cause__
            while cause is not None:
                names |= {kind.__name__ for kind in type(cause).__mro__}
                is_aiohttp |= type(cause).__module__.startswith("aiohttp")
                cause = cause.__cause__
            return ModelError(Fault.CONNECTION, sent=names.isdisjoint(_NOT_CONNECTED[is_aiohttp]))
        return ModelError(Fault.MALFORMED, f"{type(error).__name__}")

    def _refused(self, error: Any) -> ModelError:
        status = error.status_code
        fault = _BY_CODE.get(str(error.code)) or _fault_of(status)
        if fault is Fault.REJECTED and _TOO_LONG.search(_all_said(error)):
            fault = Fault.TOO_LONG
        if 300 <= status < 400:
            fault = Fault.REDIRECTED
        wait = _wait(error.response.headers)
        return ModelError(fault, f"HTTP {status} {self._said(error)}".strip(), wait)

    def _said(self, error: BaseException) -> str:
        body = getattr(error, "body", None)
        said = body.get("message") if isinstance(body, dict) else None
        text = said if isinstance(said, str) else type(error).__name__
        return redact(one_line(text), self._provider.secrets)[:_DETAIL].rstrip(".")

    async def _watch(self, response: httpx2.Response) -> None:
        """Refuse compressed answers, and count the bytes of others as they arrive."""
        packed = response.headers.get("content-encoding", "identity")
        if packed not in {"", "identity"}:
            raise ModelError(Fault.TOO_LARGE, "it is packed, though that was not asked for")
        response.stream = _counted(response.stream, self._provider.most_bytes)


_NOT_CONNECTED = (
    {"ConnectError", "ConnectTimeout"},
    {"ClientConnectorError", "ConnectionTimeoutError"},  # others come as a ConnectTimeout too
)


def _http(openai: Any, watch: Any, at_once: int) -> Any:
    """Return the package's client over aiohttp (3 times faster with many concurrent calls)."""
    import httpx2

    settings: dict[str, Any] = {
        "follow_redirects": False,
        "event_hooks": {"response": [watch]},
        "limits": httpx2.Limits(max_connections=at_once, max_keepalive_connections=at_once),
    }
    try:
        return openai.DefaultAioHttpClient(**settings)
    except RuntimeError:  # aiohttp is not installed
        return openai.DefaultAsyncHttpxClient(**settings)


def _counted(stream: Any, most: int) -> Any:
    import httpx2

    class Counted(httpx2.AsyncByteStream):
        """A body that raises once it is too large."""

        async def __aiter__(self) -> AsyncIterator[bytes]:
            left = most
            async for chunk in stream:
                left -= len(chunk)
                if left < 0:
                    raise ModelError(Fault.TOO_LARGE, f"more than {most:,} bytes")
                yield chunk

        async def aclose(self) -> None:
            await stream.aclose()

    return Counted()


def _fault_of(status: int) -> Fault:
    return _BY_STATUS.get(status) or (Fault.SERVER if status >= 500 else Fault.REJECTED)


def _passed_on(body: bytes) -> tuple[int, str] | None:
    """Return the status and message of a refusal sent as a reply; None: it is not one."""
    try:
        said: Any = json.loads(body) if len(body) <= _READ else None
    except (ValueError, RecursionError):
        return None
    error: Any = said.get("error") if isinstance(said, dict) else None
    if not isinstance(error, dict) or type(error.get("code")) is not int:
        return None
    words = error.get("message")
    is_status = 400 <= error["code"] < 600
    return (error["code"], words if isinstance(words, str) else "") if is_status else None


def _all_said(error: Any) -> str:
    """Return the whole text of a refusal, whatever its form."""
    try:
        return str(error.response.text)[:_READ]
    except Exception:  # it was not read to its end
        return str(error.body)[:_READ]


def _wait(headers: Mapping[str, str]) -> float | None:
    """Return how long a server asks to wait, in seconds; None: not stated."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            wait = float(headers.get(name, "")) * unit
        except ValueError:
            continue
        if math.isfinite(wait) and wait >= 0:
            return min(wait, _LONGEST_WAIT)
    try:
        at = parsedate_to_datetime(headers.get("retry-after", "")).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None
    return min(max(at - time.time(), 0.0), _LONGEST_WAIT)


_BOUNDS = ("max_completion_tokens", "max_tokens")
_FORMS = ("schema", "plain schema", "object", "text")
_OF_FORM = re.compile(
    r"response_format|json_schema|json_object|structured.?output|guided|grammar|\bschema\b",
    re.IGNORECASE,
)
_OF_SYSTEM = re.compile(
    r"\b(?:system|developer)\b.{0,40}\b(?:roles?|messages?|prompts?|instructions?)\b"
    r"|\brole.{0,40}\b(?:system|developer)\b|roles? must alternate"
    r"|only.{0,20}\buser\b.{0,9}\bassistant\b",
    re.IGNORECASE,
)
_OF_SYSTEM_FAILED = re.compile(
    r"\b(?:system|developer)\W{1,3}(?:roles?|messages?|prompts?|instructions?)\b"
    r"|roles? must alternate|only.{0,20}\buser\b.{0,9}\bassistant\b",
    re.IGNORECASE,
)
"""Wording in failures: a server may well call itself a system that logs messages."""
_OF_TURN = re.compile(r"role\\*[\"']\s*:\s*\\*[\"'](?:system|developer)\\*[\"'][^}]*")
"""A turn quoted by the server."""
_OF_STREAM = re.compile(
    r"\bstream(?:ing|ed)?\b.{0,40}\b(?:true|only|required|must|enabled?|supported)\b"
    r"|\b(?:only|requires?|must|enable|set|supports?)\b.{0,40}\bstream",
    re.IGNORECASE,
)
_STRICT_ONLY = frozenset(
    {"maxLength", "minLength", "minimum", "maximum", "minItems", "maxItems", "pattern"}
)
"""Keywords that some servers do not allow in a schema."""


class ServerQuirks:
    """The request form that one server accepts; belongs to the loop that asks it."""

    def __init__(self) -> None:
        self.bound = _BOUNDS[0]  # its name for the maximum tokens of a reply
        # how the form of an answer is requested: "schema", "plain schema" (without bounds of
        # numbers and lengths), "object" or "text" (not at all)
        self.form = _FORMS[0]
        self.temperature = self.seed = self.system = True
        # whether it answers only as a stream: "", "counted" (with its usage) or "bare"
        self.stream = ""
        # maximum tokens that replies had beyond the bound, whatever its name
        self.beyond = 0
        self.is_measured = False  # whether a reply has shown it
        self._refused: set[str] = set()  # names of the bound that it refuses

    @property
    def state(self) -> State:
        """All fields, to see whether anything changed."""
        return self.bound, self.form, self.temperature, self.seed, self.system, self.stream

    def restore(self, state: State) -> None:
        """Restore an earlier state."""
        self.bound, self.form, self.temperature, self.seed, self.system, self.stream = state

    def body(self, ask: Ask, model: str) -> dict[str, Any]:
        """Return the body of a request."""
        said = ask.body(model)
        said[self.bound] = said.pop("max_tokens")
        for name in ("temperature", "seed"):
            if not getattr(self, name):
                said.pop(name, None)
        if not self.system:
            said["messages"] = _without_system(said["messages"])
        if self.stream:
            said["stream"] = True
        if self.stream == "counted":
            said["stream_options"] = {"include_usage": True}
        form = said.pop("response_format", None)
        if form is not None and self.form != "text":
            said["response_format"] = self._form(form)
        return said

    def _form(self, form: dict[str, Any]) -> dict[str, Any]:
        if self.form == "object":
            return {"type": "json_object"}
        if self.form == "schema":
            return form
        described = form["json_schema"]
        return {**form, "json_schema": {**described, "schema": _plain(described["schema"])}}

    def learn(self, body: Mapping[str, Any], refusal: str, status: int = 400) -> bool:
        """Learn from a refusal; return whether to ask again, in another form."""
        if self.bound in body and self.bound in refusal:
            self._refused.add(self.bound)
            if self._renamed():
                return True
        for name in ("temperature", "seed"):
            if name in body and re.search(rf"\b{name}\b", refusal):
                setattr(self, name, False)
                return True
        return (
            self._without_system(body, refusal, status)
            or self._streamed(body, refusal)
            or self._formed(body, refusal)
        )

    def _without_system(self, body: Mapping[str, Any], refusal: str, status: int) -> bool:
        if not any(turn["role"] == "system" for turn in body["messages"]):
            return False
        named = _OF_SYSTEM if status < 500 else _OF_SYSTEM_FAILED
        self.system = not named.search(_OF_TURN.sub("", refusal))
        return not self.system

    def _streamed(self, body: Mapping[str, Any], refusal: str) -> bool:
        if "stream_options" in body and re.search("stream_options|include_usage", refusal):
            self.stream = "bare"
            return True
        if "stream" in body or not _OF_STREAM.search(refusal):
            return False
        self.stream = "counted"
        return True

    def _formed(self, body: Mapping[str, Any], refusal: str) -> bool:
        if "response_format" not in body or not _OF_FORM.search(refusal):
            return False
        if self.form == _FORMS[-1]:
            return False
        self.form = _FORMS[_FORMS.index(self.form) + 1]
        return True

    def saw(self, ask: Ask, written: int) -> None:
        """Record the tokens of a reply: more than requested means that the bound was ignored.

        Or the server counts thoughts, too: then it may refuse the other name, which is not used
        again.
        """
        if ask.most < written <= MOST_WRITTEN:
            if self.bound == _BOUNDS[0] and self._renamed():
                return
            self.beyond = max(self.beyond, written - ask.most)
        self.is_measured = True

    def _renamed(self) -> bool:
        """Use the other name of the bound, unless it was refused; return whether it is used."""
        other = _BOUNDS[self.bound == _BOUNDS[0]]
        if other in self._refused:
            return False
        self.bound = other
        return True


def _without_system(turns: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return alternating turns of user and assistant; the system's text becomes the user's."""
    told: list[dict[str, Any]] = []
    for turn in turns:
        role = "user" if turn["role"] == "system" else turn["role"]
        if told and told[-1]["role"] == role:
            told[-1]["content"] = _joined(told[-1]["content"], turn["content"])
        else:
            told.append({"role": role, "content": turn["content"]})
    return told


def _joined(*said: Any) -> Any:
    """Return the contents of two turns as one."""
    if all(isinstance(each, str) for each in said):
        return "\n\n".join(said)
    parts = ([{"type": "text", "text": s}] if isinstance(s, str) else s for s in said)
    return [*chain.from_iterable(parts)]


def _plain(schema: Any) -> Any:
    """Return a schema without bounds of numbers, lengths and lists."""
    if isinstance(schema, list):
        return [_plain(one) for one in schema]
    if not isinstance(schema, Mapping):
        return schema
    return {name: _plain(part) for name, part in schema.items() if name not in _STRICT_ONLY}
