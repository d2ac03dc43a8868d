""":class:`Session`: async handle of an injected message; :class:`CascadeTracker` follows all."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np

from sim.core.events import (
    CascadeCancelled,
    CascadeCompleted,
    CascadeFailed,
    CascadeGrew,
    CascadeStarted,
    Event,
    InfluenceCalculated,
    MessageReceived,
    MessageSent,
)
from sim.core.text import clip, one_line, plural
from sim.errors import InputError
from sim.runtime.frames.frames import SessionRow
from sim.spread.cascade.cascade import Cascade
from sim.spread.cascade.generations import newest_r
from sim.world.world import World

ENDED = frozenset({"quiet", "failed", "cancelled"})
"""Statuses in which nothing happens any more; a new parameter can revive a quiet one."""

MOST_ROWS = 1000
"""Messages listed in a frame."""

_SHOWN_CELLS = 48
_SMALL = 20_000
"""Number of adopters up to which the R of the rows is read in one go."""

_COST_SHARE = 20.0
"""Beyond that, twenty times the time it took passes before the next reading: at most 5 % of it."""


@dataclass(slots=True, eq=False)
class _TrackedCascade:
    """State of one cascade when it was last looked at."""

    cascade: Cascade
    status: str
    size: int
    contacts: int
    new: int = 0
    r: float = np.nan
    cohort: int = -1
    r_read: tuple[int, int] | None = None
    row: SessionRow | None = None


class CascadeTracker:
    """Follows every cascade of a world; belongs to the engine's thread."""

    def __init__(
        self,
        world: World,
        *,
        emit: Callable[[Event], None],
        is_heard: Callable[[], bool],
        note: Callable[[str], None],
        ended: Callable[[int, SessionRow], None],
    ) -> None:
        self.contacts = 0
        self._world = world
        self._emit = emit
        self._is_heard = is_heard
        self._note = note
        self._ended = ended
        self._open: dict[int, _TrackedCascade] = {}
        self._closed: dict[int, SessionRow] = {}
        self._turn = 0
        self._due = 0.0
        self._known = 0
        self.take_over(announce=False)

    @property
    def total(self) -> int:
        """Number of messages ever injected."""
        return self._known

    @property
    def alive(self) -> int:
        """Number of messages that are queued or running."""
        return len(self._open)

    def take_over(self, *, announce: bool = True) -> None:
        """Follow the cascades that are new since the last call."""
        cascades = self._world.cascades
        fresh = cascades.place_of(self._known)
        for place, cascade in enumerate(cascades[fresh:], fresh):
            entry = _TrackedCascade(cascade, "queued", 0, 0)
            if announce:
                self._announce(cascade)
            else:
                entry.status, entry.size = cascade.status, cascade.size
            entry.contacts = cascade.contacts_seen
            if cascade.status in ENDED and not announce:
                if len(cascades) - place <= MOST_ROWS:
                    remember(self._closed, cascade.id, self._row(entry))
            else:
                self._open[cascade.id] = entry
        self._known = self._world.made

    def anew(self, woken: Callable[[int], None]) -> None:
        """Start over at another tick of the world; call ``woken`` for sessions that run again."""
        ran, until, known = self._open.keys(), self._known, self.rows()
        self._open, self._closed, self._known = {}, {}, 0
        self.take_over(announce=False)
        here = {each.id for each in self._world.cascades.items}
        away = f"not sent yet at tick {self._world.tick:,}"
        for row in known:
            if row.id not in here:
                self._ended(row.id, replace(row, status="cancelled", error=away))
        for number, row in self._closed.items():
            if number in ran or number >= until:
                self._ended(number, row)
        for number in self._open:
            if number not in ran and number < until:
                woken(number)

    def reopen(self, cascade: Cascade) -> None:
        """Follow an ended cascade again."""
        self._closed.pop(cascade.id, None)
        self._open[cascade.id] = _TrackedCascade(
            cascade, cascade.status, cascade.size, cascade.contacts_seen
        )

    def _announce(self, cascade: Cascade) -> None:
        message = cascade.message
        author = None if message.author < 0 else message.author
        tick = self._world.tick
        self._emit(MessageSent(tick=tick, cascade=cascade.id, author=author, text=message.text))
        count = int(cascade.seeds.size)
        holders = plural(count, "seed")
        shown = clip(one_line(message.text), _SHOWN_CELLS)
        self._note(f"#{cascade.id} {shown}: {cascade.model_name}, {holders}")

    def look(self, *, ticked: bool) -> None:
        """Detect changes of every running or queued cascade, after a tick or a command."""
        is_heard = self._is_heard()
        for entry in list(self._open.values()):
            cascade = entry.cascade
            size, status = cascade.size, cascade.status
            grown = size - entry.size
            if ticked:
                entry.new = grown
                self.contacts += cascade.contacts_seen - entry.contacts
                entry.contacts = cascade.contacts_seen
            if entry.status == "queued" != status and is_heard:
                self._begin(cascade)
            if grown:
                entry.size = size
                if is_heard:
                    self._grow(cascade, grown)
            entry.status = status
            if status in ENDED:
                self._close(entry)

    def _begin(self, cascade: Cascade) -> None:
        if cascade.started_at < 0:
            return
        count = int(cascade.seeds.size)
        self._emit(
            CascadeStarted(
                tick=cascade.started_at, cascade=cascade.id, model=cascade.model_name, seeds=count
            )
        )

    def _grow(self, cascade: Cascade, grown: int) -> None:
        tick, number, size = self._world.tick, cascade.id, cascade.size
        self._emit(CascadeGrew(tick=tick, cascade=number, new=grown, adopters=size))
        receivers = max(size - int(cascade.seeds.size), 0)
        self._emit(MessageReceived(tick=tick, cascade=number, receivers=receivers))

    def _close(self, entry: _TrackedCascade) -> None:
        cascade, tick = entry.cascade, self._world.tick
        number, size = cascade.id, cascade.size
        if cascade.status == "failed":
            error = cascade.error or "unknown reason"
            self._note(f"#{number} failed: {one_line(error)}")
            self._emit(
                CascadeFailed(tick=tick, cascade=number, model=cascade.model_name, error=error)
            )
        elif cascade.status == "cancelled":
            self._note(f"#{number} cancelled: {plural(size, 'adopter')}")
            self._emit(CascadeCancelled(tick=tick, cascade=number, adopters=size))
        else:
            self._note(f"#{number} died out: {plural(size, 'adopter')}")
            self._emit(CascadeCompleted(tick=tick, cascade=number, adopters=size))
        entry.r, entry.cohort = newest_r(cascade)
        del self._open[number]
        row = self._row(entry)
        remember(self._closed, number, row)
        self._ended(number, row)

    def has_closed(self, number: int) -> bool:
        """Return whether a cascade counts as ended here."""
        return number < self._known and number not in self._open

    def row(self, number: int) -> SessionRow | None:
        """Return the current row of one session; that of one that ended long ago is made again."""
        if (entry := self._open.get(number)) is not None:
            return self._row(entry)
        return self._closed.get(number) or self._long_ago(number)

    def _long_ago(self, number: int) -> SessionRow | None:
        cascade = self._world.cascades.find(number)
        if cascade is None:
            return None
        entry = _TrackedCascade(cascade, cascade.status, cascade.size, cascade.contacts_seen)
        entry.r, entry.cohort = newest_r(cascade)
        return self._row(entry)

    def rows(self) -> tuple[SessionRow, ...]:
        """Return the rows of a frame, in order of id: open sessions, and the newest ended ones."""
        living = [self._row(entry) for entry in list(self._open.values())[:MOST_ROWS]]
        room = MOST_ROWS - len(living)
        ended = list(self._closed.values())[-room:] if room else []
        return tuple(sorted(ended + living, key=lambda row: row.id))

    @property
    def lags(self) -> bool:
        """Whether R of an open session is out of date."""
        return any(map(self._is_behind, self._open.values()))

    def read_some_r(self, *, is_idle: bool = False) -> None:
        """Update R of open sessions in turns, of more when nothing else is to do (``is_idle``)."""
        began = time.monotonic()
        if began < self._due and not is_idle:
            return
        stale, left = [e for e in self._open.values() if self._is_behind(e)], _SMALL
        for _ in range(len(stale)):
            self._turn = (self._turn + 1) % len(stale)
            cascade = stale[self._turn].cascade
            self.set_r(cascade.id, *newest_r(cascade))
            left -= cascade.size + len(self._world.agents) // 64
            if left < 0:
                now = time.monotonic()
                self._due = now + _COST_SHARE * (now - began)
                return

    def _is_behind(self, entry: _TrackedCascade) -> bool:
        """Return whether R may have changed: generations complete without new adopters, too."""
        cascade = entry.cascade
        return cascade.started_at >= 0 and entry.r_read != (self._world.tick, cascade.size)

    def set_r(self, number: int, r: float, cohort: int) -> None:
        """Set R_t of one session, and its tick, if the caller has it at hand."""
        entry = self._open.get(number)
        if entry is None or not self._is_behind(entry):
            return
        entry.r_read = (self._world.tick, entry.cascade.size)
        if cohort == entry.cohort and (r == entry.r or np.isnan(r)):
            return  # the row is unchanged
        entry.r, entry.cohort = r, cohort
        if not np.isnan(r):
            self._emit(
                InfluenceCalculated(tick=self._world.tick, cascade=number, r=r, cohort=cohort)
            )

    def _row(self, entry: _TrackedCascade) -> SessionRow:
        """Return the row of an entry, made again only when it changed."""
        cascade, row = entry.cascade, entry.row
        if (
            row is None
            or row.size != cascade.size
            or row.new != entry.new
            or row.r is not entry.r
            or row.cohort != entry.cohort
            or row.status != cascade.status
        ):
            entry.row = row = self._new_row(entry)
        return row

    def _new_row(self, entry: _TrackedCascade) -> SessionRow:
        cascade = entry.cascade
        return SessionRow(
            id=cascade.id,
            text=cascade.text,
            model=cascade.model_name,
            status=cascade.status,
            size=cascade.size,
            share=cascade.size / cascade.agents,
            r=entry.r,
            cohort=entry.cohort,
            new=entry.new,
            started_at=cascade.started_at,
            priority=cascade.priority,
            error=cascade.error,
        )


def remember(rows: dict[int, SessionRow], number: int, row: SessionRow) -> None:
    """Keep the row of a session that ended, and no more older ones than a frame can list."""
    rows.pop(number, None)
    rows[number] = row
    while len(rows) > MOST_ROWS:
        del rows[next(iter(rows))]


def require_loop(loop: asyncio.AbstractEventLoop) -> None:
    """Raise if another loop than the simulation's is running; without one nothing is awaited."""
    with suppress(RuntimeError):
        if asyncio.get_running_loop() is not loop:
            raise InputError(
                "A simulation lives in the event loop that it was entered in; use it there, or "
                "open another one in this loop."
            )


class Session:
    """An injected message, for use with asyncio; made by ``simulation.inject``.

    Parameters
    ----------
    cascade
        The engine's record.
    loop
        Where it is awaited; a session that was dropped is made again outside of it, too.

    Attributes
    ----------
    id, text, model
        Its number, its cleaned text, the registered name of its model.
    cascade
        The engine's record. Read it only while the world is paused, or through ``simulation.call``.
    """

    def __init__(self, cascade: Cascade, loop: asyncio.AbstractEventLoop) -> None:
        self.id = cascade.id
        self.text = cascade.text
        self.model = cascade.model_name
        self.cascade = cascade
        self._loop = loop
        self._ended: asyncio.Future[SessionRow] = loop.create_future()

    def __repr__(self) -> str:
        return f"<Session #{self.id} {self.model}: {self.status}, {self.size:,} adopters>"

    @property
    def status(self) -> str:
        """``"queued"``, ``"running"``, ``"quiet"``, ``"failed"`` or ``"cancelled"``, currently."""
        return self.cascade.status

    @property
    def size(self) -> int:
        """Agents that ever adopted, so far."""
        return self.cascade.size

    @property
    def error(self) -> str | None:
        """Why it failed, one sentence; or None."""
        return self.cascade.error

    async def done(self) -> SessionRow:
        """Wait until nothing about the message can change, and return its last row.

        A message that a new parameter revives is awaited again.
        A failed session is returned, not raised: look at its ``status`` and ``error``.

        Raises
        ------
        EngineError
            When the engine failed first.
        Cancelled
            When the simulation was closed first.
        """
        require_loop(self._loop)
        return await asyncio.shield(self._ended)

    def reopen(self) -> None:
        """Let :meth:`done` wait for another end; called by the simulation."""
        if self._ended.done():
            self._ended = self._loop.create_future()

    def settle(self, row: SessionRow | None, error: Exception | None = None) -> None:
        """End the waiting of :meth:`done`; called by the simulation."""
        if self._ended.done():
            return
        if error is not None:
            self._ended.set_exception(error)
            self._ended.exception()  # retrieved: awaiting it is optional
        elif row is not None:
            self._ended.set_result(row)
