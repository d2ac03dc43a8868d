"""The edge-based compartmental model, for any residence times, and how large an epidemic gets.

Miller, Slim & Volz, "Edge-based compartmental modelling for infectious disease spread", J. R. Soc.
Interface 2012. On a large random network with given degrees and mutual ties it is exact, for every
model in which the first state is left by contacts alone and never entered, and nothing else follows
from contacts: SI, SIR, SIRD, SEIR, SAIR, SIHR and what a user declares like them.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from sim.arrays import F64
from sim.core.theory import Setting, Theory
from sim.spread.theory.meanfield import ExplicitRules, followed

EDGES = "edge-based compartmental model (Miller et al. 2012)"


def is_edge_based(rules: ExplicitRules) -> bool:
    """Return whether the equations hold for these rules."""
    returns = rules.alone[:, 0].any() or rules.hears[:, :, 0].any()
    others = rules.hears[:, 1:].any() or rules.says.any()
    return not (rules.calls is not None or rules.alone[0].any() or returns or others)


def _pgf(setting: Setting, derivative: int, at: float) -> float:
    """Return a derivative of the generating function of degrees, sum of p_k x^k, at ``at``."""
    k = np.arange(setting.degrees.size, dtype=np.float64)
    factor, power = setting.degrees.copy(), k.copy()
    for _ in range(derivative):
        factor, power = factor * power, power - 1.0
    held = factor > 0.0
    return float((factor[held] * at ** power[held]).sum())


def edge_based(rules: ExplicitRules, setting: Setting, ticks: int) -> Theory:
    """Return the curve of the edge-based compartmental model."""
    contacts = rules.hears[1:, 0, 1:]
    behind = rules.at_first(setting)[1:]
    course = edge_course(contacts, rules.alone[1:, 1:], behind, setting, ticks, rules.in_rates)
    return Theory(EDGES, rules.states, setting.agents * course)


def edge_course(
    contacts: F64, leaves: F64, start: F64, setting: Setting, ticks: int, in_rates: bool
) -> F64:
    """Return the share of agents in the first state and in each of those behind it, tick by tick.

    ``theta`` is the chance that no message has come over a given tie to an agent that has passed
    none on itself; ``phi`` the chance that none has come and its source is in each state behind the
    first.
    """
    fresh, size = 1.0 - float(start.sum()), start.size
    mean = max(_pgf(setting, 1, 1.0), 1e-300)
    passes, away = contacts.sum(axis=1), leaves.sum(axis=1)
    stays = leaves + np.diag(1.0 - away)

    def shared(phi: F64) -> F64:
        flow = phi @ contacts
        part: F64 = flow / max(float(flow.sum()), 1e-300)
        return part

    def moved(now: F64) -> F64:
        theta, phi, behind = now[0], now[1 : size + 1], now[size + 1 :]
        falls, part = float(passes @ phi), shared(phi)
        new = fresh * _pgf(setting, 2, theta) / mean * falls
        hit = fresh * _pgf(setting, 1, theta) * falls
        d_phi = phi @ leaves - phi * (away + passes) + new * part
        return np.concatenate([[-falls], d_phi, behind @ leaves - behind * away + hit * part])

    def ticked(now: F64) -> F64:
        theta, phi, behind = now[0], now[1 : size + 1], now[size + 1 :]
        after = max(theta - float(passes @ phi), 0.0)
        new = fresh * (_pgf(setting, 1, theta) - _pgf(setting, 1, after)) / mean
        hit = fresh * (_pgf(setting, 0, theta) - _pgf(setting, 0, after))
        part = shared(phi)
        d_phi = (phi * (1.0 - passes)) @ stays + new * part
        return np.concatenate([[after], d_phi, behind @ stays + hit * part])

    first = np.concatenate([[1.0], start, start])
    course = followed(first, moved if in_rates else None, ticked, ticks)
    left = [fresh * _pgf(setting, 0, theta) for theta in course[:, 0]]
    return np.column_stack([left, course[:, size + 1 :]])


def transmissibility(rules: ExplicitRules) -> float:
    """Return the chance that a seed ever passes the message over one given tie."""
    if not is_edge_based(rules):
        raise ValueError("Only rules that the edge-based model covers have a transmissibility.")
    passes = rules.hears[1:, 0, :].sum(axis=1)
    leaves = rules.alone[1:, 1:]
    if rules.in_rates:
        whole = np.diag(passes + leaves.sum(axis=1)) - leaves
    else:
        stays = leaves + np.diag(1.0 - leaves.sum(axis=1))
        whole = np.eye(len(passes)) - (1.0 - passes)[:, None] * stays
    silent = ~whole.any(axis=1)
    whole[silent, silent] = 1.0  # a state that passes nothing and is never left
    ever = np.linalg.solve(whole, passes)
    return float(ever[rules.seeded - 1])


def attack_rate(setting: Setting, transmissibility: float) -> float:
    """Return the share that a large epidemic reaches, from few seeds, on a random network.

    ``1 - G(u)`` with ``u = 1 - T + T G'(u) / G'(1)`` (Newman 2002), where T is the chance that a
    tie ever transmits.

    Examples
    --------
    >>> import numpy as np
    >>> from sim.core.theory import Setting
    >>> round(attack_rate(Setting(1000, 1, np.array([0.0, 0.0, 0.0, 1.0])), 0.75), 6)
    0.962963
    """
    mean = max(_pgf(setting, 1, 1.0), 1e-300)
    if transmissibility * _pgf(setting, 2, 1.0) / mean <= 1.0:
        return 0.0
    low, high = 0.0, 1.0 - 1e-9
    for _ in range(200):
        u = (low + high) / 2
        if 1.0 - transmissibility + transmissibility * _pgf(setting, 1, u) / mean > u:
            low = u
        else:
            high = u
    return 1.0 - _pgf(setting, 0, (low + high) / 2)


_MOST_AGES = 800
_RARE = 1e-6


def stays_based(
    rules: ExplicitRules, laws: Mapping[int, tuple[int, F64]], setting: Setting, ticks: int
) -> tuple[Theory, ...]:
    """Return the edge-based curve, or nothing where it does not hold or has too many ages."""
    if not is_edge_based(rules) or any(becomes == 0 for becomes, _ in laws.values()):
        return ()
    short = {state: (becomes, _trimmed(law)) for state, (becomes, law) in laws.items()}
    behind = range(1, len(rules.states))
    ages = [short[state][1].size if state in short else 1 for state in behind]
    if sum(ages) > _MOST_AGES:
        return ()
    owner = np.repeat(np.arange(len(ages)), ages)
    first = np.concatenate([[0], np.cumsum(ages)[:-1]])
    contacts, leaves = np.zeros((owner.size,) * 2), np.zeros((owner.size,) * 2)
    contacts[:, first] = rules.hears[1:, 0, 1:][owner]
    for state in behind:
        at = int(first[state - 1])
        if state not in short:
            leaves[at, first] = rules.alone[state, 1:]
            continue
        becomes, law = short[state]
        ends = np.diff(law, prepend=0.0) / (1.0 - np.concatenate([[0.0], law[:-1]]))
        age = at + np.arange(law.size)
        leaves[age[:-1], age[1:]] = 1.0 - ends[:-1]
        leaves[age, first[becomes - 1]] += ends
    start = np.zeros(owner.size)
    start[first] = rules.at_first(setting)[1:]
    course = edge_course(contacts, leaves, start, setting, ticks, in_rates=False)
    expected = np.zeros((ticks + 1, len(rules.states)))
    np.add.at(expected.T, np.concatenate([[0], owner + 1]), course.T)
    return (Theory(EDGES, rules.states, setting.agents * expected),)


def _trimmed(law: F64) -> F64:
    """Return a law without its last few in a million."""
    short = law[: int(np.argmax(law >= 1.0 - _RARE)) + 1].copy()
    short[-1] = 1.0
    return short
