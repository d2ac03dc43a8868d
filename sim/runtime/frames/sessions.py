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
"""Statuses in which nothing happens any more; a new parameter can wake a quiet one."""

MOST_ROWS = 1000
"""Messages listed in a frame."""

_SHOWN_CELLS = 48
_SMALL = 20_000
"""Adopters up to which R is read for a row in one go."""

_COST_SHARE = 20.0
"""Where more are read, twenty times what that took passes before more are: at most 5 % of it."""


@dataclass(slots=True, eq=False)
class _TrackedCascade:
    """What is known of one cascade since it was last looked at."""

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
        """All messages ever injected."""
        return self._known

    @property
    def alive(self) -> int:
        """Messages that are queued or running."""
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
        """Follow the world from another tick; ``woken``: told of each session that runs."""
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
        """Follow a cascade again that was at rest."""
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
        """Notice what became of every living cascade, after a tick or after a command."""
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
        """Whether a cascade counts as ended here."""
        return number < self._known and number not in self._open

    def row(self, number: int) -> SessionRow | None:
        """Return the line of one session as it is now; that of one which ended long ago anew."""
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
        """Return the lines of a frame, in order of their number: the living, then newest ended."""
        living = [self._row(entry) for entry in list(self._open.values())[:MOST_ROWS]]
        room = MOST_ROWS - len(living)
        ended = list(self._closed.values())[-room:] if room else []
        return tuple(sorted(ended + living, key=lambda row: row.id))

    @property
    def lags(self) -> bool:
        """Whether R of a living session waits to be read."""
        return any(map(self._is_behind, self._open.values()))

    def read_some_r(self, *, is_idle: bool = False) -> None:
        """Bring R of living sessions up to date in turns, more where nobody waits (``is_idle``)."""
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
        """Whether R may be another by now: generations become whole without new adopters, too."""
        cascade = entry.cascade
        return cascade.started_at >= 0 and entry.r_read != (self._world.tick, cascade.size)

    def set_r(self, number: int, r: float, cohort: int) -> None:
        """Take R_t of one session, and its tick, from whoever has it at hand."""
        entry = self._open.get(number)
        if entry is None or not self._is_behind(entry):
            return
        entry.r_read = (self._world.tick, entry.cascade.size)
        if cohort == entry.cohort and (r == entry.r or np.isnan(r)):
            return  # the row stays the one it is
        entry.r, entry.cohort = r, cohort
        if not np.isnan(r):
            self._emit(
                InfluenceCalculated(tick=self._world.tick, cascade=number, r=r, cohort=cohort)
            )

    def _row(self, entry: _TrackedCascade) -> SessionRow:
        """Return the line of an entry, made anew only when it changed."""
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
    """Keep the line of a session that ended, and of older ones no more than a frame can list."""
    rows.pop(number, None)
    rows[number] = row
    while len(rows) > MOST_ROWS:
        del rows[next(iter(rows))]


def require_loop(loop: asyncio.AbstractEventLoop) -> None:
    """Refuse another running loop than that of a simulation; without one nothing is waited for."""
    with suppress(RuntimeError):
        if asyncio.get_running_loop() is not loop:
            raise InputError(
                "A simulation lives in the event loop that it was entered in; use it there, or "
                "open another one in this loop."
            )


class Session:
    """One injected message, as asyncio sees it; made by ``simulation.inject``.

    Parameters
    ----------
    cascade
        The engine's record.
    loop
        Where it is awaited; a session that was forgotten is made anew outside of it, too.

    Attributes
    ----------
    id, text, model
        Its number, its clean text, the registered name of its model.
    cascade
        The engine's record. Read it while the world is paused, or through ``simulation.call``.
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
        """``"queued"``, ``"running"``, ``"quiet"``, ``"failed"`` or ``"cancelled"``, as of now."""
        return self.cascade.status

    @property
    def size(self) -> int:
        """Agents that ever adopted, as of now."""
        return self.cascade.size

    @property
    def error(self) -> str | None:
        """Why it failed, one sentence; or None."""
        return self.cascade.error

    async def done(self) -> SessionRow:
        """Wait until nothing about the message can change, and return its last line.

        A message that a new parameter wakes is waited for anew.
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
        """Let :meth:`done` wait for another end; the simulation calls this."""
        if self._ended.done():
            self._ended = self._loop.create_future()

    def settle(self, row: SessionRow | None, error: Exception | None = None) -> None:
        """End the waiting of :meth:`done`; the simulation calls this."""
        if self._ended.done():
            return
        if error is not None:
            self._ended.set_exception(error)
            self._ended.exception()  # looked at: nobody need wait
        elif row is not None:
            self._ended.set_result(row)
