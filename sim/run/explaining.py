"""Why a member was shown a message, in the last tick or an earlier one, which is run again."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from sim.core.progress import Report, quiet
from sim.errors import InputError
from sim.run.keeper_acts import apply
from sim.run.places import has_journal
from sim.run.replay import can_begin, replay
from sim.store import load
from sim.store.header import as_path
from sim.store.rebuild import rebuild
from sim.world.platform_why import Why
from sim.world.world import World

__all__ = ["as_it_was", "explain"]


def as_it_was(
    path: str | PathLike[str], tick: int | None = None, *, report: Report = quiet
) -> World:
    """Return a saved world with the feeds of a tick, which is run again; the file stays.

    Its journal takes it to the tick before. A world without one is made again from its first act.

    Parameters
    ----------
    path
        The world's file.
    tick
        From 1 to the tick of the file; None: that one.
    report
        Told of progress; may cancel.

    Raises
    ------
    InputError, FileError, SnapshotError
        When the world never was at that tick, or cannot be brought back there.
    """
    file = as_path(path)
    now = load(file, report=report)
    tick = now.tick if tick is None else tick
    if not 1 <= tick <= now.tick:
        raise InputError(
            f"The world is at tick {now.tick:,}, and feeds were made in ticks 1 to {now.tick:,}; "
            f"got {tick:,}."
        )
    world = _before(file, now, tick - 1, report)
    world.step()
    return world


def _before(file: Path, now: World, tick: int, report: Report) -> World:
    """Return the world as it was when it left a tick."""
    if has_journal(file):
        return rebuild(file, tick, apply, report=report).world
    why = can_begin(now.trail.acts)
    if why:
        raise InputError(
            f"Nothing leads back to tick {tick:,}: {file.name} has no journal (hubbub run FILE "
            f"--journal), and it cannot be made again: {why}."
        )
    return replay(now.trail.acts, to=tick, report=report).world


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
        As :func:`as_it_was` takes them.
    viewer, message
        The index of the member, the number of the message.

    Raises
    ------
    InputError, FileError, SnapshotError
        When it was not shown it then, there is no platform, or nothing leads back there.
    """
    world = as_it_was(path, tick, report=report)
    if world.platform is None:
        raise InputError(f"{as_path(path).name} has no platform, so nobody reads a feed.")
    return world.platform.why(viewer, message)
