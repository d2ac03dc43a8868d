"""Compartmental models in continuous time: the same rules, with rates in place of chances."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from sim.core.cards import Card
from sim.core.rng import Stream
from sim.kernels import events as kernels
from sim.kernels import rings as slots
from sim.kernels.order import merge_ids, sort_ids
from sim.spread.cascade import Cascade
from sim.spread.compartments import Compartments, _part, _with_room
from sim.spread.contacts import Contacts, Draws, Ids
from sim.spread.rules import KEEP, Table
from sim.spread.sparse import Sparse

__all__ = ["ContinuousTime", "bounds", "exact_times"]

Floats = npt.NDArray[np.float64]

_SPAN = 32
"""Rings that a span of the calendar holds on average: its heap stays in the nearest cache."""
_FEWEST, _MOST = 64, 65_536
_LEAST = 256
_SLOTS = 12
_S32, _LOW32 = np.uint64(32), np.uint64(0xFFFFFFFF)


class ContinuousTime(Compartments):
    """Mix in before a compartmental model, and its chances are rates: one event at a time.

    Every tie of a speaker has clocks of its own, and so has every change by itself: exponential
    waits at the declared rates, per tick. Events happen in order of time; each sees all before it.
    So the law is that of the Markov chain in continuous time, whatever the length of a tick, and a
    chain of several ties may be passed within one tick. With ``contacts = k`` a speaker makes k
    calls per tick at random moments, and a rate says how many of them count.

    ``adopted_at`` is the tick at whose end an event has happened; :func:`exact_times` tells when.

    Examples
    --------
    >>> from sim import Field, after, contact
    >>> class Quick(ContinuousTime):
    ...     "Infection and recovery at rates."
    ...     tau: float = Field(2.0, ge=0, description="infections per tie and tick")
    ...     states = ("susceptible", "infected")
    ...     seeded = "infected"
    ...     rules = (contact("susceptible", "infected", by="infected", chance="tau"),)
    """

    in_rates: ClassVar[bool] = True
    sequential: ClassVar[bool] = True
    card: ClassVar[Card] = Card(
        update="one event at a time, in order of time; each sees all events before it",
        comparison="waits are exponential; a ring is accepted when a draw in [0, 1) is < the ratio "
        "of the actual rate to the largest",
        ties="none: no two events happen at one moment",
        time_unit="tick; rates are per tick, moments within one are kept",
        draw_modes="one: by agent and ring, whichever of coins or skips is asked for",
        cost="a draw for each agent that may act, and an event for each success or failed try; "
        "contacts seen are ties over which somebody speaks for a tick, in part for a part of it",
        largest="10 million agents with 200 million ties",
    )

    def start(self, cascade: Cascade) -> None:
        """Put the seeds in their state."""
        super().start(cascade)
        cascade.held["time"] = Sparse(cascade.agents, np.float64)
        cascade.held["time"][cascade.seeds] = float(cascade.started_at)

    def step(self, cascade: Cascade, contacts: Contacts, draws: Draws) -> None:
        """Let the events of one tick happen."""
        live, count, table = self._remembered(cascade)
        away = live[:0]
        if cascade.absent.size:
            live, count, away = _part(cascade, live, count)
        tick = _Tick(cascade, contacts, draws.key(Stream.CONTACTS), table)
        tick.run(live, count)
        scratch, touched = contacts.scratch, int(tick.at[slots.TOUCHED])
        sort_ids(scratch.touched, touched, scratch.sources)
        state = cascade.held["state"]
        kept, roused = kernels.still_live(
            live, count, scratch.touched, touched, state.keys, state.values, scratch.claim,
            table.mode, table.soff,
        )  # fmt: skip
        live = _with_room(live, kept, kept + roused + away.size)
        merge_ids(live, kept, scratch.touched, roused)
        merge_ids(live, kept + roused, away, away.size)
        cascade.memo = (live, kept + roused + away.size, table)
        tick.write(draws.tick)


class _Tick:
    """The working arrays of one tick of one cascade."""

    def __init__(self, cascade: Cascade, contacts: Contacts, key: np.uint64, table: Table) -> None:
        self.cascade = cascade
        self.scratch = contacts.scratch
        self.key = key
        self.heard = kernels.Heard(contacts.rows, contacts.targets, contacts.trust, cascade.absent)
        self.rates = kernels.Rates(
            table.off, table.cum, table.listener, table.speaker, table.total, table.trusted,
            table.mode, table.ceiling, table.soff, table.scum, table.snew, table.adopting,
            *bounds(table),
        )  # fmt: skip
        self.at = np.zeros(_SLOTS, np.int64)
        self.at[slots.FREED] = -1
        self.found = _lists(_LEAST)

    def run(self, live: Ids, count: int) -> None:
        """Draw the first rings, then let rings happen until the tick ends."""
        spans = min(max(_FEWEST, 1 << (int(count) // _SPAN).bit_length()), _MOST)
        late = count // 2 + _LEAST
        calendar = slots.Calendar(
            start=np.empty(spans + 1, np.int64),
            when=np.empty(count),
            ring=np.empty(count, np.uint64),
            head=np.full(spans, -1, np.int32),
            late_when=np.empty(late),
            late_ring=np.empty(late, np.uint64),
            late_next=np.empty(late, np.int32),
            heap_when=np.empty(_LEAST),
            heap_place=np.empty(_LEAST, np.int32),
            due_ring=np.empty(_LEAST, np.uint64),
            due_tie=np.empty(_LEAST, np.int64),
            due_goal=np.empty(_LEAST, np.uint32),
            due_share=np.empty(_LEAST),
            at=self.at,
        )
        state, scratch = self.cascade.held["state"], self.scratch
        kernels.ring_first(
            self.heard, self.rates, live, count, self.key, state.keys, state.values, scratch.claim,
            scratch.touched, calendar, np.empty(count), np.empty(count, np.uint64),
        )  # fmt: skip
        while not self._on(calendar):
            calendar = self._lengthened(calendar)
        self.cascade.contacts_seen += int(self.at[slots.WATCHED]) >> 20

    def _on(self, calendar: slots.Calendar) -> bool:
        """Let rings happen while there is room; returns whether the tick has ended."""
        state, scratch = self.cascade.held["state"], self.scratch
        if not state.is_dense and self.at[slots.ROOM] < 2:
            self.at[slots.ROOM] = self.found.agents.size
            state.reserve(self.found.agents.size)
        return kernels.ring_on(
            self.heard, self.rates, self.key, state.keys, state.values, scratch.claim,
            scratch.touched, self.cascade.tally, calendar, self.found,
        )  # fmt: skip

    def _lengthened(self, calendar: slots.Calendar) -> slots.Calendar:
        """Double whichever arrays are nearly full."""
        if self.at[slots.FRESH] + 2 > self.found.agents.size:
            self.found = kernels.Found(*(_doubled(column) for column in self.found))
        names: list[str] = []
        if self.at[slots.USED] + 2 > calendar.late_when.size:
            names += ["late_when", "late_ring", "late_next"]
        if self.at[slots.KNOWN] + 2 > calendar.heap_when.size or self.at[slots.DUE] == 0:
            names += ["heap_when", "heap_place", "due_ring", "due_tie", "due_goal", "due_share"]
        return calendar._replace(**{name: _doubled(getattr(calendar, name)) for name in names})

    def write(self, tick: int) -> None:
        """Write first adoptions down, by agent, and when exactly they happened."""
        fresh = int(self.at[slots.FRESH])
        places = np.arange(fresh, dtype=np.uint64)
        both = np.sort((self.found.agents[:fresh].astype(np.uint64) << _S32) | places)
        agents = (both >> _S32).astype(np.uint32)
        order = (both & _LOW32).astype(np.int64)
        self.cascade.held["time"][agents] = tick - 1 + self.found.times[order]
        self.cascade.enter(agents, self.found.sources[order])


def exact_times(cascade: Cascade) -> npt.NDArray[np.float64]:
    """Return when each agent first adopted, float64 (agents,) in ticks, NaN for never.

    Parameters
    ----------
    cascade
        Of a model in continuous time; of any other the whole ticks are returned.
    """
    adopted_at = cascade.adopted_at.astype(np.float64)
    times = cascade.held["time"].dense() if "time" in cascade.held else adopted_at
    return np.where(adopted_at >= 0, times, np.nan)


def bounds(table: Table) -> tuple[Floats, npt.NDArray[np.uint8]]:
    """Return what a try can never exceed, as :class:`sim.kernels.aims.Rates` has it.

    By speaker and listener the largest total of any state that the listener may reach, by whichever
    rules; and which states of speakers have some below their ceiling.
    """
    size = table.mode.size
    leads = np.eye(size, dtype=np.bool_)
    for s in range(size):
        leads[s, table.snew[table.soff[s] : table.soff[s + 1]]] = True
        for v in range(size):
            outcomes = slice(*table.off[s * size + v : s * size + v + 2])
            leads[v, [new for new in table.listener[outcomes] if new != KEEP]] = True
            leads[s, [new for new in table.speaker[outcomes] if new != KEEP]] = True
    for through in range(size):
        leads |= leads[:, through, None] & leads[through]
    total = table.total.reshape(size, size)
    bound = np.where(leads, total[:, None, :], 0.0).max(axis=2)
    return bound.ravel(), (bound < table.ceiling[:, None]).any(axis=1).astype(np.uint8)


def _lists(size: int) -> kernels.Found:
    return kernels.Found(np.empty(size, np.uint32), np.empty(size, np.uint32), np.empty(size))


def _doubled(column: npt.NDArray[Any]) -> npt.NDArray[Any]:
    longer = np.empty(2 * column.size, column.dtype)
    longer[: column.size] = column
    return longer
