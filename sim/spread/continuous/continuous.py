""":class:`ContinuousTime`: event-driven (Gillespie-like, exact) compartmental models with rates."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from sim.arrays import F64, Ids
from sim.core.cards import Card
from sim.core.rng import Stream
from sim.core.threads import BoundedCache
from sim.jit.order import sort_ids
from sim.spread.cascade.cascade import Cascade
from sim.spread.cascade.contacts import Contacts, Draws
from sim.spread.cascade.sparse_column import SparseColumn
from sim.spread.compartments.compartments import Compartments, _part, _settle
from sim.spread.compartments.rules import KEEP, RuleTable
from sim.spread.continuous import events_kernels as kernels
from sim.spread.continuous.events_kernels import PARTING, RESTLESS, STEADY

_SPAN = 512
"""Average number of rings in a span of the calendar: its heap stays in the L1 cache."""
_FEWEST, _MOST = 64, 65_536
_MANY = 128
"""Use a dense state column once at least 1/128 of all agents are live."""
_LEAST = 256
_WHOLE = 1 << 32
_MOST_TABLES = 1000
_rates: BoundedCache[tuple[RuleTable, kernels.Rates]] = BoundedCache(_MOST_TABLES)


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
    >>> from hubbub import Field, after, contact
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
        "of the actual rate to the largest, both in 2**-32; moments are whole 2**-42 of a tick",
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
        cascade.held["time"] = SparseColumn(cascade.agents, np.float64)
        cascade.held["time"][cascade.seeds] = float(cascade.started_at)

    def step(self, cascade: Cascade, contacts: Contacts, draws: Draws) -> None:
        """Process the events of one tick."""
        live, count, table = self._remembered(cascade)
        away = live[:0]
        if cascade.absent.size:
            live, count, away = _part(cascade, live, count)
        tick = _CascadeTick(cascade, contacts, draws.key(Stream.CONTACTS), table)
        tick.run(live, count)
        tick.spare = np.empty(int(tick.at[kernels.TOUCHED]), np.uint32)
        scratch, touched = contacts.scratch, int(tick.at[kernels.TOUCHED])
        sort_ids(scratch.touched, touched, tick.spare)
        state = cascade.held["state"]
        kept, roused = kernels.still_live(
            live, count, scratch.touched, touched, tick.again, int(tick.at[kernels.AGAIN]),
            state.keys, state.values, scratch.claim, tick.rates.marks, tick.calendar.born,
        )  # fmt: skip
        _settle(cascade, scratch, table, live, kept, roused, away)
        scratch.calendar = tick.calendar
        tick.write(draws.tick)


class _CascadeTick:
    """The working arrays of one tick of one cascade."""

    def __init__(
        self, cascade: Cascade, contacts: Contacts, key: np.uint64, table: RuleTable
    ) -> None:
        self.cascade = cascade
        self.scratch = contacts.scratch
        self.key = key
        self.heard = kernels.ListenerRows(
            contacts.rows, contacts.targets, contacts.trust, cascade.absent
        )
        self.rates = rates_of(table)
        self.found = _lists(_LEAST)
        ties = contacts.targets.size / max(cascade.agents, 1)
        spans = _spans_for(_rings_of(cascade.tally, self.rates, ties))
        self.calendar = calendar_of(self.scratch.calendar, cascade.agents, spans, _LEAST)
        self.again = self.scratch.sources
        self.spare = np.empty(0, np.uint32)
        self.scratch.calendar = None  # so that a failed tick leaves none behind
        self.at = self.calendar.at

    def run(self, live: Ids, count: int) -> None:
        """Draw the first rings, then process rings until the tick ends."""
        state = self.cascade.held["state"]
        if count * _MANY >= self.cascade.agents:
            state.make_dense()
        while not kernels.ring_first(
            self.heard, self.rates, live, count, self.key, state.keys, state.values,
            self.cascade.tally, self.calendar,
        ):  # fmt: skip
            self._lengthen("pool", "link")
        while not self._on():
            self._lengthen(*self._short())
        self.cascade.contacts_seen += int(self.at[kernels.WATCHED]) >> 20

    def _on(self) -> bool:
        """Process rings while there is room; return whether the tick has ended."""
        state, scratch = self.cascade.held["state"], self.scratch
        if not state.is_dense and self.at[kernels.ROOM] < 2:
            self.at[kernels.ROOM] = self.found.agents.size
            state.reserve(self.found.agents.size)
        return kernels.ring_on(
            self.heard, self.rates, self.key, state.keys, state.values,
            kernels.NewLives(scratch.claim, scratch.touched, self.again), self.cascade.tally,
            self.calendar, self.found,
        )  # fmt: skip

    def _short(self) -> list[str]:
        """Return the names of nearly full arrays of the calendar; enlarge those of adoptions."""
        if self.at[kernels.FRESH] + 2 > self.found.agents.size:
            self.found = kernels.FirstAdoptions(*(_doubled(column) for column in self.found))
        names: list[str] = []
        if self.calendar.link.size - self.at[kernels.HELD] < kernels.LEFT:
            names += ["pool", "link"]
        if self.calendar.heap.size // kernels.WORDS - self.at[kernels.HEAPED] < kernels.LEFT:
            names += ["heap"]
        if self.at[kernels.DUE] == self.at[kernels.DUES] and not self.at[kernels.HEAPED]:
            names += ["due", "spare"]
        return names

    def _lengthen(self, *names: str) -> None:
        """Double the size of arrays of the calendar."""
        longer = {name: _doubled(getattr(self.calendar, name)) for name in names}
        self.calendar = self.calendar._replace(**longer)

    def write(self, tick: int) -> None:
        """Record first adoptions, sorted by agent, and their exact times."""
        order = np.argsort(self.found.agents[: int(self.at[kernels.FRESH])])
        agents = self.found.agents[order]
        self.cascade.held["time"][agents] = tick - 1 + self.found.times[order]
        self.cascade.enter(agents, self.found.sources[order])


def exact_times(cascade: Cascade) -> npt.NDArray[np.float64]:
    """Return the time of each agent's first adoption, float64 (agents,) in ticks, NaN for never.

    Parameters
    ----------
    cascade
        Of a model in continuous time; for any other model whole ticks are returned.
    """
    adopted_at = cascade.adopted_at.astype(np.float64)
    times = cascade.held["time"].dense() if "time" in cascade.held else adopted_at
    return np.where(adopted_at >= 0, times, np.nan)


def rates_of(table: RuleTable) -> kernels.Rates:
    """Return the rules in the form that the kernels read, cached for each table."""
    return _rates.get(id(table), lambda: (table, _rated(table)))[1]


def _rated(table: RuleTable) -> kernels.Rates:
    size = table.mode.size
    alone = np.array([table.scum[max(last - 1, 0)] if last > first else 0.0
                      for first, last in pairwise(table.soff)])  # fmt: skip
    within = np.repeat(table.ceiling, size)
    ends = table.soff[1:][np.diff(table.soff) > 0] - 1
    scum = _scaled(table.scum, np.repeat(alone, np.diff(table.soff)))
    scum[ends] = _WHOLE
    restless = (table.mode > 0) | (alone > 0)
    whole = _scaled(bounds(table).ravel(), within)
    changed = table.listener != KEEP
    moved = np.array([[changed[a:b].any() for a, b in row] for row in _spans(table.off, size)])
    turned = table.speaker != KEEP
    swayed = np.array([[turned[a:b].any() for a, b in row] for row in _spans(table.off, size)])
    still = ~moved.any(axis=0)
    steady = still & ~swayed.any(axis=1)
    cum = _scaled(table.cum, np.repeat(within, np.diff(table.off)))
    edge, hears, turns = _even(table, cum)
    final = still & ~restless & (table.adopting == 0)
    parting = steady & np.array([
        s > 0 and first < last and all(
            final[new] and _alike(edge, hears, turns, table.trusted, size, s, new)
            for new in table.snew[first:last]
        )
        for s, (first, last) in enumerate(pairwise(table.soff))
    ])  # fmt: skip
    marks = (steady * STEADY + restless * RESTLESS + parting * PARTING).astype(np.uint8)
    return kernels.Rates(
        table.trusted, table.mode, table.ceiling, table.soff, scum, table.snew, table.adopting,
        whole, alone, marks, edge, hears, turns,
    )  # fmt: skip


def _even(table: RuleTable, cum: npt.NDArray[np.uint64]) -> tuple[npt.NDArray[Any], ...]:
    """Return outcomes in rows of equal length: upper bounds, and new states of both ends."""
    many = np.diff(table.off)
    edge = np.zeros((many.size, max(int(many.max(initial=0)), 1)), np.uint64)
    hears, turns = (np.full((many.size, edge.shape[1] + 1), KEEP, np.uint8) for _ in range(2))
    for row, (first, last) in enumerate(pairwise(table.off)):
        if first < last:
            edge[row] = cum[last - 1]
            edge[row, : last - first] = cum[first:last]
            hears[row, : last - first] = table.listener[first:last]
            turns[row, : last - first] = table.speaker[first:last]
    return edge, hears, turns


def _alike(
    edge: npt.NDArray[Any], hears: npt.NDArray[Any], turns: npt.NDArray[Any],
    trusted: npt.NDArray[Any], size: int, s: int, new: int,
) -> bool:  # fmt: skip
    """Return whether contacts have the same effect on listeners in two states."""
    columns = edge, hears, turns, trusted
    return all((column[s::size] == column[new::size]).all() for column in columns)


def _spans(off: npt.NDArray[np.int64], size: int) -> list[list[tuple[int, int]]]:
    """Return the ranges of the outcomes of each row, by speaker and listener."""
    return [list(pairwise(off[s * size : (s + 1) * size + 1].tolist())) for s in range(size)]


def _scaled(rates: F64, most: F64) -> npt.NDArray[np.uint64]:
    """Return rates in units of 2**-32 of the largest."""
    shares = np.divide(rates, most, out=np.zeros(rates.shape), where=most > 0)
    whole: npt.NDArray[np.uint64] = np.rint(np.minimum(shares, 1.0) * _WHOLE).astype(np.uint64)
    return whole


def bounds(table: RuleTable) -> F64:
    """Return an upper bound of the rate of a try, (states, states): by speaker and listener."""
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
    bound: F64 = np.where(leads, total[:, None, :], 0.0).max(axis=2)
    return bound


def _rings_of(tally: npt.NDArray[np.int64], rates: kernels.Rates, ties: float) -> float:
    """Estimate the rings per tick: each effective one may create one speaker, or several."""
    speak = np.where(rates.mode > 2, rates.mode - 3, (rates.mode > 0) * ties) * rates.ceiling
    listens = rates.bound.reshape(tally.size, -1).any(axis=0)
    heard = float(tally @ listens) / max(int(tally.sum()), 1)
    rings, most = float(tally @ speak) * heard, float(speak.max()) * heard
    grown = min(rings * max(most, 1.0), max(rings, most * int(tally.sum()) / 2))
    return grown + float(tally @ (rates.alone > 0))


def _spans_for(rings: float) -> int:
    """Return the number of spans for a tick with an estimated number of rings."""
    return min(max(_FEWEST, 1 << int(rings / _SPAN).bit_length()), _MOST)


def calendar_of(
    kept: kernels.Calendar | None, agents: int, spans: int, room: int = _LEAST
) -> kernels.Calendar:
    """Return an empty calendar, reusing the arrays of an earlier one, if any."""
    made = kept or kernels.Calendar(
        pool=np.empty(room * kernels.CHUNK * kernels.WORDS, np.uint64),
        link=np.empty(room, np.uint32),
        tail=np.zeros(spans, np.uint32),
        due=np.empty(room * kernels.WORDS, np.uint64),
        spare=np.empty(room * kernels.WORDS, np.uint64),
        heap=np.empty(room * kernels.WORDS, np.uint64),
        fine=np.empty(kernels.FINES, np.int64),
        born=np.zeros((agents + 63) // 64, np.uint64),
        shift=np.empty(1, np.uint64),
        at=np.empty(kernels.SLOTS, np.int64),
    )
    made.at[:] = 0
    made.at[kernels.FREED] = -1
    made.shift[0] = 64 - (spans.bit_length() - 1)
    return made if made.tail.size == spans else made._replace(tail=np.zeros(spans, np.uint32))


def _lists(size: int) -> kernels.FirstAdoptions:
    return kernels.FirstAdoptions(
        np.empty(size, np.uint32), np.empty(size, np.uint32), np.empty(size)
    )


def _doubled(column: npt.NDArray[Any]) -> npt.NDArray[Any]:
    longer = np.empty(2 * column.size, column.dtype)
    longer[: column.size] = column
    return longer
