"""``curves``: the analytic curves of a compartmental model, pair approximation among them.

Everybody has the mean number of ties, and what an agent's other neighbours do follows from its own
state alone (Matsuda et al. 1992; Keeling 1999). Exact on an infinite tree of constant degree only
where no agent returns to an earlier state; a good curve elsewhere as long as short loops are few.
"""

from __future__ import annotations

import numpy as np

from sim.arrays import F64
from sim.core.theory import Setting, Theory
from sim.errors import InputError
from sim.spread.compartments.rules import RuleTable
from sim.spread.theory.edges import edge_based, is_edge_based
from sim.spread.theory.meanfield import (
    ExplicitRules,
    escaping,
    followed,
    heterogeneous,
    homogeneous,
    spell_out,
)

_ALIKE = 0.2
"""The largest standard deviation of degrees, in mean degrees, at which pairs are followed."""


def curves(
    table: RuleTable,
    states: tuple[str, ...],
    seeded: str,
    setting: Setting,
    ticks: int,
    *,
    in_rates: bool,
) -> tuple[Theory, ...]:
    """Return the predicted curves, the sharpest first."""
    refuse(setting)
    rules = spell_out(table, states, states.index(seeded), in_rates=in_rates)
    k = np.arange(setting.degrees.size)
    variance = float(setting.degrees @ (k - setting.mean_degree) ** 2)
    spread = variance**0.5 if variance > 1e-9 else 0.0
    found: list[Theory] = []
    if is_edge_based(rules):
        found.append(edge_based(rules, setting, ticks))
    if spread <= _ALIKE * setting.mean_degree and len(states) <= MOST_STATES:
        found.append(pairs(rules, setting, ticks))
    if spread > 0.0:
        found.append(heterogeneous(rules, setting, ticks))
    return (*found, homogeneous(rules, setting, ticks))


def refuse(setting: Setting) -> None:
    """Raise InputError for a setting that cannot be."""
    if not 0 <= setting.seeds <= setting.agents or setting.agents < 1:
        raise InputError(
            f"A setting has at least one agent and at most as many seeds, got {setting.agents:,} "
            f"agents and {setting.seeds:,} seeds."
        )
    if abs(float(setting.degrees.sum()) - 1.0) > 1e-6:
        raise InputError(
            f"The shares of degrees must sum to 1, got {float(setting.degrees.sum()):g}."
        )


MOST_STATES = 16
"""Models of more states are not followed in pairs: their cost is the fourth power."""


def pairs(rules: ExplicitRules, setting: Setting, ticks: int) -> Theory:
    """Return the curve of the pair approximation, for a mean degree of at least 1."""
    degree = max(setting.mean_degree, 1.0)
    ends = rules.at_first(setting)
    start = np.outer(ends, ends)

    def moved(now: F64) -> F64:
        return _flow(rules, degree, now)

    def ticked(now: F64) -> F64:
        return _tick(rules, degree, now)

    both = followed(start, moved if rules.in_rates else None, ticked, ticks)
    expected = setting.agents * both.sum(axis=2)
    return Theory("pair approximation (Keeling 1999)", rules.states, expected)


def _given(now: F64) -> F64:
    """Return the law of a neighbour's state given one's own, (own, neighbour's)."""
    shares: F64 = now / np.maximum(now.sum(axis=1), 1e-300)[:, None]
    return shares


def _a_tie(rules: ExplicitRules, degree: float) -> float:
    """Return how often a speaker uses one given tie in a tick."""
    return 1.0 if rules.calls is None else min(rules.calls / degree, 1.0)


def _flow(rules: ExplicitRules, degree: float, now: F64) -> F64:
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
    both: F64 = change + change.T
    return both


def _tick(rules: ExplicitRules, degree: float, now: F64) -> F64:
    """Return the pairs one tick later; ends of a tie move independently, given each other."""
    if rules.calls is not None:
        return _tick_of_calls(rules, rules.calls, degree, now)
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
    following: F64 = np.einsum("ab,abm,ban->mn", now, moves, moves)
    return following


def _tick_of_calls(rules: ExplicitRules, calls: int, degree: float, now: F64) -> F64:
    """Return the pairs one tick later where speakers use so many of their ties, each by lot.

    Who calls over a tie calls nobody else with that call: both cases, of either end, are followed
    apart. Were each tie used by a chance of its own, some would call twice in a tick and some not
    at all, and too many would stop: in Maki & Thompson's rumour 15.8 % instead of 19.8 % never
    hear (degree 50), 19.8 % instead of 27.3 % (degree 8).
    """
    use, given = _a_tie(rules, degree), _given(now)
    hears = use * np.einsum("ac,can->an", given, rules.hears)
    says = np.einsum("ac,acn->an", given, rules.says)
    following = np.zeros_like(now)
    for mine, yours in ((0, 0), (0, 1), (1, 0), (1, 1)):
        chance = (use if mine else 1.0 - use) * (use if yours else 1.0 - use)
        ends = [
            _ends(rules, degree, (hears, says), (calls, called, is_called))
            for called, is_called in ((mine, yours), (yours, mine))
        ]
        following += chance * np.einsum("ab,abm,ban->mn", now, *ends)
    return following


def _ends(
    rules: ExplicitRules, degree: float, beside: tuple[F64, F64], about: tuple[int, int, int]
) -> F64:
    """Return the moves (a, b, a') of the ends ``a`` of ties to ``b``.

    ``beside``: what each other tie tells an agent, and what a call over one makes of its caller;
    ``about``: its calls in a tick, whether one goes over this tie, whether it is called over it.
    """
    (hears, says), (calls, called, is_called) = beside, about
    size = len(rules.states)
    moves = np.empty((size, size, size))
    for b in range(size):
        contacts = [(hears, degree - 1.0), (says, float(calls - called))]
        contacts += [(rules.says[:, b], 1.0)] if called else []
        contacts += [(rules.hears[b], 1.0)] if is_called else []
        moves[:, b] = escaping(
            rules.alone, *((does, np.full(1, many)) for does, many in contacts)
        )[0]  # fmt: skip
    return moves
