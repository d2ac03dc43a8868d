"""Batching of small messages: one pass over the exposures of many cascades, draws kept apart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from sim.core.rng import Stream
from sim.jit.claims import count_ties
from sim.spread.cascade.cascade import Cascade
from sim.spread.cascade.contacts import Bits, Contacts, Draws, Ids
from sim.spread.cascade.faults import is_interruption
from sim.spread.exposure import exposures_kernels as kernels
from sim.spread.exposure.columns import (
    CascadeRows,
    Exposure,
    SeveralError,
    count_hearings,
    hearings,
)

if TYPE_CHECKING:
    from sim.spread.exposure.exposures import PerExposure

__all__ = ["step_in_batches"]

SMALL = 4
"""A cascade is small when it fills at most one part in so many of a chunk."""
_alone: set[type] = set()


class _CascadeExposures(NamedTuple):
    """What one cascade has to say in this tick."""

    cascade: Cascade
    contacts: Contacts
    draws: Draws
    speakers: Ids
    closed: Bits
    ties: int


def step_in_batches(
    cascades: Sequence[Cascade],
    contacts: Sequence[Contacts],
    draws: Sequence[Draws],
    room: int,
) -> dict[Cascade, BaseException]:
    """Step cascades of one model, with equal parameters; returns what stopped some of them.

    Every result is that of stepping each alone: exposures are addressed, and what is the author's
    is asked before anything is written.

    Parameters
    ----------
    cascades, contacts, draws
        As in :meth:`~sim.spread.cascade.model.PropagationModel.step_together`.
    room
        Exposures in a chunk.
    """
    faults: dict[Cascade, BaseException] = {}
    turns = list(zip(cascades, contacts, draws, strict=True))
    if len(turns) == 1 or type(cascades[0].model) in _alone:
        return _one_by_one(turns, faults)
    small: list[_CascadeExposures] = []
    large = []
    home = next((heard for heard in contacts if heard is heard.whole), None)
    for cascade, heard, own in turns:
        if heard is not home:  # a channel chose contacts for this message
            large.append((cascade, heard, own))
            continue
        turn = _turn(cascade, heard, own, faults)
        if turn is not None and turn.ties * SMALL <= room:
            small.append(turn)
        elif turn is not None:
            large.append((cascade, heard, own))
    for batch in _batches(small, room):
        if not _step_batch(batch):
            _one_by_one([(turn.cascade, turn.contacts, turn.draws) for turn in batch], faults)
    return _one_by_one(large, faults)


def _turn(
    cascade: Cascade, contacts: Contacts, draws: Draws, faults: dict[Cascade, BaseException]
) -> _CascadeExposures | None:
    try:
        speakers = cascade.recent(_model(cascade).ticks_spoken(contacts.tick_minutes))
        if _model(cascade).reads_repeats():
            hearings(cascade)
    except BaseException as error:
        _note(faults, cascade, error)
        return None
    ties = count_ties(contacts.rows, speakers, 0, speakers.size)
    return _CascadeExposures(cascade, contacts, draws, speakers, cascade.closed, int(ties))


def _model(cascade: Cascade) -> PerExposure:
    model: Any = cascade.model
    found: PerExposure = model
    return found


def _note(faults: dict[Cascade, BaseException], cascade: Cascade, error: BaseException) -> None:
    if is_interruption(error):
        raise error
    faults[cascade] = error


def _one_by_one(
    turns: Sequence[tuple[Cascade, Contacts, Draws]], faults: dict[Cascade, BaseException]
) -> dict[Cascade, BaseException]:
    for cascade, contacts, draws in turns:
        try:
            cascade.model.step(cascade, contacts, draws)
        except BaseException as error:
            contacts.scratch.release()
            _note(faults, cascade, error)
        contacts.release()
    return faults


def _batches(turns: list[_CascadeExposures], room: int) -> Iterator[list[_CascadeExposures]]:
    """Yield cascades whose exposures fit in one chunk together."""
    batch: list[_CascadeExposures] = []
    taken = 0
    for turn in turns:
        if taken + turn.ties > room:
            yield batch
            batch, taken = [], 0
        batch.append(turn)
        taken += turn.ties
    if batch:
        yield batch


def _step_batch(batch: list[_CascadeExposures]) -> bool:
    """Step a batch; returns False, with nothing written, where its author has to be asked singly.

    So when he wants to know the message, and when his answer is none: whose fault it is shows then.
    """
    contacts, parts, chunk = batch[0].contacts, [], _chunk(batch)
    filled = 0
    for turn in batch:
        start = filled
        filled, _, _ = kernels.fill(
            contacts.rows, contacts.targets, turn.speakers, 0, 0, turn.closed, *chunk, start
        )
        if filled > start:
            parts.append(CascadeRows(turn.cascade, start, filled))
    viewer, source, tie = (column[:filled] for column in chunk)
    chance = np.empty(0)
    if filled:
        model = _model(parts[0].cascade)
        try:
            chance = model.chances_of(
                Exposure(parts, contacts, viewer, source, tie, batch[0].draws.tick)
            )
        except SeveralError:
            _alone.add(type(model))
            return False
        except BaseException as error:
            if is_interruption(error):
                raise
            return False
    _write(batch, parts, (viewer, source, chance), contacts)
    return True


def _chunk(batch: list[_CascadeExposures]) -> tuple[Any, Any, Any]:
    """Return columns of viewers, sources and ties."""
    size = sum(turn.ties for turn in batch) + 1
    return np.empty(size, np.uint32), np.empty(size, np.uint32), np.empty(size, np.int64)


def _write(
    batch: list[_CascadeExposures],
    parts: list[CascadeRows],
    columns: tuple[Any, Any, Any],
    contacts: Contacts,
) -> None:
    """Let the coins decide; whoever is convinced adopts."""
    keys = {turn.cascade: turn.draws.key(Stream.EXPOSURES) for turn in batch}
    stops = np.array([part.stop for part in parts], np.int64)
    drawn = np.array([keys[part.cascade] for part in parts], np.uint64)
    ends = np.empty(len(parts), np.int64)
    scratch, (viewer, source, chance) = contacts.scratch, columns
    adopted, sources = np.empty_like(viewer), np.empty_like(source)
    kernels.settle_each(
        viewer, source, chance, stops, drawn, scratch.claim, scratch.touched, scratch.sources,
        adopted, sources, ends,
    )  # fmt: skip
    for turn in batch:
        if "repeats" in turn.cascade.held:
            count_hearings(hearings(turn.cascade), contacts, turn.speakers, turn.closed, 255)
    begin = 0
    for part, end in zip(parts, ends.tolist(), strict=True):
        part.cascade.contacts_seen += part.stop - part.start
        if end > begin:
            part.cascade.adopt_won(adopted[begin:end], sources[begin:end])
        begin = end
