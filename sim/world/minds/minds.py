"""Members with a mind: who has one, what each wants and remembers, and what came of its decisions.

What a mind is, and whom it asks, is no business of the world: it is told decisions, as one command
a tick, and does the same with them again whenever the command is done again.
"""

from __future__ import annotations

import json
import warnings
import zlib
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.arrays import Ids
from sim.core.checks import short_text
from sim.core.rng import Stream
from sim.core.text import clean
from sim.errors import InputError
from sim.platform.acts.commands import checked_command
from sim.platform.acts.kinds import Act, ActRequest, act_of
from sim.platform.acts.policy_dispatch import codes_of, cut
from sim.platform.feed.exposures import ExposurePart
from sim.platform.posts.posts import Flag
from sim.world.contract import PlatformState, WorldState
from sim.world.injection import is_visible
from sim.world.minds.memory import OF_EACH, OUTCOMES, asked_of, caps_of, kept, sound

PERSON = "person"
"""The mind of a member that somebody plays: its acts come by hand, and no rule acts for it."""

Row = dict[str, Any]

_LONGEST, _LONGEST_GOAL = 500, 400
_LONGEST_STEP, _MOST_STEPS = 100, 4
_LONGEST_REASON, _MOST_REASONS = 80, 64
_LONGEST_KEPT, _MOST_KEPT = 4096, 4096
_OF_AUTHORS = frozenset({Act.FOLLOW, Act.MUTE, Act.BLOCK})
_OF_POSTS = frozenset({Act.LIKE, Act.DISLIKE, Act.REPOST, Act.QUOTE, Act.REPLY, Act.REPORT})
_TO_PEOPLE = frozenset({Act.DIRECT_MESSAGE, Act.GROUP_MESSAGE, Act.JOIN_GROUP})
_ALLOWED = _OF_AUTHORS | _OF_POSTS | _TO_PEOPLE | {Act.POST}


@dataclass(frozen=True, slots=True)
class SeenMessage:
    """One message of a feed.

    Attributes
    ----------
    message, author
        Its number, and who wrote it.
    name
        The author's.
    text, likes, tags
        What it says, how many like it, its interests as a mask.
    shares, interest, age
        How many shared it, how much of it the member cares about, ticks since it was posted.
    followed, labelled
        Whether somebody shared it whom the member follows; whether it bears a warning.
    to, answers
        Of a reply or quote: who wrote what it is about, and that text; else empty.
    """

    message: int
    author: int
    name: str
    text: str
    likes: int
    tags: int
    shares: int = 0
    interest: float = 0.0
    age: int = 0
    followed: bool = False
    labelled: bool = False
    to: str = ""
    answers: str = ""


class Minds:
    """Who of a platform's members has a mind of its own.

    Attributes
    ----------
    members, played
        uint32, rising: who has a mind, and whose mind is a person at the screen.
    kinds, goals
        Of each: the name of its mind, what it wants.
    languages, options
        Of those that have them: in what they write, the parameters of their mind.
    memories
        Of each: rows (hour, text, tags, importance), the oldest first, bounded by
        :mod:`sim.world.minds.memory`.
    plans
        Of those that made one: its ``steps``, the ``tick`` it was made, how often the member
        ``decided`` since, and its ``outcomes`` (:data:`~sim.world.minds.memory.OUTCOMES`).
    letters
        Of those that got any since they last decided: rows (tick, sender, group or -1, text), the
        newest 6.
    counts
        Decisions by where they came from, and what went wrong on the way.
    reasons
        How often what went wrong, in words: of :class:`~sim.minds.models.asks.Fault` and the
        like.
    effective
        Decisions that came to an act.
    spent
        Requests, tokens and nano-dollars.
    awake
        Whether somebody lets minds decide; else all of them go by the rules.
    touched
        (member, message) pairs that were acted upon, so that nobody likes a thing twice.
    kept
        Replies that stand for all who ask the same, by their keys, the newest 4,096.
    caps
        Of the run on requests, tokens and nano-dollars, each None without one; None: none are set.
    asked
        The members to whom a run gave minds, by the words that named them: who resumes it by the
        same words means the same members.
    unheard
        Whether a program gave minds that nobody lets decide yet; not saved.
    """

    def __init__(self) -> None:
        self.members: Ids = np.empty(0, np.uint32)
        self.played: Ids = np.empty(0, np.uint32)
        self.kinds: dict[int, str] = {}
        self.goals: dict[int, str] = {}
        self.languages: dict[int, str] = {}
        self.options: dict[int, dict[str, Any]] = {}
        self.memories: dict[int, list[list[Any]]] = {}
        self.plans: dict[int, dict[str, Any]] = {}
        self.letters: dict[int, list[list[Any]]] = {}
        self.counts: dict[str, int] = {}
        self.reasons: dict[str, int] = {}
        self.effective = 0
        self.spent = [0, 0, 0]
        self.awake = False
        self.touched: set[tuple[int, int]] = set()
        self.kept: dict[str, str] = {}
        self.caps: list[int | None] | None = None
        self.asked: dict[str, list[int]] = {}
        self.unheard = False

    def give(
        self,
        members: npt.ArrayLike,
        mind: str,
        goal: str = "",
        languages: Sequence[str] = (),
        options: Mapping[str, Any] | None = None,
    ) -> int:
        """Give members a mind; returns how many have one now. Another goal plans anew."""
        said = short_text(goal, _LONGEST_GOAL, "A goal")
        for at, member in enumerate(np.atleast_1d(np.asarray(members)).tolist()):
            if self.goals.get(member) != said:
                self.plans.pop(member, None)
            self.kinds[member], self.goals[member] = mind, said
            _set(self.languages, member, languages[at] if languages else "")
            _set(self.options, member, dict(options or {}))
        self._list()
        return int(self.members.size)

    def remark(self) -> None:
        """Warn once of minds that a program gave and nobody lets decide."""
        if self.unheard and not self.awake:
            self.unheard = False
            warnings.warn(
                f"{self.members.size:,} members have a mind, and world.step() lets rules decide "
                f"for them; sim.run_with_minds(world, ticks) lets minds decide after each tick.",
                stacklevel=3,
            )

    def take(self, members: npt.ArrayLike) -> int:
        """Let members go by the rules again, and forget; returns how many have a mind now."""
        for member in np.atleast_1d(np.asarray(members)).tolist():
            for name in OF_EACH:
                getattr(self, name).pop(member, None)
        self._list()
        return int(self.members.size)

    @property
    def own(self) -> Ids:
        """Members for whom rules do not act: the minded while minds are awake, else the played."""
        return self.members if self.awake else self.played

    def _list(self) -> None:
        """Keep in order who has a mind, and whom a person plays."""
        played = (who for who, kind in self.kinds.items() if kind == PERSON)
        self.members, self.played = (
            np.array(sorted(who), np.uint32) for who in (self.kinds, played)
        )  # fmt: skip

    def spare(self, online: Ids) -> Ids:
        """Return those online whom rules let act."""
        own = self.own
        return online[~np.isin(online, own, assume_unique=True)] if own.size else online

    def hush(self, part: ExposurePart, codes: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """Return the acts of a part without those of members that decide themselves."""
        if not self.own.size:
            return codes
        own = np.isin(part.viewers, self.own, assume_unique=True)
        return np.where(np.repeat(own, part.counts), np.uint8(0), codes) if own.any() else codes

    # What was decided

    def decided(
        self, world: WorldState, platform: PlatformState, rows: Iterable[Mapping[str, Any]]
    ) -> int:
        """Take decisions; their acts are carried out with the next tick."""
        self.touched = {pair for pair in self.touched if pair[1] >= platform.posts.first}
        commands: list[ActRequest] = []
        for row in rows:
            member = int(row["member"])
            own = [self._command(world, platform, member, act) for act in row["acts"]]
            done = [command for command in own if command is not None]
            commands += done
            self._count(row, effective=bool(done))
            self._remember(member, row.get("memory", ()))
            self._plan(member, row, world.tick)
            self._keep(row.get("kept", ()))
            self.letters.pop(member, None)
        platform.waiting += commands
        return len(commands)

    def _command(
        self, world: WorldState, platform: PlatformState, member: int, said: Mapping[str, Any]
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
        if (member, message) in self.touched:
            return None
        self.touched.add((member, message))
        return ActRequest(member, act, message, None, text)

    def _count(self, row: Mapping[str, Any], *, effective: bool) -> None:
        for name in (row["source"], *row.get("faults", ())):
            self.counts[name] = self.counts.get(name, 0) + 1
        for said in row.get("why", ()):
            reason = clean(str(said), _LONGEST_REASON)
            if reason in self.reasons or len(self.reasons) < _MOST_REASONS:
                self.reasons[reason] = self.reasons.get(reason, 0) + 1
        self.effective += effective
        spent = row.get("spent", (0, 0, 0))
        self.spent = [a + int(b) for a, b in zip(self.spent, spent, strict=True)]

    def _remember(self, member: int, rows: Iterable[Iterable[Any]]) -> None:
        """Remember; what weighs least is forgotten."""
        new = list(rows)
        if new:
            self.memories[member] = kept([*self.memories.get(member, ()), *new])

    def _plan(self, member: int, row: Mapping[str, Any], tick: int) -> None:
        """Take a plan, or count a decision of one that there is."""
        if "plan" in row:
            steps = [clean(str(step), _LONGEST_STEP) for step in row["plan"][:_MOST_STEPS]]
            none = [0] * len(OUTCOMES)
            self.plans[member] = {"steps": steps, "tick": tick, "decided": 0, "outcomes": none}
        if member in self.plans:
            self.plans[member]["decided"] += 1

    def _keep(self, rows: Iterable[Iterable[str]]) -> None:
        """Keep replies, whole ones; over the bound the oldest are forgotten."""
        for key, text in rows:
            if len(text) <= _LONGEST_KEPT:  # a part of one says nothing
                self.kept[str(key)] = clean(str(text), _LONGEST_KEPT)
        for key in list(self.kept)[: max(len(self.kept) - _MOST_KEPT, 0)]:
            del self.kept[key]

    # The whole state

    def dump(self) -> dict[str, Any]:
        """Return it as JSON holds it; what there is none of is left out."""
        return deepcopy(self._said())

    def packed(self) -> bytes:
        """Return what :meth:`dump` does, compressed; :func:`unpacked` reads it."""
        return zlib.compress(json.dumps(self._said()).encode(), 1)

    def _said(self) -> dict[str, Any]:
        each = {name: _rows(getattr(self, name)) for name in OF_EACH}
        found: dict[str, Any] = {name: rows for name, rows in each.items() if rows}
        if self.kept:
            found["kept"] = [list(pair) for pair in self.kept.items()]
        if self.reasons:
            found["reasons"] = dict(sorted(self.reasons.items()))
        if self.caps is not None:
            found["caps"] = list(self.caps)
        if self.asked:
            found["asked"] = [[words, list(who)] for words, who in sorted(self.asked.items())]
        return found | {
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
        for name in OF_EACH:
            getattr(minds, name).update(sound(name, *pair) for pair in said.get(name, ()))
        minds._list()
        minds.counts = {str(name): int(number) for name, number in said["counts"].items()}
        minds.effective, minds.awake = int(said["effective"]), bool(said["awake"])
        requests, tokens, nano = map(int, said["spent"])
        minds.spent = [requests, tokens, nano]
        minds.touched = {(int(who), int(message)) for who, message in said["touched"]}
        minds._keep(said.get("kept", ()))
        minds.reasons = {str(name): int(n) for name, n in said.get("reasons", {}).items()}
        minds.caps = None if said.get("caps") is None else caps_of(said["caps"])
        minds.asked = dict(asked_of(*pair) for pair in said.get("asked", ()))
        return minds

    @property
    def is_used(self) -> bool:
        """Whether there is anything to keep."""
        used = self.kinds or self.counts or self.awake or self.memories or self.asked
        return bool(used or self.caps is not None)


def _set(of_each: dict[int, Any], member: int, value: Any) -> None:
    """Note what a member has, where it has any."""
    of_each.pop(member, None)
    if value:
        of_each[member] = value


def _rows(of_each: Mapping[int, Any]) -> list[list[Any]]:
    return [[who, of_each[who]] for who in sorted(of_each)]


def unpacked(packed: npt.NDArray[np.uint8]) -> dict[str, Any]:
    """Return what :meth:`Minds.dump` said when :meth:`Minds.packed` was asked."""
    found: dict[str, Any] = json.loads(zlib.decompress(packed.data))
    return found


def feed_of(world: WorldState, platform: PlatformState, member: int) -> tuple[SeenMessage, ...]:
    """Return what a member was shown in this tick, the best first; nothing if not online."""
    if not 0 <= member < len(world.agents):
        raise InputError(f"No agent {member}: agents are 0 to {len(world.agents) - 1}.")
    for part in platform.exposures.at_hand:
        place = _place(part, member)
        if place is not None:
            return tuple(_seen(world, platform, part, at) for at in range(place.start, place.stop))
    return ()


def _place(part: ExposurePart, member: int) -> slice | None:
    """Return where in a part a member's feed stands."""
    at = int(np.searchsorted(part.viewers, member))
    if at == part.viewers.size or part.viewers[at] != member:
        return None
    low = int(part.counts[:at].sum(dtype=np.int64))
    return slice(low, low + int(part.counts[at]))


def _seen(world: WorldState, platform: PlatformState, part: ExposurePart, at: int) -> SeenMessage:
    posts, message = platform.posts, int(part.message[at])
    row = posts.row(message)
    author = int(posts.author[row])
    return SeenMessage(
        message, author, world.agents.name(author), platform.text_of(message),
        int(posts.likes[row]),
        int(posts.tags[row]), int(posts.shares[row]), int(part.interest[at]) / 255,
        int(part.age[at]), bool(part.friends[at]), bool(posts.flags[row] & Flag.LABELLED),
        *_parent(world, platform, int(posts.parent[row])),
    )  # fmt: skip


def _parent(world: WorldState, platform: PlatformState, parent: int) -> tuple[str, str]:
    """Return who wrote what a message is about, and that text; empty where it is gone."""
    posts = platform.posts
    if not posts.first <= parent < posts.next:
        return "", ""
    author = int(posts.author[posts.row(parent)])
    return world.agents.name(author), platform.text_of(parent)


def ruled(platform: PlatformState, members: Ids) -> dict[int, list[Row]]:
    """Return what the platform's rules would let members do with what they were shown."""
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
