"""Remaining thresholds of listeners, less with each neighbour that adopts; also for rivals."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from sim.core.rng import Stream
from sim.jit.claims import count_ties
from sim.spread.cascade.cascade import Cascade
from sim.spread.cascade.contacts import Bits, Contacts, Draws, Ids
from sim.spread.cascade.model import SLICE
from sim.spread.cascade.sparse_column import SparseColumn
from sim.spread.neighbours.threshold_kernels import count_down, fill, hear

__all__ = ["heard", "missing"]

_MANY = 16
"""Once so many times fewer contacts than agents were seen, everybody is given its need at once:
by then a table of those who heard anything would be no smaller than the whole column."""


def missing(contacts: Contacts, *, by_trust: bool) -> SparseColumn:
    """Return an empty column of what listeners miss: two bytes each, if ties weigh 1 and that do.

    Parameters
    ----------
    contacts
        Who hears whom.
    by_trust
        Whether ties weigh their trust.
    """
    dtype: Any = np.int64
    if not by_trust:
        dtype = np.uint16 if int(contacts.degree.max(initial=0)) < 0xFFFF else np.int32
    return SparseColumn(contacts.agents, dtype)


def heard(
    cascade: Cascade,
    contacts: Contacts,
    draws: Draws,
    speakers: Ids,
    closed: Bits,
    level: float,
    touched: int,
    *,
    deaf: bool = False,
) -> int:
    """Add what ``speakers`` say to ``cascade.held["left"]``; returns how many agents are claimed.

    Whether everybody is given its need depends on ``cascade.contacts_seen``, which is saved, and
    on nothing that is not: a world that was loaded goes on as the one that was saved.

    Parameters
    ----------
    cascade, contacts, draws, speakers
        As in :meth:`~sim.spread.cascade.model.PropagationModel.step`. Where the column is of int64
        ties weigh their trust.
    closed
        Bitmap of agents that cannot be reached.
    level, touched
        As ``theta`` and ``m`` in :func:`sim.spread.neighbours.threshold_kernels.hear`.
    deaf
        Whether some of the closed must not hear: they will be open again.
    """
    left, scratch = cascade.held["left"], contacts.scratch
    by_trust = left.values.dtype == np.int64
    whole: npt.NDArray[Any] = contacts.in_trust if by_trust else contacts.degree
    thresholds = draws.key(Stream.THRESHOLDS), draws.thresholds, level
    quick = not (by_trust or deaf) and cascade.contacts_seen * _MANY >= cascade.agents
    if quick:
        left.make_dense()
        if not left.values.min(initial=1):
            fill(whole, *thresholds, left.values)
    else:
        left.reserve(min(count_ties(contacts.rows, speakers, 0, speakers.size), cascade.agents))
    for low in range(0, speakers.size, SLICE):
        high = min(low + SLICE, speakers.size)
        if quick:
            touched = count_down(
                contacts.rows, contacts.targets, speakers, low, high, closed, left.values,
                scratch.claim, scratch.touched, touched,
            )  # fmt: skip
        else:
            touched = hear(
                contacts.rows, contacts.targets, contacts.trust if by_trust else contacts.trust[:0],
                whole, speakers, low, high, *thresholds, closed, left.keys, left.values,
                scratch.claim, scratch.touched, touched,
            )  # fmt: skip
    return touched
