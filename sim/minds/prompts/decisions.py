"""Decisions parsed from answers, and counted by source; direct messages in prompts."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from threading import Lock
from typing import Any, Literal, NamedTuple

import numpy as np

from sim.core.text import clean
from sim.minds.models.asks import Fault, ModelError
from sim.minds.models.replies import object_in

NOTHING = "do nothing"
NEEDS_POST = frozenset(
    {"like", "dislike", "repost", "quote", "reply", "report", "follow", "mute", "block",
     "direct message", "group message", "join group"}
)  # fmt: skip
"""Acts on a post of the feed or its author, or on a numbered entry after the posts."""
NEEDS_TEXT = frozenset({"post", "quote", "reply", "direct message", "group message"})
"""Acts with text."""
_LONGEST = 160
_FIELDS = {"act", "post", "text"}


class Decision(NamedTuple):
    """A decision of a member.

    Attributes
    ----------
    act
        One of the allowed acts.
    post
        The number of the post it is about, from 1, or of an entry after the posts; 0: none.
    text
        The text; empty: none.
    """

    act: str
    post: int = 0
    text: str = ""


def schema_of(acts: Sequence[str], posts: int) -> Mapping[str, Any]:
    """Return the JSON Schema of a decision, for servers that support one."""
    return {
        "type": "object",
        "properties": {
            "act": {"type": "string", "enum": list(acts)},
            "post": {"type": "integer", "minimum": 0, "maximum": posts},
            "text": {"type": "string", "maxLength": _LONGEST},
        },
        "required": sorted(_FIELDS),
        "additionalProperties": False,
    }


def decision_of(text: str, acts: Sequence[str], posts: int) -> Decision:
    """Return the decision in a reply."""
    return decision_in(object_in(text), acts, posts)


def decision_in(said: Mapping[str, Any], acts: Sequence[str], posts: int) -> Decision:
    """Return the decision in an object; other parameters as in :func:`decision_of`."""
    if not set(said) <= _FIELDS:
        raise _wrong("it is no object of act, post and text")
    act, post = said.get("act"), said.get("post", 0)
    words = said.get("text", "")
    if not isinstance(act, str) or act not in acts:
        raise _wrong("the act is none of those allowed")
    if type(post) is not int or not 0 <= post <= posts:
        raise _wrong("there is no such post")
    if not isinstance(words, str):
        raise _wrong("the text is no text")
    if act in NEEDS_POST and not post:
        raise _wrong(f"{act!r} says of no post: numbers begin at 1")
    words = clean(words, _LONGEST).strip() if act in NEEDS_TEXT else ""
    if act in NEEDS_TEXT and not words:
        raise _wrong(f"{act!r} has no words")
    return Decision(act, post if act in NEEDS_POST else 0, words)


def _wrong(why: str) -> ModelError:
    return ModelError(Fault.MALFORMED, why)


TO_MEMBERS, TO_GROUPS, JOINS = "direct message", "group message", "join group"
_OF_AUTHORS = frozenset({"follow", "mute", "block"})


@dataclass(frozen=True, slots=True)
class DirectMessage:
    """A message to a member, or to one of its groups."""

    number: int  # under which it is shown and answered
    by: str
    text: str
    group: str = ""  # the name of the group; empty: only to the member


class Destination(NamedTuple):
    """A place that a member may write to, or join."""

    number: int  # under which it is shown
    # "ally" (a member with the same goal), "group" (the member is in it) or "open" (it is not)
    kind: Literal["ally", "group", "open"]
    name: str


def acts_for(
    acts: Sequence[str], feed: int, letters: Sequence[DirectMessage], places: Sequence[Destination]
) -> tuple[str, ...]:
    """Return the acts that are possible with this number of posts, and these letters and places.

    Examples
    --------
    >>> acts_for(("like", "post", "do nothing"), 0, [DirectMessage(1, "Ana", "Hello.")], [])
    ('post', 'direct message', 'do nothing')
    """
    bare = tuple(act for act in acts if feed or act in {"post", NOTHING})
    kinds = {place.kind for place in places}
    more = [
        (TO_MEMBERS, bool(letters) or "ally" in kinds),
        (TO_GROUPS, "group" in kinds or any(letter.group for letter in letters)),
        (JOINS, "open" in kinds),
    ]
    own = tuple(act for act, is_possible in more if is_possible and act not in bare)
    return (*(act for act in bare if act != NOTHING), *own, NOTHING)


def fitting(
    said: Decision, posts: int, letters: Sequence[DirectMessage], places: Sequence[Destination]
) -> Decision:
    """Return a decision if its number is a possible target of its act, or raise."""
    if not said.post or said.post <= posts:
        kinds = {"post"} if said.post else {"none"}
    else:
        kinds = {"letter" for one in letters if one.number == said.post}
        kinds |= {"grouped" for one in letters if one.number == said.post and one.group}
        kinds |= {str(one.kind) for one in places if one.number == said.post}
    if not kinds & _allowed(said.act):
        raise ModelError(Fault.MALFORMED, f"{said.act!r} cannot be about number {said.post}")
    return said


def _allowed(act: str) -> set[str]:
    if act in {"post", NOTHING}:
        return {"none"}
    if act == TO_MEMBERS:
        return {"post", "letter", "ally"}
    if act in {TO_GROUPS, JOINS}:
        return {"grouped", "group"} if act == TO_GROUPS else {"open"}
    return {"post", "letter", "ally"} if act in _OF_AUTHORS else {"post"}


_LATENCIES = 4096


class Decided(StrEnum):
    """The source of a decision, or its faults."""

    MODEL = "model"
    CACHE = "cache"
    LOG = "replayed"
    ARCHETYPE = "archetype"
    SURROGATE = "surrogate"
    RULE = "rule"
    PERSON = "person"
    RETRIED = "retried"
    MALFORMED = "malformed"
    REFUSED = "refused"
    FAILED = "failed"


SOURCES = tuple(Decided)[:7]
"""A decision has exactly one of these."""


class DecisionCounts:
    """Counts of decisions, and durations of calls; safe to update from any thread.

    Examples
    --------
    >>> counts = DecisionCounts()
    >>> counts.count(Decided.MODEL, effective=True)
    >>> counts.decisions, counts.shares["model"]
    (1, 1.0)
    """

    def __init__(self, counts: Mapping[str, int] | None = None, effective: int = 0) -> None:
        given = counts or {}
        self._counts = {decided: int(given.get(decided, 0)) for decided in Decided}
        self._seconds: deque[float] = deque(maxlen=_LATENCIES)
        self._lock = Lock()
        self.effective = effective  # decisions for an act other than doing nothing

    def count(self, decided: Decided, number: int = 1, *, effective: bool = False) -> None:
        """Count ``number`` decisions of one kind."""
        with self._lock:
            self._counts[decided] += number
            self.effective += number if effective else 0

    def took(self, seconds: float) -> None:
        """Record the duration of a call."""
        self._seconds.append(seconds)

    @property
    def counts(self) -> dict[str, int]:
        """All counts by name."""
        return {str(decided): number for decided, number in self._counts.items()}

    @property
    def decisions(self) -> int:
        """Number of decisions, each counted once."""
        return sum(self._counts[source] for source in SOURCES)

    @property
    def shares(self) -> dict[str, float]:
        """The share of each source among the decisions; zeros before the first."""
        total = max(self.decisions, 1)
        return {str(source): self._counts[source] / total for source in SOURCES}

    def latency(self, percent: float) -> float:
        """Return a percentile of the seconds of the last 4,096 calls; 0 before the first."""
        seconds = list(self._seconds)
        return float(np.percentile(seconds, percent)) if seconds else 0.0

    @property
    def warning(self) -> str:
        """Warning about a run in which nothing happened; otherwise empty."""
        if not self.decisions or self.effective:
            return ""
        said = ", ".join(f"{number:,} {name}" for name, number in self.counts.items() if number)
        only_rules = self.decisions == self._counts[Decided.RULE]
        why = "rules decided them all" if only_rules else "look at the prompts"
        return f"None of {self.decisions:,} decisions came to an act ({said}); {why}."
