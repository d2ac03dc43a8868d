"""``pressure``: the total weight that each listener hears from this tick's speakers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sim.arrays import F64, Ids
from sim.core.rng import Stream
from sim.errors import InputError
from sim.jit.claims import count_ties
from sim.jit.order import sort_ids
from sim.spread.cascade.cascade import Cascade
from sim.spread.cascade.contacts import Contacts, Draws, bitmap
from sim.spread.cascade.model import SLICE
from sim.spread.neighbours.pressure_kernels import press, release


@dataclass(frozen=True, slots=True)
class Pressure:
    """The weights that listeners hear this tick.

    Attributes
    ----------
    listeners
        uint32 ascending: the agents that hear at least one speaker.
    total
        float64, one per listener: the total weight of its speakers.
    source
        uint32: one of its speakers, chosen uniformly.
    """

    listeners: Ids
    total: F64
    source: Ids


def pressure(
    cascade: Cascade,
    contacts: Contacts,
    draws: Draws,
    speakers: Ids,
    weights: npt.ArrayLike = 1.0,
    *,
    deaf: npt.NDArray[np.bool_] | None = None,
) -> Pressure:
    """Sum for every listener the weights of its sources that speak this tick.

    Parameters
    ----------
    cascade, contacts, draws
        As in :meth:`PropagationModel.step`; absent agents hear nothing.
    speakers
        uint32, distinct, in an order that depends only on the state, as sums of floats do on it.
    weights
        float64: one for each speaker, or one for all.
    deaf
        bool (agents,): agents to skip; ``None``: none. It saves most of the work.

    Raises
    ------
    InputError
        If there is neither one weight nor one for each speaker.
    """
    ids = np.ascontiguousarray(speakers, np.uint32)
    given = np.asarray(weights, np.float64)
    if given.shape not in {(), ids.shape}:
        raise InputError(f"Give one weight, or one for each of {ids.size:,} speakers.")
    each = np.ascontiguousarray(np.broadcast_to(given, ids.shape))
    scratch, total = contacts.scratch, np.zeros(contacts.agents)
    cascade.contacts_seen += count_ties(contacts.rows, ids, 0, ids.size)
    closed = cascade.absent if deaf is None else bitmap(deaf.size, np.flatnonzero(deaf))
    if deaf is not None and cascade.absent.size:
        closed |= cascade.absent
    touched = 0
    for low in range(0, ids.size, SLICE):
        touched = press(
            contacts.rows, contacts.targets, ids, low, min(low + SLICE, ids.size), each,
            draws.key(Stream.CONTACTS), closed, total, scratch.claim, scratch.touched,
            touched,
        )  # fmt: skip
    sort_ids(scratch.touched, touched, scratch.sources)
    sums, source = np.empty(touched), np.empty(touched, np.uint32)
    release(scratch.touched, touched, total, scratch.claim, sums, source)
    return Pressure(scratch.touched[:touched].copy(), sums, source)
