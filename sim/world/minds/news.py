"""News for minded members since their last decision: direct messages, replies, plan outcomes.

A member remembers replies to it, and what others did to it and its posts: at most two replies per
tick with their text, and the rest in one line.

Each tick's acts are scanned once, after the tick. Members without a mind do not answer direct
messages: rules cannot write to a particular member.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.core.text import one_line
from sim.platform.acts.kinds import Act
from sim.platform.acts.log import ActColumns
from sim.platform.posts.posts import Kind
from sim.world.base import PlatformState, WorldState
from sim.world.minds.state import LONGEST, LONGEST_LETTER, MOST_LETTERS, kept

_PLACES = {
    Act.LIKE: 0, Act.REPOST: 1, Act.QUOTE: 1, Act.REPLY: 2, Act.FOLLOW: 3, Act.DISLIKE: 4,
    Act.REPORT: 4, Act.MUTE: 4, Act.BLOCK: 4, Act.UNFOLLOW: 4,
}  # fmt: skip
_MOST_ALLIES, _MOST_GROUPS = 3, 2
_DONE = {
    Act.LIKE: "liked", Act.DISLIKE: "disliked", Act.REPOST: "shared", Act.REPORT: "reported",
    Act.FOLLOW: "follow you now", Act.UNFOLLOW: "follow you no more", Act.BLOCK: "blocked you",
}  # fmt: skip
"""Acts that a member is notified of; being muted is not one of them."""
_MOST_ANSWERS, _LONGEST_ABOUT = 2, 60
_OF_ANSWERS, _OF_DEEDS = 0.6, 0.2


def look(world: WorldState, platform: PlatformState) -> None:
    """Deliver this tick's news to minded members."""
    _letters(world, platform)
    _remembered(world, platform)
    if platform.minds.plans:
        _outcomes(platform)


def _letters(world: WorldState, platform: PlatformState) -> None:
    acts = platform.acted
    sent = acts.chosen((acts.act == Act.DIRECT_MESSAGE) | (acts.act == Act.GROUP_MESSAGE))
    for sender, act, number, other in zip(*_lists(sent), strict=True):
        text = platform.written.get(number, "")
        if act == Act.DIRECT_MESSAGE:
            _deliver(world, platform, np.array([other], np.uint32), [sender, -1, text])
        else:
            _deliver(
                world, platform, world.relationships.groups.members(other), [sender, other, text]
            )


def _lists(acts: ActColumns) -> tuple[list[int], ...]:
    return tuple(c.tolist() for c in (acts.agent, acts.act, acts.message, acts.other))


def _deliver(
    world: WorldState, platform: PlatformState, to: npt.NDArray[np.uint32], said: list[int | str]
) -> None:
    """Deliver a message to minded members, except the sender and those who muted or blocked it."""
    sender, group, text = said
    minds = platform.minds
    who = np.intersect1d(to, minds.members)
    who = who[who != sender]
    closed = world.relationships.blocklist.are_closed(who, np.full_like(who, sender))
    for member in who[~closed].tolist():
        letter = [platform.tick, sender, group, one_line(str(text), LONGEST_LETTER)]
        minds.letters[member] = [*minds.letters.get(member, ()), letter][-MOST_LETTERS:]


def _remembered(world: WorldState, platform: PlatformState) -> None:
    """Add to members' memories what others did to them and their posts in this tick."""
    minds, hours = platform.minds, platform.tick * world.tick_minutes / 60
    new: dict[int, list[list[Any]]] = {}
    for member, text in _answers(world, platform):
        rows = new.setdefault(member, [])
        if len(rows) < _MOST_ANSWERS:
            tags = world.agents.vocabulary.match(text)
            rows.append([hours, text, tags, _OF_ANSWERS])
    for member, counts in _done_to(platform).items():
        said = [f"{number} {_DONE[act]}" for act, number in sorted(counts.items())]
        text = f"Others on your posts and you: {', '.join(said)}"
        new.setdefault(member, []).append([hours, text, 0, _OF_DEEDS])
    for member, rows in new.items():
        minds.memories[member] = kept([*minds.memories.get(member, ()), *rows])


def _answers(world: WorldState, platform: PlatformState) -> Iterator[tuple[int, str]]:
    """Yield (member, text) for each reply to or quote of a minded member's post in this tick."""
    posts = platform.posts
    low = int(np.searchsorted(posts.created, platform.tick))
    parents = posts.parent[low:].astype(np.int64) - posts.first
    fresh = np.flatnonzero((parents >= 0) & (parents < len(posts)))
    whom, by = posts.author[parents[fresh]], posts.author[low + fresh]
    own = np.isin(whom, platform.minds.members) & (whom != by)
    for at, member, other in zip(
        (low + fresh[own]).tolist(), whom[own].tolist(), by[own].tolist(), strict=True
    ):
        about = platform.text_of(int(posts.parent[at]))
        does = "quoted" if posts.kind[at] == Kind.QUOTE else "answered"
        text = platform.text_of(posts.first + at)
        name = world.agents.name(other)
        about = one_line(about, _LONGEST_ABOUT)
        yield member, one_line(f"{name} {does} your post ({about}): {text}", LONGEST)


def _done_to(platform: PlatformState) -> dict[int, Counter[Act]]:
    """Return counts by act of what was done to minded members and their posts in this tick."""
    acts = platform.acted
    whom = _whose(platform, acts)
    mine = np.isin(whom, platform.minds.members) & (acts.agent != whom)
    mine &= np.isin(acts.act, [int(act) for act in _DONE])
    found: dict[int, Counter[Act]] = {}
    for member, act in zip(whom[mine].tolist(), acts.act[mine].tolist(), strict=True):
        found.setdefault(member, Counter())[Act(act)] += 1
    return found


def _outcomes(platform: PlatformState) -> None:
    """Count acts on members that follow a plan, and on their posts."""
    acts, plans = platform.acted, platform.minds.plans
    whom = _whose(platform, acts)
    planning = np.array(sorted(plans), np.uint32)
    mine = np.isin(whom, planning) & (acts.agent != whom)
    for member, act in zip(whom[mine].tolist(), acts.act[mine].tolist(), strict=True):
        place = _PLACES.get(Act(act))
        if place is not None:
            plans[member]["outcomes"][place] += 1


def _whose(platform: PlatformState, acts: ActColumns) -> npt.NDArray[np.uint32]:
    """Return the member each act concerns; for a share the author, not the intermediate sharer."""
    posts, whom = platform.posts, acts.other.copy()
    shared = np.flatnonzero((acts.act == Act.REPOST) & (acts.message >= posts.first))
    shared = shared[acts.message[shared] < posts.next]
    whom[shared] = posts.author[acts.message[shared] - np.uint32(posts.first)]
    return whom


def allies_of(platform: PlatformState, member: int) -> list[int]:
    """Return the next three members with the same goal, in circular order."""
    minds = platform.minds
    goal = minds.goals.get(member, "")
    if not goal:
        return []
    same = [who for who in minds.members.tolist() if minds.goals[who] == goal]
    at = same.index(member)
    return (same[at + 1 :] + same[:at])[:_MOST_ALLIES]


def groups_near(
    world: WorldState, platform: PlatformState, member: int
) -> tuple[list[int], list[int]]:
    """Return a member's groups, and its allies' other groups; at most two of each."""
    groups = world.relationships.groups
    if not len(groups):
        return [], []
    own = groups.of(member).tolist()
    theirs = {group for ally in allies_of(platform, member) for group in groups.of(ally).tolist()}
    return own[:_MOST_GROUPS], sorted(theirs - set(own))[:_MOST_GROUPS]
