"""Time travel: going to an earlier tick and forward again, bookmarks, and branches."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from os import PathLike
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Literal, NamedTuple

from sim.core.checks import whole_number
from sim.core.events import WentTo
from sim.core.files import copy_private
from sim.core.progress import Report, quiet
from sim.core.text import plural
from sim.errors import FileError, HubbubError, InputError, UnknownNameError
from sim.runtime.jobs import in_thread
from sim.runtime.journal.acts import apply
from sim.runtime.journal.checkpoints import Pacing
from sim.runtime.journal.writer import JournalWriter, recover
from sim.runtime.saves.places import has_journal, note_saved
from sim.runtime.undo_history import OutOfReachError
from sim.store import info, save
from sim.store.history.acts import ActIndex
from sim.store.history.database import copy_history, drop_history
from sim.store.history.reading import HistoryEvent, WorldHistory, in_memory
from sim.store.journal.journal import JUMP, Checkpoint, Journal, JournalEntry, folder_of
from sim.store.journal.lineage import Bookmark, Lineage, checked_name, keep_bookmarks, note_lineage
from sim.store.journal.lineage import bookmarks as kept_bookmarks
from sim.store.journal.reading import Audit, read_journal
from sim.store.journal.recovery import RebuiltWorld, earliest, rebuild, same_way
from sim.store.reading import read_audit, read_history_file, read_record
from sim.store.snapshot.files import as_path
from sim.world.world import World

if TYPE_CHECKING:
    from sim.runtime.engine.live import LiveWorld
    from sim.runtime.engine.thread_client import ThreadEngine
    from sim.runtime.journal.writer import JournalWriter


@dataclass(frozen=True, slots=True)
class Branch:
    """A world branched off another one.

    Attributes
    ----------
    path
        Its file; its journal is kept beside it.
    lineage
        Its origin.
    shared
        Bytes that it shares with its parent on the disk: they are stored once, and stay when
        either of the two is deleted.
    """

    path: Path
    lineage: Lineage
    shared: int

    @property
    def sentence(self) -> str:
        """What a person is shown."""
        name, tick = self.path.name.removesuffix(".hub"), self.lineage.tick
        return f'Created branch "{name}" at tick {tick:,}.'


def branch(
    path: str | PathLike[str],
    target: str | PathLike[str],
    tick: int,
    *,
    line: int | None = None,
    report: Report = quiet,
) -> Branch:
    """Make a world that begins in the state of another one at a tick, with the history up to there.

    The branch has its own file and journal; the file is the world at that tick. Its checkpoint is a
    hard link to the one before that tick, if the file system has links, and its journal begins
    with the entries since then.

    Parameters
    ----------
    path
        The file of a world with a journal; it may be running.
    target
        The file to create.
    tick
        Any that the world was at.
    line
        The last entry of the line; None: the line that the world is on.
    report
        Called with progress; may cancel: then nothing is created.

    Raises
    ------
    FileError
        If there is no journal, the target exists, or it cannot be written.
    InputError
        If the world never was at that tick.
    """
    source, made = as_path(path), as_path(target)
    if not has_journal(source):
        raise FileError(source, "has no journal, so nothing is known of its earlier ticks")
    for taken in (made, folder_of(made)):
        if os.path.lexists(taken):
            raise FileError(taken, "is there already; choose another name")
    built = rebuild(source, tick, apply, number=line, report=report)
    origin = Lineage(str(source.absolute()), tick, built.line.number, built.world.digest())
    try:
        shared = _grown(source, made, built, origin, report)
    except BaseException:
        shutil.rmtree(folder_of(made), ignore_errors=True)
        with suppress(OSError):
            made.unlink(missing_ok=True)
            drop_history(made)
        raise
    return Branch(made, origin, shared)


def _grown(source: Path, made: Path, built: RebuiltWorld, origin: Lineage, report: Report) -> int:
    """Fill the branch's folder; return the number of shared bytes."""
    folder, checkpoint = folder_of(made), built.checkpoint
    folder.mkdir(0o700, parents=True)
    note_lineage(made, origin)
    root = folder_of(source) / checkpoint.file
    copy_history(source, made)
    shared = _linked(root, folder / checkpoint.file)
    if info(root).digest == origin.digest:
        _linked(root, made)
    else:  # readers of the file alone, as `info` and exports, must see the branch
        save(built.world, made, report=report)
    report("copying the journal", 0.8)
    last = _copied(source, folder, built)
    note_saved(made, _gone_to(made, built.world, last, origin.tick))
    return shared


def _linked(source: Path, target: Path) -> int:
    """Hard-link a file, or copy it; return the number of shared bytes."""
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without hard links
        copy_private(source, target)
        return 0
    return target.stat().st_size


def _copied(source: Path, folder: Path, built: RebuiltWorld) -> int:
    """Write the entries from the checkpoint to the tick into a new journal; return the last one."""
    checkpoint, last = built.checkpoint, built.checkpoint.number
    journal = Journal(folder, durable=_heard, troubled=_heard, ended=_heard)
    try:
        taken: Future[Checkpoint] = Future()
        taken.set_result(checkpoint)
        journal.put(None, taken)
        entries: list[JournalEntry] = []
        with read_journal(folder_of(source)) as parent:
            for entry in parent.entries(checkpoint.number, checkpoint.digest):
                if entry.number > built.line.number:
                    break
                entries.append(entry)
                if built.line.of(entry) is not None:
                    for each in entries:
                        journal.put(each)
                    last, entries = entry.number, []
    finally:
        journal.close()
    return last


def _gone_to(made: Path, world: World, last: int, tick: int) -> int:
    """Take the branch to its tick: the copied entries may go further; return its last entry."""
    found = recover(made)
    keeper = JournalWriter(found.world, made, recovered=found, pacing=Pacing(None, None, None))
    try:
        if found.world.tick != tick:
            keeper.did(world, JUMP, (tick, last))
        keeper.wait()
    finally:
        keeper.close()
    return keeper.number


def _heard(_told: object) -> None:
    """Do nothing: the journal is closed before anything waits for it."""


class Reach(NamedTuple):
    """The range of ticks to which a world can go.

    Parameters
    ----------
    first, last
        The earliest tick in memory, and the latest one that redo reaches.
    journal
        The earliest tick that the journal reaches; None without one.
    """

    first: int
    last: int
    journal: int | None

    @property
    def sentence(self) -> str:
        """What a person is shown."""
        said = f"Undo history in memory: ticks {self.first:,} to {self.last:,}"
        if self.journal is None:
            return f"{said}; start a journal (:journal on) to keep more."
        return f"{said}; in the journal: from tick {self.journal:,}."


def _journalled(live: LiveWorld) -> Path | None:
    """Return the world's file if it keeps a journal; otherwise None."""
    journal = live.persistence.keeper
    return None if journal is None else journal.file


def marks_of(live: LiveWorld) -> list[Bookmark]:
    """Return the bookmarks of the journal, or of the simulation without one."""
    path = _journalled(live)
    return live.persistence.past.bookmarks if path is None else kept_bookmarks(path)


def reach_of(live: LiveWorld) -> Reach:
    """Return the range of ticks to which the world can go."""
    path, past = _journalled(live), live.persistence.past
    return Reach(past.first, past.last, None if path is None else earliest(path))


def marked(live: LiveWorld, name: str) -> Bookmark:
    """Return the bookmark with a name."""
    known = marks_of(live)
    for each in known:
        if each.name == name:
            return each
    raise UnknownNameError("bookmark", name, [each.name for each in known])


def _keep(live: LiveWorld, marks: list[Bookmark]) -> None:
    path = _journalled(live)
    live.persistence.past.bookmarks = marks
    if path is not None:
        keep_bookmarks(path, marks)


def mark(live: LiveWorld, name: str, tick: int | None) -> Bookmark:
    """Give a tick a name."""
    keeper, now = live.persistence.keeper, live.world.tick
    tick = now if tick is None else whole_number(tick, "A tick", low=0)
    if tick > now:
        raise InputError(f"The world is at tick {now:,}; tick {tick:,} is in the future.")
    if keeper is not None:
        keeper.flush(live.world)
    named = Bookmark(name, tick, 0 if keeper is None else keeper.number)
    _keep(live, [*(each for each in marks_of(live) if each.name != name), named])
    live.note(f"bookmarked tick {tick:,} as {name}")
    return named


def unmark(live: LiveWorld, name: str) -> None:
    """Remove a bookmark."""
    gone = marked(live, name)
    _keep(live, [each for each in marks_of(live) if each.name != gone.name])


Way = Literal["memory", "journal", "nowhere"]

_NO_WAY = "Nothing to redo."


@dataclass(frozen=True, slots=True)
class Travelled:
    """The result of going to another tick.

    Attributes
    ----------
    tick, before
        The tick it went to, and the one it came from.
    way
        ``"memory"``, or ``"journal"``: rebuilt from a checkpoint and the journal; ``"nowhere"``: it
        was there already.
    ticks
        Number of ticks that were run again.
    seconds
        Duration.
    """

    tick: int
    before: int
    way: Way
    ticks: int
    seconds: float

    @property
    def sentence(self) -> str:
        """What a person is shown."""
        if self.way == "nowhere":
            return f"The world is at tick {self.tick:,}."
        again = f", {plural(self.ticks, 'tick')} replayed" if self.ticks else ""
        where = "back" if self.tick < self.before else "forward"
        return f"Went {where} from tick {self.before:,} to {self.tick:,} (from {self.way}{again})."


async def back(engine: ThreadEngine, report: Report, ticks: int) -> Travelled:
    """Take the world back by ``ticks`` ticks; playing ends."""
    return await _travel(engine, lambda live: live.world.tick - ticks, report)


async def go_to(engine: ThreadEngine, report: Report, tick: int | str) -> Travelled:
    """Take the world to a tick, or to a bookmark; playing ends."""
    if isinstance(tick, str):
        return await _to_bookmark(engine, tick, report)
    return await _travel(engine, lambda _live: tick, report)


async def forward(engine: ThreadEngine, report: Report, ticks: int | None) -> Travelled:
    """Take the world forward again to where it was before it went back; None: all the way."""

    def goal(live: LiveWorld) -> int:
        now, last = live.world.tick, live.persistence.past.last
        if last == now and ticks != 0:
            raise InputError(_NO_WAY)
        return last if ticks is None else now + ticks

    return await _travel(engine, goal, report)


async def bookmark(engine: ThreadEngine, name: str, tick: int | None) -> Bookmark:
    """Give a tick a name; None: the world's."""
    named: Bookmark = await engine.do(lambda: mark(engine.live, checked_name(name), tick))
    return named


async def bookmarks(engine: ThreadEngine) -> tuple[Bookmark, ...]:
    """Return the bookmarks, in order of tick."""
    known = await engine.do(lambda: marks_of(engine.live), is_safe=True)
    return tuple(sorted(known, key=lambda each: (each.tick, each.name)))


async def forget(engine: ThreadEngine, name: str) -> None:
    """Remove a bookmark."""
    await engine.do(lambda: unmark(engine.live, name))


async def reach(engine: ThreadEngine) -> Reach:
    """Return the range of ticks to which the world can go."""
    found: Reach = await engine.do(lambda: reach_of(engine.live), is_safe=True)
    return found


async def branch_off(
    engine: ThreadEngine, report: Report, path: str | Path, tick: int | None
) -> Branch:
    """Branch off by the journal; without one, save the current world as the branch."""
    live, target = engine.live, Path(path)
    place = await engine.do(lambda: _origin(live, tick))
    if isinstance(place, JournalPlace):
        return await in_thread(branch, place.path, target, place.goal, report=report)
    note = f"branch of {Path(place.parent).name} at tick {place.tick:,}, {place.digest}"
    await engine.do(
        lambda: save(live.world, target, note=note, report=report), is_long=True, report=report
    )
    return Branch(target, place, 0)


async def history(
    engine: ThreadEngine, agent: int | None, other: int | None, first: int | None, last: int | None
) -> WorldHistory | list[HistoryEvent]:
    """Return the history so far: all of it, or that of one agent or of two."""
    live = engine.live
    told, traces, path = await engine.do(partial(_history, live), is_safe=True)
    record = await read_record(traces, path)
    known: WorldHistory = replace(told, record=record)
    if agent is None:
        return known
    if other is None:
        lookup = known.find_agent(agent, first=first, last=last)
    else:
        lookup = known.find_pair(agent, other, first=first, last=last)
    return await read_history_file(record.file, lookup)


async def audited(engine: ThreadEngine) -> Audit:
    """Return all acts on the world since it was made, compared with its digests."""
    return await read_audit(await engine.do(partial(_noted, engine.live), is_safe=True))


def _history(live: LiveWorld) -> tuple[WorldHistory, ActIndex, Path | None]:
    """Return the history in memory, and the file with the rest."""
    beside = live.persistence.recording
    if beside is None:
        return *in_memory(live.world), None
    return *in_memory(live.world, beside.behind), beside.path


def _noted(live: LiveWorld) -> Path:
    """Return the file with the complete log of acts, up to date on the disk."""
    keeper = live.persistence.keeper
    if keeper is not None:
        keeper.flush(live.world)
        return keeper.file
    if live.path is None:
        raise InputError("This world is not on disk yet; save it first.")
    return Path(live.path)


async def _travel(
    engine: ThreadEngine, goal: Callable[[LiveWorld], int], report: Report
) -> Travelled:
    """Pause; go by memory, or otherwise rebuild the tick in a thread outside the engine."""
    began = perf_counter()
    await engine.pause()
    live = engine.live
    tick = await engine.do(lambda: _known(live, goal(live)), is_safe=True)
    try:
        done: Travelled = await engine.do(lambda: go(live, tick, report, began), report=report)
    except OutOfReachError as error:
        place = await engine.do(partial(place_in_journal, live, tick, error))
        done = await _by_journal(engine, place, tick, report, began)
    live.emit(WentTo(tick=done.tick, before=done.before))
    return done


def _known(live: LiveWorld, tick: int) -> int:
    """Return the tick if the world was at it, or raise."""
    last = live.persistence.past.last
    if tick <= last:
        return tick
    if last == live.world.tick:
        raise InputError(_NO_WAY)
    raise InputError(f"Redo is possible up to tick {last:,}; from there on, run.")


async def _by_journal(
    engine: ThreadEngine, place: JournalPlace, tick: int, report: Report, began: float
) -> Travelled:
    built = await in_thread(rebuild, place.path, tick, apply, number=place.line, report=report)
    done: Travelled = await engine.do(
        lambda: _take_over(engine.live, built, place, began), is_long=True, report=report
    )
    return done


async def _to_bookmark(engine: ThreadEngine, name: str, report: Report) -> Travelled:
    """Go to a bookmark, on this line or on one that was left."""
    began, live = perf_counter(), engine.live
    await engine.pause()
    goal: Bookmark = await engine.do(lambda: marked(live, name))
    if not goal.line:
        return await _travel(engine, lambda _live: goal.tick, report)
    place: JournalPlace = await engine.do(
        lambda: place_in_journal(live, goal.tick, OutOfReachError())
    )
    if await in_thread(same_way, place.path, goal.line, place.number, goal.tick):
        return await _travel(engine, lambda _live: goal.tick, report)
    there = replace(place, line=goal.line, is_elsewhere=True)
    done = await _by_journal(engine, there, goal.tick, report, began)
    live.emit(WentTo(tick=done.tick, before=done.before))
    return done


def _origin(live: LiveWorld, tick: int | None) -> JournalPlace | Lineage:
    """Return where the journal has a tick; without one, the lineage for a snapshot of now."""
    world, keeper = live.world, live.persistence.keeper
    tick = world.tick if tick is None else whole_number(tick, "A tick", low=0)
    if keeper is not None:
        return replace(place_in_journal(live, tick, OutOfReachError()), goal=tick)
    if tick != world.tick:
        raise InputError(
            f"Without a journal you can only branch at the current tick, {world.tick:,}; go to "
            f"tick {tick:,} first."
        )
    return Lineage(live.path or live.name, tick, 0, world.digest())


@dataclass(frozen=True, slots=True)
class JournalPlace:
    """Where to find a tick in a journal, and the state of the world at the time of the request."""

    path: Path
    line: int
    number: int
    tick: int
    is_elsewhere: bool = False
    goal: int = 0


def go(live: LiveWorld, tick: int, report: Report, began: float) -> Travelled:
    """Go to a tick in memory; call it in the engine's thread."""
    persistence, before = live.persistence, live.world.tick
    if tick == before:
        return Travelled(tick, before, "nowhere", 0, perf_counter() - began)
    if persistence.keeper is not None:
        persistence.keeper.flush(live.world)
    if tick < 0:
        raise InputError(f"A world begins at tick 0; it is at tick {before:,}.")
    persistence.went(tick, lambda: persistence.past.go_to(tick, report=report))
    _arrived(live, before)
    return Travelled(tick, before, "memory", persistence.past.ran, perf_counter() - began)


def place_in_journal(live: LiveWorld, tick: int, error: OutOfReachError) -> JournalPlace:
    """Return where the journal has a tick; without a journal raise ``error``."""
    keeper = live.persistence.keeper
    if keeper is None:
        raise error
    keeper.flush(live.world)
    line = live.persistence.line_to(tick)
    return JournalPlace(keeper.file, line, keeper.number, live.world.tick)


def _take_over(
    live: LiveWorld, built: RebuiltWorld, place: JournalPlace, began: float
) -> Travelled:
    """Replace the world's state with a rebuilt one; call it in the engine's thread."""
    persistence, before = live.persistence, live.world.tick
    if (
        persistence.keeper is None
        or persistence.keeper.number != place.number
        or before != place.tick
    ):
        raise HubbubError("The world has advanced; try again.")
    tick = built.world.tick
    elsewhere = place.is_elsewhere
    persistence.went(
        tick,
        lambda: persistence.past.rebased(built.world, elsewhere=elsewhere),
        place.line if elsewhere else None,
    )
    _arrived(live, before)
    return Travelled(tick, before, "journal", built.ticks, perf_counter() - began)


def _arrived(live: LiveWorld, before: int) -> None:
    """Update everything that follows the world to its current tick."""
    tick = live.world.tick
    kept = [line for line in live.lines if line[0] <= tick]
    live.lines.clear()
    live.lines.extend(kept)
    live.rollback.changed()
    live.arrived(before)
    live.banner, live.is_dirty = None, True
    live.layout.arrange(live.world, live.focused.group_by)
    live.note(f"went to tick {tick:,} from {before:,}")
