"""``hubbub run``: recording of members' acts into the history database beside the saved world."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sim.cli.program.output import tell

if TYPE_CHECKING:
    from sim.cli.worlds.recover import JournalledRun
    from sim.world.world import World


class Recorded(NamedTuple):
    """Where what members do in a run is written while it runs.

    Attributes
    ----------
    beside
        The file beside which it lies, which need not exist; None: it is kept nowhere. An engine in
        another process writes there too.
    saved
        Told of the world and its file once that is saved: its history gets the name that goes with
        that.
    """

    beside: Path | None
    saved: Callable[[World, Path | None], None]


@contextmanager
def recorded_run(
    world: World, origin: Path | None, target: Path | None, journal: JournalledRun | None
) -> Iterator[Recorded]:
    """Write what members do while the block runs.

    Parameters
    ----------
    world
        That is run.
    origin
        The file that it is from, if any: what is known of it already goes along.
    target
        The file that it is saved to in the end, if any.
    journal
        Where the run keeps its journal, if it does: then the history lies there at once.

    Yields
    ------
    Recorded
        A run that ends before it is told that the world is saved leaves nothing.
    """
    place = target if journal is None else journal.path
    if place is None:
        yield Recorded(None, _nothing)
        return
    from sim.runtime.journal.history import HistoryWriter
    from sim.runtime.saves.places import has_journal
    from sim.store.history.database import copy_history, drop_history, history_file

    lives = has_journal(place)  # which is put aside as the world is saved, with its own history
    is_there = journal is not None or (
        origin is not None and _are_same(origin, place) and not lives
    )
    beside = place if is_there else place.with_name(f".{place.name}.{os.getpid()}")
    if origin is not None and not _are_same(origin, beside) and not is_there:
        copy_history(origin, beside)
    recording = HistoryWriter(world, beside)

    def saved(done: World, where: Path | None) -> None:
        if done is not recording.world:  # it ran in another process
            recording.follow(done)
            recording.catch_up()
        if where is None:
            return
        if journal is None:
            recording.move(where)
        else:  # which stays where it is
            recording.wait()
            copy_history(place, where)

    try:
        yield Recorded(beside, saved)
    finally:
        recording.close()
        if recording.trouble:
            tell(recording.trouble)
        if not is_there and history_file(beside).exists():
            drop_history(beside)


def _are_same(one: Path, other: Path) -> bool:
    return one.absolute() == other.absolute()


def _nothing(_world: World, _where: Path | None) -> None:
    """There is no file to write beside."""
