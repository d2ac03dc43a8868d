"""Queries about the members of a running world; for :meth:`Simulation.query`.

Each function here takes a few milliseconds for a million agents, and returns nothing that the
world continues to write to. Slower work on the result is done by a function with ``_of`` in its
name, or one of ``ORDERS``, in a thread outside the engine.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.agents.character import ARCHETYPES, archetype, credulity, expertise, verification
from sim.agents.lifecycle import Lifecycle
from sim.agents.names import NameSnapshot, text_ranks
from sim.agents.profiles import TRAITS
from sim.arrays import Ids
from sim.core.checks import number_or_word
from sim.core.text import clip, one_line
from sim.errors import InputError, SnapshotError
from sim.jit.claims import NOBODY
from sim.jit.words import ONE
from sim.network.graph.changes import ACTS
from sim.platform.acts.kinds import Act
from sim.platform.acts.tick_record import said_in
from sim.platform.members import SHIFTS
from sim.runtime.jobs import in_thread
from sim.runtime.journal.history import HistoryWriter
from sim.runtime.queries.feeds import MemberFeed, feed_of
from sim.store.history.acts import ActIndex, Record, RecordedAct
from sim.store.reading import read_history_file, read_record
from sim.store.snapshot.gates import Lookup
from sim.world.base import MOOD
from sim.world.members import ActivityRecords, activity_records, chosen

if TYPE_CHECKING:
    from sim.agents.columns import Agents
    from sim.network.graph.ties import Ties
    from sim.spread.cascade.adoption import Log
    from sim.world.world import World


_QUERY = re.compile(r"[:<>=()\[!]|\bin\b|^(not )?(online|adopted)\b")
"""Matches what occurs in a query, but not in an id or a name."""

MOST_NAMED = 8
"""Names listed per kind of tie."""

MOST_STORIES = 20
"""Newest adopted messages listed for a member; three times as many are searched."""


@dataclass(frozen=True, slots=True, eq=False)
class MemberTable:
    """Columns over all agents at one tick."""

    tick: int
    activity: npt.NDArray[np.float32]
    traits: npt.NDArray[np.uint8]
    status: npt.NDArray[np.uint8]
    community: npt.NDArray[np.int32]
    listeners: Ids
    heard: Ids
    adopted: npt.NDArray[np.int32] | None
    communities: tuple[str, ...]
    last_active: npt.NDArray[np.int32]
    language: npt.NDArray[np.uint8] | None  # None: all have the same

    def __len__(self) -> int:
        return len(self.status)


class PopulationInputs(NamedTuple):
    """Input of :func:`population_of`."""

    population: MemberTable
    ties: Ties | None
    log: Log | None
    activity: ActivityRecords


def taken(world: World, message: int | None = None) -> PopulationInputs:
    """Copy the columns of all agents; ``message``: the message whose adopters are included."""
    agents, ties = world.agents, world.ties
    cascade = None if message is None else world.cascades.find(message)
    knows, own = ties.back is not None, agents.lore.languages
    columns = MemberTable(
        world.tick, agents.activity.copy(), agents.personality.copy(), agents.status.copy(),
        agents.community.copy(), ties.out_degree.copy(),
        ties.reverse.out_degree.copy() if knows else np.empty(0, np.uint32), None,
        tuple(agents.communities), np.empty(0, np.int32),
        own if own.size and own.min() < own.max() else None,
    )  # fmt: skip
    return PopulationInputs(
        columns, None if knows else copy(ties), None if cascade is None else cascade.log.so_far(),
        activity_records(world),
    )  # fmt: skip


def population_of(taken: PopulationInputs) -> MemberTable:
    """Return the population, with the columns that take longer to compute."""
    people, ties, log, activity = taken
    heard, adopted = people.heard, None
    if ties is not None:
        heard = ties.in_degree
    if log is not None:
        adopted = np.full(len(people), -1, np.int32)
        adopted[log.agents] = log.ticks
    last = activity.last().astype(np.int32)
    return replace(people, heard=heard, adopted=adopted, last_active=last)


def found(world: World, query: str, message: int | None = None, *, by_name: bool = True) -> Ids:
    """Return the agents that match a query, or have an id or a name: uint32, ascending.

    A lifecycle stage alone is a query (``suspended``); other words that are no id are looked for in
    names, if ``by_name``. ``message``: the one that ``adopted`` is about; default: the newest.
    """
    words = query.strip()
    if words.upper() in Lifecycle.__members__:
        words = f"status:{words.lower()}"
    elif words and not _QUERY.search(words):
        try:
            return np.array([world.agents.index(number_or_word(words))], np.uint32)
        except InputError:
            if not by_name or words[0].isdigit():
                raise
            return np.flatnonzero(world.agents.naming().containing([words])).astype(np.uint32)
    return chosen(world, words, message)


def named(world: World, ids: list[int]) -> list[tuple[str, str, str]]:
    """Return (id, name, interests) of the given agents."""
    agents, words = world.agents, world.agents.vocabulary
    return [
        (str(agents.id(i)), agents.name(i), ", ".join(words.names(int(agents.interests[i]))))
        for i in ids
    ]


@dataclass(frozen=True, slots=True)
class MemberDetails:
    """The data of one agent for an inspector."""

    agent: int
    id: str
    name: str
    tick: int
    status: str
    community: str
    activity: float
    traits: tuple[tuple[str, float], ...]
    interests: tuple[str, ...]
    ties: tuple[tuple[str, int, tuple[str, ...]], ...]
    changes: tuple[tuple[int, str, str, bool], ...]
    adopted: tuple[tuple[int, int, str, str], ...]
    states: tuple[tuple[int, str], ...] = ()


def about(world: World, agent: int) -> tuple[MemberDetails, list[tuple[int, str, Log]]]:
    """Return what is known about an agent at once, and the inputs of :func:`member_of`."""
    agents = world.agents
    name, community = agents.name(agent), int(agents.community[agent])
    traits = agents.personality[agent] / 255
    member = MemberDetails(
        agent, str(agents.id(agent)), name, world.tick,
        Lifecycle(int(agents.status[agent])).name.lower(),
        agents.communities[community] if community >= 0 else "",
        float(agents.activity[agent]), tuple(zip(TRAITS, traits.tolist(), strict=True)),
        tuple(agents.vocabulary.names(int(agents.interests[agent]))),
        _ties(world, agent), _changes(world, agent), (), _states(world, agent),
    )  # fmt: skip
    newest = world.cascades.newest(3 * MOST_STORIES)
    return member, [(c.id, c.text, c.log.so_far()) for c in reversed(newest)]


def _states(world: World, agent: int) -> tuple[tuple[int, str], ...]:
    newest = world.cascades.newest(MOST_STORIES)
    return tuple((c.id, c.states[int(c.state_now[agent])]) for c in reversed(newest))


def member_of(told: tuple[MemberDetails, list[tuple[int, str, Log]]]) -> MemberDetails:
    """Return a member with the messages that it adopted."""
    member, stories = told
    adopted: list[tuple[int, int, str, str]] = []
    for number, text, log in stories:
        places = np.flatnonzero(log.agents == member.agent)
        if places.size and len(adopted) < MOST_STORIES:
            at = int(places[0])
            source = int(log.sources[at])
            whence = "" if source == NOBODY else str(source)
            adopted.append((number, int(log.ticks[at]), whence, text))
    values = {name: getattr(member, name) for name in MemberDetails.__slots__}
    return MemberDetails(**{**values, "adopted": tuple(adopted)})


def heard_by(world: World, agent: int) -> Ids:
    """Return the agents that an agent follows, uint32, ascending; without muted ones."""
    ties = world.ties
    if ties.back is not None or ties.slab is not None:
        live = ties.reverse.live
        start, length = (int(x) for x in live.rows[agent])
        heard: Ids = live.ids[start : start + length].copy()
        return heard
    places = np.flatnonzero(ties.targets == agent)
    return (np.searchsorted(ties.rows[:, 0], places, "right") - 1).astype(np.uint32)


def _ties(world: World, agent: int) -> tuple[tuple[str, int, tuple[str, ...]], ...]:
    """Return (kind, count, some names) of ties: those with most followers first."""
    fans = world.ties.out_degree
    kinds = {"follows": heard_by(world, agent), "followers": world.ties.listeners(agent)}
    slab = world.ties.slab
    if world.ties.kind.size if slab is None else slab.columns.kind.size:
        kinds["friends"] = world.neighbours(agent, "friends")
    if world.relationships.blocklist:
        for kind in ("muted", "blocked", "blocked by"):
            kinds[kind] = world.neighbours(agent, kind)
    told = []
    for kind, ids in kinds.items():
        if ids.size or kind in {"follows", "followers"}:
            best = ids[np.argsort(-fans[ids].astype(np.int64), kind="stable")[:MOST_NAMED]]
            named = tuple(_named(world, agent, int(one), kind) for one in best)
            told.append((kind, int(ids.size), named))
    return tuple(told)


def _named(world: World, agent: int, other: int, kind: str) -> str:
    """Return the name of the other end of a tie, and the type of the tie, if it has one."""
    name = world.agents.name(other)
    if kind not in {"follows", "followers", "friends"}:
        return name
    ends = (agent, other) if kind == "followers" else (other, agent)
    found = world.tie_records.find(*ends)
    return f"{name} ({found.type})" if found is not None and found.type else name


def _changes(world: World, agent: int) -> tuple[tuple[int, str, str, bool], ...]:
    if not world.relationships.log:
        return ()
    history = world.tie_history(agent)
    rows = list(zip(*(column[-MOST_NAMED:].tolist() for column in history), strict=True))
    return tuple(
        (tick, ACTS[act], world.agents.name(other if who == agent else who), who != agent)
        for tick, act, who, other in reversed(rows)
    )


@dataclass(frozen=True, slots=True, eq=False)
class Ego:
    """An agent and its neighbours."""

    agents: npt.NDArray[np.int64]
    names: tuple[str, ...]
    hears: npt.NDArray[np.bool_]
    heard: npt.NDArray[np.bool_]
    a: npt.NDArray[np.int64]
    b: npt.NDArray[np.int64]
    total: int
    listeners: npt.NDArray[np.int64]
    community: npt.NDArray[np.int64]


def around(world: World, agent: int, most: int = 24, path: Sequence[int] = ()) -> Ego:
    """Return an agent and at most ``most`` neighbours: mutual first, then by followers.

    The members of ``path`` are among them, also if they are no neighbours.
    """
    if not 0 <= agent < len(world.agents):
        raise InputError(f"No agent {agent}: agents are 0 to {len(world.agents) - 1}.")
    heard_by_it, fans = heard_by(world, agent), world.ties.out_degree
    hearing_it = world.ties.listeners(agent)
    both = np.union1d(heard_by_it, hearing_it).astype(np.uint32)
    mutual = np.isin(both, heard_by_it) & np.isin(both, hearing_it)
    best = both[np.lexsort((both, -fans[both].astype(np.int64), ~mutual))[:most]]
    also = [one for one in path if one != agent and one not in best]
    ids = np.concatenate([np.array([agent], np.uint32), best, np.array(also, np.uint32)])
    order = np.argsort(ids)
    pairs: set[tuple[int, int]] = set()
    for place, agent in enumerate(ids.tolist()):
        inside = np.isin(ids[order], world.ties.listeners(agent))
        pairs |= {(min(place, p), max(place, p)) for p in order[inside].tolist() if p != place}
    ends = np.array(sorted(pairs), np.int64).reshape(-1, 2)
    a, b = ends[:, 0], ends[:, 1]
    return Ego(
        ids.astype(np.int64), tuple(world.agents.name(int(i)) for i in ids),
        np.isin(ids, heard_by_it), np.isin(ids, hearing_it), a, b, int(both.size),
        fans[ids].astype(np.int64), world.agents.community[ids].astype(np.int64),
    )  # fmt: skip


MOST = 200
"""Newest lifecycle transitions that are returned."""

Told = tuple[int, str, str, str, str]


def moves_told(world: World, start: int = 0, stop: int | None = None) -> tuple[int, list[Told]]:
    """Return the number of lifecycle transitions in some ticks, and the newest of them."""
    moves, agents = world.moves(start, stop), world.agents
    newest = zip(*(column[::-1][:MOST].tolist() for column in moves), strict=True)
    stage = [one.name.lower() for one in Lifecycle]
    return moves.tick.size, [
        (tick, str(agents.id(who)), agents.name(who), stage[before], stage[after])
        for tick, who, before, after in newest
    ]


MOST_LINES = 20
"""Newest lines of a member's own history that are returned; below it: characters of a text."""
LONGEST = 2000
_LETTERS = (Act.DIRECT_MESSAGE, Act.GROUP_MESSAGE)


@dataclass(frozen=True, slots=True)
class MemberCharacter:
    """The character of one agent for an inspector."""

    archetype: str
    credulity: float
    verification: float
    known: tuple[tuple[str, float], ...]
    opinions: tuple[tuple[str, float], ...]
    mood: float | None
    late: int | None
    groups: tuple[str, ...]
    biography: str
    persona: str
    profile: tuple[tuple[str, str], ...]
    history: tuple[tuple[int, str], ...]
    letters: tuple[tuple[int, str, str], ...]
    language: str = ""


def inner_of(world: World, agent: int) -> MemberCharacter:
    """Return the character of an agent; reads only columns of that agent."""
    history = world.personal_history(agent)
    agents, texts = world.agents, world.agents.lore.cold
    opinions = [(topic, float(world.opinions[topic][agent])) for topic in world.opinions]
    mood, late = _on_platform(world, agent)
    return MemberCharacter(
        ARCHETYPES[int(archetype(agents, [agent])[0])],
        float(credulity(agents, [agent])[0]),
        float(verification(agents, [agent])[0]),
        _known(world, agent),
        tuple(each for each in opinions if not math.isnan(each[1])),
        mood,
        late,
        tuple(world.groups.names[number] for number in world.groups.of(agent)),
        texts.text(agent, "biography")[:LONGEST],
        texts.text(agent, "persona")[:LONGEST],
        tuple((str(k), str(v)[:LONGEST]) for k, v in texts.get(agent).get("more", {}).items()),
        tuple(history[::-1][:MOST_LINES]),
        _letters(world, agent),
        agents.language_name(agent),
    )


def _known(world: World, agent: int) -> tuple[tuple[str, float], ...]:
    mask = int(world.agents.interests[agent])
    bits = [bit for bit in range(mask.bit_length()) if mask >> bit & 1]
    shares = expertise(world.agents, agent, bits).tolist() if bits else []
    return tuple(zip(world.agents.vocabulary.names(mask), shares, strict=True))


def _letters(world: World, agent: int) -> tuple[tuple[int, str, str], ...]:
    """Return the newest direct messages; the log is searched only if it has any."""
    platform = world.platform
    if platform is None:
        return ()
    kept = range(max(platform.tick - platform.log.ticks, 0), platform.tick + 1)
    if not any(platform.log.count(tick, act) for tick in kept for act in _LETTERS):
        return ()
    name = world.agents.name
    newest = platform.inbox(agent)[::-1][:MOST_LINES]
    return tuple((tick, name(sender), text[:LONGEST]) for tick, sender, text in newest)


def _on_platform(world: World, agent: int) -> tuple[float | None, int | None]:
    platform = world.platform
    if platform is None or agent >= len(platform.members):  # it joins with the next tick
        return None, None
    felt = platform.held.get(MOOD)
    mood = float(felt[agent]) if felt is not None and agent < felt.size else 0.0
    return mood, SHIFTS[int(platform.members.chronotype[agent])]


MOST_DEEDS = 60
"""Newest acts of a member that are returned."""

_STRETCH = 64
"""Ticks that are searched at once, backwards from the last."""

_LONGEST = 120


class Inspected(NamedTuple):
    """A member."""

    member: MemberDetails
    feed: MemberFeed | None
    ego: Ego | None
    inner: MemberCharacter | None = None
    past: tuple[tuple[int, str, str], ...] | None = None


class _ActSources(NamedTuple):
    """Where to look up the acts of a member: in memory, and in a file."""

    traces: ActIndex
    path: Path | None
    agents: Agents
    seed: int
    agent: int


Taken = tuple[
    Any, MemberFeed | None, Ego | None, MemberCharacter, "_ActSources | None", Callable[[int], str]
]


def inspected(
    world: World, agent: int, ties: bool = False, past: bool = False, path: Sequence[int] = ()
) -> Taken:
    """Read a member; ``ties``: with its neighbours, and ``path``; ``past``: with its acts."""
    told = about(world, agent)
    ego = around(world, agent, path=path) if ties else None
    where = _where(world, agent) if past else None
    return told, feed_of(world, agent), ego, inner_of(world, agent), where, world.agents.name


def _where(world: World, agent: int) -> _ActSources:
    beside = next((each for each in world.watchers if isinstance(each, HistoryWriter)), None)
    recent, path = (None, None) if beside is None else (beside.behind, beside.path)
    return _ActSources(ActIndex.of(world, recent), path, world.agents, world.seed, agent)


async def inspected_of(taken: Taken) -> Inspected:
    """Return the member with the messages that it adopted, and from whom by name."""
    told, feed, ego, inner, where, name = taken
    member = await in_thread(member_of, told)
    adopted = tuple(
        (number, tick, name(int(whence)) if whence else "", text)
        for number, tick, whence, text in member.adopted
    )
    member = replace(member, adopted=adopted)
    return Inspected(member, feed, ego, inner, None if where is None else await _past(where))


async def _past(where: _ActSources) -> tuple[tuple[int, str, str], ...]:
    """Return the newest acts of a member; those on the disk only if they can be read."""
    try:
        record = await read_record(where.traces, where.path)
        return await read_history_file(record.file, _find_past(record, where))
    except SnapshotError as error:
        return ((where.traces.tick, one_line(str(error), _LONGEST), ""),)


def _find_past(record: Record, where: _ActSources) -> Lookup[tuple[tuple[int, str, str], ...]]:
    found = []
    for deed in (yield from _find_newest(record, where.agent)):
        text = yield from _find_text(record, deed, where)
        found.append((deed.tick, deed.act.says, text))
    return tuple(found)


def _find_newest(record: Record, agent: int) -> Lookup[list[RecordedAct]]:
    """Look up the newest acts, latest first; read no more ticks than necessary."""
    ticks, found = record.ticks, list[RecordedAct]()
    while ticks and len(found) < MOST_DEEDS:
        ticks, some = ticks[:-_STRETCH], ticks[-_STRETCH:]
        deeds = yield from record.find_deeds(agent, first=some[0], last=some[-1])
        found += deeds[::-1]
    return found[:MOST_DEEDS]


def _find_text(record: Record, deed: RecordedAct, where: _ActSources) -> Lookup[str]:
    """Look up the text of an act's message, or the name of the member that the act concerns."""
    post = yield from record.find_behind(deed)
    if post is None:
        known = 0 <= deed.other < len(where.agents)
        return where.agents.name(deed.other) if known else ""
    said = said_in(where.agents, where.seed, post.number, post.row, post.own)
    return f"m{post.number} {clip(one_line(said), _LONGEST)}"


MOST_TAGS = 9
"""Number of interests compared per member, in the order in which they are written."""

_BITS = np.uint64(7)


class MemberInterests(NamedTuple):
    """Interests of all members."""

    masks: npt.NDArray[np.uint64]
    words: tuple[str, ...]


def take_names(world: World) -> NameSnapshot:
    """Take a snapshot of the members' names."""
    return world.agents.naming()


def take_interests(world: World) -> MemberInterests:
    """Take a snapshot of the members' interests."""
    words = world.agents.vocabulary
    return MemberInterests(world.agents.interests.copy(), words.names((1 << len(words)) - 1))


def by_id(naming: NameSnapshot) -> npt.NDArray[Any]:
    """Return the keys that sort members by id, (n,)."""
    return naming.ids()


def by_name(naming: NameSnapshot) -> npt.NDArray[np.uint32]:
    """Return the keys that sort members by name, uint32 (n,)."""
    return naming.names()


def by_interests(tagged: MemberInterests) -> npt.NDArray[np.uint64]:
    """Return keys uint64 (n,) that sort members by up to nine interests, those without any last."""
    left, keys = tagged.masks.copy(), np.zeros(tagged.masks.size, np.uint64)
    rank = np.append(text_ranks(tagged.words) + np.uint32(1), np.uint32(0)).astype(np.uint64)
    nobody = len(tagged.words)
    for _ in range(MOST_TAGS):
        lowest = left & (~left + ONE)
        bit = np.where(left > 0, np.bitwise_count(lowest - ONE), nobody)
        keys = (keys << _BITS) | rank[bit]
        left ^= lowest
    keys[tagged.masks == 0] = ~np.uint64(0)
    return keys


ORDERS: dict[str, tuple[Callable[..., Any], Callable[[Any], npt.NDArray[Any]]]] = {
    "id": (take_names, by_id),
    "name": (take_names, by_name),
    "interest": (take_interests, by_interests),
}
"""Column to (function that takes a snapshot of the world, function that makes sort keys of it)."""
