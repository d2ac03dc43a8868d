"""The edge-based compartmental model with arbitrary residence times (states split by age)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from sim.core.theory import Setting, Theory
from sim.spread.theory.edges import EDGES, edge_course, is_edge_based
from sim.spread.theory.meanfield import ExplicitRules

__all__ = ["stays_based"]

Floats = npt.NDArray[np.float64]
_MOST_AGES = 800
_RARE = 1e-6


def stays_based(
    rules: ExplicitRules, laws: Mapping[int, tuple[int, Floats]], setting: Setting, ticks: int
) -> tuple[Theory, ...]:
    """Return the edge-based curve, or nothing where it does not hold or has too many ages.

    Parameters
    ----------
    rules
        Contacts, and changes by chance; in ticks.
    laws
        By state: the one that follows, and the cumulated chances of staying 1, 2, ... ticks.
    setting, ticks
        As for any theory.
    """
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


def _trimmed(law: Floats) -> Floats:
    """Return a law without its last few in a million."""
    short = law[: int(np.argmax(law >= 1.0 - _RARE)) + 1].copy()
    short[-1] = 1.0
    return short
