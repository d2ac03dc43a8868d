"""Pair approximation of any compartmental model: the states of both ends of a tie, together.

Everybody has the mean number of ties, and what an agent's other neighbours do follows from its own
state alone (Matsuda et al. 1992; Keeling 1999). Exact on an infinite tree of constant degree only
where no agent returns to an earlier state; a good curve elsewhere as long as short loops are few.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sim.core.theory import Setting, Theory
from sim.spread.meanfield import Spelled, escaping, followed

__all__ = ["MOST_STATES", "pairs"]

Floats = npt.NDArray[np.float64]
MOST_STATES = 16
"""Models of more states are not followed in pairs: their cost is the fourth power."""


def pairs(rules: Spelled, setting: Setting, ticks: int) -> Theory:
    """Return the curve of the pair approximation, for a mean degree of at least 1."""
    degree = max(setting.mean_degree, 1.0)
    ends = rules.at_first(setting)
    start = np.outer(ends, ends)

    def moved(now: Floats) -> Floats:
        return _flow(rules, degree, now)

    def ticked(now: Floats) -> Floats:
        return _tick(rules, degree, now)

    both = followed(start, moved if rules.in_rates else None, ticked, ticks)
    expected = setting.agents * both.sum(axis=2)
    return Theory("pair approximation (Keeling 1999)", rules.states, expected)


def _given(now: Floats) -> Floats:
    """Return the law of a neighbour's state given one's own, (own, neighbour's)."""
    shares: Floats = now / np.maximum(now.sum(axis=1), 1e-300)[:, None]
    return shares


def _a_tie(rules: Spelled, degree: float) -> float:
    """Return how often a speaker uses one given tie in a tick."""
    return 1.0 if rules.calls is None else min(rules.calls / degree, 1.0)


def _flow(rules: Spelled, degree: float, now: Floats) -> Floats:
    """Return the derivative of the pairs (a, b)."""
    use, given = _a_tie(rules, degree), _given(now)
    others = (degree - 1.0) * use
    outside = (
        others * np.einsum("ac,can->an", given, rules.hears)
        + others * np.einsum("ac,acn->an", given, rules.says)
        + rules.alone
    )
    first = now[:, :, None] * outside[:, None, :]
    change = np.einsum("abn->nb", first) - first.sum(axis=2)
    inside = use * now[:, :, None, None] * rules.joint
    change += inside.sum(axis=(0, 1)) - inside.sum(axis=(2, 3))
    both: Floats = change + change.T
    return both


def _tick(rules: Spelled, degree: float, now: Floats) -> Floats:
    """Return the pairs one tick later; ends of a tie move independently, given each other."""
    use, given = _a_tie(rules, degree), _given(now)
    size = len(rules.states)
    others, one = np.full(1, degree - 1.0), np.full(1, 1.0)
    hears = use * np.einsum("ac,can->an", given, rules.hears)
    says = use * np.einsum("ac,acn->an", given, rules.says)
    moves = np.empty((size, size, size))
    for b in range(size):
        moves[:, b] = escaping(
            rules.alone,
            (hears, others), (says, others),
            (use * rules.hears[b], one), (use * rules.says[:, b], one),
        )[0]  # fmt: skip
    following: Floats = np.einsum("ab,abm,ban->mn", now, moves, moves)
    return following
