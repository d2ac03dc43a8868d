"""The inspector's query: all that a screen shows of one member; for :meth:`Simulation.query`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from sim.agents.character import ARCHETYPES, archetype, credulity, expertise, verification
from sim.core.text import clip, one_line
from sim.errors import SnapshotError
from sim.platform.acts.kinds import Act
from sim.platform.acts.moods import MOOD
from sim.platform.acts.tick_record import said_in
from sim.platform.rhythm import SHIFTS
from sim.runtime.jobs import in_thread
from sim.runtime.journal.history import HistoryWriter
from sim.runtime.queries.feeds import MemberFeed, feed_of
from sim.runtime.queries.members import Ego, MemberDetails, about, around, member_of
from sim.store.history.acts import ActIndex, Record, RecordedAct
from sim.store.reading import read_history_file, read_record
from sim.store.snapshot.gates import Lookup

if TYPE_CHECKING:
    from sim.agents.columns import Agents
    from sim.world.world import World


MOST_LINES = 20
"""Lines of a member's own history that are told, the newest; and characters of a text."""
LONGEST = 2000
_LETTERS = (Act.DIRECT_MESSAGE, Act.GROUP_MESSAGE)


@dataclass(frozen=True, slots=True)
class MemberCharacter:
    """One agent from inside, as an inspector shows it."""

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


def inner_of(world: World, agent: int) -> MemberCharacter:
    """Return what an agent is like inside; reads of that agent alone."""
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
    )


def _known(world: World, agent: int) -> tuple[tuple[str, float], ...]:
    mask = int(world.agents.interests[agent])
    bits = [bit for bit in range(mask.bit_length()) if mask >> bit & 1]
    shares = expertise(world.agents, agent, bits).tolist() if bits else []
    return tuple(zip(world.agents.vocabulary.names(mask), shares, strict=True))


def _letters(world: World, agent: int) -> tuple[tuple[int, str, str], ...]:
    """Return the newest letters; the log is gone through only where there are any."""
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
    if platform is None or agent >= len(platform.members):  # it signs up with the next tick
        return None, None
    felt = platform.held.get(MOOD)
    mood = float(felt[agent]) if felt is not None and agent < felt.size else 0.0
    return mood, SHIFTS[int(platform.members.chronotype[agent])]


MOST_DEEDS = 60
"""Acts of a member that are told, the newest."""

_STRETCH = 64
"""Ticks that are looked through at once, back from the last."""

_LONGEST = 120


class Inspected(NamedTuple):
    """A member.

    Attributes
    ----------
    member
        As it is.
    feed
        What the platform knows of it; None without one.
    ego
        Those tied to it, where they were asked for.
    inner
        What it is like inside.
    past
        (tick, what it did, what that says) of its newest acts, however long ago; None where they
        were not asked for.
    """

    member: MemberDetails
    feed: MemberFeed | None
    ego: Ego | None
    inner: MemberCharacter | None = None
    past: tuple[tuple[int, str, str], ...] | None = None


class _ActSources(NamedTuple):
    """Where the acts of a member are found: in memory, and in a file."""

    traces: ActIndex
    path: Path | None
    agents: Agents
    seed: int
    agent: int


Taken = tuple[Any, MemberFeed | None, Ego | None, MemberCharacter, "_ActSources | None"]


def inspected(world: World, agent: int, ties: bool = False, past: bool = False) -> Taken:
    """Take what is known of a member; ``ties``: and those tied to it; ``past``: and its acts."""
    told = about(world, agent)
    ego = around(world, agent) if ties else None
    where = _where(world, agent) if past else None
    return told, feed_of(world, agent), ego, inner_of(world, agent), where


def _where(world: World, agent: int) -> _ActSources:
    beside = next((each for each in world.watchers if isinstance(each, HistoryWriter)), None)
    recent, path = (None, None) if beside is None else (beside.behind, beside.path)
    return _ActSources(ActIndex.of(world, recent), path, world.agents, world.seed, agent)


async def inspected_of(taken: Taken) -> Inspected:
    """Return the member, with the messages that it adopted."""
    told, feed, ego, inner, where = taken
    member = await in_thread(member_of, told)
    return Inspected(member, feed, ego, inner, None if where is None else await _past(where))


async def _past(where: _ActSources) -> tuple[tuple[int, str, str], ...]:
    """Return the newest acts of a member; those of the disk only where they can be read."""
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
    """Look the newest acts up, the last first; no more ticks are read than it takes."""
    ticks, found = record.ticks, list[RecordedAct]()
    while ticks and len(found) < MOST_DEEDS:
        ticks, some = ticks[:-_STRETCH], ticks[-_STRETCH:]
        deeds = yield from record.find_deeds(agent, first=some[0], last=some[-1])
        found += deeds[::-1]
    return found[:MOST_DEEDS]


def _find_text(record: Record, deed: RecordedAct, where: _ActSources) -> Lookup[str]:
    """Look up what the message of an act says; else whom the act concerns."""
    post = yield from record.find_behind(deed)
    if post is None:
        known = 0 <= deed.other < len(where.agents)
        return where.agents.name(deed.other) if known else ""
    said = said_in(where.agents, where.seed, post.number, post.row, post.own)
    return f"m{post.number} {clip(one_line(said), _LONGEST)}"
