"""The query why a member was shown a message, in the last tick or an earlier one that is rerun."""

from __future__ import annotations

from functools import partial
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from sim.core.progress import Report, quiet
from sim.errors import InputError
from sim.platform.feed.why import Why
from sim.platform.tick import keep_feeds
from sim.runtime.jobs import in_thread
from sim.runtime.journal.acts import apply
from sim.runtime.replay import can_begin, replay
from sim.runtime.saves.places import has_journal
from sim.runtime.travel import place_in_journal
from sim.runtime.undo_history import OutOfReachError
from sim.store import load
from sim.store.journal.lineage import is_of_file
from sim.store.journal.recovery import earliest, rebuild
from sim.store.snapshot.files import as_path
from sim.world.world import World

if TYPE_CHECKING:
    from sim.runtime.engine.thread_client import ThreadEngine


async def why(
    engine: ThreadEngine, report: Report, viewer: int, message: int, tick: int | None
) -> Why:
    """Return why a member was shown a message, now or in an earlier tick, which is run again.

    The query is for a running world (:meth:`sim.runtime.Simulation.why`), which stays at its tick.
    """
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
