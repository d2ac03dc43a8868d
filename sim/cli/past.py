"""``hubbub recover`` and ``hubbub past``: what the journal of a world brings back."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sim import runtime
from sim.cli.exits import FILE, OK
from sim.cli.help import VerbApp
from sim.cli.output import Json, SavedName, as_json, safe, say, table, tell
from sim.cli.start import prepare
from sim.cli.watch import watched
from sim.cli.worlds import AUTHOR, save_world
from sim.core.checks import number_or_word, shown
from sim.errors import FileError, InputError, UnknownNameError

if TYPE_CHECKING:
    from sim.runtime.travel import Travelled
    from sim.store.journal.lineage import Bookmark
    from sim.store.journal.recovery import Recovery


def recover(
    context: typer.Context,
    file: SavedName,
    save: Annotated[Path | None, typer.Option(help="Save the recovered world to a file.")] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Overwrite a file that holds later ticks of this world.")
    ] = False,
    json: Json = False,
) -> None:
    """Recover a world that ran with a journal, and report what was found; changes nothing."""
    prepare(context.obj)
    from sim.runtime.journal.writer import recover as recovered
    from sim.scenario.worlds import saved_path
    from sim.store.journal.journal import folder_of

    path = Path(saved_path(file))
    if save is not None and save.resolve().parent == folder_of(path).resolve():
        raise InputError("Save the recovered world elsewhere, not inside the journal's folder.")
    with watched() as report:
        found = recovered(path, report=report)
        saved = ""
        if save is not None:
            own = save.absolute() == path.absolute() and found.is_whole
            saved = save_world(
                found.world, save, report, force=force, way_out="add --force to replace it",
                number=found.number if own else None,
            )  # fmt: skip
    if json:
        say(as_json(_facts(found, save)))
    else:
        for line in _lines(found):
            say(safe(line))
        say(saved or f"Nothing was changed. To keep it: hubbub recover {file} --save OTHER.hub")
    raise typer.Exit(OK if found.is_whole else FILE)


def _lines(found: Recovery) -> Iterator[str]:
    yield found.sentence
    if found.acked is not None:
        yield f"Acknowledged last: entry {found.acked.number:,}, tick {found.acked.tick:,}."
    yield from found.findings
    if found.lacks and found.lacks not in found.findings:
        yield found.lacks
    if found.is_whole:
        yield "Nothing is missing."


def _facts(found: Recovery, save: Path | None) -> dict[str, Any]:
    acked = found.acked
    checkpoint = dataclasses.asdict(found.checkpoint) | {"digest": found.checkpoint.digest.hex()}
    return {
        "tick": found.tick,
        "entry": found.number,
        "digest": found.world.digest(),
        "acknowledged": None if acked is None else {"entry": acked.number, "tick": acked.tick},
        "checkpoint": checkpoint,
        "replayed": found.replayed,
        "ticks": found.ticks,
        "findings": list(found.findings),
        "whole": found.is_whole,
        "saved": None if save is None else str(save),
        "seconds": found.seconds,
    }


past = VerbApp(
    "Earlier ticks of a world with a journal: name them, go back, or branch off from there. "
    "hubbub run WORLD --journal keeps a journal, and so does the screen."
)
At = Annotated[str | None, typer.Option(help="A tick or a bookmark; default: the current tick.")]


@past.command("branch")
def past_branch(
    context: typer.Context,
    world: SavedName,
    name: Annotated[str, typer.Option(help="Name of the new world, saved beside this one.")],
    at: At = None,
    json: Json = False,
) -> None:
    """Branch: copy a world with a journal at a tick; the original is not changed."""
    prepare(context.obj)
    from sim.store.saves import NAME

    path, tick, line = _live(world)
    if not NAME.fullmatch(name.removesuffix(".hub")):
        raise InputError(f"The name of a world has letters, digits, '.', '_', '-'; got {name!r}.")
    tick, line = _moment(path, at, tick, line)
    target = path.with_name(f"{name.removesuffix('.hub')}.hub")
    with watched() as report:
        made = runtime.branch(path, target, tick, line=line, report=report)
    facts = {"path": str(made.path), "shared": made.shared, **made.lineage._asdict()}
    say(as_json(facts) if json else made.sentence)


@past.command("bookmark")
def past_bookmark(
    context: typer.Context,
    world: SavedName,
    name: Annotated[str | None, typer.Argument(help="Its name; default: list them.")] = None,
    at: At = None,
    remove: Annotated[bool, typer.Option("--remove", help="Remove the bookmark.")] = False,
    json: Json = False,
) -> None:
    """Bookmark a tick of a world with a journal, or list its bookmarks."""
    prepare(context.obj)
    from sim.store.journal.lineage import Bookmark, bookmarks, checked_name, keep_bookmarks

    if name is not None:
        path, tick, line = _live(world)
        if remove:
            gone = _named(path, name)
            keep_bookmarks(path, [each for each in bookmarks(path) if each != gone])
            say(f"Removed bookmark {gone.name}.")
        else:
            mark = Bookmark(checked_name(name), *_moment(path, at, tick, line))
            keep_bookmarks(path, [*(each for each in bookmarks(path) if each.name != name), mark])
            say(f"Bookmarked tick {mark.tick:,} as {mark.name}.")
    if name is None or json:
        list_bookmarks(world, json=json)


def list_bookmarks(where: str, *, json: bool) -> None:
    """Print the bookmarks of a world."""
    from sim.store.journal.lineage import bookmarks
    from sim.store.journal.recovery import earliest, is_kept

    path = _live(where)[0]
    found = bookmarks(path)
    kept = is_kept(path, [(each.tick, each.line) for each in found])
    if json:
        facts = [each._asdict() | {"kept": is_so} for each, is_so in zip(found, kept, strict=True)]
        say(as_json(facts))
        return
    rows = [(f"{each.tick:,}", each.name) for each in found]
    say(table([("tick", "bookmark"), *rows]) if found else "No bookmarks.")
    if gone := [each.name for each, is_so in zip(found, kept, strict=True) if not is_so]:
        tell(
            f"You cannot go back to {', '.join(gone)}: the journal begins at tick "
            f"{earliest(path):,}; earlier ticks were dropped to save space (journal_mb)."
        )


@past.command("back")
def past_back(
    context: typer.Context,
    world: SavedName,
    at: Annotated[str, typer.Argument(help="A tick, or a bookmark.")],
) -> None:
    """Take a world back to a tick or to a bookmark."""
    prepare(context.obj)
    import asyncio

    path = _live(world)[0]
    with watched() as report:
        found = runtime.open_live(path, refuse_loss=True, report=report)

        async def travel() -> Travelled:
            journal = found.journal_config(author=AUTHOR)
            async with runtime.Simulation(found.world, path=path, journal=journal) as simulation:
                return await simulation.go_to(number_or_word(at))

        went = asyncio.run(travel())
    say(f"{path.stem} is at tick {went.tick:,}; it was at tick {went.before:,}.")


def _live(where: str) -> tuple[Path, int, int]:
    """Return the file of a world with a journal, and its last acknowledged tick and entry."""
    from sim.runtime.saves.places import has_journal
    from sim.scenario.worlds import saved_path
    from sim.store.journal.journal import folder_of, read_acked

    path = saved_path(where)
    acked = read_acked(folder_of(path))
    if acked is None or not has_journal(path):
        raise FileError(
            path, "has no journal; `hubbub run FILE --journal` keeps one, and so does the screen"
        )
    return path, acked.tick, acked.number


def _moment(path: Path, at: str | None, tick: int, line: int) -> tuple[int, int]:
    """Return the tick and the entry that ``at`` names; None: the world's current ones."""
    if at is None:
        return tick, line
    goal = number_or_word(at)
    if isinstance(goal, int) and goal <= tick:
        return goal, line
    if at.isdecimal():
        beyond = f"{goal:,}" if isinstance(goal, int) else shown(at)
        raise InputError(f"The world is at tick {tick:,}; it never was at tick {beyond}.")
    mark = _named(path, at)
    return mark.tick, mark.line or line


def _named(path: Path, name: str) -> Bookmark:
    from sim.store.journal.lineage import bookmarks

    known = bookmarks(path)
    for each in known:
        if each.name == name:
            return each
    raise UnknownNameError("bookmark", name, [each.name for each in known])
