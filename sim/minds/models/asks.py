""":class:`Ask` and :class:`Answer`: one request to a language model, and its reply."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, NamedTuple

from sim.errors import InputError
from sim.minds.models.faults import Fault, ModelError
from sim.minds.models.prices import Spend
from sim.minds.models.replies import Usage

MOST_WRITTEN = 100_000
"""Tokens of a reply at most."""

_FREE = Spend()
_FRAME = 16  # tokens that a chat template puts around a turn, at most
_ROLES = ("system", "user", "assistant")


class Turn(NamedTuple):
    """One turn of a conversation.

    Attributes
    ----------
    role
        ``"system"``, ``"user"`` or ``"assistant"``.
    text
        What was said.
    """

    role: str
    text: str


@dataclass(frozen=True, slots=True)
class Ask:
    """A request, complete: equal requests have equal fingerprints.

    Parameters
    ----------
    turns
        The conversation.
    most
        Tokens of the reply, at most.
    temperature
        0 to 2; 0: the likeliest words; None: as the server likes.
    seed
        For servers that draw reproducibly; None: not sent.
    schema
        The JSON Schema that the reply has to follow, where the server can promise that; None: text.
    likely
        Tokens of the reply on average, for estimates; None: as usual. It is not sent.
    model
        Which of the models that are set has to answer; empty: the first that does.
    alike
        Texts of which is asked how far each is like the last turn, by embeddings: the reply is a
        JSON list of their cosines. Empty: it is a question in words.
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
        """Tokens of the prompt at most: no tokenizer makes more of them than there are bytes.

        Servers may put the schema into the prompt too, and charge for it.
        """
        schema = 0 if self.schema is None else len(json.dumps(self.schema)) + _FRAME
        texts = (*(turn.text for turn in self.turns), *self.alike)
        return sum(len(text.encode("utf-8", "replace")) + _FRAME for text in texts) + schema

    @property
    def least_read(self) -> int:
        """Tokens of the prompt at least, whatever a server says."""
        return 0 if self.alike else sum(len(turn.text) for turn in self.turns) // 10

    def body(self, model: str) -> dict[str, Any]:
        """Return what is asked, in words of the API; servers differ (``manners``)."""
        said: dict[str, Any] = {
            "model": model,
            "messages": [{"role": turn.role, "content": turn.text} for turn in self.turns],
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
        """Return 32 hex digits over everything that is asked."""
        said = json.dumps(self.body(model), sort_keys=True, ensure_ascii=True)
        return blake2b(said.encode(), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back.

    Attributes
    ----------
    text
        The reply, cleaned; empty where there is none. With the fault CUT, what came of it.
    fault
        Why there is none, or None.
    source
        ``"model"``, ``"cache"``, ``"kept"`` (for all that ask the same), ``"log"`` (replayed),
        ``"alike"`` (of embeddings) or ``"none"``.
    provider, model
        Who answered.
    seconds
        From asking to the answer, waiting and retries included.
    usage
        Tokens booked.
    nano
        Nano-dollars booked.
    spent
        All that was booked for it, retries and what brought nothing included.
    retries
        Calls that were tried again.
    detail
        What is to be said about the fault, redacted.
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
        """Return the text, or raise the fault as :class:`~sim.minds.models.faults.ModelError`."""
        if self.fault is not None:
            said = self.detail.removeprefix(f"Language model: {self.fault}").removeprefix(": ")
            raise ModelError(self.fault, said.rstrip("."))
        return self.text
