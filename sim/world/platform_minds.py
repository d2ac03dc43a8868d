"""Members with a mind: who has one, what each wants and remembers, and what came of its decisions.

What a mind is, and whom it asks, is no business of the world: it is told decisions, as one command
a tick, and does the same with them again whenever the command is done again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sim.core.rng import Stream
from sim.core.text import clean
from sim.errors import InputError
from sim.feed.acts import Act, act_of
from sim.feed.commands import Command
from sim.feed.exposures import Part
from sim.world.injection import is_visible

if TYPE_CHECKING:
    from sim.world.platform import Platform
    from sim.world.world import World

__all__ = ["Minds", "Seen", "feed_of", "ruled"]

Ids = npt.NDArray[np.uint32]
Row = dict[str, Any]

_MEMORIES = 64
_LONGEST, _LONGEST_GOAL = 500, 400
_OF_AUTHORS = frozenset({Act.FOLLOW, Act.MUTE, Act.BLOCK})
_OF_POSTS = frozenset({Act.LIKE, Act.DISLIKE, Act.REPOST, Act.QUOTE, Act.REPLY, Act.REPORT})
_ALLOWED = _OF_AUTHORS | _OF_POSTS | {Act.POST}


@dataclass(frozen=True, slots=True)
class Seen:
    """One message of a feed.

    Attributes
    ----------
    message, author
        Its number, and who wrote it.
    name
        The author's.
    text, likes, tags
        What it says, how many like it, its interests as a mask.
    """

    message: int
    author: int
    name: str
    text: str
    likes: int
    tags: int


class Minds:
    """Who of a platform's members has a mind of its own.

    Attributes
    ----------
    members
        uint32, rising.
    kinds, goals
        Of each: the name of its mind, what it wants.
    memories
        Of each: rows (hour, text, tags, importance), the oldest first, at most 64.
    counts
        Decisions by where they came from, and what went wrong on the way.
    effective
        Decisions that came to an act.
    spent
        Requests, tokens and nano-dollars.
    awake
        Whether somebody lets minds decide; else all of them go by the rules.
    touched
        (member, message) pairs that were acted upon, so that nobody likes a thing twice.
    """

    def __init__(self) -> None:
        self.members: Ids = np.empty(0, np.uint32)
        self.kinds: dict[int, str] = {}
        self.goals: dict[int, str] = {}
        self.memories: dict[int, list[list[Any]]] = {}
        self.counts: dict[str, int] = {}
        self.effective = 0
        self.spent = [0, 0, 0]
        self.awake = False
        self.touched: set[tuple[int, int]] = set()

    def give(self, members: npt.ArrayLike, mind: str, goal: str = "") -> int:
        """Give members a mind; returns how many have one now."""
        said = clean(goal, _LONGEST_GOAL).strip()
        for member in np.atleast_1d(np.asarray(members)).tolist():
            self.kinds[member], self.goals[member] = mind, said
        self.members = np.array(sorted(self.kinds), np.uint32)
        return int(self.members.size)

    def take(self, members: npt.ArrayLike) -> int:
        """Let members go by the rules again, and forget; returns how many have a mind now."""
        for member in np.atleast_1d(np.asarray(members)).tolist():
            for kept in (self.kinds, self.goals, self.memories):
                kept.pop(member, None)
        self.members = np.array(sorted(self.kinds), np.uint32)
        return int(self.members.size)

    def spare(self, online: Ids) -> Ids:
        """Return those online whom rules let act."""
        if not (self.awake and self.members.size):
            return online
        return online[~np.isin(online, self.members, assume_unique=True)]

    def hush(self, part: Part, codes: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """Return the acts of a part without those of members that decide themselves."""
        if not (self.awake and self.members.size):
            return codes
        own = np.isin(part.viewers, self.members, assume_unique=True)
        return np.where(np.repeat(own, part.counts), np.uint8(0), codes) if own.any() else codes

    # What was decided

    def decided(self, world: World, platform: Platform, rows: Iterable[Mapping[str, Any]]) -> int:
        """Take decisions; their acts are carried out with the next tick.

        Parameters
        ----------
        rows
            Of each decision ``member``, ``source``, ``acts`` (each ``act`` and, where it has them,
            ``message`` and ``text``), and perhaps ``faults``, ``spent`` and ``memory``.

        Returns
        -------
        int
            How many acts wait. What is not possible (any more) is left out.
        """
        self.touched = {pair for pair in self.touched if pair[1] >= platform.posts.first}
        commands: list[Command] = []
        for row in rows:
            member = int(row["member"])
            own = [self._command(world, platform, member, act) for act in row["acts"]]
            done = [command for command in own if command is not None]
            commands += done
            self._count(row, effective=bool(done))
            self._remember(member, row.get("memory", ()))
        platform.waiting += commands
        return len(commands)

    def _command(
        self, world: World, platform: Platform, member: int, said: Mapping[str, Any]
    ) -> Command | None:
        act, text = act_of(said["act"]), clean(str(said.get("text") or ""), _LONGEST).strip()
        if act not in _ALLOWED or member >= len(world.agents):
            return None
        if act is Act.POST:
            tags = world.agents.vocabulary.match(text)
            return Command(member, act, None, None, text, tags) if is_visible(text) else None
        message = int(said["message"])
        if not platform.posts.first <= message < platform.posts.next:
            return None
        author = int(platform.posts.author[message - platform.posts.first])
        if author == member:
            return None
        if act in _OF_AUTHORS:
            return Command(member, act, None, author)
        if (member, message) in self.touched:
            return None
        self.touched.add((member, message))
        return Command(member, act, message, None, text)

    def _count(self, row: Mapping[str, Any], *, effective: bool) -> None:
        for name in (row["source"], *row.get("faults", ())):
            self.counts[name] = self.counts.get(name, 0) + 1
        self.effective += effective
        spent = row.get("spent", (0, 0, 0))
        self.spent = [a + int(b) for a, b in zip(self.spent, spent, strict=True)]

    def _remember(self, member: int, rows: Iterable[Iterable[Any]]) -> None:
        """Remember; over the bound the least important of the oldest is forgotten."""
        kept = self.memories.setdefault(member, [])
        kept += [list(row) for row in rows]
        while len(kept) > _MEMORIES:
            kept.remove(min(kept, key=lambda row: (row[3], row[0])))

    # The whole state

    def dump(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        return {
            "kinds": sorted([who, kind] for who, kind in self.kinds.items()),
            "goals": sorted([who, goal] for who, goal in self.goals.items()),
            "memories": sorted([who, rows] for who, rows in self.memories.items()),
            "counts": dict(sorted(self.counts.items())),
            "effective": self.effective,
            "spent": list(self.spent),
            "awake": self.awake,
            "touched": sorted([who, message] for who, message in self.touched),
        }

    @classmethod
    def restore(cls, said: Mapping[str, Any] | None) -> Minds:
        """Return the minds of :meth:`dump`; None: nobody has one."""
        minds = cls()
        if said is None:
            return minds
        minds.kinds = {int(who): str(kind) for who, kind in said["kinds"]}
        minds.goals = {int(who): str(goal) for who, goal in said["goals"]}
        minds.memories = {int(who): [list(row) for row in rows] for who, rows in said["memories"]}
        minds.members = np.array(sorted(minds.kinds), np.uint32)
        minds.counts, minds.effective = dict(said["counts"]), int(said["effective"])
        minds.spent, minds.awake = [int(n) for n in said["spent"]], bool(said["awake"])
        minds.touched = {(int(who), int(message)) for who, message in said["touched"]}
        return minds

    @property
    def is_used(self) -> bool:
        """Whether there is anything to keep."""
        return bool(self.kinds or self.counts or self.awake)


def feed_of(world: World, platform: Platform, member: int) -> tuple[Seen, ...]:
    """Return what a member was shown in this tick, the best first; nothing when it is not online.

    Raises
    ------
    InputError
        There is no such member.
    """
    if not 0 <= member < len(world.agents):
        raise InputError(f"No agent {member}: agents are 0 to {len(world.agents) - 1}.")
    for part in platform.exposures.parts:
        place = _place(part, member)
        if place is not None:
            return tuple(_seen(world, platform, int(n)) for n in part.message[place])
    return ()


def _place(part: Part, member: int) -> slice | None:
    """Return where in a part a member's feed stands."""
    at = int(np.searchsorted(part.viewers, member))
    if at == part.viewers.size or part.viewers[at] != member:
        return None
    low = int(part.counts[:at].sum(dtype=np.int64))
    return slice(low, low + int(part.counts[at]))


def _seen(world: World, platform: Platform, message: int) -> Seen:
    posts = platform.posts
    row = posts.row(message)
    author = int(posts.author[row])
    cascade = int(posts.cascade[row])
    told = [story.text for story in world.cascades if story.id == cascade] if cascade >= 0 else []
    text = told[0] if told else platform.text_of(message)
    return Seen(
        message, author, world.agents.name(author), text, int(posts.likes[row]),
        int(posts.tags[row]),
    )  # fmt: skip


def ruled(platform: Platform, members: Ids) -> dict[int, list[Row]]:
    """Return what the platform's rules would let members do with what they were shown."""
    key = platform.key(Stream.ACTS)
    found: dict[int, list[Row]] = {int(member): [] for member in members}
    for part in platform.exposures.parts:
        own = np.isin(part.viewers, members, assume_unique=True)
        if own.any():
            mine = _cut(part, own)
            codes = platform.policy.codes(mine, platform, key)
            for at in np.flatnonzero(codes).tolist():
                row = {"act": Act(codes[at]).says, "message": int(mine.message[at])}
                found[int(mine.viewer[at])].append(row)
    return found


def _cut(part: Part, own: npt.NDArray[np.bool_]) -> Part:
    """Return the feeds of some viewers of a part."""
    places = np.repeat(own, part.counts)
    shown = {name: getattr(part, name)[places] for name in Part._fields[2:-1]}
    return Part(part.viewers[own], part.counts[own], **shown, recommender=part.recommender)
