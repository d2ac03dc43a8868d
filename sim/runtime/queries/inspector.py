"""The inspector's query: all that a screen shows of one member; for :meth:`Simulation.query`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from sim.core.text import clip, one_line
from sim.errors import SnapshotError
from sim.platform.acts.tick_record import said_in
from sim.runtime.journal.history import HistoryWriter
from sim.runtime.queries.character import MemberCharacter, inner_of
from sim.runtime.queries.feeds import MemberFeed, feed_of
from sim.runtime.queries.members import Ego, MemberDetails, about, around, member_of
from sim.store.history.acts import ActIndex, Record, RecordedAct, record_of

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


def inspected_of(taken: Taken) -> Inspected:
    """Return the member, with the messages that it adopted."""
    told, feed, ego, inner, where = taken
    return Inspected(member_of(told), feed, ego, inner, None if where is None else _past(where))


def _past(where: _ActSources) -> tuple[tuple[int, str, str], ...]:
    """Return the newest acts of a member; those of the disk only where they can be read."""
    try:
        record = record_of(where.traces, where.path)
        deeds = _newest(record, where.agent)
        return tuple((deed.tick, deed.act.says, _text(record, deed, where)) for deed in deeds)
    except SnapshotError as error:
        return ((where.traces.tick, one_line(str(error), _LONGEST), ""),)


def _newest(record: Record, agent: int) -> list[RecordedAct]:
    """Return the newest acts of a member, the last first; no more ticks are read than it takes."""
    ticks, found = record.ticks, list[RecordedAct]()
    while ticks and len(found) < MOST_DEEDS:
        ticks, some = ticks[:-_STRETCH], ticks[-_STRETCH:]
        found += record.of(agent, first=some[0], last=some[-1])[::-1]
    return found[:MOST_DEEDS]


def _text(record: Record, deed: RecordedAct, where: _ActSources) -> str:
    """Return what the message of an act says; else whom the act concerns."""
    post = record.behind(deed)
    if post is None:
        known = 0 <= deed.other < len(where.agents)
        return where.agents.name(deed.other) if known else ""
    said = said_in(where.agents, where.seed, post.number, post.row, post.own)
    return f"m{post.number} {clip(one_line(said), _LONGEST)}"
