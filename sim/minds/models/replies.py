"""Replies parsed from a server's bytes, and the log of replies for replaying a run."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any, NamedTuple, TypeGuard

import msgpack

from sim.core.text import clean
from sim.errors import HubbubError
from sim.minds.models.asks import Answer, Ask, Fault, ModelError, Spend, Usage

_MOST_TOKENS = 10_000_000
_THINKS = re.compile(
    r"<think(?:ing)?(?:\s[^<>]{0,200})?>|◁think▷|<\|channel\|>\s{0,9}(?:analysis|commentary)",
    re.IGNORECASE,
)
_THOUGHT = re.compile(
    r"</think(?:ing)?\s{0,9}>|◁/think▷|<\|channel\|>\s{0,9}final[^<>]{0,99}"
    r"(?:<\|constrain\|>[^<>]{0,99})?<\|message\|>",
    re.IGNORECASE,
)
"""Where models start to think aloud, and where they stop and answer."""
_ENDED = re.compile(r"<\|(?:return|end)\|>\s{0,9}\Z")
_FENCED = re.compile(r"```\w{0,9}\s(.*)```", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Reply:
    """A model's reply."""

    text: str  # cleaned; empty after a fault, except for the received part of a cut reply
    usage: Usage | None  # None if the server stated nothing, or nonsense
    # EMPTY, REFUSED, FILTERED or CUT: a billed reply of no use; otherwise None
    fault: Fault | None = None


def reply_of(body: bytes) -> Reply:
    """Return the reply in the body of a chat completion."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ModelError(Fault.MALFORMED, f"not JSON ({type(error).__name__})") from error
    choice = _first(said)
    message = choice.get("message")
    if not isinstance(message, dict):
        raise ModelError(Fault.MALFORMED, "no message")
    text = clean(_thought(_text(message.get("content"))).strip()).strip()
    fault = _fault(choice.get("finish_reason"), message.get("refusal"), text)
    kept = text if fault in {None, Fault.CUT} else ""
    return Reply(kept, usage_in(said.get("usage")), fault)


def unstreamed(body: bytes) -> bytes:
    """Return the completion that a stream of events makes up; any other body unchanged."""
    if body.lstrip()[:1] in {b"{", b"["}:
        return body
    events = [line[5:].strip() for line in body.splitlines() if line.startswith(b"data:")]
    if not events:
        return body
    whole: dict[str, Any] = {"usage": None}
    parts: list[Any] = []
    message: dict[str, Any] = {"content": parts, "refusal": ""}
    choice: dict[str, Any] = {"message": message, "finish_reason": None}
    for event in events:
        if event == b"[DONE]":
            choice["finish_reason"] = choice["finish_reason"] or "stop"
            break
        chunk = _event(event)
        if chunk.get("error"):
            return event
        whole["usage"] = chunk.get("usage") or whole["usage"]
        _add(chunk, choice, parts)
    if choice["finish_reason"] is None:
        raise ModelError(Fault.MALFORMED, "the stream broke off")
    return json.dumps({**whole, "choices": [choice]}).encode()


def _event(event: bytes) -> dict[str, Any]:
    try:
        chunk = json.loads(event)
    except (ValueError, RecursionError):
        chunk = None
    if not isinstance(chunk, dict):
        raise ModelError(Fault.MALFORMED, "an event of the stream is no JSON object")
    return chunk


def _add(chunk: dict[str, Any], choice: dict[str, Any], parts: list[Any]) -> None:
    """Add the contents of a chunk to the choice."""
    if not chunk.get("choices"):
        return  # it has only the usage
    first = _first(chunk)
    said = first.get("delta") or first.get("message") or {}
    content = said.get("content") if isinstance(said, dict) else said
    parts += content if isinstance(content, list) else [{"type": "text", "text": content or ""}]
    if isinstance(said, dict):
        choice["message"]["refusal"] += str(said.get("refusal") or "")
    choice["finish_reason"] = first.get("finish_reason") or choice["finish_reason"]


def _text(content: Any) -> str:
    """Return a content as one text: it is a text, or a list of parts, some of them thoughts."""
    if content is None or isinstance(content, str):
        return content or ""
    parts = content if isinstance(content, list) else [None]
    texts = [_part(part) for part in parts]
    if any(text is None for text in texts):
        raise ModelError(Fault.MALFORMED, "the content is no text")
    return "".join(filter(None, texts))


def _part(part: Any) -> str | None:
    """Return the text of a part, empty for a thought; None: it is not a part."""
    if not isinstance(part, dict) or not isinstance(part.get("type"), str):
        return None
    text = part.get("text") if part["type"] in _TEXTS else ""
    return text if isinstance(text, str) else None


_TEXTS = {"text", "output_text"}


def _thought(text: str) -> str:
    """Return the text after thinking aloud; unfinished thoughts are no reply."""
    text = _ENDED.sub("", text.strip())
    if _is_object(text):
        return text
    ends = [found.end() for found in _THOUGHT.finditer(text)]
    for end in ends[:_TRIES]:
        if _is_object(text[end:]):
            return text[end:]
    said = text[ends[-1] :] if ends else text
    return _THINKS.split(said, maxsplit=1)[0]


def _is_object(text: str) -> bool:
    """Return whether a text is only one JSON object, perhaps in a fenced block."""
    text = text.strip()
    fenced = _FENCED.fullmatch(text)
    try:
        return isinstance(json.loads(fenced[1] if fenced else text), dict)
    except (ValueError, RecursionError):
        return False


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
    """Return a plausible usage, the largest one stated, or None."""
    if not isinstance(said, dict):
        return None
    read, written = said.get("prompt_tokens"), said.get("completion_tokens")
    if not (_is_count(read) and _is_count(written)):
        return None
    details, total = said.get("completion_tokens_details"), said.get("total_tokens")
    places = [said, details if isinstance(details, dict) else {}]
    thought = max(n for n in (0, *(one.get("reasoning_tokens") for one in places)) if _is_count(n))
    apart = written + thought if thought > written else written
    return Usage(read, max(apart, total - read if _is_count(total) else 0))


def _is_count(said: Any) -> TypeGuard[int]:
    return type(said) is int and 0 <= said <= _MOST_TOKENS


_LONGEST = 65_536
_TRIES = 64


def object_in(text: str) -> dict[str, Any]:
    """Return the JSON object in a reply.

    It may be alone, in a fenced block, or within other text, as from models that think aloud; there
    it must be the only one. Nothing in it is guessed or repaired.

    Examples
    --------
    >>> object_in('Sure! {"act": "like"} Is that right?')
    {'act': 'like'}
    """
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        found = list(_amid(text[:_LONGEST]))
        if not found:
            raise ModelError(Fault.MALFORMED, "it is no JSON") from None
        if any(one != found[0] for one in found):
            raise ModelError(Fault.MALFORMED, "there are several JSON objects in it") from None
        return found[0]
    if not isinstance(said, dict):
        raise ModelError(Fault.MALFORMED, "it is no object")
    return said


def _amid(text: str) -> Iterator[dict[str, Any]]:
    """Yield the outermost JSON objects in a text, up to a limit of braces that begin none."""
    decoder, at = json.JSONDecoder(), text.find("{")
    for _ in range(_TRIES):
        if at < 0:
            return
        try:
            found, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            end = at + 1
        else:
            yield found
        at = text.find("{", end)


_FIELDS = 17


class Slot(NamedTuple):
    """The place of a question."""

    tick: int
    member: int
    number: int = 0  # index of the question of this member in this tick, from 0


class ReplayDiverged(HubbubError):  # noqa: N818 - what happened, in one word
    """A replay asked another question than the recorded run."""


def row_of(slot: Slot, fingerprint: str, answer: Answer) -> list[Any]:
    """Return a reply, or the fault in its place, in a form for JSON and msgpack."""
    read, written = (answer.usage.read, answer.usage.written) if answer.usage else (-1, -1)
    fault = answer.fault.name if answer.fault else ""
    return [
        *slot, fingerprint, answer.text, fault, answer.provider, answer.model, answer.seconds, read,
        written, answer.nano, answer.retries, answer.source, *answer.spent,
    ]  # fmt: skip


def answer_of(row: list[Any]) -> Answer:
    """Return the answer of :func:`row_of`, with its original source."""
    text, fault, provider, model, seconds, read, written, nano, retries = row[4:13]
    source, *spent = row[13:] or ["log"]
    usage = None if read < 0 else Usage(read, written)
    known = Fault[fault] if fault else None
    return Answer(
        text, known, source, provider, model, seconds, usage, nano, retries, spent=Spend(*spent)
    )  # fmt: skip


def is_reply(row: object) -> bool:
    """Return whether a value is a row of :func:`row_of`: files may hold anything."""
    if not isinstance(row, list) or len(row) != _FIELDS:
        return False
    words, numbers = [row[at] for at in (3, 4, 5, 6, 7, 13)], [*row[:3], *row[8:13], *row[14:]]
    return (
        all(isinstance(word, str) for word in words)
        and all(type(number) in {int, float} for number in numbers)
        and (row[5] == "" or row[5] in Fault.__members__)
    )


class ReplyLog:
    """Fingerprints of questions and replies, by slot, in the order of asking."""

    def __init__(self, rows: Iterable[list[Any]] = ()) -> None:
        self._rows: dict[Slot, list[Any]] = {Slot(*row[:3]): list(row) for row in rows}

    def __len__(self) -> int:
        return len(self._rows)

    def record(self, slot: Slot, fingerprint: str, answer: Answer) -> None:
        """Record a reply, or the fault in its place."""
        self._rows[slot] = row_of(slot, fingerprint, answer)

    def find(self, slot: Slot, fingerprint: str) -> Answer | None:
        """Return the recorded answer of a slot, None if nothing was asked there."""
        row = self._rows.get(slot)
        if row is None:
            return None
        if row[3] != fingerprint:
            raise ReplayDiverged(
                f"At tick {slot.tick:,} member {slot.member:,} was asked something else when this "
                f"run was recorded; replay it with the same world, prompts and settings."
            )
        return replace(answer_of(row), source="log")

    def rows(self, since: int = 0) -> Iterator[list[Any]]:
        """Return the rows from the ``since``-th on, oldest first."""
        return iter(list(self._rows.values())[since:])

    def pack(self, since: int = 0) -> bytes:
        """Return rows as msgpack."""
        packed: bytes = msgpack.packb(list(self.rows(since)), use_bin_type=True)
        return packed

    @classmethod
    def unpack(cls, packed: bytes) -> ReplyLog:
        """Return the log from the output of :meth:`pack`."""
        return cls(msgpack.unpackb(packed, raw=False, strict_map_key=True))


class RecordedReplies:
    """Gives the answers of models from a recorded run, question by question, in order."""

    def __init__(self, rows: Iterable[list[Any]]) -> None:
        self._rows: dict[str, deque[list[Any]]] = {}
        self._models: list[str] = []
        self._lock = Lock()
        self.missed = 0  # questions that were not asked in the recorded run
        for row in rows:
            self._rows.setdefault(row[3], deque()).append(row)
            if row[7] not in self._models:
                self._models.append(row[7])

    def submit(self, ask: Ask, seconds: float | None = None) -> Future[Answer]:
        """Return the recorded answer, at once; the fault MISSING if there is none."""
        del seconds  # it is available already
        future: Future[Answer] = Future()
        with self._lock:
            future.set_result(self._found(ask))
        return future

    def _found(self, ask: Ask) -> Answer:
        for model in self._models:
            rows = self._rows.get(ask.fingerprint(model))
            if rows:
                return answer_of(rows.popleft() if len(rows) > 1 else rows[0])
        self.missed += 1
        return Answer("", Fault.MISSING, "none", detail="nothing was recorded for this question")
