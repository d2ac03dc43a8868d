"""Generations and R_t: adoptions caused by the adopters of one tick, per adopter.

A generation is the adopters of a tick: for the first time, or again if a model lets agents adopt
again (an infection in an endemic SIS). It counts once none of them can cause another adoption: the
mean over those that happen to be finished would be too low (right-censoring).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.agents.lifecycle import belongs
from sim.arrays import I32, I64, Bools, Ids
from sim.spread.cascade import trees_kernels as trees
from sim.spread.cascade.sparse_column import SparseColumn

if TYPE_CHECKING:
    from sim.spread.cascade.cascade import Cascade


_TURN = "turn"
_BEGAN, _CAUSED = "_began", "_caused"
_UNKNOWN = 1 << 40
"""Adoptions of a generation that were not all counted: it never counts."""


class Generations(NamedTuple):
    """The :func:`generations` of one message, by tick from ``first``, and its current holders."""

    first: int
    began: I64
    caused: I64
    still: I64
    is_over: bool
    now: int


def cohorts(cascade: Cascade) -> Generations:
    """Return the generations of a message that has started."""
    began, caused, still = generations(cascade)
    now = cascade.now if began.size else 0
    return Generations(cascade.started_at, began, caused, still, not cascade.alive, now)


def summed(about: Iterable[Generations], starts: I64, stop: int) -> tuple[I64, I64, I64]:
    """Return the arguments of :func:`r_of`, summed over messages and over ranges of ticks."""
    first = int(starts[0]) if starts.size else 0
    sums = np.zeros((3, max(stop - first, 0)), np.int64)
    for each in about:
        end = each.first + each.began.size
        low, high = max(each.first, first), min(end, stop)
        if low < high:
            here = slice(low - each.first, high - each.first)
            sums[:, low - first : high - first] += [
                each.began[here], each.caused[here], each.still[here]
            ]  # fmt: skip
        if not each.is_over:
            sums[0, max(end - first, 0) :] += _UNKNOWN
    began, caused, still = np.add.reduceat(sums, starts - first, axis=1)
    return began, caused, still


class AdopterStates(NamedTuple):
    """The role of each state of a table for adopters, bool (states,).

    Attributes
    ----------
    adopts
        Entering the state is an adoption.
    passes_on
        Adopters in it speak, or may come to speak spontaneously (such as the exposed).
    course
        Either of both: an agent that leaves these and adopts again starts a new adoption.
    re_enters
        Whether adopters may leave these states and adopt again.
    """

    adopts: Bools
    course: Bools
    passes_on: Bools
    re_enters: bool


def again_counted(cascade: Cascade) -> bool:
    """Return whether repeated adoptions are counted here."""
    return _BEGAN in cascade.held


def open_again(cascade: Cascade) -> None:
    """Start counting adoptions of a model that lets agents adopt again."""
    first, ticks = cascade.started_at, cascade.new_adopters
    turn = cascade.held[_TURN] = SparseColumn(cascade.agents, np.int32)
    log = cascade.log
    turn[log.agents] = log.ticks - first + 1
    cascade.held[_BEGAN] = np.where(ticks > 0, _UNKNOWN, 0)
    if not ticks.size:
        cascade.held[_BEGAN] = np.array([log.size], np.int64)
    cascade.held[_CAUSED] = np.zeros_like(cascade.held[_BEGAN])


def follow_again(
    cascade: Cascade,
    agents: Ids,
    claims: npt.NDArray[np.uint64],
    adopts: Bools,
    course: Bools,
    tick: int,
) -> None:
    """Count the adoptions from the claims of a tick, before they are written."""
    if not again_counted(cascade):
        open_again(cascade)
    held, now = cascade.held, tick - cascade.started_at
    state, turn = held["state"], held[_TURN]
    for name in (_BEGAN, _CAUSED):
        held[name] = _long(held[name], max(now + 1, held[name].size))
    turn.reserve(agents.size)
    trees.count_again(
        agents, claims, state.keys, state.values, adopts, course, now, turn.keys, turn.values,
        held[_BEGAN], held[_CAUSED],
    )  # fmt: skip


def generations(
    cascade: Cascade, row_of: I32 | None = None, caused: I64 | None = None
) -> tuple[I64, ...]:
    """Return each tick's adoptions, those they caused, and how many may cause more: int64."""
    rows = len(cascade.new_adopters)
    if not rows:
        return (np.empty(0, np.int64),) * 3
    if not cascade.model.tells_adoptions(cascade):
        return np.full(rows, _UNKNOWN), *np.zeros((2, rows), np.int64)
    if again_counted(cascade):
        turn = cascade.held[_TURN]
        still = _still(cascade, turn.values if turn.is_dense else turn, 1)
        return _long(cascade.held[_BEGAN], rows), _long(cascade.held[_CAUSED], rows), still
    if row_of is not None and caused is not None:
        return cascade.new_adopters, _long(caused, rows), _still(cascade, row_of, 0)
    caused, log, first = np.zeros(rows, np.int64), cascade.log, cascade.started_at
    adopted_at = np.full(cascade.agents, -1, np.int32)
    if log.size:
        trees.caused(log.agents, log.ticks, log.sources, first, adopted_at, caused)
    return cascade.new_adopters, caused, _still(cascade, adopted_at, first)


def _still(cascade: Cascade, row_of: I32 | SparseColumn, first: int) -> I64:
    """Count in each row the agents that may still cause an adoption, without destroyed ones."""
    rows, gone = len(cascade.new_adopters), _destroyed(cascade)
    state = cascade.held.get("state")
    is_plain = cascade.alive and not gone.size
    if is_plain and isinstance(row_of, np.ndarray) and isinstance(state, SparseColumn):
        passes_on = cascade.model.passing_states(cascade)
        if passes_on is not None and state.is_dense:
            still = np.zeros(rows, np.int64)
            trees.count_waiting(state.values, passes_on, row_of, first, still)
            return still
    row = row_of[np.setdiff1d(_waiting(cascade), gone)] - first
    return np.bincount(row[(row >= 0) & (row < rows)], minlength=rows)


def counts_of(began: I64) -> I64:
    """Return adoptions in each generation, -1 if they were not all counted."""
    return np.where(began < _UNKNOWN, began, -1)


def r_of(began: I64, caused: I64, still: I64) -> npt.NDArray[np.float64]:
    """Return R_t, float64 (ticks + 1,); NaN if nobody adopted, or some may cause more."""
    is_whole = (began > 0) & (began < _UNKNOWN) & (still == 0)
    return np.where(is_whole, caused / np.maximum(began, 1), np.nan)


def newest_whole(r: npt.NDArray[np.float64], began: I64) -> int:
    """Return the row of the newest complete generation after only complete ones, or -1.

    A later complete one is biased: its members finished early and caused fewer adoptions. The
    seeds' generation does not count: seeds were chosen, often for their many followers.
    """
    is_open = (began > 0) & (began < _UNKNOWN) & np.isnan(r)
    upto = int(is_open.argmax()) if is_open.any() else r.size
    known = np.flatnonzero(~np.isnan(r[1:upto]))
    return int(known[-1]) + 1 if known.size else -1


def newest_r(cascade: Cascade) -> tuple[float, int]:
    """Return R_t of the generation of :func:`cohorts_of` and its tick; NaN and -1 if none."""
    r, cohort, _ = cohorts_of(cascade)
    return (float(r[cohort - cascade.started_at]), cohort) if cohort >= 0 else (float("nan"), -1)


class Cohorts(NamedTuple):
    """R_t of complete cohorts, the tick of the newest one, and R of the seeds apart.

    Attributes
    ----------
    r
        float64 (ticks + 1,); NaN for the seeds, who were chosen, and while the message spreads from
        the first incomplete cohort on: later ones that are complete finished early.
    tick
        -1 before one is complete and once the cascade has ended, as its last convinced nobody; -2
        if unknown: repeated adoptions in continuous time are not recorded.
    seeds
        NaN while seeds may still convince somebody.
    """

    r: npt.NDArray[np.float64]
    tick: int
    seeds: float


def cohorts_of(cascade: Cascade, row_of: I32 | None = None, caused: I64 | None = None) -> Cohorts:
    """Return R_t of complete cohorts; ``row_of``, ``caused``: those of :func:`generations`."""
    began, caused, still = generations(cascade, row_of, caused)
    r = r_of(began, caused, still)
    row, seeds = newest_whole(r, began), float(r[0]) if r.size else float("nan")
    r[:1] = np.nan
    if cascade.alive:
        r[max(row, 0) + 1 :] = np.nan
    if row < 0 or not cascade.alive:
        return Cohorts(r, -1 if (began < _UNKNOWN).all() else -2, seeds)
    return Cohorts(r, cascade.started_at + row, seeds)


def _waiting(cascade: Cascade) -> Ids:
    """Return the agents that may still cause an adoption; all adopters if the message failed."""
    if cascade.status == "quiet":
        return np.empty(0, np.uint32)
    return cascade.adopters if cascade.status == "failed" else cascade.model.may_pass_on(cascade)


def _destroyed(cascade: Cascade) -> Ids:
    if cascade.around is None or not cascade.alive:
        return np.empty(0, np.uint32)
    status = cascade.around.people().column("status")[: cascade.agents]
    return np.flatnonzero(~belongs(status, "network")).astype(np.uint32)


def _long(column: I64, rows: int) -> I64:
    """Return a column of ``rows`` rows, padded with 0."""
    out = np.zeros(rows, np.int64)
    out[: min(rows, column.size)] = column[:rows]
    return out
