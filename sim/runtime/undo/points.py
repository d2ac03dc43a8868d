"""An undo point: a world at one tick kept in memory, what it shares, and whether it is whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import xxhash

from sim.platform.state import PlatformSnapshot
from sim.spread.cascade.cascade import Cascade
from sim.spread.cascade.sparse_column import SparseColumn
from sim.world.state.snapshot import arrays_of
from sim.world.world import World

__all__ = ["UndoPoint", "mark", "owners", "same", "seal"]

Column = npt.NDArray[Any]


@dataclass(slots=True, eq=False)
class UndoPoint:
    """A world as it was when it left a tick.

    Parameters
    ----------
    tick
        That tick.
    twin
        The state.
    seal
        Digest of what ticks change in it.
    was_told
        Whether commands were given at this tick.
    columns
        Its copies by name.
    marks
        Digests of the large ones.
    """

    tick: int
    twin: World
    seal: bytes
    was_told: bool
    columns: dict[str, Column]
    marks: dict[str, bytes]


def same(one: Column, other: Column) -> bool:
    """Whether two arrays are the same, bit for bit."""
    if one.dtype != other.dtype or one.shape != other.shape:
        return False
    if not (one.flags.c_contiguous and other.flags.c_contiguous):
        return False
    kind = np.uint64 if one.nbytes % 8 == 0 else np.uint8
    return bool((one.reshape(-1).view(kind) == other.reshape(-1).view(kind)).all())


def mark(column: Column) -> bytes:
    """Return a digest that tells a column from every other one."""
    state = xxhash.xxh3_128(f"{column.dtype.str} {column.shape}".encode())
    state.update(np.ascontiguousarray(column).reshape(-1).view(np.uint8).data)
    return state.digest()


def seal(world: World) -> bytes:
    """Return a digest over what ticks change."""
    people = len(world.agents)
    said = f"{world.tick} {world.made} {people} {world.ties.count} {world.max_running}"
    state = xxhash.xxh3_128(said.encode())
    for topic in world.opinions:
        state.update(world.opinions[topic].data)
    state.update(world.cascades.seals.to_bytes(16, "little"))
    for each in world.cascades.loose:
        state.update(f"{each.id} {each.status} {each.size} {each.contacts_seen}".encode())
        state.update(each.tally.data)
        for column in _arrays(each) if each.alive else ():
            state.update(np.ascontiguousarray(column).reshape(-1).view(np.uint8).data)
    return state.digest()


def _arrays(cascade: Cascade) -> Iterator[Column]:
    for _, column in sorted(cascade.held.items()):
        if isinstance(column, SparseColumn):
            yield from (column.keys, column.values)
        else:
            yield column


def owners(world: World) -> Iterator[Column]:
    """Yield every array that holds memory for a world."""
    columns = [*world.agents.dump()[1].values(), *world.opinions.values()]
    columns += [*world.ties.arrays(), *arrays_of(world.bonds)]
    if isinstance(world.platform, PlatformSnapshot):
        columns += world.platform.arrays()
    elif world.platform is not None:
        columns += world.platform.log.arrays()  # which moments share
    for cascade in world.cascades.loose:
        columns += cascade.arrays()
    for column in columns:
        owner = column
        while isinstance(owner.base, np.ndarray):
            owner = owner.base
        yield owner
