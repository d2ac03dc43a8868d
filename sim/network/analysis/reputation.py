"""Reputation over a whole network: trusted is whom the trusted trust."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sim.arrays import F64
from sim.core.progress import Report, quiet
from sim.errors import InputError
from sim.network.analysis import reputation_kernels as kernels
from sim.network.graph.arcs import chunks, validated
from sim.network.graph.changes import outcomes
from sim.network.graph.ties import Ties

RESTART = 0.4
"""Share of all reputation that returns to those trusted beforehand in each step."""

TOLERANCE = 1e-9
_FORESEEN = 1e-7
"""The share of all reputation that may be wrong where only the order of agents is asked."""
_SLICE = 1 << 16


def founders(ties: Ties) -> F64:
    """Return how far each agent is trusted beforehand unless somebody is named: float64 (n,).

    The tenth of highest reputation is, evenly, as those see it whom most listen to, a hundredth of
    all: listeners alone can be bought in small numbers, and a ring of fakes listens to its own. Of
    those as high as the last of a part, each has an even share of the places that are left, so that
    numbers of agents say nothing; in a network where all are alike, all are trusted alike. A tie
    against its source counts for nobody. Not negative, in sum 1.

    Fakes that are many and listen to their own as to nobody else come to be of them all the same:
    where they are feared, name whom to trust.
    """
    most = _highest(ties, _listeners(ties).astype(np.float64), 100)
    seen = _weighed(ties, most, RESTART, _FORESEEN, None, quiet)
    return _highest(ties, np.round(seen * ties.members, 6), 10)


def _highest(ties: Ties, measured: F64, part: int) -> F64:
    """Return even shares of one agent in so many, of the highest measure, float64 (n,) in sum 1.

    Those that are gone have none, and do not count.
    """
    measured[ties.gone] = -np.inf
    agents = measured.size
    places = max(ties.members // part, 1)
    least = np.partition(measured, agents - places)[agents - places]
    inside, last = measured > least, measured == least
    left = places - int(np.count_nonzero(inside))
    share: F64 = inside + last * (left / np.count_nonzero(last))
    return share / places


def _listeners(ties: Ties) -> npt.NDArray[np.int64]:
    """Return how many listen to each agent and are not against it, int64 (n,)."""
    heard = ties.out_degree.astype(np.int64)
    if ties.sign.size:
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

    Everybody hands its reputation on to those it hears, in the shares in which it trusts them;
    who hears nobody hands it back to those trusted beforehand. With x the reputation, c[v, u] the
    share of v's trust that u has, and p how far each is trusted beforehand, in sum 1::

        x[u] = restart * p[u] + (1 - restart) * sum over listeners v of c[v, u] * x[v]

    A ring of fakes cannot make reputation, only keep what honest agents hand it a little longer:
    whatever its size and inner ties, it has at most (1 - restart) / restart times the reputation
    that flows to it from outside in a step, 1.5 times by default, as long as none of it is
    trusted beforehand. Few that are trusted beforehand are a few that it pays to fool: with those
    of :func:`founders`, 100 or 1,000 fooled at random gave rings of 10 to 10,000 in networks of
    100,000 between 1.1 and 2.4 times their share of all trust.

    Parameters
    ----------
    ties
        Who hears whom, with trust; ties against their source (sign -1) carry none.
    trusted
        Agents trusted beforehand, evenly; default: those of :func:`founders`. Numbers of agents
        mean nothing: whoever numbers them in another way has the same reputations.
    beforehand
        How far each agent is trusted beforehand (n,), not negative, in any unit; in place of
        ``trusted``.
    restart
        In (0, 1): smaller reaches farther, and helps fakes more.
    tolerance
        The sum of all errors is at most this share of all reputation.
    guess
        Reputation (n,), not negative, in any unit, from which to begin: what it was before saves
        sweeps, and the bound on errors holds from wherever one begins.
    report
        Told of progress; may cancel.

    Returns
    -------
    float64 (n,)
        Not negative, in sum 1.

    Raises
    ------
    InputError
        For nobody trusted, agents that there are not, and a restart outside (0, 1).
    """
    if not 0.0 < restart < 1.0:
        raise InputError(f"restart must be above 0 and below 1, got {restart:g}.")
    share = founders(ties) if trusted is None and beforehand is None else None
    if share is None:
        share = _named(ties.agents, trusted) if beforehand is None else _shares(ties, beforehand)
    return _weighed(ties, share, restart, tolerance, guess, report)


def _shares(ties: Ties, beforehand: npt.ArrayLike) -> F64:
    """Return shares that somebody gave, in sum 1."""
    given = np.asarray(beforehand, np.float64)
    if given.shape != (ties.agents,) or not (given >= 0).all() or not 0 < given.sum() < np.inf:
        raise InputError(
            f"Trust beforehand is one number for each of the {ties.agents:,} agents, none below 0 "
            f"and some above."
        )
    share: F64 = given / given.sum()
    return share


def _weighed(
    ties: Ties, beforehand: F64, restart: float, tolerance: float,
    guess: npt.ArrayLike | None, report: Report,
) -> F64:  # fmt: skip
    """Return the reputation that comes of trust beforehand; as :func:`reputation`."""
    base, live = restart * beforehand, ties.live
    given = np.zeros(ties.agents, np.int64)
    kernels.given_trust(live.rows, live.ids, live.trust, live.sign, given)
    passed = np.divide(1.0 - restart, given, out=np.zeros(ties.agents), where=given > 0)
    rank = base.copy() if guess is None else np.array(guess, np.float64)
    if guess is not None:
        rank /= max(float(rank.sum()), np.finfo(np.float64).tiny)
    share, change = rank * passed, 1.0
    while change * (1.0 - restart) > tolerance * restart:
        change = 0.0
        for begin, end in chunks(ties.agents, _SLICE):
            report("weighing reputation", 1.0 - begin / ties.agents)
            change += kernels.flow(
                live.rows, live.ids, live.trust, live.sign, base, passed, begin, end, rank, share
            )
        change /= float(rank.sum())
    return rank / float(rank.sum())


def _named(agents: int, trusted: npt.ArrayLike | None) -> F64:
    """Return how far each agent is trusted beforehand, where somebody said who: in sum 1."""
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
    """Return how likely each outcome was to be good, from all outcomes before it alone.

    Beta reputation (Josang & Ismail 2002) of who is rated, (good + 1) to (bad + 1), times the same
    odds of the rater's own judgements so far: some are pleased by everybody. Of nobody known, 1/2.

    Parameters
    ----------
    raters, rated
        Integers (k,), in the order of time.
    good
        bool (k,).
    agents
        How many there are; by default the largest index + 1.

    Returns
    -------
    float64 (k,)
        In (0, 1).

    Raises
    ------
    InputError
        For indices and outcomes that are not allowed.
    """
    rated_ids, rater_ids, count = validated(rated, raters, agents)
    out, received, given = np.empty(rater_ids.size), np.zeros((count, 2)), np.zeros((count, 2))
    said = outcomes(good, rater_ids.size)
    kernels.foretell(rater_ids, rated_ids, said, received, given, out)
    return out
