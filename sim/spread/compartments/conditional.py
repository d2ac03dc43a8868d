"""Conditional rules of compartments: candidate transitions are listed, filtered, then applied."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.arrays import I64, U8, Ids
from sim.core.rng import Stream
from sim.jit.claims import BATCH, count_ties
from sim.jit.words import CODE
from sim.spread.cascade.cascade import Cascade
from sim.spread.cascade.contacts import Contacts, Draws, Scratch
from sim.spread.cascade.sparse_column import SparseColumn
from sim.spread.compartments import conditional_kernels as kernels
from sim.spread.compartments.conditions import ConditionRows, RuleCondition
from sim.spread.compartments.rules import KEEP, RuleTable
from sim.spread.compartments.table_kernels import table_attempts

ROOM = 65_536
"""Contacts listed at once."""


@dataclass
class ConditionalRules:
    """One tick of a cascade whose rules have conditions.

    Attributes
    ----------
    cascade, contacts, draws, table
        Of the tick.
    memory
        What conditions have counted in it.
    """

    cascade: Cascade
    contacts: Contacts
    draws: Draws
    table: RuleTable
    memory: dict[Any, Any]

    def meet(self, live: Ids, count: int) -> int:
        """Let the live speak; returns how many agents are claimed."""
        table, contacts, scratch = self.table, self.contacts, self.contacts.scratch
        state: SparseColumn = self.cascade.held["state"]
        ties = int(count_ties(contacts.rows, live, 0, count))
        self.cascade.contacts_seen += table_attempts(
            contacts.rows, live, count, state.keys, state.values, table.mode
        )
        lists = _lists(max(min(ties, ROOM), BATCH))
        touched, i, at, k = 0, np.int64(0), np.int64(0), np.int64(0)
        while i < count:
            size, i, at, k = kernels.table_hits(
                contacts.rows, contacts.targets, contacts.trust, live, i, count, at, k,
                self.draws.key(Stream.CONTACTS), state.keys, state.values, self.cascade.absent,
                table.contacts, lists,
            )  # fmt: skip
            columns: Any = (column[:size] for column in lists)
            speaker, listener, tie, bits, share, row = columns
            scene = self._scene(listener, speaker, tie)
            chosen = _chosen(table.off, table.part, table.when, row, share, scene)
            became = _looked_up(table.listener, chosen), _looked_up(table.speaker, chosen)
            touched = int(kernels.claim_hits(
                speaker, listener, bits, *became, scratch.claim, scratch.touched, touched
            ))  # fmt: skip
        return touched

    def befall(self, live: Ids, count: int, touched: int) -> tuple[int, int, Ids]:
        """Let what happens by itself happen; returns (agents kept, claimed, who changed)."""
        table, scratch = self.table, self.contacts.scratch
        state: SparseColumn = self.cascade.held["state"]
        key = self.draws.key(Stream.SPONTANEOUS)
        place, share, row = np.empty(count, np.int64), np.empty(count), np.empty(count, np.int64)
        size = kernels.hits_alone(
            live, count, key, state.keys, state.values, scratch.claim, table.soff, _sums(table),
            place, share, row,
        )  # fmt: skip
        hit = place[:size]
        scene = self._scene(live[hit])
        chosen = _chosen(table.soff, table.spart, table.swhen, row[:size], share[:size], scene)
        becomes = np.full(count, KEEP, np.uint8)
        becomes[hit] = _looked_up(table.snew, chosen)
        changed = np.empty(count, np.uint32)
        kept, touched, moved = kernels.befall(
            live, count, becomes, key, state.keys, state.values, scratch.claim, scratch.touched,
            touched, table.soff, table.mode, table.adopting, self.cascade.tally, changed,
        )  # fmt: skip
        return kept, touched, changed[:moved]

    def _scene(self, listener: Ids, speaker: Ids | None = None, tie: Any = None) -> ConditionRows:
        return ConditionRows(
            self.cascade, self.contacts, self.draws.tick, listener, speaker, tie, self.memory
        )


def _lists(size: int) -> kernels.Hits:
    kinds = np.uint32, np.uint32, np.int64, np.uint64, np.float64, np.int64
    columns: Any = (np.empty(size, kind) for kind in kinds)
    return kernels.Hits(*columns)


def _sums(table: RuleTable) -> npt.NDArray[np.float64]:
    """Return the sum of what each state may do alone."""
    ends = table.soff[1:]
    return np.where(ends > table.soff[:-1], np.append(table.scum, 0.0)[ends - 1], 0.0)


def _looked_up(column: U8, chosen: I64) -> U8:
    """Return the new state of each outcome, 255 where there is none."""
    return np.append(column, np.uint8(KEEP))[chosen]


def _chosen(
    off: I64,
    part: npt.NDArray[np.float64],
    when: tuple[RuleCondition | None, ...],
    row: I64,
    share: npt.NDArray[np.float64],
    scene: ConditionRows,
) -> I64:
    """Return the outcome of each hit, -1 for none.

    Among the outcomes of a row whose condition holds, chances are added up in the order of the
    rules; the first sum above the share is it.
    """
    chosen = np.full(row.size, -1, np.int64)
    for number in np.unique(row).tolist():
        at = np.flatnonzero(row == number)
        seen, below = scene.part(at), np.zeros(at.size)
        for outcome in range(off[number], off[number + 1]):
            condition = when[outcome]
            holds = np.ones(at.size, np.bool_) if condition is None else condition.holds(seen)
            below = below + np.where(holds, part[outcome], 0.0)
            hit = holds & (chosen[at] < 0) & (share[at] < below)
            chosen[at[hit]] = outcome
    return chosen


def could_change(
    cascade: Cascade, contacts: Contacts, table: RuleTable, live: Ids, tick: int
) -> bool:
    """Return whether a change that no condition forbids for good is left to the live agents."""
    memory: dict[Any, Any] = {}
    state: SparseColumn = cascade.held["state"]
    codes = (state[live] & CODE).astype(np.int64)
    alone = ConditionRows(cascade, contacts, tick, live, memory=memory)
    if _may(table.soff, table.swhen, codes, alone):
        return True
    i, e = np.int64(0), np.int64(0)
    lists = _lists(ROOM)
    columns: Any = lists.speaker, lists.listener, lists.tie, lists.row
    while i < live.size:
        size, i, e = kernels.contacts_left(
            contacts.rows, contacts.targets, live, i, live.size, e, state.keys, state.values,
            cascade.absent, table.total, len(cascade.states), *columns,
        )  # fmt: skip
        speaker, listener, tie, row = (column[:size] for column in columns)
        scene = ConditionRows(cascade, contacts, tick, listener, speaker, tie, memory)
        if _may(table.off, table.when, row, scene):
            return True
    return False


def _may(off: I64, when: tuple[RuleCondition | None, ...], row: I64, scene: ConditionRows) -> bool:
    """Return whether any outcome of any row could happen."""
    for number in np.unique(row).tolist():
        seen = scene.part(np.flatnonzero(row == number))
        for outcome in range(off[number], off[number + 1]):
            condition = when[outcome]
            if condition is None or condition.may(seen).any():
                return True
    return False


def note_entries(cascade: Cascade, moved: Ids, scratch: Scratch, touched: int, tick: int) -> None:
    """Write down who enters another state in this tick: who moved alone, and who is claimed."""
    ids = scratch.touched[:touched]
    old = cascade.held["state"][ids] & CODE
    new = (scratch.claim[ids] >> np.uint64(32)).astype(np.uint8)
    now = np.int32(tick - cascade.started_at)
    cascade.held["since"][moved] = now
    cascade.held["since"][ids[old != new]] = now
