"""Who is trusted by those who are trusted: reputation over a whole network."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sim.core.progress import Report, quiet
from sim.errors import InputError
from sim.kernels import reputation as kernels
from sim.network.arcs import chunks, vetted
from sim.network.changes import outcomes
from sim.network.ties import Ties

__all__ = ["RESTART", "TOLERANCE", "foretold", "founders", "reputation"]

Floats = npt.NDArray[np.float64]

RESTART = 0.4
"""Share of all reputation that returns to those trusted beforehand in each step."""

TOLERANCE = 1e-9
_SLICE = 1 << 16


def founders(agents: int) -> npt.NDArray[np.uint32]:
    """Return whom a world trusts beforehand unless told otherwise: its first tenth, rising."""
    return np.arange(min(agents, max(agents // 10, 1)), dtype=np.uint32)


def reputation(
    ties: Ties,
    trusted: npt.ArrayLike | None = None,
    *,
    restart: float = RESTART,
    tolerance: float = TOLERANCE,
    guess: npt.ArrayLike | None = None,
    report: Report = quiet,
) -> Floats:
    """Return the reputation of every agent, EigenTrust (Kamvar et al. 2003).

    Everybody hands its reputation on to those it hears, in the shares in which it trusts them;
    who hears nobody hands it back to those trusted beforehand. With x the reputation, c[v, u] the
    share of v's trust that u has, and p even over ``trusted``::

        x[u] = restart * p[u] + (1 - restart) * sum over listeners v of c[v, u] * x[v]

    A ring of fakes cannot make reputation, only keep what honest agents hand it a little longer:
    whatever its size and inner ties, it has at most (1 - restart) / restart times the reputation
    that flows to it from outside in a step, 1.5 times by default, as long as none of it is
    trusted beforehand. Few that are trusted beforehand are a few that it pays to fool: with a tenth
    of all, 50 fooled at random gave a ring 1.5 times their share of all trust (at most 2.5 in 12
    networks of 5,000), with a hundredth 1.9 times (at most 5.5).

    Parameters
    ----------
    ties
        Who hears whom, with trust; ties against their source (sign -1) carry none.
    trusted
        Agents trusted beforehand; default: :func:`founders`.
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
    base, live = _trusted(ties.agents, trusted, restart), ties.live
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


def _trusted(agents: int, trusted: npt.ArrayLike | None, restart: float) -> Floats:
    """Return what each agent has for being trusted beforehand."""
    if not 0.0 < restart < 1.0:
        raise InputError(f"restart must be above 0 and below 1, got {restart:g}.")
    ids = founders(agents) if trusted is None else np.unique(np.asarray(trusted))
    if ids.dtype.kind not in "iu" or not ids.size or ids[0] < 0 or ids[-1] >= agents:
        raise InputError(
            f"Reputation needs at least one agent that is trusted beforehand, each an index below "
            f"{agents:,}."
        )
    base = np.zeros(agents)
    base[ids] = restart / ids.size
    return base


def foretold(
    raters: npt.ArrayLike, rated: npt.ArrayLike, good: npt.ArrayLike, agents: int | None = None
) -> Floats:
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
    rated_ids, rater_ids, count = vetted(rated, raters, agents)
    out, received, given = np.empty(rater_ids.size), np.zeros((count, 2)), np.zeros((count, 2))
    said = outcomes(good, rater_ids.size)
    kernels.foretell(rater_ids, rated_ids, said, received, given, out)
    return out
