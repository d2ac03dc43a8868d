"""Construction of CSR rows from unordered arcs: checks, radix sort, transposition, merging."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sim.arrays import I64, U16, Ids
from sim.core.progress import Report, quiet
from sim.errors import CapacityError, InputError
from sim.network.graph import arcs_kernels as kernels
from sim.network.graph import ties_kernels as tie_kernels

Rows = tuple[Ids, Ids, U16]

LIMIT = 1 << 32
NO_TRUST: U16 = np.empty(0, np.uint16)
NO_TRUST.flags.writeable = False

_CHUNK = 1 << 21  # arcs a kernel call: about 20 ms, so that a report can cancel between calls
_BLOCK_BITS = 10
_DIGIT_BITS = 11
_PART, _MOST = 1 << 22, 1 << 23  # minimum and maximum number of arcs sorted at a time


@dataclass(frozen=True, slots=True)
class DroppedArcs:
    """Counts of arcs dropped from the input of a network."""

    loops: int = 0
    duplicates: int = 0


def chunks(total: int, size: int = _CHUNK) -> Iterator[tuple[int, int]]:
    """Yield (begin, end) ranges that cover 0..total."""
    for begin in range(0, total, size):
        yield begin, min(total, begin + size)


def validated(
    sources: npt.ArrayLike, targets: npt.ArrayLike, agents: int | None
) -> tuple[Ids, Ids, int]:
    """Return (sources, targets, agents) as uint32 arrays and a count, or raise InputError."""
    heard, hearing = np.asarray(sources), np.asarray(targets)
    if heard.ndim != 1 or heard.shape != hearing.shape:
        raise InputError(
            f"Ties need as many targets as sources, each in one row; got shapes "
            f"{heard.shape} and {hearing.shape}."
        )
    most = max(_largest(heard, "source"), _largest(hearing, "target"))
    n = most + 1 if agents is None else agents
    if not 0 <= n < LIMIT:
        raise InputError(f"A network has 0 to {LIMIT - 1:,} agents, got {n:,}.")
    return _within(heard, n, "source"), _within(hearing, n, "target"), n


def vetted_rows(indptr: npt.ArrayLike, targets: npt.ArrayLike) -> tuple[I64, Ids]:
    """Return (length of each row, targets) of presorted rows; raise InputError if invalid."""
    starts = np.asarray(indptr)
    if starts.ndim != 1 or starts.dtype.kind not in "iu" or starts.size == 0 or starts[0] != 0:
        raise InputError("Row starts must be one row of integers that begins with 0.")
    lengths: I64 = np.diff(starts.astype(np.int64)).astype(np.int64)
    _, hearing, _ = validated(targets, targets, lengths.size)
    if (lengths < 0).any() or int(starts[-1]) != hearing.size:
        raise InputError(
            f"Row starts must rise from 0 to the number of ties, {hearing.size:,}; "
            f"they end at {int(starts[-1]):,}."
        )
    return lengths, hearing


def rows_of(lengths: I64) -> Ids:
    """Return (start, length) of consecutive rows of given lengths: uint32 (n, 2)."""
    rows = np.empty((lengths.size, 2), np.uint32)
    tie_kernels.row_starts(lengths, rows)
    rows[:, 1] = lengths
    return rows


def _largest(ids: npt.NDArray[np.generic], side: str) -> int:
    if ids.size == 0:
        return -1
    if ids.dtype.kind not in "iu":
        raise InputError(f"The {side}s of ties must be integers, got {ids.dtype.name} values.")
    return int(ids.max())


def _within(ids: npt.NDArray[np.generic], agents: int, side: str) -> Ids:
    if ids.size == 0:
        return np.empty(0, np.uint32)
    whole: npt.NDArray[np.int64] = ids  # type: ignore[assignment]
    if whole.min() < 0 or whole.max() >= agents:
        at = int(np.argmax((whole < 0) | (whole >= agents)))
        raise InputError(
            f"Tie {at}: {side} {int(whole[at])} is not an agent; "
            f"the network has {agents:,} agents, ids 0 to {agents - 1:,}."
        )
    return np.ascontiguousarray(whole.astype(np.uint32, copy=False))


def quantised(trust: npt.ArrayLike | None, count: int) -> U16:
    """Return trust in [0, 1] as uint16 / 65535, of length ``count``; (0,) for None."""
    if trust is None:
        return NO_TRUST
    values = np.asarray(trust)
    if values.shape != (count,):
        raise InputError(f"Trust needs one value a tie ({count:,}), got shape {values.shape}.")
    if values.dtype == np.uint16:
        return np.ascontiguousarray(values)
    if values.dtype.kind not in "fiub":
        raise InputError(f"Trust must be numbers in [0, 1], got {values.dtype.name} values.")
    kind = np.float32 if values.dtype == np.float32 else np.float64
    floats: npt.NDArray[np.floating] = np.ascontiguousarray(values, kind)
    out = np.empty(count, np.uint16)
    bad = tie_kernels.quantise(floats, out)
    if bad >= 0:
        raise InputError(f"Tie {bad}: trust must be in [0, 1], got {floats[bad]}.")
    return out


def sorted_rows(
    sources: Ids, targets: Ids, trust: U16, agents: int, *, both: bool, report: Report
) -> tuple[Rows, int]:
    """Return ((rows, targets, trust), loops dropped): see :mod:`sim.network.graph.arcs_kernels`.

    Large networks are sorted in four parts, by source, so that records take 2 bytes per arc; very
    large ones in more.
    """
    bits = max(1, (agents - 1).bit_length())
    shift = bits - min(bits, max(_BLOCK_BITS, 2 * bits - 48))  # a record has 48 bits for two ids
    arcs = (sources, targets, trust, both, shift, bits)
    counts = np.zeros(((agents - 1) >> shift) + 1 if agents else 0, np.int64)
    loops = 0
    for begin, end in chunks(sources.size):
        report("counting ties", begin / sources.size)
        loops += kernels.count_blocks(sources, targets, both, shift, begin, end, counts)
    starts = np.concatenate(([0], np.cumsum(counts)))
    stops, total = starts[1:], int(starts[-1])
    if total >= LIMIT:
        raise CapacityError(f"A network has fewer than {LIMIT:,} ties, got {total:,}.")
    rows, count = np.zeros((agents, 2), np.uint32), 0
    out, out_trust = np.empty(total, np.uint32), np.empty(total if trust.size else 0, np.uint16)
    scratch = np.empty(int(counts.max(initial=0)), np.uint64), _digits(shift + bits)
    for first, last in even_chunks(stops, max(_PART, min(total // 4 + 1, _MOST))):
        records = _scattered(arcs, starts, first, last, report)
        for begin, end in even_chunks(np.cumsum(counts[first:last])):
            report("sorting ties", (first + begin) / stops.size)
            blocks = (first + begin, first + end)
            count = kernels.sort_blocks(
                records, stops, first, *blocks, shift, bits, *scratch, count, rows, out, out_trust
            )
        del records
    out.resize(count, refcheck=False)
    out_trust.resize(min(count, out_trust.size), refcheck=False)
    return (rows, out, out_trust), loops


def _scattered(
    arcs: tuple[Ids, Ids, U16, bool, int, int],
    starts: npt.NDArray[np.int64],
    first: int,
    last: int,
    report: Report,
) -> npt.NDArray[np.uint64]:
    """Return the records of the blocks ``first`` to ``last - 1``, block by block."""
    cursor = starts[:-1] - starts[first]
    records = np.empty(int(starts[last] - starts[first]), np.uint64)
    for begin, end in chunks(arcs[0].size):
        report("sorting ties", first / cursor.size)
        kernels.scatter_blocks(*arcs, first, last, begin, end, cursor, records)
    return records


def _digits(bits: int) -> npt.NDArray[np.int64]:
    """Return counters for a radix sort by ``bits`` bits: (passes, values of a digit)."""
    passes = -(-bits // _DIGIT_BITS)
    return np.empty((passes, 1 << -(-bits // passes)), np.int64)


def even_chunks(
    rows: npt.NDArray[np.uint32] | npt.NDArray[np.int64], size: int = 0
) -> Iterator[tuple[int, int]]:
    """Yield (begin, end) ranges of agents with about ``size`` ties each that cover all agents.

    By default 2 million ties; a row is never split.

    ``rows`` uint32 (n, 2) and tight, or int64 (n,): cumulative numbers of ties.
    """
    stops = rows if rows.ndim == 1 else rows[:, 0].astype(np.int64) + rows[:, 1]
    if stops.size == 0:
        return
    begin, total, size = 0, int(stops[-1]), size or _CHUNK
    for goal in range(size, max(total, 1) + size, size):
        end = int(np.searchsorted(stops, goal)) + 1 if goal < total else stops.size
        if end > begin:
            yield begin, end
            begin = end


def transposed(rows: Ids, targets: Ids, trust: U16, in_degree: Ids, report: Report) -> Rows:
    """Return the reverse rows: those that each agent follows; sorted by construction."""
    out_rows = np.empty_like(rows)
    tie_kernels.row_starts(in_degree.astype(np.int64), out_rows)
    out, out_trust = np.empty_like(targets), np.empty_like(trust)
    for begin, end in even_chunks(rows):
        report("reversing ties", begin / len(rows))
        tie_kernels.transpose_rows(rows, targets, trust, begin, end, out_rows, out, out_trust)
    return out_rows, out, out_trust


def merged(old: Rows, new: Rows, report: Report = quiet) -> Rows:
    """Return the union of two networks over the same agents; a tie in both gets the new trust."""
    rows, targets, trust = old
    new_rows, new_targets, new_trust = new
    count = targets.size + new_targets.size
    for begin, end in even_chunks(rows):
        report("comparing ties", begin / len(rows))
        count -= tie_kernels.count_shared(rows, targets, new_rows, new_targets, begin, end)
    if count >= LIMIT:
        raise CapacityError(f"A network has fewer than {LIMIT:,} ties, got {count:,}.")
    weighted = trust.size > 0 or new_trust.size > 0
    if weighted:
        trust = trust if trust.size else np.full(targets.size, 65535, np.uint16)
        new_trust = new_trust if new_trust.size else np.full(new_targets.size, 65535, np.uint16)
    out = (
        np.empty_like(rows),
        np.empty(count, np.uint32),
        np.empty(count if weighted else 0, np.uint16),
    )
    for begin, end in even_chunks(rows):
        report("merging ties", begin / len(rows))
        tie_kernels.merge_rows(
            rows, targets, trust, new_rows, new_targets, new_trust, begin, end, *out
        )
    return out
