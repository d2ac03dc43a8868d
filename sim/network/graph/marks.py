"""Marks of ties beside trust: when each began, and whether it is for or against."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from sim.arrays import I64, U64, Ids
from sim.errors import InputError

UNKNOWN = -1
"""The time of a tie of which nobody knows when it began."""

_NEVER = np.iinfo(np.int64).max


class TieMarks(NamedTuple):
    """Columns over ties or over arcs; each (0,) where nothing is known.

    Attributes
    ----------
    time
        int64, seconds since the first interaction of the network; -1 unknown.
    sign
        int8, -1 or 1.
    """

    time: I64
    sign: npt.NDArray[np.int8]

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self.time.size or self.sign.size)

    def taken(self, order: npt.NDArray[Any]) -> TieMarks:
        """Return the rows ``order`` of every column that is there."""
        time, sign = self
        return TieMarks(time[order] if time.size else time, sign[order] if sign.size else sign)

    def columns(self) -> dict[str, npt.NDArray[Any]]:
        """Return the columns that are there, by name."""
        return {name: column for name, column in self._asdict().items() if column.size}


NO_MARKS = TieMarks(np.empty(0, np.int64), np.empty(0, np.int8))


def given(columns: Mapping[str, npt.ArrayLike | None], count: int) -> TieMarks:
    """Return what is given by name as marks, checked."""
    time, sign = columns.get("time"), columns.get("sign")
    marks = TieMarks(
        NO_MARKS.time if time is None else _whole(time, count, "time").astype(np.int64),
        NO_MARKS.sign if sign is None else _signs(sign, count),
    )
    if marks.time.size and int(marks.time.min()) < UNKNOWN:
        at = int(np.argmax(marks.time < UNKNOWN))
        raise InputError(f"Tie {at}: time must be at least 0, or -1, got {int(marks.time[at])}.")
    return marks


def _signs(sign: npt.ArrayLike, count: int) -> npt.NDArray[np.int8]:
    values = _whole(sign, count, "sign")
    wrong = np.abs(values) != 1
    if wrong.any():
        at = int(np.argmax(wrong))
        raise InputError(f"Tie {at}: sign must be -1 or 1, got {values[at]}.")
    return values.astype(np.int8)


def _whole(values: npt.ArrayLike, count: int, name: str) -> npt.NDArray[np.signedinteger]:
    column = np.asarray(values)
    if column.shape != (count,) or column.dtype.kind not in "iu":
        raise InputError(
            f"Ties need one whole {name} each ({count:,}), got {column.dtype.name} {column.shape}."
        )
    whole: npt.NDArray[np.signedinteger] = column.astype(np.int64, copy=False)
    return whole


def keys_of(rows: Ids, targets: Ids) -> U64:
    """Return source and target of every tie in one number, rising: uint64 (m,)."""
    sources = np.repeat(np.arange(len(rows), dtype=np.uint64), rows[:, 1])
    return (sources << np.uint64(32)) | targets


def places(keys: U64, sources: npt.NDArray[Any], targets: npt.NDArray[Any]) -> I64:
    """Return where in ``keys`` each pair stands: int64, -1 where it does not."""
    wanted = (sources.astype(np.uint64) << np.uint64(32)) | targets.astype(np.uint64)
    at: I64 = np.searchsorted(keys, wanted).astype(np.int64)
    if not keys.size:
        return np.full(at.shape, -1, np.int64)
    at[keys[np.minimum(at, keys.size - 1)] != wanted] = -1
    return at


def settled(marks: TieMarks, sources: Ids, targets: Ids, keys: U64, *, both: bool) -> TieMarks:
    """Return marks of ties from marks of arcs: the first time, the last sign of each tie."""
    at = places(keys, sources, targets)
    if both:
        at = np.column_stack((at, places(keys, targets, sources))).ravel()
        marks = marks.taken(np.repeat(np.arange(sources.size), 2))
    kept = at >= 0
    at, marks = at[kept], marks.taken(kept)
    time, sign = (np.empty(keys.size if c.size else 0, c.dtype) for c in marks)
    if time.size:
        time.fill(_NEVER)
        np.minimum.at(time, at, np.where(marks.time == UNKNOWN, _NEVER, marks.time))
        time[time == _NEVER] = UNKNOWN
    sign[at if sign.size else slice(0)] = marks.sign
    return TieMarks(time, sign)


class MarkedTies(Protocol):
    """Ties, as far as their marks go."""

    @property
    def rows(self) -> Ids:
        """Start and length of each row."""

    @property
    def targets(self) -> Ids:
        """Who hears, row by row."""

    @property
    def marks(self) -> TieMarks:
        """Their columns."""


def merged_marks(before: MarkedTies, batch: MarkedTies, rows: Ids, targets: Ids) -> TieMarks:
    """Return the marks of a network that a batch of ties made of another.

    Ties of which nothing was said count as of unknown time and as for.
    """
    old, new = before.marks, batch.marks
    if not (old or new):
        return NO_MARKS
    old_keys, new_keys, keys = (
        keys_of(*own)
        for own in (
            (before.rows, before.targets),
            (batch.rows, batch.targets),
            (rows, targets),
        )
    )
    time = np.full(keys.size if old.time.size or new.time.size else 0, UNKNOWN, np.int64)
    sign = np.ones(keys.size if old.sign.size or new.sign.size else 0, np.int8)
    for marks, own in ((old, old_keys), (new, new_keys)):
        at = np.searchsorted(keys, own)
        if marks.time.size:
            known = np.where(time[at] == UNKNOWN, _NEVER, time[at])
            then = np.where(marks.time == UNKNOWN, known, marks.time)
            time[at] = np.minimum(known, then)
        if marks.sign.size:
            sign[at] = marks.sign
    time[time == _NEVER] = UNKNOWN
    return TieMarks(time, sign)
