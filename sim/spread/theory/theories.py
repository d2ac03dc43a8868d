"""``curves``: the analytic curves that apply to a compartmental model, the most exact first."""

from __future__ import annotations

import numpy as np

from sim.core.theory import Setting, Theory
from sim.errors import InputError
from sim.spread.compartments.rules import RuleTable
from sim.spread.theory.edges import edge_based, is_edge_based
from sim.spread.theory.meanfield import heterogeneous, homogeneous, spell_out
from sim.spread.theory.pairs import MOST_STATES, pairs

__all__ = ["curves", "refuse"]

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
    """Return the predicted curves, the sharpest first.

    Parameters
    ----------
    table, states, seeded
        The rules, the names of states, and that of seeds.
    setting, ticks
        What is known of the world, and for how long.
    in_rates
        Whether the rules hold rates in continuous time.

    Raises
    ------
    InputError
        When the setting has no agents, more seeds than agents, or shares that do not sum to 1.
    """
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
