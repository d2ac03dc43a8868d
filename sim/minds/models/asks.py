"""One request to a language model, its reply, the kinds of faults, and token counts."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b
from itertools import accumulate
from typing import Any, NamedTuple

from sim.errors import HubbubError, InputError


def in_dollars(nano: int) -> float:
    """Return nano-dollars as dollars."""
    return nano / 1_000_000_000


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens read and written according to a server, thoughts included."""

    read: int
    written: int


class Spend(NamedTuple):
    """The cost of calls."""

    requests: int = 0
    tokens: int = 0
    nano: int = 0

    @property
    def dollars(self) -> float:
        """The money in dollars."""
        return in_dollars(self.nano)

    def plus(self, other: Spend) -> Spend:
        """Return the sum of both."""
        return Spend(*(mine + more for mine, more in zip(self, other, strict=True)))

    def minus(self, other: Spend) -> Spend:
        """Return the difference to the other."""
        return Spend(*(mine - less for mine, less in zip(self, other, strict=True)))


class Fault(StrEnum):
    """Why a call yielded no usable reply."""

    TIMEOUT = "no answer in time"
    CONNECTION = "the connection broke"
    RATE_LIMITED = "too many requests"
    SERVER = "the server failed"
    QUOTA = "the account is out of quota"
    UNAUTHORIZED = "the key was refused"
    FORBIDDEN = "access was refused"
    NOT_FOUND = "no such model or address"
    TOO_LONG = "the prompt is longer than the model reads"
    FILTERED = "the provider's filter held it back"
    REJECTED = "the request was refused"
    REDIRECTED = "the server sent the request elsewhere"
    TOO_LARGE = "the answer is larger than allowed"
    MALFORMED = "the answer cannot be used"
    EMPTY = "the answer is empty"
    REFUSED = "the model refused"
    CUT = "the answer was cut off"
    BUDGET = "the budget is spent"
    RESTING = "no provider takes calls just now"
    MISSING = "a package or a key is missing"

    @property
    def passes(self) -> bool:
        """Whether the same call may succeed a moment later."""
        return self in _PASSING

    @property
    def is_congestion(self) -> bool:
        """Whether fewer concurrent calls would help."""
        return self is Fault.TIMEOUT

    @property
    def ends_provider(self) -> bool:
        """Whether a provider with this fault is useless for the rest of the run."""
        return self in _ENDING

    @property
    def is_of_provider(self) -> bool:
        """Whether it concerns the provider, not only this one prompt."""
        return self in _PASSING or self in _ENDING or self in _BROKEN


_PASSING = {Fault.TIMEOUT, Fault.CONNECTION, Fault.RATE_LIMITED, Fault.SERVER}
_ENDING = {Fault.QUOTA, Fault.UNAUTHORIZED, Fault.FORBIDDEN, Fault.NOT_FOUND, Fault.REDIRECTED}
_BROKEN = {Fault.TOO_LARGE, Fault.MALFORMED}
_WORDLESS = re.compile(r"(?:HTTP \d+(?: \w+Error)?)?")
"""A refusal without an explanation from the server."""


class ModelError(HubbubError):
    """A call to a language model yielded no usable reply.

    Parameters
    ----------
    fault
        The kind.
    detail
        The message of the server or the library, redacted and short; may be empty.
    wait
        Seconds to wait as requested by the server, or None.
    text
        The received part of a reply that was cut off.
    sent
        Whether the request may have gone out.

    Attributes
    ----------
    spent
        The amount booked for it, retries included; None: nothing was sent.
    """

    def __init__(
        self,
        fault: Fault,
        detail: str = "",
        wait: float | None = None,
        *,
        text: str = "",
        sent: bool = True,
    ) -> None:
        said = f": {detail}" if detail else ""
        super().__init__(f"Language model: {fault.value}{said}.")
        self.fault = fault
        self.detail = detail
        self.wait = wait
        self.text = text
        self.sent = sent
        self.spent: Spend | None = None

    @property
    def reason(self) -> str:
        """The reason for fault counts: what an answer lacks, or the server's explanation."""
        is_told = self.fault is Fault.MALFORMED or self.says_why
        return f"{self.fault}: {self.detail}" if is_told and self.detail else str(self.fault)

    @property
    def says_why(self) -> bool:
        """Whether a server refused the request with an explanation."""
        return self.fault is Fault.REJECTED and not _WORDLESS.fullmatch(self.detail)


MOST_WRITTEN = 100_000
"""Maximum tokens of a reply."""

_FREE = Spend()
_FRAME = 16  # maximum tokens that a chat template puts around a turn
_OF_PICTURE = 3000  # tokens of a picture: OpenAI counts 85 to 2,833 at low detail, by model
_ROLES = ("system", "user", "assistant")


class Turn(NamedTuple):
    """One turn of a conversation.

    Attributes
    ----------
    role
        ``"system"``, ``"user"`` or ``"assistant"``.
    text
        The text of the turn.
    images
        Pictures after it, as data URLs, for a model that sees.
    """

    role: str
    text: str
    images: tuple[str, ...] = ()

    @property
    def content(self) -> str | list[dict[str, Any]]:
        """What it holds, as the API has it."""
        if not self.images:
            return self.text
        urls = ({"url": image, "detail": "low"} for image in self.images)
        return [{"type": "text", "text": self.text},
                *({"type": "image_url", "image_url": url} for url in urls)]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ask:
    """A complete request; equal requests have equal fingerprints.

    Parameters
    ----------
    turns
        The conversation.
    most
        Maximum tokens of the reply.
    temperature
        0 to 2; 0: the likeliest words; None: the server's default.
    seed
        For servers with reproducible draws; None: not sent.
    schema
        The JSON Schema that the reply must follow, if the server can guarantee that; None: text.
    likely
        Average tokens of the reply, for estimates; None: the default. It is not sent.
    model
        Which of the configured models must answer; empty: the first available.
    alike
        Texts to compare with the last turn, by embeddings: the reply is a JSON list of their
        cosines. Empty: an ordinary question.
    """

    turns: tuple[Turn, ...]
    most: int = 160
    temperature: float | None = 0.7
    seed: int | None = None
    schema: Mapping[str, Any] | None = None
    likely: int | None = None
    model: str = ""
    alike: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.turns or any(turn.role not in _ROLES for turn in self.turns):
            raise InputError(f"A request has turns, each of one of the roles {', '.join(_ROLES)}.")
        warmth = 0.0 if self.temperature is None else self.temperature
        if not 1 <= self.most <= MOST_WRITTEN or not 0 <= warmth <= 2:
            raise InputError(
                f"A reply has 1 to {MOST_WRITTEN:,} tokens and a temperature of 0 to 2, got "
                f"{self.most:,} and {warmth:g}."
            )

    @property
    def most_read(self) -> int:
        """Upper bound on the tokens of the prompt: no tokenizer makes more tokens than bytes.

        Servers may also put the schema into the prompt, and charge for it.
        """
        schema = 0 if self.schema is None else len(json.dumps(self.schema)) + _FRAME
        texts = (*(turn.text for turn in self.turns), *self.alike)
        whole = sum(len(text.encode("utf-8", "replace")) + _FRAME for text in texts)
        return whole + schema + self.of_pictures

    @property
    def of_pictures(self) -> int:
        """Tokens set aside for its pictures."""
        return _OF_PICTURE * sum(len(turn.images) for turn in self.turns)

    @property
    def least_read(self) -> int:
        """Lower bound on the tokens of the prompt, whatever a server reports."""
        return 0 if self.alike else sum(len(turn.text) for turn in self.turns) // 10

    def body(self, model: str) -> dict[str, Any]:
        """Return the request body of the API; servers differ (``manners``)."""
        said: dict[str, Any] = {
            "model": model,
            "messages": [{"role": turn.role, "content": turn.content} for turn in self.turns],
            "max_tokens": self.most,
        }
        if self.temperature is not None:
            said["temperature"] = self.temperature
        if self.alike:
            said["alike"] = list(self.alike)
        if self.seed is not None:
            said["seed"] = self.seed
        if self.schema is not None:
            described = {"name": "answer", "strict": True, "schema": self.schema}
            said["response_format"] = {"type": "json_schema", "json_schema": described}
        return said

    def fingerprint(self, model: str) -> str:
        """Return 32 hex digits that identify the whole request."""
        said = json.dumps(self.body(model), sort_keys=True, ensure_ascii=True)
        return blake2b(said.encode(), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of a request.

    Attributes
    ----------
    text
        The reply, cleaned; empty without one. With the fault CUT, the received part.
    fault
        Why there is no reply, or None.
    source
        ``"model"``, ``"cache"``, ``"kept"`` (for equal questions), ``"log"`` (replayed),
        ``"alike"`` (from embeddings) or ``"none"``.
    provider, model
        The provider and the model that answered.
    seconds
        Time from the request to the answer, waiting and retries included.
    usage
        Tokens booked.
    nano
        Nano-dollars booked.
    spent
        Everything booked for it, including retries and failed calls.
    retries
        Number of calls that were repeated.
    detail
        The message about the fault, redacted.
    """

    text: str
    fault: Fault | None = None
    source: str = "model"
    provider: str = ""
    model: str = ""
    seconds: float = 0.0
    usage: Usage | None = None
    nano: int = 0
    retries: int = 0
    detail: str = ""
    spent: Spend = _FREE

    def demanded(self) -> str:
        """Return the text, or raise the fault as :class:`~sim.minds.models.asks.ModelError`."""
        if self.fault is not None:
            said = self.detail.removeprefix(f"Language model: {self.fault}").removeprefix(": ")
            raise ModelError(self.fault, said.rstrip("."))
        return self.text


_PIECES = re.compile(r"[A-Za-z]{1,6}|\d|[^\sA-Za-z\d]")
_ELLIPSIS = "…"
_OF_ELLIPSIS = 2


def tokens_in(text: str) -> int:
    """Estimate the tokens of common tokenizers, within 15 % of SmolLM2's on prose."""
    pieces = _PIECES.findall(text)
    if text.isascii():
        return len(pieces)
    return sum(map(_cost, pieces))


def _cost(piece: str) -> int:
    return 1 if piece.isascii() else max(len(piece.encode("utf-8", "replace")) - 1, 1)


def within(text: str, most: int) -> str:
    """Return the longest prefix of a text with at most ``most`` tokens.

    Examples
    --------
    >>> within("The bridge is closed.", 9), within("The bridge is closed.", 4)
    ('The bridge is closed.', 'The bridge…')
    """
    if text.isascii() and len(text) <= most:  # no letter is more than a token
        return text
    return text if tokens_in(text) <= most else _cut(text, most)


def _cut(text: str, most: int) -> str:
    pieces = list(_PIECES.finditer(text))
    costs = list(accumulate(_cost(piece.group()) for piece in pieces))
    end = pieces[bisect_right(costs, most - _OF_ELLIPSIS)].start()
    return text[:end].rstrip() + _ELLIPSIS if most >= _OF_ELLIPSIS else ""
