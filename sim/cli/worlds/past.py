"""``hubbub past``: branch a world at a tick, set and list bookmarks, go back to a tick."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sim.cli.program.output import as_json, say, table, tell, watched
from sim.core.checks import number_or_word, shown
from sim.errors import FileError, InputError, UnknownNameError

if TYPE_CHECKING:
    from sim.runtime.travel import Travelled
    from sim.store.journal.lineage import Bookmark


def make_branch(where: str, name: str, at: str | None, *, json: bool) -> None:
    """Make a world from a tick of another.

    Parameters
    ----------
    where
        As typed: a file or a name; it needs a journal.
    name
        Of the new world, without ``.hub``.
    at
        A tick or the name of a bookmark; None: where the world is.
    json
        Whether to print the facts as JSON.

    Raises
    ------
    FileError, InputError
        One sentence; nothing is made.
    """
    from sim.runtime.travel import branch
    from sim.store.saves import NAME

    path, tick, line = _live(where)
    if not NAME.fullmatch(name.removesuffix(".hub")):
        raise InputError(f"A world is named by letters, digits, '.', '_' and '-', got {name!r}.")
    tick, line = _moment(path, at, tick, line)
    target = path.with_name(f"{name.removesuffix('.hub')}.hub")
    with watched() as report:
        made = branch(path, target, tick, line=line, report=report)
    facts = {"path": str(made.path), "shared": made.shared, **made.lineage._asdict()}
    say(as_json(facts) if json else made.sentence)


def set_bookmark(where: str, name: str, at: str | None, *, remove: bool) -> None:
    """Give a tick a name, or take the name away.

    Parameters
    ----------
    where
        As typed: a file or a name; it needs a journal.
    name
        Of the bookmark.
    at
        A tick, or the name of another bookmark; None: where the world is.
    remove
        Whether the name is taken away.

    Raises
    ------
    FileError, InputError
        One sentence; nothing is changed.
    """
    from sim.store.journal.lineage import Bookmark, bookmarks, checked_name, keep_bookmarks

    path, tick, line = _live(where)
    if remove:
        gone = _named(path, name)
        keep_bookmarks(path, [each for each in bookmarks(path) if each != gone])
        say(f"{gone.name} is no bookmark any more.")
        return
    mark = Bookmark(checked_name(name), *_moment(path, at, tick, line))
    keep_bookmarks(path, [*(each for each in bookmarks(path) if each.name != name), mark])
    say(f"Tick {mark.tick:,} is called {mark.name}.")


def list_bookmarks(where: str, *, json: bool) -> None:
    """Write the bookmarks of a world."""
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
            f"Nothing leads back to {', '.join(gone)} any more: the journal begins at tick "
            f"{earliest(path):,}, what was before that was given up for room (journal_mb)."
        )


def go_back(where: str, at: str) -> None:
    """Take a world to an earlier tick, or to a bookmark; its journal notes that.

    Parameters
    ----------
    where
        As typed: a file or a name; it needs a journal.
    at
        A tick, or the name of a bookmark.

    Raises
    ------
    HubbubError
        When the world never was there, nothing leads back, or it is open elsewhere.
    """
    import asyncio

    from sim.cli.worlds.open_save import AUTHOR
    from sim.runtime.opening import open_live
    from sim.runtime.simulation import Simulation

    path = _live(where)[0]
    with watched() as report:
        found = open_live(path, refuse_loss=True, report=report)

        async def travel() -> Travelled:
            keeping = found.keeping(author=AUTHOR)
            async with Simulation(found.world, path=path, journal=keeping) as simulation:
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
    """Return the tick and the entry that ``at`` means; None: those where the world is."""
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
