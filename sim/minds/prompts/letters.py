"""Letters and groups in a prompt: numbered behind the posts of the feed, and answerable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from sim.minds.models.faults import Fault, ModelError
from sim.minds.prompts.decisions import NOTHING, Decision

TO_MEMBERS, TO_GROUPS, JOINS = "direct message", "group message", "join group"
_OF_AUTHORS = frozenset({"follow", "mute", "block"})


@dataclass(frozen=True, slots=True)
class Letter:
    """What somebody wrote to a member, or to a group that it is in.

    Attributes
    ----------
    number
        Under which it is shown and answered.
    by, text
        Who wrote it, and what.
    group
        The name of the group; empty: it was to the member alone.
    """

    number: int
    by: str
    text: str
    group: str = ""


class Destination(NamedTuple):
    """Where a member may write to, or what it may join.

    Attributes
    ----------
    number
        Under which it is shown.
    kind
        ``"ally"`` (a member that wants the same), ``"group"`` (it is in) or ``"open"`` (it is not).
    name
        Of the member or the group.
    """

    number: int
    kind: Literal["ally", "group", "open"]
    name: str


def acts_for(
    acts: Sequence[str], feed: int, letters: Sequence[Letter], places: Sequence[Destination]
) -> tuple[str, ...]:
    """Return what may be done where there are so many posts, and these letters and places.

    Examples
    --------
    >>> acts_for(("like", "post", "do nothing"), 0, [Letter(1, "Ana", "Hello.")], [])
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
    said: Decision, posts: int, letters: Sequence[Letter], places: Sequence[Destination]
) -> Decision:
    """Return a decision whose number is of something that its act may be about."""
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
