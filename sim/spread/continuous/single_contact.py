"""Fast path for single-contact rules in continuous time, with the same events."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.arrays import Ids
from sim.core.cache import BoundedCache
from sim.core.rng import Stream
from sim.spread.cascade.cascade import Cascade
from sim.spread.cascade.contacts import Contacts, Draws
from sim.spread.compartments.rules import KEEP, RuleTable
from sim.spread.compartments.single_contact_passing_kernels import let_calls
from sim.spread.compartments.single_contact_won_kernels import (
    DIGIT,
    by_digit,
    count_states,
    write_down,
)
from sim.spread.continuous import single_contact_kernels as kernels
from sim.spread.continuous.epochs_kernels import MOST_RINGS
from sim.spread.continuous.rates_kernels import Rates

_MANY = 128
"""So many times fewer speakers than agents are worth a state and a time for each agent."""
_PART = 2
"""There is room for this part of the agents from the start, before it is written to."""
_MOST_CALLS = 2.0
"""Expected of a speaker in a tick: more need a calendar that gives back what has passed."""
_CALLS, _LARGEST = 3, 1024
_SPAN = 128
"""Calls that a span holds on average."""
_LEAST = 1 << 16
_WHOLE, _DRAWS = 1 << 32, 1 << 53
_MOST_TABLES = 1000
_OF_A_SPAN = ("due", "heard", "effect", "did", "was", "turns", "becomes", "drawn", "whose", "lots")
_COLUMNS = {
    np.uint64: {
        "pool": 0, "late": 2 * _LEAST, "due": 2 * _LEAST, "effect": _LEAST, "drawn": 2 * _LEAST,
        "whose": 2 * _LEAST, "lots": 2 * _LEAST, "soon": 2 * kernels.SOON, "won": _LEAST,
        "moments": _LEAST, "spare": _LEAST, "others": _LEAST,
        **dict.fromkeys(("chosen", "owns", "own"), kernels.STAGE),
    },
    np.uint32: {"fill": 0, "head": 0, "link": _LEAST, "heard": _LEAST},
    np.uint8: dict.fromkeys(("did", "was", "turns", "becomes"), _LEAST),
    np.int64: {"hits": 0, "at": kernels.SLOTS},
}  # fmt: skip
_laws: BoundedCache[tuple[RuleTable, kernels.CallRules | None]] = BoundedCache(_MOST_TABLES)


def let_call_in_time(
    cascade: Cascade,
    contacts: Contacts,
    draws: Draws,
    table: RuleTable,
    rates: Rates,
    live: Ids,
    count: int,
) -> TimedContactSpeakers | None:
    """Step a cascade of calls; returns who is live, ``None`` where nothing was done.

    That is so where the rules ask for more, where somebody is absent, and where too few are live:
    their states are a table.
    """
    law, state, model = law_of(table, rates), cascade.held["state"], cascade.model
    if law is None or cascade.absent.size or getattr(model, "seeded", "") == model.states[0]:
        return None
    if count * _MANY >= cascade.agents:
        state.make_dense()
        cascade.held["time"].make_dense()
    if not (state.is_dense and cascade.held["time"].is_dense):
        return None
    known = cascade.memo[3:]
    fits = known and known[0].contacts is contacts and known[0].count == count
    callers: TimedContactSpeakers = (
        known[0] if fits else TimedContactSpeakers(contacts, live, count)
    )
    _SingleContactTick(cascade, contacts, draws, law).run(callers)
    return callers


class TimedContactSpeakers:
    """Who is live, in no order, with their rows beside them; some may speak no more."""

    def __init__(self, contacts: Contacts, live: Ids, count: int) -> None:
        self.contacts = contacts
        room = max(count + count // 2, contacts.agents // _PART)
        self.columns: Any = np.empty((3, room + 1), np.uint32)
        self.columns[0, :count] = live[:count]
        self.columns[1:, :count] = contacts.rows[live[:count]].T
        self.count = count

    def make_room(self, more: int) -> None:
        """Make room for so many more."""
        if self.count + more > self.columns.shape[1]:
            larger = np.empty((3, self.count + more + self.count // 2), np.uint32)
            larger[:, : self.count] = self.columns[:, : self.count]
            self.columns = larger


class _SingleContactTick:
    """One tick of one cascade."""

    def __init__(
        self, cascade: Cascade, contacts: Contacts, draws: Draws, law: kernels.CallRules
    ) -> None:
        self.cascade = cascade
        self.contacts = contacts
        self.draws = draws
        self.law = law
        self.state = cascade.held["state"].values
        self.key = draws.key(Stream.CONTACTS)
        scratch = contacts.scratch
        kept, scratch.desk = scratch.desk, None  # whoever fails half-way leaves none behind
        calls = _calls_of(cascade.tally, law)
        self.desk = desk_of(kept, calls, law.effect.size)

    def run(self, callers: TimedContactSpeakers) -> None:
        """Draw the calls, let them happen, and write down what they did."""
        law, desk, state = self.law, self.desk, self.state
        who, start, length = callers.columns
        while not kernels.call_first(
            law, who, start, length, callers.count, self.key, state, self.desk
        ):
            self._lengthen()
        callers.count = int(self.desk.at[kernels.SPEAKERS])
        while not let_calls(
            law, self.contacts.rows, self.contacts.targets, self.key, state, self.desk
        ):
            self._lengthen()
        desk = self.desk
        watched = int(desk.at[kernels.WATCHED])
        count_states(law, desk.hits, self.cascade.tally)
        watched += self._write(callers)
        self.cascade.contacts_seen += watched >> 20
        self.contacts.scratch.desk = desk

    def _lengthen(self) -> None:
        """Double what is nearly full."""
        desk = self.desk
        late, dues, fresh = desk.at[[kernels.LATE, kernels.DUES, kernels.FRESH]].tolist()
        due = max(desk.room + late, dues) + 2 * MOST_RINGS + 1
        names: list[str] = []
        if desk.link.size - late < kernels.STAGE * MOST_RINGS:
            names += ["late", "link"]
        if desk.did.size < due:
            names += _OF_A_SPAN
        if desk.won.size - fresh < due:
            names += ["won", "moments", "spare", "others"]
        longer: dict[str, Any] = {name: _doubled(getattr(desk, name)) for name in names}
        self.desk = desk._replace(**longer)

    def _write(self, callers: TimedContactSpeakers) -> int:
        """Write first adoptions down, by agent; sort out who speaks."""
        desk, law, cascade = self.desk, self.law, self.cascade
        fresh = int(desk.at[kernels.FRESH])
        callers.make_room(fresh + 1)
        who, start, length = callers.columns
        won, moments, spare, others = desk.won, desk.moments, desk.spare, desk.others
        starts = np.empty(1 << DIGIT, np.int64)
        for shift in range(32, 32 + (cascade.agents - 1).bit_length(), DIGIT):
            by_digit(won, moments, fresh, spare, others, shift, starts)
            won, moments, spare, others = spare, others, won, moments
        scratch = self.contacts.scratch
        adopted, sources = scratch.touched[:fresh], scratch.sources[:fresh]
        callers.count, watched = write_down(
            won, moments, fresh, float(self.draws.tick - 1), law.calls, self.contacts.rows,
            self.state, law.speaks, adopted, sources, cascade.held["time"].values,
            who, start, length, callers.count,
        )  # fmt: skip
        if not cascade.tally @ law.speaks:
            callers.count = 0
        cascade.enter(adopted, sources)
        return int(watched)


def law_of(table: RuleTable, rates: Rates) -> kernels.CallRules | None:
    """Return the rules as the kernels read them, made once for each table; ``None``: too many."""
    return _laws.get(id(table), lambda: (table, _law(table, rates) if _fits(table) else None))[1]


def _fits(table: RuleTable) -> bool:
    """Return whether speakers call, and nobody is changed but as the kernels know."""
    size = table.mode.size
    speaks = table.mode > 0
    if table.soff[-1] or table.trusted.any() or not (table.mode[speaks] > _CALLS).all():
        return False
    if np.unique(table.mode[speaks]).size != 1 or table.adopting[0] or speaks[0]:
        return False
    if table.mode.max() > _LARGEST:
        return False
    if ((table.mode[speaks] - _CALLS) * table.ceiling[speaks] > _MOST_CALLS).any():
        return False
    rows = np.repeat(np.arange(table.total.size), np.diff(table.off))
    speaker, listener = np.divmod(rows, size)
    changed, turned = table.listener != KEEP, table.speaker != KEEP
    into, to = table.listener[changed], table.speaker[turned]
    if listener[changed].any() or not (table.adopting[into] > 0).all() or not speaks[into].all():
        return False
    return not (table.adopting[to].any() or (to == 0).any() or _comes_back(speaker[turned], to))


def _comes_back(before: npt.NDArray[Any], after: npt.NDArray[Any]) -> bool:
    """Return whether changes of state lead back to where they began."""
    left = set(zip(before.tolist(), after.tolist(), strict=True))
    while left:
        ends = {b for _, b in left} - {a for a, _ in left}
        going = {(a, b) for a, b in left if b not in ends}
        if going == left:
            return True
        left = going
    return False


def _law(table: RuleTable, rates: Rates) -> kernels.CallRules:
    speaks = (table.mode > 0).astype(np.uint8)
    effect = np.array([*map(_effect, range(table.listener.size), table.listener, table.speaker,
                            speaks[np.minimum(table.speaker, speaks.size - 1)]),
                       table.listener.size << 32], np.uint64)  # fmt: skip
    sure = np.full(speaks.size**2, kernels.MUST_DRAW)
    for row, (a, b) in enumerate(pairwise(table.off.tolist())):
        if a == b:
            sure[row] = effect[-1]
        elif rates.cum[a] == _WHOLE:
            sure[row] = effect[a]
    calls = int(table.mode.max()) - _CALLS
    mean = calls * table.ceiling
    steps = np.concatenate([_steps(each) for each in mean.tolist()])
    return kernels.CallRules(sure, effect, table.off, rates.cum, mean, steps, speaks, calls)


def _effect(outcome: int, listener: int, speaker: int, speaks: int) -> int:
    """Return one outcome as the kernels read it."""
    said = int(outcome) << 32
    if listener != KEEP:
        said |= int(kernels.WINS) | int(listener) << int(kernels.NEW)
    if speaker != KEEP:
        said |= int(kernels.TURNS) | int(speaker) | int(kernels.GOES_ON) * int(speaks)
    return said


def _steps(mean: float) -> npt.NDArray[np.uint64]:
    """Return what a draw must not be below for each number of calls: as ``aims.count_of``."""
    steps = np.full(MOST_RINGS, ~np.uint64(0))
    chance = below = float(np.exp(-mean))
    steps[0] = math.ceil(max(below, 1.0 - mean) * _DRAWS)
    for n in range(1, MOST_RINGS - 1):
        chance *= mean * (1.0 / n)
        below += chance
        steps[n] = math.ceil(below * _DRAWS)
    return steps


def _calls_of(tally: npt.NDArray[np.int64], law: kernels.CallRules) -> float:
    """Return about how many calls a tick sees, also if everybody who is called calls."""
    mean = float(law.mean.max())
    speak = float(tally @ (law.speaks > 0))
    return float(mean * (speak + min(speak * np.expm1(mean), float(tally[0]))))


def desk_of(kept: kernels.CallQueue | None, calls: float, outcomes: int) -> kernels.CallQueue:
    """Return an empty desk for about so many calls, in the arrays of one that served, if any."""
    spans = 2 << max(int(calls / _SPAN).bit_length() - 1, 0)
    room = int(max(calls / spans, 8) * 1.5) + 8
    made = kept or _new_desk()
    if made.fill.size != spans:
        made = made._replace(
            fill=np.zeros(spans, np.uint32),
            head=np.zeros(spans, np.uint32),
            shift=np.uint64(64 - (spans.bit_length() - 1)),
        )
    if made.pool.size < 2 * (spans * room + 1):  # what follows the last place is read, for nothing
        made = made._replace(pool=np.empty(2 * (spans * room + 1), np.uint64))
    made.at[:] = 0
    return made._replace(room=room, hits=np.zeros(outcomes, np.int64))


def _new_desk() -> kernels.CallQueue:
    columns: dict[str, Any] = {
        name: np.empty(many, kind)
        for kind, sizes in _COLUMNS.items()
        for name, many in sizes.items()
    }
    return kernels.CallQueue(**columns, room=0, shift=np.uint64(0))


def _doubled(column: npt.NDArray[Any]) -> npt.NDArray[Any]:
    longer = np.empty(2 * column.size, column.dtype)
    longer[: column.size] = column
    return longer
