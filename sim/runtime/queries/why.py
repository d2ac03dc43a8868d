"""Why a member adopted a message, or was shown it: in the last tick, or an earlier one, rerun."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sim.arrays import I32
from sim.core.progress import Report, quiet
from sim.core.text import plural
from sim.errors import InputError
from sim.jit.claims import NOBODY
from sim.platform.feed.why import Why
from sim.platform.tick import keep_feeds
from sim.runtime.jobs import in_thread
from sim.runtime.journal.acts import apply
from sim.runtime.queries.members import heard_by
from sim.runtime.replay import can_begin, replay
from sim.runtime.saves.places import has_journal
from sim.runtime.travel import place_in_journal
from sim.runtime.undo_history import OutOfReachError
from sim.spread.cascade.cascade import Cascade
from sim.store import load
from sim.store.journal.lineage import is_of_file
from sim.store.journal.recovery import earliest, rebuild
from sim.store.snapshot.files import as_path
from sim.world.world import World

if TYPE_CHECKING:
    from sim.runtime.engine.thread_client import ThreadEngine


@dataclass(frozen=True, slots=True)
class ChainStep:
    """One adoption of a :class:`Chain`.

    Attributes
    ----------
    tick
        Of the first adoption.
    member, name
        Index and name of the member.
    source, source_name
        From whom it adopted; -1 and ``""`` for a seed, and for a member that adopted on its own.
    heard, follows
        Members that it follows now, and how many of them had adopted before that tick; -1:
        not counted, as looking for them would take too long.
    is_seed
        Whether it was a seed.
    """

    tick: int
    member: int
    name: str
    source: int = -1
    source_name: str = ""
    heard: int = -1
    follows: int = -1
    is_seed: bool = False


@dataclass(frozen=True, slots=True)
class Chain:
    """Through whom a message reached a member: steps from the member up to a seed."""

    message: int
    text: str
    steps: tuple[ChainStep, ...]

    @property
    def sentence(self) -> str:
        """The chain in words."""
        first, *others = self.steps
        said = f"{first.name} adopted at tick {first.tick:,}"
        said += "".join(f" from {one.name}, who adopted at tick {one.tick:,}" for one in others)
        return f"{said} {'as a seed' if self.steps[-1].is_seed else 'on its own'}."


_MOST_LOOKED_AT = 50_000_000
"""Ties that may be searched for whom the members of a chain follow."""


_NAMED = 3
"""Members named from whom one that did not adopt may have heard a message."""


def chain_of(world: World, member: int, message: int | None = None) -> Chain:
    """Return through whom a member adopted a message; None: the newest that it adopted.

    Raises
    ------
    InputError
        If it did not adopt it, or the model does not record from whom members adopt.
    """
    name, cascades = world.agents.name(member), world.cascades
    if message is None:
        newest = reversed(cascades)
        story = next(
            (c for c in newest if (c.adopters == member).any()), cascades[-1] if cascades else None
        )
        if story is None:
            raise InputError(f"{name} has not adopted any message: none has been sent.")
    else:
        story = cascades.find(message)
        if story is None:
            raise InputError(f"There is no message #{message}.")
    log, place = story.log, np.full(story.agents, -1, np.int32)
    place[log.agents] = np.arange(log.size)
    at, ids, seen = int(place[member]) if member < story.agents else -1, [], set()
    if at < 0:
        told = _heard(world, story, place, member)
        raise InputError(f"{name} has not adopted message #{story.id}. {told}")
    while at >= 0 and at not in seen:
        seen.add(at)
        ids.append(at)
        source = int(log.sources[at])
        at = -1 if source == NOBODY else int(place[source])
    seeds = set(story.seeds.tolist())
    if len(ids) == 1 and member not in seeds and (log.sources == NOBODY).all():
        raise InputError(f"{story.model_name} does not record from whom members adopt.")
    known = world.ties.back is not None or world.ties.slab is not None
    is_quick = known or world.ties.count * len(ids) <= _MOST_LOOKED_AT
    steps = []
    for k, entry in enumerate(ids):
        who, tick, source = int(log.agents[entry]), int(log.ticks[entry]), int(log.sources[entry])
        has_source, heard, follows = source != NOBODY, -1, -1
        if is_quick or k == 0:
            followed = heard_by(world, who)
            before = place[followed[followed < story.agents]]
            heard = int((log.ticks[before[before >= 0]] < tick).sum())
            follows = followed.size
        steps.append(
            ChainStep(
                tick, who, world.agents.name(who), source if has_source else -1,
                world.agents.name(source) if has_source else "", heard, follows,
                who in seeds and not has_source,
            )
        )  # fmt: skip
    return Chain(story.id, story.text, tuple(steps))


def _heard(world: World, story: Cascade, place: I32, member: int) -> str:
    """Return from whom a member that did not adopt may have heard a message."""
    followed = heard_by(world, member)
    at = np.sort(place[followed[followed < story.agents]])
    at = at[at >= 0]
    of = f"of {plural(followed.size, 'member')} followed"
    if not at.size:
        return f"None {of} has adopted, so nothing arrived by ties."
    log, more = story.log, at.size - _NAMED
    named = ", ".join(
        f"{world.agents.name(int(log.agents[i]))} (tick {int(log.ticks[i]):,})"
        for i in at[:_NAMED].tolist()
    )
    others = f" and {more:,} more" if more > 0 else ""
    have = "have" if at.size > 1 else "has"
    return f"{at.size:,} {of} {have} adopted: {named}{others}."


async def why(
    engine: ThreadEngine, report: Report, viewer: int, message: int, tick: int | None
) -> Why:
    """Return why a member was shown a message, now or in an earlier tick, which is run again."""
    live, past = engine.live, tick

    def now() -> Why | World:
        nonlocal past
        world = live.world
        past = world.tick if tick is None else tick
        if past == world.tick and (
            world.platform is None or world.platform.exposures.taken is None
        ):
            return _told(world, viewer, message, live.name)
        _refuse_tick(world, past)
        return live.persistence.past.seen(past, report=report)

    try:
        found: Why | World = await engine.do(now, is_long=True, is_safe=True)
    except OutOfReachError as error:
        past = past or 0
        place = await engine.do(partial(place_in_journal, live, past, error), is_safe=True)
        found = await in_thread(_again, place.path, place.line, past, report)
    return found if isinstance(found, Why) else _told(found, viewer, message, live.name)


def _again(file: Path, line: int, tick: int, report: Report) -> World:
    world = rebuild(file, tick - 1, apply, number=line, report=report).world
    keep_feeds(world)
    world.step()
    return world


def _told(world: World, viewer: int, message: int, name: str) -> Why:
    if world.platform is None:
        raise InputError(f"{name} has no platform, so there are no feeds.")
    return world.platform.why(viewer, message)


def _refuse_tick(now: World, tick: int) -> None:
    if now.tick == 0:
        raise InputError("The world is at tick 0, so there are no feeds yet; run it first.")
    if not 1 <= tick <= now.tick:
        raise InputError(
            f"The world is at tick {now.tick:,} and has feeds of ticks 1 to {now.tick:,}; "
            f"got {tick:,}."
        )


def as_it_was(
    path: str | PathLike[str], tick: int | None = None, *, report: Report = quiet
) -> World:
    """Return a saved world with a tick's feeds run again, from its journal or its first act."""
    file = as_path(path)
    now = load(file, report=report)
    tick = now.tick if tick is None else tick
    _refuse_tick(now, tick)
    world = _before(file, now, tick - 1, report)
    keep_feeds(world)
    world.step()
    return world


def _before(file: Path, now: World, tick: int, report: Report) -> World:
    """Return the world as it left a tick: from its journal, if that reaches back so far."""
    why = can_begin(now.trail.acts)
    if has_journal(file) and is_of_file(file) and (why or earliest(file) <= tick):
        return rebuild(file, tick, apply, report=report).world
    if why:
        raise InputError(
            f"Cannot go back to tick {tick:,}: {file.name} has no journal (hubbub run FILE "
            f"--journal), and it cannot be replayed: {why}."
        )
    again = replay(now.trail.acts, to=tick, report=report)
    if not again.is_same:
        raise InputError(f"Replaying tick {tick:,} gives a different result. {again.findings[0]}")
    return again.world


def explain(
    path: str | PathLike[str],
    viewer: int,
    message: int,
    tick: int | None = None,
    *,
    report: Report = quiet,
) -> Why:
    """Return why a member of a saved world was shown a message.

    Parameters
    ----------
    path, tick, report
        As in :func:`as_it_was`.
    viewer, message
        The index of the member, the number of the message.

    Raises
    ------
    InputError, FileError, SnapshotError
        If it was not shown the message then, there is no platform, or that tick cannot be reached.
    """
    world = as_it_was(path, tick, report=report)
    return _told(world, viewer, message, as_path(path).name)
