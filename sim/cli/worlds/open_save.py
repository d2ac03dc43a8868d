"""Opening and saving of the worlds that verbs name: ``open_world``, ``save_world`` and more."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from sim.cli.program.output import tell
from sim.core.progress import Report
from sim.errors import FileError
from sim.scenario.worlds import ImportedWorld, NewWorld, named_world

if TYPE_CHECKING:
    from sim.world.world import World

__all__ = ["AUTHOR", "import_words", "new_words", "open_world", "save_made", "save_world"]

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


def new_words(order: NewWorld) -> list[str]:
    """Return the options of ``hubbub new`` that make it again."""
    options: list[tuple[str, object]] = [("--degrees", order.degrees)]
    if order.degrees is None:
        options = [
            ("--agents", order.agents),
            ("--network", order.network),
            ("--mean-degree", _exact(order.mean_degree)),
        ]
    options.append(("--seed", order.seed))
    if order.tick_minutes != 60:
        options.append(("--tick-minutes", _exact(order.tick_minutes)))
    options += [("--trust", order.trust)] if order.trust != "full" else []
    options += [("--platform", order.platform)] if order.platform else []
    options += [("-p", f"{name}={value}") for name, value in order.parameters.items()]
    return [str(word) for option in options for word in option]


def _exact(value: float) -> str:
    return repr(float(value)).removesuffix(".0")


def import_words(order: ImportedWorld) -> list[str]:
    """Return the words of ``hubbub import`` that make it again."""
    words = [str(order.file), "--direction", order.direction, "--seed", str(order.seed)]
    words += [] if order.directed else ["--undirected"]
    words += ["--signed"] if order.signed else []
    words += ["--adjacency"] if order.adjacency else []
    words += [] if order.header is None else ["--header" if order.header else "--no-header"]
    usual = ImportedWorld(order.file)
    for name in (
        "columns",
        "weights",
        "times",
        "delimiter",
        "ids",
        "labels",
        "tick_minutes",
        "repeats",
        "relations",
        "properties",
    ):
        value = getattr(order, name)
        if value != getattr(usual, name):
            words += [f"--{name.replace('_', '-')}", str(value)]
    return words


def save_world(
    world: World, path: Path, report: Report, *, force: bool = False, way_out: str = ""
) -> str:
    """Save a world, and say so in one line.

    Parameters
    ----------
    world, path, report
        As of ``sim.store.save``.
    force
        Also where the file holds the same world further on, or another one.
    way_out
        How a person can replace it all the same, such as ``"add --force to replace it"``.

    Raises
    ------
    FileError
        When it cannot be written, or something would be lost and ``force`` is not given.
    """
    from sim.runtime.journal.replacing import another_world, lost_by_saving
    from sim.store import save

    if not force and (lost := lost_by_saving(world, path) or another_world(world, path)):
        ways = " or ".join(filter(None, (way_out, "choose another name")))
        raise FileError(path, f"{lost}; {ways}")
    verb = "Replaced" if path.exists() else "Saved"
    done = save(world, path, report=report)
    return f"{verb} {shlex.quote(str(path))}: {done.bytes / 2**20:,.1f} MB in {done.seconds:.2f} s."


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
    from sim.runtime.journal.replacing import make_way, require_free

    require_free(path, force=force)
    kept = make_way(path) if force else ""
    saved = save_world(world, path, report, force=True)
    return f"{saved}\n{kept}" if kept else saved
