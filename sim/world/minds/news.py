"""News for minded members since they last decided: letters, answers, what came of plans.

What others answered to a member, and did to it and its posts, it remembers: at most two answers a
tick in words, and the rest in one line.

After each tick its acts are looked through once. Members without a mind answer no letters: rules
have no words for somebody in particular.
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
"""What a member gets to know of; muting it does not."""
_MOST_ANSWERS, _LONGEST_ABOUT = 2, 60
_OF_ANSWERS, _OF_DEEDS = 0.6, 0.2


def look(world: WorldState, platform: PlatformState) -> None:
    """Take in what this tick brought to minded members."""
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
    """Put a letter before those with a mind, but its sender and whose ears are closed to it."""
    sender, group, text = said
    minds = platform.minds
    who = np.intersect1d(to, minds.members)
    who = who[who != sender]
    closed = world.relationships.blocklist.are_closed(who, np.full_like(who, sender))
    for member in who[~closed].tolist():
        letter = [platform.tick, sender, group, one_line(str(text), LONGEST_LETTER)]
        minds.letters[member] = [*minds.letters.get(member, ()), letter][-MOST_LETTERS:]


def _remembered(world: WorldState, platform: PlatformState) -> None:
    """Have members remember what others did to them and their posts in this tick."""
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
    """Yield who was answered or quoted in this tick, and by whom with which words."""
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
    """Return how often what was done to minded members and their posts in this tick."""
    acts = platform.acted
    whom = _whose(platform, acts)
    mine = np.isin(whom, platform.minds.members) & (acts.agent != whom)
    mine &= np.isin(acts.act, [int(act) for act in _DONE])
    found: dict[int, Counter[Act]] = {}
    for member, act in zip(whom[mine].tolist(), acts.act[mine].tolist(), strict=True):
        found.setdefault(member, Counter())[Act(act)] += 1
    return found


def _outcomes(platform: PlatformState) -> None:
    """Count what was done with posts of members that follow a plan, and to themselves."""
    acts, plans = platform.acted, platform.minds.plans
    whom = _whose(platform, acts)
    planning = np.array(sorted(plans), np.uint32)
    mine = np.isin(whom, planning) & (acts.agent != whom)
    for member, act in zip(whom[mine].tolist(), acts.act[mine].tolist(), strict=True):
        place = _PLACES.get(Act(act))
        if place is not None:
            plans[member]["outcomes"][place] += 1


def _whose(platform: PlatformState, acts: ActColumns) -> npt.NDArray[np.uint32]:
    """Return whom each act is about: of a share it is the author, not from whom it was seen."""
    posts, whom = platform.posts, acts.other.copy()
    shared = np.flatnonzero((acts.act == Act.REPOST) & (acts.message >= posts.first))
    shared = shared[acts.message[shared] < posts.next]
    whom[shared] = posts.author[acts.message[shared] - np.uint32(posts.first)]
    return whom


def allies_of(platform: PlatformState, member: int) -> list[int]:
    """Return the next three members that want the same, going round: everybody is somebody's."""
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
    """Return a member's groups, and those that it is not in but its allies are; two of each."""
    groups = world.relationships.groups
    if not len(groups):
        return [], []
    own = groups.of(member).tolist()
    theirs = {group for ally in allies_of(platform, member) for group in groups.of(ally).tolist()}
    return own[:_MOST_GROUPS], sorted(theirs - set(own))[:_MOST_GROUPS]
