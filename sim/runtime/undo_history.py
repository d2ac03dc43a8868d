"""The undo history: copy-on-write states by tick, bounded in bytes.

A copy shares all unchanged arrays with the one before it; ties, opinions and the records of
messages are shared with the world itself. Large columns are kept in scratch files
(:mod:`sim.core.scratch`). If a copy takes long compared with a tick, copies are taken less often,
and the plain ticks between two of them are run again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from weakref import WeakValueDictionary

import numpy as np
import xxhash

from sim.arrays import Array
from sim.core.checks import LAST_TICK, whole_number
from sim.core.progress import Report, quiet
from sim.core.scratch import ScratchFiles, let_go
from sim.errors import HubbubError, InputError
from sim.platform.platform import PlatformSnapshot
from sim.platform.tick import keep_feeds
from sim.runtime.journal.checkpoints import LARGE
from sim.spread.cascade.cascade import Cascade
from sim.spread.cascade.sparse_column import SparseColumn
from sim.store.journal.lineage import Bookmark
from sim.store.journal.state import whole_state
from sim.world.phases import PHASES
from sim.world.state.snapshot import arrays_of, restore_in_place, still
from sim.world.world import World

BUDGET = 128 << 20
"""Bytes for copies; the newest copy is kept whatever its size."""

_COST_SHARE = 20.0
"""Between two copies twenty times the time of one passes: at most 5 % of the time."""

_LOOKS = 16
"""Copies are measured again when this fraction (1/16) of the budget was added."""

_GIVEN_UP = 8
"""Fraction (1/8) of the copies dropped when the budget is exceeded."""


class OutOfReachError(InputError):
    """No copy in memory goes back that far."""


class UndoHistory:
    """Undo and redo for one world, by ticks.

    Parameters
    ----------
    world
        The world, in its current state.
    budget
        Bytes that copies may take; 0: no copies.
    now
        A monotonic clock in seconds.

    Attributes
    ----------
    budget
        As given.
    bookmarks
        Named ticks of a world without a journal.
    ran
        Ticks that were run again for the last move.
    undo_points
        Copies up to now, oldest first.
    future
        Copies of later ticks after the world was taken back, until something new is done.

    Examples
    --------
    >>> world = World.create(agents=1000, mean_degree=8, seed=7)
    >>> story = world.inject("The bridge is closed.", seeds=[0], model="si", beta=0.3)
    >>> past = UndoHistory(world)
    >>> past.step(5)
    >>> size = story.size
    >>> past.back(3), story.size < size, past.forward(), story.size == size
    (2, True, 5, True)
    """

    def __init__(
        self, world: World, budget: int = BUDGET, *, now: Callable[[], float] = time.monotonic
    ) -> None:
        self.world = world
        self.undo_points: list[UndoPoint] = []
        self.future: list[UndoPoint] = []
        self.ran = 0
        self.bookmarks: list[Bookmark] = []
        self.budget = whole_number(budget, "The memory for the past", low=0)
        self._now = now
        self._due = 0.0
        self._is_told = True  # nothing is known about earlier changes
        self._is_doubtful = False
        self._has_gap = False
        self._held = 0
        self._fresh = 0
        self._known: WeakValueDictionary[int, Cascade] = WeakValueDictionary()
        self._spill = ScratchFiles()

    # Driving a world directly

    def step(self, ticks: int = 1) -> None:
        """Advance the world."""
        for _ in range(whole_number(ticks, "A world steps forward; ticks", low=0, high=LAST_TICK)):
            self.leave()
            self.world.step()
            self.world.woken.clear()

    def back(self, ticks: int = 1, *, report: Report = quiet) -> int:
        """Take the world back by ``ticks`` ticks; return the tick. See :meth:`go_to`."""
        ticks = whole_number(ticks, "A world goes back; ticks", low=0, high=LAST_TICK)
        return self.go_to(self.world.tick - ticks, report=report)

    def go_to(self, tick: int, *, report: Report = quiet) -> int:
        """Take the world to an earlier tick, to the state in which it left it; or forward again.

        Parameters
        ----------
        tick
            From 0 to the last tick that the world was at, unless something new was done since.
        report
            Called with progress; may cancel, then the world stays at its tick.

        Raises
        ------
        OutOfReachError
            If no copy reaches that far.
        """
        tick = whole_number(tick, "A tick", low=0)
        if tick > self.world.tick:
            return self._ahead(tick, report)
        self.note()
        place = _at(self.undo_points, tick)
        if place is None:
            raise OutOfReachError(self._said(tick))
        if tick < self.world.tick:
            self._turn(self.undo_points[place], tick, report)
        self.future = self.undo_points[place + 1 :] + self.future
        self.undo_points = self.undo_points[: place + 1]
        return self.world.tick

    def seen(self, tick: int, *, report: Report = quiet) -> World:
        """Return a copy of the world with the feeds of an earlier tick; the world is unchanged.

        Parameters
        ----------
        tick
            From 1 to the world's own tick; it is run again from the copy before it.
        report
            Called with progress; may cancel.

        Raises
        ------
        OutOfReachError
            If no copy reaches that far.
        """
        tick = whole_number(tick, "A tick", low=1)
        place = _at(self.undo_points, tick - 1)
        if place is None or tick > self.world.tick:
            raise OutOfReachError(self._said(tick))
        twin = World.restore(*self.undo_points[place].twin.dump())
        keep_feeds(twin)
        while twin.tick < tick:
            report(f"running tick {twin.tick + 1:,}", 0.0)
            twin.step()
        return twin

    def forward(self, ticks: int | None = None, *, report: Report = quiet) -> int:
        """Take the world to where it was before it went back; return the tick.

        Parameters
        ----------
        ticks
            Number of ticks; None: all.

        Raises
        ------
        OutOfReachError
            If it did not go back, or something new was done since.
        """
        if ticks is None:
            return self._ahead(None, report)
        ticks = whole_number(ticks, "A world goes forward; ticks", low=0, high=LAST_TICK)
        return self._ahead(self.world.tick + ticks, report) if ticks else self.world.tick

    # Called by the driver of the world

    def told(self, *, surely: bool = True) -> None:
        """Record that a command was given; ``surely``: it certainly changed the world."""
        self._is_told |= surely
        self._is_doubtful |= not surely

    def leave(self) -> None:
        """Prepare for the next tick; must be called before each one."""
        if not self.budget:
            return
        # The future stays only while the world repeats the same ticks.
        while self.future and self.future[0].tick <= self.world.tick:
            met = self.future.pop(0)
            self._has_gap = False
            if met.was_told:  # something was done here then, but not this time
                self.future.clear()
            elif met.tick == self.world.tick and not self._is_told:
                self.undo_points.append(met)
        if self._is_told or self._is_doubtful or not self.undo_points or self._now() >= self._due:
            self.note()

    def note(self) -> None:
        """Copy the current world, unless there is a copy of it."""
        if not self.budget:
            return
        self._decide()
        newest = self.undo_points[-1] if self.undo_points else None
        is_there = newest is not None and newest.tick == self.world.tick
        if is_there and not self._is_told:
            return
        if self._is_told:
            self.future.clear()
            self._has_gap = False
        began = self._now()
        moment = self._copied(newest)
        if is_there:
            self.undo_points.pop()
        self.undo_points.append(moment)
        self._is_told = False
        self._keep_to_budget()
        now = self._now()
        self._due = now + _COST_SHARE * (now - began)

    def rebased(self, twin: World, *, elsewhere: bool = False) -> None:
        """Take the world to a rebuilt state, earlier or later than any copy.

        ``elsewhere``: on another line of its history, so that no copy leads there.
        """
        self.note()
        seen = [] if elsewhere else self.undo_points + self.future
        restore_in_place(self.world, twin, self._known)
        self.undo_points = [each for each in seen if each.tick <= self.world.tick]
        self.future = [each for each in seen if each.tick > self.world.tick]
        self._has_gap = bool(self.future)
        if self.undo_points and self.undo_points[-1].tick != self.world.tick:
            self.undo_points.clear()  # the copies before it are not contiguous

    @property
    def first(self) -> int:
        """The earliest tick that undo reaches."""
        return self.undo_points[0].tick if self.undo_points else self.world.tick

    @property
    def last(self) -> int:
        """The latest tick that redo reaches."""
        self._decide()
        return self.future[-1].tick if self.future and not self._is_told else self.world.tick

    @property
    def nbytes(self) -> int:
        """Bytes held by the copies only, not shared with the world."""
        mine = {id(owner) for owner in owners(self.world)}
        every = {
            id(owner): owner.nbytes
            for moment in (*self.undo_points, *self.future)
            for owner in owners(moment.twin)
        }
        return sum(size for key, size in every.items() if key not in mine)

    # Internal

    def _ahead(self, tick: int | None, report: Report) -> int:
        """Take the world forward along its stored future."""
        self._decide()
        if not self.future or self._is_told:
            raise OutOfReachError("Nothing to redo.")
        tick = self.future[-1].tick if tick is None else tick
        if tick > self.future[-1].tick or (self._has_gap and tick < self.future[0].tick):
            raise OutOfReachError(
                f"Redo is possible from tick {self.future[0].tick:,} to "
                f"{self.future[-1].tick:,}; beyond that, run."
            )
        self.note()
        place = _at(self.future, tick)
        self._turn(self.undo_points[-1] if place is None else self.future[place], tick, report)
        if place is None:
            return tick
        if self._has_gap:
            self.undo_points.clear()
        self.undo_points += self.future[: place + 1]
        self.future, self._has_gap = self.future[place + 1 :], False
        return self.world.tick

    def _turn(self, moment: UndoPoint, tick: int, report: Report) -> None:
        """Restore the world to a copy, and run the plain ticks since then."""
        if seal(moment.twin) != moment.seal:
            raise HubbubError(
                f"The copy of tick {moment.tick:,} in memory is not what it was; nothing was "
                "changed. Save the world, and check the memory of this machine."
            )
        world, here = self.world, self.undo_points[-1]
        report(f"going to tick {moment.tick:,}", 0.0)
        try:
            with world.trail.doing(world, "go_to", (tick,)):
                restore_in_place(world, moment.twin, self._known)
                while world.tick < tick:
                    past = world.tick - moment.tick
                    report(f"running tick {world.tick + 1:,}", past / (tick - moment.tick))
                    world.step()
                    world.woken.clear()
        except BaseException:  # cancelled: restore the state before the call
            restore_in_place(world, here.twin, self._known)
            raise
        self._is_told = self._is_doubtful = False
        self.ran = tick - moment.tick

    def _decide(self) -> None:
        """Find out whether a command that may have changed the world did so."""
        if not self._is_doubtful:
            return
        self._is_doubtful = False
        newest = self.undo_points[-1] if self.undo_points else None
        if newest is None or newest.tick != self.world.tick:
            self._is_told = True
        elif not self._is_told:
            self._is_told = whole_state(newest.twin) != whole_state(self.world)

    def _copied(self, newest: UndoPoint | None) -> UndoPoint:
        world = self.world
        known = {} if newest is None else newest.columns
        marks = {} if newest is None else newest.marks
        columns: dict[str, Array] = {}
        seen: dict[str, bytes] = {}
        # In plain ticks only interventions write to the columns of agents, as a ban does.
        is_plain = tuple(world.phases) == PHASES and not len(world.interventions)
        spared = not self._is_told and is_plain

        def copied(name: str, column: Array) -> Array:
            before = known.get(name)
            if before is not None and spared and name.startswith("agents."):
                if name in marks:
                    seen[name] = marks[name]
                columns[name] = before
            elif column.nbytes >= LARGE:  # the last copy is in a file, and is not read
                seen[name] = mark(column)
                is_known = before is not None and marks.get(name) == seen[name]
                columns[name] = (
                    before
                    if is_known and before is not None
                    else self._spill.room(column.nbytes).hold(column)
                )
            else:
                is_known = before is not None and same(before, column)
                columns[name] = before if is_known and before is not None else np.array(column)
            self._fresh += 0 if columns[name] is before else column.nbytes
            return columns[name]

        twin = still(world, copied, None if newest is None else newest.twin)
        for cascade in world.cascades.loose:
            self._known[cascade.id] = cascade
        moment = UndoPoint(world.tick, twin, seal(twin), self._is_told, columns, seen)
        let_go()
        return moment

    def _keep_to_budget(self) -> None:
        """Drop the oldest copies; measure them only when they may exceed the budget."""
        if self._held + self._fresh <= self.budget and self._fresh < self.budget // _LOOKS:
            return
        while self._counted() > self.budget and len(self.undo_points) > 1:
            if len(self.future) > len(self.undo_points):
                del self.future[len(self.future) - 1 - len(self.future) // _GIVEN_UP :]
            else:
                del self.undo_points[: max(1, len(self.undo_points) // _GIVEN_UP)]

    def _counted(self) -> int:
        self._held, self._fresh = self.nbytes, 0
        return self._held

    def _said(self, tick: int) -> str:
        if not self.budget:
            return "No copies are kept of this world's past; set undo_bytes, or keep a journal."
        return (
            f"Memory reaches back to tick {self.first:,}, not to tick {tick:,}; give the past more "
            "room (undo_bytes), or keep a journal (hubbub run FILE --journal): then every tick "
            "since it began can be gone back to."
        )


def _at(undo_points: list[UndoPoint], tick: int) -> int | None:
    """Return the index of the last copy that is not after a tick."""
    places = [place for place, moment in enumerate(undo_points) if moment.tick <= tick]
    return places[-1] if places else None


@dataclass(slots=True, eq=False)
class UndoPoint:
    """A world in the state in which it left a tick."""

    tick: int
    twin: World
    seal: bytes
    was_told: bool
    columns: dict[str, Array]
    marks: dict[str, bytes]


def same(one: Array, other: Array) -> bool:
    """Return whether two arrays are equal, bit for bit."""
    if one.dtype != other.dtype or one.shape != other.shape:
        return False
    if not (one.flags.c_contiguous and other.flags.c_contiguous):
        return False
    kind = np.uint64 if one.nbytes % 8 == 0 else np.uint8
    return bool((one.reshape(-1).view(kind) == other.reshape(-1).view(kind)).all())


def mark(column: Array) -> bytes:
    """Return a digest that identifies the contents of a column."""
    state = xxhash.xxh3_128(f"{column.dtype.str} {column.shape}".encode())
    state.update(np.ascontiguousarray(column).reshape(-1).view(np.uint8).data)
    return state.digest()


def seal(world: World) -> bytes:
    """Return a digest of what ticks change."""
    people = len(world.agents)
    said = f"{world.tick} {world.made} {people} {world.ties.count} {world.max_running}"
    state = xxhash.xxh3_128(said.encode())
    for topic in world.opinions:
        state.update(world.opinions[topic].data)
    state.update(world.cascades.seals.to_bytes(16, "little"))
    for each in world.cascades.loose:
        state.update(f"{each.id} {each.status} {each.size} {each.contacts_seen}".encode())
        state.update(each.tally.data)
        for column in _arrays(each) if each.alive else ():
            state.update(np.ascontiguousarray(column).reshape(-1).view(np.uint8).data)
    return state.digest()


def _arrays(cascade: Cascade) -> Iterator[Array]:
    for _, column in sorted(cascade.held.items()):
        if isinstance(column, SparseColumn):
            yield from (column.keys, column.values)
        else:
            yield column


def owners(world: World) -> Iterator[Array]:
    """Yield every array that owns memory of a world."""
    columns = [*world.agents.dump()[1].values(), *world.opinions.values()]
    columns += [*world.ties.arrays(), *arrays_of(world.relationships)]
    if isinstance(world.platform, PlatformSnapshot):
        columns += world.platform.arrays()
    elif world.platform is not None:
        columns += world.platform.log.arrays()  # shared by the undo points
    for cascade in world.cascades.loose:
        columns += cascade.arrays()
    for column in columns:
        owner = column
        while isinstance(owner.base, np.ndarray):
            owner = owner.base
        yield owner
