"""The state after a journal entry: adoptions, some counts, and a digest.

The digest covers all that changes in every tick, and one sixteenth of everything else in turn:
a lasting divergence is detected within sixteen entries, at a fraction of the cost.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import xxhash

from sim.arrays import Array
from sim.platform.platform import commanded
from sim.spread.cascade.sparse_column import SparseColumn
from sim.store.journal.journal import EntryAdoptions, EntryCounts, JournalEntry
from sim.world.cascades import adoptions_of

if TYPE_CHECKING:
    from sim.spread.cascade.cascade import Cascade
    from sim.world.world import World


SLICES = 16
HOT_BYTES = 32 << 20
"""Columns of running messages up to this total size are digested after every entry."""


class EntryState(NamedTuple):
    """The state after an entry."""

    adoptions: tuple[EntryAdoptions, ...]
    metrics: EntryCounts
    state: bytes


class Observer:
    """Detects what happened in a world since the last look."""

    def __init__(self, world: World) -> None:
        self._sizes: dict[int, int] = {}
        self.reset(world)

    def reset(self, world: World) -> None:
        """Start over: the world goes to another tick, and its state there is not news."""
        self._sizes = {each.id: each.size for each in world.cascades.items}

    def look(self, world: World, number: int) -> EntryState:
        """Return what happened since the last look, for the entry ``number``."""
        adoptions = tuple(self._adoptions(world))
        return EntryState(adoptions, _metrics(world), _state(world, number % SLICES))

    def agrees(self, world: World, entry: JournalEntry) -> bool:
        """Return whether what happened since the last look matches an entry."""
        found = self.look(world, entry.number)
        turn = entry.number % SLICES
        return found[:2] == (entry.adoptions, entry.metrics) and (
            found.state == entry.state
            or entry.state == _state(world, turn, as_before=True)  # of an earlier version
        )

    def _adoptions(self, world: World) -> Iterator[EntryAdoptions]:
        for cascade in world.cascades.loose:
            before = self._sizes.get(cascade.id, 0)
            if cascade.size <= before:
                continue
            self._sizes[cascade.id] = cascade.size
            log = cascade.log
            parts = (log.agents[before:], log.ticks[before:], log.sources[before:])
            data = b"".join(part.tobytes() for part in parts)
            yield EntryAdoptions(cascade.id, cascade.size - before, data)


def whole_state(world: World) -> bytes:
    """Return a digest of all columns and JSON, to compare states; 10 ms for a million agents."""
    state = xxhash.xxh3_128(_numbers(world))
    for name, column in _cold(world):
        _add(state, name, column)
    state.update(world.cascades.seals.to_bytes(16, "little"))  # of the packed ones
    for each in world.cascades.loose:
        state.update(_whole(each))
    state.update(world.rested_as.encode())
    if world.platform is not None:
        said, columns = commanded(world.platform)
        state.update(said.encode("utf-8", "surrogatepass"))
        for name, column in columns.items():
            _add(state, name, column)
    return state.digest()


def _whole(cascade: Cascade) -> bytes:
    """Return a digest of a whole message; for one moved to a scratch file it is computed once."""
    now = (cascade.model, cascade.message, cascade.priority, cascade.starts_at, cascade.channel)
    told = (*now, *cascade.fingerprint())
    is_kept = cascade.laid and cascade.group is None
    if is_kept and cascade.seal is not None and cascade.seal[0] == told:
        return cascade.seal[1]
    state = xxhash.xxh3_128()
    said, columns = cascade.dump()
    state.update(repr(sorted(said.items())).encode("utf-8", "surrogatepass"))
    for name in sorted(columns):
        _add(state, name, columns[name])
    found = state.digest()
    if is_kept:
        cascade.seal = (told, found)
    return found


def _metrics(world: World) -> EntryCounts:
    cascades = world.cascades.loose
    return EntryCounts(
        sum(cascade.status == "running" for cascade in cascades),
        sum(cascade.status == "queued" for cascade in cascades),
        adoptions_of(world),
        world.cascades.contacts + sum(int(cascade.contacts_seen) for cascade in cascades),
    )


def _state(world: World, turn: int, *, as_before: bool = False) -> bytes:
    """Return the digest of a turn; ``as_before``: with columns of messages of ended groups."""
    state = xxhash.xxh3_128(_numbers(world))
    for name, column in _cold(world, turn, SLICES):
        _add(state, name, column)
    hot = [cascade for cascade in world.cascades.loose if cascade.alive]
    fits = sum(_held_bytes(cascade) for cascade in hot) <= HOT_BYTES
    shown = world.cascades if as_before else world.cascades.runs(len(world.agents))
    for cascade in shown:
        if isinstance(cascade, bytes):
            state.update(cascade)  # of the ended ones, joined
            continue
        state.update(
            f"{cascade.id} {cascade.status} {cascade.size} {cascade.contacts_seen}".encode()
        )
        state.update(cascade.tally.tobytes())
        if not cascade.alive and not (as_before and cascade.group is not None):
            continue  # only another status or size shows that it changed
        in_turn = cascade.id % SLICES == turn
        if in_turn or (fits and cascade.alive):
            for name, column in sorted(cascade.held.items()):
                if isinstance(column, SparseColumn):
                    for part, array in column.dump().items() if in_turn else ():
                        _add(state, name + part, array)
                elif name != "done":  # a snapshot may omit it: it follows from the adopters
                    _add(state, name, column)
    return state.digest()


def _held_bytes(cascade: Cascade) -> int:
    return sum(c.nbytes for c in cascade.held.values() if not isinstance(c, SparseColumn))


def _numbers(world: World) -> bytes:
    """Return the counts of a world besides its columns."""
    people, ties = len(world.agents), world.ties.count
    return struct.pack("<qqqqq", world.tick, world.made, people, ties, world.max_running)


def _cold(world: World, turn: int = 0, of: int = 1) -> Iterator[tuple[str, Array]]:
    """Yield one of ``of`` parts of the columns that most ticks do not change, in canonical form."""
    parts: list[tuple[str, dict[str, Array]]] = [
        ("agents", world.agents.dump()[1]),
        ("ties", world.ties.part(turn, of)),
        ("opinions", {topic: world.opinions[topic] for topic in world.opinions}),
        ("bonds", _bonds(world) if turn == 0 else {}),  # small, and expensive to serialize
    ]
    for prefix, columns in parts:
        names = columns if prefix == "opinions" else sorted(columns)
        for name in names:
            column = columns[name]
            low, high = turn * len(column) // of, (turn + 1) * len(column) // of
            is_whole = prefix in {"ties", "bonds"}
            yield f"{prefix}.{name}", column if is_whole else column[low:high]


def _add(state: xxhash.xxh3_128, name: str, column: Array) -> None:
    state.update(f"{name} {column.dtype.str} {column.shape}".encode())
    state.update(np.ascontiguousarray(column).reshape(-1).view(np.uint8).data)


def _bonds(world: World) -> dict[str, Array]:
    return {n: c for n, c in world.relationships.dump().items() if not n.startswith("log.")}
