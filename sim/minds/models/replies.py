"""The reader of replies: a server's bytes become a reply, every field distrusted."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, TypeGuard

from sim.core.text import clean
from sim.minds.models.faults import Fault, ModelError

__all__ = ["Reply", "Usage", "reply_of"]

_MOST_TOKENS = 10_000_000
_THINKS, _THOUGHT = "<think>", "</think>"


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens that a server says it read and wrote."""

    read: int
    written: int


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model said.

    Attributes
    ----------
    text
        Cleaned; empty where there is a fault, but for what came before a reply was cut off.
    usage
        None where the server said nothing, or nonsense.
    fault
        EMPTY, REFUSED, FILTERED or CUT: a reply that was billed and is of no use; else None.
    """

    text: str
    usage: Usage | None
    fault: Fault | None = None


def reply_of(body: bytes) -> Reply:
    """Return the reply in the body of a chat completion.

    Raises
    ------
    ModelError
        MALFORMED: it is no completion.
    """
    try:
        said = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ModelError(Fault.MALFORMED, f"not JSON ({type(error).__name__})") from error
    choice = _first(said)
    message = choice.get("message")
    if not isinstance(message, dict):
        raise ModelError(Fault.MALFORMED, "no message")
    content = message.get("content")
    if content is not None and not isinstance(content, str):
        raise ModelError(Fault.MALFORMED, "the content is no text")
    text = clean(_thought(content or "").strip()).strip()
    fault = _fault(choice.get("finish_reason"), message.get("refusal"), text)
    kept = text if fault in {None, Fault.CUT} else ""
    return Reply(kept, usage_in(said.get("usage")), fault)


def _thought(text: str) -> str:
    """Return what was said after thinking aloud; what was never thought to its end is no reply."""
    _, ended, after = text.rpartition(_THOUGHT)
    said = after if ended else text
    return said.partition(_THINKS)[0]


def _first(said: Any) -> dict[str, Any]:
    choices = said.get("choices") if isinstance(said, dict) else None
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise ModelError(Fault.MALFORMED, "no choices")
    first: dict[str, Any] = choices[0]
    return first


def _fault(reason: Any, refusal: Any, text: str) -> Fault | None:
    if refusal:
        return Fault.REFUSED
    if reason == "content_filter":
        return Fault.FILTERED
    if reason == "length":
        return Fault.CUT
    return None if text else Fault.EMPTY


def usage_in(said: Any) -> Usage | None:
    """Return a believable usage, or None."""
    if not isinstance(said, dict):
        return None
    read, written = said.get("prompt_tokens"), said.get("completion_tokens")
    return Usage(read, written) if _is_count(read) and _is_count(written) else None


def _is_count(said: Any) -> TypeGuard[int]:
    return type(said) is int and 0 <= said <= _MOST_TOKENS
