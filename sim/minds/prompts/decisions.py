"""The reader of decisions: a model's answer as an act; what is wrong is counted, not guessed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sim.core.text import clean
from sim.minds.models.faults import Fault, ModelError
from sim.minds.models.replies import object_in

NOTHING = "do nothing"
NEEDS_POST = frozenset(
    {"like", "dislike", "repost", "quote", "reply", "report", "follow", "mute", "block",
     "direct message", "group message", "join group"}
)  # fmt: skip
"""Acts upon a post of the feed or its author, or upon what has a number behind the posts."""
NEEDS_TEXT = frozenset({"post", "quote", "reply", "direct message", "group message"})
"""Acts with words."""
_LONGEST = 160
_FIELDS = {"act", "post", "text"}


class Decision(NamedTuple):
    """What a member does.

    Attributes
    ----------
    act
        One of those allowed.
    post
        The number of the post it is about, from 1, or of what comes behind the posts; 0: none.
    text
        The words; empty: none.
    """

    act: str
    post: int = 0
    text: str = ""


def schema_of(acts: Sequence[str], posts: int) -> Mapping[str, Any]:
    """Return the JSON Schema of a decision, for servers that keep to one."""
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
    """Return the decision in an object; the rest as :func:`decision_of`."""
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
