"""Opening and saving of the worlds that verbs name: ``open_world``, ``save_world`` and more."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from sim.cli.program.output import tell
from sim.core.progress import Report
from sim.errors import FileError
from sim.scenario.worlds import named_world

if TYPE_CHECKING:
    from sim.runtime.journal.writer import JournalWriter
    from sim.world.world import World


AUTHOR = "command line"
"""Who asks for what the verbs do, as the log of a world's acts has it."""


def open_world(where: str, report: Report, *, seed: int | None = None) -> World:
    """Return the world that a person names; what it remarks is told.

    Parameters
    ----------
    where, report, seed
        As of :func:`~sim.scenario.worlds.named_world`.
    """
    return named_world(where, report, seed=seed, tell=tell, author=AUTHOR)


def save_world(
    world: World,
    path: Path,
    report: Report,
    *,
    force: bool = False,
    way_out: str = "",
    keeper: JournalWriter | None = None,
    number: int | None = None,
) -> str:
    """Save a world, and say so in a line; in another, what lived there and is put aside.

    Parameters
    ----------
    world, path, report
        As of ``sim.store.save``.
    force
        Also where the file holds the same world further on, or another one.
    way_out
        How a person can replace it all the same, such as ``"add --force to replace it"``.
    keeper
        Writes the world's journal, if it has one: beside the file, it goes on from there.
    number
        The entry of the journal beside the file that led to the world, if one did.

    Raises
    ------
    FileError
        When it cannot be written, or something would be lost and ``force`` is not given.
    LeaseError
        When another process has open what lives there.
    """
    from sim.runtime.saves.places import (
        another_world,
        has_journal,
        held_by_another,
        lost_by_saving,
        make_way,
        note_saved,
    )
    from sim.store import info, save
    from sim.store.journal.lease import LeaseError

    if not force and (lost := lost_by_saving(world, path) or another_world(world, path)):
        ways = " or ".join(filter(None, (way_out, "choose another name")))
        raise FileError(path, f"{lost}; {ways}")
    verb = "Replaced" if path.exists() else "Saved"
    own = keeper if keeper is not None and keeper.lies_by(path) else None
    mark = None if own is None else own.mark(world)
    kept = ""
    if own is not None and mark is not None:
        own.settle(mark)
        number = mark.number
    elif holder := held_by_another(path):
        raise LeaseError(path, f"in use by {holder}; close it there, or save under another name")
    elif number is None and has_journal(path):
        kept = make_way(path, drop=False)
    done = save(world, path, report=report)
    if own is not None and mark is not None:
        own.saved(world, path, info(path).digest, mark)
    if number is not None:
        note_saved(path, number)
    if keeper is not None and own is None:
        of = shlex.quote(str(keeper.folder.with_suffix("")))
        beside = f"The journal is of {of}: past and history go by it."
        kept = "\n".join(filter(None, (kept, beside)))
    size = f"{done.bytes / 2**20:,.1f} MB in {done.seconds:.2f} s."
    return f"{verb} {shlex.quote(str(path))}: {size}" + (f"\n{kept}" if kept else "")


def save_made(world: World, path: Path, report: Report, *, force: bool) -> str:
    """Save a world that was made, where nothing is or what is there may go; says so in a line.

    What lived there in a journal is put aside, never thrown away.

    Parameters
    ----------
    world, path, report
        As of ``sim.store.save``.
    force
        Whether a world that is there may be replaced.

    Raises
    ------
    FileError
        When something is there and ``force`` is not given, or it cannot be written.
    """
    from sim.runtime.saves.places import make_way, require_free

    require_free(path, force=force)
    kept = make_way(path) if force else ""
    saved = save_world(world, path, report, force=True)
    return f"{saved}\n{kept}" if kept else saved
