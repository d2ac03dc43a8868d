"""Reputation over a whole network: agents are trusted if trusted agents trust them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from sim.arrays import F64
from sim.core.progress import Report, quiet
from sim.core.threads import in_threads, workers
from sim.errors import InputError
from sim.network.analysis import reputation_kernels as kernels
from sim.network.graph.arcs import chunks, validated
from sim.network.graph.changes import outcomes
from sim.network.graph.ties import Ties

RESTART = 0.4
"""Share of all reputation that returns to the pre-trusted agents in each step."""

TOLERANCE = 1e-9
_FORESEEN = 1e-2
"""Tolerated error, as a share of all reputation, where only the order of agents matters."""
_FINE = 1e-6
"""With a smaller tolerance, what agents pass on is held in 64 bits instead of 32."""
_SLICES, _PART = 8, 1 << 15
"""Slices updated one after the other from the latest values, and agents that one thread updates."""


def founders(ties: Ties) -> F64:
    """Return each agent's prior trust when no trusted agents are named: float64 (n,).

    The tenth of highest reputation are trusted evenly; that reputation starts from the hundredth
    with the most followers: a few followers can be bought, and a ring of fakes follows its own.
    Agents with equal values at a cut-off share the remaining places evenly, so that
    their numbering does not matter; if all agents are alike, all are trusted alike. A tie of
    negative sign does not count. Not negative, sums to 1.

    Numerous fakes that follow mostly each other can still be among them:
    if this is a concern, name the trusted agents.
    """
    return trace_founders(ties)[0]


def trace_founders(
    ties: Ties, rank: F64 | None = None, sweeps: int | None = None
) -> tuple[F64, bool]:
    """Return :func:`founders` and True; or after ``sweeps`` what to go on from, and False."""
    most = _highest(ties, _listeners(ties).astype(np.float64), 100)
    rank = RESTART * most if rank is None else rank
    if not flowed(ties, most, rank, tolerance=_FORESEEN, sweeps=sweeps, at_once=ties.agents):
        return rank, False
    return _highest(ties, np.round(rank / float(rank.sum()) * ties.members, 3), 10), True


def _highest(ties: Ties, measured: F64, part: int) -> F64:
    """Return even shares of the highest ``1 / part`` of living agents, float64 (n,), sums to 1."""
    measured[ties.gone] = -np.inf
    agents = measured.size
    places = max(ties.members // part, 1)
    least = np.partition(measured, agents - places)[agents - places]
    inside, last = measured > least, measured == least
    left = places - int(np.count_nonzero(inside))
    share: F64 = inside + last * (left / np.count_nonzero(last))
    return share / places


def _listeners(ties: Ties) -> npt.NDArray[np.int64]:
    """Return how many agents follow each agent without a negative sign, int64 (n,)."""
    heard = ties.out_degree.astype(np.int64)
    if ties.live.sign.size:  # the tight column would copy all ties of a network that changes
        heard -= np.bincount(ties.sources()[ties.sign < 0], minlength=ties.agents)
    return heard


def reputation(
    ties: Ties,
    trusted: npt.ArrayLike | None = None,
    *,
    beforehand: npt.ArrayLike | None = None,
    restart: float = RESTART,
    tolerance: float = TOLERANCE,
    guess: npt.ArrayLike | None = None,
    report: Report = quiet,
) -> F64:
    """Return the reputation of every agent, EigenTrust (Kamvar et al. 2003).

    Each agent passes its reputation on to those it follows, in proportion to its trust in them;
    an agent that follows nobody returns it to the pre-trusted. With x the reputation, c[v, u] the
    share of v's trust that u has, and p the prior trust of each agent, which sums to 1::

        x[u] = restart * p[u] + (1 - restart) * sum over listeners v of c[v, u] * x[v]

    A ring of fakes cannot create reputation, only retain what honest agents pass to it a little
    longer: whatever its size and inner ties, it has at most (1 - restart) / restart times the
    reputation that flows in from outside in a step, 1.5 times by default, as long as none of it is
    pre-trusted. A small trusted set is an attractive target for manipulation: with that of
    :func:`founders`, 100 or 1,000 agents fooled at random gave rings of 10 to 10,000 in networks of
    100,000 between 1.1 and 2.4 times their share of all trust.

    Parameters
    ----------
    ties
        The network, with trust; ties of negative sign (-1) carry none.
    trusted
        Pre-trusted agents, evenly; default: those of :func:`founders`. The numbering of agents
        has no effect on their reputations.
    beforehand
        Prior trust of each agent (n,), not negative, in any unit; instead of
        ``trusted``.
    restart
        In (0, 1): smaller values reach farther, and help fakes more.
    tolerance
        Bound on the sum of all errors, as a share of all reputation.
    guess
        Reputation (n,), not negative, in any unit, to start from: an earlier result saves
        sweeps, and the error bound holds for any start.
    report
        Progress callback; may cancel.

    Returns
    -------
    float64 (n,)
        Not negative, sums to 1.

    Raises
    ------
    InputError
        If no agent is trusted, an agent does not exist, or restart is outside (0, 1).
    """
    if not 0.0 < restart < 1.0:
        raise InputError(f"restart must be above 0 and below 1, got {restart:g}.")
    share = prior_trust(ties, trusted, beforehand)
    rank = restart * share if guess is None else np.array(guess, np.float64)
    if guess is not None:
        rank /= max(float(rank.sum()), np.finfo(np.float64).tiny)
    flowed(ties, share, rank, restart=restart, tolerance=tolerance, report=report)
    return rank / float(rank.sum())


def prior_trust(ties: Ties, trusted: npt.ArrayLike | None, beforehand: npt.ArrayLike | None) -> F64:
    """Return the prior trust of each agent, float64 (n,) in sum 1; see :func:`reputation`."""
    if beforehand is not None:
        return _shares(ties, beforehand)
    return founders(ties) if trusted is None else _named(ties.agents, trusted)


def _shares(ties: Ties, beforehand: npt.ArrayLike) -> F64:
    """Return the given shares, scaled to sum 1."""
    given = np.asarray(beforehand, np.float64)
    if given.shape != (ties.agents,) or not (given >= 0).all() or not 0 < given.sum() < np.inf:
        raise InputError(
            f"Trust beforehand is one number for each of the {ties.agents:,} agents, none below 0 "
            f"and some above."
        )
    share: F64 = given / given.sum()
    return share


def flowed(
    ties: Ties, beforehand: F64, rank: F64, *, tolerance: float, restart: float = RESTART,
    sweeps: int | None = None, at_once: int = 0, report: Report = quiet,
) -> bool:  # fmt: skip
    """Update reputation in place until errors are tolerated, or by ``sweeps``; return if they are.

    ``rank`` is any start, in any unit; ``beforehand`` sums to 1; see :func:`reputation`. With
    ``at_once`` agents updated from what was passed on before (0: an eighth), few sweeps are needed
    if it is small; if it is all, remaining errors do not depend on the numbering of agents.
    """
    at_once = at_once or -(-ties.agents // _SLICES)
    base, live = restart * beforehand, ties.live
    passed = _given(ties)
    np.divide(1.0 - restart, passed, out=passed, where=passed > 0)
    share: Any = (rank * passed).astype(np.float64 if tolerance < _FINE else np.float32)
    after, change, swept = np.empty_like(share), 1.0, 0

    def work(part: tuple[int, int]) -> float:
        return kernels.flow(
            live.rows, live.ids, live.trust, live.sign, base, passed, *part, rank, share, after
        )

    while change * (1.0 - restart) > tolerance * restart:
        if swept == sweeps:
            return False
        report("weighing reputation", min(1.0, tolerance / change))
        change, swept = 0.0, swept + 1
        for begin, end in chunks(ties.agents, at_once):
            parts = [(low, min(low + _PART, end)) for low in range(begin, end, _PART)]
            change += sum(in_threads(work, parts, workers()))
            share[begin:end] = after[begin:end]
        change /= float(rank.sum())
    return True


def _given(ties: Ties) -> F64:
    """Return the trust (in 1/65535) that each agent gives in total, float64 (n,)."""
    live, total = ties.live, np.zeros(ties.agents)

    def work(part: tuple[int, int]) -> npt.NDArray[np.int64]:
        given = np.zeros(ties.agents, np.int64)
        kernels.given_trust(live.rows[slice(*part)], live.ids, live.trust, live.sign, given)
        return given

    threads = workers()
    for given in in_threads(work, chunks(ties.agents, -(-ties.agents // threads)), threads):
        total += given  # whole numbers: their order does not matter
    return total


def _named(agents: int, trusted: npt.ArrayLike | None) -> F64:
    """Return prior trust shared evenly among the named agents, in sum 1."""
    ids = np.unique(np.asarray(trusted))
    if ids.dtype.kind not in "iu" or not ids.size or ids[0] < 0 or ids[-1] >= agents:
        raise InputError(
            f"Reputation needs at least one agent that is trusted beforehand, each an index below "
            f"{agents:,}."
        )
    share = np.zeros(agents)
    share[ids] = 1.0 / ids.size
    return share


def foretold(
    raters: npt.ArrayLike, rated: npt.ArrayLike, good: npt.ArrayLike, agents: int | None = None
) -> F64:
    """Return the predicted probability that each outcome is good, from earlier outcomes only.

    Beta reputation (Josang & Ismail 2002) of the rated agent, (good + 1) to (bad + 1), times the
    same odds of the rater's own earlier ratings: some rate everybody well. 1/2 without history.

    Parameters
    ----------
    raters, rated
        Integers (k,), in chronological order.
    good
        bool (k,).
    agents
        Number of agents; by default the largest index + 1.

    Returns
    -------
    float64 (k,)
        In (0, 1).

    Raises
    ------
    InputError
        For invalid indices or outcomes.
    """
    rated_ids, rater_ids, count = validated(rated, raters, agents)
    out, received, given = np.empty(rater_ids.size), np.zeros((count, 2)), np.zeros((count, 2))
    said = outcomes(good, rater_ids.size)
    kernels.foretell(rater_ids, rated_ids, said, received, given, out)
    return out
