"""The inspector's query: all that a screen shows of one member; for :meth:`Simulation.query`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from sim.core.text import clip, one_line
from sim.errors import SnapshotError
from sim.platform.acts.tick_record import said_in
from sim.runtime.jobs import in_thread
from sim.runtime.journal.history import HistoryWriter
from sim.runtime.queries.character import MemberCharacter, inner_of
from sim.runtime.queries.feeds import MemberFeed, feed_of
from sim.runtime.queries.members import Ego, MemberDetails, about, around, member_of
from sim.store.history.acts import ActIndex, Record, RecordedAct
from sim.store.reading import read_history_file, read_record
from sim.store.sans_io import Lookup

if TYPE_CHECKING:
    from sim.agents.columns import Agents
    from sim.world.world import World

__all__ = ["Inspected", "inspected", "inspected_of"]

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
    """Take what is known of a member; ``ties``: and those tied to it; ``past``: and its acts.

    Raises
    ------
    InputError
        When there is no such agent.
    """
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
