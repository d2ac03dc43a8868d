"""Travel in time: the requests that take a running world to an earlier tick and forward again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Literal

from sim.core.checks import whole_number
from sim.core.events import WentTo
from sim.core.progress import Report
from sim.errors import HubbubError, InputError
from sim.runtime.engine.bookmarks import Reach, mark, marked, marks_of, reach_of
from sim.runtime.engine.bookmarks import forget as unmark
from sim.runtime.jobs import in_thread
from sim.runtime.journal.acts import apply
from sim.runtime.undo.branching import Branch, branch
from sim.runtime.undo.history import OutOfReachError
from sim.store import save
from sim.store.history.acts import ActIndex
from sim.store.history.reading import HistoryEvent, WorldHistory, in_memory
from sim.store.journal.lineage import Bookmark, Lineage, checked_name
from sim.store.journal.reading import Audit
from sim.store.journal.recovery import RebuiltWorld, rebuild, same_way
from sim.store.reading import read_audit, read_history_file, read_record

if TYPE_CHECKING:
    from sim.runtime.engine.live import LiveWorld
    from sim.runtime.engine.thread_client import ThreadEngine
    from sim.runtime.journal.writer import JournalWriter


Way = Literal["memory", "journal", "nowhere"]

_NO_WAY = (
    "There is no way forward but to run: the world did not go back, or something new was commanded "
    "since."
)


@dataclass(frozen=True, slots=True)
class Travelled:
    """A world that went to another tick.

    Attributes
    ----------
    tick, before
        Where it is, and where it was.
    way
        ``"memory"``, or ``"journal"``: rebuilt from a checkpoint and what the journal says;
        ``"nowhere"``: it was there already.
    ticks
        How many were run again for it.
    seconds
        How long it took.
    """

    tick: int
    before: int
    way: Way
    ticks: int
    seconds: float

    @property
    def sentence(self) -> str:
        """What a person is told."""
        if self.way == "nowhere":
            return f"The world is at tick {self.tick:,}."
        again = f", {self.ticks:,} ticks run again" if self.ticks else ""
        where = "back" if self.tick < self.before else "forward again"
        return f"Tick {self.tick:,}, {where} from {self.before:,} (from {self.way}{again})."


async def back(engine: ThreadEngine, report: Report, ticks: int) -> Travelled:
    """Take the world back by so many ticks; playing ends."""
    return await _travel(engine, lambda live: live.world.tick - ticks, report)


async def go_to(engine: ThreadEngine, report: Report, tick: int | str) -> Travelled:
    """Take the world to a tick, or to a bookmark; playing ends."""
    if isinstance(tick, str):
        return await _to_bookmark(engine, tick, report)
    return await _travel(engine, lambda _live: tick, report)


async def forward(engine: ThreadEngine, report: Report, ticks: int | None) -> Travelled:
    """Take the world forward again to where it was before it went back; None: all the way."""

    def goal(live: LiveWorld) -> int:
        now, last = live.world.tick, live.custody.past.last
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
    """Return from where to where the world can go."""
    found: Reach = await engine.do(lambda: reach_of(engine.live), is_safe=True)
    return found


async def branch_off(
    engine: ThreadEngine, report: Report, path: str | Path, tick: int | None
) -> Branch:
    """Branch off by the journal; without one, save the world as it is."""
    live, target = engine.live, Path(path)
    place = await engine.do(lambda: _origin(live, tick))
    if isinstance(place, _Place):
        return await in_thread(branch, place.path, target, place.goal, report=report)
    note = _note(place)
    await engine.do(
        lambda: save(live.world, target, note=note, report=report), is_long=True, report=report
    )
    return Branch(target, place, 0)


async def history(
    engine: ThreadEngine,
    agent: int | None,
    other: int | None,
    first: int | None,
    last: int | None,
) -> WorldHistory | list[HistoryEvent]:
    """Return what happened so far: everything, or that of one agent or of two."""
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
    """Return all that was done to the world since it was made, compared with its digests."""
    return await read_audit(await engine.do(partial(_noted, engine.live), is_safe=True))


def _history(live: LiveWorld) -> tuple[WorldHistory, ActIndex, Path | None]:
    """Return what memory knows, and where the rest lies."""
    beside = live.custody.recording
    if beside is None:
        return *in_memory(live.world), None
    return *in_memory(live.world, beside.behind), beside.path


def _file_of(keeper: JournalWriter) -> Path:
    return keeper.folder.with_name(keeper.folder.name.removesuffix(".live"))


def _noted(live: LiveWorld) -> Path:
    """Return the file of which it is known what was done, all of that on the disk."""
    keeper = live.custody.keeper
    if keeper is not None:
        keeper.flush(live.world)
        return _file_of(keeper)
    if live.path is None:
        raise InputError("Nothing of this world is on a disk; save it first.")
    return Path(live.path)


async def _travel(
    engine: ThreadEngine, goal: Callable[[LiveWorld], int], report: Report
) -> Travelled:
    """Pause; go by memory, or else rebuild the tick in a thread beside the engine."""
    began = perf_counter()
    await engine.pause()
    live = engine.live
    tick = await engine.do(lambda: _known(live, goal(live)), is_safe=True)
    try:
        done: Travelled = await engine.do(lambda: go(live, tick, report, began), report=report)
    except OutOfReachError as error:
        place = await engine.do(partial(_place, live, tick, error))
        done = await _by_journal(engine, place, tick, report, began)
    live.emit(WentTo(tick=done.tick, before=done.before))
    return done


def _known(live: LiveWorld, tick: int) -> int:
    """Return a tick that the world was at, or else refuse it."""
    last = live.custody.past.last
    if tick <= last:
        return tick
    if last == live.world.tick:
        raise InputError(_NO_WAY)
    raise InputError(f"The way forward is known to tick {last:,}; from there on, run.")


async def _by_journal(
    engine: ThreadEngine, place: _Place, tick: int, report: Report, began: float
) -> Travelled:
    built = await _built(place, tick, report)
    done: Travelled = await engine.do(
        lambda: _take_over(engine.live, built, place, began), is_long=True, report=report
    )
    return done


async def _to_bookmark(engine: ThreadEngine, name: str, report: Report) -> Travelled:
    """Go where a bookmark is, on this line or on one that was left."""
    began, live = perf_counter(), engine.live
    await engine.pause()
    goal: Bookmark = await engine.do(lambda: marked(live, name))
    if not goal.line:
        return await _travel(engine, lambda _live: goal.tick, report)
    place: _Place = await engine.do(lambda: _place(live, goal.tick, OutOfReachError()))
    if await in_thread(same_way, place.path, goal.line, place.number, goal.tick):
        return await _travel(engine, lambda _live: goal.tick, report)
    there = replace(place, line=goal.line, is_elsewhere=True)
    done = await _by_journal(engine, there, goal.tick, report, began)
    live.emit(WentTo(tick=done.tick, before=done.before))
    return done


def _origin(live: LiveWorld, tick: int | None) -> _Place | Lineage:
    """Return where the journal has a tick; without one, what a snapshot of now is to say."""
    world, keeper = live.world, live.custody.keeper
    tick = world.tick if tick is None else whole_number(tick, "A tick", low=0)
    if keeper is not None:
        return replace(_place(live, tick, OutOfReachError()), goal=tick)
    if tick != world.tick:
        raise InputError(
            f"Without a journal a world branches off where it is, at tick {world.tick:,}; go to "
            f"tick {tick:,} first."
        )
    return Lineage(live.path or live.name, tick, 0, world.digest())


def _note(said: Lineage) -> str:
    return f"branch of {Path(said.parent).name} at tick {said.tick:,}, {said.digest}"


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a tick is to be found in a journal, and what the world was like when asked."""

    path: Path
    line: int
    number: int
    tick: int
    is_elsewhere: bool = False
    goal: int = 0


def go(live: LiveWorld, tick: int, report: Report, began: float) -> Travelled:
    """Go to a tick in memory; in the engine's thread."""
    custody, before = live.custody, live.world.tick
    if tick == before:
        return Travelled(tick, before, "nowhere", 0, perf_counter() - began)
    if custody.keeper is not None:
        custody.keeper.flush(live.world)
    if tick < 0:
        raise InputError(f"A world begins at tick 0; it is at tick {before:,}.")
    custody.went(tick, lambda: custody.past.go_to(tick, report=report))
    _arrived(live, before)
    return Travelled(tick, before, "memory", custody.past.ran, perf_counter() - began)


def _place(live: LiveWorld, tick: int, error: OutOfReachError) -> _Place:
    """Return where the journal has a tick; or else the error that memory does not reach it."""
    keeper = live.custody.keeper
    if keeper is None:
        raise error
    keeper.flush(live.world)
    line = live.custody.line_to(tick)
    return _Place(_file_of(keeper), line, keeper.number, live.world.tick)


def _built(place: _Place, tick: int, report: Report) -> Awaitable[RebuiltWorld]:
    return in_thread(rebuild, place.path, tick, apply, number=place.line, report=report)


def _take_over(live: LiveWorld, built: RebuiltWorld, place: _Place, began: float) -> Travelled:
    """Let the world be as it was rebuilt; in the engine's thread."""
    custody, before = live.custody, live.world.tick
    if custody.keeper is None or custody.keeper.number != place.number or before != place.tick:
        raise HubbubError("The world went on meanwhile; ask again.")
    tick = built.world.tick
    elsewhere = place.is_elsewhere
    custody.went(
        tick,
        lambda: custody.past.rebased(built.world, elsewhere=elsewhere),
        place.line if elsewhere else None,
    )
    _arrived(live, before)
    return Travelled(tick, before, "journal", built.ticks, perf_counter() - began)


def _arrived(live: LiveWorld, before: int) -> None:
    """Bring everything that follows the world to where it is now."""
    tick = live.world.tick
    kept = [line for line in live.lines if line[0] <= tick]
    live.lines.clear()
    live.lines.extend(kept)
    live.safety.changed()
    live.arrived(before)
    live.banner, live.is_dirty = None, True
    live.arranger.arrange(live.world, live.spotlight.group_by)
    live.note(f"went to tick {tick:,} from {before:,}")
