"""Columns in which few agents have a value: a hash table that kernels read like an array.

``keys`` (uint32, a power of two long, at most half full) holds agents, ``values`` their values at
the same index; open addressing with linear probing (Knuth, TAOCP 6.4). With empty ``keys`` the
column is dense and an agent's slot is the agent itself, so one kernel serves both.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.arrays import U32, U64
from sim.jit.jit import kernel
from sim.jit.words import ONE, S32, Number

VACANT = np.uint32(0xFFFFFFFF)
"""The key of a vacant slot; its value is 0."""

_SPREAD = np.uint64(0x9E3779B97F4A7C15)


@kernel
def slot(keys: U32, v: Number) -> Number:
    """Return the slot of agent ``v`` (uint64): the one that holds its value, or a vacant one."""
    if keys.size == 0:
        return np.uint64(v)
    last = np.uint64(keys.size) - ONE
    at = ((np.uint64(v) * _SPREAD) >> S32) & last
    while keys[at] != v and keys[at] != VACANT:
        at = (at + ONE) & last
    return at


@kernel
def take_slot(keys: U32, v: Number) -> Number:
    """As :func:`slot`, and reserve the slot for the agent; one vacant slot must remain."""
    at = slot(keys, v)
    if keys.size:
        keys[at] = np.uint32(v)
    return at


@kernel
def take_slots(keys: U32, ids: U32, places: U64) -> None:
    """Reserve slots for ``ids`` (uint32) and write them (uint64) into ``places``."""
    if keys.size == 0:
        for j in range(ids.size):
            places[j] = np.uint64(ids[j])
    else:
        for j in range(ids.size):
            places[j] = take_slot(keys, np.uint64(ids[j]))


@kernel
def rehash(keys: U32, values: Any, into: U32, out: Any) -> None:
    """Copy a hash table into a larger one, or into a dense column (``into`` empty, ``out`` 0)."""
    for i in range(keys.size):
        if keys[i] != VACANT:
            out[take_slot(into, np.uint64(keys[i]))] = values[i]


@kernel
def lookup(keys: U32, values: Any, ids: U32, out: Any) -> None:
    """Write the values of ``ids`` (uint32) into ``out``."""
    for i in range(ids.size):
        out[i] = values[slot(keys, np.uint64(ids[i]))]


@kernel
def store(keys: U32, values: Any, ids: U32, given: Any) -> None:
    """Set the values of ``ids`` (uint32) to ``given``, one each."""
    for i in range(ids.size):
        values[take_slot(keys, np.uint64(ids[i]))] = given[i]
