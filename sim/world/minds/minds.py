"""Feeds of minded members, and their decisions.

What a mind is, and which model it asks, does not concern the world: it receives decisions as one
command per tick, and applies them again whenever the command is replayed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from sim.arrays import Ids
from sim.core.rng import Stream
from sim.core.text import clean
from sim.errors import InputError
from sim.platform.acts.commands import checked_command
from sim.platform.acts.kinds import Act, ActRequest, act_of
from sim.platform.acts.policy_dispatch import codes_of, cut
from sim.platform.feed.exposures import ExposurePart
from sim.platform.posts.posts import Flag
from sim.world.base import PlatformState, WorldState
from sim.world.injection import is_visible

Row = dict[str, Any]

_LONGEST = 500
_OF_AUTHORS = frozenset({Act.FOLLOW, Act.MUTE, Act.BLOCK})
_OF_POSTS = frozenset({Act.LIKE, Act.DISLIKE, Act.REPOST, Act.QUOTE, Act.REPLY, Act.REPORT})
_TO_PEOPLE = frozenset({Act.DIRECT_MESSAGE, Act.GROUP_MESSAGE, Act.JOIN_GROUP})
_ALLOWED = _OF_AUTHORS | _OF_POSTS | _TO_PEOPLE | {Act.POST}


@dataclass(frozen=True, slots=True)
class SeenMessage:
    """One message of a feed."""

    message: int
    author: int
    name: str  # the author's name
    text: str
    likes: int
    tags: int
    shares: int = 0
    interest: float = 0.0  # the member's interest in its topics
    age: int = 0  # ticks
    followed: bool = False  # whether the member follows somebody who shared it
    labelled: bool = False
    to: str = ""  # reply or quote: author of the parent; below: its text
    answers: str = ""
    image: str = ""  # its picture, as a data URL


def take_decisions(
    world: WorldState, platform: PlatformState, rows: Iterable[Mapping[str, Any]]
) -> int:
    """Apply decisions of minds; their acts are carried out at the next tick. Return how many."""
    minds = platform.minds
    minds.touched = {pair for pair in minds.touched if pair[1] >= platform.posts.first}
    waiting: list[ActRequest] = []
    for row in rows:
        own = [_request(world, platform, int(row["member"]), act) for act in row["acts"]]
        done = [request for request in own if request is not None]
        waiting += done
        minds.take_in(row, world.tick, effective=bool(done))
    platform.waiting += waiting
    return len(waiting)


def _request(
    world: WorldState, platform: PlatformState, member: int, said: Mapping[str, Any]
) -> ActRequest | None:
    act, text = act_of(said["act"]), clean(str(said.get("text") or ""), _LONGEST).strip()
    if act not in _ALLOWED or member >= len(world.agents):
        return None
    if act is Act.POST:
        tags = world.agents.vocabulary.match(text)
        return ActRequest(member, act, None, None, text, tags) if is_visible(text) else None
    if act in _TO_PEOPLE or "message" not in said:
        given = ActRequest(member, act, None, said.get("other"), text, 0, said.get("group"))
        try:
            return checked_command(world, platform, given, act)
        except InputError:
            return None
    message = int(said["message"])
    if not platform.posts.first <= message < platform.posts.next:
        return None
    author = int(platform.posts.author[message - platform.posts.first])
    if author == member:
        return None
    if act in _OF_AUTHORS:
        return ActRequest(member, act, None, author)
    if (member, message) in platform.minds.touched:
        return None
    platform.minds.touched.add((member, message))
    return ActRequest(member, act, message, None, text)


def feed_of(world: WorldState, platform: PlatformState, member: int) -> tuple[SeenMessage, ...]:
    """Return a member's feed in this tick, the best first; empty if the member is offline."""
    if not 0 <= member < len(world.agents):
        raise InputError(f"No agent {member}: agents are 0 to {len(world.agents) - 1}.")
    for part in platform.exposures.at_hand:
        place = _place(part, member)
        if place is not None:
            return tuple(_seen(world, platform, part, at) for at in range(place.start, place.stop))
    return ()


def _place(part: ExposurePart, member: int) -> slice | None:
    """Return the slice of a part with a member's feed, or None."""
    at = int(np.searchsorted(part.viewers, member))
    if at == part.viewers.size or part.viewers[at] != member:
        return None
    low = int(part.counts[:at].sum(dtype=np.int64))
    return slice(low, low + int(part.counts[at]))


def _seen(world: WorldState, platform: PlatformState, part: ExposurePart, at: int) -> SeenMessage:
    posts, message = platform.posts, int(part.message[at])
    row = posts.row(message)
    author, text, image = int(posts.author[row]), platform.text_of(message), ""
    if text.endswith("]") and (sent := world.cascades.find(posts.cascade_of(message))) is not None:
        image = sent.message.image
    return SeenMessage(
        message, author, world.agents.name(author), text,
        int(posts.likes[row]),
        int(posts.tags[row]), int(posts.shares[row]), int(part.interest[at]) / 255,
        int(part.age[at]), bool(part.friends[at]), bool(posts.flags[row] & Flag.LABELLED),
        *_parent(world, platform, int(posts.parent[row])), image,
    )  # fmt: skip


def _parent(world: WorldState, platform: PlatformState, parent: int) -> tuple[str, str]:
    """Return author and text of a parent message; empty if it no longer exists."""
    posts = platform.posts
    if not posts.first <= parent < posts.next:
        return "", ""
    author = int(posts.author[posts.row(parent)])
    return world.agents.name(author), platform.text_of(parent)


def ruled(platform: PlatformState, members: Ids) -> dict[int, list[Row]]:
    """Return the acts that the platform's rules would choose for members on their feeds."""
    key = platform.key(Stream.ACTS)
    found: dict[int, list[Row]] = {int(member): [] for member in members}
    for part in platform.exposures.at_hand:
        own = np.isin(part.viewers, members, assume_unique=True)
        if own.any():
            mine = cut(part, own)
            codes = codes_of(platform, mine, key)
            for at in np.flatnonzero(codes).tolist():
                row = {"act": Act(codes[at]).says, "message": int(mine.message[at])}
                found[int(mine.viewer[at])].append(row)
    return found
