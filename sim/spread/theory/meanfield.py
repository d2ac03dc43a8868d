"""Mean-field equations of any compartmental model, made from its table of rules.

*Homogeneous*: everybody has the mean number of ties, and their ends are strangers each tick.
*Heterogeneous* (Pastor-Satorras & Vespignani 2001): agents of a degree are alike, and the end of a
tie is found in proportion to its degree. Both for ticks (an agent escapes with the product of its
contacts' chances) and for continuous time (rates add up). Ties count as mutual, trust as full.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from sim.arrays import F64
from sim.core.theory import Setting, Theory
from sim.spread.compartments.rules import KEEP, RuleTable

_CLASSES = 64
_ALMOST = 1.0 - 1e-12


@dataclass(frozen=True)
class ExplicitRules:
    """A table of rules with every outcome written out.

    Attributes
    ----------
    states
        Names.
    seeded
        The state of seeds.
    joint
        float64 (s, l, s', l'): the chance (or rate) that one contact of a speaker in ``s`` with a
        listener in ``l`` leaves them in ``s'`` and ``l'``; 0 where neither changes.
    alone
        float64 (s, s'): of a change by itself; 0 on the diagonal.
    calls
        How many random ties a speaker uses in a tick; ``None``: every tie.
    in_rates
        Whether numbers are rates in continuous time.
    """

    states: tuple[str, ...]
    seeded: int
    joint: F64
    alone: F64
    calls: int | None
    in_rates: bool

    @cached_property
    def hears(self) -> F64:
        """What a contact makes of its listener, float64 (s, l, l'); 0 where it does not change."""
        table: F64 = self.joint.sum(axis=2)
        for state in range(len(self.states)):
            table[:, state, state] = 0.0
        return table

    @cached_property
    def says(self) -> F64:
        """What a contact makes of its speaker, float64 (s, l, s'); 0 where it does not change."""
        table: F64 = self.joint.sum(axis=3)
        for state in range(len(self.states)):
            table[state, :, state] = 0.0
        return table

    def at_first(self, setting: Setting) -> F64:
        """Return the share of agents in each state at the start."""
        shares = np.zeros(len(self.states))
        shares[self.seeded] = setting.seeds / setting.agents
        shares[0] += 1.0 - setting.seeds / setting.agents
        return shares


def spell_out(
    table: RuleTable, states: tuple[str, ...], seeded: int, *, in_rates: bool
) -> ExplicitRules:
    """Return the rules of a table written out."""
    size = len(states)
    joint, alone = np.zeros((size,) * 4), np.zeros((size, size))
    for row in range(size * size):
        s, heard, before = row // size, row % size, 0.0
        for o in range(table.off[row], table.off[row + 1]):
            turned = s if table.speaker[o] == KEEP else table.speaker[o]
            new = heard if table.listener[o] == KEEP else table.listener[o]
            joint[s, heard, turned, new] += table.cum[o] - before
            before = float(table.cum[o])
        joint[s, heard, s, heard] = 0.0
    for s in range(size):
        shares = np.diff(table.scum[table.soff[s] : table.soff[s + 1]], prepend=0.0)
        np.add.at(alone[s], table.snew[table.soff[s] : table.soff[s + 1]], shares)
        alone[s, s] = 0.0
    calling = table.mode[table.mode > 2]
    return ExplicitRules(
        states, seeded, joint, alone, int(calling[0]) - 3 if calling.size else None, in_rates
    )


def classes_of(setting: Setting) -> tuple[F64, F64]:
    """Return (degrees, share of agents with each), at most some 64; neighbours are pooled."""
    degrees = np.flatnonzero(setting.degrees)
    shares = setting.degrees[degrees]
    if degrees.size > _CLASSES:
        fine = np.log1p(degrees) * _CLASSES / np.log1p(degrees[-1])
        _, pool = np.unique(fine.astype(np.int64), return_inverse=True)
        pooled = np.bincount(pool, shares)
        mean: F64 = np.bincount(pool, shares * degrees) / pooled
        return mean, pooled.astype(np.float64)
    return degrees.astype(np.float64), shares


def homogeneous(rules: ExplicitRules, setting: Setting, ticks: int) -> Theory:
    """Return the mean-field curve of a population in which everybody is alike."""
    degrees, shares = np.array([setting.mean_degree]), np.ones(1)
    expected = _by_degree(rules, setting, degrees, shares, ticks)
    return Theory("homogeneous mean field", rules.states, expected)


def heterogeneous(rules: ExplicitRules, setting: Setting, ticks: int) -> Theory:
    """Return the mean-field curve by degree (Pastor-Satorras & Vespignani 2001)."""
    degrees, shares = classes_of(setting)
    expected = _by_degree(rules, setting, degrees, shares, ticks)
    return Theory(
        "degree-based mean field (Pastor-Satorras & Vespignani 2001)", rules.states, expected
    )


def _by_degree(
    rules: ExplicitRules, setting: Setting, degrees: F64, shares: F64, ticks: int
) -> F64:
    """Follow the states (degrees, states) of each class of degree."""
    ends = degrees * shares / max(float(degrees @ shares), 1e-300)
    calls = rules.calls
    each = shares * (degrees > 0) / max(float(degrees @ shares), 1e-300)
    spoken: F64 = degrees if calls is None else np.where(degrees > 0.0, float(calls), 0.0)

    def met(now: F64) -> tuple[F64, F64]:
        """Return what one tie does to its listener (l, l'), one contact to its speaker (s, s')."""
        found = ends @ now
        speaks = found if calls is None else calls * (each @ now)
        hears = np.einsum("s,sln->ln", speaks, rules.hears)
        return hears, np.einsum("l,sln->sn", found, rules.says)

    def moved(now: F64) -> F64:
        hears, says = met(now)
        per_class = degrees[:, None, None] * hears + spoken[:, None, None] * says + rules.alone
        flow: F64 = now[:, :, None] * per_class
        change: F64 = flow.sum(axis=1) - flow.sum(axis=2)
        return change

    def ticked(now: F64) -> F64:
        hears, says = met(now)
        moves = escaping(rules.alone, (hears, degrees), (says, spoken))
        following: F64 = np.einsum("ks,ksn->kn", now, moves)
        return following

    start = np.tile(rules.at_first(setting), (degrees.size, 1))
    counted = followed(start, moved if rules.in_rates else None, ticked, ticks)
    expected: F64 = setting.agents * np.einsum("tks,k->ts", counted, shares)
    return expected


def escaping(alone: F64, *contacts: tuple[F64, F64]) -> F64:
    """Return the moves of one tick, (classes, s, s'), of agents that contacts may change."""
    weights, escaped = np.zeros(()), np.ones(())
    for does, many in contacts:
        any_of = np.minimum(does.sum(axis=-1), _ALMOST)
        logs = -np.log1p(-any_of) * many[:, None]
        escaped = escaped * np.exp(-logs)
        part = does / np.maximum(does.sum(axis=-1), 1e-300)[..., None]
        weights = weights + logs[..., None] * part
    whole = np.maximum(weights.sum(axis=-1), 1e-300)[..., None]
    moves = (1.0 - escaped)[..., None] * weights / whole + escaped[..., None] * alone
    stay = 1.0 - moves.sum(axis=-1)
    size = alone.shape[-1]
    moves[..., np.arange(size), np.arange(size)] += stay
    return np.asarray(moves)


def followed(
    start: F64,
    rate: Callable[[F64], F64] | None,
    ticked: Callable[[F64], F64],
    ticks: int,
) -> F64:
    """Return the states after 0, 1, ... ``ticks``, stacked."""
    out = np.empty((ticks + 1, *start.shape))
    out[0] = start
    for tick in range(ticks):
        out[tick + 1] = ticked(out[tick]) if rate is None else _integrated(out[tick], rate)
        if np.array_equal(out[tick + 1], out[tick]):
            out[tick + 2 :] = out[tick]
            break
    return out


def _integrated(now: F64, rate: Callable[[F64], F64]) -> F64:
    """Return the states one unit of time later; steps follow how fast the fastest state moves."""
    left = 1.0
    while left > 0.0:
        first = rate(now)
        step = min(left, 0.125, _longest(now, first))
        second = rate(now + step / 2 * first)
        third = rate(now + step / 2 * second)
        fourth = rate(now + step * third)
        now = np.maximum(now + step / 6 * (first + 2 * second + 2 * third + fourth), 0.0)
        left = left - step if left - step > 1e-12 else 0.0
    return now


def _longest(now: F64, rate: F64) -> float:
    """Return a step in which no state that matters loses more than some of itself."""
    falling = (rate < 0.0) & (now > 1e-9)
    if not falling.any():
        return 1.0
    return max(float((now[falling] / -rate[falling]).min()) / 2, 1e-3)
