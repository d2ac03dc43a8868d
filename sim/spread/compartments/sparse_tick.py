"""Sparse tick of compartmental models: memory by the few contacts, not by all agents.

Feeds show a message to some of a crowd: columns over all agents, rows and claims, would then take
more than the message itself. What comes of a tick is that of
:meth:`~sim.spread.compartments.compartments.Compartments.step`.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from sim.arrays import U32, Ids
from sim.core.rng import Stream
from sim.jit.claims import FREE
from sim.jit.order import sort_ids
from sim.spread.cascade.cascade import Cascade
from sim.spread.cascade.contacts import Contacts, Draws
from sim.spread.cascade.generations import again_counted, follow_again
from sim.spread.cascade.model import SLICE
from sim.spread.cascade.sparse_column import SparseColumn
from sim.spread.compartments import table_sparse_kernels as kernels
from sim.spread.compartments.compartments import Compartments, _live, _part, _settle
from sim.spread.compartments.rules import KEEP, RuleTable


def stepped(cascade: Cascade, contacts: Contacts, speakers: Ids, spans: U32, draws: Draws) -> bool:
    """Advance a cascade by one tick in little room; returns False where that is not to be.

    So for models that are more than a table of rules.
    """
    model = cascade.model
    if not isinstance(model, Compartments) or type(model).step is not Compartments.step:
        return False
    model.in_world(cascade)
    table = model.table(cascade.draws_mode)
    if table.is_gated or model.for_seeds(cascade) is not model:
        return False
    if cascade.memo is None:
        live = _live(cascade.held["state"], table)
        cascade.memo = (live, live.size, table)
    live, count = cascade.memo[:2]
    away = live[:0]
    if cascade.absent.size:
        live, count, away = _part(cascade, live, count)
    scratch, state = contacts.scratch, cascade.held["state"]
    claims = SparseColumn(cascade.agents, np.uint64)
    touched = _meet(cascade, contacts, claims, table, (speakers, spans), draws)
    claims.reserve(count if table.adopting[table.snew].any() else 0)
    kept, touched = kernels.few_spontaneous(
        live, count, draws.key(Stream.SPONTANEOUS), state.keys, state.values, claims.keys,
        claims.values, scratch.touched, touched, table.soff, table.scum, table.snew, table.mode,
        table.adopting, cascade.tally,
    )  # fmt: skip
    sort_ids(scratch.touched, touched, scratch.sources)
    state.reserve(touched)
    if model.counts_again(cascade.draws_mode) or again_counted(cascade):
        ids = scratch.touched[:touched].copy()
        lives, made = model.lives(cascade.draws_mode), claims[ids] ^ FREE
        follow_again(cascade, ids, made, lives.adopts, lives.course, draws.tick)
    adopted = np.empty(touched, np.uint32)
    roused, fresh = kernels.few_commit(
        scratch.touched, touched, state.keys, state.values, claims.keys, claims.values, table.soff,
        table.mode, table.adopting, cascade.tally, adopted, scratch.sources,
    )  # fmt: skip
    _settle(cascade, scratch, table, live, kept, roused, away)
    cascade.enter(adopted[:fresh], scratch.sources[:fresh])
    return True


def _meet(
    cascade: Cascade,
    contacts: Contacts,
    claims: SparseColumn,
    table: RuleTable,
    heard: tuple[Ids, U32],
    draws: Draws,
) -> int:
    """Let who is heard speak; returns how many agents are claimed."""
    state, touched, (speakers, spans) = cascade.held["state"], 0, heard
    turns = bool((table.speaker != KEEP).any())
    for low, high in _slices(spans[:, 1]):
        ties = int(spans[low:high, 1].sum())
        claims.reserve(ties + (high - low if turns else 0))
        touched, attempts = kernels.few_contacts(
            speakers, spans, contacts.targets, contacts.trust, low, high,
            draws.key(Stream.CONTACTS), state.keys, state.values, cascade.absent, claims.keys,
            claims.values, contacts.scratch.touched, touched, table.contacts,
        )  # fmt: skip
        cascade.contacts_seen += attempts
    return touched


def _slices(lengths: npt.NDArray[np.uint32]) -> Iterator[tuple[int, int]]:
    """Yield the speakers of each kernel call: as many as have :data:`SLICE` listeners, or one."""
    stops, low = np.cumsum(lengths, dtype=np.int64), 0
    while low < stops.size:
        before = int(stops[low - 1]) if low else 0
        high = max(int(np.searchsorted(stops, before + SLICE, side="right")), low + 1)
        yield low, high
        low = high
